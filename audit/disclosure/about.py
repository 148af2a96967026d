"""What a public report says of an audit beside its figures, from the plan and from names: nothing here is a count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from audit.analyses.sides import questions
from audit.disclosure.shape import public_method
from audit.plan.answers import BlindDetector, PredictionsDetector
from audit.plan.audit_plan import AuditPlan
from audit.plan.detectors import Detector as DetectorSection
from audit.plan.sections import DisclosureSection
from audit.public.about import Digested, PublicAbout
from audit.public.release import (
    PublicFeature,
    PublicRow,
    PublicRule,
)
from audit.result.audit_result import AuditResult
from audit.safeguards import public_governance, public_safeguards
from audit.vocabulary.groups import LevelName
from audit.vocabulary.metrics import MetricDefinition, MetricName
from audit.vocabulary.sentences import Value, Word, english, sentence

ALWAYS: Final[tuple[MetricName, ...]] = ("true_positive_rate", "false_positive_rate")
"""Shown whether a rule limits them or not: victims found, others wrongly flagged."""
_FEW: Final = 10
"""Fewer decisions than this are not counted in public, whatever lower floor a plan has."""


def _questions(plan: AuditPlan) -> dict[str, bool]:
    """Return further questions by name, and whether the plan asks them.

    What came of one, and that anything came of it, can follow from a single row.
    """
    return {
        "probes": bool(plan.probes),
        "random_sample": plan.control_sample is not None,
        "failures": not isinstance(plan.detector, PredictionsDetector),
        "asked_again": plan.scoring.repeat > 1,
        "several_nationalities": any(feature.dual is not None for feature in plan.groups.values()),
        "like_with_like": bool(plan.control_features),
        **dict.fromkeys(("ranking", "calibration", "thresholds"), plan.detector.has_scores),
        "at_work": plan.deployment is not None,
        "subgroup_search": plan.scan is not None,
        "costs": plan.costs is not None,
        "own_measures": bool(plan.measures),
        # the second opinion can be switched off, which the report says
        **dict.fromkeys(("sensitivity", "all_groups", "existing_patterns", "second_opinion"), True),
    }


def _decision(detector: DetectorSection, disclosure: DisclosureSection, exact: str) -> str:
    """Return how a case is decided, in words where a number of decisions from production tells of few people."""
    section = detector
    if not isinstance(section, BlindDetector) or section.deployed == "declared":
        return exact
    differ, count, few = section.differ, section.production, max(_FEW, disclosure.floor)
    if min(differ or few, count - differ or few) >= few:
        return exact
    values: dict[str, Value] = {"differ": Word(word="an untold number"), "count": count}
    if count < 2 * few:  # two ranges that overlap would tell the number
        values["count"] = Word(word="few")
    elif few == _FEW:
        values["differ"] = Word(word="fewer than 10" if differ < few else "all but fewer than 10")
    return english([sentence(f"blind_{section.deployed}", **values)])


def public_about(
    result: AuditResult, formats: Sequence[str], languages: Sequence[str], digests: Mapping[Digested, str]
) -> PublicAbout:
    """Return who audits what."""
    plan, system = result.plan, result.system
    return PublicAbout(
        **_fields(plan.audit, "title", "system", "owner", "auditor", "limits_set_by", "use", "route", "respond_by"),
        **_fields(plan.evaluation_set, "label_source", "rows_are", "period"),
        **_fields(system, "kind", "features", "sensitive_features_used"),
        decision=_decision(plan.detector, plan.disclosure, system.decision),
        abstentions=plan.detector.abstention_means,
        deployed=plan.detector.deployed if isinstance(plan.detector, BlindDetector) else None,
        **_fields(result.provenance, "tool", "plan_sha256", "plan_file"),
        primary_harm=result.overall.primary_harm,
        metrics=public_metrics(result),
        probe_rules=len(plan.named_probe_rules),
        weighted=plan.evaluation_set.is_weighted,
        clustered=plan.evaluation_set.cluster is not None,
        unit=public_method(plan.evaluation_set, plan.disclosure).unit,
        safeguards=public_safeguards(result),
        governance=public_governance(plan.governance),
        asked=tuple(name for name, is_asked in _questions(plan).items() if is_asked),
        finished=result.provenance.finished[:10],
        valid_until=plan.governance.valid_until,
        digests=digests,
        formats=tuple(formats),
        languages=tuple(languages),
        without_figures=tuple(plan.control_features),
        history=result.provenance.history,
    )


def _fields(part: object, *names: str) -> dict[str, Any]:
    return {name: getattr(part, name) for name in names}


def public_features(result: AuditResult, levels: Mapping[str, tuple[LevelName, ...]]) -> tuple[PublicFeature, ...]:
    """Return the features of the plan, those that have rows first, with the levels that rows name."""
    governance = result.plan.governance
    means = {name: meaning for meaning, name in reversed(governance.features.items())}
    known = {feature.name: feature for feature in result.features}
    return tuple(
        PublicFeature(
            **_fields(known[name], "name", "coding", "rungs", "children"),
            levels=levels.get(name, ()),
            means=means.get(name, ""),
            forced_criminality=governance.forced_criminality if means.get(name) == "form" else (),
        )
        for name in (*levels, *(name for name in known if name not in levels))
    )


def public_metrics(result: AuditResult) -> tuple[MetricDefinition, ...]:
    """The rates that rules limit, and the two errors; in the order of the result."""
    wanted = {*ALWAYS, *(rule.metric for rule in result.plan.rules)}
    return tuple(metric for metric in result.metrics if metric.name in wanted)


def public_rules(result: AuditResult, rows: Sequence[PublicRow]) -> tuple[PublicRule, ...]:
    """Return every rule on groups, with its verdict and the number of printed rows that it judges.

    How many groups were tested is no public number: one person more or less would change it.
    """
    plan, rules = result.plan, result.plan.named_rules
    lines = result.provenance.rule_lines
    known = lines if len(lines) == len(rules) else (None,) * len(rules)
    results = {rule.rule: rule for rule in result.rules}
    return tuple(
        PublicRule(
            rule=rule.id,
            **_fields(rule, "metric", "scale", "limit", "on_fail"),
            worse=tuple(question.side for question in questions(plan.audit.route, rule)),
            outcome=results[rule.id].outcome,
            judged=sum(word.rule == rule.id and word.word is not None for row in rows for word in row.words),
            groups=rule.feature_sets,
            line=line,
        )
        for rule, line in zip(rules, known, strict=True)
    )
