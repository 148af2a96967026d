"""Rates of stratified samples from populations whose sizes are known, and their test against a margin.

Counts of a stratified sample, and the likeliest population of a given rate from which it was drawn.

Every case of stratum h is drawn with the chance ``f = n / N``. The sample then says of each kind of case how many were
drawn, and nothing of a kind that nobody saw. Of a stratum that is known in full nothing is left to chance. Cases are
taken as drawn one by one (Poisson sampling); where n of N are drawn, a comparison varies no more than that.

Test that a group lies beyond (or within) a margin of the rest, in a stratified sample of a known population.

The likeliest population on the margin (`SampledCounts.raised_to`) gives the variance, and the largest of three chances
counts: a binomial tail at the effective size that this variance is worth (Korn & Graubard 1998), the tail of the signed
root of the likelihood ratio, and the chance that nobody was drawn of kinds of cases that were not seen, if these are
what puts the group on the margin. The last one is what a plain stratified variance leaves out: 0 of 700 drawn can be
1,000 of a million. An approximation, measured in ``tools.simulate``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, ndtri, stdtr, xlogy

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.bisection import falling_root
from audit.stats.boundaries import Boundary
from audit.stats.effective_test import (
    MIN_DEGREES_OF_FREEDOM,
    Comparison,
    EffectiveTest,
    few_degrees_factor,
)

_FAR = 700.0
"""Exponent at which no unseen case is left."""
_CLOSE = 1e-12
_RATE_PRECISION = 1e-13
"""Of the number of cases to which the rate of a population is met."""


class Population(NamedTuple):
    """The likeliest populations of G groups that have given rates; float64[G] each."""

    deviance: FloatArray
    """Twice the logarithm of the likelihood lost against the estimate; inf where no population has the rate."""
    variance: FloatArray
    """Design variance of the estimated rate if this is the population."""


@dataclass(frozen=True)
class SampledCounts:
    """Cases of G groups that were drawn with F chances, with and without an outcome."""

    counted: FloatArray
    """float64[G, F]: cases drawn that have the outcome."""
    other: FloatArray
    """float64[G, F]: cases drawn that do not have it."""
    chance: FloatArray
    """float64[F]: chance of each case to be drawn, in (0, 1], rising."""
    room: tuple[FloatArray, FloatArray]
    """float64[G, F] twice: most cases with and without the outcome that can be there without being seen."""

    @cached_property
    def total(self) -> FloatArray:
        """float64[G]: estimated number of cases of the population."""
        return np.asarray(((self.counted + self.other) / self.chance).sum(axis=1))

    @cached_property
    def rate(self) -> FloatArray:
        """float64[G]: estimated rate of the population (Hajek 1971); 0 without cases."""
        estimated = np.asarray((self.counted / self.chance).sum(axis=1))
        return estimated / np.where(self.total > 0.0, self.total, 1.0)

    @cached_property
    def degrees_of_freedom(self) -> FloatArray:
        """float64[G]: cases drawn from strata that are not known in full, less these strata; inf without any."""
        drawn = (self.counted + self.other) * (self.chance < 1.0)
        return np.where(drawn.any(axis=1), drawn.sum(axis=1) - (drawn > 0.0).sum(axis=1), np.inf)

    @property
    def known_in_full(self) -> BoolArray:
        """bool[G]: whether all cases that there can be were drawn."""
        return (self.total > 0.0) & np.isinf(self.degrees_of_freedom) & ~(self.room[0] + self.room[1]).any(axis=1)

    @cached_property
    def complement(self) -> SampledCounts:
        """Cases with the outcome turned round."""
        return SampledCounts(self.other, self.counted, self.chance, self.room[::-1])

    def of_groups(self, places: BoolArray | IntArray) -> SampledCounts:
        """Select some of the groups, or repeat them."""
        room, other_room = self.room
        return SampledCounts(self.counted[places], self.other[places], self.chance, (room[places], other_room[places]))

    def beside(self, more: SampledCounts) -> SampledCounts:
        """Put other groups behind these."""
        pairs = (self.counted, more.counted), (self.other, more.other), *zip(self.room, more.room, strict=True)
        joined = [np.concatenate(pair) for pair in pairs]
        return SampledCounts(joined[0], joined[1], self.chance, (joined[2], joined[3]))

    def joined_by(self, counted: FloatArray, other: FloatArray) -> SampledCounts:
        """Add cases, float64[G, F] each, or take them away where they are below 0."""
        return replace(self, counted=np.maximum(self.counted + counted, 0.0), other=np.maximum(self.other + other, 0.0))

    def raised_to(self, rate: FloatArray) -> Population:
        """Find the likeliest populations whose rates are `rate`, float64[G], not below those estimated.

        Notes
        -----
        With x cases drawn of the X of a kind, ``x ~ Bin(X, f)`` and ``d log L / dX = log(X / (X - x)) + log(1 - f)``.
        On the constraint ``(1 - b) sum X = b sum Y`` this is t for those with the outcome and ``-t b / (1 - b)`` for
        the others, so that ``X - x = x q / (1 - q)`` with ``q = (1 - f) exp(-t)``. Of a kind that was not seen there is
        no case while q is below 1; where q reaches 1, there are as many as are needed, or as fit. The variance is that
        of Poisson sampling, ``sum X (1 - f) / f c^2 / S^2`` (Sarndal, Swensson & Wretman 1992).
        """
        return _Raised(self, np.clip(rate, _CLOSE, 1.0 - _CLOSE)).likeliest_population()

    def none_seen(self, rate: FloatArray) -> FloatArray:
        """float64[G]: chance that nobody is drawn of kinds that were not seen, where these alone raise the rate to
        `rate`.

        The kinds that are drawn most rarely come first. 0 where too few of them can be there, 1 where none are needed.
        """
        b = np.clip(rate, 0.0, 1.0 - _CLOSE)
        lacking = np.maximum((b - self.rate) / (1.0 - b), 0.0) * self.total
        room = np.where(self.counted == 0.0, self.room[0], 0.0)
        before = np.cumsum(room, axis=1) - room
        filled = np.clip(lacking[:, np.newaxis] - before, 0.0, room)
        chance = np.exp((filled * _finite(_missed(self.chance))).sum(axis=1))
        return np.where(room.sum(axis=1) >= lacking, chance, 0.0)


def _missed(chance: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log1p(-chance))


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, 0.0)


class _Raised:
    """Search for the populations of `SampledCounts.raised_to`: one strength t <= 0 for each group."""

    def __init__(self, counts: SampledCounts, b: FloatArray) -> None:
        self.of, self.b, self.missed = counts, b, _missed(counts.chance)
        self.odds = b / (1.0 - b)

    def unseen(self, t: FloatArray, *, filled: FloatArray | bool = False) -> tuple[FloatArray, FloatArray]:
        """float64[G, F] twice: cases that are there and were not seen, with and without the outcome.

        Where t is at the threshold of a kind, it is `filled` or empty.
        """
        sampled = self.of
        exponent = self.missed - t[:, np.newaxis]
        reached = (exponent > -_CLOSE * np.abs(t)[:, np.newaxis]) & np.broadcast_to(filled, exponent.shape)
        reached |= exponent > _CLOSE * np.abs(t)[:, np.newaxis]
        growing = _growing(sampled.counted, np.where(reached, 0.0, np.minimum(exponent, 0.0)))
        counted = np.where(reached, sampled.room[0], np.minimum(growing, sampled.room[0]))
        back = self.missed + np.maximum(t * self.odds, -_FAR)[:, np.newaxis]
        return counted, np.minimum(_growing(sampled.other, back), sampled.room[1])

    def excess(self, unseen: tuple[FloatArray, FloatArray]) -> FloatArray:
        """float64[G]: how far the rate is above b, in cases; falls with t."""
        counted, other = (self.of.counted + unseen[0]).sum(axis=1), (self.of.other + unseen[1]).sum(axis=1)
        return np.asarray((1.0 - self.b) * counted - self.b * other)

    def likeliest_population(self) -> Population:
        """Find t between the thresholds of the kinds, from the kind that is drawn most rarely, and its population."""
        thresholds = self.missed[np.isfinite(self.missed)]
        ends = np.concatenate([[0.0], thresholds, [2.0 * thresholds.min() - _FAR if thresholds.size else -_FAR]])
        first, last = np.zeros(self.b.shape, dtype=np.int64), np.full(self.b.shape, ends.size - 1)
        while (last - first > 1).any():
            middle = (first + last) // 2
            reached = self.excess(self.unseen(ends[middle], filled=True)) >= 0.0
            first, last = np.where(reached, first, middle), np.where(reached, middle, last)
        high, low = ends[first], ends[last]
        empty, full = self.unseen(low), self.unseen(low, filled=True)
        under, over = self.excess(empty), self.excess(full)
        at_threshold = under < 0.0
        possible = over >= -1e-9 * np.maximum(self.of.total, 1.0)
        t = np.where(at_threshold, low, self._between(low, high, at_threshold))
        share = np.where(over > under, np.clip(-under / np.where(over > under, over - under, 1.0), 0.0, 1.0), 0.0)
        part = share[:, np.newaxis]
        inside = self.unseen(t)
        chosen = [
            np.where(at_threshold[:, np.newaxis], (1.0 - part) * first + part * last, between)
            for first, last, between in zip(empty, full, inside, strict=True)
        ]
        return self._made(chosen[0], chosen[1], possible)

    def _between(self, low: FloatArray, high: FloatArray, settled: BoolArray) -> FloatArray:
        low = np.where(settled, high, low)
        ends = self.excess(self.unseen(low)), self.excess(self.unseen(high))
        least = _RATE_PRECISION * np.maximum(self.of.total, 1.0)
        return falling_root(lambda t: self.excess(self.unseen(t)), (low, high), ends, least)[0]

    def _made(self, hidden: FloatArray, others: FloatArray, possible: BoolArray) -> Population:
        sampled, b = self.of, self.b
        deviance, variance = np.zeros(b.shape), np.zeros(b.shape)
        left = np.where(sampled.chance < 1.0, (1.0 - sampled.chance) / sampled.chance, 0.0)
        for seen, unseen, pull in ((sampled.counted, hidden, 1.0 - b), (sampled.other, others, b)):
            everyone = seen + unseen
            positive_total = np.where(everyone > 0.0, everyone, 1.0)
            lost = xlogy(seen, np.where(seen > 0.0, seen, 1.0) / (positive_total * sampled.chance))
            lost = (
                lost
                + xlogy(unseen, np.where(unseen > 0.0, unseen, 1.0) / positive_total)
                - unseen * _finite(self.missed)
            )
            deviance += 2.0 * lost.sum(axis=1)
            variance += (everyone * left).sum(axis=1) * pull**2
        size = np.where(sampled.total > 0.0, sampled.total, 1.0)
        return Population(
            deviance=np.where(possible, np.maximum(deviance, 0.0), np.inf),
            variance=variance / size**2,
        )


def _growing(seen: FloatArray, exponent: FloatArray) -> FloatArray:
    """``x q / (1 - q)`` with ``log q = exponent``; 0 of a kind that was not seen."""
    left = -np.expm1(exponent)
    some = (seen > 0.0) & (left > 0.0)
    grown = seen * np.exp(exponent) / np.where(some, left, 1.0)
    return np.where(seen > 0.0, np.where(some, grown, np.inf), 0.0)


_ROUNDS, _PLACES = 3, 17
_TINY = 1e-16
_LIMIT_PRECISION = 1e-9
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
        counts = tuple((group.of_groups(places), rest.of_groups(places)) for group, rest in self.counts)
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
        rests_on_the_edge = self._on_the_edge(boundary)
        degrees = np.min(np.stack([rest.degrees_of_freedom for rest in rests_on_the_edge]), axis=0)
        return EffectiveTest(
            p=np.max(np.stack([rest.p(level) for rest in rests_on_the_edge]), axis=0),
            effective_size=np.min(np.stack([rest.size for rest in rests_on_the_edge]), axis=0),
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
    observed_rate, other, below = group.rate, rest.rate, rest.complement
    edge = boundary.edge(other)
    lowest = np.clip((observed_rate - boundary.offset) / boundary.slope, 0.0, other)
    at, group_population, others = _likeliest(group, below, boundary, (lowest, other))
    parts = group_population.variance, boundary.slope**2 * others.variance
    degrees = _satterthwaite(parts, (group.degrees_of_freedom, rest.degrees_of_freedom))
    return OnTheEdge(
        shown=observed_rate - edge,
        edge=boundary.edge(at),
        deviance=group_population.deviance + others.deviance,
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
        group_population, others = group.raised_to(boundary.edge(rates.ravel())), below.raised_to(1.0 - rates.ravel())
        return (
            rates,
            np.argmin((group_population.deviance + others.deviance).reshape(rates.shape), axis=1),
            group_population,
            others,
        )

    rates, best, of_group, others = tried(*ends)
    for _ in range(_ROUNDS - 1):
        around = (rates[rows, np.clip(best + step, 0, _PLACES - 1)] for step in (-1, 1))
        rates, best, of_group, others = tried(*around)
    flat_index = rows * _PLACES + best
    of_group, others = (Population(*(values[flat_index] for values in side)) for side in (of_group, others))
    return rates[rows, best], of_group, others


def _satterthwaite(parts: tuple[FloatArray, ...], degrees: tuple[FloatArray, ...]) -> FloatArray:
    variance = sum(parts, np.zeros(parts[0].shape))
    squares = sum(
        (np.where(part > 0.0, part**2 / np.maximum(df, 0.5), 0.0) for part, df in zip(parts, degrees, strict=True)),
        np.zeros(variance.shape),
    )
    return np.where(squares > 0.0, variance**2 / np.where(squares > 0.0, squares, 1.0), np.inf)


def rate_limits(side: SampledCounts, level: float) -> tuple[FloatArray, FloatArray]:
    """Limits of the rates that a test of level ``(1 - level) / 2`` on each side does not reject; float64[G] each."""
    tail, sides = (1.0 - level) / 2.0, side.complement.beside(side)

    def beyond(rate: FloatArray) -> FloatArray:
        return np.asarray(ndtri(np.clip(_one_rate(sides, rate).p(tail), _TINY, 1.0 - _TINY)) - ndtri(tail))

    sure, estimated = sides.known_in_full, sides.rate
    highest = np.maximum(np.where(sure, estimated, 1.0 - 1e-9), estimated)
    values = np.full(estimated.shape, -ndtri(_TINY) - ndtri(tail)), beyond(highest)
    _, limit = falling_root(beyond, (estimated, highest), values, _LIMIT_PRECISION)
    limit = np.maximum(np.where((values[1] > 0.0) & ~sure, 1.0, limit), estimated)
    return 1.0 - limit[: side.total.size], limit[side.total.size :]


def _one_rate(side: SampledCounts, rate: FloatArray) -> OnTheEdge:
    there = side.raised_to(rate)
    degrees = np.where(side.total > 0.0, side.degrees_of_freedom, 0.0)
    none_seen = side.none_seen(rate)
    return OnTheEdge(side.rate - rate, rate, there.deviance, there.variance, none_seen, degrees, there.variance, None)
