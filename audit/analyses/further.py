"""Findings of an audit beside its verdicts: each question answered from counts, in one place, as fields of the
result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from audit.analyses.amplification import amplification
from audit.analyses.control_sample import JudgedSample, Verdicts, control_sample, selection_notices
from audit.analyses.costs import cost_findings
from audit.analyses.deployed import Rates, deployed
from audit.analyses.detector_answers import failed_rows, self_disagreement
from audit.analyses.funnel import funnels
from audit.analyses.label_gaps import label_gaps, reference_comparison
from audit.analyses.like_with_like import like_with_like
from audit.analyses.many_groups import between_groups, entropies
from audit.analyses.memberships import memberships
from audit.analyses.scores import score_findings
from audit.analyses.sensitivity import sensitivity_findings, sensitivity_notices
from audit.analyses.subgroup_scan import subgroup_scan
from audit.counting.counted import Counted
from audit.counting.families import is_listed
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.judged import Estimate
from audit.result.findings.system import Notice
from audit.stats.rates.mover import RateLimits
from audit.vocabulary.groups import Family, SensitiveFeature
from audit.vocabulary.metrics import MetricName


def further_findings(
    plan: AuditPlan,
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    features: Sequence[SensitiveFeature],
    everyone: FamilyCounts,
    judged: Verdicts,
    estimates: Sequence[Estimate],
    sampled: JudgedSample | None,
) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    """Return every finding that decides nothing, by the field of `Further` that holds it, and the notices on
    them.
    """
    by_name = {feature.name: feature for feature in features}
    of_all = list(families.values())
    shown = [everyone, *of_all]
    verdicts, alike = judged.verdicts, counted.moments is None
    sensitivity = sensitivity_findings(plan, families, verdicts, whole_counts=alike)
    found = {
        **score_findings(plan, counted.scores, families, by_name)._asdict(),
        "between_groups": between_groups(plan, families, independent=alike),
        "entropies": entropies(plan, families, independent=alike),
        "funnels": funnels(plan, families, verdicts),
        "sensitivity": sensitivity,
        "control_sample": None if sampled is None else control_sample(plan, families, judged, sampled),
        "subgroup_scan": subgroup_scan(plan, counted.scan),
        "costs": cost_findings(plan, [everyone, *filter(is_listed, of_all)], counted.moments),
        "conditional": like_with_like(plan, counted.controls, families, by_name),
        "amplification": amplification(plan, of_all),
        "label_gaps": label_gaps(plan, of_all),
        "reference_comparison": reference_comparison(plan, counted.reference, counted.table, by_name, counted.moments),
        "memberships": memberships(plan, counted.table, features, counted.moments),
        "failures": failed_rows(counted, list(families), by_name),
        "self_disagreement": self_disagreement(plan, counted, list(families), by_name),
        "deployed": deployed(plan, shown, _weighted_rates(shown, estimates, counted), counted.moments),
    }
    return found, (*sensitivity_notices(plan, sensitivity), *selection_notices(plan, found["control_sample"]))


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
            for values in zip(*((one.value, one.low, one.high) for one in of_groups), strict=True)
        )
        return value, low, high

    return {
        family.family: Rates(limits(family, "true_positive_rate"), limits(family, "false_positive_rate"))
        for family in families
    }
