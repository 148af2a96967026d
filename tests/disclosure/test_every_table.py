"""Every table that could have been printed so: each hidden count keeps all values of its band.

The floor is 3 in the place of 10, so that all tables can be listed. A table could have been printed so if the method
prints the same kinds of rows of it, and every number is within the largest change. Then people: who knows the method,
and every printed number exactly, finds nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations_with_replacement, product
from typing import NamedTuple

import numpy as np
import pytest

from audit.disclosure.method import method_of
from audit.stats.arrays import BoolArray, IntArray
from tools.attack.world import Printed, Publisher, first_rows, small_ladders

METHOD = method_of(3)
Kinds = tuple[tuple[str, str | None, int | None], ...]


class World(NamedTuple):
    """Cells with all numbers of errors up to `most`, and people enough that only errors can be few."""

    genders: int
    countries: int
    places: int
    most: int
    people: int = 30

    def tables(self) -> Iterator[IntArray]:
        """int64[genders, countries, 2]: errors and right answers of each cell; nobody is of a country of no list."""
        shape = self.genders, self.countries
        for errors in product(range(self.most + 1), repeat=self.genders * self.countries):
            cells = np.zeros((self.genders, self.countries + 1, 2), dtype=np.int64)
            cells[:, :-1, 0] = np.reshape(errors, shape)
            cells[:, :-1, 1] = self.people - cells[:, :-1, 0]
            yield cells


class Release(NamedTuple):
    """What was printed of a table."""

    cells: IntArray
    rows: list[Printed]

    def kinds(self) -> Kinds:
        """Kind of each row: a number, or a bound."""
        return tuple((row.key, row.few, row.fewer_than) for row in self.rows)

    def errors(self) -> IntArray:
        """int64[rows]: exact errors of each row. Right answers are never few here."""
        return np.array([self.cells[row.members, 0].sum() for row in self.rows])


def published(world: World, keys: int) -> Iterator[Release]:
    """Releases in which no outcome is withheld: where one is, differs by key."""
    ladders = small_ladders(world.genders, world.countries, world.places)
    for cells, key in product(world.tables(), range(keys)):
        rows = Publisher(ladders, bytes([key]) * 32, METHOD).release(cells)
        if all(row.errors is not None or row.few is not None for row in rows):
            yield Release(cells, rows)


def left_out(world: World, keys: int) -> tuple[int, int]:
    """Count the bounds of 3 in all releases, and those that leave out one of 0 to 2.

    Releases whose numbers could be of tables that are not listed are used as tables, and not asked about.
    """
    alike = defaultdict[Kinds, list[Release]](list)
    for release in published(world, keys):
        alike[release.kinds()].append(release)
    bounds = closed = 0
    for group in alike.values():
        rows = group[0].rows
        bounded = [index for index, row in enumerate(rows) if row.fewer_than == METHOD.floor]
        numbers = [index for index, row in enumerate(rows) if row.errors is not None]
        errors = np.array([release.errors() for release in group])
        printed = np.array([[row.errors or 0 for row in release.rows] for release in group])[:, numbers]
        is_cell = [index for index, number in enumerate(numbers) if rows[number].members[:, :-1].sum() == 1]
        for near in np.unique(printed, axis=0):
            if np.any(near[is_cell] + METHOD.largest > world.most):
                continue
            possible = np.all(np.abs(errors[:, numbers] - near) <= METHOD.largest, axis=1)
            for index in bounded:
                bounds += 1
                closed += not set(errors[possible, index].tolist()).issuperset(range(METHOD.floor))
    return bounds, closed


@pytest.mark.parametrize(
    ("world", "keys"),
    [(World(1, 2, 1, 9), 4), (World(1, 3, 1, 7), 2), (World(1, 4, 2, 6), 1)],
    ids=["two parts", "three parts", "nested"],
)
def test_every_count_below_a_bound_is_in_a_table_that_prints_the_same(world: World, keys: int) -> None:
    bounds, closed = left_out(world, keys)
    assert bounds > 10
    assert closed == 0


@pytest.mark.parametrize("errors", [(7, 9), (2, 1), (0, 0), (9, 9)])
def test_a_sum_of_two_parts_with_few_errors_says_the_same_whatever_it_is(errors: tuple[int, int]) -> None:
    """Else "fewer than 20" is said from 10 on, and tells that neither part has none."""
    cells = np.zeros((1, 3, 2), dtype=np.int64)
    cells[0, :2] = [(few, 60 - few) for few in errors]
    rows = Publisher(small_ladders(1, 2, 1), bytes(32)).release(cells)
    assert [(row.few, row.fewer_than) for row in rows] == [("errors", 20), ("errors", 10), ("errors", 10)]


class People(NamedTuple):
    """Cells with all numbers of people that make no more than `most` together."""

    genders: int
    countries: int
    places: int
    most: int

    def tables(self) -> IntArray:
        """int64[tables, genders * countries]."""
        cells = self.genders * self.countries
        bars = np.array(list(combinations_with_replacement(range(self.most + 1), cells)), dtype=np.int64)
        return np.diff(bars, axis=1, prepend=0)


def replayed(small: People, *, others: bool = True) -> tuple[int, int, int]:
    """Return the tables with rows, the numbers asked for, and those learnt. `others=False` breaks the method."""
    ladders = small_ladders(small.genders, small.countries, small.places)
    tables, kinds = small.tables(), defaultdict[tuple[object, ...], list[int]](list)
    for at, table in enumerate(tables):
        cells = np.zeros((small.genders, small.countries + 1, 2), dtype=np.int64)
        cells[:, :-1, 0] = table.reshape(small.genders, small.countries)
        rows = first_rows(ladders, cells, METHOD) if others else _plain(cells)
        if rows:
            kinds[tuple((key, int(cells[members].sum())) for key, members in rows)].append(at)
    unions = np.array([union for union in product((0, 1), repeat=tables.shape[1]) if any(union)])
    questions = learnt = 0
    for places in kinds.values():
        sums = tables[places] @ unions.T
        ordered = np.sort(sums, axis=0)
        values = 1 + (np.diff(ordered, axis=0) > 0).sum(axis=0)
        questions += len(unions)
        learnt += int(((values < METHOD.floor) & (ordered[0] < METHOD.floor)).sum())
    return sum(map(len, kinds.values())), questions, learnt


def _plain(cells: IntArray) -> list[tuple[str, BoolArray]]:
    """Rows of every country of at least k people, and of everyone: a cut without others to hide in."""
    people = cells.sum(axis=(0, 2))
    shown = [np.arange(people.size) == at for at in np.flatnonzero(people >= METHOD.floor)]
    masks = [np.ones(cells.shape[:2], dtype=bool), *(np.outer(np.ones(len(cells), bool), country) for country in shown)]
    return [(str(mask.tobytes()), mask) for mask in masks] if people.sum() >= METHOD.row else []


@pytest.mark.parametrize(
    "small",
    [People(1, 3, 1, 27), People(1, 4, 2, 20), People(1, 5, 2, 16), People(2, 2, 1, 22), People(2, 3, 2, 15)],
    ids=str,
)
def test_who_replays_the_method_learns_of_nobody(small: People) -> None:
    """People of any union of genders crossed with countries, by every printed number exactly."""
    _, questions, learnt = replayed(small)
    assert questions > 30
    assert learnt == 0
    assert replayed(small, others=False)[2] > 0
