"""The attack on a public table: what can be told of a small count, by sums, by programs, over all releases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audit.disclosure.joint import joint_system, taken_together
from audit.disclosure.lattice import Lattice
from audit.disclosure.linear import SideSystem, attack_side, side_system
from audit.disclosure.method import Method
from audit.disclosure.propagation import ImpossibleBoundsError, propagate, propagate_together
from audit.disclosure.repair import told
from audit.disclosure.view import BOUNDED, TOTAL_OF, Bounds, View, ranges
from audit.errors import RefusedReleaseError
from audit.stats.arrays import BoolArray
from audit.vocabulary.groups import Group


@dataclass(frozen=True, slots=True)
class Told:
    """A count that is told: which one, and never what is told of it."""

    group: Group | None
    """The group; None for one that stands in no table."""
    count: str
    """Which of `BOUNDED`."""
    node: int
    """The node of the lattice; also of one that stands in no table."""


@dataclass(frozen=True, slots=True)
class AttackReport:
    """What an attack found. Numbers of counts and no count: it can be shown to anybody who may see the table."""

    bounded: int
    """Counts that were bounded."""
    exactly: int
    """Counts below the floor that are told exactly."""
    within_three: int
    """Further counts below the floor of which fewer than three values are left."""
    below_floor: int
    """Counts that are told to be below the floor."""
    told: tuple[Told, ...]
    """Every count that is told: those above, and those of which fewer values are left than the floor is high."""
    narrowest: int | None
    """How far apart the bounds of the count are that is known best, among those that can be below the floor."""
    proved_by_table: int
    """Counts of which whole tables that fit all that is printed prove that they are not told."""
    bounded_one_by_one: int
    """Counts bounded by programs over whole tables, one by one."""
    programs: int
    """Programs solved; 0 where only propagation was run."""
    releases: int
    """Releases attacked together."""


def attack(
    lattice: Lattice,
    views: Sequence[View],
    same: Sequence[tuple[int, int, BoolArray]],
    method: Method,
    *,
    programs: bool = True,
) -> AttackReport:
    """Attack the first of several releases, and whatever it tells of the others.

    Parameters
    ----------
    views : sequence of View
        The release to be attacked, then earlier ones. With what is known of withheld items they are attacked at their
        worst; as printed, by somebody who has the tables alone.
    same : sequence of (int, int, bool[nodes, 8])
        Counts of the same people in two releases.
    programs : bool
        Whether to solve programs after propagation.

    Raises
    ------
    SolverGaveUpError
        If a program has no optimum in time: nothing is known then.
    DataError
        If no counts at all fit what is printed.
    """
    direct = [ranges(view, method) for view in views]
    try:
        found = propagate_together(lattice, direct, same)
    except ImpossibleBoundsError:
        raise _impossible() from None
    bad = np.zeros_like(found[0].low, dtype=np.bool_)
    for bounds in found:
        bad |= told(bounds, method)
    totals = _Totals()
    if programs:
        alone = [propagate(lattice, bounds) for bounds in direct]
        met = [_met(*bounds) for bounds in zip(direct, alone, found, strict=True)]
        taken, among = taken_together(lattice, len(views), same)
        if len(taken) > 1:
            bad |= _joint_programs(
                lattice, [met[at] for at in taken], [found[at] for at in taken], among, method, totals
            )
        for release, bounds in enumerate(found):
            is_open = release == 0 or _narrower(alone[release], bounds).any()
            if is_open and (len(taken) == 1 or release not in taken):
                bad |= _programs(lattice, met[release], bounds, method, totals)
    return _report(lattice, found, bad, method, totals)


def told_nodes(lattice: Lattice, report: AttackReport) -> BoolArray:
    """bool[nodes, 8]: the counts that are told, also of groups that stand in no table: what tells them does."""
    found = np.zeros((lattice.nodes, len(BOUNDED)), dtype=np.bool_)
    for one in report.told:
        found[one.node, BOUNDED.index(one.count)] = True
    return found


def refuse_if_told(report: AttackReport) -> None:
    """Refuse a release of which anything is told. Groups are named, and what is told of them is not.

    Raises
    ------
    DataError
        With the first three counts that are told.
    """
    if not report.told:
        return
    named = ", ".join(_name(one) for one in report.told[:3])
    more = f" and {len(report.told) - 3} more" if len(report.told) > 3 else ""
    raise RefusedReleaseError(
        f"the public table would tell small counts: {named}{more}",
        slug="small-counts-told",
        hint="nothing was written; this is a defect of the table, report it",
    )


@dataclass(slots=True)
class _Totals:
    by_table: int = 0
    by_bound: int = 0
    programs: int = 0


def _programs(lattice: Lattice, printed: Bounds, found: Bounds, method: Method, totals: _Totals) -> BoolArray:
    bad = np.zeros_like(found.low, dtype=np.bool_)
    for place, column in enumerate(TOTAL_OF):
        if BOUNDED[column] in method.absent:
            continue
        system = side_system(lattice, printed, place)
        asked = found.low[system.nodes, system.columns] < method.floor
        _attacked(system, asked, method, totals, bad)
    return bad


def _joint_programs(
    lattice: Lattice,
    met: Sequence[Bounds],
    found: Sequence[Bounds],
    same: Sequence[tuple[int, int, BoolArray]],
    method: Method,
    totals: _Totals,
) -> BoolArray:
    """Attack with programs over whole tables of all releases at once."""
    bad = np.zeros_like(found[0].low, dtype=np.bool_)
    low = np.stack([bounds.low for bounds in found])
    for place, column in enumerate(TOTAL_OF):
        if BOUNDED[column] in method.absent:
            continue
        joint = joint_system(lattice, met, same, place)
        system = joint.system
        asked = (joint.releases >= 0) & (low[joint.releases, system.nodes, system.columns] < method.floor)
        _attacked(system, asked, method, totals, bad)
    return bad


def _attacked(system: SideSystem, asked: BoolArray, method: Method, totals: _Totals, bad: BoolArray) -> None:
    side = attack_side(system, method.floor, asked)
    bad[system.nodes[side.told], system.columns[side.told]] = True
    totals.by_table += side.by_table
    totals.by_bound += side.by_bound
    totals.programs += side.solved


def _met(direct: Bounds, alone: Bounds, joint: Bounds) -> Bounds:
    """What is printed of a release, with what other releases say of it beyond what follows from it `alone`."""
    met = direct.copy()
    told_elsewhere = _narrower(alone, joint)
    told_elsewhere[:, TOTAL_OF] = True
    met.low[told_elsewhere] = joint.low[told_elsewhere]
    met.high[told_elsewhere] = joint.high[told_elsewhere]
    return met


def _narrower(alone: Bounds, joint: Bounds) -> BoolArray:
    """bool[nodes, 8]: of which counts more is known by `joint`."""
    found: BoolArray = (alone.low < joint.low) | (alone.high > joint.high)
    return found


def _report(lattice: Lattice, found: Sequence[Bounds], bad: BoolArray, method: Method, totals: _Totals) -> AttackReport:
    k = method.floor
    low = np.stack([bounds.low for bounds in found])
    high = np.stack([bounds.high for bounds in found])
    nothing = Bounds(np.zeros((1, len(BOUNDED)), dtype=np.int64), np.zeros((1, len(BOUNDED)), dtype=np.int64))
    used = told(nothing, method)[0]  # a 0 that is known is told, but where nothing can occur
    small = (low < k) & used
    width = high - low
    groups = lattice.groups()
    names = tuple(
        Told(groups[node] if node < lattice.published else None, BOUNDED[column], int(node))
        for node, column in zip(*np.nonzero(bad), strict=True)
    )
    return AttackReport(
        bounded=int(small.shape[1] * used.sum()),
        exactly=int((small & (width == 0)).any(axis=0).sum()),
        within_three=int((small & (width > 0) & (width < 2)).any(axis=0).sum()),
        below_floor=int(((high < k) & used).any(axis=0).sum()),
        told=names,
        narrowest=int(width[small].min()) if small.any() else None,
        proved_by_table=totals.by_table,
        bounded_one_by_one=totals.by_bound,
        programs=totals.programs,
        releases=len(found),
    )


def _name(one: Told) -> str:
    if one.group is None:
        return f"{one.count} of a group that stands in no table"
    codes = " and ".join(level.code for level in one.group.levels)
    return f"{one.count} of {codes or 'everyone'}"


def _impossible() -> RefusedReleaseError:
    return RefusedReleaseError(
        "no counts fit the numbers of the public table",
        slug="table-contradicts-itself",
        hint="it was changed after it was protected; make it again",
    )
