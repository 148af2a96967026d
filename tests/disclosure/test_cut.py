"""Rows hold everybody once, each at least T people, and say nothing of anybody else."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audit.disclosure.cut import Row, cut, totals, unite
from audit.stats.arrays import IntArray
from tools.attack.world import small_ladders

SIZES = st.lists(st.sampled_from([0, 1, 5, 9, 10, 15, 19, 20, 21, 40, 300]), min_size=9, max_size=9)
GENDER, NATIONALITY = small_ladders(9, 8, 3)  # eight countries, and those of no list


def people_of(row: Row, sizes: IntArray) -> int:
    return int(sizes[list(row.members)].sum())


@given(SIZES)
def test_every_row_has_t_people_and_everybody_stands_once(sizes: list[int]) -> None:
    people = np.array(sizes)
    for ladder in (GENDER, NATIONALITY):
        rows = cut(ladder, people, 20, 10)
        assert len(rows) != 1
        if rows:
            assert sorted(itertools.chain.from_iterable(row.members for row in rows)) == list(range(9))
            assert all(people_of(row, people) >= 20 for row in rows)


@given(SIZES)
def test_a_level_of_t_people_has_its_name_unless_the_rest_needed_it(sizes: list[int]) -> None:
    people = np.array(sizes)
    for row in cut(NATIONALITY, people, 20, 10):
        if row.kind == "level":
            assert people[row.members[0]] >= 20
        elif any(people[at] >= 20 for at in row.members):
            assert row.rung == ""
            assert people_of(row, people) >= 30


@given(SIZES)
def test_a_total_is_the_sum_of_rows_of_its_own(sizes: list[int]) -> None:
    rows = cut(NATIONALITY, np.array(sizes), 20, 10)
    seen = set()
    for total in totals(NATIONALITY, rows):
        inside = frozenset(row for row in rows if set(row.members) <= set(total.members))
        assert 2 <= len(inside) < len(rows)
        assert set(itertools.chain.from_iterable(row.members for row in inside)) == set(total.members)
        assert inside not in seen
        seen.add(inside)


@given(SIZES, SIZES)
def test_rows_of_a_later_release_only_unite(before: list[int], after: list[int]) -> None:
    people = np.array(after)
    rows = cut(NATIONALITY, np.array(before), 20, 10)
    later = unite(NATIONALITY, rows, people, 15)
    assert len(later) != 1
    for row in later:
        assert people_of(row, people) >= 15
        for old in rows:
            assert set(old.members) <= set(row.members) or not set(old.members) & set(row.members)


def test_who_replays_the_algorithm_learns_of_nobody_below_the_floor() -> None:
    """All tables of a small world, by what is printed of them with exact numbers: floor 2, rows of 4 people."""
    _, ladder = small_ladders(1, 4, 2)
    most = 7
    seen: dict[tuple[tuple[Row, int], ...], list[tuple[int, ...]]] = defaultdict(list)
    for sizes in itertools.product(range(most + 1), repeat=5):
        people = np.array(sizes)
        seen[tuple((row, people_of(row, people)) for row in cut(ladder, people, 4, 2))].append(sizes)
    asked = 0
    for rows, tables in seen.items():
        if not rows or any(total > most for _, total in rows):  # some tables that print it lie outside of the world
            continue
        for at, values in enumerate(map(set, zip(*tables, strict=True))):
            asked += 1
            assert max(values) >= 2, (rows, at)
            assert min(values) >= 2 or len(values) >= 2, (rows, at)
    assert asked > 500
