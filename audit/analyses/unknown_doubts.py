"""People of unknown group: the number or share of a group's that would overturn its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from audit.analyses.sides import Question
from audit.analyses.verdict_side import RuleCounts, VerdictSide
from audit.stats.arrays import BoolArray, FloatArray, IntArray, Tables
from audit.stats.margins.bounds import asymptotically_fewest, fewest_to_overturn, rate_bounds
from audit.stats.margins.score_test import asymptotic_p, screened_p
from audit.stats.rates.boundaries import counted_outcome
from audit.vocabulary.metrics import Metric

LARGEST_FACTOR: Final = 100.0
BISECTIONS: Final = 10


@dataclass(frozen=True, slots=True)
class Unknown:
    """Number of people of unknown group who would overturn each of G verdicts if they belonged to the group."""

    fewest: IntArray
    """int64[G]: -1 where not even all of them do."""
    among: IntArray
    """int64[G]: people of unknown group who may belong to the group and whose case speaks against the verdict."""
    share: FloatArray
    """float64[G]: largest share of the group's own cases that may be unknown without it; nan where any may."""


def fewest_to_hold_back(sides: Sequence[VerdictSide]) -> Unknown:
    """Find how many would keep a group from a pass, on the side that is nearest, whatever share the plan vouches
    for.
    """
    found = [_fewest(doubted, among) for doubted, among in ((side, _against(side)) for side in sides)]
    among = np.stack([_against(side) for side in sides])
    return _nearest(sides[0], np.stack(found), among)


def breakdown_factors(sides: Sequence[VerdictSide], *, exactly: bool = True) -> FloatArray:
    """float64[G]: smallest odds factor at which each group would no longer pass, to half a per cent of it; inf where
    not even a hundred does it.

    All else that the plan supposes stays. Not `exactly`: by the asymptotic test, to find the nearest groups.
    """
    size = len(sides[0].counts.groups.groups)
    low, high = np.ones(size), np.full(size, LARGEST_FACTOR)
    ends = pass_as_they_are([_with_odds(side, high) for side in sides], exactly=exactly)
    for _ in range(BISECTIONS):
        middle = np.sqrt(low * high)
        holds = pass_as_they_are([_with_odds(side, middle) for side in sides], exactly=exactly)
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    return np.where(ends, np.inf, high)


def _with_odds(side: VerdictSide, factor: FloatArray) -> VerdictSide:
    members = replace(side.counts.members, odds_factor=factor)
    return replace(side, counts=replace(side.counts, members=members))


def pass_as_they_are(sides: Sequence[VerdictSide], *, exactly: bool = True) -> BoolArray:
    """bool[G]: whether each group passes with the people of unknown feature that its counts let belong to it."""
    passing = []
    for side in sides:
        x, n, y, m = side.start()
        counted, counted_rest = counted_outcome(x, n, side.boundary), counted_outcome(y, m, side.boundary)
        p = asymptotic_p(counted, n, counted_rest, m, side.boundary)
        if exactly:
            p = screened_p(counted, n, counted_rest, m, side.boundary, side.beta).p
        passing.append(p <= side.level)
    return np.asarray(np.logical_and.reduce(passing), dtype=np.bool_)


def fewest_in_favour(doubted: VerdictSide) -> Unknown:
    """Find how many would keep a group from its FAIL, as far as the plan lets them belong to it."""
    question, counts = doubted.question, doubted.counts
    among = counts.members.in_favour(question)
    found = fewest_to_overturn(
        partial(_at_best, question, counts), among, doubted.boundary, doubted.beta, doubted.level
    )
    return _nearest(doubted, found[np.newaxis], among[np.newaxis])


def smallest_shares(sides: Sequence[VerdictSide]) -> FloatArray:
    """float64[G]: the share at which each group would be held back, by the asymptotic test: to find the nearest
    groups.
    """
    shares = []
    for side in sides:
        among = _against(side)
        guess = asymptotically_fewest(
            partial(_at_worst, side.question, _without_limit(side)), among, side.boundary, side.level
        )
        own = side.counts.members.surely(side.question.metric, side.counts.groups)
        shares.append(np.where(guess > among, np.inf, (guess - 1) / np.maximum(own + guess - 1, 1)))
    return np.asarray(np.min(np.stack(shares), axis=0), dtype=np.float64)


def unknown_bounds(counts: RuleCounts, metric: Metric) -> tuple[FloatArray, FloatArray]:
    """float64[G] each: lowest and highest rate of each group, over its scored cases and those who may belong to it."""
    hits, misses = counts.members.joining(metric)
    return rate_bounds(counts.groups.numerator(metric), counts.groups.denominator(metric), hits, misses)


def _fewest(doubted: VerdictSide, among: IntArray) -> IntArray:
    tables = partial(_at_worst, doubted.question, _without_limit(doubted))
    return fewest_to_overturn(tables, among, doubted.boundary, doubted.beta, doubted.level)


def _against(doubted: VerdictSide) -> IntArray:
    counts = _without_limit(doubted)
    return counts.members.against(doubted.question)


def _without_limit(doubted: VerdictSide) -> RuleCounts:
    """Return the counts without what the plan supposes."""
    return replace(doubted.counts, members=doubted.counts.members.whoever())


def _at_worst(question: Question, counts: RuleCounts, moved: IntArray) -> Tables:
    return counts.members.at_their_worst(question, counts.groups, moved)


def _at_best(question: Question, counts: RuleCounts, moved: IntArray) -> Tables:
    return counts.members.at_their_best(question, counts.groups, moved)


def _nearest(doubted: VerdictSide, found: IntArray, among: IntArray) -> Unknown:
    """Pick, over sides, the one that takes the fewest people."""
    never = found > among
    at = np.argmin(np.where(never, np.iinfo(np.int64).max, found), axis=0)[np.newaxis]
    fewest, all_of_them, none = (np.take_along_axis(array, at, axis=0)[0] for array in (found, among, never))
    own = doubted.counts.members.surely(doubted.question.metric, doubted.counts.groups)
    share = (fewest - 1) / np.maximum(own + fewest - 1, 1)
    return Unknown(np.where(none, -1, fewest), all_of_them, np.where(none, np.nan, share))
