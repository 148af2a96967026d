"""Replay of the method on every small world: what one who knows it, and every printed number exactly, learns.

All tables of a small world are cut, and those with the same rows and the same exact numbers of people in them are taken
together: nobody can tell them apart. People of any union of genders crossed with countries are found where fewer
than k of the numbers that are left are of tables of one kind, and one of them is below k. The floor is scaled down, so
that worlds are small enough to list. Then outcomes: every printed side that tables of errors can give is listed, and
each "fewer than k" must leave all k values.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations_with_replacement, product
from typing import Final, NamedTuple

import numpy as np

from audit.disclosure.method import Method, method_of
from audit.stats.arrays import BoolArray, IntArray
from tools.attack.world import Publisher, first_rows, small_ladders
from tools.simulate.runner import Counts, Share

K: Final = 3
METHOD: Final = method_of(K)
OFTEN: Final = 60
"""Releases in which a printed side must have been seen before a value is said to be left out."""

Side = tuple[tuple[str, int | None, str | None, int | None], ...]


class Small(NamedTuple):
    """A world to list."""

    genders: int
    countries: int
    places: int
    most: int
    """Most people of all cells together: every table with no more is listed."""

    def tables(self) -> IntArray:
        """int64[tables, genders * countries]."""
        cells = self.genders * self.countries
        bars = np.array(list(combinations_with_replacement(range(self.most + 1), cells)), dtype=np.int64)
        return np.diff(bars, axis=1, prepend=0)


WORLDS: Final = (Small(1, 3, 1, 27), Small(1, 4, 2, 20), Small(1, 5, 2, 16), Small(2, 2, 1, 22), Small(2, 3, 2, 15))


def replayed(small: Small, method: Method = METHOD, *, others: bool = True) -> tuple[int, int, int]:
    """Return the tables with rows, the numbers asked for, and those learnt. `others=False` breaks the method."""
    ladders = small_ladders(small.genders, small.countries, small.places)
    tables, kinds = small.tables(), defaultdict[tuple[object, ...], list[int]](list)
    for at, table in enumerate(tables):
        cells = np.zeros((small.genders, small.countries + 1, 2), dtype=np.int64)
        cells[:, :-1, 0] = table.reshape(small.genders, small.countries)
        rows = first_rows(ladders, cells, method) if others else _plain(cells, method)
        if rows:
            kinds[tuple((key, int(cells[members].sum())) for key, members in rows)].append(at)
    unions = np.array([union for union in product((0, 1), repeat=tables.shape[1]) if any(union)])
    questions = learnt = 0
    for places in kinds.values():
        sums = tables[places] @ unions.T
        ordered = np.sort(sums, axis=0)
        values = 1 + (np.diff(ordered, axis=0) > 0).sum(axis=0)
        questions += len(unions)
        learnt += int(((values < method.floor) & (ordered[0] < method.floor)).sum())
    return sum(map(len, kinds.values())), questions, learnt


def _plain(cells: IntArray, method: Method) -> list[tuple[str, BoolArray]]:
    """Rows of every country of at least k people, and of everyone: a cut without others to hide in."""
    people = cells.sum(axis=(0, 2))
    shown = [np.arange(people.size) == at for at in np.flatnonzero(people >= method.floor)]
    masks = [np.ones(cells.shape[:2], dtype=bool), *(np.outer(np.ones(len(cells), bool), country) for country in shown)]
    return [(str(mask.tobytes()), mask) for mask in masks] if people.sum() >= method.row else []


class Outcomes(NamedTuple):
    """Countries of known people whose errors are listed."""

    people: tuple[int, ...]
    secrets: int

    def replayed(self) -> tuple[int, int, int]:
        """Return the printed sides, the "fewer than k" in them, and how many of those leave out one of their values."""
        ladders = small_ladders(1, len(self.people), 1)
        seen: dict[Side, Counter[tuple[int, ...]]] = defaultdict(Counter)
        members: dict[str, IntArray] = {}
        for errors in product(*(range(people + 1) for people in self.people)):
            cells = np.zeros((1, len(self.people) + 1, 2), dtype=np.int64)
            cells[0, :-1] = np.stack([errors, np.subtract(self.people, errors)], axis=1)
            for at in range(self.secrets):
                rows = Publisher(ladders, np.random.default_rng([at, *errors]).bytes(32), METHOD).release(cells)
                members.update({row.key: np.flatnonzero(row.members[0, :-1]) for row in rows})
                seen[tuple((row.key, row.errors, row.few, row.fewer_than) for row in rows)][errors] += 1
        sides = questions = learnt = 0
        for printed, tables in seen.items():
            if tables.total() < OFTEN:
                continue
            sides += 1
            for key, _, few, fewer_than in printed:
                if few is not None and fewer_than == K:
                    part = members[key]
                    people = sum(self.people[at] for at in part)
                    errors_of = {sum(errors[at] for at in part) for errors in tables}
                    questions += 1
                    learnt += (
                        len({number if few == "errors" else people - number for number in errors_of} & set(range(K)))
                        < K
                    )
        return sides, questions, learnt


def people_told(runs: int, rng: np.random.Generator, small: Small, *, others: bool = True) -> Counts:
    """List a small world; of what was asked, how much was learnt. Nothing is drawn."""
    del runs, rng
    _, questions, learnt = replayed(small, others=others)
    return {f"people told to who replays{'' if others else ', nobody joined'}": Share(learnt, questions)}


def few_told(runs: int, rng: np.random.Generator, people: tuple[int, ...]) -> Counts:
    """List the errors of countries of known people, each printed by `runs` secrets."""
    del rng
    _, questions, learnt = Outcomes(people, max(1, runs)).replayed()
    return {"fewer than 3 not open to who replays": Share(learnt, questions)}
