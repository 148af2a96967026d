"""Counts of a stratified sample, and the likeliest population of a given rate from which it was drawn.

Every case of stratum h is drawn with the chance ``f = n / N``. The sample then says of each kind of case how many were
drawn, and nothing of a kind that nobody saw. Of a stratum that is known in full nothing is left to chance. Cases are
taken as drawn one by one (Poisson sampling); where n of N are drawn, a comparison varies no more than that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.rates.bisection import falling_root

_FAR = 700.0
"""Exponent at which no unseen case is left."""
_CLOSE = 1e-12
_PRECISION = 1e-13
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
        found = np.asarray((self.counted / self.chance).sum(axis=1))
        return found / np.where(self.total > 0.0, self.total, 1.0)

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
        of = [np.concatenate(pair) for pair in pairs]
        return SampledCounts(of[0], of[1], self.chance, (of[2], of[3]))

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

    def __init__(self, of: SampledCounts, b: FloatArray) -> None:
        self.of, self.b, self.missed = of, b, _missed(of.chance)
        self.odds = b / (1.0 - b)

    def unseen(self, t: FloatArray, *, filled: FloatArray | bool = False) -> tuple[FloatArray, FloatArray]:
        """float64[G, F] twice: cases that are there and were not seen, with and without the outcome.

        Where t is at the threshold of a kind, it is `filled` or empty.
        """
        of = self.of
        exponent = self.missed - t[:, np.newaxis]
        reached = (exponent > -_CLOSE * np.abs(t)[:, np.newaxis]) & np.broadcast_to(filled, exponent.shape)
        reached |= exponent > _CLOSE * np.abs(t)[:, np.newaxis]
        growing = _growing(of.counted, np.where(reached, 0.0, np.minimum(exponent, 0.0)))
        counted = np.where(reached, of.room[0], np.minimum(growing, of.room[0]))
        back = self.missed + np.maximum(t * self.odds, -_FAR)[:, np.newaxis]
        return counted, np.minimum(_growing(of.other, back), of.room[1])

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
        least = _PRECISION * np.maximum(self.of.total, 1.0)
        return falling_root(lambda t: self.excess(self.unseen(t)), (low, high), ends, least)[0]

    def _made(self, hidden: FloatArray, others: FloatArray, possible: BoolArray) -> Population:
        of, b = self.of, self.b
        deviance, variance = np.zeros(b.shape), np.zeros(b.shape)
        left = np.where(of.chance < 1.0, (1.0 - of.chance) / of.chance, 0.0)
        for seen, unseen, pull in ((of.counted, hidden, 1.0 - b), (of.other, others, b)):
            everyone = seen + unseen
            whole = np.where(everyone > 0.0, everyone, 1.0)
            lost = xlogy(seen, np.where(seen > 0.0, seen, 1.0) / (whole * of.chance))
            lost = lost + xlogy(unseen, np.where(unseen > 0.0, unseen, 1.0) / whole) - unseen * _finite(self.missed)
            deviance += 2.0 * lost.sum(axis=1)
            variance += (everyone * left).sum(axis=1) * pull**2
        size = np.where(of.total > 0.0, of.total, 1.0)
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
