"""Counts that change places with each other have the same bounds: the attack may look at one of them for all."""

from __future__ import annotations

import numpy as np
import pytest
from made.disclosure import SECRET, made_counts, made_lattice, made_method

from audit.disclosure.exact import exact_counts
from audit.disclosure.lattice import Lattice
from audit.disclosure.linear import SideSystem, attack_side, bound, side_system
from audit.disclosure.propagation import propagate
from audit.disclosure.protect import protect
from audit.disclosure.view import Bounds, ranges

LATTICE, METHOD = made_lattice(8, 2, 1), made_method()


def printed(lattice: Lattice, rows: int, countries: int) -> Bounds:
    counts = made_counts(rows, 5, countries=countries)
    return ranges(protect(exact_counts(lattice, counts, SECRET), METHOD).seen.view, METHOD)


def without_symmetry(system: SideSystem) -> SideSystem:
    return SideSystem(
        system.rows,
        system.low,
        system.high,
        system.nodes,
        system.columns,
        np.arange(system.same.size),
        np.ones_like(system.few),
    )


@pytest.mark.parametrize("place", [0, 1])
def test_counts_that_change_places_have_the_same_bounds(place: int) -> None:
    system = side_system(LATTICE, printed(LATTICE, 600, 4), place)
    moved = np.flatnonzero(system.same != np.arange(system.same.size))
    assert moved.size > 20  # four countries of eight are in no case of the set
    for row in np.random.default_rng(1).choice(moved, 12, replace=False):
        first = int(system.same[row])
        assert system.columns[row] == system.columns[first]
        assert bound(system, int(row)) == pytest.approx(bound(system, first))


@pytest.mark.parametrize("shown", [False, True])
def test_the_attack_finds_the_same_with_it_as_without_it(shown: bool) -> None:
    bounds = printed(LATTICE, 600, 4)
    if shown:  # everyone and all genders but one exactly: what is left for one group is told
        tell_a_gender(bounds)
    system, found = side_system(LATTICE, bounds, 0), propagate(LATTICE, bounds)
    asked = found.low[system.nodes, system.columns] < METHOD.floor
    with_it, without = (attack_side(one, METHOD.floor, asked) for one in (system, without_symmetry(system)))
    assert sorted(with_it.told) == sorted(without.told)
    assert bool(with_it.told) == shown
    assert with_it.by_table + with_it.by_bound + len(with_it.told) == int(asked.sum())
    assert with_it.solved < without.solved


def tell_a_gender(bounds: Bounds) -> None:
    """Print that the people of a gender, whose nationalities are all hidden, are 4 at most."""
    family = LATTICE.families.index((0, None))
    smallest = LATTICE.offsets[family] + 1  # non-binary people
    bounds.low[smallest, 0], bounds.high[smallest, 0] = 0, 4


def test_a_level_of_which_something_else_is_printed_keeps_its_place() -> None:
    bounds = printed(LATTICE, 600, 4)
    system = side_system(LATTICE, bounds, 0)
    rows = np.flatnonzero((system.same != np.arange(system.same.size)) & (system.columns == 0))
    row = int(rows[0])
    bounds.high[system.nodes[row], 0] = 3
    changed = side_system(LATTICE, bounds, 0)
    assert changed.same[row] == row
