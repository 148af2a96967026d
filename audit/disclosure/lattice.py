"""Every group that a public table has, and which groups add up to which: the equations that an attacker solves.

Groups are of one feature on one rung, of two features crossed, and everyone; never of three. A table over three
features holds their crosses two by two, and the finest groups stand beside them unpublished, since they tie the
crosses together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from audit.disclosure.vocabulary import Ladder
from audit.errors import PlanError
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Group, Level

CROSSED: Final = 2
"""How many features a published group has at most."""
MOST_FINEST: Final = 50_000
"""Finest groups beyond which neither repair nor attack ends in reasonable time."""

N = TypeVar("N", np.int64, np.uint64, np.float64)

Rungs = tuple[int | None, ...]
"""Of each feature, the rung that a family stands on; None where it is not broken down by the feature."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Every group of one family is the sum of its groups in a finer one."""

    children: IntArray
    """int64[c]: nodes of the finer family, sorted by parent."""
    parents: IntArray
    """int64[p]: nodes of the coarser family."""
    starts: IntArray
    """int64[p]: where the children of each parent begin in `children`."""
    parent_of: IntArray
    """int64[c]: the place in `parents` of each child's parent."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """The groups as numbered nodes."""

    ladders: tuple[Ladder, ...]
    """The features."""
    families: tuple[Rungs, ...]
    """The families in the order of their nodes; the first is everyone."""
    offsets: tuple[int, ...]
    """The first node of each family, and the number of nodes at the end."""
    published: int
    """Nodes below this one are groups of the table; the others stand in no table."""
    finest_to_node: tuple[IntArray, ...]
    """Of each family, int64[L]: the node that each finest group is a part of."""
    relations: tuple[Relation, ...]
    """Which groups add up to which."""

    @property
    def nodes(self) -> int:
        """How many there are."""
        return self.offsets[-1]

    @property
    def finest(self) -> int:
        """L, how many finest groups there are."""
        return self.finest_to_node[0].size

    def finest_names(self) -> list[tuple[str, ...]]:
        """The codes of each finest group, in the order of features."""
        return [
            tuple(codes) for codes in product(*([level.code for level in ladder.levels[0]] for ladder in self.ladders))
        ]

    def finest_places(self, codes: Sequence[tuple[str, ...]]) -> IntArray:
        """int64[n]: the finest group of each tuple of codes, a code of each feature."""
        place = np.zeros(len(codes), dtype=np.int64)
        for at, ladder in enumerate(self.ladders):
            place = place * len(ladder.levels[0]) + ladder.places([code[at] for code in codes])
        return place

    def add_up(self, finest: npt.NDArray[N]) -> npt.NDArray[N]:
        """[nodes, ...], as `finest` [L, ...]: what is counted of finest groups, for every node. Unsigned sums wrap."""
        total: npt.NDArray[N] = np.zeros((self.nodes, *finest.shape[1:]), dtype=finest.dtype)
        for nodes in self.finest_to_node:
            np.add.at(total, nodes, finest)
        return total

    def groups(self) -> tuple[Group, ...]:
        """The published groups in the order of their nodes."""
        made: list[Group] = []
        for rungs, start in zip(self.families, self.offsets, strict=False):
            if start >= self.published:
                break
            axes = [(ladder, rung) for ladder, rung in zip(self.ladders, rungs, strict=True) if rung is not None]
            levels = [
                [Level(ladder.feature, ladder.rungs[rung], level.code) for level in ladder.levels[rung]]
                for ladder, rung in axes
            ]
            made += [Group(combination) for combination in product(*levels)]
        return tuple(made)


def lattice_of(ladders: Sequence[Ladder]) -> Lattice:
    """Make the lattice of one or more features.

    Raises
    ------
    PlanError
        If there is no feature, or there are more finest groups than an attack can be run over.
    """
    finest = int(np.prod([len(ladder.levels[0]) for ladder in ladders], dtype=np.int64))
    if not ladders or finest > MOST_FINEST:
        raise PlanError(
            f"a public table over {len(ladders)} features would have {finest:,} finest groups",
            slug="too-many-groups-to-protect",
            hint=f"name one to three features with at most {MOST_FINEST:,} combinations",
        )
    every = sorted(product(*([None, *reversed(range(len(ladder.rungs)))] for ladder in ladders)), key=_crossed)
    families = [rungs for rungs in every if _crossed(rungs) <= CROSSED]
    published = len(families)
    leaves: Rungs = (0,) * len(ladders)
    if leaves not in families:
        families.append(leaves)
    places = _finest_places(ladders)
    offsets, within = [0], []
    for rungs in families:
        node, size = _nodes(ladders, places, rungs)
        within.append(node + offsets[-1])
        offsets.append(offsets[-1] + size)
    relations = tuple(_relation(within[coarse], within[fine]) for coarse, fine in _covers(families))
    return Lattice(tuple(ladders), tuple(families), tuple(offsets), offsets[published], tuple(within), relations)


def _crossed(rungs: Rungs) -> int:
    return sum(rung is not None for rung in rungs)


def _finest_places(ladders: Sequence[Ladder]) -> list[IntArray]:
    """Of each feature, int64[L]: the place of each finest group on its finest rung."""
    grids = np.meshgrid(*(np.arange(len(ladder.levels[0])) for ladder in ladders), indexing="ij")
    return [grid.ravel() for grid in grids]


def _nodes(ladders: Sequence[Ladder], places: Sequence[IntArray], rungs: Rungs) -> tuple[IntArray, int]:
    node, size = np.zeros(places[0].size, dtype=np.int64), 1
    for ladder, place, rung in zip(ladders, places, rungs, strict=True):
        if rung is not None:
            node = node * len(ladder.levels[rung]) + ladder.climbs[rung][place]
            size *= len(ladder.levels[rung])
    return node, size


def _covers(families: Sequence[Rungs]) -> list[tuple[int, int]]:
    """Pairs of a family and a finer one with none between them."""
    finer: Mapping[int, list[int]] = {
        at: [other for other in range(len(families)) if other != at and _is_finer(families[other], families[at])]
        for at in range(len(families))
    }
    return [
        (coarse, fine)
        for coarse, all_finer in finer.items()
        for fine in all_finer
        if not any(fine in finer[between] for between in all_finer)
    ]


def _is_finer(fine: Rungs, coarse: Rungs) -> bool:
    return all(c is None or (f is not None and f <= c) for f, c in zip(fine, coarse, strict=True))


def _relation(coarse: IntArray, fine: IntArray) -> Relation:
    children, first = np.unique(fine, return_index=True)
    parent = coarse[first]
    order = np.argsort(parent, kind="stable")
    parents, starts, place = np.unique(parent[order], return_index=True, return_inverse=True)
    return Relation(children[order], parents, starts, place)
