"""AUC of scores, from counted pairs of a positive and a negative case.

Pairs of a positive and a negative case, counted from the ranks of their scores, for all groups together.

Scores of one rank tie. Wins and ties are counted in integers. The placement of a case is the number of cases of the
other label that it ranks above, or below, where ties count one half (DeLong, DeLong & Clarke-Pearson 1988, Biometrics
44, 837-845).

AUC from ranks of scores: its value, its interval, and the part that lies within groups.

The AUC is the chance that a case of exploitation scores higher than another case, where ties count one half.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from audit.stats.arrays import BoolArray, FloatArray, IntArray, added
from audit.stats.binomial import checked_fraction
from audit.stats.intervals import score_limits

Integers = npt.NDArray[np.integer[Any]]
_SORTED_FASTEST = 1 << 15
_PIECE = 1 << 14
"""Lines at a time: what is computed of them stays in the processor's cache, which is faster."""


@dataclass(frozen=True, slots=True)
class RankedCases:
    """Labelled cases of G groups that share no rows: a line for every group and rank that occurs."""

    groups: int
    """G."""
    group: Integers
    """int[L]: place of the group, ascending."""
    rank: Integers
    """int[L]: rank of the score, ascending within a group."""
    positives: IntArray
    """int64[L]: cases labelled as exploitation."""
    negatives: IntArray
    """int64[L]: cases labelled as no exploitation."""
    binned: BoolArray
    """bool[R]: whether a rank stands for several scores, so that it ties cases that their scores may tell apart."""

    @classmethod
    def of(
        cls,
        groups: int,
        group: Integers,
        rank: Integers,
        positives: Integers,
        negatives: Integers,
        binned: BoolArray,
    ) -> Self:
        """Add up lines of one group and rank.

        Parameters
        ----------
        groups : int
            Number of groups G.
        group, rank, positives, negatives : ndarray of any integer type, shape (L,)
            Lines by ascending rank, several of a group and rank or none.
        binned : ndarray of bool, shape (R,)
            Whether a rank stands for several scores.

        Raises
        ------
        ValueError
            If ranks do not ascend, or a count is negative.
        """
        if (rank[1:] < rank[:-1]).any():
            raise ValueError("lines come by ascending rank")
        if (positives < 0).any() or (negatives < 0).any():
            raise ValueError("a line holds counts")
        # a stable sort of short integers is one of digits
        short = group.astype(np.int16) if groups < _SORTED_FASTEST else group
        order = np.argsort(short, kind="stable")
        by_group, by_rank = short[order], rank[order]
        ends = np.ones(order.size, dtype=np.bool_)
        ends[:-1] = (by_group[1:] != by_group[:-1]) | (by_rank[1:] != by_rank[:-1])
        last = np.flatnonzero(ends)
        p, n = (np.diff(np.cumsum(counts[order], dtype=np.int64)[last], prepend=0) for counts in (positives, negatives))
        return cls(groups, by_group[last], by_rank[last], p, n, binned)


class Pairs(NamedTuple):
    """Pairs of G samples of positives with G samples of negatives."""

    wins: IntArray
    """int64[G]: twice the pairs in which the positive ranks higher, plus the ties. Over ``2 m n`` it is the AUC: the
    Mann-Whitney statistic with ties at one half. ``m n`` must stay below 2**62."""
    m: IntArray
    """int64[G]: positives."""
    n: IntArray
    """int64[G]: negatives."""
    by_positive: FloatArray
    """float64[G]: DeLong's S10, the sample variance of the share of negatives that a positive beats."""
    by_negative: FloatArray
    """float64[G]: DeLong's S01, the sample variance of the share of positives that beat a negative."""
    binned: IntArray
    """int64[G]: ties of ranks that stand for several scores. Over ``2 m n`` it bounds the distance from the AUC of the
    scores themselves."""


class FamilyPairs(NamedTuple):
    """Pairs of all cases of a family of G groups, by whether both are of one group."""

    own: Pairs
    """Positives and negatives of each group."""
    found: Pairs
    """Positives of each group, and negatives of all others."""
    cleared: Pairs
    """Positives of all others, and negatives of each group."""
    error: float
    """Standard error of the pooled AUC less the one within groups; nan without pairs within groups."""


def count_pairs(cases: RankedCases) -> FamilyPairs:
    """Count the pairs of a family, with DeLong's variances.

    The error of pooled - within is of the sum of DeLong's components of both, group by group: a stratified sample, of
    which group sizes are taken as given. A group of one case of a label shows no spread of its own, so its deviation
    from the others counts instead.
    """
    lines = _Lines.of(cases)
    of_group, of_positives, cleared = wins = _count_wins(lines)
    pairs, within = int(of_group.m.sum()) * int(of_group.n.sum()), int((of_group.m * of_group.n).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        adds = [
            (wins_of_all / (2.0 * pairs) - of_group.wins / (2.0 * within), size)
            for wins_of_all, size in (
                (of_group.wins + of_positives.wins, of_group.m),
                (of_group.wins + cleared.wins, of_group.n),
            )
        ]
        centre = [
            np.where(size == 1, placements.sum() / size.sum(), placements / np.maximum(size, 1))
            for placements, size in adds
        ]
        squares = _squares(lines, wins, centre, (2.0 * pairs, 2.0 * within))
        s = squares[:6] / (
            np.stack([of_group.m, of_group.n, of_positives.m, of_positives.n, cleared.m, cleared.n]) - 1.0
        )
        size = np.stack([of_group.m, of_group.n])
        error = float(np.sqrt((squares[6:] * size / np.maximum(size - 1, 1)).sum()))
    return FamilyPairs(
        of_group._replace(by_positive=s[0], by_negative=s[1]),
        of_positives._replace(by_positive=s[2], by_negative=s[3]),
        cleared._replace(by_positive=s[4], by_negative=s[5]),
        error if within else np.nan,
    )


class _Piece(NamedTuple):
    """Some lines, and what is counted of each: twice the number of cases, a tie counting 1."""

    start: int
    group: IntArray
    positives: IntArray
    negatives: IntArray
    below: IntArray
    """Negatives of the group below a positive of the line."""
    above: IntArray
    """Positives of the group above a negative of the line."""
    all_below: IntArray
    """Negatives of everyone below a positive."""
    all_above: IntArray
    """Positives of everyone above a negative."""
    ranked: IntArray
    """int64[4, lines]: positives and negatives of everyone below the rank of the line, and on it; once."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines of cases, with the totals that they are counted against."""

    cases: RankedCases
    m: IntArray
    n: IntArray
    everyone: IntArray
    """int64[R + 1, 4]: positives and negatives below a rank, and on it; above the last rank are none."""

    @classmethod
    def of(cls, cases: RankedCases) -> Self:
        everyone = np.zeros((cases.binned.size + 1, 4), dtype=np.int64)
        for at, amounts in enumerate((cases.positives, cases.negatives)):
            everyone[:-1, 2 + at] = added(cases.binned.shape, cases.rank, amounts)
            everyone[1:, at] = np.cumsum(everyone[:-1, 2 + at])
        m, n = (added((cases.groups,), cases.group, counts) for counts in (cases.positives, cases.negatives))
        return cls(cases, m, n, everyone)

    def pieces(self) -> Iterator[_Piece]:
        """Yield all lines in order."""
        first_p, first_q = np.cumsum(self.m) - self.m, np.cumsum(self.n) - self.n
        done_p = done_q = 0
        for start in range(0, self.cases.group.size, _PIECE):
            here = slice(start, start + _PIECE)
            group, p, q = (
                self.cases.group[here].astype(np.int64),
                self.cases.positives[here],
                self.cases.negatives[here],
            )
            sum_p, sum_q = np.cumsum(p) + done_p, np.cumsum(q) + done_q
            done_p, done_q = sum_p[-1], sum_q[-1]
            ranked = self.everyone.take(self.cases.rank[here], axis=0).T
            yield _Piece(
                start,
                group,
                p,
                q,
                2 * (sum_q - first_q.take(group)) - q,
                2 * ((first_p + self.m).take(group) - sum_p) + p,
                2 * ranked[1] + ranked[3],
                2 * (self.m.sum() - ranked[0]) - ranked[2],
                ranked,
            )

    def between(self, piece: _Piece) -> tuple[IntArray, IntArray]:
        """Count everyone's positives and negatives between each line and the next of its group, or above the last."""
        after = slice(piece.start + 1, piece.start + piece.group.size + 1)
        following = np.full(piece.group.size, self.cases.binned.size)
        same = np.flatnonzero(self.cases.group[after] == piece.group[: self.cases.group[after].size])
        following[same] = self.cases.rank[after][same]
        low, here = self.everyone.take(following, axis=0).T, piece.ranked
        return low[0] - here[0] - here[2], low[1] - here[1] - here[3]


def _count_wins(lines: _Lines) -> tuple[Pairs, Pairs, Pairs]:
    m, n = lines.m, lines.n
    own_wins, positive_wins, cleared, *tied = np.zeros((6, m.size), dtype=np.int64)
    for piece in lines.pieces():
        g, p, q = piece.group, piece.positives, piece.negatives
        np.add.at(own_wins, g, p * piece.below)
        np.add.at(positive_wins, g, p * (piece.all_below - piece.below))
        np.add.at(cleared, g, q * (piece.all_above - piece.above))
        rank = lines.cases.rank[piece.start : piece.start + _PIECE]
        binned = lines.cases.binned.take(rank)
        if binned.any():
            for total, pairs in zip(tied, (p * q, p * (piece.ranked[3] - q), q * (piece.ranked[2] - p)), strict=True):
                np.add.at(total, g, np.where(binned, pairs, 0))
    none = np.zeros(m.size)
    return (
        Pairs(own_wins, m, n, none, none, tied[0]),
        Pairs(positive_wins, m, n.sum() - n, none, none, tied[1]),
        Pairs(cleared, m.sum() - m, n, none, none, tied[2]),
    )


def _squares(
    lines: _Lines, wins: tuple[Pairs, Pairs, Pairs], centre: list[FloatArray], pairs: tuple[float, float]
) -> FloatArray:
    """float64[8, G]: squared deviations of placements, each a share of what is possible.

    Of positives and negatives of a group among each other, positives and the rest's negatives, the rest's positives and
    negatives; and of what each positive and negative adds to pooled - within, from `centre`.
    """
    size = lines.m.size
    squares = np.zeros((8, size))

    def add(index: int, group: IntArray, count: IntArray, deviation: FloatArray) -> None:
        squares[index] += np.bincount(group, count * deviation**2, size)

    most_m, most_n, most_found, most_cleared = 2.0 * lines.m, 2.0 * lines.n, 2.0 * wins[1].n, 2.0 * wins[2].m
    values = [win.wins / (2.0 * win.m * win.n) for win in wins]
    last = -1
    for piece in lines.pieces():
        g, p, q = piece.group, piece.positives, piece.negatives
        own_share, positive_share, cleared = (value.take(g) for value in values)
        all_m, all_n = most_m.take(g), most_n.take(g)
        below, above = piece.below / all_n, piece.above / all_m
        add(0, g, p, below - own_share)
        add(1, g, q, above - own_share)
        add(2, g, p, (piece.all_below - piece.below) / most_found.take(g) - positive_share)
        add(5, g, q, (piece.all_above - piece.above) / most_cleared.take(g) - cleared)
        # the rest has ranks that the group has not: one placement for all of them between two lines of the group
        between_p, between_q = lines.between(piece)
        add(3, g, piece.ranked[3] - q, above - positive_share)
        add(3, g, between_q, (piece.above - p) / all_m - positive_share)
        add(4, g, piece.ranked[2] - p, below - cleared)
        add(4, g, between_p, (piece.below + q) / all_n - cleared)
        begins = np.flatnonzero(np.diff(g, prepend=last))
        last = g[-1]
        add(3, g[begins], piece.ranked[1][begins], 1.0 - positive_share[begins])
        add(4, g[begins], piece.ranked[0][begins], -cleared[begins])
        add(6, g, p, piece.all_below / pairs[0] - piece.below / pairs[1] - centre[0].take(g))
        add(7, g, q, piece.all_above / pairs[0] - piece.above / pairs[1] - centre[1].take(g))
    return squares


MIN_CASES: Final = 5
"""With fewer positives or negatives no interval is given: coverage was measured from this number on (`tools.simulate`).
"""
MOST_BINNING: Final = 0.005
"""Bound of what binning may do to an AUC above which none is given."""
_LEAST_DISTANCE: Final = 0.025
"""Least distance from 0 and 1 at which Newcombe's variance is taken, over the root of the number of pairs."""


@dataclass(frozen=True, slots=True)
class Auc:
    """AUCs of G pairs of samples, with two-sided intervals."""

    value: FloatArray
    """float64[G]; nan where one of the samples is empty."""
    low: FloatArray
    """float64[G]; nan where a sample has fewer than `MIN_CASES`."""
    high: FloatArray
    """float64[G]; nan where a sample has fewer than `MIN_CASES`."""
    delong: FloatArray
    """float64[G]: DeLong's variance alone; nan where a sample has fewer than `MIN_CASES`."""
    variance: FloatArray
    """float64[G]: the larger of DeLong's and Newcombe's; nan where a sample has fewer than `MIN_CASES`."""
    df: FloatArray
    """float64[G]: degrees of freedom of the interval; nan where a sample has fewer than `MIN_CASES`."""
    binning: FloatArray
    """float64[G]: most by which the AUC of the scores themselves can be off `value`; nan where a sample is empty."""


@dataclass(frozen=True, slots=True)
class AucSplit:
    """Pooled AUC of a family of groups that share no rows, split by whether a pair lies within one group."""

    pooled: float
    """AUC over all pairs; nan without pairs."""
    within: float
    """AUC over pairs of the same group; nan without such pairs."""
    between: float
    """AUC over pairs of different groups; nan without such pairs."""
    within_share: float
    """Share of the pairs that lie within a group; nan without pairs."""
    difference: float
    """pooled - within; nan where one of them is nan."""
    difference_low: float
    """Lower end of the interval of the difference; nan where it is not known."""
    difference_high: float
    """Upper end of the interval of the difference; nan where it is not known."""
    within_pairs: int
    """Number of pairs of the same group."""
    pairs: int
    """Number of all pairs."""
    binning: float
    """Most by which each AUC of the scores themselves, and their difference, can be off; nan without pairs."""


def auc(pairs: Pairs, level: float = 0.95) -> Auc:
    """AUC with the interval that covered best of those measured.

    Parameters
    ----------
    pairs : Pairs
        Pairs of the cases of each group, or of a group and its rest.
    level : float
        Two-sided confidence level.

    Raises
    ------
    ValueError
        If the level is not in (0, 1).

    Notes
    -----
    Wilson's interval for a share, with t for z and ``n = A'(1-A') / max(v_D, v_N)`` for the number of cases. ``v_D`` is
    DeLong, DeLong & Clarke-Pearson (1988) from midranks; ``v_N`` is method 5 of Newcombe (2006), Statistics in
    Medicine 25, 559-573. The degrees of freedom are Satterthwaite's where ``v_D`` is larger, and never fewer than one
    less than the smaller sample. DeLong's own interval misses the truth up to five times as often as it says where
    positives are few and the AUC is high. It then always makes the detector look better than it is. Both limits are
    moved outwards by `binning`.
    """
    m, n = pairs.m, pairs.n
    with np.errstate(invalid="ignore", divide="ignore"):
        value, binning = pairs.wins / (2.0 * m * n), pairs.binned / (2.0 * m * n)
        share_m, share_n = pairs.by_positive / m, pairs.by_negative / n
        delong = share_m + share_n
        inside: FloatArray = np.clip(value, _LEAST_DISTANCE / np.sqrt(m * n), 1.0 - _LEAST_DISTANCE / np.sqrt(m * n))
        newcombe = _newcombe_variance(inside, m, n)
        least = np.minimum(m, n) - 1.0
        satterthwaite = delong**2 / (share_m**2 / (m - 1) + share_n**2 / (n - 1))
    few = (m < MIN_CASES) | (n < MIN_CASES)
    df = np.where(delong >= newcombe, np.fmax(satterthwaite, least), least)
    variance = np.where(few, np.nan, np.fmax(delong, newcombe))
    t = stdtrit(np.where(few, 1.0, df), 0.5 + checked_fraction(level, "level") / 2.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = _wilson_limits(value, inside * (1.0 - inside) / variance, t)
    low, high = np.maximum(low - binning, 0.0), np.minimum(high + binning, 1.0)
    return Auc(value, low, high, np.where(few, np.nan, delong), variance, np.where(few, np.nan, df), binning)


def split_auc(pairs: FamilyPairs, level: float = 0.95) -> AucSplit:
    """Split the pooled AUC of a family into pairs of the same group and pairs of different groups.

    Parameters
    ----------
    pairs : FamilyPairs
        Pairs of groups that share no rows.
    level : float
        Two-sided confidence level of the difference between the pooled and the within-group AUC.

    Raises
    ------
    ValueError
        If the level is not in (0, 1).

    Notes
    -----
    ``pooled = within_share * within + (1 - within_share) * between`` exactly: all three are quotients of integer pair
    counts. Pairs between groups are the subject of Kallus & Zhou (2019), "The fairness of risk scores beyond
    classification: bipartite ranking and the xAUC metric". The interval has t at one less than the smaller sample. Its
    limits are moved outwards by `binning`.
    """
    checked_fraction(level, "level")
    own_pairs, positive_pairs = pairs.own, pairs.found
    m, n = int(own_pairs.m.sum()), int(own_pairs.n.sum())
    within_pairs, between_pairs = (
        int((own_pairs.m * own_pairs.n).sum()),
        int((positive_pairs.m * positive_pairs.n).sum()),
    )
    won, won_between, tied, tied_between = (
        int(pair_counts.sum())
        for pair_counts in (own_pairs.wins, positive_pairs.wins, own_pairs.binned, positive_pairs.binned)
    )
    pooled = _quotient(won + won_between, 2 * m * n)
    within, between = _quotient(won, 2 * within_pairs), _quotient(won_between, 2 * between_pairs)
    binning = _quotient(tied + tied_between, 2 * m * n) + _quotient(tied, 2 * within_pairs)
    df = min(m, n) - 1
    half = float(stdtrit(df, 0.5 + level / 2.0)) * pairs.error if df >= MIN_CASES - 1 else np.nan
    return AucSplit(
        pooled=pooled,
        within=within,
        between=between,
        within_share=_quotient(within_pairs, m * n),
        difference=pooled - within,
        difference_low=pooled - within - half - binning,
        difference_high=pooled - within + half + binning,
        within_pairs=within_pairs,
        pairs=m * n,
        binning=float(np.fmax(binning, _quotient(tied_between, 2 * between_pairs))),
    )


def _newcombe_variance(a: FloatArray, m: IntArray, n: IntArray) -> FloatArray:
    k = (m + n) / 2.0 - 1.0
    variance: FloatArray = a * (1.0 - a) * (1.0 + k * (1.0 - a) / (2.0 - a) + k * a / (1.0 + a)) / (m * n)
    return variance


def _wilson_limits(value: FloatArray, n: FloatArray, t: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    # an AUC of exactly 0 or 1 is its own limit; this removes the rounding error
    low, high = score_limits(value, n, t)
    return np.where(value == 0.0, np.minimum(low, 0.0), low), np.where(value == 1.0, np.maximum(high, 1.0), high)


def _quotient(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else np.nan
