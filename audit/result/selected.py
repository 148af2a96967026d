"""Intervals of rows that a report picked for their results: wider, so that as many of them are true as of all rows.

Of rows that stand first because they are the worst, or the surest, far fewer than 95 % of the 95 % intervals hold the
truth. Where R of K rows are picked, an interval at the level ``1 - R q / K`` for ``1 - q`` keeps the share of false
ones among those shown at q on average (Benjamini & Yekutieli 2005, false coverage rate). Clopper-Pearson's is taken for
rates, because it never covers less than its level. Plain Python: who reads a result loads no numerical library.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import Generic, TypeVar

from audit.result.findings.judged import Estimate
from audit.result.reading import Rate

Ends = tuple[float, float]
T = TypeVar("T")
R = TypeVar("R", bound=Rate)
_TINY, _CLOSE = 1e-300, 1e-15
_MOST_TERMS, _MOST_STEPS = 100_000, 200


@dataclass(frozen=True, slots=True)
class Selected(Generic[T]):
    """Rows that are shown first, out of all that could have been."""

    rows: list[T]
    """The rows; where others are left, their estimates have the interval of the level that holds for picked rows."""
    shown: int
    """Rows of these that have a rate."""
    among: int
    """Rows with a rate out of which they were picked."""

    @property
    def is_part(self) -> bool:
        """Whether rows with a rate are left, so that these were picked."""
        return self.shown < self.among


def selected(rows: Sequence[R], among: Iterable[Rate]) -> Selected[R]:
    """Give rows that were picked for their results out of `among` the intervals that hold for picked rows.

    Parameters
    ----------
    rows : sequence of Rate
        The R rows that are shown; a part of `among`.
    among : iterable of Rate
        All K rows out of which they were picked.

    Returns
    -------
    Selected
        The same rows, unchanged where R is K. Otherwise an estimate's `low`, `high` and `level` are those of the
        Clopper-Pearson interval at level ``1 - R (1 - level) / K``; of weighted or clustered cases at their effective
        size, with the quantile of t.
    """
    shown, every = (sum(rate.value is not None for rate in some) for some in (rows, among))
    if shown >= every:
        return Selected(list(rows), shown, every)
    return Selected([_widened(rate, shown / every) for rate in rows], shown, every)


def _widened(rate: R, share: float) -> R:
    estimate = rate.estimate
    if estimate is None or estimate.value is None:
        return rate
    level = picked_level(estimate.level, share)
    low, high = limits_of(estimate, level)
    return replace(rate, estimate=estimate.model_copy(update={"low": low, "high": high, "level": level}))


def picked_level(level: float, share: float) -> float:
    """Level of the intervals of rows of which this share of all was picked, for intervals of a level otherwise."""
    return 1.0 - share * (1.0 - level)


def limits_of(estimate: Estimate, level: float) -> Ends:
    """Clopper-Pearson interval of an estimate's rate, in shares; of weighted or clustered cases by design.

    By design the counts are those of the effective size, times ``(z / t_df)^2`` for few degrees of freedom (Korn &
    Graubard 1998); (0, 1) where nothing is known of the variance. In strata it is never narrower than the one stated,
    and the rate alone where they are known in full. Ten digits, so that a last bit changes no report.
    """
    low, high = estimate.low, estimate.high
    if low is not None and low == high:
        return low, low
    if estimate.effective_cases is None or estimate.value is None:
        return clopper_pearson(estimate.numerator, estimate.denominator, level)
    n = estimate.effective_cases * _few_degrees(estimate.degrees_of_freedom, (1.0 - level) / 2.0)
    least, most = clopper_pearson(min(n * estimate.value, n), n, level) if n > 0.0 else (0.0, 1.0)
    if low is None or high is None or (low, high) != (estimate.exact_low, estimate.exact_high):
        return least, most
    return min(low, least), max(high, most)


@lru_cache(maxsize=4096)
def clopper_pearson(x: float, n: float, level: float) -> Ends:
    """Clopper-Pearson (1934) interval for x of n cases, n positive; effective counts need not be whole."""
    tail = (1.0 - level) / 2.0
    low = 0.0 if x <= 0.0 else _beta_quantile(x, n - x + 1.0, tail)
    high = 1.0 if x >= n else 1.0 - _beta_quantile(n - x, x + 1.0, tail)
    return _to_ten_digits(low), _to_ten_digits(high)


def _few_degrees(freedom: float | None, tail: float) -> float:
    """Share of an effective size that is left: ``(z / t)^2`` at a one-sided level; 0 without degrees of freedom."""
    if freedom is None or freedom <= 0.0:
        return 0.0
    # of t with df degrees, df / (df + t^2) has a beta distribution
    quantile = _beta_quantile(freedom / 2.0, 0.5, 2.0 * tail)
    return float(NormalDist().inv_cdf(tail) ** 2 * quantile / (freedom * (1.0 - quantile)))


def _beta_quantile(a: float, b: float, share: float) -> float:
    """Number below which a beta distribution has a share, by Newton's steps on its logarithm within a bracket."""
    low, high, x, wanted = 0.0, 1.0, a / (a + b), math.log(share)
    for _ in range(_MOST_STEPS):
        density = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        below = _log_beta_share(a, b, x, density)
        low, high = (low, x) if below > wanted else (x, high)
        step = (wanted - below) * math.exp(min(below - density, 700.0)) * x * (1.0 - x)
        ahead = x + step if low < x + step < high else (low + high) / 2.0
        if abs(ahead - x) <= 1e-14 * ahead:
            return ahead
        x = ahead
    return x


def _log_beta_share(a: float, b: float, x: float, density: float) -> float:
    """Logarithm of the share of a beta distribution below x; `density` is that of x (1 - x) times its density.

    The continued fraction of DLMF 8.17.22 on the side on which it converges fast.
    """
    if x <= (a + 1.0) / (a + b + 2.0):
        return density + math.log(_fraction(a, b, x) / a)
    return math.log(max(1.0 - math.exp(density) * _fraction(b, a, 1.0 - x) / b, _TINY))


def _fraction(a: float, b: float, x: float) -> float:
    """Value of that fraction, by Lentz's method."""
    c, d = 1.0, 1.0 / _not_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for k in range(1, _MOST_TERMS):
        even = k * (b - k) * x / ((a + 2 * k - 1.0) * (a + 2 * k))
        odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1.0))
        for term in (even, odd):
            d, c = 1.0 / _not_zero(1.0 + term * d), _not_zero(1.0 + term / c)
            value *= d * c
        if abs(d * c - 1.0) < _CLOSE:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _to_ten_digits(value: float) -> float:
    return float(f"{value:.9e}")
