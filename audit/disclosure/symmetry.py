"""Which counts an attacker cannot tell apart by what is printed: what is proved of one of them is proved of all.

Two levels of a feature that are parts of the same levels above, and of which the same is printed in every group that
they stand in, can change places in any table that fits: it fits again. So the least and the most that a count can be
are those of every count that it changes places with. Most countries of a fixed list are in no set at all, and all that
is printed of them is a dash.
"""

from __future__ import annotations

import numpy as np

from audit.disclosure.lattice import Lattice
from audit.disclosure.view import Bounds
from audit.stats.arrays import IntArray


def alike(lattice: Lattice, bounds: Bounds, columns: list[int]) -> IntArray:
    """int64[nodes]: the first node of those that change places with each node, as far as these columns are bounded.

    Parameters
    ----------
    bounds : Bounds
        What is printed; bounds that follow from it follow for all of them alike.
    columns : list of int
        Columns of `BOUNDED` that are looked at.
    """
    said = np.concatenate([bounds.low[:, columns], bounds.high[:, columns]], axis=1)
    first = np.arange(lattice.nodes)
    same = [_levels_alike(lattice, said, feature) for feature in range(len(lattice.ladders))]
    for rungs, start, end in zip(lattice.families, *_spans(lattice), strict=True):
        axes = [(feature, rung) for feature, rung in enumerate(rungs) if rung is not None]
        if not axes:
            continue
        shape = tuple(len(lattice.ladders[feature].levels[rung]) for feature, rung in axes)
        codes = np.unravel_index(np.arange(end - start), shape)
        moved = tuple(
            same[feature][code] if rung == 0 else code for (feature, rung), code in zip(axes, codes, strict=True)
        )
        first[start:end] = start + np.ravel_multi_index(moved, shape)
    return first


def _levels_alike(lattice: Lattice, said: IntArray, feature: int) -> IntArray:
    """int64[levels]: the first level of those on the finest rung of which nothing else is printed."""
    ladder = lattice.ladders[feature]
    parts = [np.asarray(climb, dtype=np.int64)[:, np.newaxis] for climb in ladder.climbs[1:]]
    for rungs, start, end in zip(lattice.families, *_spans(lattice), strict=True):
        if rungs[feature] != 0:
            continue
        axes = [other for other, rung in enumerate(rungs) if rung is not None]
        shape = tuple(len(lattice.ladders[other].levels[rung]) for other, rung in enumerate(rungs) if rung is not None)
        family = np.moveaxis(said[start:end].reshape(*shape, said.shape[1]), axes.index(feature), 0)
        parts.append(family.reshape(len(ladder.levels[0]), -1))
    signature = np.concatenate(parts, axis=1)
    _, first, place = np.unique(signature, axis=0, return_index=True, return_inverse=True)
    levels: IntArray = first[place.ravel()]
    return levels


def _spans(lattice: Lattice) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the nodes of each family begin and end."""
    return lattice.offsets[:-1], lattice.offsets[1:]
