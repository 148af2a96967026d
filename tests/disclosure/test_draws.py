"""Printed numbers: never far from the exact ones, and standing until ten people or answers of their row changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from audit.disclosure.draws import MOST_DRAWS, Draw, draw_side, remembered
from audit.disclosure.tables import Cut, Entry, SideCounts, entries, first_cut, next_cut
from audit.stats.arrays import IntArray
from tools.attack.world import METHOD, realistic, small_ladders, world_ladders

KEY = bytes(32)


def one_side(cells: IntArray, *, large: bool = False) -> tuple[SideCounts, Cut, list[Entry]]:
    ladders = world_ladders() if large else small_ladders(cells.shape[0], cells.shape[1] - 1, 1)
    counts = SideCounts(ladders, (cells.sum(axis=1), cells.sum(axis=0)), cells)
    made = first_cut(counts, METHOD.row, METHOD.floor)
    assert made is not None
    return counts, made, entries(counts, made)


def two_by_four(errors: int = 50, right: int = 150) -> IntArray:
    cells = np.zeros((2, 5, 2), dtype=np.int64)
    cells[:] = errors, right  # the last country is that of no list
    return cells


def drawn(cells: IntArray, *before: dict[str, Draw], key: bytes = KEY, day: str = "1") -> dict[str, Draw]:
    counts, made, listed = one_side(cells)
    histories: dict[str, list[Draw]] = {}
    for draws in before:
        histories = remembered(histories, draws)
    return dict(draw_side("positives", counts, made, listed, histories, METHOD, key, day).draws)


@pytest.mark.parametrize("recall", [0.5, 0.8, 0.97])
def test_every_printed_number_is_within_five_of_the_exact_one(recall: float) -> None:
    cells = realistic(20_000, recall, np.random.default_rng(3))
    counts, made, listed = one_side(cells, large=True)
    of_side = draw_side("positives", counts, made, listed, {}, METHOD, KEY, "1")
    assert of_side.has_outcomes
    few = 0
    for entry in listed:
        draw = of_side.draws[entry.key]
        assert abs(draw.people - entry.people) <= 5
        assert draw.people >= 20
        if draw.few is not None:
            few += 1
            assert draw.errors is None
            assert draw.fewer_than is not None
            assert (entry.errors if draw.few == "errors" else entry.right) < draw.fewer_than
        else:
            assert draw.errors is not None
            assert abs(draw.errors - entry.errors) <= 5
            assert 10 <= draw.errors <= draw.people - 10
    assert few > 3


def test_the_same_people_print_the_same() -> None:
    first = drawn(two_by_four())
    assert drawn(two_by_four(), first, day="2") == first


def test_nine_changes_leave_what_was_printed_and_twenty_draw_it_anew() -> None:
    """Between ten and twenty the key decides, so that nobody knows which change was one too many."""
    first = drawn(two_by_four())
    row = "nationality:country=c0"
    drawn_anew = []
    for changes in range(1, 21):
        cells = two_by_four()
        cells[0, 0] += changes, -changes  # answers of c0 that were right are errors now
        later = drawn(cells, first, day="2")
        drawn_anew.append(later[row] != first[row])
        assert later["nationality:country=c1"] == first["nationality:country=c1"]
        assert later[row].people == first[row].people  # nobody came or left
    assert not any(drawn_anew[:9])
    assert drawn_anew[-1]
    assert drawn_anew == sorted(drawn_anew)


def test_the_key_decides_of_each_row_when_it_is_drawn_anew() -> None:
    least = set()
    for number in range(40):
        key = bytes([number]) * 32
        first = drawn(two_by_four(), key=key)
        for changes in range(10, 21):
            cells = two_by_four()
            cells[0, 0, 1] -= changes
            if drawn(cells, first, key=key)["everyone"] != first["everyone"]:
                least.add(changes)
                break
    assert {10, 19} <= least <= set(range(10, 20))


def test_who_leaves_changes_people_only_with_the_row() -> None:
    first = drawn(two_by_four())
    row = "nationality:country=c0"
    cells = two_by_four()
    cells[0, 0, 1] -= 9
    assert drawn(cells, first, day="2")[row] == first[row]
    cells[0, 0, 1] -= 11
    later = drawn(cells, first, day="2")[row]
    assert (later.of_people, later.number, later.day) == (380, 2, "2")
    assert abs(later.people - 380) <= 5


def test_small_changes_add_up() -> None:
    """Seven and seven and six people who leave are twenty, whatever releases lay between."""
    row, releases = "nationality:country=c0", [drawn(two_by_four())]
    left = 0
    for gone in (7, 7, 6):
        cells = two_by_four()
        left += gone
        cells[0, 0, 1] -= left
        releases.append(drawn(cells, *releases, day=str(left)))
    assert [release[row].number for release in releases][:2] == [1, 1]
    assert releases[-1][row].number >= 2


def test_what_was_printed_once_is_printed_again_of_nearly_the_same() -> None:
    """Two detectors that take turns, or people who come and leave by turns, print two numbers and no more."""
    row, releases = "nationality:country=c0", [drawn(two_by_four())]
    for turn in range(9):
        cells = two_by_four()
        cells[0, 0] += (30, -30) if turn % 2 == 0 else (0, 3)
        releases.append(drawn(cells, *releases, day=str(turn)))
    assert {release[row].number for release in releases} == {1, 2}
    assert len({(release[row].people, release[row].errors) for release in releases}) == 2


def test_outcomes_of_the_same_people_are_drawn_eight_times_at_most() -> None:
    row, releases = "nationality:country=c0", [drawn(two_by_four())]
    seen = []
    for release in range(12):
        cells = two_by_four()
        cells[:, 0] += 20 * (release + 1) // 2, -(20 * (release + 1) // 2)
        releases.append(drawn(cells, *releases, day=str(release)))
        seen.append(releases[-1][row].errors)
    assert sum(errors is not None for errors in seen) == MOST_DRAWS - 1  # and the first
    assert seen[-1] is None


def test_two_few_parts_print_no_number_that_tells_them() -> None:
    cells = np.zeros((2, 3, 2), dtype=np.int64)
    cells[:] = 7, 93
    of = drawn(cells)
    for country in ("c0", "c1"):
        parts = [of[f"gender:level=g{at},nationality:country={country}"] for at in (0, 1)]
        assert [(part.few, part.fewer_than) for part in parts] == [("errors", 10)] * 2
        whole = of[f"nationality:country={country}"]
        assert (whole.errors, whole.few, whole.fewer_than) == (None, "errors", 20)
    assert all(of[f"gender:level=g{at}"].errors is not None for at in (0, 1))  # 21 each, of three parts


def bounds_of_a_part(first: int, second: int) -> set[int | None]:
    """What a part of c0 says it has fewer errors than, under many keys, after `first` errors the release before."""
    before, now = two_by_four(), two_by_four()
    before[:, 0], now[:, 0] = ((first, 100), (0, 100)), ((second, 40), (0, 40))
    row = "gender:level=g0,nationality:country=c0"
    found: list[int | None] = []
    for key in (bytes([number]) * 32 for number in range(24)):
        said = drawn(before, key=key)
        if said[row].errors is not None or said[row].few is not None:  # else the first release said nothing of it
            found.append(drawn(now, said, key=key, day="2")[row].fewer_than)
    assert len(found) > 16
    return set(found)


def test_a_row_that_falls_below_ten_errors_or_rises_above_does_not_say_so() -> None:
    """Of the only part that changed it would tell that somebody was missed there."""
    assert bounds_of_a_part(12, 8) == {20}
    assert bounds_of_a_part(8, 12) == {20}
    assert bounds_of_a_part(12, 14) == {20, None}  # the key says it of others too, so that it tells nothing
    assert bounds_of_a_part(8, 6) == {20, 10}
    assert bounds_of_a_part(80, 14) == {None}  # nobody takes it for fallen below ten
    assert bounds_of_a_part(12, 40) == {None}


def test_another_key_draws_other_numbers_and_the_same_key_the_same() -> None:
    first = drawn(two_by_four())
    assert drawn(two_by_four()) == first
    other = drawn(two_by_four(), key=bytes([1]) * 32)
    assert sum(other[key].errors != first[key].errors for key in first) > len(first) / 2


def test_a_folder_that_was_put_back_draws_no_change_twice_for_other_people() -> None:
    """Else the difference of two releases would be exact."""
    first = drawn(two_by_four())
    changes = []
    for more in range(10, 40):
        cells = two_by_four()
        cells[0, 0, 0] += more + 10
        later = drawn(cells, first)["nationality:country=c0"]
        assert later.errors is not None
        changes.append(later.errors - 110 - more)
    assert len(set(changes)) > 4


def test_rows_below_twenty_people_print_no_outcome() -> None:
    cells = two_by_four(30, 30)
    _, made, _ = one_side(cells)
    first = drawn(cells)
    cells[:, 0] = 4, 5  # 18 people: below 20, and from 15 on the row stands
    counts = SideCounts(small_ladders(2, 4, 1), (cells.sum(axis=1), cells.sum(axis=0)), cells)
    cut = next_cut(made, counts, METHOD.keep)
    assert cut is not None
    later = draw_side("positives", counts, cut, entries(counts, cut), remembered({}, first), METHOD, KEY, "2").draws
    row = later["nationality:country=c0"]
    assert (row.errors, row.few, row.of_people) == (None, None, 18)


def test_every_draw_of_a_row_is_remembered_once_and_the_one_printed_last_is_the_last() -> None:
    one, two = drawn(two_by_four()), drawn(two_by_four(80, 150))
    key = "nationality:country=c0"
    other = replace(two[key], number=2)
    gone = remembered(remembered(remembered({}, one), {key: other}), {key: one[key]})
    assert gone[key] == [other, one[key]]
    assert gone["everyone"] == [one["everyone"]]
