"""Best guesses of small numbers that are not printed, beside naive guesses: people without a row, and few errors.

The attacker makes many sets of the kind that the true one is of, publishes them, and guesses the number that most of
those have that read alike. Who knows the method reads which rows there are; who does not reads the numbers alone. The
naive guess is the commonest number of such sets in which it is as small as the release says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from audit.stats.arrays import IntArray
from tools.simulate.public_world import METHOD, Ladders, Printed, Publisher, small_ladders
from tools.simulate.verdict_size import Measured

Rows = dict[str, Printed]
POINTS: Final = 0.05
"""By how much the best guess may be better than the naive one."""


class Read(NamedTuple):
    """What an attacker reads of one release, and the number behind it."""

    numbers: Hashable
    rows: Hashable
    truth: int


class Kind(NamedTuple):
    """Sets of one kind."""

    name: str
    read: Callable[[np.random.Generator, bool], Read | None]
    """Makes a set, publishes it with or without changes, and reads it; None where there is nothing to guess."""


def sizes_of_others(hidden: int, geometric: bool) -> Kind:
    """Return sets with countries that have no row: how many people has the first of them?"""

    def read(rng: np.random.Generator, bare: bool) -> Read | None:
        sizes = rng.geometric(0.12, size=hidden) - 1 if geometric else rng.integers(0, METHOD.row, size=hidden)
        people = np.zeros((1, hidden + 4), dtype=np.int64)
        people[0, :-1] = [*np.minimum(sizes, METHOD.row - 1), 60, 90, 120]
        rows = _released(small_ladders(1, hidden + 3, 1), people, rng.binomial(people, 0.4), rng, bare)
        own = [row for row in rows.values() if row.members[0, 0] and row.key != "everyone"]
        others = min(own, key=lambda row: int(row.members.sum()), default=None)
        if others is None or people[0, 0] >= METHOD.row:
            return None
        return Read((others.people, int(others.members.sum())), tuple(sorted(rows)), int(people[0, 0]))

    return Kind(f"country without a row beside {hidden - 1} others, {'few' if geometric else 'any'} people", read)


def few_errors(spread: float, missed: float) -> Kind:
    """Return sets of two genders and two countries where one gender has few errors: how many?"""

    def read(rng: np.random.Generator, bare: bool) -> Read | None:
        people = np.array([[90, 70, 0], [30, 30, 0]])
        odds = missed / (1.0 - missed) * np.exp(rng.normal(0.0, spread))
        errors = rng.binomial(people, np.array([[0.3], [odds / (1.0 + odds)]]))
        few = int(errors[1].sum())
        rows = _released(small_ladders(2, 2, 1), people, errors, rng, bare)
        whole, rest = rows["everyone"].errors, rows["gender:level=g0"].errors
        countries = [row.errors for key, row in rows.items() if key.startswith("nationality:country=")]
        if few >= METHOD.floor or whole is None or rest is None or None in countries:
            return None
        total = (2 * whole + sum(number for number in countries if number is not None)) / 3
        return Read(round(total - rest), tuple(sorted(rows)), few)

    return Kind(f"errors of 60 people, rate {missed:g}, spread {spread:g}", read)


def guessed(kind: Kind, runs: int, seed: int, *, bare: bool = False) -> tuple[int, int, int, int]:
    """Return guesses, and how many are right: naive, by numbers alone, by numbers and rows."""
    made = (kind.read(np.random.default_rng([seed, run]), bare) for run in range(runs))
    read = [one for one in made if one is not None]
    fit, judged = read[::2], read[1::2]
    naive = _right([("", one.truth) for one in fit], [("", one.truth) for one in judged])
    numbers = _right([(one.numbers, one.truth) for one in fit], [(one.numbers, one.truth) for one in judged])
    method = [[((one.numbers, one.rows), one.truth) for one in half] for half in (fit, judged)]
    return len(judged), naive, numbers, _right(*method)


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Guess; of how many small numbers, how many are right."""
    for kind in KINDS:
        asked, naive, numbers, method = guessed(kind, runs, seed)
        most = f"<= {100 * (naive / asked + POINTS):.1f}"
        yield Measured(kind.name, "guessed naively", naive, asked, "")
        yield Measured(kind.name, "guessed from the release", numbers, asked, most)
        yield Measured(kind.name, "guessed, method known", method, asked, most)
    asked, naive, numbers, _ = guessed(KINDS[-1], runs, seed, bare=True)
    most = f"> {100 * (naive / asked + POINTS):.1f}: no protection"
    yield Measured(f"{KINDS[-1].name}, exact numbers", "guessed from the release", numbers, asked, most)


def _right(fit: Sequence[tuple[Hashable, int]], judged: Sequence[tuple[Hashable, int]]) -> int:
    """Count right guesses: the commonest number of what reads alike, smoothed by what is common at all."""
    common = Counter(truth for _, truth in fit)
    alike: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for read, truth in fit:
        alike[read][truth] += 1

    def guess(read: Hashable) -> int:
        return max(common, key=lambda number: alike[read][number] + 3.0 * common[number] / common.total())

    return sum(guess(read) == truth for read, truth in judged)


def _released(ladders: Ladders, people: IntArray, errors: IntArray, rng: np.random.Generator, bare: bool) -> Rows:
    cells = np.stack([errors, people - errors], axis=2).astype(np.int64)
    rows = Publisher(ladders, rng.bytes(32)).release(cells)
    if bare:
        numbers = [cells[row.members].sum(axis=0) for row in rows]
        rows = [replace(row, people=int(of.sum()), errors=int(of[0])) for row, of in zip(rows, numbers, strict=True)]
    return {row.key: row for row in rows}


KINDS: Final = (
    sizes_of_others(2, geometric=False),
    sizes_of_others(4, geometric=False),
    sizes_of_others(2, geometric=True),
    sizes_of_others(4, geometric=True),
    few_errors(0.0, 0.1),
    few_errors(0.5, 0.1),
    few_errors(1.0, 0.1),
)
