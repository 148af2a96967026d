from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.tables import boundaries

from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.boundaries import Boundary
from audit.stats.score_test import Samples, Span, samples_of, score_statistic, span_of, staircase_of


def drawn(seed: int, boundary: Boundary, most: float) -> tuple[Samples, Span]:
    """One table of up to 10^most cases on either side, and the corners over some counts of the rest around its own."""
    rng = np.random.default_rng(seed)
    n, m = (np.floor(10.0 ** rng.uniform(0.3, most, 1)) for _ in range(2))
    y = rng.binomial(m.astype(np.int64), rng.uniform(0.02, 0.98)).astype(np.float64)
    x = rng.binomial(n.astype(np.int64), np.clip(boundary.edge(y / m) - 0.5 / np.sqrt(n), 0.0, 1.0)).astype(np.float64)
    samples = samples_of(x, n, y, m, boundary)
    around = np.ceil(rng.uniform(0.0, 9.0) * np.sqrt(m))[:, None]
    return samples, span_of(
        samples, np.maximum(samples.y - around, 0.0), np.minimum(samples.y + around, samples.m), boundary
    )


def highest(samples: Samples, rest_counts: FloatArray, boundary: Boundary) -> FloatArray:
    """The definition of c(Y), every count of the group tried; -1 where none is rejected."""
    u = np.arange(float(samples.n[0, 0]) + 1.0)[:, None]
    rejected = score_statistic(u, samples.n[0, 0], rest_counts, samples.m[0, 0], boundary) <= samples.limit[0, 0]
    return np.asarray(np.where(rejected, u, -1.0).max(axis=0))


@pytest.mark.parametrize("by_group", [True, False])
@given(st.integers(0, 10**6), boundaries, st.sampled_from([8, 64, 512]))
def test_steps_are_those_of_every_table(by_group: bool, seed: int, boundary: Boundary, width: int) -> None:
    """Levels are right where no steps were merged, and otherwise nothing rejected is left out."""
    samples, span = drawn(seed, boundary, 2.8)
    rest_counts = np.arange(span.first[0, 0], span.last[0, 0] + 1.0)
    c = highest(samples, rest_counts, boundary)
    assert [float(span.lowest[0, 0]), float(span.highest[0, 0])] == [c[0], c[-1]]
    tops, levels, _ = (steps[0] for steps in staircase_of(samples, span, width, boundary, by_group=by_group))
    step = np.searchsorted(tops, rest_counts)
    assert (np.diff(tops) >= 0.0).all()
    assert (levels[step] >= c).all()
    merged = (span.highest - span.lowest if by_group else span.last - span.first)[0, 0] + 1.0 > width
    assert merged or (levels[step] == c).all()


@given(st.integers(0, 10**6), boundaries)
def test_steps_of_large_tables_end_where_the_score_passes_the_limit(seed: int, boundary: Boundary) -> None:
    samples, span = drawn(seed, boundary, 7.0)

    def rejects(u: FloatArray, rest_counts: FloatArray) -> BoolArray:
        return np.asarray(score_statistic(u, samples.n, rest_counts, samples.m, boundary) <= samples.limit)

    tops, levels, _ = staircase_of(samples, span, 256, boundary, by_group=False)
    assert ((levels < 0.0) | rejects(np.maximum(levels, 0.0), tops)).all()
    assert ((levels >= samples.n) | ~rejects(np.minimum(levels + 1.0, samples.n), tops)).all()
    tops, levels, _ = staircase_of(samples, span, 256, boundary, by_group=True)
    above = np.minimum(levels + 1.0, samples.n)
    assert ((tops < span.first) | (levels >= span.highest) | ~rejects(above, tops)).all()
    assert ((tops >= span.last) | rejects(above, tops + 1.0)).all()
