"""Search for the subset of cells with the most harm: multi-dimensional subset scan on counts.

A subset names values of some attributes. It consists of the cells in which every such attribute has one of the values
named. Its score is the expectation-based Bernoulli log likelihood ratio (Zhang & Neill 2016; `bias_scan` of AIF360).
All
cells share one expected rate, so the score of a subset needs only its two sums, and no row is needed.

The search is a coordinate ascent from many starts. For one attribute, with the others fixed, the penalised score is
maximised as in Speakman et al. (2016): at a given severity each value is in or out by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import BoolArray, FloatArray, IntArray, distinct
from audit.stats.scan.best_values import REFINEMENTS, SEVERITIES, TOLERANCE, best_values
from audit.stats.scan.scan_starts import MOST_MARGINS, Corners

_PACK: Final = float(1 << 26)
_MOST_ROUNDS: Final = 20
_DENSE: Final = 8
"""Up to this many places for each cell, a full matrix is faster than one of the occupied cells."""
_SMALL: Final = 100_000
"""Up to this many places, too."""


class BestSubset(NamedTuple):
    """The best subset of each of B data sets."""

    score: FloatArray
    """float64[B]: score of the subset, less its penalties."""
    chosen: tuple[BoolArray, ...]
    """For each attribute, bool[B, V]: the values chosen; all of them where the attribute is not named."""
    evaluated: int
    """Subsets whose score was computed, over all data sets."""


@dataclass(frozen=True)
class Block:
    """Some of the attributes, and the combinations of their values: all of them, or where these are many, those that
    occur.
    """

    attributes: tuple[int, ...]
    levels: tuple[int, ...]
    """Number of values of each attribute."""
    codes: IntArray
    """int64[M, attributes]: the values of each combination."""
    place: IntArray
    """int64[K]: combination of each cell."""
    order: IntArray
    """int64[K]: cells in the order of their combinations."""
    begin: IntArray
    """int64[M + 1]: where each combination begins in this order, and the number of cells."""

    def by_value(self, sums: FloatArray, column: int, chosen: Sequence[BoolArray]) -> FloatArray:
        """Sums over each value of one attribute, float64[L, V, P], within the values chosen for the others.

        Parameters
        ----------
        sums : ndarray of float64, shape (L, M, P)
            Sums over each combination.
        chosen : sequence of ndarray of bool, shape (V, P)
            By attribute: the values chosen.
        """
        parts, _, searches = sums.shape
        whole = len(self.codes) == prod(self.levels)
        for place in reversed(range(len(self.levels))):
            if place != column and whole:
                split = sums.reshape(parts * prod(self.levels[:place]), self.levels[place], -1, searches)
                sums = np.einsum("xvyp,vp->xyp", split, chosen[place].astype(np.float64))
            elif place != column:
                sums = sums * chosen[place][self.codes[:, place]]
        if whole:
            return sums.reshape(parts, self.levels[column], searches)
        values = range(self.levels[column])
        return np.stack([sums[:, self.codes[:, column] == value].sum(axis=1) for value in values], axis=1)


class SubsetSearch:
    """Search over one table of cells, for any number of data sets with these cases in its cells.

    The attributes are split into two blocks. While one block is fixed, the cells are added up to the combinations of
    the other block once. The ascent over that block's attributes then works on far fewer numbers.
    """

    def __init__(
        self, codes: IntArray, levels: Sequence[int], cases: IntArray, penalty: float, margins: int = MOST_MARGINS
    ) -> None:
        """Prepare the search.

        Parameters
        ----------
        codes : ndarray of int64, shape (K, A)
            Value of each attribute in each cell, from 0; A at least 1.
        levels : sequence of int
            Number of values of each attribute.
        cases : ndarray of int64, shape (K,)
            Cases in each cell, at least one.
        penalty : float
            Penalty of each value named.
        margins : int
            Largest number of margins that are searched for corners.
        """
        if codes.ndim != 2 or codes.shape[1] != len(levels) or not len(levels) or not len(codes):
            raise ValueError("a scan needs cells and an attribute")
        if (cases < 1).any():
            raise ValueError("every cell of a scan has cases")
        self.levels = tuple(levels)
        self.cases = np.asarray(cases, dtype=np.float64)
        self.penalty = penalty
        # Two whole numbers are packed into one float: sums up to 2^53 are exact in any order.
        self._packs, self._packed = float(self.cases.sum()) < _PACK, self.cases * _PACK
        self.blocks = tuple(_block(codes, self.levels, attributes) for attributes in two_blocks(levels))
        self._corners = Corners(codes, levels, self.cases, penalty, margins)
        self.widest = max(*(int(np.count_nonzero(np.diff(block.begin))) for block in self.blocks), *levels)
        """Number of values that one search holds at a time; for the size of batches, on which the sets drawn depend."""

    def search(self, harmed: IntArray, starts: Sequence[BoolArray]) -> BestSubset:
        """Find the best subset of each data set.

        Parameters
        ----------
        harmed : ndarray of int64, shape (B, K)
            Harmed cases in each cell; neither none nor all of a data set.
        starts : sequence of ndarray of bool, shape (T, V)
            By attribute: values that ascents start from, beside the corners of each data set.
        """
        # a data set without harm has no rate to exceed, and scores 0
        rates = np.clip(harmed.sum(axis=1) / self.cases.sum(), 1e-12, 1.0 - 1e-12)
        chosen = [
            np.concatenate([np.broadcast_to(start, (len(harmed), *start.shape)), corners], axis=1).reshape(-1, levels)
            for start, corners, levels in zip(starts, self._corners.starts(harmed, rates), self.levels, strict=True)
        ]
        tries = len(starts[0]) + self._corners.kept
        ascent = _Ascent(self, harmed, np.repeat(rates, tries), [np.ascontiguousarray(mask.T) for mask in chosen])
        ascent.run()
        by_start = ascent.score.reshape(len(harmed), tries)
        best = by_start.argmax(axis=1) + tries * np.arange(len(harmed))
        return BestSubset(ascent.score[best], tuple(mask[:, best].T for mask in ascent.chosen), ascent.evaluated)

    def contract(self, harmed: IntArray, block: int, held: BoolArray, owner: IntArray) -> FloatArray:
        """Add the cells up to the combinations of a block, for cells whose other combination is in `held`.

        Returns float64[L, M, P], which `unpack` reads. `held` is bool[O, P], and `owner` (int64[P], ascending) the data
        set that each search belongs to.
        """
        sums = np.empty((1 if self._packs else 2, len(self.blocks[block].codes), len(owner)))
        for which in np.unique(owner):
            these = slice(*np.searchsorted(owner, [which, which + 1]))
            parts = [self._packed + harmed[which]] if self._packs else [harmed[which], self.cases]
            for part, values in enumerate(parts):
                sums[part, :, these] = self._sums(values, block, held[:, these])
        return sums

    def unpack(self, sums: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Harmed and all cases of sums, shape (L, ...)."""
        if not self._packs:
            return sums[0], sums[1]
        cases = np.floor(sums[0] / _PACK)
        return sums[0] - cases * _PACK, cases

    def _sums(self, values: IntArray | FloatArray, block: int, held: BoolArray) -> FloatArray:
        mine, other = self.blocks[block], self.blocks[1 - block]
        size = len(mine.codes), len(other.codes)
        if size[0] * size[1] <= max(_DENSE * len(values), _SMALL):
            table = np.bincount(other.place * size[0] + mine.place, values, size[0] * size[1])
            return np.asarray(table.reshape(size[1], size[0]).T @ held.astype(np.float64))
        from scipy.sparse import csr_array  # 0.15 s, and most tables are small

        matrix = csr_array((values[mine.order], other.place[mine.order], mine.begin), size)
        return np.asarray(matrix @ held.astype(np.float64))


class _Ascent:
    """P ascents in parallel: T starts of each data set. Ascents of a data set that meet go on as one."""

    def __init__(self, search: SubsetSearch, harmed: IntArray, base: FloatArray, chosen: list[BoolArray]) -> None:
        self.search, self.harmed, self.base, self.chosen = search, harmed, base, chosen
        self.owner = np.repeat(np.arange(len(harmed)), len(base) // len(harmed))
        self.score = np.full(len(base), -np.inf)
        self.named = np.stack([_named(mask) for mask in chosen])
        self.stands_for = np.ones(len(base), dtype=np.int64)
        # an attribute cannot gain twice while all others stay as they are
        self.open = np.ones(self.named.shape, dtype=np.bool_)
        self.evaluated = 0

    def run(self) -> None:
        """Ascend the blocks in turn until neither gains anything."""
        active = self._merge(np.arange(len(self.base)), np.ones(len(self.base), dtype=np.bool_))
        for turn in range(2 * _MOST_ROUNDS):
            # an ascent ends where one block gains nothing after the other; in the first all gain
            active = self._ascend_block(turn % 2, active)
            if not active.size:
                break

    def _ascend_block(self, which: int, active: IntArray) -> IntArray:
        """Ascend the attributes of a block, and return the ascents that gained."""
        mine, other = self.search.blocks[which], self.search.blocks[1 - which]
        first, place = _alike(
            self.owner[active], *(_bits(self.chosen[each].take(active, 1)) for each in other.attributes)
        )
        held = np.ones((len(other.codes), len(first)), dtype=np.bool_)
        for column, attribute in enumerate(other.attributes):
            held &= self.chosen[attribute].take(active[first], 1)[other.codes[:, column]]
        sums = self.search.contract(self.harmed, which, held, self.owner[active[first]]).take(place, 2)
        gained, left = active[:0], active
        for turn in range(_MOST_ROUNDS):
            moved = np.zeros(len(left), dtype=np.bool_)
            for column in range(len(mine.attributes)):
                moved |= self._ascend_attribute(mine, column, left, sums)
            kept = self._merge(left, moved)
            kept = kept[moved[kept]]
            left, sums = left[kept], sums.take(kept, 2)
            gained = gained if turn else left
            if len(mine.attributes) == 1 or not left.size:
                break
        return gained[self.stands_for[gained] > 0]

    def _merge(self, active: IntArray, moved: BoolArray) -> IntArray:
        """Places of the ascents that go on: the first of those that stand alike, for all of them."""
        chosen = (_bits(mask.take(active, 1)) for mask in self.chosen)
        first, place = _alike(self.owner[active], self.score[active], moved, *chosen)
        together = np.bincount(place, self.stands_for[active])
        self.stands_for[active] = 0
        self.stands_for[active[first]] = together
        return first

    def _ascend_attribute(self, mine: Block, column: int, active: IntArray, sums: FloatArray) -> BoolArray:
        attribute, better = mine.attributes[column], np.zeros(len(active), dtype=np.bool_)
        self.evaluated += int(self.stands_for[active].sum()) * (len(SEVERITIES) + REFINEMENTS + 1)
        at = np.flatnonzero(self.open[attribute, active])
        if not at.size:
            return better
        if len(at) < len(active):
            active, sums = active[at], sums.take(at, 2)
        by_value = mine.by_value(sums, column, [self.chosen[each].take(active, 1) for each in mine.attributes])
        chosen, score = best_values(*self.search.unpack(by_value), self.base[active], self.search.penalty)
        others = self.named.take(active, 1).sum(axis=0) - self.named[attribute, active]
        score -= self.search.penalty * others
        gains = score > self.score[active] + TOLERANCE
        better[at[gains]] = True
        rows, chosen = active[gains], chosen[:, gains]
        self.score[rows] = score[gains]
        self.chosen[attribute][:, rows] = chosen
        self.named[attribute, rows] = _named(chosen)
        self.open[:, rows] = True
        self.open[attribute, active] = False
        return better


def _named(mask: BoolArray) -> IntArray:
    """int64[P]: number of values named."""
    count = mask.sum(axis=0)
    return np.where(count < len(mask), count, 0)


def _bits(mask: BoolArray) -> npt.NDArray[np.uint8]:
    return np.packbits(mask, axis=0).T


def _alike(*parts: npt.NDArray[Any]) -> tuple[IntArray, IntArray]:
    """First place of each distinct row, ascending, and for each row the place of its like among these.

    `parts` have the same number of rows; a row is equal only if every part is, bit by bit.
    """
    rows = np.hstack([np.ascontiguousarray(part).view(np.uint8).reshape(len(part), -1) for part in parts])
    _, first, place = np.unique(rows.view(f"V{rows.shape[1]}").ravel(), return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[place]


def two_blocks(levels: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Split the attributes into two blocks with about as many combinations each; the second may be empty."""
    blocks: tuple[list[int], list[int]] = ([], [])
    sizes = [1, 1]
    for attribute in sorted(range(len(levels)), key=lambda place: (-levels[place], place)):
        lighter = 0 if sizes[0] <= sizes[1] else 1
        blocks[lighter].append(attribute)
        sizes[lighter] *= levels[attribute]
    return tuple(sorted(blocks[0])), tuple(sorted(blocks[1]))


def _block(codes: IntArray, levels: Sequence[int], attributes: tuple[int, ...]) -> Block:
    # where there is no attribute, one value that all cells have
    mine = tuple(levels[attribute] for attribute in attributes) or (1,)
    own = codes[:, list(attributes)] if attributes else np.zeros((len(codes), 1), dtype=np.int64)
    place, first = distinct(own, mine)
    every = own[first]
    if prod(mine) <= 2 * len(first):
        every = np.stack(np.unravel_index(np.arange(prod(mine)), mine), axis=1)
        place = np.ravel_multi_index(tuple(own.T), mine)
    order = np.argsort(place)
    return Block(attributes, mine, every, place, order, np.searchsorted(place[order], np.arange(len(every) + 1)))
