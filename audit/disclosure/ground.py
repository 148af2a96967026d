"""What a result holds of the finest groups, so that public figures can be made of it alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from audit.analyses.estimates import group_counts
from audit.counting.clusters import ClusterTable
from audit.counting.clusters_once import count_clusters_once
from audit.counting.table import FamilyCounts
from audit.disclosure.shape import crossed_features, finest_family, public_method
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.judged import GroupCounts
from audit.vocabulary.groups import Family, Group, Level, SensitiveFeature

if TYPE_CHECKING:
    from audit.counting.counted import Counted


def ground(
    plan: AuditPlan,
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
) -> dict[str, tuple[GroupCounts, ...]]:
    """`finest` of a result, where no family that is shown has these groups, and `clusters`, where these are protected.

    Parameters
    ----------
    families : mapping of Family to FamilyCounts
        The families that are shown.
    features : mapping of str to SensitiveFeature
        The features by their names.
    """
    names = crossed_features(plan)
    if not names:
        return {}
    family = finest_family(plan, names)
    if public_method(plan).unit == "row":
        return {} if family in families else {"finest": group_counts([counted.table.family(family, features)])}
    return {"clusters": _clusters(counted, family, features)}


def _clusters(counted: Counted, family: Family, features: Mapping[str, SensitiveFeature]) -> tuple[GroupCounts, ...]:
    """The counts of clusters; where each row is one, those of rows."""
    moments = counted.moments
    if moments is None or not isinstance(moments.table, ClusterTable):
        return group_counts([counted.table.family(family, features)])
    names = [feature.name for feature in moments.features]
    once = count_clusters_once(moments.table, moments.codes, names, [axis.feature for axis in family.axes])
    groups = tuple(
        Group(tuple(Level(axis.feature, axis.rung, code) for axis, code in zip(family.axes, codes, strict=True)))
        for codes in once.codes
    )
    return group_counts([FamilyCounts(family, groups, once.cells, once.everyone)])
