"""Like compared with like: Mantel-Haenszel estimates within strata, and how they differ from the raw gap.

Group against rest within strata: Mantel-Haenszel difference and ratio, with intervals that hold in sparse strata.

A stratum in which the group or the rest has no case says nothing and is left out. The intervals invert a stratified
score test (Miettinen & Nurminen 1985) whose numerator is zero at the Mantel-Haenszel estimate: unlike those from a
standard error at the estimate, they have a width even where nothing was counted, and hold both for few large strata
and for many small ones.

Classify the change of a gap when like is compared with like.

One word from three intervals, so that noise is not called a change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from scipy.special import chdtrc, ndtri

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.binomial import Counts, checked_counts, checked_fraction
from audit.stats.score_test import middle_root

LEAST_EXPECTED = 2.0
"""Least number expected in each of its four cells for a stratum to enter the test of "the same in all strata"."""
_STEPS = 80
_TOLERANCE = 1e-14


@dataclass(frozen=True, slots=True)
class StratumPairs:
    """Group and rest in the strata in which both have cases: P pairs over G groups."""

    x: FloatArray
    """Shape (P,): successes of the group in a stratum."""
    n: FloatArray
    """Cases of the group in the stratum, at least 1."""
    y: FloatArray
    """Successes of the rest in this stratum."""
    m: FloatArray
    """Cases of the rest in this stratum, at least 1."""
    of: IntArray
    """Number of the group, from 0 to G - 1."""
    groups: int
    """Number of groups, G."""

    @classmethod
    def of_counts(cls, x: Counts, n: Counts, y: Counts, m: Counts, group_index: IntArray, groups: int) -> StratumPairs:
        """Make pairs from counts, leaving out strata without a case on either side.

        Parameters
        ----------
        x, n, y, m : array_like, shape (P,)
            Successes and totals of the group and of the rest in a stratum.
        of : ndarray of int64, shape (P,)
            The group that each pair belongs to.
        groups : int
            How many groups there are.

        Raises
        ------
        ValueError
            If counts are impossible.
        """
        x_, n_ = checked_counts(x, n)
        y_, m_ = checked_counts(y, m)
        is_informative = (n_ > 0) & (m_ > 0)
        return cls(
            x_[is_informative],
            n_[is_informative],
            y_[is_informative],
            m_[is_informative],
            np.asarray(group_index, dtype=np.int64)[is_informative],
            groups,
        )

    def over_strata(self, values: FloatArray) -> FloatArray:
        """Shape (G,): sum over the strata of each group of one value for each pair."""
        return np.bincount(self.of, weights=values, minlength=self.groups).astype(np.float64)

    @property
    def strata(self) -> IntArray:
        """Shape (G,): number of strata in which group and rest can be compared."""
        return np.bincount(self.of, minlength=self.groups).astype(np.int64)

    @property
    def weights(self) -> FloatArray:
        """Shape (P,): Mantel-Haenszel weights, ``n m / (n + m)``."""
        return np.asarray(self.n * self.m / (self.n + self.m))

    def where(self, selection: BoolArray) -> StratumPairs:
        """Select some of the pairs."""
        return StratumPairs(
            self.x[selection],
            self.n[selection],
            self.y[selection],
            self.m[selection],
            np.asarray(self.of[selection]),
            self.groups,
        )


def common_difference(pairs: StratumPairs) -> tuple[FloatArray, FloatArray]:
    """Mantel-Haenszel difference of rates and its standard error.

    Parameters
    ----------
    pairs : StratumPairs
        P strata of G groups.

    Returns
    -------
    value, standard_error : ndarray of float64, shape (G,)
        nan where no stratum has both sides.

    Notes
    -----
    Greenland & Robins (1985), Biometrics 41, 55-68; variance of Sato (1989), Biometrics 45, 1323-1324, consistent both
    for few large and for many sparse strata.
    """
    x, n, y, m = pairs.x, pairs.n, pairs.y, pairs.m
    total = n + m
    weight = pairs.over_strata(pairs.weights)
    slope = pairs.over_strata((n * n * y - m * m * x + n * m * (m - n) / 2.0) / total**2)
    constant = pairs.over_strata((x * (m - y) + y * (n - x)) / (2.0 * total))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = pairs.over_strata((x * m - y * n) / total) / weight
        return value, np.sqrt(np.maximum(value * slope + constant, 0.0)) / weight


def common_ratio(pairs: StratumPairs) -> tuple[FloatArray, FloatArray]:
    """Mantel-Haenszel ratio of rates and the standard error of its logarithm.

    Parameters
    ----------
    pairs : StratumPairs
        P strata of G groups.

    Returns
    -------
    value, standard_error_of_log : ndarray of float64, shape (G,)
        nan where the rest has no success in any stratum; the standard error also where the group has none.

    Notes
    -----
    Rothman & Greenland, Modern Epidemiology; variance of Greenland & Robins (1985), Biometrics 41, 55-68.
    """
    x, n, y, m = pairs.x, pairs.n, pairs.y, pairs.m
    total = n + m
    group, other = pairs.over_strata(x * m / total), pairs.over_strata(y * n / total)
    spread = pairs.over_strata((n * m * (x + y) - x * y * total) / total**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(other > 0, group / other, np.nan)
        return value, np.where((group > 0) & (other > 0), np.sqrt(spread / (group * other)), np.nan)


def difference_interval(pairs: StratumPairs, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Stratified score interval for the common difference of rates.

    Parameters
    ----------
    pairs : StratumPairs
        P strata of G groups.
    level : float
        Two-sided confidence level.

    Returns
    -------
    low, high : ndarray of float64, shape (G,)
        Around the Mantel-Haenszel difference, within [-1, 1]; nan where no stratum has both sides.

    Notes
    -----
    The differences d with ``(sum w (p - q - d))^2 <= z^2 sum w^2 v(d) N / (N - 1)``, w the Mantel-Haenszel weights and
    v the variance at the likeliest rates that differ by d (Miettinen & Nurminen 1985, Statistics in Medicine 4,
    213-226).
    """
    z = float(ndtri(0.5 + checked_fraction(level, "level") / 2.0))
    value, _ = common_difference(pairs)
    weight = pairs.over_strata(pairs.weights)

    def beyond(at: FloatArray, side: float) -> FloatArray:
        group, rest = _rates_at_difference(pairs, at[pairs.of])
        spread = pairs.over_strata(pairs.weights**2 * _variance(pairs, group, rest, 1.0, 1.0))
        with np.errstate(invalid="ignore"):
            return np.asarray(side * (at - value) * weight - z * np.sqrt(spread))

    known = np.where(np.isnan(value), 0.0, value)
    low = _root(lambda at: beyond(at, -1.0), np.full_like(known, -1.0), known)
    high = _root(lambda at: beyond(at, 1.0), np.full_like(known, 1.0), known)
    return np.where(np.isnan(value), np.nan, low), np.where(np.isnan(value), np.nan, high)


def ratio_interval(pairs: StratumPairs, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Stratified score interval for the common ratio of rates.

    Parameters
    ----------
    pairs : StratumPairs
        P strata of G groups.
    level : float
        Two-sided confidence level.

    Returns
    -------
    low, high : ndarray of float64, shape (G,)
        Around the Mantel-Haenszel ratio. ``low`` is 0 where the group has no success, ``high`` is inf where the rest
        has none; nan, nan where no stratum has both sides or nobody in any has a success.

    Notes
    -----
    As `difference_interval`, with ``p - r q`` in place of ``p - q - d``. Solved for ``r / (1 + r)``, which is bounded.
    """
    z = float(ndtri(0.5 + checked_fraction(level, "level") / 2.0))
    total = pairs.n + pairs.m
    group_sum, other = pairs.over_strata(pairs.x * pairs.m / total), pairs.over_strata(pairs.y * pairs.n / total)
    counted = group_sum + other
    middle = np.where(counted > 0, group_sum / np.where(counted > 0, counted, 1.0), 0.5)

    def beyond(at: FloatArray, side: float) -> FloatArray:
        odds = at[pairs.of]
        group, rest = _rates_at_ratio(pairs, odds)
        spread = pairs.over_strata(pairs.weights**2 * _variance(pairs, group, rest, 1.0 - odds, odds))
        return np.asarray(side * (at * other - (1.0 - at) * group_sum) - z * np.sqrt(spread))

    low = _root(lambda at: beyond(at, -1.0), np.zeros_like(middle), middle)
    high = _root(lambda at: beyond(at, 1.0), np.ones_like(middle), middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(group_sum > 0, low / (1.0 - low), 0.0)
        high = np.where(other > 0, high / (1.0 - high), np.inf)
    return np.where(counted > 0, low, np.nan), np.where(counted > 0, high, np.nan)


def same_in_all_strata(pairs: StratumPairs, scale: Literal["difference", "ratio"]) -> tuple[FloatArray, IntArray]:
    """Test whether the difference, or the ratio, is the same in all strata.

    Parameters
    ----------
    pairs : StratumPairs
        P strata of G groups.
    scale : {"difference", "ratio"}
        The measure that is tested to be the same.

    Returns
    -------
    p : ndarray of float64, shape (G,)
        p-values; nan where fewer than two strata have enough cases.
    strata : ndarray of int64, shape (G,)
        Number of strata that were tested.

    Notes
    -----
    The score statistic ``sum (p - q - d)^2 / v(d)`` at the Mantel-Haenszel estimate (Gart & Nam 1990, Biometrics 46,
    637-643, for differences; Gart 1985, Biometrika 72, 673-677, for ratios), with the factor N / (N - 1), against a
    chi-square with a degree of freedom less than strata. Only over strata that expect at least `LEAST_EXPECTED` in each
    cell: the statistic of smaller ones has no chi-square distribution. Their totals decide which strata those are.
    """
    estimate = common_difference if scale == "difference" else common_ratio
    value = estimate(pairs)[0][pairs.of]
    group, rest = _rates(pairs, value, scale)
    with np.errstate(invalid="ignore"):
        least = np.minimum(
            np.minimum(pairs.n * group, pairs.n * (1.0 - group)), np.minimum(pairs.m * rest, pairs.m * (1.0 - rest))
        )
        tested = pairs.where(least >= LEAST_EXPECTED)
    value = estimate(tested)[0][tested.of]
    group, rest = _rates(tested, value, scale)
    factor = 1.0 if scale == "difference" else value
    with np.errstate(invalid="ignore", divide="ignore"):
        offset = value if scale == "difference" else 0.0
        distance = tested.x / tested.n - factor * tested.y / tested.m - offset
        statistic = tested.over_strata(distance**2 / _variance(tested, group, rest, 1.0, factor))
    strata = tested.strata
    p = np.where(strata >= 2, chdtrc(np.maximum(strata - 1, 1).astype(np.float64), statistic), np.nan)
    return p, strata


def conditioning_shift(pairs: StratumPairs, level: float = 0.95) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Shift of the difference when groups are compared within strata, with its interval.

    Parameters
    ----------
    pairs : StratumPairs
        P strata of G groups.
    level : float
        Two-sided confidence level.

    Returns
    -------
    shift, low, high : ndarray of float64, shape (G,)
        Mantel-Haenszel difference minus the crude difference of the same cases; nan where there is none.

    Notes
    -----
    For given numbers of cases, both are sums of the same stratum rates with other coefficients, and so is their
    difference, which is known far better than either. Variance at the likeliest rates with one common difference, with
    the factor N / (N - 1).
    """
    z = float(ndtri(0.5 + checked_fraction(level, "level") / 2.0))
    value, _ = common_difference(pairs)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = pairs.weights / pairs.over_strata(pairs.weights)[pairs.of]
        of_group = share - pairs.n / pairs.over_strata(pairs.n)[pairs.of]
        of_rest = share - pairs.m / pairs.over_strata(pairs.m)[pairs.of]
        shift = pairs.over_strata(of_group * pairs.x / pairs.n - of_rest * pairs.y / pairs.m)
        group, rest = _rates_at_difference(pairs, value[pairs.of])
        half = z * np.sqrt(pairs.over_strata(_variance(pairs, group, rest, of_group, of_rest)))
    shift = np.where(pairs.strata > 0, shift, np.nan)
    return shift, shift - half, shift + half


def _rates(
    pairs: StratumPairs, value: FloatArray, scale: Literal["difference", "ratio"]
) -> tuple[FloatArray, FloatArray]:
    if scale == "difference":
        return _rates_at_difference(pairs, value)
    with np.errstate(invalid="ignore"):
        return _rates_at_ratio(pairs, value / (1.0 + value))


def _variance(
    pairs: StratumPairs,
    group: FloatArray,
    rest: FloatArray,
    of_group: FloatArray | float,
    of_rest: FloatArray | float,
) -> FloatArray:
    """Variance of ``of_group x/n - of_rest y/m``, with the factor that makes it right for the smallest strata."""
    total = pairs.n + pairs.m
    group_variance = np.square(of_group) * group * (1.0 - group) / pairs.n
    return np.asarray((group_variance + np.square(of_rest) * rest * (1.0 - rest) / pairs.m) * total / (total - 1.0))


def _rates_at_difference(pairs: StratumPairs, difference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Likeliest rates of group and rest that differ by this much: Farrington & Manning (1990), appendix."""
    x, n, y, m, d = pairs.x, pairs.n, pairs.y, pairs.m, difference
    total = n + m
    c2 = ((n + 2.0 * m) * d - total - x - y) / total
    c1 = ((m * d - total - 2.0 * y) * d + x + y) / total
    c0 = y * d * (1.0 - d) / total
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = middle_root(c2, c1, c0)
    rest = np.clip(rest, np.maximum(0.0, -d), np.minimum(1.0, 1.0 - d))
    return np.clip(rest + d, 0.0, 1.0), rest


def _rates_at_ratio(pairs: StratumPairs, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Likeliest rates of group and rest with the ratio ``share / (1 - share)``."""
    x, n, y, m = pairs.x, pairs.n, pairs.y, pairs.m
    # everything times 1 - share, so that an infinite ratio is a number like any other
    linear = (m + x) * (1.0 - share) + (n + y) * share
    root = np.sqrt(np.maximum(linear * linear - 4.0 * share * (1.0 - share) * (n + m) * (x + y), 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where(linear + root > 0.0, 2.0 * (x + y) / (linear + root), 0.0)
    return np.clip(share * scaled, 0.0, 1.0), np.clip((1.0 - share) * scaled, 0.0, 1.0)


def _root(beyond: Callable[[FloatArray], FloatArray], outer: FloatArray, inner: FloatArray) -> FloatArray:
    """Zero of a function that is at least 0 at ``outer`` and at most 0 at ``inner``: the Illinois method."""
    outer, inner = outer.copy(), inner.copy()
    at_outer, at_inner = np.maximum(beyond(outer), 0.0), np.minimum(beyond(inner), 0.0)
    last = np.zeros_like(outer)
    for _ in range(_STEPS):
        if not (np.abs(outer - inner) > _TOLERANCE).any():
            break
        with np.errstate(invalid="ignore", divide="ignore"):
            secant = (outer * at_inner - inner * at_outer) / (at_inner - at_outer)
        low, high = np.minimum(outer, inner), np.maximum(outer, inner)
        # where nothing varies at the estimate the function is 0 there and falls before it rises
        middle = np.clip(np.where((at_inner < 0.0) & (at_outer > 0.0), secant, (outer + inner) / 2.0), low, high)
        at_middle = beyond(middle)
        moves_outer = at_middle > 0.0
        at_inner = np.where(moves_outer, np.where(last > 0.0, at_inner / 2.0, at_inner), np.minimum(at_middle, 0.0))
        at_outer = np.where(moves_outer, at_middle, np.where(last < 0.0, at_outer / 2.0, at_outer))
        outer, inner = np.where(moves_outer, middle, outer), np.where(moves_outer, inner, middle)
        last = np.where(moves_outer, 1.0, -1.0)
    return np.asarray((outer + inner) / 2.0)


Gap: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
"""A difference, or the logarithm of a ratio, with its limits; each of shape (G,)."""

NOTES: Final = ("vanishes", "appears", "stays", "reverses", "cannot_tell")
VANISHES, APPEARS, STAYS, REVERSES, CANNOT_TELL = range(5)


def change_by_conditioning(crude: Gap, conditional: Gap, shift: Gap, limit: float | None) -> IntArray:
    """Classify the change of a gap by conditioning.

    Parameters
    ----------
    crude, conditional : triple of ndarray of float64, shape (G,)
        The gap over all strata at once and within strata, on a scale on which 0 is no gap.
    shift : triple of ndarray of float64, shape (G,)
        Conditional minus crude difference; only its sign and whether its interval holds 0 are used.
    limit : float or None
        The largest gap that is within the rule's limit, on the same scale; None where there is no rule.

    Returns
    -------
    ndarray of int64, shape (G,)
        Indices into `NOTES`.

    Notes
    -----
    "A gap is seen" means that the interval lies on one side of 0.

    - `vanishes`: the crude gap is seen; the conditional interval holds 0, and lies so near to it that neither half of
      the crude gap nor the limit can remain; and conditioning moved the gap towards 0 by more than noise would.
    - `appears`: as `vanishes`, with crude and conditional exchanged.
    - `reverses`: both are seen, on opposite sides, and conditioning moved the gap by more than noise would.
    - `stays`: both are seen, on the same side; or both intervals lie within the limit and neither of the above holds.
    - `cannot_tell`: anything else, and anything that is not known.

    An interval that holds 0 is no evidence of no gap, so a small group never `vanishes` for want of cases; and the
    shift has an interval of its own, so a crude gap that chance put beyond 0 does not either.
    """
    margin = np.inf if limit is None else limit
    crude_seen, conditional_seen = _seen(crude), _seen(conditional)
    moved = np.sign(shift[0]) * ((shift[1] > 0.0) | (shift[2] < 0.0))
    with np.errstate(invalid="ignore"):
        gone = crude_seen & ~conditional_seen & _within(conditional, np.minimum(margin, np.abs(crude[0]) / 2.0))
        come = conditional_seen & ~crude_seen & _within(crude, np.minimum(margin, np.abs(conditional[0]) / 2.0))
        same_side = np.sign(crude[0]) == np.sign(conditional[0])
        gone &= moved == -np.sign(crude[0])
        come &= moved == np.sign(conditional[0])
        reverses = crude_seen & conditional_seen & ~same_side & (moved == np.sign(conditional[0]))
        stays = (crude_seen & conditional_seen & same_side) | (_within(crude, margin) & _within(conditional, margin))
        if limit is None:
            stays = crude_seen & conditional_seen & same_side
    known = ~np.isnan(np.stack([*crude, *conditional, *shift])).any(axis=0)
    chosen = np.select([gone, come, reverses, stays], [VANISHES, APPEARS, REVERSES, STAYS], CANNOT_TELL)
    return np.where(known, chosen, CANNOT_TELL).astype(np.int64)


def _seen(gap: Gap) -> BoolArray:
    return np.asarray((gap[1] > 0.0) | (gap[2] < 0.0))


def _within(gap: Gap, bound: FloatArray | float) -> BoolArray:
    return np.asarray((gap[1] >= -np.asarray(bound)) & (gap[2] <= bound))
