from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.tables import SIDES

from audit.stats.boundaries import Boundary, Scale, Side, counted_outcome, counted_rate, margin_boundary


@pytest.mark.parametrize(
    ("side", "low_is_worse", "scale", "margin", "expected"),
    [
        ("fail", True, "difference", 0.05, Boundary(-0.05, 1.0, True)),
        ("fail", True, "ratio", 0.8, Boundary(0.0, 0.8, True)),
        ("fail", False, "difference", 0.05, Boundary(-0.05, 1.0, False)),
        ("fail", False, "ratio", 0.8, Boundary(-0.25, 1.25, False)),
        ("pass", True, "difference", 0.05, Boundary(0.05, 1.0, False)),
        ("pass", True, "ratio", 0.75, Boundary(0.25, 0.75, False)),
        ("pass", False, "difference", 0.05, Boundary(0.05, 1.0, True)),
        ("pass", False, "ratio", 0.8, Boundary(0.0, 1.25, True)),
    ],
)
def test_the_table_of_boundaries(
    side: Side,
    low_is_worse: bool,
    scale: Scale,
    margin: float,
    expected: Boundary,
) -> None:
    assert margin_boundary(side, low_is_worse, scale, margin) == expected


@given(
    st.booleans(),
    st.sampled_from([("difference", 0.0), ("difference", 0.07), ("ratio", 0.8), ("ratio", 1.0), ("ratio", 0.3)]),
    st.floats(0.001, 0.999),
)
def test_both_sides_meet_at_the_tolerated_rate(low_is_worse: bool, limit: tuple[Scale, float], rest: float) -> None:
    scale, margin = limit
    sign = -1.0 if low_is_worse else 1.0
    tolerated = rest + sign * margin if scale == "difference" else rest * margin**-sign
    for side in SIDES:
        boundary = margin_boundary(side, low_is_worse, scale, margin)
        edge = float(boundary.edge(counted_rate(rest, boundary)))
        expected = tolerated if boundary.counts_success else 1.0 - tolerated
        assert edge == pytest.approx(min(1.0, max(0.0, expected)), abs=1e-12)


@given(st.booleans(), st.sampled_from(["difference", "ratio"]), st.floats(0.001, 0.999))
def test_a_worse_group_fails_and_a_better_one_passes(low_is_worse: bool, scale: Scale, margin: float) -> None:
    """Small counts reject, and both readings of "worse" agree on which end that is."""
    worst, best = (0, 100) if low_is_worse else (100, 0)
    assert counted_outcome(worst, 100, margin_boundary("fail", low_is_worse, scale, margin)) == 0
    assert counted_outcome(best, 100, margin_boundary("pass", low_is_worse, scale, margin)) == 0


def test_counted_outcome_keeps_or_complements() -> None:
    success, complement = Boundary(0.0, 0.8, True), Boundary(0.2, 0.8, False)
    assert counted_outcome([2, 0], [5, 0], success).tolist() == [2.0, 0.0]
    assert counted_outcome([2, 0], [5, 0], complement).tolist() == [3.0, 0.0]
    with pytest.raises(ValueError, match="counts"):
        counted_outcome(6, 5, success)


def test_impossible_margins_are_refused() -> None:
    impossible: list[tuple[Scale, float]] = [("difference", -0.1), ("difference", 1.0), ("ratio", 0.0), ("ratio", 1.2)]
    for scale, margin in impossible:
        with pytest.raises(ValueError, match="margin must satisfy"):
            margin_boundary("fail", True, scale, margin)
    with pytest.raises(ValueError, match="unknown side"):
        margin_boundary("maybe", True, "ratio", 0.8)  # type: ignore[arg-type]
    for offset, slope in ((0.0, 0.0), (0.0, -1.0), (np.nan, 1.0), (0.0, np.inf)):
        with pytest.raises(ValueError, match="finite"):
            Boundary(offset, slope, True)
