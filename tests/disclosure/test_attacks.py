"""A slice of the attacks on public releases; `make simulate` runs them on many more sets."""

from __future__ import annotations

import numpy as np
import pytest

from tools.attack.guesses import BAR, BROKEN, INSIDERS, KINDS, POINTS, READERS, Kind, accuracy, guessed
from tools.attack.guesses import Case as Guess
from tools.attack.near_limits import Attempt, attempt, outcomes_guessed
from tools.attack.sets import BROKEN as CARELESS
from tools.attack.sets import CASES, Case, any_numbers, part_leaves
from tools.attack.weighted import WORLDS
from tools.attack.world import Publisher, small_ladders
from tools.simulate.runner import Part, Simulation, label, run
from tools.simulate.table import ATTACKS, PROMISES

SEED = 20260801
ONE = [case for case in CASES if case.releases == 1 and case.maker.__name__ != "<lambda>" and not case.whole]


@pytest.mark.parametrize("case", ONE, ids=lambda case: case.name)
def test_one_release_tells_nobody_and_no_outcome_of_few(case: Case) -> None:
    found = case._replace(sets=1.0, asked=15).tally(2, SEED)
    assert found.few + found.people + found.outcomes > 10
    assert (found.people_told, found.outcomes_told, found.few_told, found.wrong) == ([], [], [], 0)


@pytest.mark.parametrize(
    ("case", "sets", "what"),
    list(zip(CARELESS, (2, 1, 6), ("people_told", "outcomes_told", "few_told"), strict=True)),
    ids=lambda of: getattr(of, "name", None),
)
def test_the_attack_tells_what_a_careless_publisher_prints(case: Case, sets: int, what: str) -> None:
    assert getattr(case._replace(sets=1.0, asked=60).tally(sets, SEED), what)


@pytest.mark.parametrize("case", [READERS[0], READERS[2]], ids=lambda case: f"{case.name}, {case.releases}")
def test_the_outcome_of_who_left_is_a_coin(case: Guess) -> None:
    right, persons = accuracy(case, 120, SEED)
    assert right / persons <= BAR


def test_guesses_find_the_outcome_that_a_careless_publisher_tells() -> None:
    right, persons = accuracy(BROKEN[0], 60, SEED)
    assert right / persons > 0.9


@pytest.mark.parametrize(
    ("name", "persons"), [("two models take turns", 200), ("twelve people come and leave by turns", 80)]
)
def test_answers_and_people_that_return_do_not_tell_who_left(name: str, persons: int) -> None:
    """With so many persons, numbers that are drawn anew at each release would be seen."""
    case = next(case for case in READERS if (case.name, case.releases) == (name, 8))
    right, asked = accuracy(case, persons, SEED)
    assert right / asked <= BAR


def test_who_knows_all_others_who_came_does_not_read_the_outcome_from_the_day_of_a_row() -> None:
    right, persons = accuracy(INSIDERS[1], 60, SEED)
    assert right / persons < 0.9


@pytest.mark.parametrize("kind", KINDS[:1], ids=lambda kind: kind.name)
def test_a_small_number_is_hardly_guessed_better_than_naively(kind: Kind) -> None:
    asked, naive, numbers, method = guessed(kind, 300, SEED)
    noise = 2.0 * np.sqrt(0.1 / asked)
    assert max(numbers, method) / asked <= naive / asked + POINTS + noise


def test_a_bound_drawn_today_is_true_today() -> None:
    publisher = Publisher(small_ladders(2, 2, 1), bytes(32))
    for right in ([5, 4], [9, 9]):
        cells = np.zeros((2, 3, 2), dtype=np.int64)
        cells[:, :2] = np.stack([65 - np.array(right), right], axis=1)
        everyone = publisher.release(cells)[0]
        if everyone.few == "right":
            assert everyone.fewer_than is not None
            assert cells[..., 1].sum() < everyone.fewer_than


@pytest.mark.parametrize("history", [7, 52, 107])
def test_three_releases_leave_every_few_open(history: int) -> None:
    case = Case("two countries lose people", any_numbers, 1.0, 3, part_leaves, 40)
    found = case.one(np.random.default_rng([3, history]))
    assert found.few > 0
    assert (found.few_told, found.wrong) == ([], 0)


@pytest.mark.parametrize("name", ["1 of 5 weight among 240 of 1", "1 of 10 cases each among 240 of 1"])
def test_who_knows_what_people_stand_for_learns_no_outcome(name: str) -> None:
    found = next(world for world in WORLDS if world.name == name).tally(3, SEED)
    assert (found.outcomes, found.outcomes_told) == (3, [])


def test_rates_of_weights_leave_every_few_open() -> None:
    found = next(world for world in WORLDS if world.name == "few errors of people of weight 20").tally(5, SEED)
    assert found.few > 0
    assert not found.few_told


def test_numbers_of_other_people_do_not_stand() -> None:
    publisher = Publisher(small_ladders(1, 5, 1), bytes(32))
    before: dict[str, np.ndarray] = {}
    for sizes in ([16, 16, 30, 60, 70, 0], [9, 9, 13, 60, 70, 0]):
        half = np.array(sizes) // 2
        for row in publisher.release(np.stack([half, np.array(sizes) - half], axis=1)[None].astype(np.int64)):
            if row.key in before and row.as_of == 1:
                assert (row.members == before[row.key]).all(), row.key
            before[row.key] = row.members


@pytest.mark.parametrize("run", [21, 37, 46])
def test_one_person_who_leaves_a_set_at_its_limits_changes_no_word(run: int) -> None:
    """In these sets the verdict of a group that passed was open afterwards, and its word told so."""
    found = attempt(np.random.default_rng([SEED, 0, run]), "leaves", run % 2)
    assert (found.turned, found.seen) == ("neither", ())


def test_what_differs_after_one_outcome_alone_is_guessed_and_what_does_not_is_a_coin() -> None:
    told = [Attempt("leaves", run % 2, "fail", ("a word",) if run % 2 else ("another",)) for run in range(20)]
    same = [Attempt("leaves", run % 2, "neither", ()) for run in range(20)]
    assert (outcomes_guessed(told), outcomes_guessed(same), outcomes_guessed([*told, *same])) == (20, 10, 30)


COMMANDS = [
    Part(part.measure, [world])
    for part in ATTACKS["public_commands"].parts
    for world in part.worlds[: 1 if part.measure.__name__ == "person_through_commands" else None]
]


@pytest.mark.parametrize("part", COMMANDS, ids=lambda part: f"{part.measure.__name__} {label(part.worlds[0])}")
def test_commands_and_their_files_tell_no_more_than_is_promised(part: Part) -> None:
    """One set each; `make attack` asks more."""
    rows = list(run(Simulation([part]), 1, SEED))
    assert rows
    for row in rows:
        assert row.measured.trials
        assert not PROMISES[row.property].is_broken(row.measured), row
