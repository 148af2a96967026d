"""Test that a group lies beyond (or within) a margin of the rest, in a stratified sample of a known population.

The likeliest population on the margin (`SampledCounts.raised_to`) gives the variance, and the largest of three chances
counts: a binomial tail at the effective size that this variance is worth (Korn & Graubard 1998), the tail of the signed
root of the likelihood ratio, and the chance that nobody was drawn of kinds of cases that were not seen, if these are
what puts the group on the margin. The last one is what a plain stratified variance leaves out: 0 of 700 drawn can be
1,000 of a million. An approximation, measured in ``tools.simulate``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, ndtri, stdtr

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.clusters.effective_test import (
    MIN_DEGREES_OF_FREEDOM,
    Comparison,
    EffectiveTest,
    few_degrees_factor,
)
from audit.stats.rates.bisection import falling_root
from audit.stats.rates.boundaries import Boundary
from audit.stats.strata.sampled_counts import Population, SampledCounts

_ROUNDS, _PLACES = 3, 17
_TINY = 1e-16
_PRECISION = 1e-9
"""Of a limit, in standard errors."""


class RestOnTheEdge(NamedTuple):
    """Rests of G groups on the edge of a hypothesis; float64[G] each."""

    found: FloatArray
    """Rate found, above the one supposed."""
    supposed: FloatArray
    variance: FloatArray

    def tail(self, factor: FloatArray) -> FloatArray:
        """float64[G]: chance of a rate as high as was found, at the effective size times a factor."""
        known = (self.supposed > 0.0) & (self.supposed < 1.0) & (self.variance > 0.0)
        b = np.where(known, self.supposed, 0.5)
        size = factor * b * (1.0 - b) / np.where(known, self.variance, 1.0)
        count = size * np.clip(self.found, b, 1.0)
        return np.where(known, betainc(np.maximum(count, 1e-12), size - count + 1.0, b), 0.0)


class OnTheEdge(NamedTuple):
    """What is known of G groups on the edge of a hypothesis; float64[G] each."""

    shown: FloatArray
    """Distance of the rate found from the edge found, below 0 where the group is within it."""
    edge: FloatArray
    deviance: FloatArray
    variance: FloatArray
    none_seen: FloatArray
    degrees_of_freedom: FloatArray
    own_variance: FloatArray
    """Part of the variance that is the group's own."""
    rest: RestOnTheEdge | None

    @property
    def size(self) -> FloatArray:
        """float64[G]: number of independent cases that have this variance; inf where it is 0."""
        inside = (self.edge > 0.0) & (self.edge < 1.0)
        spread = np.where(inside & (self.variance > 0.0), self.variance, 1.0)
        return np.where(inside, np.where(self.variance > 0.0, self.edge * (1.0 - self.edge) / spread, np.inf), 0.0)

    def p(self, level: npt.ArrayLike) -> FloatArray:
        """float64[G]: p-values of "on or beyond the edge"; compare them with `level` only. 1 below 3 degrees of
        freedom.
        """
        inside = (self.edge > 0.0) & (self.edge < 1.0)
        factor = few_degrees_factor(self.degrees_of_freedom, level)
        size = self.size * factor
        known = (size > 0.0) & np.isfinite(size)
        n = np.where(known, size, 1.0)
        x = np.where(known, n * np.clip(self.edge + self.shown, 0.0, 1.0), 0.0)
        b = np.where(inside, self.edge, 0.5)
        binomial = np.where(known, betainc(np.maximum(n - x, 1e-12), x + 1.0, 1.0 - b), 0.0)
        if self.rest is not None:
            # of a group that cannot vary only the rest can have come by chance
            binomial = np.where(inside & (self.own_variance > 0.0), binomial, self.rest.tail(factor))
        root = stdtr(self.degrees_of_freedom, -np.sqrt(self.deviance))
        p = np.maximum(np.maximum(binomial, root), self.none_seen)
        p = np.where(np.isinf(self.deviance), 0.0, p)
        able = (self.shown < 0.0) & (self.degrees_of_freedom >= MIN_DEGREES_OF_FREEDOM)
        return np.where(able, np.minimum(p, 1.0), 1.0)


@dataclass(frozen=True)
class StratifiedComparison(Comparison):
    """Groups against their rests in a stratified sample: compared by counts, and planned by sizes as others are."""

    counts: tuple[tuple[SampledCounts, SampledCounts], ...] = ()
    """Cases of groups and rests by the metric's success; of several possible divisions the worst counts."""
    _found: dict[Boundary, tuple[OnTheEdge, ...]] = field(default_factory=dict, compare=False, repr=False)

    def of_groups(self, places: BoolArray | IntArray) -> Self:
        """Select some of the groups, or repeat them."""
        counts = tuple((own.of_groups(places), rest.of_groups(places)) for own, rest in self.counts)
        return replace(super().of_groups(places), counts=counts)

    def unseen(self, boundary: Boundary) -> FloatArray:
        """float64[G]: 0, because rows do not belong together."""
        del boundary
        return np.zeros(self.cross.shape)

    def none_seen(self, boundary: Boundary) -> FloatArray:
        """float64[G]: that of the first division; see `OnTheEdge`."""
        return self._on_the_edge(boundary)[0].none_seen

    def test(self, boundary: Boundary, level: npt.ArrayLike, *, unseen: FloatArray | None = None) -> EffectiveTest:
        """Test as `effective_test` does, with the likeliest population on the edge."""
        del unseen
        found = self._on_the_edge(boundary)
        degrees = np.min(np.stack([each.degrees_of_freedom for each in found]), axis=0)
        return EffectiveTest(
            p=np.max(np.stack([each.p(level) for each in found]), axis=0),
            effective_size=np.min(np.stack([each.size for each in found]), axis=0),
            degrees_of_freedom=degrees,
            too_few_clusters=degrees < MIN_DEGREES_OF_FREEDOM,
        )

    def _on_the_edge(self, boundary: Boundary) -> tuple[OnTheEdge, ...]:
        if boundary not in self._found:
            turned = self.counts if boundary.counts_success else [(g.complement, r.complement) for g, r in self.counts]
            self._found[boundary] = tuple(on_the_edge(group, rest, boundary) for group, rest in turned)
        return self._found[boundary]


def on_the_edge(group: SampledCounts, rest: SampledCounts, boundary: Boundary) -> OnTheEdge:
    """Find the likeliest populations of groups and rests in which the group lies on the edge of the rest.

    Parameters
    ----------
    group, rest : SampledCounts of G groups
        By the counted outcome of `boundary`.
    boundary : Boundary
        Edge of the hypothesis.

    Returns
    -------
    OnTheEdge
        Where the group is already on or beyond the edge, `shown` is not below 0, and the rest has no meaning.
    """
    found, other, below = group.rate, rest.rate, rest.complement
    edge = boundary.edge(other)
    lowest = np.clip((found - boundary.offset) / boundary.slope, 0.0, other)
    at, own, others = _likeliest(group, below, boundary, (lowest, other))
    parts = own.variance, boundary.slope**2 * others.variance
    degrees = _satterthwaite(parts, (group.degrees_of_freedom, rest.degrees_of_freedom))
    return OnTheEdge(
        shown=found - edge,
        edge=boundary.edge(at),
        deviance=own.deviance + others.deviance,
        variance=parts[0] + parts[1],
        none_seen=np.maximum(group.none_seen(edge), below.none_seen(1.0 - lowest)),
        degrees_of_freedom=np.where((group.total > 0.0) & (rest.total > 0.0), degrees, 0.0),
        own_variance=parts[0],
        rest=RestOnTheEdge(other, at, others.variance),
    )


def _likeliest(
    group: SampledCounts, below: SampledCounts, boundary: Boundary, ends: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, Population, Population]:
    """Search for the rate of the rest, between `ends`, at which least likelihood is lost, by finer and finer grids."""
    rows = np.arange(ends[0].size)
    group, below = (side.of_groups(np.repeat(rows, _PLACES)) for side in (group, below))

    def tried(low: FloatArray, high: FloatArray) -> tuple[FloatArray, IntArray, Population, Population]:
        rates = low[:, np.newaxis] + (high - low)[:, np.newaxis] * np.linspace(0.0, 1.0, _PLACES)
        rates[:, -1] = high  # of one side there may be no population but the estimated one
        own, others = group.raised_to(boundary.edge(rates.ravel())), below.raised_to(1.0 - rates.ravel())
        return rates, np.argmin((own.deviance + others.deviance).reshape(rates.shape), axis=1), own, others

    rates, best, own, others = tried(*ends)
    for _ in range(_ROUNDS - 1):
        around = (rates[rows, np.clip(best + step, 0, _PLACES - 1)] for step in (-1, 1))
        rates, best, own, others = tried(*around)
    place = rows * _PLACES + best
    own, others = (Population(*(of[place] for of in side)) for side in (own, others))
    return rates[rows, best], own, others


def _satterthwaite(parts: tuple[FloatArray, ...], degrees: tuple[FloatArray, ...]) -> FloatArray:
    whole = sum(parts, np.zeros(parts[0].shape))
    squares = sum(
        (np.where(part > 0.0, part**2 / np.maximum(df, 0.5), 0.0) for part, df in zip(parts, degrees, strict=True)),
        np.zeros(whole.shape),
    )
    return np.where(squares > 0.0, whole**2 / np.where(squares > 0.0, squares, 1.0), np.inf)


def rate_limits(side: SampledCounts, level: float) -> tuple[FloatArray, FloatArray]:
    """Limits of the rates that a test of level ``(1 - level) / 2`` on each side does not reject; float64[G] each."""
    tail, both = (1.0 - level) / 2.0, side.complement.beside(side)

    def beyond(rate: FloatArray) -> FloatArray:
        return np.asarray(ndtri(np.clip(_one_rate(both, rate).p(tail), _TINY, 1.0 - _TINY)) - ndtri(tail))

    sure, found = both.known_in_full, both.rate
    highest = np.maximum(np.where(sure, found, 1.0 - 1e-9), found)
    values = np.full(found.shape, -ndtri(_TINY) - ndtri(tail)), beyond(highest)
    _, limit = falling_root(beyond, (found, highest), values, _PRECISION)
    limit = np.maximum(np.where((values[1] > 0.0) & ~sure, 1.0, limit), found)
    return 1.0 - limit[: side.total.size], limit[side.total.size :]


def _one_rate(side: SampledCounts, rate: FloatArray) -> OnTheEdge:
    there = side.raised_to(rate)
    degrees = np.where(side.total > 0.0, side.degrees_of_freedom, 0.0)
    none_seen = side.none_seen(rate)
    return OnTheEdge(side.rate - rate, rate, there.deviance, there.variance, none_seen, degrees, there.variance, None)
