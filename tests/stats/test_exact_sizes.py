"""Size of the exact test by brute force: a slice of `tools.simulate --only exact_sizes`."""

from __future__ import annotations

import numpy as np
import pytest

from audit.stats.boundaries import margin_boundary
from audit.stats.score_test import exact_p
from tools.simulate.families import Design, designs, largest_size_by_level

WORST = (
    # without the kink these had sizes of 1.24, 1.20 and 1.15 times their levels, with even steps 1.04, 1.03 and 1.03
    Design(57, 20, "fail", margin_boundary("fail", True, "difference", 0.05)),
    Design(41, 27, "fail", margin_boundary("fail", False, "ratio", 0.8)),
    Design(62, 4, "fail", margin_boundary("fail", True, "difference", 0.3)),
)


@pytest.mark.parametrize("design", [*WORST, *designs(2, np.random.default_rng(5))])
def test_no_size_lies_above_its_level(design: Design) -> None:
    assert 0.5 < largest_size_by_level(design) <= 1.0


def test_a_published_table_at_the_kink() -> None:
    """52 against 8, a difference of 30 points: the true size of .0092 was .0113 (an independent enumeration)."""
    boundary = margin_boundary("fail", True, "difference", 0.3)
    x, y = (counts.ravel() for counts in np.meshgrid(np.arange(53), np.arange(9), indexing="ij"))
    p = exact_p(x, np.full(x.size, 52), y, np.full(x.size, 8), boundary)
    assert np.abs(p - 0.01129).min() < 2e-5
