"""Weighted rates of groups and rests that a question compares, with everything that is not known at its best or
worst.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from audit.analyses.missing_attributes import NOTHING, MemberPlaces, Supposed, member_places, share_at_odds
from audit.analyses.sides import Question, When, possible_cells, questions
from audit.counting.family_moments import Cells, FamilyMoments, of_the_others
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.clusters.effective_test import Comparison
from audit.stats.clusters.own_correlation import Alike
from audit.stats.clusters.weighted_rate import Tilt, WeightedRate, pooled_correlation
from audit.vocabulary.metrics import Cell, Metric

if TYPE_CHECKING:
    from audit.counting.strata import StratifiedFamily
    from audit.stats.strata.stratified_test import StratifiedComparison


def _tilts(of: FamilyMoments, family: FamilyCounts, cells: Cells) -> tuple[Tilt, Tilt, Tilt]:
    """Return the tilts of each group, of each rest, and of everyone."""
    kinds = cells[0], tuple(cell for cell in cells[1] if cell not in cells[0])
    own = [(of.units(kind), of.squares(kind)[1], np.asarray(family.total(kind), dtype=np.float64)) for kind in kinds]
    everyone = [tuple(np.full(values.shape, values.sum()) for values in kind) for kind in own]
    rest = [tuple(of_the_others(part) for part in kind) for kind in own]
    made = [
        Tilt.of((some[0][0], some[1][0]), (some[0][1], some[1][1]), (some[0][2], some[1][2]))
        for some in (own, rest, everyone)
    ]
    return made[0], made[1], made[2]


def weighted_comparison(of: FamilyMoments, family: FamilyCounts, question: Question, when: When) -> Comparison:
    """Compare group and rest as `question` asks, with unscored cases at their best or worst or left out."""
    own, rest = question.cells(when)
    if of.by_strata:
        # a gate of a set without strata loads none of this
        from audit.stats.strata.stratified_test import StratifiedComparison

        counts = cast("StratifiedFamily", of)
        sampled = counts.sampled(own), counts.sampled(rest, rest=True)
        return StratifiedComparison(of.own(own), of.rest(rest), of.cross(own, rest), 0.0, counts=(sampled,))
    tilt, _, everyone = _tilts(of, family, own)
    _, rest_tilt, _ = _tilts(of, family, rest)
    # unscored cases can make the rows of a cluster less alike than they are; the larger correlation holds for either
    scored, rest_scored = question.cells("scored")
    group, others = of.own(own), of.rest(rest)
    return Comparison(
        group=group,
        rest=others,
        cross=of.cross(own, rest),
        correlation=max(correlation(of, own), correlation(of, scored)),
        tilts=(tilt, everyone),
        rest_tilts=(rest_tilt, everyone),
        least_q=least_q(of, family, own[1]),
        alike=_alike(of, own, scored, rest=False),
        rest_alike=_alike(of, rest, rest_scored, rest=True),
        joint=of.shared((*own[1], *rest[1])),
    )


def _alike(of: FamilyMoments, cells: Cells, scored: Cells, *, rest: bool) -> Alike:
    rate = of.rest if rest else of.own
    alike = Alike.of(rate(cells), of.evened(cells, rest=rest))
    return alike if scored == cells else alike.worse_of(Alike.of(rate(scored), of.evened(scored, rest=rest)))


def least_q(of: FamilyMoments, family: FamilyCounts, cells: Iterable[Cell]) -> FloatArray:
    """float64[G]: ``sum Q / S^2`` of each group, if its weights were as uneven as those within groups are on
    average. 0 where weights are known from strata, and not found.
    """
    denominator = tuple(cells)
    if of.by_strata:
        return np.zeros(len(family.groups))
    rows = np.asarray(family.total(denominator), dtype=np.float64)
    total, (_, squares) = of.units(denominator), of.squares(denominator)
    some = (rows > 0.0) & (total > 0.0)
    effect = np.where(some, rows * squares / np.where(some, total, 1.0) ** 2, 0.0)
    pooled = float((rows * effect).sum() / max(float(rows.sum()), 1.0))
    return np.where(some, pooled / np.where(some, rows, 1.0), 0.0)


def is_exact(plan: AuditPlan, rule: Rule, family: FamilyCounts, moments: Moments) -> bool:
    """Say whether the rows of every group of a family, and of its rest, are independent and count alike."""
    denominators = [cells[1] for question in questions(plan, rule) for cells in question.cells("worst")]
    return all(bool(moments.of(family).counts_alike(denominator).all()) for denominator in denominators)


def correlation(of: FamilyMoments, cells: Cells) -> float:
    """Return how alike the rows of a cluster are, over all groups of a family."""
    return pooled_correlation(of.own(cells), of.units(cells[1]))


class Moves(NamedTuple):
    """Comparisons of a question with possible members moved, the best or the worst that is supposed of these.

    People whose cases speak against (or for) a group move to it from its rest (`audit.analyses.missing_attributes`): as
    many of unknown feature as the plan supposes, by weight, and against it all who have its nationality beside others.
    With them come as few whose cases say otherwise as the plan's odds ask for. Rates are exact. Variances are bounded
    from above (Minkowski); a covariance with the rest counts only where it adds. Degrees of freedom stay.
    """

    of: FamilyMoments
    start: Comparison
    cells: tuple[Cells, Cells]
    members: _Members

    @classmethod
    def of_question(
        cls, of: FamilyMoments, family: FamilyCounts, question: Question, start: Comparison, when: When = "worst"
    ) -> Moves:
        """Build from the comparison in which nobody has moved."""
        up = (question.side == "high") == (when == "worst")
        members = _Members.of(of, family, question.metric, up=up, several=when == "worst")
        return cls(of, start, question.cells(when), members)

    def supposing(self, supposed: Supposed, among: BoolArray) -> tuple[Comparison, BoolArray]:
        """Compare those of the groups `among` that have possible members, and say which groups these are."""
        moving = _Moving.of(self.members, supposed)
        some = among & (moving.units > 0.0)
        if self.of.by_strata:
            return _divided(self.of, self.members, self.start, moving).of_groups(some), some
        moved = self._moved(moving).of_groups(some)
        alike, rest_alike = _and_moved(moved.alike, moved.group), _and_moved(moved.rest_alike, moved.rest)
        return replace(moved, alike=alike, rest_alike=rest_alike), some

    def _moved(self, moving: _Moving) -> Comparison:
        of, start, (own, rest), up = self.of, self.start, self.cells, self.members.up
        total, counted = of.units(own[1]), of.units(own[0])
        new_total = total + moving.units + moving.others
        divisor = np.where(new_total > 0.0, new_total, 1.0)
        new_rate = (counted + (moving.units if up else moving.others)) / divisor
        spread = _norm_of_sum(of.spread(own, new_rate), moving.pull(new_rate, up=up), spans=of.spans)
        group = _with_size(
            start.group,
            start.correlation,
            rate=new_rate,
            residual=spread / divisor**2,
            q=(start.group.q * total**2 + moving.second) / divisor**2,
            bb=_norm_of_sum(start.group.bb * total**2, moving.both, spans=of.spans) / divisor**2,
        )
        rest_units, rest_counted = (of.units(cells).sum() - of.units(cells) for cells in (rest[1], rest[0]))
        left = rest_units - moving.scored - moving.others
        # nobody may be left of the rest; it then has no clusters either, and nothing is passed against it
        rest_divisor = np.where(left > 0.0, left, 1.0)
        rest_rate = np.clip((rest_counted - (moving.scored if up else moving.others)) / rest_divisor, 0.0, 1.0)
        loss = np.maximum(rest_rate, 1.0 - rest_rate) ** 2 * moving.out_of_the_rest
        scale = np.where(left > 0.0, rest_units / rest_divisor, 0.0) ** 2
        others = _with_size(
            start.rest,
            start.correlation,
            rate=rest_rate,
            residual=_norm_of_sum(of.spread(rest, rest_rate, rest=True), loss, spans=True) / rest_divisor**2,
            q=start.rest.q * scale,
            bb=start.rest.bb * scale,
        )
        return replace(
            start,
            group=group,
            rest=replace(others, clusters=np.where(left > 0.0, others.clusters, 0.0)),
            cross=np.minimum(start.cross, 0.0),
            # of a cluster of possible members those who speak against the group move, and the others stay
            joint=np.asarray(start.joint) | (moving.units > 0.0),
        )


def _and_moved(alike: Alike | None, moved: WeightedRate) -> Alike | None:
    return None if alike is None else alike.worse_of(Alike.of(moved))


def _divided(of: FamilyMoments, members: _Members, start: Comparison, moving: _Moving) -> StratifiedComparison:
    """Move a fixed weight of possible members from the rest to the group: once those drawn most rarely first, and once
    those drawn most often. Rates are the same for any choice of members; variances lie between these two.
    """
    of, start = cast("StratifiedFamily", of), cast("StratifiedComparison", start)
    scored, unscored, otherwise = members.cells
    amounts = (scored, moving.scored), (unscored, moving.units - moving.scored), (otherwise, moving.others)
    who = [[*one, *more] for one, more in zip(members.places.unknown, members.places.several, strict=True)]
    found = []
    for first in (1, -1):
        taken = []
        for cells, amount in amounts:
            rows = of.by_chance(of.rows(cells))
            there = np.stack([rows[some].sum(axis=0) for some in who])[:, ::first]
            worth = there / of.chances[::first]
            before = np.cumsum(worth, axis=1) - worth
            filled = np.clip(amount[:, np.newaxis] - before, 0.0, worth)
            taken.append((filled * of.chances[::first])[:, ::first])
        joined, left = taken[0] + taken[1], taken[0]
        group, rest = start.counts[0]
        into, out = ((joined, taken[2]), (left, taken[2])) if members.up else ((taken[2], joined), (taken[2], left))
        found.append((group.joined_by(*into), rest.joined_by(-out[0], -out[1])))
    return replace(start, counts=tuple(found), _found={})


def _speaking(metric: Metric, *, up: bool) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    """List the cells of scored cases that push a rate up (or down), and of unscored ones that could."""
    if up:
        return metric.numerator, metric.highest_if_unscored
    return tuple(cell for cell in metric.denominator if cell not in metric.numerator), metric.lowest_if_unscored


_Sums = tuple[FloatArray, FloatArray, FloatArray]
"""float64[G] each: units, upper bound of the sum of B^2 over clusters, and sum of squared weights."""


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

    @property
    def both(self) -> FloatArray:
        """Upper bound of the sum of B^2 over clusters of both kinds, which can be the same clusters."""
        return _norm_of_sum(self.squares, self.others_squares, spans=True)

    @property
    def out_of_the_rest(self) -> FloatArray:
        """Upper bound of that sum over those who leave the rest."""
        return _norm_of_sum(self.scored_squares, self.others_squares, spans=True)

    def pull(self, rate: FloatArray, *, up: bool) -> FloatArray:
        """Upper bound of what they add to the squared residuals of a group of this rate."""
        own, other = (1.0 - rate, rate) if up else (rate, 1.0 - rate)
        return _norm_of_sum(own**2 * self.squares, other**2 * self.others_squares, spans=True)

    @classmethod
    def of(cls, members: _Members, supposed: Supposed) -> _Moving:
        moving, moving_scored, others = members.speaking, members.scored, members.otherwise
        along = np.zeros(moving[0].shape)
        if supposed != NOTHING:
            most = members.places.most(members.known, supposed)
            share = share_at_odds(supposed.odds_factor, moving[0], members.there - moving[0])
            moving, moving_scored = _capped(most * share, *moving), _capped(most * share, *moving_scored)
            people = np.minimum(moving[0] / np.where(share > 0.0, share, 1.0), most)
            along = np.clip(people - moving[0], 0.0, others[0])
        others = _capped(along, *others)
        if members.several is not None:
            moving, moving_scored = (
                (units + more[0], _norm_of_sum(squares, more[1], spans=members.spans), second + more[2])
                for (units, squares, second), more in zip((moving, moving_scored), members.several, strict=True)
            )
        second = moving[2] + others[2]
        return cls(moving[0], moving_scored[0], moving[1], moving_scored[1], others[0], others[1], second)


class _Members(NamedTuple):
    """Possible members of each of G groups, whatever is supposed of them."""

    cells: tuple[tuple[Cell, ...], tuple[Cell, ...], tuple[Cell, ...]]
    """Scored cases that speak against a group, unscored ones that could, and scored ones that say otherwise."""
    up: bool
    """Whether they raise its rate."""
    places: MemberPlaces
    spans: bool
    known: FloatArray
    """float64[G]: units of each group."""
    there: FloatArray
    """float64[G]: units of people of unknown feature who may belong to it."""
    speaking: _Sums
    scored: _Sums
    otherwise: _Sums
    several: Sequence[_Sums] | None
    """Of those who have the group's nationality beside others: who speak against it, and the scored ones of these."""

    @classmethod
    def of(cls, of: FamilyMoments, family: FamilyCounts, metric: Metric, *, up: bool, several: bool) -> _Members:
        scored, unscored = _speaking(metric, up=up)
        places = member_places(family)
        otherwise = tuple(cell for cell in metric.denominator if cell not in scored)
        known, both = of.units(possible_cells(metric)), ((*scored, *unscored), scored)
        speaking, of_scored = (_of_members(of, places.unknown, cells) for cells in both)
        beside = [_of_members(of, places.several, cells) for cells in both] if several and any(places.several) else None
        there = np.array([known[some].sum() for some in places.unknown], dtype=np.float64)
        others, cells = _of_members(of, places.unknown, otherwise), (scored, unscored, otherwise)
        return cls(cells, up, places, of.spans, known, there, speaking, of_scored, others, beside)


def _of_members(of: FamilyMoments, places: list[list[int]], cells: tuple[Cell, ...]) -> _Sums:
    units, (squares, second) = of.units(cells), of.squares(cells)
    norms = np.array([np.sqrt(squares[some]).sum() ** 2 if of.spans else squares[some].sum() for some in places])
    return np.array([units[some].sum() for some in places]), norms, np.array([second[some].sum() for some in places])


def _capped(cap: FloatArray, units: FloatArray, squares: FloatArray, second: FloatArray) -> _Sums:
    """Bound the sums for no more than `cap` units.

    sum B^2 <= (largest B) sum B, and no cluster has more than all or than the cap.
    """
    left = np.minimum(units, cap)
    return (
        left,
        np.minimum(squares, left * np.minimum(left, np.sqrt(squares))),
        np.minimum(second, left * np.sqrt(second)),
    )


def _norm_of_sum(one: FloatArray, other: FloatArray, *, spans: bool) -> FloatArray:
    return np.asarray((np.sqrt(one) + np.sqrt(other)) ** 2 if spans else one + other)


def _with_size(
    before: WeightedRate,
    icc: float | FloatArray,
    *,
    rate: FloatArray,
    residual: FloatArray,
    q: FloatArray,
    bb: FloatArray,
) -> WeightedRate:
    """Return a rate with another size and the degrees of freedom it had."""
    was, becomes = before.q + icc * (before.bb - before.q), q + icc * (bb - q)
    ratio = np.where(was > 0.0, becomes / np.where(was > 0.0, was, 1.0), 1.0) ** 2
    return WeightedRate(
        rate, residual, before.clusters, q, bb, before.q_q * ratio, before.q_bb * ratio, before.bb_bb * ratio
    )
