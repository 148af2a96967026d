"""What a public report says of an audit beside its figures, from the plan and from names: nothing here is a count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from audit.disclosure.features import features_without_figures
from audit.metrics import MetricName
from audit.public_about import PublicAbout, PublicCoding, PublicLook, PublicMetric
from audit.result import AuditResult
from audit.safeguards import public_frameworks, public_governance, public_safeguards

__all__ = ["LOOKS", "public_about", "public_metrics"]

ALWAYS: Final[tuple[MetricName, ...]] = ("true_positive_rate", "false_positive_rate")
"""Shown whether a rule limits them or not: victims found, others wrongly flagged."""

LOOKS: Final[Mapping[str, Callable[[AuditResult], bool]]] = {
    "probes": lambda result: bool(result.probes),
    "sensitivity": lambda result: bool(result.sensitivity),
    "random_sample": lambda result: result.control_sample is not None,
    "failures": lambda result: bool(result.failures),
    "asked_again": lambda result: bool(result.self_disagreement),
    "several_nationalities": lambda result: bool(result.memberships),
    "like_with_like": lambda result: bool(result.conditional),
    "all_groups": lambda result: bool(result.between_groups or result.funnels),
    "ranking": lambda result: bool(result.aucs),
    "calibration": lambda result: bool(result.calibrations),
    "thresholds": lambda result: bool(result.sweeps),
    "at_work": lambda result: bool(result.deployed),
    "existing_patterns": lambda result: bool(result.amplification or result.label_gaps),
    "subgroup_search": lambda result: bool(result.subgroup_scan),
    "costs": lambda result: bool(result.costs),
    "own_measures": lambda result: bool(result.own_measures),
    "second_opinion": lambda result: bool(result.crosscheck),
}
"""Further questions by name, in the order of the restricted report, and whether a result answers them."""


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
        codings=tuple(
            PublicCoding(
                name=feature.name,
                coding=feature.coding,
                given_to_detector=feature.given_to_detector,
                children=feature.children,
            )
            for feature in result.features
        ),
        metrics=public_metrics(result),
        probe_rules=len(plan.named_probe_rules),
        weighted=plan.evaluation_set.weight is not None,
        clustered=plan.evaluation_set.cluster is not None,
        safeguards=public_safeguards(result),
        frameworks=public_frameworks(result),
        governance=public_governance(plan),
        looks=tuple(PublicLook(name=name, asked=answers(result)) for name, answers in LOOKS.items()),
        finished=result.provenance.finished[:10],
        valid_until=plan.governance.valid_until,
        tool=result.provenance.tool,
        plan_sha256=result.provenance.plan_sha256,
        digests=(),
        formats=tuple(formats),
        languages=tuple(languages),
        without_figures=features_without_figures(plan),
        rows_are=plan.evaluation_set.rows_are,
        plan_file=result.provenance.plan_file,
    )


def public_metrics(result: AuditResult) -> tuple[PublicMetric, ...]:
    """The rates that rules limit, and the two errors; in the order of the result."""
    wanted = {*ALWAYS, *(rule.metric for rule in result.plan.rules)}
    return tuple(PublicMetric.model_validate(metric.model_dump()) for metric in result.metrics if metric.name in wanted)
