from __future__ import annotations

import ast
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reports
from audit.vocabulary.numbers import frequencies
from reports.numbers import Numbers

NUMBERS = Numbers()
REPORTS = Path(reports.__file__).parent
DRAWINGS = (
    "figures/sheet.py", "html/charts.py", "html/funnel.py", "html/remedies.py", "pdf/drawings.py", "portal/views.py",
)  # fmt: skip
"""They round where a line or a mark stands, which nobody reads as a number, and label axes at round numbers."""
shares = st.floats(0, 1, allow_nan=False)


def number(shown: str) -> float:
    return float(shown.strip("<>%").replace(",", ""))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.004, "0.4%"),
        (0.996, "99.6%"),
        (0.0001, "<0.1%"),
        (0.9999, ">99.9%"),
        (0.474, "47%"),
        (0.475, "48%"),
        (None, "—"),
    ],
)
def test_a_percentage_is_whole_and_never_says_all_or_none_unless_it_is(value: float | None, shown: str) -> None:
    assert NUMBERS.percent(value) == shown


@given(shares, st.integers(0, 3))
def test_all_and_none_are_written_for_exactly_all_and_none(value: float, digits: int) -> None:
    shown = NUMBERS.percent(value, digits=digits)
    assert (number(shown) == 100 and shown[0] != ">") == (value == 1)
    assert (number(shown) == 0 and shown[0] != "<") == (value == 0)
    assert abs(number(shown) / 100 - value) <= 10.0 ** -(digits + 2)


@given(shares, shares)
def test_a_value_never_looks_like_the_limit_it_is_not(value: float, limit: float) -> None:
    shown = NUMBERS.percent(value, against=limit)
    if abs(value - limit) > 1e-5:
        assert shown != NUMBERS.percent(limit, digits=len(shown.partition(".")[2].rstrip("%")))


def test_a_rate_just_under_the_limit_shows_a_further_digit() -> None:
    assert NUMBERS.percent(0.796, against=0.8) == "79.6%"
    assert NUMBERS.percent(0.79996, against=0.8) == "79.996%"
    assert NUMBERS.percent(0.8, against=0.8) == "80%"
    assert NUMBERS.percent(0.7, against=0.8) == "70%"


def test_ranges_ratios_and_differences() -> None:
    assert NUMBERS.percent_range(0.0, 0.278) == "0–28%"
    assert NUMBERS.percent_range(0.004, 1.0) == "0.4–100%"
    assert NUMBERS.percent_range(None, None) == "—"
    assert NUMBERS.points_with_range(-0.241, -0.302, -0.175) == "−24.1 (−30.2 … −17.5)"
    assert NUMBERS.points_with_range(None, None, None) == "—"
    assert NUMBERS.ratio_with_range(0.66, 0.58, None) == "0.66 (0.58 … ∞)"
    assert NUMBERS.points(0.1) == "10"
    assert NUMBERS.points(0.025) == "2.5"
    assert NUMBERS.plain(1 / 0.8) == "1.25"
    assert NUMBERS.probability(0.00321428) == "0.00321"
    assert NUMBERS.probability(1e-15) == "<1e-12"
    assert NUMBERS.probability(None) == "—"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (7.4, "7"), (47, "47"), (137, "140"), (824, "820"), (63_914, "64,000"), (99.6, "100")],
)
def test_an_estimate_has_two_significant_digits(value: float, shown: str) -> None:
    assert NUMBERS.about(value) == shown


def test_another_language_has_its_own_signs() -> None:
    french = Numbers(decimal=",", group="\u202f", percent_pattern="{}\u00a0%")
    assert french.percent(0.796, against=0.8) == "79,6\u00a0%"
    assert french.count(63914) == "63\u202f914"


@pytest.mark.parametrize(
    ("value", "other", "shown"),
    [
        (0.53, 0.21, (53, 21, 100)),
        (0.40, 0.22, (40, 22, 100)),
        (0.24, 0.22, (24, 22, 100)),
        (0.06, 0.03, (6, 3, 100)),
        (0.15, 0.47, (15, 47, 100)),
        (0.004, 0.0015, (4, 2, 1000)),
    ],
)
def test_natural_frequencies_share_the_smallest_honest_base(
    value: float, other: float, shown: tuple[int, int, int]
) -> None:
    mine, theirs = frequencies(value, other)
    assert theirs is not None
    assert (mine.count, theirs.count, mine.base) == shown


def test_a_half_of_a_natural_frequency_is_rounded_upwards() -> None:
    assert [frequencies(share, None)[0].count for share in (0.245, 0.445, 0.645, 0.845)] == [25, 45, 65, 85]


def test_none_all_and_nearly_so_are_told_apart() -> None:
    assert frequencies(0.0, 0.2)[0].kind == "exactly"
    assert frequencies(1.0, 0.2)[0].kind == "exactly"
    assert frequencies(0.0001, 0.2)[0].kind == "below"
    assert frequencies(0.9999, 0.2)[0].kind == "above"


@given(shares, shares)
def test_a_frequency_is_never_none_or_all_unless_it_is(value: float, other: float) -> None:
    for share, shown in zip((value, other), frequencies(value, other), strict=True):
        assert shown is not None
        assert (shown.kind == "exactly") == (share in (0, 1))
        if shown.kind == "about":
            assert 0 < shown.count < shown.base
            assert math.isclose(shown.count / shown.base, share, abs_tol=0.5 / shown.base + 1e-9)


@given(shares, shares)
def test_two_shares_that_differ_are_told_apart_where_thousandths_can(value: float, other: float) -> None:
    mine, theirs = frequencies(value, other)
    assert theirs is not None
    if abs(value - other) > 0.001:
        assert (mine.count, mine.kind) != (theirs.count, theirs.kind)


HALVES = [
    (NUMBERS.percent(0.285), "29%"),
    (NUMBERS.percent(0.0625, digits=1), "6.3%"),
    (NUMBERS.ratio(0.125), "0.13"),
    (NUMBERS.ratio(1.005), "1.01"),
    (NUMBERS.points_with_range(-0.0625, -0.1875, 0.0625), "−6.3 (−18.8 … +6.3)"),
    (NUMBERS.points_to_a_tenth(0.0625), "6.3"),
    (NUMBERS.fixed(0.00125, 4), "0.0013"),
    (NUMBERS.signed(0.125, 2), "+0.13"),
    (NUMBERS.signed(-0.125, 2), "−0.13"),
    (NUMBERS.significant(1.0625, 4), "1.063"),
    (NUMBERS.significant(-12.345e-9, 4), "−1.235e−08"),
    (NUMBERS.probability(0.00001225), "1.23e-05"),
    (NUMBERS.whole(12.5), "13"),
    (NUMBERS.whole(-1204.5), "−1,205"),
    (NUMBERS.of(100, 0.285), "29"),
    (NUMBERS.of(1000, 0.0125), "13"),
    (NUMBERS.about(0.5), "1"),
    (NUMBERS.about(125), "130"),
    (NUMBERS.about(99.5), "100"),
    (NUMBERS.about(12_500.0), "13,000"),
]
"""What is printed of a number that ends in a half, and what a reader would make of it."""


@pytest.mark.parametrize(("shown", "rounded"), HALVES)
def test_a_half_is_rounded_away_from_zero_in_every_form(shown: str, rounded: str) -> None:
    assert shown == rounded


@given(st.floats(-1e12, 1e12, allow_nan=False), st.integers(0, 4))
def test_a_rounded_number_is_within_half_a_digit(value: float, digits: int) -> None:
    shown = float(NUMBERS.signed(value, digits).replace("−", "-"))
    assert abs(shown - value) <= 0.5000001 * 10.0**-digits + 1e-12 * abs(value)


@given(st.floats(-1e308, 1e308, allow_nan=False))
def test_any_finite_number_can_be_told(value: float) -> None:
    assert float(NUMBERS.significant(value, 4).replace("−", "-")) == pytest.approx(value, rel=5.1e-4)
    assert NUMBERS.fixed(value, 4)
    assert NUMBERS.whole(value)


def rounds_itself(node: ast.AST) -> bool:
    """Whether this rounds a number without `reports.numbers`: `round`, or a format with a precision."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "round"
    if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
        return any(isinstance(part, ast.Constant) and "." in str(part.value) for part in node.format_spec.values)
    return False


def test_figures_of_reports_are_rounded_in_one_place() -> None:
    """A half would else be rounded to the even digit on one page and upwards on the next."""
    files = [path for path in REPORTS.rglob("*.py") if path.relative_to(REPORTS).as_posix() not in DRAWINGS]
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in files if path.name != "numbers.py"}
    assert [str(path) for path, tree in trees.items() if any(map(rounds_itself, ast.walk(tree)))] == []


def test_a_half_is_rounded_upwards_in_every_report() -> None:
    """As `audit.public.figures` does: else one share would read 12% in one file and 13% in another."""
    for share, shown in ((0.125, "13%"), (0.015, "2%"), (0.045, "5%"), (0.475, "48%"), (0.985, "99%")):
        assert Numbers().percent(share) == shown
