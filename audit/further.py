"""What an audit says beside its verdicts: each question answered from counts, in one place, as fields of the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.analyses.amplification import amplification
from audit.analyses.deployed import deployed
from audit.analyses.estimates import everyone_as_family
from audit.analyses.label_gaps import label_gaps, reference_comparison
from audit.analyses.like_with_like import like_with_like
from audit.counting.counted import Counted
from audit.counting.table import FamilyCounts
from audit.groups import Family, SensitiveFeature
from audit.plan import AuditPlan

__all__ = ["further_findings"]


def further_findings(
    plan: AuditPlan,
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    features: Sequence[SensitiveFeature],
) -> dict[str, Any]:
    """Every finding that decides nothing, by the field of `AuditResult` that holds it."""
    by_name = {feature.name: feature for feature in features}
    everyone = everyone_as_family(counted.table)
    of_all = list(families.values())
    return {
        "conditional": like_with_like(plan, counted.controls, families, by_name),
        "amplification": amplification(plan, of_all),
        "label_gaps": label_gaps(plan, of_all),
        "reference_comparison": reference_comparison(plan, counted.reference, counted.table, by_name),
        "deployed": deployed(plan, [everyone, *of_all]),
    }
