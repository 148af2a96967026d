"""Confirm, in one half of the cases, that a subset found in the other half is worse than all other cases."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.clusters.effective_test import MIN_DEGREES_OF_FREEDOM, Comparison, effective_test
from audit.stats.clusters.own_correlation import Alike, Evened
from audit.stats.clusters.weighted_rate import WeightedRate, pooled_correlation
from audit.stats.margins.score_test import exact_p
from audit.stats.rates.boundaries import Boundary, counted_outcome, margin_boundary


class Confirmation(NamedTuple):
    """A p-value, and whether any outcome could have brought it to the level."""

    p: float
    able: bool


def no_worse_boundary(low_is_worse: bool) -> Boundary:
    """Boundary of the hypothesis that a group is no worse than the rest: a margin of 0."""
    return margin_boundary("fail", low_is_worse, "difference", 0.0)


def exact_confirmation(
    flagged: int, cases: int, rest_flagged: int, rest_cases: int, low_is_worse: bool, level: float
) -> Confirmation:
    """One-sided exact p-value that a subset is worse than the rest, for independent rows (`exact_p`).

    The test is able to confirm if p would be at most `level` with every case of the subset harmed.
    """
    boundary = no_worse_boundary(low_is_worse)
    worst = 0 if low_is_worse else cases
    counted = counted_outcome([flagged, worst], [cases] * 2, boundary)
    rest = counted_outcome([rest_flagged] * 2, [rest_cases] * 2, boundary)
    p = exact_p(counted, [cases] * 2, rest, [rest_cases] * 2, boundary)
    return Confirmation(float(p[0]), bool(p[1] <= level))


def clustered_confirmation(
    flagged: IntArray, cases: IntArray, cluster: IntArray, inside: BoolArray, low_is_worse: bool, level: float
) -> Confirmation:
    """One-sided p-value for rows in clusters, by effective sizes (`effective_test`); valid at `level` only.

    Parameters
    ----------
    flagged, cases, cluster, inside : ndarray, shape (E,)
        Flagged and all cases of each entry, its cluster from 0, and whether it is in the subset.

    Returns
    -------
    Confirmation
        Not able with fewer than 3 degrees of freedom, or with too few clusters to separate a subset from its rest.
    """
    clusters = int(cluster.max(initial=-1)) + 1
    sides = [_by_cluster(cluster, clusters, flagged * side, cases * side) for side in (inside, ~inside)]
    totals = np.array([cases[inside].sum(), cases[~inside].sum()], dtype=np.float64)
    if not (totals > 0.0).all():
        return Confirmation(1.0, False)
    parts = [_weighted_rate(a, b) for a, b in sides]
    both = WeightedRate(*(np.concatenate(pair) for pair in zip(*(_fields(part) for part in parts), strict=True)))
    deviations = [(a - part.rate * b) / b.sum() for (a, b), part in zip(sides, parts, strict=True)]
    cross = np.array([(deviations[0] * deviations[1]).sum()])
    alike = [
        Alike.of(part, Evened.of_clusters(a[np.newaxis], b[np.newaxis], b[np.newaxis]))
        for (a, b), part in zip(sides, parts, strict=True)
    ]
    correlation = pooled_correlation(both, totals)
    joint = bool(((sides[0][1] > 0.0) & (sides[1][1] > 0.0)).any())
    compared = Comparison(
        parts[0], parts[1], cross, correlation, alike=alike[0], rest_alike=alike[1], joint=np.array([joint])
    )
    test = effective_test(compared, no_worse_boundary(low_is_worse), level)
    able = test.degrees_of_freedom[0] >= MIN_DEGREES_OF_FREEDOM and not test.too_few_clusters[0]
    return Confirmation(float(test.p[0]), bool(able))


def _by_cluster(cluster: IntArray, clusters: int, flagged: IntArray, cases: IntArray) -> tuple[FloatArray, FloatArray]:
    first = np.bincount(cluster, flagged, clusters).astype(np.float64)
    return first, np.bincount(cluster, cases, clusters).astype(np.float64)


def _weighted_rate(a: FloatArray, b: FloatArray) -> WeightedRate:
    """Moments of one side, each of shape (1,). Every row weighs 1, so that ``Q = B``."""
    total = b.sum()
    rate = a.sum() / total
    share = b / total
    moments = (
        rate,
        np.square((a - rate * b) / total).sum(),
        np.count_nonzero(b),
        1.0 / total,
        np.square(share).sum(),
        np.square(share).sum() / total**2,
        (share**3).sum() / total,
        (share**4).sum(),
    )
    return WeightedRate(*(np.array([value], dtype=np.float64) for value in moments))


def _fields(side: WeightedRate) -> tuple[FloatArray, ...]:
    return side.rate, side.residual, side.clusters, side.q, side.bb, side.q_q, side.q_bb, side.bb_bb
