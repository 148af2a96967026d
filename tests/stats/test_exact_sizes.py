"""Size of the exact test by brute force: every table of a design is listed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import pytest
from scipy.stats import binom

from audit.stats.boundaries import Boundary, Scale, Side, margin_boundary
from audit.stats.score_test import FAIL_BETA, PASS_BETA, exact_p


class Design(NamedTuple):
    """Sizes of group and rest, and the edge between them."""

    group: int
    rest: int
    side: Side
    boundary: Boundary


_MARGINS: Final[dict[Scale, tuple[float, ...]]] = {
    "difference": (0.02, 0.05, 0.1, 0.2, 0.3),
    "ratio": (0.5, 0.8, 0.9, 0.95),
}


def designs(count: int, rng: np.random.Generator) -> Iterator[Design]:
    """Draw designs; every second one has a group larger than its rest."""
    for number in range(count):
        group = int(rng.integers(4, 70))
        rest = int(rng.integers(3, 70 if number % 2 else group))
        side: Side = "fail" if rng.random() < 0.5 else "pass"
        scale: Scale = "difference" if rng.random() < 0.5 else "ratio"
        margin = float(rng.choice(_MARGINS[scale]))
        yield Design(group, rest, side, margin_boundary(side, bool(rng.random() < 0.5), scale, margin))


def largest_size_by_level(design: Design, rates: int = 600) -> float:
    """Return the largest size of the test as a multiple of the level, over every level from 1e-5 to 1/2.

    Every table is listed, at so many rates of the rest and at that of the kink.
    """
    n, m, side, boundary = design
    x, y = (counts.ravel() for counts in np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij"))
    every = np.ones(x.size)
    p = exact_p(x, n * every, y, m * every, boundary, FAIL_BETA if side == "fail" else PASS_BETA)
    order = np.argsort(p, kind="stable")
    levels, size = p[order], np.zeros(p.size)
    kink, ceiling = -boundary.offset / boundary.slope, min(1.0, (1.0 - boundary.offset) / boundary.slope)
    for rate in np.append(np.linspace(0.0, ceiling, rates), kink if 0.0 < kink < ceiling else ceiling):
        of_group = binom.pmf(np.arange(n + 1), n, float(boundary.edge(rate)))
        chances = np.outer(of_group, binom.pmf(np.arange(m + 1), m, rate))
        size = np.maximum(size, np.cumsum(chances.ravel()[order]))
    attained = np.append(np.diff(levels) > 0.0, True) & (levels > 1e-5) & (levels < 0.5)
    return float((size[attained] / levels[attained]).max(initial=0.0))


WORST = (
    # without the kink these had sizes of 1.24, 1.20 and 1.15 times their levels, with even steps 1.04, 1.03 and 1.03
    Design(57, 20, "fail", margin_boundary("fail", True, "difference", 0.05)),
    Design(41, 27, "fail", margin_boundary("fail", False, "ratio", 0.8)),
    Design(62, 4, "fail", margin_boundary("fail", True, "difference", 0.3)),
)


@pytest.mark.parametrize("design", [*WORST, *designs(6, np.random.default_rng(5))])
def test_no_size_lies_above_its_level(design: Design) -> None:
    assert 0.5 < largest_size_by_level(design) <= 1.0


def test_a_published_table_at_the_kink() -> None:
    """52 against 8, a difference of 30 points: the true size of .0092 was .0113 (an independent enumeration)."""
    boundary = margin_boundary("fail", True, "difference", 0.3)
    x, y = (counts.ravel() for counts in np.meshgrid(np.arange(53), np.arange(9), indexing="ij"))
    p = exact_p(x, np.full(x.size, 52), y, np.full(x.size, 8), boundary)
    assert np.abs(p - 0.01129).min() < 2e-5
