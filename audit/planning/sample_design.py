"""Design of a sample: what its cases are worth, its quotas, and the number of cases of each cell.

Worth of a set that is planned cell by cell to the groups of a rule, and the cases that these would need.

These are the sizes that `audit.verdicts.decidability` takes from an existing set. Here they come from cells of which so
many cases are to be drawn, and from the sizes that clusters have in the pool.

Quotas of a design: their levels, read as the values of a pool are, and cells of which the pool has no case.

A word that is no level is refused. Of a cell without a case nothing can be asked, and somebody should know.

Allocation of a design: the number of cases that each cell of a pool gives, and what it leaves open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt

from audit.analyses.missing_attributes import MemberPlaces, member_places
from audit.analyses.sides import questions
from audit.counting.family_moments import of_the_others
from audit.counting.table import FamilyCounts, is_finest, rule_families
from audit.errors import PlanError
from audit.evaluation import gender, nationality
from audit.evaluation.several import joint_code, parts_of, read_parts
from audit.evaluation.standing import STANDINGS
from audit.plan.audit_plan import AuditPlan, Route, Rule
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sampling_design import Quota, SamplingDesign
from audit.plan.sections import GENDERS, Coding, Groups, SensitivitySection, VerdictSection, feature_coding
from audit.stats.allocation import GroupCells, effective_sizes, proportional_counts, smallest_allocation
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.boundaries import Boundary, margin_boundary
from audit.stats.cluster_power import UnitShapes
from audit.stats.clusters import Alike, design_size, satterthwaite, too_few_clusters, variance_factor
from audit.stats.effective_test import MIN_DEGREES_OF_FREEDOM, few_degrees_factor
from audit.stats.power import Limit, cases_to_pass
from audit.verdicts.planned_people import (
    PlannedPeople,
    cases_for_enough_clusters,
    cases_to_be_alone,
    chance_to_miss,
    groups_held_back,
    is_beyond_help,
)
from audit.vocabulary.groups import Family, Group, Level
from audit.vocabulary.metrics import Cell
from audit.vocabulary.text import shown

NEAREST, WIDEST = 0.01, 0.999
"""How narrow and how wide a margin is looked for: as a share of the rule's own, and of what a rate has room for."""
_RESTS = 40
_LARGEST_SHARE = 20
"""Largest useful size of a group as a multiple of its rest: beyond it a group gains nothing by growing. As in
`audit.stats.power`.
"""


@dataclass(frozen=True, slots=True)
class PoolCell:
    """A cell of a pool: a level of every sensitive feature, with a label."""

    codes: tuple[str, ...]
    """A code of each feature on its finest rung, in the order of the design."""
    positive: bool
    """Whether its cases are labelled as exploitation."""
    rows: int
    """Rows in the pool."""
    distinct: int
    """Rows that can be drawn: those of the pool, without copies of others where a design leaves these out."""


@dataclass(frozen=True, slots=True)
class CellGroups:
    """Groups of one family of a rule, and the cells that their cases are in."""

    rule: Rule
    family: Family
    groups: tuple[Group, ...]
    members: GroupCells
    """Cells that the cases of each group are in, in the denominator of the rule's rate."""

    def assigned(self, cells: int) -> IntArray:
        """int64[C]: the group of each cell; -1 where its cases are in no group's denominator."""
        assigned = np.full(cells, -1, dtype=np.int64)
        assigned[self.members.cell] = self.members.group
        return assigned


def cell_groups(group_features: Groups, rules: Sequence[Rule], cells: Sequence[PoolCell]) -> tuple[CellGroups, ...]:
    """List every family of every rule on its finest rungs, over the cells of a pool."""
    groups_found = []
    names = list(group_features)
    for rule in rules:
        counted = _labels_counted(rule)
        for family in rule_families(group_features, rule):
            if not is_finest(group_features, family):
                continue
            places = [names.index(axis.feature) for axis in family.axes]
            members: dict[tuple[str, ...], list[int]] = {}
            for cell_index, cell in enumerate(cells):
                cells_of_group = members.setdefault(tuple(cell.codes[at] for at in places), [])
                if cell.positive in counted and cell.distinct:
                    cells_of_group.append(cell_index)
            keys = sorted(members)
            groups = tuple(
                Group(tuple(Level(axis.feature, axis.rung, code) for axis, code in zip(family.axes, key, strict=True)))
                for key in keys
            )
            groups_found.append(CellGroups(rule, family, groups, GroupCells.of([members[key] for key in keys])))
    return tuple(groups_found)


def _labels_counted(rule: Rule) -> set[bool]:
    denominator = set(rule.rate.denominator)
    positive, negative = denominator & {Cell.TP, Cell.FN}, denominator & {Cell.FP, Cell.TN}
    return ({True} if positive else set()) | ({False} if negative else set())


@dataclass(frozen=True, slots=True)
class PlannedSizes:
    """Worth of planned cases; float64[G] each, for the groups of a family."""

    own: FloatArray
    """Number of independent cases of equal weight that the cases of a group are worth."""
    rest: FloatArray
    """Number of independent cases of equal weight that the cases of everyone else are worth."""
    possible: npt.NDArray[np.bool_]
    """Whether the group has clusters and degrees of freedom enough to be judged at all."""


def weight_sums(sizes: npt.ArrayLike, drawn: npt.ArrayLike) -> FloatArray:
    """float64[4, C]: rows, and sums of the first, second and fourth power of their weights, for rows drawn one by one.

    Parameters
    ----------
    sizes, drawn : array_like, shape (C,)
        Cases of each cell in the pool, and drawn from it.
    """
    pool, some = np.asarray(sizes, dtype=np.float64), np.asarray(drawn, dtype=np.float64)
    weight = pool / np.where(some > 0.0, some, 1.0)
    return np.stack([some * weight**power for power in (0, 1, 2, 4)])


def planned_sizes(
    set_section: EvaluationSetSection,
    verdict: VerdictSection,
    groups: CellGroups,
    of_cells: FloatArray,
    shapes: UnitShapes,
) -> PlannedSizes:
    """Compute what the cases of each group and of its rest are worth, as `audit.verdicts.decidability` will take them.

    Parameters
    ----------
    set_section, verdict
        Sections of the plan: how alike rows of a cluster are expected to be, and the level of the tests.
    groups : CellGroups
        The groups of a family.
    of_cells : ndarray of float64, shape (4, C)
        For each cell the rows to be drawn and the sums of powers of their weights, as of `weight_sums`.
    shapes : UnitShapes
        The clusters of each group in the pool.
    """
    icc, alpha = set_section.expected_icc, verdict.alpha
    sums = np.stack([groups.members.added(part) for part in of_cells])
    rest_sums, others = np.stack([of_the_others(part) for part in sums]), shapes.of_the_others
    group, rest = shapes.side(sums), others.side(rest_sums)
    # a group is taken to have weights as uneven as those within groups are on average, as in a verdict
    cases, first, second, _ = sums
    uneven = np.where(first > 0.0, cases * second / np.where(first > 0.0, first, 1.0) ** 2, 0.0)
    pooled = float((cases * uneven).sum() / max(float(cases.sum()), 1.0))
    least_q = np.where(cases > 0.0, pooled / np.where(cases > 0.0, cases, 1.0), 0.0)
    degrees = satterthwaite(group, icc)
    few = design_size(group, icc, least_q) * few_degrees_factor(degrees, alpha)
    open_to = Alike.supposing(icc, group, shapes.evened(sums)).largest
    return PlannedSizes(
        own=np.minimum(few, design_size(group, open_to, least_q)),
        rest=design_size(rest, icc) * few_degrees_factor(satterthwaite(rest, icc), alpha),
        possible=(degrees >= MIN_DEGREES_OF_FREEDOM) & ~too_few_clusters(group),
    )


def cases_from_clusters(
    plan: AuditPlan, groups: CellGroups, of_cells: FloatArray, shapes: UnitShapes, share: float
) -> FloatArray:
    """float64[G]: cases from as many clusters as a pass takes at `share` of the rule's margin; 0 without clusters.

    Parameters are those of `planned_sizes`; inf where no number would do.
    """
    sums = np.stack([groups.members.added(part) for part in of_cells])
    rest_sums, others = np.stack([of_the_others(part) for part in sums]), shapes.of_the_others
    icc = plan.evaluation_set.expected_icc
    clusters = shapes.evened(sums).bundles.at_least(icc), others.evened(rest_sums).bundles.at_least(icc)
    side, rest_side = shapes.side(sums), others.side(rest_sums)
    factor, rows = variance_factor(side, icc), (side.q, rest_side.q)
    wanted = np.zeros(sums[0].shape)
    for boundary, beyond in _edges_at_share(plan.audit.route, groups.rule, share):
        cases = cases_for_enough_clusters(plan, groups.rule, clusters, factor, sums[0], (boundary,), rows=rows)
        wanted = np.maximum(wanted, np.ceil(cases / beyond - 1e-6))
    return wanted


def joint_power(verdict: VerdictSection, judged: Sequence[CellGroups], pool: FloatArray) -> float:
    """Return the power with which each group must pass, so that all that the pool has together have the plan's.

    Parameters
    ----------
    pool : ndarray of float64, shape (C,)
        Cases of each cell that can be drawn.
    """
    groups = sum(int((planned.members.added(pool) >= verdict.min_denominator).sum()) for planned in judged)
    return float(verdict.power ** (1.0 / max(groups, 1)))


def for_the_unknown(
    route: Route,
    verdict: VerdictSection,
    sensitivity: SensitivitySection,
    groups: CellGroups,
    pool: FloatArray,
    power: float,
) -> FloatArray:
    """float64[G]: cases that each group needs, over those it would need were nobody of unknown group.

    1 where no number would do: such a group lacks no cases. Parameters are those of `joint_power`.
    """
    nobody = np.zeros((len(groups.groups), 3, 4), dtype=np.int64)
    members = member_places(FamilyCounts(groups.family, groups.groups, nobody, nobody[:1].sum(axis=0)))
    people = groups.members.added(pool)
    planned = PlannedPeople(people, people, people.sum() - people, members)
    none: list[list[int]] = [[] for _ in groups.groups]
    alone = replace(planned, members=MemberPlaces(none, [[] for _ in none], none))
    with_them, without = (
        cases_to_be_alone(route, verdict, sensitivity, groups.rule, planned_side, power)
        for planned_side in (planned, alone)
    )
    helps = np.isfinite(with_them) & np.isfinite(without) & ~is_beyond_help(route, sensitivity, groups.rule, planned)
    factor = np.ones(helps.shape)
    factor[helps] = np.maximum(with_them[helps], 1.0) / np.maximum(without[helps], 1.0)
    return factor


def wanted_sizes(
    route: Route, verdict: VerdictSection, rule: Rule, share: float, power: float
) -> Callable[[FloatArray], FloatArray]:
    """Return a function that gives the independent cases a group needs to pass, with this power, at a margin of `share`
    times the rule's own.

    Returns
    -------
    callable
        From the effective sizes of rests, float64[G], to those wanted of their groups. Beyond the widest margin that
        the rate has room for, sizes fall in proportion. Where no number would do, as many as can still help.
    """
    edges = _edges_at_share(route, rule, share)
    # of two sides each is planned for half of the risk, as in `audit.verdicts.decidability`
    power = 1.0 - (1.0 - power) / len(edges)
    rests = np.unique(np.round(np.geomspace(2.0, 1e7, _RESTS)))
    needed = np.zeros(rests.shape)
    for boundary, beyond in edges:
        cases = cases_to_pass(rule.planned_rate, rests, boundary, verdict.alpha, power)
        needed = np.maximum(needed, cases / beyond)
    most = np.minimum(needed, _LARGEST_SHARE * rests)

    def wanted(rest: FloatArray) -> FloatArray:
        inside = np.log(np.clip(rest, rests[0], rests[-1]))
        interpolated = np.interp(inside, np.log(rests), most)
        return np.where(rest > 0.0, np.minimum(interpolated, _LARGEST_SHARE * np.maximum(rest, 1.0)), 0.0)

    return wanted


def _edges_at_share(route: Route, rule: Rule, share: float) -> list[tuple[Boundary, float]]:
    """Return the edges of a rule's sides at a share of its margin, one for each side.

    An edge is never wider than the rate has room for; the second number says how far beyond that it should lie.
    """
    edges = []
    for question in questions(route, rule):
        low = question.side == "low"
        limit = Limit(low, rule.scale, rule.limit, rule.planned_rate)
        width = _limit_width(limit) * share
        beyond = max(width / ((limit.rate if low else 1.0 - limit.rate) * WIDEST), 1.0)
        edge = limit.rate + (-1.0 if low else 1.0) * width / beyond
        edges.append((margin_boundary("pass", low, rule.scale, limit.disparity(edge)), beyond))
    return edges


def _limit_width(limit: Limit) -> float:
    """Return how far the rule's own limit lies from the rate."""
    if limit.scale == "difference":
        return limit.limit
    return limit.rate * (1.0 - limit.limit) if limit.low_is_worse else limit.rate * (1.0 / limit.limit - 1.0)


MOST_NAMED: Final = 3
"""Most cells without a case that are named; of three features there can be thousands."""
_WRITE: Final[dict[Coding, str]] = {
    "gender": ", ".join(GENDERS),
    "nationality": "ISO 3166-1 codes, for example NGA, or unknown",
    "relation": ", ".join(STANDINGS),
}


@dataclass(frozen=True, slots=True)
class QuotaGap:
    """A quota, and the number of its cells that the pool lacks."""

    quota: Quota
    cells: int
    """Cells that it describes: its own levels, with every level that the pool has of other features, and its labels."""
    lacking: int
    """Number of these cells that have no case in the pool."""
    named: tuple[tuple[tuple[str, ...], bool], ...]
    """First of the lacking cells: a code of each feature, and whether cases are labelled as exploitation."""


def quota_gaps(design: SamplingDesign, cells: Sequence[PoolCell]) -> tuple[QuotaGap, ...]:
    """Find the quotas of a design that the cells of a pool leave without cases, wholly or in part, in their order."""
    features = tuple(design.groups)
    cells_found = {(cell.codes, cell.positive) for cell in cells}
    levels = [sorted({cell.codes[index] for cell in cells}) for index in range(len(features))]
    gaps = []
    for quota in design.quotas:
        axes = [[quota.of[name]] if name in quota.of else levels[index] for index, name in enumerate(features)]
        sides = (True, False) if quota.label is None else (quota.label == "positive",)
        described = prod(len(axis) for axis in axes) * len(sides)
        lacking = described - sum(quota.describes(features, *cell) for cell in cells_found)
        if lacking:
            every = ((codes, side) for codes in product(*axes) for side in sides if (codes, side) not in cells_found)
            gaps.append(QuotaGap(quota, described, lacking, tuple(islice(every, MOST_NAMED))))
    return tuple(gaps)


def with_canonical_levels(design: SamplingDesign) -> SamplingDesign:
    """Return the design with each level of a quota as its canonical code: NGA for nga.

    Raises
    ------
    PlanError
        If a quota names what is no level of its feature: the pool could have none of it.
    """
    plan, quotas = design.as_plan(), []
    for number, quota in enumerate(design.quotas, start=1):
        levels: dict[str, str] = {}
        for name, text in quota.of.items():
            coding = feature_coding(plan.groups, name)
            code = _level(coding, text, several=plan.groups[name].dual == "any")
            if code is None:
                raise PlanError(
                    f'quotas {number}: "{shown(text)}" is no level of a {coding}',
                    slug="quota-level",
                    hint=f"write {_WRITE[coding]}",
                )
            levels[name] = code
        quotas.append(quota.model_copy(update={"of": levels}))
    return design.model_copy(update={"quotas": tuple(quotas)})


def _level(coding: Coding, text: str, *, several: bool) -> str | None:
    """Return the code. For several nationalities, where the design counts people under all of them, it is the code of
    all together.
    """
    if coding == "gender":
        return gender.canonical(text)
    if coding == "nationality":
        codes = read_parts(list(parts_of(text)) if several else [text], nationality.map_target)
        return None if codes is None else joint_code(codes)
    return text if coding == "categorical" or text in STANDINGS else None


ClusterShapes = Callable[[IntArray, int], UnitShapes]
"""Function that gives the clusters of groups in the pool, from the group of each cell (int64[C], -1 for none) and their
number.
"""

_ROUNDS = 6
_LOOKS = 40
_WIDE = 2.0**20
_CLOSE = 0.002


@dataclass(frozen=True, slots=True)
class Allocation:
    """Cases asked of each cell, and cases that it can give."""

    asked: IntArray
    """int64[C]: cases that would be drawn if the pool had them."""
    drawn: IntArray
    """int64[C]: cases to draw: as asked, as far as the pool has them."""
    share: float | None
    """For a decidable allocation: the margin at which groups that have the cases can pass, as a share of the rule's."""
    rules_take: int | None = None
    """For a decidable allocation whose size falls short: cases with which groups can pass at the rules' own margins."""


@dataclass(frozen=True, slots=True)
class GroupReach:
    """Whether a group of a rule could be judged alone in the planned set."""

    groups: CellGroups
    place: int
    """Place of the group among these."""
    pool: int
    """Cases in the pool that can be drawn."""
    cases: int
    """Cases in the set."""
    wanted: int | None
    """Cases of the same kind with which it would be judged alone; None where no number would do."""
    decidable: bool
    held_back: bool
    """Whether it could still not pass: as `audit.verdicts.planned_people` says, for the pool."""


def allocate(
    design: SamplingDesign,
    plan: AuditPlan,
    cells: Sequence[PoolCell],
    shapes: ClusterShapes,
    size: int | None,
    share: float = 1.0,
) -> Allocation:
    """Share out the cases of a design.

    Parameters
    ----------
    design, plan
        The design, and the same as a plan.
    cells : sequence of PoolCell, length C
        The cells of the pool.
    shapes : callable
        The sizes of clusters.
    size : int or None
        Cases in all; the design's own size, or less where whole clusters bring more than is asked.
    share : float
        For a decidable allocation without a size: the margins that groups are to pass at, as a share of the rules' own.

    Raises
    ------
    PlanError
        If what every cell gives at least is more than the size.
    """
    pool = np.array([cell.distinct for cell in cells], dtype=np.int64)
    quotas = _largest_quotas(design, cells)
    least = np.maximum(quotas, design.draw.least_per_cell)
    floor = np.minimum(least, pool)
    if size is not None and int(floor.sum()) > size:
        raise _too_small(design, int((pool > 0).sum()), int(floor.sum()))
    if design.draw.allocation == "decidable":
        return _allocate_decidable(design, plan, cells, shapes, (least, floor, pool), size, share)
    if design.draw.allocation is None or size is None:
        return Allocation(least, floor, None)
    shares = np.ones(pool.size) if design.draw.allocation == "equal" else pool.astype(np.float64)
    drawn = proportional_counts(shares, floor, pool, size)
    wanted_cases = np.maximum(least, drawn)
    if design.draw.allocation == "equal":
        # of cells that have enough some give one more than others, so that the sum is right; all are asked as much
        wanted_cases = np.maximum(least, np.where(drawn < pool, drawn, int(drawn.max(initial=0))))
    return Allocation(wanted_cases, drawn, None)


def least_cases(design: SamplingDesign, cells: Sequence[PoolCell]) -> int:
    """Return the cases that all cells together give at least."""
    least = np.maximum(_largest_quotas(design, cells), design.draw.least_per_cell)
    return int(np.minimum(least, [cell.distinct for cell in cells]).sum())


def _largest_quotas(design: SamplingDesign, cells: Sequence[PoolCell]) -> IntArray:
    """int64[C]: the largest quota that describes each cell; 0 for none."""
    names = tuple(design.groups)
    largest = np.zeros(len(cells), dtype=np.int64)
    for quota in design.quotas:
        for index, cell in enumerate(cells):
            if quota.describes(names, cell.codes, cell.positive):
                largest[index] = max(largest[index], quota.cases)
    return largest


def _too_small(design: SamplingDesign, cells: int, floor: int) -> PlanError:
    return PlanError(
        f"draw.size = {design.draw.size}: the pool has {cells:,} cells, which give {floor:,} cases at the least",
        slug="draw-size",
        hint=f"raise the size, or lower least_per_cell (now {design.draw.least_per_cell}) or the quotas; a cell of "
        "which nothing is drawn would not be in what the set stands for",
    )


def _allocate_decidable(
    design: SamplingDesign,
    plan: AuditPlan,
    cells: Sequence[PoolCell],
    shapes: ClusterShapes,
    bounds: tuple[IntArray, IntArray, IntArray],
    size: int | None,
    share: float,
) -> Allocation:
    least, floor, pool = bounds
    search = _Search(plan, cell_groups(plan.groups, design.rules, cells), shapes, floor, pool)
    if size is None:
        drawn, wanted_cases = search.at(share)
        return Allocation(np.maximum(least, wanted_cases), drawn, share)
    rules_take = int(search.at(1.0)[0].sum())
    share = _smallest_share(lambda tried: int(search.at(tried)[0].sum()), size)
    drawn, wanted_cases = search.at(share)
    if int(drawn.sum()) > size:  # not even the widest margin leaves room for more than the least of each
        return Allocation(least, proportional_counts(drawn.astype(np.float64), floor, pool, size), None, rules_take)
    return Allocation(np.maximum(least, wanted_cases), drawn, share, rules_take if rules_take > size else None)


def _smallest_share(cases: Callable[[float], int], size: int) -> float:
    """Find the smallest multiple of the margins that takes no more than `size` cases, to within a five-hundredth of
    it.
    """
    low, high = NEAREST, 1.0
    if cases(low) <= size:
        return low
    while cases(high) > size and high < _WIDE:
        low, high = high, 2.0 * high
    for _ in range(_LOOKS):
        if high - low <= _CLOSE * high:
            break
        middle = math.sqrt(low * high)
        low, high = (low, middle) if cases(middle) <= size else (middle, high)
    return high


class _Search:
    """Search for the fewest cases with which every group could pass, for any multiple of the rules' margins."""

    def __init__(
        self,
        plan: AuditPlan,
        judged: Sequence[CellGroups],
        shapes: ClusterShapes,
        floor: IntArray,
        pool: IntArray,
    ) -> None:
        self._plan, self._judged, self._floor, self._pool = plan, judged, floor, pool
        cases = pool.astype(np.float64)
        self._power = joint_power(plan.verdict, judged, cases)
        self._unknown = [
            for_the_unknown(plan.audit.route, plan.verdict, plan.sensitivity, groups, cases, self._power)
            for groups in judged
        ]
        self._shapes = [_group_shapes(groups, shapes, pool.size) for groups in judged]
        members = [groups.members for groups in judged]
        starts = np.cumsum([0, *(some.groups for some in members)])
        self._members = GroupCells(
            np.concatenate([some.cell for some in members]),
            np.concatenate([some.group + start for some, start in zip(members, starts, strict=False)]),
            int(starts[-1]),
        )

    def at(self, share: float) -> tuple[IntArray, IntArray]:
        """int64[C] twice: cases to draw, and cases that would be drawn if the pool had them."""
        wanted = [
            wanted_sizes(self._plan.audit.route, self._plan.verdict, groups.rule, share, self._power)
            for groups in self._judged
        ]
        drawn = self._pool.astype(np.float64)
        least = [self._from_clusters(*look, share) for look in zip(self._judged, self._shapes, strict=True)]
        needed = np.zeros(self._members.groups)
        for _ in range(_ROUNDS):
            looks = zip(self._judged, wanted, self._unknown, least, self._shapes, strict=True)
            needed = np.concatenate([self._needed(*look, drawn) for look in looks])
            before, drawn = drawn, smallest_allocation(self._members, needed, self._pool, self._floor)
            if np.abs(before - drawn).max(initial=0.0) < 0.5:
                break
        rounded = np.clip(np.ceil(drawn - 1e-6), self._floor, self._pool).astype(np.int64)
        return rounded, np.maximum(rounded, self._unbounded(needed))

    def _from_clusters(self, groups: CellGroups, shapes: UnitShapes, share: float) -> FloatArray:
        """float64[G]: cases from as many clusters as a pass takes; 0 where no number of them would do."""
        of_cells = weight_sums(self._pool, self._pool)
        least = cases_from_clusters(self._plan, groups, of_cells, shapes, share)
        return np.where(np.isfinite(least), least, 0.0)

    def _needed(
        self,
        groups: CellGroups,
        wanted: Callable[[FloatArray], FloatArray],
        unknown: FloatArray,
        least: FloatArray,
        shapes: UnitShapes,
        drawn: FloatArray,
    ) -> FloatArray:
        """float64[G]: Kish's effective size that each group needs, at what `drawn` is worth to it and its rest."""
        pool, cases = groups.members.added(self._pool), groups.members.added(drawn)
        sizes = planned_sizes(
            self._plan.evaluation_set, self._plan.verdict, groups, weight_sums(self._pool, drawn), shapes
        )
        kish = effective_sizes(groups.members, self._pool, drawn)
        some = kish > 0.0
        design_effect = np.where(some, sizes.own / np.where(some, kish, 1.0), 1.0)
        from_clusters = kish * least / np.where(cases > 0.0, cases, 1.0)
        needed = np.maximum(wanted(sizes.rest) * unknown / np.maximum(design_effect, 1e-3), from_clusters)
        return np.where(pool >= self._plan.verdict.min_denominator, needed, 0.0)

    def _unbounded(self, needed: FloatArray) -> IntArray:
        """int64[C]: what each cell would give to the groups that need more cases than the pool has."""
        have = self._members.added(self._pool)
        factor = np.where(have > 0.0, needed / np.where(have > 0.0, have, 1.0), 0.0)
        largest = np.zeros(self._pool.size)
        np.maximum.at(largest, self._members.cell, np.where(factor > 1.0, factor, 0.0)[self._members.group])
        return np.ceil(largest * self._pool - 1e-6).astype(np.int64)


def _group_shapes(groups: CellGroups, shapes: ClusterShapes, cells: int) -> UnitShapes:
    return shapes(groups.assigned(cells), groups.members.groups)


def planned_reach(
    plan: AuditPlan,
    judged: Sequence[CellGroups],
    cells: Sequence[PoolCell],
    of_cells: FloatArray,
    shapes: ClusterShapes,
) -> tuple[GroupReach, ...]:
    """Find the groups that could be judged alone at the rules' own limits.

    Parameters
    ----------
    of_cells : ndarray of float64, shape (4, C)
        For each cell the rows to expect and the sums of powers of their weights, as of `weight_sums`.
    shapes : callable
        The sizes of clusters.
    """
    pool = np.array([cell.distinct for cell in cells], dtype=np.float64)
    reached: list[GroupReach] = []
    missed: list[FloatArray] = []
    for groups in judged:
        of_groups = _group_shapes(groups, shapes, pool.size)
        sizes = planned_sizes(plan.evaluation_set, plan.verdict, groups, of_cells, of_groups)
        have, cases = groups.members.added(pool), groups.members.added(of_cells[0])
        people = PlannedPeople(have, sizes.own, sizes.rest, _members(groups))
        needs, jointly = (
            _needs(plan, groups, of_cells, of_groups, sizes, pool, power)
            for power in (plan.verdict.power, joint_power(plan.verdict, judged, pool))
        )
        alone = np.isfinite(needs) & (cases >= needs - 1e-6)
        is_held_back = alone & groups_held_back(plan.audit.route, plan.verdict, plan.sensitivity, groups.rule, people)
        missed.append(
            np.where(
                alone,
                np.where(
                    is_held_back,
                    0.0,
                    chance_to_miss(plan.audit.route, plan.verdict, plan.sensitivity, groups.rule, people),
                ),
                np.nan,
            )
        )
        reached += [
            GroupReach(
                groups=groups,
                place=index,
                pool=int(have[index]),
                cases=round(float(cases[index])),
                wanted=int(jointly[index]) if np.isfinite(jointly[index]) else None,
                decidable=bool(alone[index]),
                held_back=bool(is_held_back[index]),
            )
            for index in range(groups.members.groups)
        ]
    return _together(plan.verdict, reached, np.concatenate([np.zeros(0), *missed]))


def _needs(
    plan: AuditPlan,
    groups: CellGroups,
    of_cells: FloatArray,
    shapes: UnitShapes,
    sizes: PlannedSizes,
    pool: FloatArray,
    power: float,
) -> FloatArray:
    """float64[G]: cases that each group needs to pass with this power; inf where none would do."""
    cases, floor = groups.members.added(of_cells[0]), plan.verdict.min_denominator
    least = cases_from_clusters(plan, groups, of_cells, shapes, 1.0)
    wanted = wanted_sizes(plan.audit.route, plan.verdict, groups.rule, 1.0, power)(sizes.rest) * for_the_unknown(
        plan.audit.route, plan.verdict, plan.sensitivity, groups, pool, power
    )
    worth = np.where((cases > 0) & (sizes.own > 0), sizes.own / np.maximum(cases, 1e-300), 1.0)
    judged = sizes.possible & (cases.sum() - cases >= floor) & (cases > 0) & np.isfinite(least)
    needs = np.maximum(np.maximum(np.ceil(wanted / worth - 1e-6), np.floor(least)), floor)
    return np.where(judged, needs, np.inf)


def _together(verdict: VerdictSection, reached: Sequence[GroupReach], missed: FloatArray) -> tuple[GroupReach, ...]:
    """Judge alone only as many as can pass together, as `audit.verdicts.decidability` does."""
    alone = np.sort(missed[np.isfinite(missed)])
    with np.errstate(divide="ignore"):
        still_alone = int((np.cumsum(np.log1p(-alone)) >= math.log(verdict.power) - 1e-12).sum())
    most = 1.0 if still_alone in (0, alone.size) else float(alone[still_alone - 1])
    return tuple(
        replace(reach, decidable=bool(reach.decidable and miss <= most))
        for reach, miss in zip(reached, missed, strict=True)
    )


def _members(groups: CellGroups) -> MemberPlaces:
    nobody = np.zeros((len(groups.groups), 3, 4), dtype=np.int64)
    return member_places(FamilyCounts(groups.family, groups.groups, nobody, nobody[:1].sum(axis=0)))
