"""Bounds of counts made as narrow as sums make them, again and again until nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from audit.disclosure.lattice import Lattice, Relation
from audit.disclosure.view import CORRECT_OF, ERROR_OF, TOTAL_OF, UNBOUNDED, Bounds
from audit.stats.arrays import BoolArray, IntArray

_ROUNDS: Final = 10_000
"""Each round narrows some integer interval; real tables need about ten."""


class ImpossibleBoundsError(Exception):
    """No counts at all satisfy the bounds: what was printed is not what the method prints."""


def propagate(lattice: Lattice, bounds: Bounds) -> Bounds:
    """The bounds that follow: parent = sum of children, total = errors + correct, for every node and column.

    Raises
    ------
    ImpossibleBoundsError
        If the bounds contradict each other.
    """
    found = bounds.copy()
    for _ in range(_ROUNDS):
        before = found.low.sum(), found.high.sum()
        for relation in lattice.relations:
            _sums(found, relation)
        _parts(found)
        if (found.low > found.high).any():
            raise ImpossibleBoundsError
        if before == (found.low.sum(), found.high.sum()):
            return found
    raise ImpossibleBoundsError


def propagate_together(
    lattice: Lattice, each: Sequence[Bounds], same: Sequence[tuple[int, int, BoolArray]]
) -> list[Bounds]:
    """Bounds of several releases, where counts of the same people are one number.

    Parameters
    ----------
    each : sequence of Bounds
        What each release says.
    same : sequence of (int, int, bool[nodes, 8])
        Two releases, and the counts that are of the same people in both.
    """
    found = [propagate(lattice, bounds) for bounds in each]
    stale = set(range(len(found)))
    while stale:
        changed: set[int] = set()
        for one, other, mask in same:
            if one in stale or other in stale:
                changed |= _meet(found, one, other, mask)
        for release in changed:
            found[release] = propagate(lattice, found[release])
        stale = changed
    return found


def _meet(found: list[Bounds], one: int, other: int, mask: BoolArray) -> set[int]:
    a, b = found[one], found[other]
    low = np.where(mask, np.maximum(a.low, b.low), 0)
    high = np.where(mask, np.minimum(a.high, b.high), UNBOUNDED)
    changed = set()
    for release in (one, other):
        bounds = found[release]
        if (low > bounds.low).any() or (high < bounds.high).any():
            found[release] = Bounds(np.maximum(bounds.low, low), np.minimum(bounds.high, high))
            changed.add(release)
    return changed


def _sums(found: Bounds, relation: Relation) -> None:
    low, high = found.low[relation.children], found.high[relation.children]
    least, most = _total(low, relation), _total(high, relation)
    parent_low = np.maximum(found.low[relation.parents], least)
    parent_high = np.minimum(found.high[relation.parents], most)
    found.low[relation.parents], found.high[relation.parents] = parent_low, parent_high
    place = relation.parent_of
    found.high[relation.children] = np.minimum(high, parent_high[place] - least[place] + low)
    found.low[relation.children] = np.maximum(low, parent_low[place] - most[place] + high)


def _total(values: IntArray, relation: Relation) -> IntArray:
    total: IntArray = np.add.reduceat(values, relation.starts, axis=0)
    return total


def _parts(found: Bounds) -> None:
    low, high = found.low, found.high
    for total, error, correct in zip(TOTAL_OF, ERROR_OF, CORRECT_OF, strict=False):
        low[:, total] = np.maximum(low[:, total], low[:, error] + low[:, correct])
        high[:, total] = np.minimum(high[:, total], high[:, error] + high[:, correct])
        for one, other in ((error, correct), (correct, error)):
            high[:, one] = np.minimum(high[:, one], high[:, total] - low[:, other])
            low[:, one] = np.maximum(low[:, one], low[:, total] - high[:, other])
