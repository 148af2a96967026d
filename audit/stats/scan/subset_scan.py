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
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.scan.scan_starts import MOST_MARGINS, Corners, bernoulli_score

_LARGEST_SEVERITY: Final = 30.0
"""Log odds ratio that stands for an infinite one, where all cases of a subset are harmed."""
SEVERITIES: Final = np.geomspace(0.01, 10.0, 28)
"""Log odds ratios that are tried; the best of them is then moved to its maximum."""
_REFINEMENTS: Final = 4
_PACK: Final = float(1 << 26)
_MOST_ROUNDS: Final = 20
_TOLERANCE: Final = 1e-9
_IN_CACHE: Final = 16_384
"""Number of values in an array of which a few are in the processor's cache together."""
_DENSE: Final = 8
"""Up to this many places for each cell, a product of matrices is faster than a sum over the occupied cells."""


class BestValues(NamedTuple):
    """The best values of one attribute, for each of P searches."""

    chosen: BoolArray
    """bool[P, V]: the values; all of them where naming none scores best."""
    score: FloatArray
    """float64[P]: score less the penalty of these values."""


def best_values(harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float) -> BestValues:
    """Choose the values of one attribute that maximise the penalised score.

    Parameters
    ----------
    harmed, cases : ndarray of float64, shape (P, V)
        Sums over each value, within the values chosen for the other attributes.
    expected : ndarray of float64, shape (P,)
        Expected rate of each search.
    penalty : float
        Penalty of each value named. Naming none, which leaves the attribute free, costs nothing.

    Notes
    -----
    ``max_S F(S) - penalty |S| = max_theta sum_v max(0, h_v theta - n_v log(1 - p + p e^theta) - penalty)``: 28 log odds
    ratios are tried. Each is rated by the score of its subset at that subset's own maximum. The best then alternates
    with it, which never lowers the score. If scores were compared at the ratios tried, a subset between two of them
    would lose to a worse one on a ratio. The best single value is tried too: penalties can leave it a range of ratios
    between two of those tried.
    """
    p = expected[:, None]
    at = _best_severity(harmed, cases, expected, penalty)
    chosen = _worthwhile(harmed, cases, p, penalty, at)
    score = _penalised(harmed, cases, expected, penalty, chosen)
    alone = bernoulli_score(harmed, cases, p)
    single = np.arange(harmed.shape[1]) == alone.argmax(axis=1)[:, None]
    better = alone.max(axis=1) - penalty > score
    chosen, score = np.where(better[:, None], single, chosen), np.where(better, alone.max(axis=1) - penalty, score)
    for _ in range(_REFINEMENTS):
        again = _worthwhile(harmed, cases, p, penalty, _severity(harmed, cases, expected, chosen))
        next_score = _penalised(harmed, cases, expected, penalty, again)
        better = next_score > score + _TOLERANCE
        if not better.any():
            break
        chosen, score = np.where(better[:, None], again, chosen), np.where(better, next_score, score)
    free = bernoulli_score(harmed.sum(axis=1), cases.sum(axis=1), expected)
    without = free >= score
    return BestValues(chosen | without[:, None], np.where(without, free, score))


def _best_of_alike(harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float) -> BestValues:
    """`best_values`, of equal searches once: ascents from several starts meet, three in four as a rule."""
    rows = np.column_stack([harmed, cases, expected])
    whole = rows.view(np.dtype((np.void, rows.strides[0]))).ravel()
    _, first, place = np.unique(whole, return_index=True, return_inverse=True)
    best = best_values(harmed[first], cases[first], expected[first], penalty)
    return BestValues(best.chosen[place], best.score[place])


def _best_severity(harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float) -> FloatArray:
    """float64[P]: of the log odds ratios tried, the one with the best subset; the first where no score is above 0."""
    rates, of_rate = np.unique(expected, return_inverse=True)
    offsets = np.log1p(rates * np.expm1(SEVERITIES)[:, None])[:, of_rate, None]
    sums = np.empty((3, len(SEVERITIES), len(expected)))
    some = max(1, _IN_CACHE // harmed.shape[1])
    for start in range(0, len(expected), some):
        rows = slice(start, start + some)
        hit, of = harmed[rows], cases[rows]
        worth, offset = np.empty(hit.shape), np.empty(hit.shape)
        for place, theta in enumerate(SEVERITIES):
            np.multiply(hit, theta, out=worth)
            worth -= np.multiply(of, offsets[place, rows], out=offset)
            np.greater(worth, penalty, out=worth)
            # sums of whole numbers, so that their order changes no bit
            np.einsum("pv,pv->p", hit, worth, out=sums[0, place, rows])
            np.einsum("pv,pv->p", of, worth, out=sums[1, place, rows])
            np.einsum("pv->p", worth, out=sums[2, place, rows])
    scores = bernoulli_score(sums[0], sums[1], expected) - penalty * sums[2]
    return np.asarray(SEVERITIES[np.where(scores.max(axis=0) > 0.0, scores.argmax(axis=0), 0)])


def _worthwhile(harmed: FloatArray, cases: FloatArray, p: FloatArray, penalty: float, theta: FloatArray) -> BoolArray:
    severity = theta[:, None]
    worth: BoolArray = harmed * severity - cases * np.log1p(p * np.expm1(severity)) > penalty
    return worth


def _severity(harmed: FloatArray, cases: FloatArray, expected: FloatArray, chosen: BoolArray) -> FloatArray:
    """Log odds ratio that fits the chosen values best."""
    h, n = (harmed * chosen).sum(axis=1), (cases * chosen).sum(axis=1)
    some = (h > 0.0) & (h < n)
    rate = np.where(some, h / np.where(n > 0.0, n, 1.0), 0.5)
    theta = np.log(rate / (1.0 - rate)) - np.log(expected / (1.0 - expected))
    return np.clip(np.where(some, theta, np.where(h > 0.0, _LARGEST_SEVERITY, 0.0)), 0.0, _LARGEST_SEVERITY)


def _penalised(
    harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float, chosen: BoolArray
) -> FloatArray:
    score = bernoulli_score((harmed * chosen).sum(axis=1), (cases * chosen).sum(axis=1), expected)
    penalties: FloatArray = penalty * chosen.sum(axis=1)
    return score - penalties


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
    """Some of the attributes, and the combinations of their values that occur."""

    attributes: tuple[int, ...]
    codes: IntArray
    """int64[M, attributes]: the values of each combination."""
    order: IntArray
    """int64[K]: cells in the order of their combinations."""
    first: IntArray
    """int64[M]: position of the first cell of each combination in that order."""
    place: IntArray
    """int64[K]: combination of each cell."""


class SubsetSearch:
    """Search over one table of cells, for any number of data sets with these cases in its cells.

    The attributes are split into two blocks. While one block is fixed, the cells are added up to the combinations of
    the
    other block once. The ascent over that block's attributes then works on far fewer numbers.
    """

    def __init__(
        self,
        codes: IntArray,
        levels: Sequence[int],
        cases: IntArray,
        penalty: float,
        margins: int = MOST_MARGINS,
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
        self._packs = float(self.cases.sum()) < _PACK
        self._codes = np.asarray(codes, dtype=np.int64)
        self._margins = margins

    @cached_property
    def blocks(self) -> tuple[Block, Block]:
        """The two halves of the attributes."""
        first, second = two_blocks(self.levels)
        return _block(self._codes, self.levels, first), _block(self._codes, self.levels, second)

    @cached_property
    def _corners(self) -> Corners:
        return Corners(self._codes, self.levels, self.cases, self.penalty, self._margins)

    @property
    def widest(self) -> int:
        """Number of values that one search holds at a time; for the size of batches."""
        return max(len(self.blocks[0].first), len(self.blocks[1].first), *self.levels)

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
        ascent = _Ascent(self, harmed, np.repeat(rates, tries), chosen)
        ascent.run()
        by_start = ascent.score.reshape(len(harmed), tries)
        best = by_start.argmax(axis=1) + tries * np.arange(len(harmed))
        return BestSubset(ascent.score[best], tuple(mask[best] for mask in ascent.chosen), ascent.evaluated)

    def contract(self, harmed: IntArray, block: int, held: BoolArray, owner: IntArray) -> tuple[FloatArray, FloatArray]:
        """Add the cells up to the combinations of a block, for cells whose other combination is in `held`.

        Returns harmed and all cases, each float64[P, M]. `owner` (int64[P], ascending) is the data set that each
        search belongs to.
        """
        mine = self.blocks[block]
        shape = (len(held), len(mine.first))
        if self._packs:
            packed = np.empty(shape)
            for which, rows in _runs(owner):
                packed[rows] = self._sums(self.cases * _PACK + harmed[which], block, held[rows])
            cases = np.floor(packed / _PACK)
            return packed - cases * _PACK, cases
        hit, cases = np.empty(shape), np.empty(shape)
        for which, rows in _runs(owner):
            hit[rows] = self._sums(harmed[which].astype(np.float64), block, held[rows])
            cases[rows] = self._sums(self.cases, block, held[rows])
        return hit, cases

    def _sums(self, values: FloatArray, block: int, held: BoolArray) -> FloatArray:
        mine, other = self.blocks[block], self.blocks[1 - block]
        size = len(mine.first), len(other.first)
        if size[0] * size[1] <= _DENSE * len(values):
            table = np.bincount(other.place * size[0] + mine.place, values, size[0] * size[1])
            product: FloatArray = held.astype(np.float64) @ table.reshape(size[1], size[0])
            return product
        in_order, of_other = values[mine.order], other.place[mine.order]
        return np.stack([np.add.reduceat(in_order * row[of_other], mine.first) for row in held])


class _Ascent:
    """P ascents in parallel: T starts of each data set."""

    def __init__(self, search: SubsetSearch, harmed: IntArray, base: FloatArray, chosen: list[BoolArray]) -> None:
        self.search, self.harmed, self.base, self.chosen = search, harmed, base, chosen
        self.owner = np.repeat(np.arange(len(harmed)), len(base) // len(harmed))
        self.score = np.full(len(base), -np.inf)
        self.evaluated = 0

    def run(self) -> None:
        """Ascend the blocks in turn until neither gains anything."""
        active = np.arange(len(self.base))
        for turn in range(2 * _MOST_ROUNDS):
            gained = self._ascend_block(turn % 2, active)
            # an ascent ends where one block gains nothing after the other; no block comes before the first one
            active = active[gained] if turn else active
            if not active.size:
                break

    def _ascend_block(self, which: int, active: IntArray) -> BoolArray:
        mine, other = self.search.blocks[which], self.search.blocks[1 - which]
        held = np.ones((len(active), len(other.first)), dtype=np.bool_)
        for column, attribute in enumerate(other.attributes):
            held &= self.chosen[attribute][active][:, other.codes[:, column]]
        harmed, cases = self.search.contract(self.harmed, which, held, self.owner[active])
        gained = np.zeros(len(active), dtype=np.bool_)
        left = np.arange(len(active))
        for _ in range(_MOST_ROUNDS):
            moved = np.zeros(len(left), dtype=np.bool_)
            for column in range(len(mine.attributes)):
                moved |= self._ascend_attribute(mine, column, active[left], harmed[left], cases[left])
            gained[left] |= moved
            left = left[moved]
            if len(mine.attributes) == 1 or not left.size:
                break
        return gained

    def _ascend_attribute(
        self, mine: Block, column: int, active: IntArray, harmed: FloatArray, cases: FloatArray
    ) -> BoolArray:
        inside = np.ones(harmed.shape, dtype=np.bool_)
        for place, attribute in enumerate(mine.attributes):
            if place != column:
                inside &= self.chosen[attribute][active][:, mine.codes[:, place]]
        attribute = mine.attributes[column]
        levels = self.search.levels[attribute]
        by_value = [_by_value(values * inside, mine.codes[:, column], levels) for values in (harmed, cases)]
        best = _best_of_alike(by_value[0], by_value[1], self.base[active], self.search.penalty)
        self.evaluated += len(active) * (len(SEVERITIES) + _REFINEMENTS + 1)
        score = best.score - self.search.penalty * self._named(active, but=attribute)
        better = score > self.score[active] + _TOLERANCE
        rows = active[better]
        self.score[rows] = score[better]
        self.chosen[attribute][rows] = best.chosen[better]
        return better

    def _named(self, active: IntArray, but: int) -> IntArray:
        """Number of values that the other attributes name."""
        named = np.zeros(len(active), dtype=np.int64)
        for attribute, mask in enumerate(self.chosen):
            if attribute != but:
                count = mask[active].sum(axis=1)
                named += np.where(count < mask.shape[1], count, 0)
        return named


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
    key = np.zeros(len(codes), dtype=np.int64)
    for attribute in attributes:
        # compressed at each step, so that a long product of levels cannot overflow
        _, key = np.unique(key * levels[attribute] + codes[:, attribute], return_inverse=True)
    order = np.argsort(key, kind="stable")
    in_order = key[order]
    first = np.flatnonzero(np.r_[True, in_order[1:] != in_order[:-1]])
    return Block(attributes, codes[order[first]][:, list(attributes)], order, first, key)


def _by_value(values: FloatArray, codes: IntArray, levels: int) -> FloatArray:
    """Sums over each value, float64[P, levels]; a value without a combination has 0."""
    order = np.argsort(codes, kind="stable")
    in_order = codes[order]
    first = np.flatnonzero(np.r_[True, in_order[1:] != in_order[:-1]])
    sums = np.zeros((len(values), levels))
    sums[:, in_order[first]] = np.add.reduceat(values[:, order], first, axis=1)
    return sums


def _runs(owner: IntArray) -> list[tuple[int, slice]]:
    """Each data set with the searches that belong to it."""
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]]) if owner.size else np.zeros(0, dtype=np.int64)
    ends = [*first[1:], len(owner)]
    return [(int(owner[begin]), slice(int(begin), int(end))) for begin, end in zip(first, ends, strict=True)]
