"""Starting points for the ascents of a subset scan: all values, random subsets, and the corners that look worst."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from audit.stats.arrays import BoolArray, FloatArray, IntArray

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
    h, n, p = np.broadcast_arrays(*(np.asarray(given, dtype=np.float64) for given in (harmed, cases, expected)))
    rate = h / np.where(n > 0.0, n, 1.0)
    above = (n > 0.0) & (rate > p)
    score = np.zeros(h.shape)
    # few are, and logarithms take the time
    at = np.flatnonzero(above)
    h, n, p, rate = (of.take(at) for of in (h, n, p, rate))
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
