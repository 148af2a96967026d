"""The nearest value that clusters can decide: the secant's short way comes to the end of all halvings."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.cluster_power import _STEPS, _first, _over

Excess = Callable[[float], float]
SHAPES: dict[str, Excess] = {
    "smooth": lambda way: -math.expm1(3.0 * way),
    "steep": lambda way: -690.0 * way if way > 0.0 else -way,
    "flat above and below": lambda way: math.copysign(min(abs(way), 0.01), -way),
    "a jump": lambda way: 700.0 if way < 0.0 else -1e-9,
    "a jump to the level itself": lambda way: 1.0 if way < 0.0 else 0.0,
}


def halved(excess: Excess, start: float, end: float) -> float:
    for _ in range(_STEPS):
        middle = (start + end) / 2.0
        start, end = (start, middle) if excess(middle) <= 0.0 else (middle, end)
    return end


@pytest.mark.parametrize("shape", SHAPES)
@given(start=st.floats(0.01, 0.99), end=st.sampled_from([0.0, 1.0]), share=st.floats(0.001, 0.999))
def test_it_is_the_end_of_all_halvings_to_the_last_bit(shape: str, start: float, end: float, share: float) -> None:
    crossing = start + share * (end - start)

    def excess(value: float) -> float:
        return SHAPES[shape]((value - crossing) / (end - start))

    assert _first(excess, start, end) == halved(excess, start, end)


def test_a_smooth_crossing_takes_less_than_half_of_the_questions() -> None:
    asked: list[float] = []

    def excess(value: float) -> float:
        asked.append(value)
        return -math.expm1(30.0 * (value - 0.3))

    assert _first(excess, 0.1, 1.0) == pytest.approx(0.3, abs=1e-11)
    assert len(asked) < _STEPS / 2


def test_what_is_enough_at_once_or_never() -> None:
    assert _first(lambda _: 0.0, 0.2, 1.0) == 0.2
    assert _first(lambda _: 1.0, 0.2, 1.0) is None


def test_a_chance_above_the_level_by_one_rounding_is_above_it() -> None:
    level = 0.05
    assert _over(level, level) <= 0.0
    assert _over(math.nextafter(level, 1.0), level) > 0.0
    assert _over(math.nextafter(level, 0.0), level) <= 0.0
    assert _over(0.0, level) < -600.0
