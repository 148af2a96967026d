"""Items are withheld until nobody can tell that a count is small: the last step before a table is frozen.

Only what is public decides what is withheld: intervals and protected numbers, of this release and of earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from audit.disclosure.lattice import Lattice
from audit.disclosure.method import Method
from audit.disclosure.propagation import propagate_together
from audit.disclosure.view import BOUNDED, CORRECT_OF, ERROR_OF, NOT_SHOWN, NOTHING, TOTAL_OF, Bounds, View, ranges
from audit.errors import RefusedReleaseError
from audit.stats.arrays import BoolArray

_ROUNDS: Final = 2_000


def told(bounds: Bounds, method: Method) -> BoolArray:
    """bool[nodes, 8]: counts that are known to be small, or of which fewer than k values are left below k."""
    k = method.floor
    small = bounds.high < k
    narrow = (bounds.low < k) & (bounds.high - bounds.low < k - 1)
    found: BoolArray = small | narrow
    for place, column in enumerate(TOTAL_OF):
        if BOUNDED[column] in method.absent:
            found[:, column] = False
            if place < len(ERROR_OF):
                found[:, [ERROR_OF[place], CORRECT_OF[place]]] = False
    return found


def repair(
    lattice: Lattice,
    view: View,
    earlier: Sequence[View],
    same: Sequence[tuple[int, int, BoolArray]],
    method: Method,
    found_told: Sequence[BoolArray] = (),
) -> View:
    """Withhold items of `view` until `told` is silent, for this release and for every earlier one.

    `found_told`, bool[nodes, 8] each, are counts that programs found told, attack by attack: something is withheld for
    each of them first.

    Raises
    ------
    DataError
        If everything near is withheld and something is told all the same.
    """
    now = replace(view, totals=view.totals.copy(), codes=view.codes.copy(), errors=view.errors.copy())
    past = [ranges(one, method) for one in earlier]
    near = _Relatives(lattice)
    for bad in found_told:
        if not _withhold(now, bad, near):
            raise _not_safe()  # the same table again, of which the same is told
    for _ in range(_ROUNDS):
        found = propagate_together(lattice, [ranges(now, method), *past], same)
        bad = np.zeros((lattice.nodes, len(BOUNDED)), dtype=np.bool_)
        for bounds in found:
            bad |= told(bounds, method)
        if not bad.any():
            return now
        if not _withhold(now, bad, near):
            break
    raise _not_safe()


def _not_safe() -> RefusedReleaseError:
    return RefusedReleaseError(
        "no public table can be made that is safe beside the releases before it",
        slug="not-safe-beside-earlier",
        hint="publish the verdict without a table of groups, or release a new set under a key of its own",
    )


@dataclass(frozen=True, slots=True)
class _Relatives:
    lattice: Lattice

    def of(self, node: int) -> Iterator[int]:
        """Parents, children, and those that share a parent."""
        for relation in self.lattice.relations:
            as_child = np.flatnonzero(relation.children == node)
            for place in relation.parent_of[as_child]:
                yield int(relation.parents[place])
                yield from (int(child) for child in relation.children[relation.parent_of == place])
            for place in np.flatnonzero(relation.parents == node):
                yield from (int(child) for child in relation.children[relation.parent_of == place])


def _withhold(now: View, bad: BoolArray, near: _Relatives) -> bool:
    """Withhold one item for each bad count, but none where something near was withheld in this round."""
    touched: set[int] = set()
    any_withheld = False
    for node, column in zip(*np.nonzero(bad), strict=True):
        around = {int(node), *near.of(int(node))}
        if touched & around:
            continue
        hidden = _withhold_for(now, int(node), int(column), around)
        if hidden is not None:
            touched.add(hidden)
            any_withheld = True
    return any_withheld or _withhold_anything(now, bad)


def _withhold_for(now: View, node: int, column: int, around: set[int]) -> int | None:
    """The node of which something was withheld; None where nothing is left to withhold."""
    place = _place(column)
    if column not in TOTAL_OF:
        if now.codes[node, place] != NOT_SHOWN:
            _hide_code(now, node, place)
            return node
        coded = [other for other in around if now.codes[other, place] != NOT_SHOWN]
        if coded:
            smallest = _smallest(now, coded, place)
            _hide_code(now, smallest, place)
            return smallest
    shown = [other for other in around if now.totals[other, place] != NOTHING]
    if not shown:
        return None
    smallest = _smallest(now, shown, place)
    _hide_total(now, smallest, place)
    return smallest


def _withhold_anything(now: View, bad: BoolArray) -> bool:
    """Nothing near is left: the smallest that is shown of the kinds that are told, wherever it stands."""
    for column in np.flatnonzero(bad.any(axis=0)):
        place = _place(int(column))
        shown = np.flatnonzero(now.totals[:, place] != NOTHING)
        if shown.size:
            _hide_total(now, _smallest(now, [int(node) for node in shown], place), place)
            return True
    return False


def _place(column: int) -> int:
    """Which total a column of bounds belongs to."""
    for place, total in enumerate(TOTAL_OF):
        if column == total:
            return place
    return ERROR_OF.index(column) if column in ERROR_OF else CORRECT_OF.index(column)


def _smallest(now: View, nodes: Sequence[int], place: int) -> int:
    return min(nodes, key=lambda node: (now.totals[node, place], node))


def _hide_code(now: View, node: int, side: int) -> None:
    now.codes[node, side] = NOT_SHOWN
    now.errors[node, side] = NOTHING


def _hide_total(now: View, node: int, place: int) -> None:
    now.totals[node, place] = NOTHING
    if place < now.codes.shape[1]:
        _hide_code(now, node, place)
