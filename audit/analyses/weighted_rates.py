"""Weighted rates of groups and rests: their intervals, and what people of unknown group move in them.

Weighted rates of groups and rests that a question compares, with everything that is not known at its best or
worst.

Rates of weighted and clustered sets with their intervals, of groups and of those they are compared with.

What moves in weighted rates where people who may belong to a group do: the largest p-value that is supposed
possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from audit.analyses.missing_attributes import MemberPlaces, Supposed, member_places, share_at_odds, speaking_cells
from audit.analyses.sides import Question, When, possible_cells, questions
from audit.counting.family_moments import Cells, FamilyMoments, of_the_others
from audit.counting.moments import Moments
from audit.counting.strata import MOST_DEGREES
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import Route, Rule
from audit.stats.arrays import BoolArray, FloatArray, IntArray, once_for_equals
from audit.stats.boundaries import Boundary
from audit.stats.clusters import Alike, Tilt, WeightedRate, pooled_correlation
from audit.stats.effective_test import Comparison, effective_size, few_degrees_factor
from audit.stats.intervals import Limits, clopper_pearson, difference_of_limits, ratio_of_limits, wilson
from audit.stats.strata import StratifiedComparison
from audit.vocabulary.metrics import Cell, Metric

if TYPE_CHECKING:
    from audit.counting.strata import StratifiedFamily


def _tilts(family_moments: FamilyMoments, family: FamilyCounts, cells: Cells) -> tuple[Tilt, Tilt, Tilt]:
    """Return the tilts of each group, of each rest, and of everyone."""
    kinds = cells[0], tuple(cell for cell in cells[1] if cell not in cells[0])
    group_weights = [
        (family_moments.units(kind), family_moments.squares(kind)[1], np.asarray(family.total(kind), dtype=np.float64))
        for kind in kinds
    ]
    everyone = [tuple(np.full(values.shape, values.sum()) for values in kind) for kind in group_weights]
    rest = [tuple(of_the_others(part) for part in kind) for kind in group_weights]
    tilts = [
        Tilt.of((some[0][0], some[1][0]), (some[0][1], some[1][1]), (some[0][2], some[1][2]))
        for some in (group_weights, rest, everyone)
    ]
    return tilts[0], tilts[1], tilts[2]


def weighted_comparison(
    family_moments: FamilyMoments, family: FamilyCounts, question: Question, when: When
) -> Comparison:
    """Compare group and rest as `question` asks, with unscored cases at their best or worst or left out."""
    group_cells, rest = question.cells(when)
    if family_moments.by_strata:
        # a gate of a set without strata loads none of this
        counts = cast("StratifiedFamily", family_moments)
        sampled = counts.sampled(group_cells), counts.sampled(rest, rest=True)
        return StratifiedComparison(
            family_moments.own(group_cells),
            family_moments.rest(rest),
            family_moments.cross(group_cells, rest),
            0.0,
            counts=(sampled,),
        )
    tilt, _, everyone = _tilts(family_moments, family, group_cells)
    _, rest_tilt, _ = _tilts(family_moments, family, rest)
    # unscored cases can make the rows of a cluster less alike than they are; the larger correlation holds for either
    scored, rest_scored = question.cells("scored")
    group, others = family_moments.own(group_cells), family_moments.rest(rest)
    return Comparison(
        group=group,
        rest=others,
        cross=family_moments.cross(group_cells, rest),
        correlation=max(correlation(family_moments, group_cells), correlation(family_moments, scored)),
        tilts=(tilt, everyone),
        rest_tilts=(rest_tilt, everyone),
        least_q=least_q(family_moments, family, group_cells[1]),
        alike=_alike(family_moments, group_cells, scored, rest=False),
        rest_alike=_alike(family_moments, rest, rest_scored, rest=True),
        joint=family_moments.shared((*group_cells[1], *rest[1])),
    )


def _alike(family_moments: FamilyMoments, cells: Cells, scored: Cells, *, rest: bool) -> Alike:
    rate = family_moments.rest if rest else family_moments.own
    alike = Alike.of(rate(cells), family_moments.evened(cells, rest=rest))
    return (
        alike if scored == cells else alike.worse_of(Alike.of(rate(scored), family_moments.evened(scored, rest=rest)))
    )


def least_q(family_moments: FamilyMoments, family: FamilyCounts, cells: Iterable[Cell]) -> FloatArray:
    """float64[G]: ``sum Q / S^2`` of each group, if its weights were as uneven as those within groups are on
    average. 0 where weights are known from strata, and not found.
    """
    denominator = tuple(cells)
    if family_moments.by_strata:
        return np.zeros(len(family.groups))
    rows = np.asarray(family.total(denominator), dtype=np.float64)
    total, (_, squares) = family_moments.units(denominator), family_moments.squares(denominator)
    some = (rows > 0.0) & (total > 0.0)
    effect = np.where(some, rows * squares / np.where(some, total, 1.0) ** 2, 0.0)
    pooled = float((rows * effect).sum() / max(float(rows.sum()), 1.0))
    return np.where(some, pooled / np.where(some, rows, 1.0), 0.0)


def is_exact(route: Route, rule: Rule, family: FamilyCounts, moments: Moments) -> bool:
    """Say whether the rows of every group of a family, and of its rest, are independent and count alike."""
    denominators = [cells[1] for question in questions(route, rule) for cells in question.cells("worst")]
    return all(bool(moments.of(family).counts_alike(denominator).all()) for denominator in denominators)


def correlation(family_moments: FamilyMoments, cells: Cells) -> float:
    """Return how alike the rows of a cluster are, over all groups of a family."""
    return pooled_correlation(family_moments.own(cells), family_moments.units(cells[1]))


class RateIntervals(NamedTuple):
    """Rates of G groups with their intervals; float64[G] each."""

    rate: FloatArray
    low: FloatArray
    high: FloatArray
    """Wilson's limits at the effective size, with the quantile of t."""
    exact_low: FloatArray
    exact_high: FloatArray
    """Clopper-Pearson's limits at the effective size."""
    effective: FloatArray
    """Effective size, before the cut for few degrees of freedom; nan where every case is one, inf where the population
    is known in full."""
    degrees_of_freedom: FloatArray
    """Degrees of freedom of its variance; nan where every case is one."""

    @property
    def limits(self) -> Limits:
        """Rates with Wilson's limits."""
        return Limits(self.rate, self.low, self.high)


def rate_intervals(family_moments: FamilyMoments, family: FamilyCounts, metric: Metric, level: float) -> RateIntervals:
    """Estimate every group's rate of a metric. Where its rows are independent and weigh the same, it is taken from
    counts.
    """
    cells: Cells = (metric.numerator, metric.denominator)
    intervals = _side_intervals(family_moments, cells, level)
    alike = family_moments.counts_alike(metric.denominator, rest=False)
    if not alike.any():
        return intervals
    x, n = family.numerator(metric), family.denominator(metric)
    counted = (x / np.maximum(n, 1), *wilson(x, n, level), *clopper_pearson(x, n, level))
    unknown = np.full(x.shape, np.nan)
    weighted = (intervals.rate, intervals.low, intervals.high, intervals.exact_low, intervals.exact_high)
    rate, low, high, exact_low, exact_high = (
        np.where(alike, exact, other) for exact, other in zip(counted, weighted, strict=True)
    )
    return RateIntervals(
        rate=rate,
        low=low,
        high=high,
        exact_low=exact_low,
        exact_high=exact_high,
        effective=np.where(alike, unknown, intervals.effective),
        degrees_of_freedom=np.where(alike, unknown, intervals.degrees_of_freedom),
    )


def _side_intervals(family_moments: FamilyMoments, cells: Cells, level: float, *, rest: bool = False) -> RateIntervals:
    side = family_moments.rest(cells) if rest else family_moments.own(cells)
    if not family_moments.by_strata:
        return _intervals(side, correlation(family_moments, cells), level)
    low, high = cast("StratifiedFamily", family_moments).limits(cells, level, rest=rest)
    size, degrees = effective_size(side, 0.0)
    sure = degrees > MOST_DEGREES
    size, degrees = np.where(sure, np.inf, size), np.where(sure, np.inf, degrees)
    return RateIntervals(side.rate, low, high, low, high, size, degrees)


def _intervals(side: WeightedRate, icc: float, level: float) -> RateIntervals:
    size, degrees = effective_size(side, icc)
    cut = size * few_degrees_factor(degrees, (1.0 - level) / 2.0)
    known = cut > 0.0
    n = np.where(known, cut, 1.0)
    x = np.minimum(n * side.rate, n)
    (low, high), (exact_low, exact_high) = wilson(x, n, level), clopper_pearson(x, n, level)
    # one cluster tells nothing of how clusters differ, so it excludes nothing
    return RateIntervals(
        rate=side.rate,
        low=np.where(known, low, 0.0),
        high=np.where(known, high, 1.0),
        exact_low=np.where(known, exact_low, 0.0),
        exact_high=np.where(known, exact_high, 1.0),
        effective=size,
        degrees_of_freedom=degrees,
    )


class Contrast(NamedTuple):
    """Groups against others: values and limits, float64[G] each; nan where the others have nothing to divide by."""

    difference: tuple[FloatArray, FloatArray, FloatArray]
    ratio: tuple[FloatArray, FloatArray, FloatArray]
    share: FloatArray
    """Group's part of the weight of both."""


def contrast(
    family_moments: FamilyMoments, family: FamilyCounts, metric: Metric, level: float, reference: int | None = None
) -> Contrast:
    """Compare every group with its rest, or with the group at place `reference`, with what their clusters share."""
    cells: Cells = (metric.numerator, metric.denominator)
    group_intervals = rate_intervals(family_moments, family, metric, level)
    units = family_moments.units(metric.denominator)
    if reference is None:
        side, cross = family_moments.rest(cells), family_moments.cross(cells, cells)
        others, others_units = _side_intervals(family_moments, cells, level, rest=True), units.sum() - units
        spread = side.residual
    else:
        at = np.full(units.shape, reference)
        picked = (
            group_intervals.rate,
            group_intervals.low,
            group_intervals.high,
            group_intervals.exact_low,
            group_intervals.exact_high,
            group_intervals.effective,
            group_intervals.degrees_of_freedom,
        )
        others, others_units = RateIntervals(*(values[at] for values in picked)), units[at]
        cross, spread = family_moments.between(reference, cells), family_moments.own(cells).residual[at]
    product = family_moments.own(cells).residual * spread
    shared = np.where(product > 0.0, cross / np.sqrt(np.where(product > 0.0, product, 1.0)), 0.0)
    rho = np.clip(shared, -1.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = group_intervals.rate / others.rate
    together = units + others_units
    return Contrast(
        difference=(
            group_intervals.rate - others.rate,
            *difference_of_limits(group_intervals.limits, others.limits, rho),
        ),
        ratio=(quotient, *ratio_of_limits(group_intervals.limits, others.limits, rho)),
        share=units / np.where(together > 0.0, together, 1.0),
    )


class Moves(NamedTuple):
    """A question with possible members moved, the best or the worst that is supposed of these.

    People whose cases speak against (or for) a group move to it from its rest (`audit.analyses.missing_attributes`): as
    many of unknown feature as the plan supposes, by weight, and against it all who have its nationality beside others.
    With them come people whose cases say otherwise, at least as many as the plan's odds ask for. Rates are exact.
    Variances are bounded from above (Minkowski); a covariance with the rest counts only where it adds. Degrees of
    freedom stay.
    """

    of: FamilyMoments
    start: Comparison
    cells: tuple[Cells, Cells]
    members: _Members

    @classmethod
    def of_question(
        cls,
        family_moments: FamilyMoments,
        family: FamilyCounts,
        question: Question,
        start: Comparison,
        when: When = "worst",
    ) -> Moves:
        """Build from the comparison in which nobody has moved."""
        up = (question.side == "high") == (when == "worst")
        members = _Members.of(family_moments, family, question.metric, up=up, several=when == "worst")
        return cls(family_moments, start, question.cells(when), members)

    def largest_p(self, supposed: Supposed, among: BoolArray, boundary: Boundary, level: npt.ArrayLike) -> FloatArray:
        """float64[G]: largest p-value of each of the groups `among`, over all who are supposed to move.

        Compare it with `level` only. 0 for the other groups, and where nobody can move.

        Notes
        -----
        Supposed are all numbers h of those who speak against a group, with all numbers o of those who say otherwise,
        that are there, are no more than `MemberPlaces.most`, and have no more than the odds. P-values are smooth in h
        and o, but for edges where a bound of squares is reached. Corners and edges are tried first. Where the level
        could be near, a grid follows, and finer ones around the best place. The p-value is `_SEARCHED` times the
        largest that was found.
        """
        levels, largest = np.broadcast_to(np.asarray(level, dtype=np.float64), among.shape), np.zeros(among.shape)
        room, best = _Room.of(self.members, supposed), np.zeros((among.size, 2))
        rows = np.flatnonzero(among & room.movable)

        def p_of(places: FloatArray, *moving: FloatArray) -> FloatArray:
            if places.size > 4096:  # so that memory stays bounded
                halves = zip(*(np.array_split(array, 2) for array in (places, *moving)), strict=True)
                return np.concatenate([p_of(*half) for half in halves])
            some = places.astype(np.int64)
            return self.moved(some, *moving).test(boundary, levels[some]).p

        for follows, offsets, near in _SEARCH:
            rows = rows[(largest[rows] <= levels[rows]) & (ndtri(levels[rows]) - ndtri(largest[rows]) <= near)]
            if not rows.size:
                break
            at, every = follows * best[rows][:, np.newaxis] + offsets, np.repeat(rows, len(offsets))
            p = once_for_equals(p_of, every.astype(float), *room.at(every, at)).reshape(at.shape[:2])
            better = p.max(axis=1) > largest[rows]
            best[rows[better]] = at[better, p[better].argmax(axis=1)]
            largest[rows] = np.maximum(largest[rows], p.max(axis=1))
        return np.minimum(largest * _SEARCHED, 1.0)

    def moved(self, places: IntArray, speaking: FloatArray, others: FloatArray) -> Comparison:
        """Compare the groups at `places`, shape (N,), each after so many units of people of unknown feature moved."""
        family_moments, start, (group_cells, rest), up = (
            self.of,
            self.start.of_groups(places),
            self.cells,
            self.members.up,
        )
        moving = _Moving.of(self.members, places, speaking, others)
        if family_moments.by_strata:
            return _divided(family_moments, self.members, start, moving, places)
        total, counted = family_moments.units(group_cells[1])[places], family_moments.units(group_cells[0])[places]
        new_total = total + moving.units + moving.others
        divisor = np.where(new_total > 0.0, new_total, 1.0)
        new_rate = (counted + (moving.units if up else moving.others)) / divisor
        pull = moving.pull(new_rate, moving.squares, up=up)
        spread = _norm_of_sum(
            family_moments.spread(group_cells, new_rate, rows=places), pull, spans=family_moments.spans
        )
        q = (start.group.q * total**2 + moving.second) / divisor**2
        squares = _norm_of_sum(moving.squares, moving.others_squares, spans=family_moments.clustered)
        bb = _norm_of_sum(start.group.bb * total**2, squares, spans=family_moments.spans) / divisor**2
        group = _with_size(start.group, start.correlation, new_rate, spread / divisor**2, q, bb)
        rest_units, rest_counted = (
            (family_moments.units(some).sum() - family_moments.units(some))[places] for some in (rest[1], rest[0])
        )
        left = rest_units - moving.scored - moving.others
        # nobody may be left of the rest; it then has no clusters either, and nothing is passed against it
        rest_divisor = np.where(left > 0.0, left, 1.0)
        rest_rate = np.clip((rest_counted - (moving.scored if up else moving.others)) / rest_divisor, 0.0, 1.0)
        loss = moving.pull(rest_rate, moving.scored_squares, up=up)
        spread = (
            _norm_of_sum(
                family_moments.spread(rest, rest_rate, rest=True, rows=places), loss, spans=family_moments.clustered
            )
            / rest_divisor**2
        )
        scale = np.where(left > 0.0, rest_units / rest_divisor, 0.0) ** 2
        there = replace(start.rest, clusters=np.where(left > 0.0, start.rest.clusters, 0.0))
        others_left = _with_size(there, start.correlation, rest_rate, spread, there.q * scale, there.bb * scale)
        return replace(
            start,
            group=group,
            rest=others_left,
            cross=np.minimum(start.cross, 0.0),
            # of a cluster of possible members some move, and the others stay
            joint=True,
            alike=_and_moved(start.alike, group),
            rest_alike=_and_moved(start.rest_alike, others_left),
        )


def _and_moved(alike: Alike | None, moved: WeightedRate) -> Alike | None:
    return None if alike is None else alike.worse_of(Alike.of(moved))


def _divided(
    family_moments: FamilyMoments, members: _Members, start: Comparison, moving: _Moving, places: IntArray
) -> StratifiedComparison:
    """Move a fixed weight of possible members from the rest to the group: once those drawn most rarely first, and once
    those drawn most often. Rates are the same for any choice of members; variances lie between these two.
    """
    family_moments, start = cast("StratifiedFamily", family_moments), cast("StratifiedComparison", start)
    scored, unscored, otherwise = members.cells
    amounts = (scored, moving.scored), (unscored, moving.units - moving.scored), (otherwise, moving.others)
    places_of_members = [
        [*unknown_places, *more]
        for unknown_places, more in zip(members.places.unknown, members.places.several, strict=True)
    ]
    divided = []
    for first in (1, -1):
        taken = []
        for cells, amount in amounts:
            rows = family_moments.by_chance(family_moments.rows(cells))
            there = np.stack([rows[some].sum(axis=0) for some in places_of_members])[places, ::first]
            worth = there / family_moments.chances[::first]
            before = np.cumsum(worth, axis=1) - worth
            filled = np.clip(amount[:, np.newaxis] - before, 0.0, worth)
            taken.append((filled * family_moments.chances[::first])[:, ::first])
        joined, left = taken[0] + taken[1], taken[0]
        group, rest = start.counts[0]
        into, out = ((joined, taken[2]), (left, taken[2])) if members.up else ((taken[2], joined), (taken[2], left))
        divided.append((group.joined_by(*into), rest.joined_by(-out[0], -out[1])))
    return replace(start, counts=tuple(divided), _found={})


_Sums = FloatArray
"""float64[3, G]: units, upper bound of the sum of B^2 over clusters, and sum of squared weights."""


class _Moving(NamedTuple):
    """Possible members that speak against a group; float64[G] each."""

    units: FloatArray
    scored: FloatArray
    """Units of the scored ones: they leave the rest, while unscored ones stay there, where they help it."""
    squares: FloatArray
    """Upper bound of the sum of B^2 over their clusters."""
    scored_squares: FloatArray
    others: FloatArray
    """Units of scored ones whose cases say otherwise, and who come along."""
    others_squares: FloatArray
    second: FloatArray
    """Upper bound of the sum of squared weights, of both kinds."""
    clustered: bool
    """Whether both kinds, and those who stay in the rest, can be of the same clusters."""

    def pull(self, rate: FloatArray, squares: FloatArray, *, up: bool) -> FloatArray:
        """Upper bound of what those of these squares, and the others, change in the squared residuals at this rate."""
        group, other = (1.0 - rate, rate) if up else (rate, 1.0 - rate)
        return _norm_of_sum(group**2 * squares, other**2 * self.others_squares, spans=self.clustered)

    @classmethod
    def of(cls, members: _Members, places: IntArray, speaking: FloatArray, otherwise: FloatArray) -> _Moving:
        several, of_several = (sums[:, places] for sums in members.several)
        moving, scored = (_capped(speaking, sums[:, places]) for sums in (members.speaking, members.scored))
        others = _capped(otherwise, members.otherwise[:, places])
        joint_norm = _norm_of_sum(moving[1], several[1], spans=members.spans)
        left = _norm_of_sum(scored[1], of_several[1], spans=members.spans)
        units, leaving, second = moving[0] + several[0], scored[0] + of_several[0], moving[2] + several[2] + others[2]
        return cls(units, leaving, joint_norm, left, others[0], others[1], second, members.clustered)


def _grid(speaking: Sequence[float], others: Sequence[float]) -> FloatArray:
    return np.stack(np.meshgrid(speaking, others), axis=-1).reshape(-1, 2)


_FIVE: Final = [0.0, 1.0, 2.0, 3.0, 4.0]
_FINE: Final = [piece + part for piece in range(5) for part in (0.0, 0.03, 0.2, 0.6)]
_SEARCH: Final = (
    (0.0, _grid([*_FIVE, 5.0], [0.0, 0.03, 1.0, 2.0]), np.inf),
    (0.0, _grid([*_FINE, 5.0], [*_FINE[:8], 2.0]), 1.0),
    *((1.0, step * (_grid(_FIVE, _FIVE) - 2.0) / 2.0, 0.25) for step in (0.3, 0.15, 0.08, 0.04)),
)
"""Places that are tried one after the other: whether they are around the best so far, where they are, and how many
standard errors from the level the largest p-value may be."""


_SEARCHED: Final = 1.02
"""A search is no proof: near the level a search ten times as dense found up to 1.5 % more."""


class _Room(NamedTuple):
    """How many units of possible members are supposed to move to each of G groups."""

    speaking: FloatArray
    """float64[6, G]: of those who speak against it none, the most, and between them where p-values have edges."""
    others: FloatArray
    """float64[4, G]: of the others those who come with each of the first at least, those with whom the bound of their
    squares is reached, and all; and most of both kinds together."""
    movable: BoolArray

    @classmethod
    def of(cls, members: _Members, supposed: Supposed) -> _Room:
        harmed, others = members.speaking[0], members.otherwise[0]
        most = members.places.most(members.known, supposed)
        share = share_at_odds(supposed.odds_factor, harmed, members.there - harmed)
        top, along = np.minimum(harmed, most * share), 1.0 / np.where(share > 0.0, share, 1.0) - 1.0
        movable = (top > 0.0) | (np.minimum(others, most) > 0.0) | (members.several[0][0] > 0.0)
        # a bound of squares is reached; there is room for fewer of the others, or for no more than their bound of
        # squares; all of the others come along
        bound = np.sqrt(members.otherwise[1])
        edges = np.sqrt(members.speaking[1]), most - others, most - bound, others / np.where(along > 0.0, along, 1.0)
        inner = np.sort(np.clip(np.stack(edges), 0.0, top), axis=0)
        of_others = np.stack([along, bound, others, most])
        return cls(np.concatenate([0.0 * top[np.newaxis], inner, top[np.newaxis]]), of_others, movable)

    def at(self, places: IntArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        """float64[N] each: units of both kinds at places between the edges, float64[..., 2] within 5 and 2."""
        harmed = _between(self.speaking[:, places], at[..., 0].ravel())
        along, bound, others, most = self.others[:, places]
        low = np.minimum(along * harmed, others)
        high = np.maximum(np.minimum(most - harmed, others), low)
        return harmed, _between(np.stack([low, np.clip(bound, low, high), high]), at[..., 1].ravel())


def _between(edges: FloatArray, at: FloatArray) -> FloatArray:
    """float64[N]: place on a line through the edges, float64[E, N]: at 1.5 half way from the second to the third."""
    before, columns = np.clip(at, 0, len(edges) - 2).astype(np.int64), np.arange(at.size)
    low, high = edges[before, columns], edges[before + 1, columns]
    return np.asarray(low + np.clip(at - before, 0.0, 1.0) * (high - low))


class _Members(NamedTuple):
    """Possible members of each of G groups, whatever is supposed of them."""

    cells: tuple[tuple[Cell, ...], tuple[Cell, ...], tuple[Cell, ...]]
    """Scored cases that speak against a group, unscored ones that could, and scored ones that say otherwise."""
    up: bool
    """Whether they raise its rate."""
    places: MemberPlaces
    spans: bool
    clustered: bool
    known: FloatArray
    """float64[G]: units of each group."""
    there: FloatArray
    """float64[G]: units of people of unknown feature who may belong to it."""
    speaking: _Sums
    scored: _Sums
    otherwise: _Sums
    several: Sequence[_Sums]
    """Of those who have the group's nationality beside others: who speak against it, and the scored ones of these."""

    @classmethod
    def of(
        cls, family_moments: FamilyMoments, family: FamilyCounts, metric: Metric, *, up: bool, several: bool
    ) -> _Members:
        scored, unscored = speaking_cells(metric, up=up)
        places = member_places(family)
        otherwise = tuple(cell for cell in metric.denominator if cell not in scored)
        known, denominators = family_moments.units(possible_cells(metric)), ((*scored, *unscored), scored)
        speaking, of_scored = (_of_members(family_moments, places.unknown, cells) for cells in denominators)
        beside = [
            _of_members(family_moments, places.several if several else [[]] * known.size, cells)
            for cells in denominators
        ]
        there = np.array([known[some].sum() for some in places.unknown], dtype=np.float64)
        others, cells = _of_members(family_moments, places.unknown, otherwise), (scored, unscored, otherwise)
        return cls(
            cells,
            up,
            places,
            family_moments.spans,
            family_moments.clustered,
            known,
            there,
            speaking,
            of_scored,
            others,
            beside,
        )


def _of_members(family_moments: FamilyMoments, places: list[list[int]], cells: tuple[Cell, ...]) -> _Sums:
    units, (squares, second) = family_moments.units(cells), family_moments.squares(cells)
    norms = [np.sqrt(squares[some]).sum() ** 2 if family_moments.spans else squares[some].sum() for some in places]
    return np.array([[units[some].sum() for some in places], norms, [second[some].sum() for some in places]])


def _capped(cap: FloatArray, sums: _Sums) -> _Sums:
    """Bound the sums for no more than `cap` units: squares add up to no more than the square of all."""
    left = np.minimum(sums[0], cap)
    return np.stack([left, *np.minimum(sums[1:], left**2)])


def _norm_of_sum(first: FloatArray, second: FloatArray, *, spans: bool) -> FloatArray:
    return np.asarray((np.sqrt(first) + np.sqrt(second)) ** 2 if spans else first + second)


def _with_size(
    before: WeightedRate, icc: float | FloatArray, rate: FloatArray, residual: FloatArray, q: FloatArray, bb: FloatArray
) -> WeightedRate:
    """Return a rate with another size and the degrees of freedom it had."""
    was, becomes = before.q + icc * (before.bb - before.q), q + icc * (bb - q)
    ratio = np.where(was > 0.0, becomes / np.where(was > 0.0, was, 1.0), 1.0) ** 2
    sizes = before.q_q * ratio, before.q_bb * ratio, before.bb_bb * ratio
    return WeightedRate(rate, residual, before.clusters, q, bb, *sizes)
