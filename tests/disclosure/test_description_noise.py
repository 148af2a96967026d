"""The noise of descriptions: its distribution, its stated error, and its cost. Chances of a false alarm: under 1e-9."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import dlaplace

from audit.disclosure.description.mechanism import SURE, OpenDP

DRAWS = 60_000
FALSE_ALARM = 1e-9
MECHANISM = OpenDP()


@pytest.mark.parametrize(("sensitivity", "epsilon"), [(1, 1.0), (1, 0.25), (5, 0.5)])
def test_noise_is_discrete_laplace_of_the_stated_scale_and_error(sensitivity: int, epsilon: float) -> None:
    noise = MECHANISM.noise(sensitivity, epsilon)
    truth = dlaplace(1.0 / noise.scale)
    drawn = np.array(noise.add([1_000] * DRAWS)) - 1_000
    # Dvoretzky, Kiefer, Wolfowitz, Massart: P(sup > d) <= 2 exp(-2 n d^2)
    bound = math.sqrt(math.log(2.0 / FALSE_ALARM) / (2.0 * DRAWS))
    places = np.arange(drawn.min() - 1, drawn.max() + 2)
    below = np.searchsorted(np.sort(drawn), places, side="right") / DRAWS
    assert np.abs(below - truth.cdf(places)).max() <= bound
    other = dlaplace(1.0 / (1.25 * noise.scale))  # the bound is narrow enough to tell another epsilon
    assert np.abs(below - other.cdf(places)).max() > bound
    beyond = math.sqrt(math.log(1.0 / FALSE_ALARM) / (2.0 * DRAWS))  # Hoeffding
    assert (np.abs(drawn) > noise.error).mean() <= 1.0 - SURE + beyond


@given(st.integers(1, 1_000), st.integers(1, 10_000))
@settings(max_examples=60, deadline=None)
def test_the_cost_is_within_epsilon_and_the_error_is_the_smallest_that_holds(
    sensitivity: int, thousandths: int
) -> None:
    epsilon = thousandths / 1_000
    noise: Any = MECHANISM.noise(sensitivity, epsilon)
    assert noise.measurement.map(sensitivity) <= epsilon
    assert sensitivity / Fraction(noise.scale) <= Fraction(epsilon)
    assert noise.scale == pytest.approx(sensitivity / epsilon, rel=1e-12)
    truth = dlaplace(1.0 / noise.scale)
    assert 2.0 * truth.sf(noise.error) <= (1.0 - SURE) * (1.0 + 1e-9)
    assert noise.error == 0 or 2.0 * truth.sf(noise.error - 1) > (1.0 - SURE) * (1.0 - 1e-9)


def test_no_draw_comes_again() -> None:
    noise = MECHANISM.noise(1, 0.1)
    counts = [500] * 400
    first, second = noise.add(counts), OpenDP().noise(1, 0.1).add(counts)
    assert first != second  # equal by chance: below 20 ** -400
    assert len(set(first)) > 1
    assert counts == [500] * 400


@pytest.mark.parametrize(("sensitivity", "epsilon"), [(0, 1.0), (1, 0.0), (1, -1.0), (1, math.nan)])
def test_noise_without_a_cost_is_refused(sensitivity: int, epsilon: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        MECHANISM.noise(sensitivity, epsilon)
