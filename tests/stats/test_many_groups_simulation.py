"""Small seeded versions of `tools/simulate/many_groups.py`: the bounds are three standard errors wide."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def driver() -> ModuleType:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    try:
        return importlib.import_module("tools.simulate.many_groups")
    finally:
        sys.path.pop(0)


def at_most(share: float, level: float, runs: int) -> bool:
    return share <= level + 3.0 * float(np.sqrt(level * (1.0 - level) / runs))


def test_groups_on_the_margin_are_not_called_beyond_it_together(driver: ModuleType) -> None:
    """The pattern that comes nearest to the level: a p-value a tenth as large as it should be is seen in it alone."""
    sizes = driver.zipf_sizes(200_000)
    measured = driver.unnamed_false(
        100, np.random.default_rng(2), sizes, "90 %", 0.1, low=False, scale="ratio", limit=0.8
    )
    assert at_most(measured.share, 0.01, measured.runs)


def test_what_nobody_could_be_named_for_is_found_together(driver: ModuleType) -> None:
    assert driver.unnamed_power(80, np.random.default_rng(3), 200_000, 10, 0.53).share >= 0.6


def test_no_more_groups_are_said_to_be_beyond_than_are(driver: ModuleType) -> None:
    """In the first setting a level of 10 % instead of 1 % is seen; with more groups one of 30 % is not."""
    groups, size, every, low = driver.AT_LEAST[0]
    sizes = driver._beside_large(groups, size)
    too_many, two, quarter = driver.at_least(150, np.random.default_rng(7), sizes, every, low)
    assert at_most(too_many.share, 0.01, 150)
    assert two.share >= 0.9
    assert quarter.share >= 0.5


def test_edges_are_where_they_should_be(driver: ModuleType) -> None:
    """Each group on the edge lies on it to its own rest, which the simulations take for granted."""
    boundary = driver.margin_boundary("fail", False, "ratio", 0.8)
    sizes = driver.zipf_sizes(2_000)
    chosen = driver.patterns(200)["half"]
    rates = driver.rates_on_edge(sizes, chosen, 0.9, boundary)
    rest = ((sizes * rates).sum() - sizes * rates) / (sizes.sum() - sizes)
    assert rates[chosen] == pytest.approx(boundary.edge(rest)[chosen], rel=1e-12)
    assert (rates[~chosen] > boundary.edge(rest)[~chosen]).all()
    with pytest.raises(ValueError, match="would be needed"):
        driver.rates_on_edge(
            sizes, driver.patterns(200)["90 %"], 0.9, driver.margin_boundary("fail", True, "ratio", 0.8)
        )


@pytest.mark.parametrize(("groups", "rate"), [(22, 0.1), (60, 0.7)])
def test_equal_rates_are_found_unequal_at_most_at_the_level(driver: ModuleType, groups: int, rate: float) -> None:
    measured = driver.equality_size(300, np.random.default_rng(4), driver.zipf_sizes(20 * groups, groups), rate)
    assert at_most(measured.share, 0.05, measured.runs)


@pytest.mark.parametrize(
    ("groups", "size", "rate", "deviation"),
    [(4, 10, 0.1, 0.0), (4, 300, 0.7, 0.05), (22, 30, 0.1, 0.1), (200, 10, 0.7, 0.02), (200, 300, 0.1, 0.05)],
)
def test_the_spread_lies_in_its_interval(
    driver: ModuleType, groups: int, size: int, rate: float, deviation: float
) -> None:
    sizes = np.full(groups, size)
    measured = driver.spread_covers(400, np.random.default_rng(5), f"{size} each", sizes, rate, deviation)
    assert at_most(1.0 - measured.share, 0.06, measured.runs)


@pytest.mark.parametrize(("place", "rate"), [(1, 0.7), (3, 0.1)])
def test_whole_audits_with_difference_margins_and_two_sides(driver: ModuleType, place: int, rate: float) -> None:
    limit = driver.LIMITS[place]
    world = driver.on_limit(20_000, rate, limit)
    fails, *passes = driver.ladder_errors(4, np.random.default_rng(6), "half on it", world, limit, rate)
    assert at_most(fails.share, 0.05, fails.runs)
    for measured in passes:
        assert at_most(measured.share, 0.05, measured.runs)


def test_worlds_on_the_limit_hold_groups_on_it_and_none_beyond(driver: ModuleType) -> None:
    for limit, rate in ((driver.LIMITS[0], 0.1), (driver.LIMITS[2], 0.7), (driver.LIMITS[4], 0.7)):
        world = driver.on_limit(20_000, rate, limit)
        beyond, on_or_beyond = driver._truth(world, limit.plan(rate))
        countries = {group for group in on_or_beyond if len(group.levels) == 1 and group.levels[0].rung == "country"}
        assert not {group for group in beyond if group in countries}
        assert len(countries) == 100
