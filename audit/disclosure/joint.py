"""The equations of one total in several releases at once: counts of the same people are one unknown in all of them.

Sums within a release, with what others say of each of its counts, do not tell all: where people are the same and errors
are not, one release bounds sums of what another hides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from audit.disclosure.lattice import Lattice
from audit.disclosure.linear import SideSystem, few_of_each, finest_family, sums_of
from audit.disclosure.symmetry import alike
from audit.disclosure.view import BOUNDED, CORRECT_OF, ERROR_OF, TOTAL_OF, UNBOUNDED, Bounds
from audit.stats.arrays import BoolArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST: Final = 700
"""Unknowns of all releases together beyond which tables of whole numbers are no longer found in seconds. It is a number
and no time, so that a release never depends on how fast a machine is."""


@dataclass(frozen=True, slots=True)
class JointSystem:
    """The system, and of which release each of its rows is."""

    system: SideSystem
    releases: IntArray
    """int64[r]; -1 for rows that only tie releases together."""


def taken_together(
    lattice: Lattice, releases: int, same: Sequence[tuple[int, int, BoolArray]]
) -> tuple[list[int], list[tuple[int, int, BoolArray]]]:
    """The first release, the last one and those before it, as many as `LARGEST` allows; and `same` of their places."""
    taken: tuple[list[int], list[tuple[int, int, BoolArray]]] = ([0], [])
    for release in range(releases - 1, 0, -1):
        more = [*taken[0], release]
        among = [(more.index(one), more.index(other), mask) for one, other, mask in same if {one, other} <= {*more}]
        if unknowns_of(lattice, len(more), among) > LARGEST:
            break
        taken = more, among
    return taken


def unknowns_of(lattice: Lattice, releases: int, same: Sequence[tuple[int, int, BoolArray]]) -> int:
    """The most unknowns that the system of any total has."""
    leaves = _leaves(lattice)
    own = _first_of(lattice, releases, same)[:, leaves] == np.arange(releases)[:, np.newaxis, np.newaxis]
    each = own.sum(axis=(0, 1))
    return int(max(each[error] + each[correct] for error, correct in zip(ERROR_OF, CORRECT_OF, strict=True)))


def joint_system(
    lattice: Lattice, each: Sequence[Bounds], same: Sequence[tuple[int, int, BoolArray]], place: int
) -> JointSystem:
    """The system of one total (0 to 3 as in `TOTAL_OF`) in releases of which `each` is printed, and known by others.

    A count that is of the same people in an earlier one of `each` has no row of its own: what both say was met before.
    """
    from scipy import sparse

    first = _first_of(lattice, len(each), same)
    parts = [ERROR_OF[place], CORRECT_OF[place]] if place < len(ERROR_OF) else [TOTAL_OF[place]]
    columns = list(dict.fromkeys([TOTAL_OF[place], *parts]))
    leaves, sums = _leaves(lattice), sums_of(lattice)
    unknown, owners = _unknowns(first[:, leaves][:, :, parts])
    picked = [[_picked(unknown[release, :, part], owners.size) for part in range(len(parts))]
              for release in range(len(each))]  # fmt: skip
    blocks, low, high, nodes, of_columns, of_releases = [], [], [], [], [], []
    at = np.full((len(each), len(BOUNDED), lattice.nodes), -1, dtype=np.int64)
    size = 0
    for release, bounds in enumerate(each):
        for column in columns:
            own = np.flatnonzero(first[release, :, column] == release)
            of = picked[release] if column == TOTAL_OF[place] else [picked[release][parts.index(column)]]
            blocks.append(sums[own] @ sum(of[1:], start=of[0]))
            low.append(bounds.low[own, column])
            high.append(bounds.high[own, column])
            nodes.append(own)
            of_columns.append(np.full(own.size, column))
            of_releases.append(np.full(own.size, release))
            at[release, column, own] = np.arange(size, size + own.size)
            size += own.size
    kinds = _kinds(lattice, each, first, columns)
    same_rows = [at[release[0], column[0], kinds[own]] for release, column, own in
                 zip(of_releases, of_columns, nodes, strict=True) if own.size]  # fmt: skip
    ties = _ties(first[:, leaves][:, :, columns], picked)
    tied = 0 if ties is None else ties.shape[0]
    rows = sparse.csr_array(sparse.vstack([*blocks, *([] if ties is None else [ties])]))
    top = np.concatenate([*high, np.zeros(tied, dtype=np.int64)]).astype(np.float64)
    top[top >= UNBOUNDED] = np.inf
    system = SideSystem(
        rows,
        np.concatenate([*low, np.zeros(tied, dtype=np.int64)]).astype(np.float64),
        top,
        np.concatenate([*nodes, np.zeros(tied, dtype=np.int64)]),
        np.concatenate([*of_columns, np.full(tied, columns[0])]),
        np.concatenate([*same_rows, np.arange(size, size + tied)]),
        few_of_each(kinds[leaves])[owners],
    )
    return JointSystem(system, np.concatenate([*of_releases, np.full(tied, -1)]))


def _leaves(lattice: Lattice) -> IntArray:
    return lattice.finest_to_node[finest_family(lattice)]


def _first_of(lattice: Lattice, releases: int, same: Sequence[tuple[int, int, BoolArray]]) -> IntArray:
    """int64[releases, nodes, 8]: the first release in which each count is of the same people."""
    first = np.broadcast_to(
        np.arange(releases)[:, np.newaxis, np.newaxis], (releases, lattice.nodes, len(BOUNDED))
    ).copy()
    for one, other, mask in same:
        early, late = min(one, other), max(one, other)
        first[late] = np.where(mask, np.minimum(first[late], early), first[late])
    return first


def _unknowns(first: IntArray) -> tuple[IntArray, IntArray]:
    """int64[releases, leaves, parts]: the unknown of each; and int64[unknowns]: the leaf that each is of."""
    releases, leaves, parts = first.shape
    own = first == np.arange(releases)[:, np.newaxis, np.newaxis]
    numbers = np.cumsum(own.ravel()).reshape(own.shape) - 1
    leaf, part = np.meshgrid(np.arange(leaves), np.arange(parts), indexing="ij")
    return numbers[first, leaf, part], np.nonzero(own)[1]


def _picked(unknown: IntArray, size: int) -> csr_array:
    """float64[leaves, unknowns]: 1 where a leaf's count is that unknown."""
    from scipy import sparse

    return sparse.csr_array((np.ones(unknown.size), (np.arange(unknown.size), unknown)), shape=(unknown.size, size))


def _kinds(lattice: Lattice, each: Sequence[Bounds], first: IntArray, columns: list[int]) -> IntArray:
    """int64[nodes]: the first node of those that change places, by what is printed and known in all releases."""
    low = np.concatenate([*(bounds.low[:, columns] for bounds in each), *first[:, :, columns]], axis=1)
    high = np.concatenate([bounds.high[:, columns] for bounds in each], axis=1)
    high = np.concatenate([high, np.zeros((high.shape[0], low.shape[1] - high.shape[1]), dtype=high.dtype)], axis=1)
    return alike(lattice, Bounds(low, high), list(range(low.shape[1])))


def _ties(first: IntArray, picked: list[list[csr_array]]) -> csr_array | None:
    """Rows that are 0: people who are the same with other errors. None where there are none."""
    from scipy import sparse

    rows = []
    for release in range(1, first.shape[0]):
        for before in range(release):
            tied = np.flatnonzero((first[release, :, 0] == before) & (first[release, :, -1] == release))
            if tied.size and len(picked[release]) > 1:
                rows.append(sum(picked[release][1:], start=picked[release][0])[tied]
                            - sum(picked[before][1:], start=picked[before][0])[tied])  # fmt: skip
    return sparse.csr_array(sparse.vstack(rows)) if rows else None
