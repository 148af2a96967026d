"""Findings that decide nothing, from counts: each question beside the verdicts, by its field of `Further`.

Two are made here, group by group: failures by reason, and how often the detector contradicts its first answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from audit.analyses.amplification import after_detector, amplification
from audit.analyses.control_sample import JudgedSample, Verdicts, control_sample, selection_notices
from audit.analyses.deployment import Rates, cost_findings, deployed, exposures
from audit.analyses.estimates import as_known
from audit.analyses.funnel import funnels
from audit.analyses.label_gaps import label_gaps, reference_comparison
from audit.analyses.like_with_like import like_with_like
from audit.analyses.many_groups import between_groups, entropies
from audit.analyses.memberships import memberships
from audit.analyses.score_quality import score_findings
from audit.analyses.sensitivity import sensitivity_findings, sensitivity_notices
from audit.analyses.subgroup_scan import subgroup_scan
from audit.counting.counted import Counted
from audit.counting.table import FamilyCounts, is_listed
from audit.plan.audit_plan import AuditPlan
from audit.plan.detectors import Detector as DetectorSection
from audit.plan.sections import VerdictSection
from audit.result.findings.further import FailedRows, SelfDisagreement
from audit.result.findings.judged import Estimate
from audit.result.findings.system import Notice
from audit.stats.intervals import RateLimits, wilson
from audit.vocabulary.groups import Family, SensitiveFeature
from audit.vocabulary.metrics import MetricName


def further_findings(
    plan: AuditPlan,
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    features: Sequence[SensitiveFeature],
    stated: Sequence[FamilyCounts],
    judged: Verdicts,
    estimates: Sequence[Estimate],
    sampled: JudgedSample | None,
) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    """Return every finding that decides nothing, by the field of `Further` that holds it, and the notices on them.

    Parameters
    ----------
    families, stated
        Counts that verdicts are made of; and those that rates are stated from, everyone first.
    """
    by_name = {feature.name: feature for feature in features}
    everyone, *families_stated = shown = list(stated)
    rated = dict(zip(families, families_stated, strict=True))
    verdicts, moments = judged.verdicts, counted.moments
    verdict, set_section, second = plan.verdict, plan.evaluation_set, counted.second
    listed = [everyone, *filter(is_listed, families_stated)]
    findings = {
        **score_findings(set_section, plan.detector, verdict, counted.scores, families, by_name)._asdict(),
        "between_groups": between_groups(plan, rated, independent=moments is None),
        "entropies": entropies(verdict, rated, independent=moments is None),
        "funnels": funnels(plan, rated, verdicts),
        "control_sample": None
        if sampled is None
        else control_sample(plan.groups, plan.rules, verdict, families, judged, sampled),
        "subgroup_scan": subgroup_scan(plan, counted.scan),
        "costs": cost_findings(verdict, plan.costs, listed, moments),
        "conditional": like_with_like(
            plan.named_rules, verdict, plan.control_features, counted.controls, families, by_name
        ),
        "amplification": amplification(verdict, families_stated),
        "after_detector": after_detector(plan.rules, set_section, verdict, second.people, list(families), by_name),
        "exposures": exposures(verdict, second.first, list(families), by_name),
        "label_gaps": label_gaps(verdict, families_stated),
        "reference_comparison": reference_comparison(verdict, counted.reference, counted.table, by_name, moments),
        "memberships": memberships(plan.rules, set_section, verdict, counted.table, features, moments),
        "failures": failed_rows(counted, list(families), by_name),
        "self_disagreement": self_disagreement(plan.detector, verdict, counted, list(families), by_name),
        "deployed": deployed(
            plan.groups, verdict, plan.deployment, shown, _weighted_rates(shown, estimates, counted), moments
        ),
        "sensitivity": sensitivity_findings(plan, families, verdicts, moments),
    }
    sensitivity = sensitivity_notices(plan.sensitivity, findings["sensitivity"])
    return findings, (*sensitivity, *selection_notices(set_section, findings["control_sample"]))


def _weighted_rates(
    families: Sequence[FamilyCounts], estimates: Sequence[Estimate], counted: Counted
) -> dict[Family, Rates] | None:
    """Return the rates and limits that weights and clusters give; None where counts alone give them."""
    if counted.moments is None:
        return None
    known = {(estimate.metric, estimate.group): estimate for estimate in estimates}

    def limits(family: FamilyCounts, metric: MetricName) -> RateLimits:
        of_groups = [known[metric, group] for group in family.groups]
        value, low, high = (
            np.array([np.nan if value is None else value for value in values])
            for values in zip(*((of_group.value, of_group.low, of_group.high) for of_group in of_groups), strict=True)
        )
        return value, low, high

    return {
        family.family: Rates(limits(family, "true_positive_rate"), limits(family, "false_positive_rate"))
        for family in families
    }


def failed_rows(
    counted: Counted, families: Sequence[Family], features: Mapping[str, SensitiveFeature]
) -> tuple[FailedRows, ...]:
    """List the failures of everyone and of the groups of `families` that have any, by status and reason."""
    if counted.failures is None:
        return ()
    kinds, tallies = counted.failures
    return tuple(
        FailedRows(group=group, status=status, reason=reason, rows=rows)
        for family in _with_everyone(families)
        for group, tallied in tallies.family(family, features).items()
        for (status, reason), rows in zip(kinds, tallied.rows.tolist(), strict=True)
        if rows
    )


def self_disagreement(
    detector: DetectorSection,
    verdict: VerdictSection,
    counted: Counted,
    families: Sequence[Family],
    features: Mapping[str, SensitiveFeature],
) -> tuple[SelfDisagreement, ...]:
    """Count how often the detector contradicts its first answer, for everyone and for each group; empty if asked
    once.
    """
    tallies = counted.disagreement
    if tallies is None:
        return ()
    level, has_scores = verdict.level, detector.has_scores
    disagreements = []
    for family in _with_everyone(families):
        for group, tallied in tallies.family(family, features).items():
            answered, decisions, scores, sometimes = tallied.rows.tolist()
            low, high = wilson(np.array([decisions]), np.array([answered]), level) if answered else ([None], [None])
            disagreements.append(
                SelfDisagreement(
                    group=group,
                    answered=answered,
                    decisions_differ=decisions,
                    share=decisions / answered if answered else None,
                    low=as_known(low[0]),
                    high=as_known(high[0]),
                    level=level,
                    scores_differ=scores if has_scores else 0,
                    largest_difference=as_known(tallied.largest) if has_scores else None,
                    answered_sometimes=sometimes,
                )
            )
    return tuple(disagreements)


def _with_everyone(families: Sequence[Family]) -> list[Family]:
    return [Family(()), *families]
