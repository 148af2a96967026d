"""Shares in the terminal: half up, never onto a limit that they miss, and all or none only where that is true."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.vocabulary.numbers import exact_percent, percent

SHARES = st.floats(0, 1, allow_subnormal=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (0.0, "0%"), (1e-9, "<0.1%"), (0.0026, "0.3%"), (0.0046, "0.5%"), (0.006, "0.6%"), (0.01, "1%"),
        (0.5, "50%"), (0.99, "99%"), (0.994, "99.4%"), (0.996, "99.6%"), (1 - 1e-9, ">99.9%"), (1.0, "100%"),
    ],
)  # fmt: skip
def test_all_and_none_are_written_only_where_they_are_true(value: float | None, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize("half", [0.015, 0.125, 0.145, 0.285, 0.575, 0.625])
def test_a_half_is_rounded_up(half: float) -> None:
    assert percent(half) == f"{int(half * 1000 + 5) // 10}%"


@pytest.mark.parametrize(
    ("share", "limit", "text"),
    [
        (0.796, 0.8, "79.6%"), (0.79996, 0.8, "79.996%"), (0.8, 0.8, "80%"), (0.804, 0.8, "80.4%"),
        (0.79, 0.8, "79%"), (0.7975, 0.798, "79.75%"), (0.0051, 0.005, "0.51%"),
        (0.996, 1.0, "99.6%"), (1.0, 1.0, "100%"),
    ],
)  # fmt: skip
def test_a_share_never_rounds_onto_the_limit_it_is_compared_with(share: float, limit: float, text: str) -> None:
    assert percent(share, against=limit) == text


@given(SHARES, SHARES)
def test_a_share_is_seen_on_its_own_side_of_the_limit(share: float, limit: float) -> None:
    text = percent(share, against=limit)
    if text[0] not in "<>":
        shown, asked = Decimal(text.rstrip("%")), Decimal(exact_percent(limit).rstrip("%"))
        assert (shown > asked, shown < asked) == (share > limit, share < limit)


@pytest.mark.parametrize(
    ("share", "text"), [(0.8, "80%"), (0.795, "79.5%"), (1.0, "100%"), (0.0, "0%"), (0.1, "10%"), (0.07, "7%")]
)
def test_a_share_of_the_plan_has_all_its_digits(share: float, text: str) -> None:
    assert exact_percent(share) == text
