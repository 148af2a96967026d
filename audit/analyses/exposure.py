"""Exposure: what share of each group's cases is among the first of the ranking. Described, never judged.

The limits of a plan are about its detector's own cut. Of few places a margin says little, since nobody can be much
below a small share; who wants a verdict on them writes `top_k`, and limits for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Self

import numpy as np

from audit.analyses.estimates import interval_fields, why_not_stated
from audit.counting.second_counts import ABOVE, TIED, UNRANKED
from audit.counting.table import POSITIVE, CountsTable, FamilyCounts, everyone_as_family, is_listed
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.second import Among, Exposure
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.intervals import newcombe_difference, wilson
from audit.vocabulary.groups import Family, SensitiveFeature

_LABELS: Final[Mapping[Among, slice]] = {"victims": slice(POSITIVE, POSITIVE + 1), "everyone": slice(None)}


def exposures(
    plan: AuditPlan,
    first: Sequence[tuple[int, CountsTable]],
    families: Sequence[Family],
    features: Mapping[str, SensitiveFeature],
) -> tuple[Exposure, ...]:
    """Describe the first places, for everyone and for the groups of each listed family.

    Parameters
    ----------
    first
        Tables of `audit.counting.second_counts.Second`.
    """
    return tuple(
        one
        for places, table in first
        for family in (everyone_as_family(table), *(table.family(family, features) for family in families))
        if not family.family.axes or is_listed(family)
        for among in _LABELS
        for one in _exposures(plan, places, family, among)
    )


class Ranked(NamedTuple):
    """Cases of G groups: as few, as many and on average as may be among the first; and all."""

    fewest: IntArray
    most: IntArray
    expected: FloatArray
    cases: IntArray

    @classmethod
    def of(cls, cells: IntArray, tied: int, fit: int) -> Self:
        """Count int64[G, 4]; `tied` cases share the border, and `fit` of them are taken."""
        surely, own = cells[:, ABOVE], cells[:, TIED]
        fewest, most = surely + np.maximum(fit - (tied - own), 0), surely + np.minimum(fit, own)
        return cls(fewest, most, surely + own * (fit / max(tied, 1)), cells.sum(axis=1))


def _exposures(plan: AuditPlan, places: int, family: FamilyCounts, among: Among) -> Iterator[Exposure]:
    level, least = plan.verdict.level, plan.verdict.min_denominator
    tied = int(family.everyone[:, TIED].sum())
    fit = min(places - int(family.everyone[:, ABOVE].sum()), tied)
    cells, everyone = family.cells[:, _LABELS[among]].sum(axis=1), family.everyone[_LABELS[among]].sum(axis=0)
    own, rest = (Ranked.of(each, tied, fit) for each in (cells, everyone - cells))
    n, m = own.cases, rest.cases
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (own.expected / n, wilson(own.fewest, n, level)[0], wilson(own.most, n, level)[1])
        apart = (
            share[0] - rest.expected / m,
            newcombe_difference(own.fewest, n, rest.most, m, level)[0],
            newcombe_difference(own.most, n, rest.fewest, m, level)[1],
        )
    for place, group in enumerate(family.groups):
        reason = why_not_stated(int(n[place]), least)
        compared = reason is None and bool(m[place] >= least)
        yield Exposure.model_validate(
            {
                "first": places,
                "group": group,
                "among": among,
                "cases": int(n[place]),
                "unranked": int(cells[place, UNRANKED]),
                "fewest": int(own.fewest[place]),
                "most": int(own.most[place]),
                **interval_fields(("value", "low", "high"), share, place, known=reason is None),
                **interval_fields(("difference", "difference_low", "difference_high"), apart, place, known=compared),
                "level": level,
                "reason": reason,
            }
        )
