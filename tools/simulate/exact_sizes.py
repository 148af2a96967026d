"""Size of the exact test at every level that it attains, by listing every table: no simulation error.

The group's rate lies on the edge, and the rest's rate takes 600 values and that of the kink. In half of the designs the
group is larger than its rest. A size above its level would be an error of the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from scipy.stats import binom

from audit.stats.arrays import FloatArray
from audit.stats.boundaries import Boundary, Scale, Side, margin_boundary
from audit.stats.score_test import FAIL_BETA, PASS_BETA, exact_p
from tools.simulate.verdict_size import Measured

DESIGNS: Final = 200
_RATES: Final = 600
_MARGINS: Final[dict[Scale, tuple[float, ...]]] = {
    "difference": (0.02, 0.05, 0.1, 0.2, 0.3),
    "ratio": (0.5, 0.8, 0.9, 0.95),
}


class Design(NamedTuple):
    """Sizes of group and rest, and the edge between them."""

    group: int
    rest: int
    side: Side
    boundary: Boundary


def designs(count: int, rng: np.random.Generator) -> Iterator[Design]:
    """Draw designs; every second one has a group larger than its rest."""
    for place in range(count):
        group = int(rng.integers(4, 70))
        rest = int(rng.integers(3, 70 if place % 2 else group))
        side: Side = "fail" if rng.random() < 0.5 else "pass"
        scale: Scale = "difference" if rng.random() < 0.5 else "ratio"
        margin = float(rng.choice(_MARGINS[scale]))
        yield Design(group, rest, side, margin_boundary(side, bool(rng.random() < 0.5), scale, margin))


def largest_size_by_level(design: Design) -> float:
    """Return the largest size of the test as a multiple of the level, over every level from 1e-5 to 1/2."""
    n, m, side, boundary = design
    x, y = (counts.ravel() for counts in np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij"))
    every = np.ones(x.size)
    p = exact_p(x, n * every, y, m * every, boundary, FAIL_BETA if side == "fail" else PASS_BETA)
    order = np.argsort(p, kind="stable")
    levels = p[order]
    size = np.zeros(levels.size)
    for rate in _rates_of_rest(boundary):
        chances = np.outer(
            binom.pmf(np.arange(n + 1), n, float(boundary.edge(rate))), binom.pmf(np.arange(m + 1), m, rate)
        )
        size = np.maximum(size, np.cumsum(chances.ravel()[order]))
    attained = np.append(np.diff(levels) > 0.0, True) & (levels > 1e-5) & (levels < 0.5)
    return float((size[attained] / levels[attained]).max(initial=0.0))


def _rates_of_rest(boundary: Boundary) -> FloatArray:
    kink, ceiling = -boundary.offset / boundary.slope, min(1.0, (1.0 - boundary.offset) / boundary.slope)
    return np.append(np.linspace(0.0, ceiling, _RATES), kink if 0.0 < kink < ceiling else ceiling)


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Count the designs in which the size lies above a level; `runs` is not used, for nothing is drawn but designs."""
    del runs
    largest = [largest_size_by_level(design) for design in designs(DESIGNS, np.random.default_rng(seed))]
    setting = f"every table of {DESIGNS} designs; largest size {max(largest):.5f} times its level"
    yield Measured(setting, "size above its level", sum(one > 1.0 for one in largest), DESIGNS, "0")
