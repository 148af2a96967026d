"""Best scores of a subset scan if no group were treated differently: data sets drawn under the null."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.rates.bisection import bisected
from audit.stats.scan.scan_starts import KEPT, MOST_MARGINS, bernoulli_score, random_starts
from audit.stats.scan.subset_scan import SubsetSearch

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
    found = search.search(harmed[np.newaxis], starts)
    batch = max(1, _HELD_AT_A_TIME // max((tries + KEPT) * search.widest, len(cases)))
    if clusters is None:
        sets = null_sets(cases, total, replicates, batch, rng)
    else:
        sets = clustered_sets(clusters, len(cases), replicates, batch, rng)
    score = float(found.score[0])
    null_scores = np.concatenate([search.search(drawn, starts).score for drawn in sets])
    p = (1 + int((null_scores >= score - _SAME).sum())) / (replicates + 1)
    return CalibratedScan(score, p, tuple(mask[0] for mask in found.chosen), found.evaluated, null_scores)


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
        for place in range(len(drawn)):
            giver = np.empty_like(in_bins)
            giver[in_bins] = np.argsort(bins + rng.random(len(bins)))
            shuffled = rows.harmed.copy()
            order = np.argsort(rows.cluster[mixed] + rng.random(len(mixed)))
            shuffled[mixed] = rows.harmed[mixed[order]]
            of = giver[rows.cluster]
            harmed = shuffled[rows.first[of] + within % rows.size[of]]
            drawn[place] = np.bincount(rows.cell[harmed], minlength=cells)
        yield drawn


def size_bins(sizes: IntArray) -> IntArray:
    """int64[C]: bin of each cluster. A size that at least 5 clusters have is a bin; rarer sizes share one.

    The largest clusters join the bin before them where they are fewer than 5.
    """
    _, place, count = np.unique(sizes, return_inverse=True, return_counts=True)
    bin_of = np.zeros(len(count), dtype=np.int64)
    here = held = 0
    for rank, clusters in enumerate(count):
        bin_of[rank] = here
        held += int(clusters)
        if held >= _CLUSTERS_IN_A_BIN:
            here, held = here + 1, 0
    if held and here:
        bin_of[bin_of == here] = here - 1
    return np.asarray(bin_of[place], dtype=np.int64)


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
