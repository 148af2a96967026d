"""Small seeded versions of the simulations in ``tools/simulate/``: the bounds are three standard errors wide."""

from __future__ import annotations

import numpy as np
import pytest

from audit.stats.boundaries import Scale
from tools.simulate import families
from tools.simulate.families import NAMES_LEVEL, RATIO, zipf_sizes
from tools.simulate.table import LARGE_FAMILIES


def at_most(share: float, level: float, runs: int) -> bool:
    return share <= level + 3.0 * float(np.sqrt(level * (1.0 - level) / runs))


def test_equal_detector_is_not_accused_and_the_four_fifths_rule_accuses_it() -> None:
    measured = families.alike(120, np.random.default_rng(1), 20_000, 0.7)
    assert at_most(measured["any FAIL"].share, 0.01, 120)
    assert measured["four-fifths alarm"].share >= 0.97


@pytest.mark.parametrize("cases", [2_000, 20_000])
def test_half_on_the_margin(cases: int) -> None:
    rng = np.random.default_rng(2)
    measured = families.errors(150, rng, zipf_sizes(cases), "half", 0.7, method="discarding")
    assert at_most(measured["any FAIL"].share, 0.045, 150)


@pytest.mark.parametrize(("groups", "cases"), [(20, 10), (22, 30)])
def test_half_of_a_small_family_on_the_margin(groups: int, cases: int) -> None:
    """Here charging groups for counts attainable elsewhere gave 9.9 % and 8.6 % (800 runs)."""
    measured = families.errors(300, np.random.default_rng(3), np.full(groups, cases), "half")
    assert at_most(measured["any FAIL"].share, 0.045, 300)


@pytest.mark.parametrize("place", [2, 4])
def test_large_groups_on_the_margin_are_named_at_most_at_the_level(place: int) -> None:
    """With discarding 3.7 to 4.5 % of families of 20 to 22 large groups named one by mistake at 3.75 %.

    A difference of that size is for `make simulate`: 150 families show an error of 12 % with a chance of 92 %, and 300
    would show one of 10 % with 95 %.
    """
    measured = families.errors(150, np.random.default_rng(6), **LARGE_FAMILIES[place])
    assert measured["any name"].note == "any_dependence"
    assert at_most(measured["any name"].share, NAMES_LEVEL, 150)
    assert at_most(measured["any FAIL"].share, 0.045, 150)


@pytest.mark.parametrize(
    ("cases", "rate", "scale", "margin"), [(100, 0.7, "ratio", 0.8), (300, 0.9, "difference", 0.05)]
)
def test_false_pass(cases: int, rate: float, scale: Scale, margin: float) -> None:
    (measured,) = families.false_pass(2_000, np.random.default_rng(4), cases, rate, scale, margin).values()
    assert at_most(measured.share, 0.05, 2_000)
    assert measured.share >= 0.03


def test_one_bad_group_is_found() -> None:
    """Planned: 76 % (600 runs, standard error 1.7)."""
    (measured,) = families.one_bad_group(250, np.random.default_rng(5), 100).values()
    assert 0.65 <= measured.share <= 0.82


def test_groups_on_the_margin_really_are() -> None:
    sizes = zipf_sizes(20_000)
    on_margin = np.arange(sizes.size) % 2 == 0
    rates = families.rates_on_edge(sizes, 0.7, (on_margin, RATIO))
    total = (sizes * rates).sum()
    rest = (total - sizes * rates) / (sizes.sum() - sizes)
    assert rates[on_margin] == pytest.approx(0.8 * rest[on_margin], abs=1e-12)
    assert (rates[~on_margin] > rest[~on_margin]).all()
    with pytest.raises(ValueError, match="would be needed"):
        families.rates_on_edge(sizes, 0.95, (on_margin, RATIO))
