"""Allocation of a design: the number of cases that each cell of a pool gives, and what it leaves open."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from audit.analyses.missing_attributes import MemberPlaces, member_places
from audit.counting.table import FamilyCounts
from audit.errors import PlanError
from audit.plan.audit_plan import AuditPlan
from audit.plan.sampling_design import SamplingDesign
from audit.planning.sample_sizes import (
    NEAREST,
    CellGroups,
    PlannedSizes,
    PoolCell,
    cases_from_clusters,
    cell_groups,
    for_the_unknown,
    joint_power,
    planned_sizes,
    wanted_sizes,
    weight_sums,
)
from audit.stats.allocation import GroupCells, effective_sizes, proportional_counts, smallest_allocation
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.cluster_power import UnitShapes
from audit.verdicts.planned_people import PlannedPeople, chance_to_miss, groups_held_back

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
    asked = np.maximum(least, drawn)
    if design.draw.allocation == "equal":
        # of cells that have enough some give one more than others, so that the sum is right; all are asked as much
        asked = np.maximum(least, np.where(drawn < pool, drawn, int(drawn.max(initial=0))))
    return Allocation(asked, drawn, None)


def least_cases(design: SamplingDesign, cells: Sequence[PoolCell]) -> int:
    """Return the cases that all cells together give at least."""
    least = np.maximum(_largest_quotas(design, cells), design.draw.least_per_cell)
    return int(np.minimum(least, [cell.distinct for cell in cells]).sum())


def _largest_quotas(design: SamplingDesign, cells: Sequence[PoolCell]) -> IntArray:
    """int64[C]: the largest quota that describes each cell; 0 for none."""
    names = tuple(design.groups)
    largest = np.zeros(len(cells), dtype=np.int64)
    for quota in design.quotas:
        for place, cell in enumerate(cells):
            if quota.describes(names, cell.codes, cell.positive):
                largest[place] = max(largest[place], quota.cases)
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
    search = _Search(plan, cell_groups(plan, design.rules, cells), shapes, floor, pool)
    if size is None:
        drawn, asked = search.at(share)
        return Allocation(np.maximum(least, asked), drawn, share)
    rules_take = int(search.at(1.0)[0].sum())
    share = _smallest_share(lambda tried: int(search.at(tried)[0].sum()), size)
    drawn, asked = search.at(share)
    if int(drawn.sum()) > size:  # not even the widest margin leaves room for more than the least of each
        return Allocation(least, proportional_counts(drawn.astype(np.float64), floor, pool, size), None, rules_take)
    return Allocation(np.maximum(least, asked), drawn, share, rules_take if rules_take > size else None)


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
        self._power = joint_power(plan, judged, cases)
        self._unknown = [for_the_unknown(plan, groups, cases, self._power) for groups in judged]
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
        wanted = [wanted_sizes(self._plan, groups.rule, share, self._power) for groups in self._judged]
        drawn = self._pool.astype(np.float64)
        least = [self._from_clusters(*of, share) for of in zip(self._judged, self._shapes, strict=True)]
        needed = np.zeros(self._members.groups)
        for _ in range(_ROUNDS):
            looks = zip(self._judged, wanted, self._unknown, least, self._shapes, strict=True)
            needed = np.concatenate([self._needed(*of, drawn) for of in looks])
            before, drawn = drawn, smallest_allocation(self._members, needed, self._pool, self._floor)
            if np.abs(before - drawn).max(initial=0.0) < 0.5:
                break
        whole = np.clip(np.ceil(drawn - 1e-6), self._floor, self._pool).astype(np.int64)
        return whole, np.maximum(whole, self._unbounded(needed))

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
        sizes = planned_sizes(self._plan, groups, weight_sums(self._pool, drawn), shapes)
        kish = effective_sizes(groups.members, self._pool, drawn)
        some = kish > 0.0
        kept = np.where(some, sizes.own / np.where(some, kish, 1.0), 1.0)
        from_clusters = kish * least / np.where(cases > 0.0, cases, 1.0)
        needed = np.maximum(wanted(sizes.rest) * unknown / np.maximum(kept, 1e-3), from_clusters)
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
    found: list[GroupReach] = []
    missed: list[FloatArray] = []
    for groups in judged:
        of_groups = _group_shapes(groups, shapes, pool.size)
        sizes = planned_sizes(plan, groups, of_cells, of_groups)
        have, cases = groups.members.added(pool), groups.members.added(of_cells[0])
        people = PlannedPeople(have, sizes.own, sizes.rest, _members(groups))
        needs, jointly = (
            _needs(plan, groups, of_cells, of_groups, sizes, pool, power)
            for power in (plan.verdict.power, joint_power(plan, judged, pool))
        )
        alone = np.isfinite(needs) & (cases >= needs - 1e-6)
        held = alone & groups_held_back(plan, groups.rule, people)
        missed.append(np.where(alone, np.where(held, 0.0, chance_to_miss(plan, groups.rule, people)), np.nan))
        found += [
            GroupReach(
                groups=groups,
                place=place,
                pool=int(have[place]),
                cases=round(float(cases[place])),
                wanted=int(jointly[place]) if np.isfinite(jointly[place]) else None,
                decidable=bool(alone[place]),
                held_back=bool(held[place]),
            )
            for place in range(groups.members.groups)
        ]
    return _together(plan, found, np.concatenate([np.zeros(0), *missed]))


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
    wanted = wanted_sizes(plan, groups.rule, 1.0, power)(sizes.rest) * for_the_unknown(plan, groups, pool, power)
    worth = np.where((cases > 0) & (sizes.own > 0), sizes.own / np.maximum(cases, 1e-300), 1.0)
    judged = sizes.possible & (cases.sum() - cases >= floor) & (cases > 0) & np.isfinite(least)
    needs = np.maximum(np.maximum(np.ceil(wanted / worth - 1e-6), np.floor(least)), floor)
    return np.where(judged, needs, np.inf)


def _together(plan: AuditPlan, found: Sequence[GroupReach], missed: FloatArray) -> tuple[GroupReach, ...]:
    """Judge alone only as many as can pass together, as `audit.verdicts.joint_power` does."""
    alone = np.sort(missed[np.isfinite(missed)])
    with np.errstate(divide="ignore"):
        kept = int((np.cumsum(np.log1p(-alone)) >= math.log(plan.verdict.power) - 1e-12).sum())
    most = 1.0 if kept in (0, alone.size) else float(alone[kept - 1])
    return tuple(
        replace(reach, decidable=bool(reach.decidable and miss <= most))
        for reach, miss in zip(found, missed, strict=True)
    )


def _members(groups: CellGroups) -> MemberPlaces:
    nobody = np.zeros((len(groups.groups), 3, 4), dtype=np.int64)
    return member_places(FamilyCounts(groups.family, groups.groups, nobody, nobody[:1].sum(axis=0)))
