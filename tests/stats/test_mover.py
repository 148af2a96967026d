"""MOVER intervals from limits: the independent ones of two other modules, and their coverage where rates correlate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from audit.stats.intervals import (
    Limits,
    difference_of_limits,
    mover_ratio,
    newcombe_difference,
    ratio_of_limits,
    wilson,
)

counts = st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def limits(x: int, n: int) -> Limits:
    low, high = wilson(x, n)
    return Limits(np.array([x / n]), np.atleast_1d(low), np.atleast_1d(high))


@given(counts, counts)
def test_without_correlation_they_are_newcombes_and_mover_r(a: tuple[int, int], b: tuple[int, int]) -> None:
    found = np.concatenate(difference_of_limits(limits(*a), limits(*b)))
    assert found == pytest.approx(np.array(newcombe_difference(*a, *b)), abs=1e-12)
    if b[0] > 0:
        ratio = np.concatenate(ratio_of_limits(limits(*a), limits(*b)))
        assert ratio == pytest.approx(np.array(mover_ratio(*a, *b)), rel=1e-7, abs=1e-12)


@given(counts, counts, st.floats(-0.9, 0.9))
def test_ratio_limits_are_where_the_interval_of_the_contrast_touches_zero(
    a: tuple[int, int], b: tuple[int, int], rho: float
) -> None:
    one, other = limits(*a), limits(*b)
    (p, l1, u1), (r, l2, u2) = ([float(value[0]) for value in side] for side in (one, other))
    low, high = (float(limit[0]) for limit in ratio_of_limits(one, other, rho))

    def contrast(ratio: float, *, lower: bool) -> float:
        own, others = (p - l1, ratio * (u2 - r)) if lower else (u1 - p, ratio * (r - l2))
        half = np.sqrt(max(own * own - 2.0 * rho * own * others + others * others, 0.0))
        return float(p - ratio * r - half if lower else p - ratio * r + half)

    if p > 0 and r > 0 and low > 0:
        assert low <= p / r * (1 + 1e-9)
        assert contrast(low, lower=True) == pytest.approx(0.0, abs=1e-7)
    if np.isfinite(high) and r > 0 and high < 1e6:
        assert high >= p / r * (1 - 1e-9)
        root = optimize.brentq(lambda ratio: contrast(ratio, lower=False), p / r, high * 1.001 + 1e-9)
        assert root == pytest.approx(high, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_they_cover_two_rates_that_rise_and_fall_together(share: float) -> None:
    """Two rates of 300 clusters that share a part of each cluster's luck: coverage at 95 %, 2,000 times."""
    rng = np.random.default_rng(9)
    runs, k = 2_000, 300
    common = rng.normal(size=(runs, k)) * np.sqrt(share)
    a, b = (0.5 + 0.12 * (common + np.sqrt(1 - share) * rng.normal(size=(runs, k))) for _ in range(2))
    b = b - 0.1
    rates = [values.mean(axis=1) for values in (a, b)]
    variances = [values.var(axis=1, ddof=1) / k for values in (a, b)]
    covariance = ((a - rates[0][:, None]) * (b - rates[1][:, None])).sum(axis=1) / (k - 1) / k
    rho = covariance / np.sqrt(variances[0] * variances[1])
    sides = []
    for rate, variance in zip(rates, variances, strict=True):
        n = rate * (1 - rate) / variance
        low, high = wilson(n * rate, n)
        sides.append(Limits(rate, low, high))
    low, high = difference_of_limits(sides[0], sides[1], rho)
    assert ((low <= 0.1) & (high >= 0.1)).mean() == pytest.approx(0.95, abs=0.02)
    low, high = ratio_of_limits(sides[0], sides[1], rho)
    assert ((low <= 1.25) & (high >= 1.25)).mean() == pytest.approx(0.95, abs=0.02)
