"""The law of the changes: as even as it can be at its variance, and the same everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import chisquare, entropy

from audit.disclosure.method import chances_of, method_of
from audit.plan.sections import DisclosureSection


@pytest.mark.parametrize(("largest", "variance"), [(5, 6.0), (2, 3.0), (3, 6.0), (50, 6.0)])
def test_the_law_has_mean_zero_and_its_variance(largest: int, variance: float) -> None:
    chances, changes = np.array(chances_of(largest, variance)), np.arange(-largest, largest + 1)
    assert chances.sum() == pytest.approx(1.0)
    assert (chances * changes).sum() == pytest.approx(0.0, abs=1e-12)
    assert (chances * changes**2).sum() == pytest.approx(variance)


@given(st.lists(st.floats(-1.0, 1.0), min_size=11, max_size=11))
def test_no_law_of_this_variance_has_more_entropy(step: list[float]) -> None:
    """Whatever keeps total, mean and variance takes entropy away."""
    changes, law = np.arange(-5, 6), np.array(chances_of(5, 6.0))
    moments = np.stack([np.ones(11), changes, changes**2]).astype(float)
    aside = np.array(step) - moments.T @ np.linalg.lstsq(moments.T, np.array(step), rcond=None)[0]
    other = law + 0.9 * law.min() * aside / max(float(np.abs(aside).max()), 1e-9)
    assert np.allclose(moments @ other, [1.0, 0.0, 6.0])
    assert entropy(other) <= entropy(law) + 1e-12


def test_keys_give_changes_with_the_chances_of_the_law() -> None:
    method = method_of()
    keys = np.random.default_rng(1).integers(0, 2**64, 20_000, dtype=np.uint64)
    found = np.bincount([method.change(int(key)) + 5 for key in keys], minlength=11)
    assert found.size == 11
    assert chisquare(found, np.array(chances_of(5, 6.0)) * 20_000).pvalue > 0.001
    assert (method.change(0), method.change(2**64 - 1)) == (-5, 5)


def test_the_law_is_the_same_everywhere() -> None:
    assert method_of().edges[:3] == EDGES


EDGES = (131939522, 365002443, 727796976)


@pytest.mark.parametrize("floor", [2, 101])
def test_a_floor_that_protects_nobody_or_shows_nothing_is_refused(floor: int) -> None:
    with pytest.raises(ValidationError, match="floor"):
        DisclosureSection(floor=floor)
