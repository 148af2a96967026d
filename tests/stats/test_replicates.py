from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from audit.stats.bootstrap import CHUNK_CELLS, replicate_counts


@given(arrays(np.int64, (4, 3, 4), elements=st.integers(0, 40)), st.integers(1, 30))
def test_replicates_keep_what_they_must(cells: np.ndarray, replicates: int) -> None:
    drawn = np.concatenate(list(replicate_counts(cells, replicates, np.random.default_rng(1))))
    assert drawn.shape == (replicates, 4, 3, 4)
    assert drawn.dtype == np.int64
    assert (drawn >= 0).all()
    assert (drawn[:, cells == 0] == 0).all()
    assert (drawn.sum(axis=(2, 3)) == cells.sum(axis=(1, 2))).all()


def test_counts_are_spread_as_resampled_rows_are() -> None:
    """Against rows that are really drawn again: the same law of each count, by a two-sample chi-squared test."""
    cells = np.array([[[5, 3], [9, 1]], [[2, 2], [6, 12]]])
    rows = np.repeat(np.arange(8), cells.ravel())
    rng, runs = np.random.default_rng(13), 3_000
    drawn = np.concatenate(list(replicate_counts(cells, runs, rng))).reshape(runs, 8)
    parts = [rows[rows < 4], rows[rows >= 4]]
    by_row = np.stack(
        [np.bincount(np.concatenate([rng.choice(part, part.size) for part in parts]), minlength=8) for _ in range(runs)]
    )
    for cell in range(8):
        top = int(max(drawn[:, cell].max(), by_row[:, cell].max())) + 1
        both = np.stack([np.bincount(some[:, cell], minlength=top) for some in (drawn, by_row)])
        common = both[:, both.sum(axis=0) >= 20]
        assert stats.chi2_contingency(common).pvalue > 1e-4
    assert np.cov(drawn.T) == pytest.approx(np.cov(by_row.T), abs=0.6)


def test_a_million_rows_cost_what_a_thousand_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: random numbers drawn do not depend on the number of rows, only on occupied cells."""
    drawn: list[int] = []

    class Counting(np.random.RandomState):
        def multinomial(self, n, pvals, size=None):  # type: ignore[no-untyped-def]
            counts = super().multinomial(n, pvals, size)
            drawn.append(counts.size)
            return counts

    monkeypatch.setattr(np.random, "RandomState", Counting)
    needed = []
    for rows in (1, 1_000, 1_000_000):
        drawn.clear()
        cells = np.zeros((800, 3, 4), dtype=np.int64)
        cells[:, :2, :2] = np.array([[3, 1], [2, 20]]) * rows
        seen = sum(some.shape[0] for some in replicate_counts(cells, 200, np.random.default_rng(1)))
        assert seen == 200
        needed.append(sum(drawn))
    assert needed == [200 * 800 * 4] * 3


def test_memory_is_bounded_by_chunks() -> None:
    cells = np.ones((800, 3, 4), dtype=np.int64)
    sizes = [some.size for some in replicate_counts(cells, 250, np.random.default_rng(1))]
    assert max(sizes) <= CHUNK_CELLS
    assert sum(sizes) == 250 * cells.size


def test_refuses_what_is_no_table() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="at least 0"):
        next(replicate_counts(-np.ones((1, 2), dtype=np.int64), 1, rng))
    with pytest.raises(ValueError, match="positive number"):
        next(replicate_counts(np.ones((1, 2), dtype=np.int64), 0, rng))


def test_an_empty_table_gives_empty_replicates() -> None:
    (drawn,) = replicate_counts(np.zeros((2, 3, 4), dtype=np.int64), 5, np.random.default_rng(1))
    assert not drawn.any()
