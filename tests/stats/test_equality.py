from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from audit.stats.heterogeneity import MOST_CASES, equality_p


def test_two_groups_agree_with_fishers_exact_test() -> None:
    """With two groups the divisions are those of Fisher's test, ordered by deviance instead of probability."""
    for table in ([[30, 20], [18, 32]], [[8, 2], [1, 9]], [[40, 60], [45, 55]]):
        x, n = np.array(table)[:, 0], np.array(table).sum(axis=1)
        found = equality_p(x, n, np.random.default_rng(1), replicates=9_999, enough=9_999)
        assert found is not None
        exact = float(stats.fisher_exact(np.array(table)).pvalue)
        assert found.p == pytest.approx(exact, abs=4.0 * np.sqrt(exact * (1.0 - exact) / 9_999) + 2e-4)
        g = float(stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic)
        assert found.statistic == pytest.approx(g, rel=1e-12)


def test_many_groups_agree_with_the_deviance_of_each_against_its_rest() -> None:
    rng = np.random.default_rng(2)
    n = rng.integers(5, 400, 12)
    x = rng.binomial(n, 0.3)
    found = equality_p(x, n, rng, replicates=9)
    assert found is not None
    each = [
        stats.chi2_contingency(
            [[x[g], n[g] - x[g]], [x.sum() - x[g], (n - x).sum() - n[g] + x[g]]],
            correction=False,
            lambda_="log-likelihood",
        ).statistic
        for g in range(12)
    ]
    assert found.statistic == pytest.approx(float(max(each)), rel=1e-10)


def test_the_same_stream_gives_the_same_answer() -> None:
    first, second = (equality_p([3, 9, 4], [10, 12, 9], np.random.default_rng(5)) for _ in range(2))
    assert first == second


def test_stops_where_the_answer_is_plain() -> None:
    """Groups that are exactly alike: every division is as extreme, and 50 of them tell that."""
    found = equality_p([50, 50, 50], [100, 100, 100], np.random.default_rng(5), enough=50)
    assert found is not None
    assert (found.p, found.replicates) == (1.0, 50)


def test_a_gap_that_chance_never_shows_has_the_smallest_p_value() -> None:
    found = equality_p([900, 100], [1_000, 1_000], np.random.default_rng(5), replicates=199)
    assert found is not None
    assert (found.p, found.replicates) == (1.0 / 200.0, 199)


@pytest.mark.parametrize(("x", "n"), [([3], [10]), ([], []), ([0, 3], [0, 10]), ([1, 1], [1, MOST_CASES])])
def test_nothing_to_compare(x: list[int], n: list[int]) -> None:
    assert equality_p(x, n, np.random.default_rng(5)) is None


def test_size_on_small_unequal_groups() -> None:
    """Exact whatever the sizes; 1,000 audits of 22 groups of which most have fewer than ten cases."""
    rng, runs = np.random.default_rng(11), 1_000
    n = np.array([120, 60, 30, 15, *[5] * 18])
    found = [equality_p(rng.binomial(n, 0.1), n, rng, replicates=99, enough=20) for _ in range(runs)]
    p = np.array([1.0 if one is None else one.p for one in found])
    for level in (0.05, 0.1, 0.2):
        assert (p <= level).mean() <= level + 3.0 * np.sqrt(level * (1.0 - level) / runs)
    assert (p <= 0.2).mean() >= 0.1


def test_fifty_million_cases_take_no_longer_than_fifty() -> None:
    """Counted, not timed: the divisions drawn are counts, one per group, whatever the number of cases."""
    found = equality_p([35_000_000, 14_990_000], [50_000_000, 21_400_000], np.random.default_rng(5))
    assert found is not None
    assert found.replicates <= 999
