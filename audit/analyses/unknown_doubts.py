"""People of unknown group: the number or share of a group's that would overturn its verdict, and how much more of them,
than a plan supposes, would undo a PASS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, compress
from typing import Any, Final

import numpy as np

from audit.analyses.estimates import as_known
from audit.analyses.missing_attributes import NOTHING, Supposed
from audit.analyses.sides import Question, questions
from audit.analyses.verdict_side import RuleCounts, VerdictSide, rule_counts
from audit.analyses.weighted_moves import Moves
from audit.analyses.weighted_rates import is_exact, weighted_comparison
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts, rule_families
from audit.plan.audit_plan import AuditPlan, Rule
from audit.result.findings.judged import Verdict
from audit.stats.arrays import BoolArray, FloatArray, IntArray, Tables
from audit.stats.boundaries import counted_outcome
from audit.stats.robustness import asymptotically_fewest, fewest_to_overturn, rate_bounds
from audit.stats.score_test import asymptotic_p, screened_p
from audit.vocabulary.groups import Family, Group
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


def _guessed_factors(sides: Sequence[VerdictSide]) -> FloatArray:
    """float64[G]: smallest odds factor at which each group would no longer pass the asymptotic test, to half a per cent
    of it; inf where not even a hundred does it. To find the nearest groups.
    """
    size = len(sides[0].counts.groups.groups)
    low, high = np.ones(size), np.full(size, LARGEST_FACTOR)
    ends = pass_as_they_are([_with_odds(side, high) for side in sides], exactly=False)
    for _ in range(BISECTIONS):
        middle = np.sqrt(low * high)
        holds = pass_as_they_are([_with_odds(side, middle) for side in sides], exactly=False)
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    return np.where(ends, np.inf, high)


def _with_odds(side: VerdictSide, factor: FloatArray) -> VerdictSide:
    members = side.counts.members._replace(odds_factor=factor)
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
    at_best = partial(counts.members.at_their_best, question, counts.groups)
    found = fewest_to_overturn(at_best, among, doubted.boundary, doubted.beta, doubted.level)
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
    return replace(doubted.counts, members=doubted.counts.members.without_suppositions())


def _at_worst(question: Question, counts: RuleCounts, moved: IntArray) -> Tables:
    return counts.members.at_their_worst(question, counts.groups, moved)


def _nearest(doubted: VerdictSide, found: IntArray, among: IntArray) -> Unknown:
    """Pick, over sides, the one that takes the fewest people."""
    never = found > among
    at = np.argmin(np.where(never, np.iinfo(np.int64).max, found), axis=0)[np.newaxis]
    fewest, all_of_them, none = (np.take_along_axis(array, at, axis=0)[0] for array in (found, among, never))
    own = doubted.counts.members.surely(doubted.question.metric, doubted.counts.groups)
    share = (fewest - 1) / np.maximum(own + fewest - 1, 1)
    return Unknown(np.where(none, -1, fewest), all_of_them, np.where(none, np.nan, share))


NEAREST: Final = 10
"""Number of groups, of those that look nearest to losing their PASS, that are examined by the test itself."""

_Fallen = Callable[[Supposed], Iterator[Group]]
"""Function that returns the groups that no longer pass where so much is supposed."""


def breakdown(
    plan: AuditPlan, asked: Sequence[Question], counts: RuleCounts, passing: Sequence[Verdict]
) -> dict[str, Any]:
    """Find the group whose PASS falls at the smallest odds factor, and how many fall where nothing is supposed.

    Returns
    -------
    :
        ``breakdown_factor``, ``weakest`` and ``not_if_nothing_supposed`` of `RuleSensitivity`; empty without a PASS.
    """
    if not passing:
        return {}
    guessed = _guessed_factors(pass_sides(plan, asked, counts, passing))
    near = [passing[place] for place in np.argsort(guessed, kind="stable")[:NEAREST]]
    undone = _undone(plan, _exactly(plan, asked, counts, near), _exactly(plan, asked, counts, passing))
    return undone | {"breakdown_factor": as_known(undone["breakdown_factor"])}


def pass_sides(
    plan: AuditPlan, asked: Sequence[Question], counts: RuleCounts, verdicts: Sequence[Verdict]
) -> list[VerdictSide]:
    """Return each question's side of a PASS for these groups."""
    some = counts.of(verdicts)
    return [VerdictSide("pass", question, some, np.full(len(verdicts), plan.verdict.alpha)) for question in asked]


def weighted_breakdown(
    plan: AuditPlan, rule: Rule, families: Mapping[Family, FamilyCounts], moments: Moments, passing: Sequence[Verdict]
) -> dict[str, Any]:
    """Find what `breakdown` finds where rows have weights or clusters.

    Each family is asked by the test that judged it: of whole counts where its rows count alike, else by weights.
    """
    asked: list[_Fallen] = []
    for family in rule_families(plan, rule):
        members = set(families[family].groups)
        if own := [verdict for verdict in passing if verdict.group in members]:
            if is_exact(plan, rule, families[family], moments):
                asked.append(_exactly(plan, questions(plan, rule), rule_counts(plan, rule, families), own))
            else:
                asked.append(_by_weights(plan, rule, families[family], moments, [verdict.group for verdict in own]))

    def fallen(supposed: Supposed) -> Iterator[Group]:
        return chain.from_iterable(each(supposed) for each in asked)

    return _undone(plan, fallen, fallen) if asked else {}


def _undone(plan: AuditPlan, fallen: _Fallen, all_fallen: _Fallen) -> dict[str, Any]:
    """What `breakdown` returns. `fallen` looks at the groups that may be the weakest."""
    supposed = Supposed.of(plan.sensitivity)
    low, high = 1.0, LARGEST_FACTOR
    weakest = next(fallen(supposed._replace(odds_factor=high)), None)
    for _ in range(BISECTIONS if weakest else 0):
        middle = float(np.sqrt(low * high))
        first = next(fallen(supposed._replace(odds_factor=middle)), None)
        low, high, weakest = (low, middle, first) if first else (middle, high, weakest)
    return {
        "breakdown_factor": high if weakest else None,
        "weakest": weakest,
        "not_if_nothing_supposed": sum(1 for _ in all_fallen(NOTHING)),
    }


def _by_weights(
    plan: AuditPlan, rule: Rule, family: FamilyCounts, moments: Moments, groups: Sequence[Group]
) -> _Fallen:
    of, alpha = moments.of(family), plan.verdict.alpha
    places = [family.groups.index(group) for group in groups]
    own = np.isin(np.arange(len(family.groups)), places)
    asked = [
        (question.within, Moves.of_question(of, family, question, weighted_comparison(of, family, question, "worst")))
        for question in questions(plan, rule)
    ]

    def fallen(supposed: Supposed) -> Iterator[Group]:
        held = own.copy()
        for within, moves in asked:
            held &= moves.largest_p(supposed, held, within, alpha) <= alpha
        return compress(groups, ~held[places])

    return fallen


def _exactly(plan: AuditPlan, asked: Sequence[Question], counts: RuleCounts, passing: Sequence[Verdict]) -> _Fallen:
    def fallen(supposed: Supposed) -> Iterator[Group]:
        known, odds = counts.members, supposed.odds_factor
        members = known.without_suppositions() if supposed == NOTHING else known._replace(odds_factor=odds)
        held = pass_as_they_are(pass_sides(plan, asked, replace(counts, members=members), passing))
        return compress((verdict.group for verdict in passing), ~held)

    return fallen
