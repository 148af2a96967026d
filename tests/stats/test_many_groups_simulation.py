"""Small seeded versions of `tools.simulate --only many_groups`: the bounds are three standard errors wide."""

from __future__ import annotations

import numpy as np
import pytest

from audit.stats.boundaries import margin_boundary
from tools.simulate import families, ladders
from tools.simulate.families import on_limit, rates_on_edge, zipf_sizes
from tools.simulate.table import LADDER_LIMITS


def at_most(share: float, level: float, runs: int) -> bool:
    return share <= level + 3.0 * float(np.sqrt(level * (1.0 - level) / runs))


def test_groups_on_the_margin_are_not_called_beyond_it_together() -> None:
    """The pattern that comes nearest to the level: a p-value a tenth as large as it should be is seen in it alone."""
    (measured,) = families.unnamed_false(
        100, np.random.default_rng(2), zipf_sizes(200_000), "90 %", 0.1, low=False, scale="ratio", limit=0.8
    ).values()
    assert at_most(measured.share, 0.01, measured.trials)


def test_what_nobody_could_be_named_for_is_found_together() -> None:
    (measured,) = families.unnamed_power(80, np.random.default_rng(3), 200_000, 10, 0.53).values()
    assert measured.share >= 0.6


def test_no_more_groups_are_said_to_be_beyond_than_are() -> None:
    """In this world a level of 10 % instead of 1 % is seen; with more groups one of 30 % is not."""
    measured = families.at_least(150, np.random.default_rng(7), 60, 100, 10, 0.2)
    assert at_most(measured["too many said to be beyond"].share, 0.01, 150)
    assert measured["at least two"].share >= 0.9
    assert measured["at least a quarter of them"].share >= 0.5


def test_edges_are_where_they_should_be() -> None:
    """Each group on the edge lies on it to its own rest, which the simulations take for granted."""
    boundary = margin_boundary("fail", False, "ratio", 0.8)
    sizes = zipf_sizes(2_000)
    chosen = on_limit(200, "half")
    rates = rates_on_edge(sizes, 0.9, (chosen, boundary))
    rest = ((sizes * rates).sum() - sizes * rates) / (sizes.sum() - sizes)
    assert rates[chosen] == pytest.approx(boundary.edge(rest)[chosen], rel=1e-12)
    assert (rates[~chosen] > boundary.edge(rest)[~chosen]).all()
    with pytest.raises(ValueError, match="would be needed"):
        rates_on_edge(sizes, 0.9, (on_limit(200, "90 %"), margin_boundary("fail", True, "ratio", 0.8)))


@pytest.mark.parametrize(("groups", "rate"), [(22, 0.1), (60, 0.7)])
def test_equal_rates_are_found_unequal_at_most_at_the_level(groups: int, rate: float) -> None:
    sizes = zipf_sizes(20 * groups, groups)
    (measured,) = families.equality_size(300, np.random.default_rng(4), sizes, rate).values()
    assert at_most(measured.share, 0.05, measured.trials)


@pytest.mark.parametrize(
    ("groups", "size", "rate", "deviation"),
    [(4, 10, 0.1, 0.0), (4, 300, 0.7, 0.05), (22, 30, 0.1, 0.1), (200, 10, 0.7, 0.02), (200, 300, 0.1, 0.05)],
)
def test_the_spread_lies_in_its_interval(groups: int, size: int, rate: float, deviation: float) -> None:
    (measured,) = families.spread_covers(400, np.random.default_rng(5), np.full(groups, size), rate, deviation).values()
    assert at_most(measured.share, 0.06, measured.trials)


@pytest.mark.parametrize(("place", "rate"), [(1, 0.7), (3, 0.1)])
def test_whole_audits_with_difference_margins_and_two_sides(place: int, rate: float) -> None:
    world = ladders.on_limit(20_000, rate, LADDER_LIMITS[place])
    measured = ladders.errors(4, np.random.default_rng(6), world)
    assert measured["any false FAIL"].trials == 4
    for name, share in measured.items():
        assert at_most(share.share, 0.05, share.trials), name


def test_worlds_on_the_limit_hold_groups_on_it_and_none_beyond() -> None:
    for limit, rate in ((LADDER_LIMITS[0], 0.1), (LADDER_LIMITS[2], 0.7), (LADDER_LIMITS[4], 0.7)):
        beyond, on_or_beyond = ladders.truth(ladders.on_limit(20_000, rate, limit))
        countries = {group for group in on_or_beyond if len(group.levels) == 1 and group.levels[0].rung == "country"}
        assert not {group for group in beyond if group in countries}
        assert len(countries) == 100
