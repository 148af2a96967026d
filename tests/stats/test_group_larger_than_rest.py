"""The exact test where a group is many times as large as its rest, by enumeration of every table near the edge."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from scipy.stats import binom

from audit.stats.boundaries import counted_outcome, margin_boundary
from audit.stats.score_test import FAIL_BETA, PASS_BETA, asymptotic_p, exact_p


def size(n: int, m: int, question: Literal["pass", "fail"], margin: float, level: float, rest_rate: float) -> float:
    """Probability of rejecting for a group exactly `margin` below a rest of `rest_rate`; no Monte Carlo error."""
    boundary = margin_boundary(question, True, "difference", margin)
    x, y = (table.ravel() for table in np.meshgrid(np.arange(n + 1), np.arange(m + 1)))
    chance = binom.pmf(x, n, rest_rate - margin) * binom.pmf(y, m, rest_rate)
    counted, counted_rest = counted_outcome(x, n, boundary), counted_outcome(y, m, boundary)
    p = asymptotic_p(counted, np.full(x.shape, n), counted_rest, np.full(x.shape, m), boundary)
    near = (p < 3 * level) & (chance > 1e-7)
    beta = PASS_BETA if question == "pass" else FAIL_BETA
    some = (counted[near], np.full(near.sum(), n), counted_rest[near], np.full(near.sum(), m))
    p[near] = exact_p(*some, boundary, beta)
    return float(chance[p <= level].sum())


@pytest.mark.parametrize(
    ("n", "m", "question", "margin", "level", "rest_rate", "before"),
    [
        (1000, 8, "pass", 0.02, 0.05, 0.987, 0.0797),
        (400, 5, "pass", 0.01, 0.05, 0.983, 0.0593),
        (300, 5, "fail", 0.10, 0.01, 0.106, 0.0124),
    ],
)
def test_the_size_stays_below_the_level(
    n: int, m: int, question: Literal["pass", "fail"], margin: float, level: float, rest_rate: float, before: float
) -> None:
    """With 33 rates of the rest, whatever the sizes, it was `before`."""
    assert before > level
    assert size(n, m, question, margin, level, rest_rate) <= level
