"""Boundaries and two-sample tables that several tests of the statistics draw."""

from __future__ import annotations

from hypothesis import strategies as st

from audit.stats.boundaries import Boundary, Scale, Side, margin_boundary

LIMITS: list[tuple[Scale, float]] = [
    ("difference", 0.0),
    ("difference", 0.05),
    ("difference", 0.3),
    ("ratio", 0.5),
    ("ratio", 0.8),
    ("ratio", 1.0),
]
SIDES: list[Side] = ["fail", "pass"]
EVERY_BOUNDARY = [
    margin_boundary(side, low_is_worse, scale, margin)
    for side in SIDES
    for low_is_worse in (True, False)
    for scale, margin in LIMITS
]

boundaries: st.SearchStrategy[Boundary] = st.sampled_from(EVERY_BOUNDARY)


@st.composite
def tables(draw: st.DrawFn, largest_group: int, largest_rest: int) -> tuple[int, int, int, int]:
    """Draw ``(x, n, y, m)``, the ends of both ranges more often than chance would."""
    n = draw(st.integers(1, largest_group))
    m = draw(st.integers(1, largest_rest))
    x = draw(st.one_of(st.just(0), st.just(n), st.integers(0, n)))
    y = draw(st.one_of(st.just(0), st.just(m), st.integers(0, m)))
    return x, n, y, m
