"""The largest similarity of rows within a group's own clusters that its data allow.

The correlation of all groups together says little about a group whose rows are more similar within clusters than those
of the others, and few clusters say little about themselves. So the test must also hold at the upper end of the
correlation that the group's own clusters show. The same goes for the rest, which can be as small as a group.

Clusters are weighted in two ways. Weighted by their size they give the variance of the rate, but small clusters then
hardly count. Weighted by the information they carry about the similarity of rows, a hundred small clusters count beside
ten large ones that all happened to be good. The larger upper end counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.special import gammaincinv

from audit.stats.arrays import FloatArray
from audit.stats.clusters.unseen_clusters import CLASSES, Bundles, ClassSums, size_class, without_pairs
from audit.stats.clusters.weighted_rate import Place, WeightedRate, own_variance, satterthwaite, variance_factor

UPPER_TAIL: Final = 0.10
"""How often the upper end lies below the true correlation of a group. Chosen by simulation:
`tools.simulate.unlike_clusters`."""
_STEPS: Final = 40
_NOTHING: Final = 1e-9
"""Share of a cluster's pairs of rows below which only rounding is left."""
_GRID: Final = np.linspace(0.0, 1.0, _STEPS + 1)


class Evened(NamedTuple):
    """Clusters of G groups that have two rows or more, each weighted by its information on how similar its rows are."""

    rate: WeightedRate
    """Rates of the groups, with ``h = (1 - Q/B^2) / B^2`` instead of ``1/S^2`` in every sum over clusters: a pair
    counts half of a cluster of many rows, and a single row does not count. Not a variance of the rate."""
    bundles: Bundles
    """The clusters as they could hide bad ones."""

    @classmethod
    def of_clusters(
        cls, counted: FloatArray, weight: FloatArray, squared: FloatArray, largest: float | None = None
    ) -> Evened:
        """Build from float64[G, K] of A, B and Q of each group's clusters.

        Classes of size are relative to each group's own largest cluster, or to `largest`, the largest weight of all
        groups.
        """
        total = weight.sum(axis=1)
        rate = counted.sum(axis=1) / total
        h = evened_weight(weight, squared)
        residual = (h * (counted - rate[:, np.newaxis] * weight) ** 2).sum(axis=1)
        powers = (each.sum(axis=1) for each in evened_powers(h, weight, squared))
        measure = weight.max(axis=1, keepdims=True) if largest is None else largest
        place = np.where(h > 0.0, size_class(weight, measure), -1)
        kinds = (counted, weight, weight**2)
        by_class = [np.zeros((len(weight), CLASSES)) for _ in kinds]
        for each in set(np.unique(place).tolist()) - {-1}:
            for sums, of in zip(by_class, kinds, strict=True):
                sums[:, each] = np.where(place == each, of, 0.0).sum(axis=1)
        return cls(WeightedRate(rate, residual, *powers), Bundles.of(total, ClassSums(*by_class)))


def evened_weight(b: FloatArray, q: FloatArray) -> FloatArray:
    """Weight ``h = (1 - Q/B^2) / B^2`` of each cluster: 0 for a single row and for an empty cluster."""
    some = b > 0.0
    divisor = np.where(some, b, 1.0)
    pairs = 1.0 - q / divisor / divisor
    return np.where(some & (pairs > _NOTHING), pairs / divisor / divisor, 0.0)


def evened_powers(h: FloatArray, b: FloatArray, q: FloatArray) -> tuple[FloatArray, ...]:
    """For each cluster: whether it counts, hQ, hB^2, (hQ)^2, hQ hB^2, (hB^2)^2."""
    hq, hbb = h * q, h * b * b
    return (h > 0.0).astype(np.float64), hq, hbb, hq * hq, hq * hbb, hbb * hbb


class Alike(NamedTuple):
    """How similar the rows within a cluster are, as the clusters of G groups show it."""

    largest: FloatArray
    """float64[G]: largest correlation that the clusters allow (`largest_correlation`)."""
    bundles: Bundles
    """The clusters that could hide bad ones, with the correlation found."""

    @classmethod
    def of(cls, side: WeightedRate, evened: Evened | None = None) -> Alike:
        """Measure it from the clusters of `side`, and from `evened` as well where that is given."""
        bundles = Bundles.all_of(side) if evened is None else evened.bundles
        sides = (side,) if evened is None else (side, evened.rate)
        return cls._of(sides, [_shown(one) for one in sides], bundles)

    @classmethod
    def supposing(cls, correlation: float, side: WeightedRate, evened: Evened) -> Alike:
        """Suppose a correlation, and give what these clusters would then be expected to show."""
        sides = (side, evened.rate)
        return cls._of(sides, [variance_factor(one, correlation) for one in sides], evened.bundles)

    @classmethod
    def _of(cls, sides: Sequence[WeightedRate], shown: Sequence[FloatArray], bundles: Bundles) -> Alike:
        pairs = list(zip(sides, shown, strict=True))
        largest = np.max(np.stack([largest_correlation(one, variance) for one, variance in pairs]), axis=0)
        found = np.max(np.stack([_found(one, variance) for one, variance in pairs]), axis=0)
        return cls(largest, bundles.at_least(found))

    def worse_of(self, other: Alike) -> Alike:
        """Take the worse of two measurements of the same groups."""
        return Alike(np.maximum(self.largest, other.largest), self.bundles.with_views_of(other.bundles))

    def of_groups(self, places: Place) -> Alike:
        """Select some of the groups."""
        return Alike(self.largest[places], self.bundles[places])


def largest_correlation(side: WeightedRate, shown: FloatArray) -> FloatArray:
    """Upper end of a one-sided 90 % interval for the intracluster correlation of each group by itself.

    Parameters
    ----------
    side : WeightedRate, shape (G,)
        Rates of the groups.
    shown : ndarray, shape (G,)
        Own variance over p(1-p); inf where it is not known.

    Returns
    -------
    ndarray of float64, shape (G,)
        Within [0, 1]; 1 where nothing is known, 0 where no cluster has two rows.

    Notes
    -----
    With correlation I the own variance over p(1-p) is expected to be ``f(I) = sum_k h [Q + I (B^2 - Q)]``, h being
    ``1/S^2`` or that of `Evened`, and is taken for a chi-squared variable with Satterthwaite's degrees of freedom at I.
    The largest I for which it is not below the quantile at .10 is returned, to a fortieth, and between two fortieths by
    a straight line.
    """
    some = side[:, np.newaxis]
    half = satterthwaite(some, _GRID) / 2.0
    room = shown[:, np.newaxis] - variance_factor(some, _GRID) * gammaincinv(half, UPPER_TAIL) / half
    possible = room >= 0.0
    last = np.where(possible.any(axis=1), _STEPS - np.argmax(possible[:, ::-1], axis=1), 0)
    rows = np.arange(last.size)
    before, after = room[rows, last], room[rows, np.minimum(last + 1, _STEPS)]
    crossed = (before > 0.0) & (after < 0.0) & np.isfinite(before)
    step = np.where(crossed, before, 1.0) - np.where(crossed, after, 0.0)
    beyond = np.where(crossed, before, 0.0) / step
    return np.where(without_pairs(side), 0.0, np.minimum(_GRID[last] + beyond / _STEPS, 1.0))


def _shown(side: WeightedRate) -> FloatArray:
    """float64[G]: own variance over p(1-p); inf where all rows have one outcome, or there is only one cluster."""
    spread = side.rate * (1.0 - side.rate)
    known = (side.clusters > 1.0) & (spread > 0.0)
    return np.where(known, np.where(known, own_variance(side), 0.0) / np.where(known, spread, 1.0), np.inf)


def _found(side: WeightedRate, shown: FloatArray) -> FloatArray:
    """float64[G]: correlation at which the own variance is the expected one; 0 where it is not known."""
    known = np.isfinite(shown) & ~without_pairs(side)
    pairs = np.where(known, side.bb - side.q, 1.0)
    return np.where(known, np.clip((np.where(known, shown, 0.0) - side.q) / pairs, 0.0, 1.0), 0.0)
