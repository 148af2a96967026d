"""Subset scan for a subgroup that nobody named: the search, its distribution under the null, and the confirmation.

Starting points for the ascents of a subset scan: all values, random subsets, and the corners that look worst.

The best values of one attribute, in many searches at a time: the step of a subset scan.

Search for the subset of cells with the most harm: multi-dimensional subset scan on counts.

A subset names values of some attributes. It consists of the cells in which every such attribute has one of the values
named. Its score is the expectation-based Bernoulli log likelihood ratio (Zhang & Neill 2016; `bias_scan` of AIF360).
All
cells share one expected rate, so the score of a subset needs only its two sums, and no row is needed.

The search is a coordinate ascent from many starts. For one attribute, with the others fixed, the penalised score is
maximised as in Speakman et al. (2016): at a given severity each value is in or out by itself.

Best scores of a subset scan if no group were treated differently: data sets drawn under the null.

Confirm, in one half of the cases, that a subset found in the other half is worse than all other cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.special import xlogy

from audit.stats.arrays import BoolArray, FloatArray, IntArray, distinct
from audit.stats.bisection import bisected
from audit.stats.boundaries import Boundary, counted_outcome, margin_boundary
from audit.stats.clusters import Alike, Evened, WeightedRate, pooled_correlation
from audit.stats.effective_test import MIN_DEGREES_OF_FREEDOM, Comparison, effective_test
from audit.stats.score_test import exact_p

MOST_MARGINS: Final = 64
"""Number of margins that are searched for corners: those of two attributes first, then those of three."""
KEPT: Final = 12
"""Number of corners in each data set that ascents start from."""
_LARGEST_MARGIN: Final = 1_000_000


def bernoulli_score(harmed: npt.ArrayLike, cases: npt.ArrayLike, expected: npt.ArrayLike) -> FloatArray:
    """Log likelihood ratio of "the odds of harm are multiplied by q > 1" against "the rate is the expected one".

    Parameters
    ----------
    harmed, cases : array_like
        Sums over the subset; they broadcast.
    expected : array_like
        The rate that every case has under the null hypothesis, within (0, 1).

    Returns
    -------
    ndarray of float64
        ``max_q h log q - n log(1 - p + q p) = h log(r/p) + (n - h) log((1 - r)/(1 - p))`` with ``r = h/n``; 0 where
        ``r <= p`` or nothing is counted.
    """
    h, n, p = np.broadcast_arrays(*(np.asarray(values, dtype=np.float64) for values in (harmed, cases, expected)))
    rate = h / np.where(n > 0.0, n, 1.0)
    above = (n > 0.0) & (rate > p)
    score = np.zeros(h.shape)
    # few are, and logarithms take the time
    at = np.flatnonzero(above)
    h, n, p, rate = (array.take(at) for array in (h, n, p, rate))
    score.put(at, np.maximum(xlogy(h, rate / p) + xlogy(n - h, (1.0 - rate) / (1.0 - p)), 0.0))
    return score


def random_starts(levels: Sequence[int], tries: int, rng: np.random.Generator) -> tuple[BoolArray, ...]:
    """Starting points, for each attribute bool[tries, V]: all values first, then random values.

    A random start has one chance for all its values. On average it leaves every other attribute free: a start that
    narrows all attributes at once holds hardly a case.
    """
    chance = rng.uniform(0.02, 0.8, tries)[:, None]
    starts = []
    for count in levels:
        mask = (rng.random((tries, count)) < chance) | (rng.random((tries, 1)) < 0.5)
        mask[0] = True
        starts.append(mask | ~mask.any(axis=1, keepdims=True))
    return tuple(starts)


class Corners:
    """One value of each of two or three attributes: the worst of each margin, and the worst few of these.

    A start that the data suggest finds small corners that no random start comes near. It is a fixed function of the
    data,
    so that a simulated data set is searched exactly like the real one.
    """

    def __init__(
        self, codes: IntArray, levels: Sequence[int], cases: FloatArray, penalty: float, most: int = MOST_MARGINS
    ) -> None:
        self.levels, self.penalty = tuple(levels), penalty
        attributes = range(len(levels))
        wanted = [which for size in (2, 3) for which in combinations(attributes, size)] or [(0,)]
        small = [which for which in wanted if self._size(which) <= _LARGEST_MARGIN]
        self.margins = small[:most] or [(0,)]
        self.kept = min(KEPT, len(self.margins))
        """Number of corners given for each data set."""
        # cells are added up for as many margins at a time as leave few sums
        groups: list[tuple[set[int], list[int]]] = []
        for margin, which in enumerate(self.margins):
            few = [group for group in groups if self._size(group[0].union(which)) <= len(codes) // 4]
            group = [*few, (set[int](), list[int]())][0]
            groups += [] if few else [group]
            group[0].update(which)
            group[1].append(margin)
        self._groups = [(sorted(attributes), margins) for attributes, margins in groups]
        self._keys = [np.ravel_multi_index(tuple(codes[:, group].T), self._shape(group)) for group, _ in self._groups]
        self._cases = dict(self._sums(cases[np.newaxis]))

    def starts(self, harmed: IntArray, rates: FloatArray) -> tuple[BoolArray, ...]:
        """Worst corners of B data sets, for each attribute bool[B, kept, V].

        Parameters
        ----------
        harmed : ndarray of int64, shape (B, K)
            Harmed cases in each cell.
        rates : ndarray of float64, shape (B,)
            Share of harmed cases among all cases.
        """
        most = max(1, _LARGEST_MARGIN // max(self._size(group) for group, _ in self._groups))
        if len(harmed) > most:
            parts = [self.starts(harmed[at : at + most], rates[at : at + most]) for at in range(0, len(harmed), most)]
            return tuple(map(np.concatenate, zip(*parts, strict=True)))
        sets = np.arange(len(harmed))
        scores, places = np.empty((2, len(harmed), len(self.margins)))
        for margin, hit in self._sums(harmed):
            score = bernoulli_score(hit, self._cases[margin], rates)
            places[:, margin] = at = score.argmax(axis=0)
            scores[:, margin] = score[at, sets] - self.penalty * len(self.margins[margin])
        # a stable order, so that corners of equal score are taken in the order of their attributes
        worst = np.argsort(-scores, axis=1, kind="stable")[:, : self.kept]
        masks = tuple(np.ones((*worst.shape, count), dtype=np.bool_) for count in self.levels)
        for margin, which in enumerate(self.margins):
            of_set, row = np.nonzero(worst == margin)
            values = np.unravel_index(places[of_set, margin].astype(np.int64), self._shape(which))
            for attribute, value in zip(which, values, strict=True):
                masks[attribute][of_set, row] = value[:, None] == np.arange(self.levels[attribute])
        return masks

    def _sums(self, values: IntArray | FloatArray) -> Iterator[tuple[int, FloatArray]]:
        """For each margin its place, and the sums of B data sets, float64[size, B]."""
        for (group, margins), key in zip(self._groups, self._keys, strict=True):
            table = np.stack([np.bincount(key, of_set, self._size(group)) for of_set in values], axis=1)
            table = table.reshape(*self._shape(group), len(values))
            for margin in margins:
                others = tuple(at for at, attribute in enumerate(group) if attribute not in self.margins[margin])
                yield margin, table.sum(axis=others).reshape(-1, len(values))

    def _shape(self, which: Iterable[int]) -> list[int]:
        return [self.levels[attribute] for attribute in which]

    def _size(self, which: Iterable[int]) -> int:
        return prod(self._shape(which))


_LARGEST_SEVERITY: Final = 30.0
"""Log odds ratio that stands for an infinite one, where all cases of a subset are harmed."""
SEVERITIES: Final = np.geomspace(0.01, 10.0, 28)
"""Log odds ratios that are tried; the best of them is then moved to its maximum."""
REFINEMENTS: Final = 4
"""How often they are moved at most."""
TOLERANCE: Final = 1e-9
"""Gain that counts as none."""
_ROUNDING: Final = 1e-9
"""More, for each case, than the sums behind a score are rounded by."""
_AT_A_TIME: Final = 512
"""Number of searches whose ratios are tried at a time, so that the arrays stay in the processor's cache."""


def best_values(
    harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float
) -> tuple[BoolArray, FloatArray]:
    """Choose the values of one attribute that maximise the penalised score.

    Parameters
    ----------
    harmed, cases : ndarray of float64, shape (V, P)
        Sums over each value, within the values chosen for the other attributes.
    expected : ndarray of float64, shape (P,)
        Expected rate of each search.
    penalty : float
        Penalty of each value named. Naming none, which leaves the attribute free, costs nothing.

    Returns
    -------
    chosen : ndarray of bool, shape (V, P)
        The values; all of them where naming none scores best.
    score : ndarray of float64, shape (P,)
        Score less the penalty of these values.

    Notes
    -----
    ``max_S F(S) - penalty |S| = max_theta sum_v max(0, h_v theta - n_v log(1 - p + p e^theta) - penalty)``: 28 log odds
    ratios are tried. Each is rated by the score of its subset at that subset's own maximum. The best then alternates
    with it, which never lowers the score. If scores were compared at the ratios tried, a subset between two of them
    would lose to a worse one on a ratio. The best single value is tried too: penalties can leave it a range of ratios
    between two of those tried.
    """
    alone = bernoulli_score(harmed, cases, expected)
    at = _best_severity(harmed, cases, expected, penalty, alone)
    chosen = _worthwhile(harmed, cases, expected, penalty, at)
    score = _penalised(harmed, cases, expected, penalty, chosen)
    worst, single = alone.argmax(axis=0), alone.max(axis=0) - penalty
    lone = np.flatnonzero(single > score)
    chosen[:, lone] = np.arange(len(harmed))[:, None] == worst[lone]
    score[lone] = single[lone]
    left = np.arange(len(expected))
    for _ in range(REFINEMENTS):
        arrays = harmed.take(left, 1), cases.take(left, 1), expected[left]
        again = _worthwhile(*arrays, penalty, _severity(*arrays, chosen.take(left, 1)))
        next_score = _penalised(*arrays, penalty, again)
        # what gains nothing once gains nothing again
        better = next_score > score[left] + TOLERANCE
        left = left[better]
        if not left.size:
            break
        chosen[:, left], score[left] = again[:, better], next_score[better]
    free = bernoulli_score(harmed.sum(axis=0), cases.sum(axis=0), expected)
    without = free >= score
    return chosen | without, np.where(without, free, score)


def _best_severity(
    harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float, alone: FloatArray
) -> FloatArray:
    """float64[P]: of the log odds ratios tried, the one with the best subset; the first where no score is above 0.

    The first, too, where at most one value is worth its penalty at its own best ratio, so that no ratio has another:
    `alone` holds the scores there.
    """
    able = alone + _ROUNDING * (1.0 + cases) > penalty
    count = able.sum(axis=0)
    rates, of_rate = np.unique(expected, return_inverse=True)
    offsets = np.log1p(rates * np.expm1(SEVERITIES)[:, None])
    best, in_order = np.full(len(expected), SEVERITIES[0]), np.argsort(count, kind="stable")
    for start in range(int(np.searchsorted(count, 2, sorter=in_order)), len(count), _AT_A_TIME):
        which = in_order[start : start + _AT_A_TIME]
        rows = np.argsort(~able.take(which, 1), axis=0, kind="stable")[: count[which[-1]]]
        h, n = harmed[rows, which], cases[rows, which]
        worth = h * SEVERITIES[:, None, None] - n * offsets.take(of_rate[which], 1)[:, None]
        np.greater(worth, penalty, out=worth)
        # sums of whole numbers, so that their order changes no bit
        sums = np.einsum("lvp,svp->lsp", np.stack([h, n, np.ones(h.shape)]), worth)
        # most ratios choose the values of the one before
        new = np.ones(sums.shape[1:], dtype=np.bool_)
        new[1:] = (sums[:, 1:] != sums[:, :-1]).any(axis=0)
        at = np.flatnonzero(new)
        h, n, named = (sums_of_row.take(at) for sums_of_row in sums.reshape(3, -1))
        scores = np.full(new.shape, -np.inf)
        scores.put(at, bernoulli_score(h, n, expected[which][at % len(which)]) - penalty * named)
        best[which] = SEVERITIES[np.where(scores.max(axis=0) > 0.0, scores.argmax(axis=0), 0)]
    return best


def _worthwhile(
    harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float, theta: FloatArray
) -> BoolArray:
    return np.asarray(harmed * theta - cases * np.log1p(expected * np.expm1(theta)) > penalty)


def _severity(harmed: FloatArray, cases: FloatArray, expected: FloatArray, chosen: BoolArray) -> FloatArray:
    """Log odds ratio that fits the chosen values best."""
    h, n = (harmed * chosen).sum(axis=0), (cases * chosen).sum(axis=0)
    some = (h > 0.0) & (h < n)
    rate = np.where(some, h / np.where(n > 0.0, n, 1.0), 0.5)
    theta = np.log(rate / (1.0 - rate)) - np.log(expected / (1.0 - expected))
    return np.clip(np.where(some, theta, np.where(h > 0.0, _LARGEST_SEVERITY, 0.0)), 0.0, _LARGEST_SEVERITY)


def _penalised(
    harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float, chosen: BoolArray
) -> FloatArray:
    score = bernoulli_score((harmed * chosen).sum(axis=0), (cases * chosen).sum(axis=0), expected)
    return np.asarray(score - penalty * chosen.sum(axis=0))


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
        is_complete = len(self.codes) == prod(self.levels)
        for attribute_index in reversed(range(len(self.levels))):
            if attribute_index != column and is_complete:
                split = sums.reshape(
                    parts * prod(self.levels[:attribute_index]), self.levels[attribute_index], -1, searches
                )
                sums = np.einsum("xvyp,vp->xyp", split, chosen[attribute_index].astype(np.float64))
            elif attribute_index != column:
                sums = sums * chosen[attribute_index][self.codes[:, attribute_index]]
        if is_complete:
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

    def contract(self, harmed: IntArray, block: int, members: BoolArray, owner: IntArray) -> FloatArray:
        """Add the cells up to the combinations of a block, for cells whose other combination is in `members`.

        Returns float64[L, M, P], which `unpack` reads. `members` is bool[O, P], and `owner` (int64[P], ascending) the
        data set that each search belongs to.
        """
        sums = np.empty((1 if self._packs else 2, len(self.blocks[block].codes), len(owner)))
        for which in np.unique(owner):
            these = slice(*np.searchsorted(owner, [which, which + 1]))
            parts = [self._packed + harmed[which]] if self._packs else [harmed[which], self.cases]
            for part, values in enumerate(parts):
                sums[part, :, these] = self._sums(values, block, members[:, these])
        return sums

    def unpack(self, sums: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Harmed and all cases of sums, shape (L, ...)."""
        if not self._packs:
            return sums[0], sums[1]
        cases = np.floor(sums[0] / _PACK)
        return sums[0] - cases * _PACK, cases

    def _sums(self, values: IntArray | FloatArray, block: int, members: BoolArray) -> FloatArray:
        mine, other = self.blocks[block], self.blocks[1 - block]
        size = len(mine.codes), len(other.codes)
        if size[0] * size[1] <= max(_DENSE * len(values), _SMALL):
            table = np.bincount(other.place * size[0] + mine.place, values, size[0] * size[1])
            return np.asarray(table.reshape(size[1], size[0]).T @ members.astype(np.float64))
        matrix = csr_array((values[mine.order], other.place[mine.order], mine.begin), size)
        return np.asarray(matrix @ members.astype(np.float64))


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
        first, inverse = _alike(
            self.owner[active],
            *(_bits(self.chosen[chosen_attribute].take(active, 1)) for chosen_attribute in other.attributes),
        )
        is_inside = np.ones((len(other.codes), len(first)), dtype=np.bool_)
        for column, attribute in enumerate(other.attributes):
            is_inside &= self.chosen[attribute].take(active[first], 1)[other.codes[:, column]]
        sums = self.search.contract(self.harmed, which, is_inside, self.owner[active[first]]).take(inverse, 2)
        gained, left = active[:0], active
        for turn in range(_MOST_ROUNDS):
            moved = np.zeros(len(left), dtype=np.bool_)
            for column in range(len(mine.attributes)):
                moved |= self._ascend_attribute(mine, column, left, sums)
            merged = self._merge(left, moved)
            merged = merged[moved[merged]]
            left, sums = left[merged], sums.take(merged, 2)
            gained = gained if turn else left
            if len(mine.attributes) == 1 or not left.size:
                break
        return gained[self.stands_for[gained] > 0]

    def _merge(self, active: IntArray, moved: BoolArray) -> IntArray:
        """Places of the ascents that go on: the first of those that stand alike, for all of them."""
        chosen = (_bits(mask.take(active, 1)) for mask in self.chosen)
        first, inverse = _alike(self.owner[active], self.score[active], moved, *chosen)
        together = np.bincount(inverse, self.stands_for[active])
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
        by_value = mine.by_value(
            sums, column, [self.chosen[own_attribute].take(active, 1) for own_attribute in mine.attributes]
        )
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
    _, first, inverse = np.unique(rows.view(f"V{rows.shape[1]}").ravel(), return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[inverse]


def two_blocks(levels: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Split the attributes into two blocks with about as many combinations each; the second may be empty."""
    blocks: tuple[list[int], list[int]] = ([], [])
    sizes = [1, 1]
    for attribute in sorted(range(len(levels)), key=lambda column: (-levels[column], column)):
        lighter = 0 if sizes[0] <= sizes[1] else 1
        blocks[lighter].append(attribute)
        sizes[lighter] *= levels[attribute]
    return tuple(sorted(blocks[0])), tuple(sorted(blocks[1]))


def _block(codes: IntArray, levels: Sequence[int], attributes: tuple[int, ...]) -> Block:
    # where there is no attribute, one value that all cells have
    mine = tuple(levels[attribute] for attribute in attributes) or (1,)
    own_codes = codes[:, list(attributes)] if attributes else np.zeros((len(codes), 1), dtype=np.int64)
    cell_of_row, first = distinct(own_codes, mine)
    every = own_codes[first]
    if prod(mine) <= 2 * len(first):
        every = np.stack(np.unravel_index(np.arange(prod(mine)), mine), axis=1)
        cell_of_row = np.ravel_multi_index(tuple(own_codes.T), mine)
    order = np.argsort(cell_of_row)
    return Block(
        attributes, mine, every, cell_of_row, order, np.searchsorted(cell_of_row[order], np.arange(len(every) + 1))
    )


FEWEST_TRIES: Final = 8
"""Number of ascents from all values and from random subsets, beside those from the corners of the data."""
MOST_TRIES: Final = 64
_WORK: Final = 300_000_000
"""Number of cells looked at over all tries and data sets, where this allows more than the fewest tries."""
_FEWEST_MARGINS: Final = 16
_WORK_ON_MARGINS: Final = 1_500_000_000
"""Number of cells looked at over all margins that are searched for corners."""
_HELD_AT_A_TIME: Final = 2_000_000
"""Number of values in one array of a batch of data sets: 16 MB."""
_CLUSTERS_IN_A_BIN: Final = 5
"""Least number of clusters in a bin. With 20 the error at level .05 was 6.3 % where one cluster in thirty is nearly all
harmed, with 5 it was 5.3 %: 1,500 runs each on the same cases, standard error 0.6 points."""
_SAME: Final = 1e-9


@dataclass(frozen=True, slots=True)
class ClusterCells:
    """Cases of each cluster in each cell: E entries."""

    cell: IntArray
    """int64[E]: the cell, as a place in the table of cells."""
    cluster: IntArray
    """int64[E]: the cluster, from 0."""
    cases: IntArray
    """int64[E]: cases."""
    harmed: IntArray
    """int64[E]: cases that were harmed."""


class CalibratedScan(NamedTuple):
    """The best subset of a table of cells, and how often chance alone does as well."""

    score: float
    """Score of the subset, less its penalties."""
    p: float
    """``(1 + data sets under the null with at least this score) / (1 + data sets)``."""
    chosen: tuple[BoolArray, ...]
    """For each attribute, bool[V]: the values chosen; all of them where the attribute is not named."""
    evaluated: int
    """Subsets whose score was computed in the search of the real data."""
    null_scores: FloatArray
    """float64[replicates]: the best score of each data set drawn."""

    def critical_score(self, level: float) -> float:
        """Smallest score with a p-value of at most `level`, which is at least ``1 / (1 + data sets)``."""
        allowed = int(np.floor(level * (len(self.null_scores) + 1) + _SAME)) - 1
        in_order = np.sort(self.null_scores)[::-1]
        return float(in_order[allowed] if 0 <= allowed < len(in_order) else np.inf)


def calibrated_scan(
    codes: IntArray,
    levels: Sequence[int],
    cases: IntArray,
    harmed: IntArray,
    *,
    penalty: float,
    replicates: int,
    rng: np.random.Generator,
    clusters: ClusterCells | None = None,
) -> CalibratedScan:
    """Find the subset with the most harm, and compare its score with those of data sets drawn under the null.

    Parameters
    ----------
    codes, levels, cases, penalty
        As in `SubsetSearch`.
    harmed : ndarray of int64, shape (K,)
        Harmed cases in each cell; neither none nor all of them.
    replicates : int
        Data sets drawn.
    rng : numpy.random.Generator
        Source of the starts, then of the data sets.
    clusters : ClusterCells, optional
        Cases by cluster and cell, where rows belong to clusters.

    Raises
    ------
    ValueError
        If nobody or everybody is harmed, or a table is impossible.

    Notes
    -----
    Every data set is searched from the same starts as the real one. Without clusters the p-value is exact: under the
    null all ways to spread the harmed cases over the rows are equally likely, and `null_sets` draws from these.
    """
    total = int(harmed.sum())
    if not 0 < total < int(cases.sum()):
        raise ValueError("where nobody or everybody is harmed there is nothing to search")
    looked_at = len(cases) * (replicates + 1)
    margins = min(MOST_MARGINS, max(_FEWEST_MARGINS, _WORK_ON_MARGINS // looked_at))
    search = SubsetSearch(codes, levels, cases, penalty, margins)
    tries = min(MOST_TRIES, max(FEWEST_TRIES, _WORK // looked_at))
    starts = random_starts(levels, tries, rng)
    best = search.search(harmed[np.newaxis], starts)
    batch = max(1, _HELD_AT_A_TIME // max((tries + KEPT) * search.widest, len(cases)))
    if clusters is None:
        sets = null_sets(cases, total, replicates, batch, rng)
    else:
        sets = clustered_sets(clusters, len(cases), replicates, batch, rng)
    score = float(best.score[0])
    null_scores = np.concatenate([search.search(drawn, starts).score for drawn in sets])
    p = (1 + int((null_scores >= score - _SAME).sum())) / (replicates + 1)
    return CalibratedScan(score, p, tuple(mask[0] for mask in best.chosen), best.evaluated, null_scores)


def detectable_rate(critical: float, cases: float, expected: float, penalty: float) -> float | None:
    """Rate of harm at which a subset of so many cases, named by one value, has a score above `critical`.

    None where even a rate of 1 is not enough.
    """
    if bernoulli_score(cases, cases, expected) - penalty <= critical:
        return None

    def enough(rate: float) -> bool:
        return bool(bernoulli_score(rate * cases, cases, expected) - penalty > critical)

    return bisected(enough, expected, 1.0, 60)[1]


def null_sets(
    cases: IntArray, harmed: int, replicates: int, batch: int, rng: np.random.Generator
) -> Iterator[IntArray]:
    """Draw harmed cases for each cell, int64[up to batch, K]: binomial with one rate, given their sum.

    Given the sum, independent binomials of one rate are multivariate hypergeometric, whatever the rate: a parametric
    bootstrap in which no parameter has to be estimated.
    """
    # numpy's two methods: one draw per cell, or one per row
    method: Literal["count", "marginals"] = "count" if cases.sum() <= 8 * len(cases) else "marginals"
    for begin in range(0, replicates, batch):
        size = min(batch, replicates - begin)
        yield rng.multivariate_hypergeometric(cases, harmed, size=size, method=method)


@dataclass(frozen=True)
class _Rows:
    """N rows in the order of their clusters."""

    cell: IntArray
    """int64[N]: the cell of each row."""
    harmed: BoolArray
    """bool[N]: whether it was harmed."""
    cluster: IntArray
    """int64[N]: cluster of each row, ascending."""
    first: IntArray
    """int64[C]: first row of each cluster."""
    size: IntArray
    """int64[C]: number of rows of each cluster."""


def clustered_sets(
    clusters: ClusterCells, cells: int, replicates: int, batch: int, rng: np.random.Generator
) -> Iterator[IntArray]:
    """Draw harmed cases for each cell, int64[up to batch, K], where rows of a cluster are alike.

    Whole clusters change places: each gets the outcomes of another one of about its size, spread over its own rows at
    random. Under the null, outcomes do not depend on cells, for any reason that makes the rows of a cluster alike.
    Among clusters of one size every exchange is then equally likely, and the p-value is exact. A cluster that is
    larger than the one it gets its outcomes from repeats some of them, which makes its rows more alike and the p-value
    larger.
    """
    rows = _rows(clusters)
    bins = size_bins(rows.size)
    in_bins = np.argsort(bins, kind="stable")
    mixed = _mixed(rows)
    within = np.arange(len(rows.cell)) - rows.first[rows.cluster]
    for begin in range(0, replicates, batch):
        drawn = np.empty((min(batch, replicates - begin), cells), dtype=np.int64)
        for index in range(len(drawn)):
            giver = np.empty_like(in_bins)
            giver[in_bins] = np.argsort(bins + rng.random(len(bins)))
            shuffled = rows.harmed.copy()
            order = np.argsort(rows.cluster[mixed] + rng.random(len(mixed)))
            shuffled[mixed] = rows.harmed[mixed[order]]
            giving = giver[rows.cluster]
            harmed = shuffled[rows.first[giving] + within % rows.size[giving]]
            drawn[index] = np.bincount(rows.cell[harmed], minlength=cells)
        yield drawn


def size_bins(sizes: IntArray) -> IntArray:
    """int64[C]: bin of each cluster. A size that at least 5 clusters have is a bin; rarer sizes share one.

    The largest clusters join the bin before them where they are fewer than 5.
    """
    _, size_index, count = np.unique(sizes, return_inverse=True, return_counts=True)
    bin_of = np.zeros(len(count), dtype=np.int64)
    here = clusters_in_bin = 0
    for rank, clusters in enumerate(count):
        bin_of[rank] = here
        clusters_in_bin += int(clusters)
        if clusters_in_bin >= _CLUSTERS_IN_A_BIN:
            here, clusters_in_bin = here + 1, 0
    if clusters_in_bin and here:
        bin_of[bin_of == here] = here - 1
    return np.asarray(bin_of[size_index], dtype=np.int64)


def _rows(clusters: ClusterCells) -> _Rows:
    order = np.lexsort((clusters.cell, clusters.cluster))
    cases, harmed = clusters.cases[order], clusters.harmed[order]
    cell, cluster = np.repeat(clusters.cell[order], cases), np.repeat(clusters.cluster[order], cases)
    within = np.arange(len(cell)) - np.repeat(np.cumsum(cases) - cases, cases)
    size = np.bincount(cluster)
    return _Rows(cell, within < np.repeat(harmed, cases), cluster, np.cumsum(size) - size, size)


def _mixed(rows: _Rows) -> IntArray:
    """Rows of clusters with both harmed and unharmed rows: only there does it matter which row is harmed."""
    harmed = np.bincount(rows.cluster, rows.harmed)
    mixed = (harmed > 0) & (harmed < rows.size)
    return np.flatnonzero(mixed[rows.cluster])


class Confirmation(NamedTuple):
    """A p-value, and whether any outcome could have brought it to the level."""

    p: float
    able: bool


def no_worse_boundary(low_is_worse: bool) -> Boundary:
    """Boundary of the hypothesis that a group is no worse than the rest: a margin of 0."""
    return margin_boundary("fail", low_is_worse, "difference", 0.0)


def exact_confirmation(
    flagged: int, cases: int, rest_flagged: int, rest_cases: int, low_is_worse: bool, level: float
) -> Confirmation:
    """One-sided exact p-value that a subset is worse than the rest, for independent rows (`exact_p`).

    The test is able to confirm if p would be at most `level` with every case of the subset harmed.
    """
    boundary = no_worse_boundary(low_is_worse)
    worst = 0 if low_is_worse else cases
    counted = counted_outcome([flagged, worst], [cases] * 2, boundary)
    rest = counted_outcome([rest_flagged] * 2, [rest_cases] * 2, boundary)
    p = exact_p(counted, [cases] * 2, rest, [rest_cases] * 2, boundary)
    return Confirmation(float(p[0]), bool(p[1] <= level))


def clustered_confirmation(
    flagged: IntArray, cases: IntArray, cluster: IntArray, inside: BoolArray, low_is_worse: bool, level: float
) -> Confirmation:
    """One-sided p-value for rows in clusters, by effective sizes (`effective_test`); valid at `level` only.

    Parameters
    ----------
    flagged, cases, cluster, inside : ndarray, shape (E,)
        Flagged and all cases of each entry, its cluster from 0, and whether it is in the subset.

    Returns
    -------
    Confirmation
        Not able with fewer than 3 degrees of freedom, or with too few clusters to separate a subset from its rest.
    """
    clusters = int(cluster.max(initial=-1)) + 1
    sides = [_by_cluster(cluster, clusters, flagged * side, cases * side) for side in (inside, ~inside)]
    totals = np.array([cases[inside].sum(), cases[~inside].sum()], dtype=np.float64)
    if not (totals > 0.0).all():
        return Confirmation(1.0, False)
    parts = [_weighted_rate(a, b) for a, b in sides]
    joined = WeightedRate(*(np.concatenate(pair) for pair in zip(*(_fields(part) for part in parts), strict=True)))
    deviations = [(a - part.rate * b) / b.sum() for (a, b), part in zip(sides, parts, strict=True)]
    cross = np.array([(deviations[0] * deviations[1]).sum()])
    alike = [
        Alike.of(part, Evened.of_clusters(a[np.newaxis], b[np.newaxis], b[np.newaxis]))
        for (a, b), part in zip(sides, parts, strict=True)
    ]
    correlation = pooled_correlation(joined, totals)
    joint = bool(((sides[0][1] > 0.0) & (sides[1][1] > 0.0)).any())
    compared = Comparison(
        parts[0], parts[1], cross, correlation, alike=alike[0], rest_alike=alike[1], joint=np.array([joint])
    )
    test = effective_test(compared, no_worse_boundary(low_is_worse), level)
    able = test.degrees_of_freedom[0] >= MIN_DEGREES_OF_FREEDOM and not test.too_few_clusters[0]
    return Confirmation(float(test.p[0]), bool(able))


def _by_cluster(cluster: IntArray, clusters: int, flagged: IntArray, cases: IntArray) -> tuple[FloatArray, FloatArray]:
    first = np.bincount(cluster, flagged, clusters).astype(np.float64)
    return first, np.bincount(cluster, cases, clusters).astype(np.float64)


def _weighted_rate(a: FloatArray, b: FloatArray) -> WeightedRate:
    """Moments of one side, each of shape (1,). Every row weighs 1, so that ``Q = B``."""
    total = b.sum()
    rate = a.sum() / total
    share = b / total
    moments = (
        rate,
        np.square((a - rate * b) / total).sum(),
        np.count_nonzero(b),
        1.0 / total,
        np.square(share).sum(),
        np.square(share).sum() / total**2,
        (share**3).sum() / total,
        (share**4).sum(),
    )
    return WeightedRate(*(np.array([value], dtype=np.float64) for value in moments))


def _fields(side: WeightedRate) -> tuple[FloatArray, ...]:
    return side.rate, side.residual, side.clusters, side.q, side.bb, side.q_q, side.q_bb, side.bb_bb
