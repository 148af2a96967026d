"""Effective sizes against cluster-robust regression, the formulas written out for one group, and simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.clusters import chance_of_both, over_rows
from scipy import stats

from audit.stats.arrays import FloatArray
from audit.stats.boundaries import Boundary, margin_boundary
from audit.stats.clusters import Alike, Tilt, WeightedRate, design_size, pooled_correlation, satterthwaite
from audit.stats.effective_test import (
    Comparison,
    EffectiveTest,
    effective_size,
    effective_test,
    few_degrees_factor,
)
from audit.stats.multiplicity import effective_levels, power_width


def compare(
    group: WeightedRate, rest: WeightedRate, cross: float, boundary: Boundary, icc: float, level: float
) -> EffectiveTest:
    compared = Comparison(group, rest, np.array([cross]), icc, alike=Alike.of(group), rest_alike=Alike.of(rest))
    return effective_test(compared, boundary, level)


class Rows:
    """Rows of a group and a rest, with the sums done cluster by cluster."""

    def __init__(self, seed: int, clusters: int = 40, *, spanning: bool = True) -> None:
        rng = np.random.default_rng(seed)
        n = 12 * clusters
        self.cluster = rng.integers(0, clusters, n)
        inside = rng.random(n) < 0.4
        self.inside = inside if spanning else self.cluster < clusters // 2
        u = rng.beta(3, 2, clusters)
        self.y = (rng.random(n) < u[self.cluster]).astype(float)
        self.w = rng.lognormal(0, 0.5, n)

    def deviations(self, inside: npt.NDArray[np.bool_]) -> FloatArray:
        w, y = self.w * inside, self.y
        rate = (w * y).sum() / w.sum()
        return np.asarray(np.bincount(self.cluster, w * (y - rate), self.cluster.max() + 1) / w.sum(), dtype=np.float64)

    def side(self, inside: npt.NDArray[np.bool_]) -> WeightedRate:
        w = self.w * inside
        b, q = np.bincount(self.cluster, w), np.bincount(self.cluster, w * w)
        s = w.sum()
        values = [
            (w * self.y).sum() / s,
            (self.deviations(inside) ** 2).sum(),
            float((b > 0).sum()),
            q.sum() / s**2,
            (b**2).sum() / s**2,
            (q**2).sum() / s**4,
            (q * b**2).sum() / s**4,
            (b**4).sum() / s**4,
        ]
        return WeightedRate(*(np.array([value]) for value in values))


@pytest.mark.parametrize("seed", range(5))
def test_own_variance_and_covariance_are_those_of_cluster_robust_regression(seed: int) -> None:
    """Weighted regression on an indicator of the group: its coefficient is p - r, its variance the linearised one."""
    import statsmodels.api as sm

    rows = Rows(seed)
    design = sm.add_constant(rows.inside.astype(float))
    fitted = sm.WLS(rows.y, design, weights=rows.w).fit(
        cov_type="cluster", cov_kwds={"groups": rows.cluster, "use_correction": False}
    )
    group, rest = rows.side(rows.inside), rows.side(~rows.inside)
    cross = (rows.deviations(rows.inside) * rows.deviations(~rows.inside)).sum()
    assert group.rate[0] - rest.rate[0] == pytest.approx(fitted.params[1], rel=1e-10)
    variance = group.residual[0] + rest.residual[0] - 2.0 * cross
    assert variance == pytest.approx(fitted.cov_params()[1, 1], rel=1e-9)


def written_out(rows: Rows, boundary: Boundary, icc: float, level: float) -> float:
    """The test for one group, from rows, in plain arithmetic, in the orientation of the design notes."""
    e, f = rows.deviations(rows.inside), rows.deviations(~rows.inside)
    parts, largest, found = [], [], []
    for inside, side in ((rows.inside, e), (~rows.inside, f)):
        w = rows.w * inside
        b, q = np.bincount(rows.cluster, w), np.bincount(rows.cluster, w * w)
        c = q + icc * (b**2 - q)
        k = int((b > 0).sum())
        df = max(1.0, c.sum() ** 2 / (c**2).sum() - 1.0)
        rate = (w * rows.y).sum() / w.sum()
        parts.append((rate, c.sum() / w.sum() ** 2, k, df))
        own = (side**2).sum() * w.sum() ** 2 * k / (k - 1)
        largest.append(max(icc, largest_written_out(b, q, own, rate)))
        alike = min(max((own / (rate * (1 - rate)) - q.sum()) / (b**2 - q).sum(), 0.0), 1.0)
        found.append((b.sum() ** 2 / (b**2).sum(), max(alike, icc)))
    (p, made_of, k, df), (r, rest_made_of, rest_k, rest_df) = parts
    if not boundary.counts_success:
        p, r = 1.0 - p, 1.0 - r
    s = boundary.slope
    b_edge = boundary.offset + s * r
    n_rest = 1.0 / rest_made_of
    smooth = (r * n_rest + 2.0) / (n_rest + 4.0)
    v_rest = s * s * max((f**2).sum() * rest_k / (rest_k - 1), smooth * (1 - smooth) * rest_made_of)
    cross = 2.0 * s * (e * f).sum()
    v_group = b_edge * (1 - b_edge) * made_of
    v_own = (e**2).sum() * k / (k - 1) + v_rest - cross
    v_pool = v_group + v_rest - max(0.0, cross)
    joint = (v_group + v_rest) ** 2 / (v_group**2 / df + v_rest**2 / rest_df)
    t = stats.t.isf(level, min(df, joint))
    n_eff = b_edge * (1 - b_edge) / max(v_own, v_pool) * (stats.norm.isf(level) / t) ** 2
    rest_on_edge = min(max((p - boundary.offset) / s, 0.0), 1.0)
    factors = []
    for inside, at_most in ((rows.inside, largest[0]), (~rows.inside, largest[1])):
        b, q = (np.bincount(rows.cluster, w) for w in (rows.w * inside, rows.w**2 * inside))
        factors.append((q + at_most * (b**2 - q)).sum() / b.sum() ** 2)
    v_worst_rest = s * s * rest_on_edge * (1 - rest_on_edge) * factors[1]
    v_largest = b_edge * (1 - b_edge) * factors[0] + max(v_rest, v_worst_rest) - max(0.0, cross)
    sizes = (n_eff, b_edge * (1 - b_edge) / max(v_own, v_pool, v_largest))
    by_rows = [(rows.w**2 * inside).sum() / (rows.w * inside).sum() ** 2 for inside in (rows.inside, ~rows.inside)]
    noise = math.sqrt(b_edge * (1 - b_edge) * by_rows[0] + s * s * r * (1 - r) * by_rows[1])

    def unseen(moved: float) -> float:
        at = min(p + moved, 1.0)
        if at >= b_edge:
            return 1.0
        lowest = min(max((at - boundary.offset) / s, 0.0), r)
        return chance_of_both(found[0], found[1], at, r, lambda rest: boundary.offset + s * rest, lowest, shown=p)

    chance = over_rows(unseen, noise) if unseen(0.0) < 0.25 else unseen(0.0)
    return max(chance, *(float(stats.beta.sf(b_edge, size * p + 1.0, size * (1 - p))) for size in sizes))


def largest_written_out(b: npt.NDArray[Any], q: npt.NDArray[Any], squares: float, rate: float) -> float:
    """The largest of 41 correlations at which so small a sum of squares is not below the 10 % quantile, and on."""
    room = []
    for icc in np.linspace(0, 1, 41):
        c = q + icc * (b**2 - q)
        df = max(1.0, min(c.sum() ** 2 / (c**2).sum() - 1.0, (b > 0).sum() - 1.0))
        room.append(squares / (rate * (1 - rate)) - c.sum() * stats.chi2.ppf(0.1, df) / df)
    last = max((place for place in range(41) if room[place] >= 0), default=0)
    if last == 40:
        return 1.0
    if room[last] <= 0:
        return last / 40
    return float((last + room[last] / (room[last] - room[last + 1])) / 40)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spanning", [True, False])
@pytest.mark.parametrize("side", ["fail", "pass"])
@pytest.mark.parametrize("low", [True, False])
def test_p_values_are_those_of_the_formulas_written_out(seed: int, spanning: bool, side: str, low: bool) -> None:
    rows = Rows(seed, spanning=spanning)
    boundary = margin_boundary("fail" if side == "fail" else "pass", low, "ratio", 0.8)
    group, rest = rows.side(rows.inside), rows.side(~rows.inside)
    cross = (rows.deviations(rows.inside) * rows.deviations(~rows.inside)).sum()
    for icc, level in ((0.0, 0.05), (0.2, 0.05), (0.2, 0.001)):
        found = compare(group, rest, cross, boundary, icc, level)
        assert found.p[0] == pytest.approx(written_out(rows, boundary, icc, level), rel=1e-8)


def plain(x: int, n: int, clusters: float = 1e12) -> WeightedRate:
    """A rate of n rows of weight 1 whose variance is as well known as can be."""
    rate = x / n
    one = np.ones(1)
    return WeightedRate(
        one * rate, one * rate * (1 - rate) / n, one * clusters, one / n, one / n, one * 1e-24, one * 1e-24, one * 1e-24
    )


@given(st.integers(2, 400).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_against_a_rest_that_is_known_it_is_the_binomial_test(xn: tuple[int, int]) -> None:
    x, n = xn
    boundary = margin_boundary("fail", low_is_worse=True, scale="ratio", margin=0.8)
    edge = 0.8 * 0.6
    if (x / n) * (1 - x / n) > edge * (1 - edge):
        return  # the own variance is then the larger
    p = compare(plain(x, n), plain(60 * 10**9, 10**11), 0.0, boundary, 0.0, 0.05).p[0]
    assert p == pytest.approx(stats.binom.cdf(x, n, edge), rel=2e-3)


@given(st.integers(3, 200), st.integers(1, 50), st.floats(0, 0.95))
def test_clusters_of_one_size_have_the_design_effect_of_kish(clusters: int, size: int, icc: float) -> None:
    """Kish (1965): n / (1 + (size - 1) icc), with one degree of freedom less than clusters."""
    total, b = clusters * size, float(size)
    one = np.ones(1)
    side = WeightedRate(
        one * 0.5, one, one * clusters, one / total, one * clusters * b**2 / total**2,
        one * clusters * b**2 / total**4, one * clusters * b**3 / total**4, one * clusters * b**4 / total**4,
    )  # fmt: skip
    assert design_size(side, icc)[0] == pytest.approx(total / (1.0 + (size - 1) * icc), rel=1e-9)
    assert satterthwaite(side, icc)[0] == pytest.approx(max(1.0, clusters - 1.0), rel=1e-9)


def test_equal_weights_without_clusters_are_worth_the_rows_there_are() -> None:
    weights = np.array([1.0, 1.0, 4.0, 4.0])
    one, s = np.ones(1), weights.sum()
    second, fourth = (weights**2).sum() / s**2, (weights**4).sum() / s**4
    side = WeightedRate(one * 0.5, one * 0.1, one * 4, *(one * m for m in (second, second, fourth, fourth, fourth)))
    assert design_size(side, 0.7)[0] == pytest.approx(100 / 34)  # (sum w)^2 / sum w^2
    assert effective_size(side, 0.0)[0][0] == pytest.approx(min(100 / 34, 0.25 / (0.1 * 4 / 3)))


def test_few_degrees_of_freedom_cut_by_the_quantiles() -> None:
    assert few_degrees_factor(9, 0.05) == pytest.approx((stats.norm.isf(0.05) / stats.t.isf(0.05, 9)) ** 2)
    assert few_degrees_factor(9, 0.0) == 0.0


@pytest.mark.parametrize("icc", [0.0, 0.1, 0.3])
def test_correlation_is_found_again(icc: float) -> None:
    rng = np.random.default_rng(11)
    found = []
    for _ in range(60):
        clusters = 100
        sizes = rng.integers(1, 20, clusters)
        rate = rng.beta(0.4 * (1 - icc) / icc, 0.6 * (1 - icc) / icc, clusters) if icc else np.full(clusters, 0.4)
        a = rng.binomial(sizes, rate)
        p, s = a.sum() / sizes.sum(), sizes.sum()
        one = np.ones(1)
        side = WeightedRate(
            one * p, one * ((a - p * sizes) ** 2).sum() / s**2, one * clusters, one * s / s**2,
            one * (sizes**2).sum() / s**2, one, one, one,
        )  # fmt: skip
        found.append(pooled_correlation(side, one * s))
    assert np.mean(found) == pytest.approx(icc, abs=0.02)


def test_nothing_can_be_said_of_few_clusters_or_none() -> None:
    boundary = margin_boundary("fail", low_is_worse=True, scale="ratio", margin=0.8)
    rows = Rows(1)
    rest, group = rows.side(~rows.inside), rows.side(rows.inside)
    glaring = replace(group, rate=np.zeros(1), residual=np.zeros(1))
    none_counted = compare(glaring, rest, 0.0, boundary, 0.1, 0.05)
    edge = 0.8 * rest.rate[0]
    assert (1 - edge) ** none_counted.effective_size[0] <= none_counted.p[0] < 1e-3
    # nothing is known of how alike its rows are, so that its clusters count as one row each
    assert none_counted.effective_size[0] < group.clusters[0]
    three = replace(glaring, clusters=np.array([3.0]))
    found = compare(three, rest, 0.0, boundary, 0.1, 0.05)
    assert found.p[0] == 1.0
    assert found.degrees_of_freedom[0] <= 2.0
    assert compare(glaring, replace(rest, clusters=np.array([1.0])), 0.0, boundary, 0.1, 0.05).p[0] == 1.0


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 4)), min_size=1, max_size=40),
    st.sampled_from([0.05, 0.045 / 7, 1e-4]),
)
def test_levels_add_up_to_no_more_than_the_familys(groups: list[tuple[float, float]], level: float) -> None:
    p = np.array([group[0] for group in groups]) ** 4
    width = np.array([group[1] for group in groups])
    rejected, local, found = effective_levels(lambda _: p, width, level)
    assert local[~rejected].sum() <= level * (1 + 1e-9)
    assert ((found <= local) == rejected).all()
    if len(groups) == 1:
        assert local[0] == pytest.approx(level, rel=1e-6)
    # all that Bonferroni with the first step's levels names is named
    first = effective_levels(lambda levels: np.ones(levels.shape), width, level)[1]
    assert rejected[p <= first].all()


def _fixed(p: FloatArray) -> Callable[[FloatArray], FloatArray]:
    return lambda _: p


def test_names_err_no_more_than_the_level_however_groups_depend() -> None:
    rng = np.random.default_rng(4)
    runs, wrong = 2_000, 0
    width = rng.uniform(0.2, 4.0, 12)
    for run in range(runs):
        common = rng.normal()
        z = common * math.sqrt(0.5) + rng.normal(size=12) * math.sqrt(0.5) if run % 2 else -np.abs(rng.normal(size=12))
        p = stats.norm.cdf(z) if run % 2 else rng.random(12)
        wrong += bool(effective_levels(_fixed(p), width, 0.05)[0].any())
    assert wrong / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_larger_groups_get_more_of_the_level_up_to_a_point() -> None:
    boundary = margin_boundary("fail", low_is_worse=True, scale="ratio", margin=0.8)
    width = power_width(0.7, np.array([5.0, 50.0, 200.0, 0.0]), boundary)
    assert (np.diff(width[:3]) > 0).all()
    assert width.max() <= 4.0
    edge = 0.8 * 0.7
    assert width[1] == pytest.approx(0.14 / math.sqrt(edge * (1 - edge) / 50))


@pytest.mark.parametrize("seed", range(3))
def test_the_variance_that_a_tilt_foresees_is_the_one_found(seed: int) -> None:
    """At the rate found, and without clusters, foreseen and linearised variance are the same number."""
    rng = np.random.default_rng(seed)
    y = rng.random(60) < 0.3
    w = rng.lognormal(0, 0.5, 60) * np.where(y, 2.5, 1.0)
    tilt = Tilt.of(
        *(
            (np.array([of[y].sum()]), np.array([of[~y].sum()]))
            for of in (w, w * w, np.ones(60))
        )
    )  # fmt: skip
    rate = np.array([(w * y).sum() / w.sum()])
    foreseen = tilt.at(rate) * rate * (1 - rate) * (w * w).sum() / w.sum() ** 2
    assert foreseen[0] == pytest.approx((w**2 * (y - rate) ** 2).sum() / w.sum() ** 2, rel=1e-12)
    level = Tilt.of((rate, 1 - rate), (rate, 1 - rate), (rate, 1 - rate))
    assert level.at(np.array([0.7]))[0] == pytest.approx(1.0)
    assert Tilt.of((rate, 0 * rate), (rate, 0 * rate), (rate, 0 * rate)).at(rate)[0] == 1.0
