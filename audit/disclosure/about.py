"""What a public report says of an audit beside its figures, from the plan and from names: nothing here is a count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, get_args

from audit.analyses.sides import questions
from audit.disclosure.shape import public_method
from audit.plan.answers import PredictionsDetector
from audit.plan.audit_plan import AuditPlan
from audit.plan.governance import GovernanceSection
from audit.public.about import PublicAbout, PublicCoding, PublicLook, PublicMetric
from audit.public.release import PlanPart, PublicChange, PublicRow, PublicRule
from audit.result.audit_result import AuditResult
from audit.safeguards import public_governance, public_safeguards
from audit.vocabulary.groups import SensitiveFeature
from audit.vocabulary.metrics import MetricName

ALWAYS: Final[tuple[MetricName, ...]] = ("true_positive_rate", "false_positive_rate")
"""Shown whether a rule limits them or not: victims found, others wrongly flagged."""


def _looks(plan: AuditPlan) -> dict[str, bool]:
    """Further questions by name, in the order of the restricted report, and whether the plan asks them.

    What came of one, and that anything came of it, can follow from a single row.
    """
    return {
        "probes": bool(plan.probes),
        "sensitivity": True,
        "random_sample": plan.control_sample is not None,
        "failures": not isinstance(plan.detector, PredictionsDetector),
        "asked_again": plan.scoring.repeat > 1,
        "several_nationalities": any(feature.dual is not None for feature in plan.groups.values()),
        "like_with_like": bool(plan.control_features),
        "all_groups": True,
        "ranking": plan.detector.has_scores,
        "calibration": plan.detector.has_scores,
        "thresholds": plan.detector.has_scores,
        "at_work": plan.deployment is not None,
        "existing_patterns": True,
        "subgroup_search": plan.scan is not None,
        "costs": plan.costs is not None,
        "own_measures": bool(plan.measures),
        "second_opinion": True,  # unless it is switched off, which the report says
    }


def public_about(result: AuditResult, formats: Sequence[str], languages: Sequence[str]) -> PublicAbout:
    """Who audits what. Keyed digests are added when the key is at hand."""
    plan, system = result.plan, result.system
    return PublicAbout(
        title=plan.audit.title,
        system=plan.audit.system,
        owner=plan.audit.owner,
        auditor=plan.audit.auditor,
        limits_set_by=plan.audit.limits_set_by,
        use=plan.audit.use,
        route=plan.audit.route,
        primary_harm=result.overall.primary_harm,
        label_source=plan.evaluation_set.label_source,
        kind=system.kind,
        decision=system.decision,
        features=system.features,
        sensitive_features_used=system.sensitive_features_used,
        codings=tuple(_coding(feature, plan.governance) for feature in result.features),
        metrics=public_metrics(result),
        probe_rules=len(plan.named_probe_rules),
        weighted=plan.evaluation_set.is_weighted,
        clustered=plan.evaluation_set.cluster is not None,
        unit=public_method(plan).unit,
        safeguards=public_safeguards(result),
        governance=public_governance(plan),
        looks=tuple(PublicLook(name=name, asked=asked) for name, asked in _looks(plan).items()),
        finished=result.provenance.finished[:10],
        valid_until=plan.governance.valid_until,
        tool=result.provenance.tool,
        plan_sha256=result.provenance.plan_sha256,
        digests=(),
        formats=tuple(formats),
        languages=tuple(languages),
        without_figures=tuple(plan.control_features),
        rows_are=plan.evaluation_set.rows_are,
        period=plan.evaluation_set.period,
        history=result.provenance.history,
        plan_file=result.provenance.plan_file,
    )


def _coding(feature: SensitiveFeature, governance: GovernanceSection) -> PublicCoding:
    means = next((meaning for meaning, named in governance.features.items() if named == feature.name), "")
    return PublicCoding(
        name=feature.name,
        coding=feature.coding,
        given_to_detector=feature.given_to_detector,
        children=feature.children,
        means=means,
        forced_criminality=governance.forced_criminality if means == "form" else (),
    )


def public_change(result: AuditResult) -> PublicChange | None:
    """What the public reads of the change from a baseline: nothing of it follows from who changed, but its word."""
    change = result.change
    if change is None:
        return None
    # by the list and not as the result has it, whose words anybody can have written
    parts: tuple[PlanPart, ...] = get_args(PlanPart)
    return PublicChange(
        outcome=change.outcome,
        paired=bool(change.rules) and change.unpaired is None,
        baseline_finished=change.baseline.finished[:10],
        not_judged=change.because if change.because in ("weighted_set", "clustered_set") else None,
        differs=tuple(part for part in parts if part in change.differs),
    )


def public_metrics(result: AuditResult) -> tuple[PublicMetric, ...]:
    """The rates that rules limit, and the two errors; in the order of the result."""
    wanted = {*ALWAYS, *(rule.metric for rule in result.plan.rules)}
    return tuple(PublicMetric.model_validate(metric.model_dump()) for metric in result.metrics if metric.name in wanted)


def public_rules(result: AuditResult, rows: Sequence[PublicRow]) -> tuple[PublicRule, ...]:
    """Return every rule on groups, with its verdict and the number of printed rows that it judges.

    How many groups were tested is no public number: one person more or less would change it.
    """
    plan, rules = result.plan, result.plan.named_rules
    lines = result.provenance.rule_lines
    known = lines if len(lines) == len(rules) else (None,) * len(rules)
    found = {rule.rule: rule for rule in result.rules}
    return tuple(
        PublicRule(
            rule=rule.id,
            metric=rule.metric,
            scale=rule.scale,
            limit=rule.limit,
            worse=tuple(question.side for question in questions(plan, rule)),
            outcome=found[rule.id].outcome,
            judged=sum(word.rule == rule.id and word.word is not None for row in rows for word in row.words),
            groups=rule.feature_sets,
            line=line,
            on_fail=rule.on_fail,
        )
        for rule, line in zip(rules, known, strict=True)
    )
