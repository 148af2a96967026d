"""Best guesses from public releases: of one person's outcome, and of small numbers that are not printed.

One person left, came, or was answered differently; the attacker knows when and to whom, by gender and country; the
outcome was drawn by a coin. The rule is fitted to releases of made-up sets whose outcomes the attacker knows, so it
weighs rows, dates and averages as well as a linear rule can, and is judged on other sets. An attacker who also knows
every other change, or makes them, is measured too: the promise is not for them, and docs/disclosure.md says what they
learn. Small numbers, of people without a row and of few errors, are guessed by the number that most made-up sets have
that read alike. Who knows the method reads which rows there are; who does not reads the numbers alone. The naive guess
is the commonest number of such sets in which it is as small as the release says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from audit.stats.arrays import FloatArray, IntArray
from tools.attack.world import METHOD, Ladders, Printed, Publisher, small_ladders
from tools.simulate.runner import Counts, Share

LADDERS: Final = small_ladders(2, 4, 2)
SIZE: Final = 64
"""People of each gender of a country; everyone, gender, sub-region, country and both together have rows."""
TARGET: Final = (0, 0)
BAR: Final = 0.6
POINTS: Final = 0.05
"""By how much the best guess of a small number may be better than the naive one."""

Others = Callable[[IntArray, int, np.random.Generator], IntArray]
"""From the numbers before and the release, from 0, to the numbers of everybody but the person."""
Rows = dict[str, Printed]


class Redrawn:
    """A publisher without protection: all numbers are drawn anew at each release, or printed as they are."""

    def __init__(self, secret: bytes, *, exact: bool = False) -> None:
        self.secret, self.exact, self.releases = secret, exact, 0

    def release(self, cells: IntArray) -> list[Printed]:
        """Print the rows of a release."""
        self.releases += 1
        rows = Publisher(LADDERS, self.secret[:-1] + bytes([self.releases])).release(cells)
        rows = [as_counted(row, cells) for row in rows] if self.exact else rows
        return [replace(row, as_of=self.releases, drawn=(self.releases,) * 2) for row in rows]


def as_counted(row: Printed, cells: IntArray) -> Printed:
    """Return the row as a publisher would print it that changes no number."""
    errors, right = (int(number) for number in cells[row.members].sum(axis=0))
    return replace(row, people=errors + right, errors=errors, few=None)


def nobody(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Change nothing else."""
    del at, rng
    return cells


def other_model(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Answer 5 % of people differently, as many one way as the other."""
    return _model(cells, rng, 0.05) if at else cells


def part_model(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Answer people of the person's country differently, and of no other: a model changed in a part."""
    if not at:
        return cells
    changed = cells.copy()
    changed[:, TARGET[1]] = _model(cells[:, TARGET[1]], rng, 0.3)
    return changed


def coming_and_going(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Let 5 % leave and about as many others come."""
    return cells - rng.binomial(cells, 0.05) + rng.poisson(0.05 * cells) if at else cells


def undecided(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Answer the same fifth of people by a coin at each release, and everybody else as before."""
    del at
    toss = rng.binomial(SIZE // 5, 0.5, size=cells.shape[:2]) - SIZE // 10
    return cells + np.stack([toss, -toss], axis=2)


def two_models(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Let two models take turns. They differ in ten answers of the person's row, and nothing else changes."""
    del rng
    return _placed(cells, -10 * (at % 2), 10 * (at % 2))


def any_two_models(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Let two models take turns that differ in 5 to 25 answers of the person's row, always the same of a set."""
    del rng
    differ = (5 + int(cells[..., 0].sum() * 7919) % 21) * (at % 2)
    return _placed(cells, -differ, differ)


def known_people(right: int, *, once: bool = False) -> Others:
    """Let so many people of the person's row come (or leave) by turns, or once; the attacker knows all were found."""

    def change(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
        del rng
        return _placed(cells, right * (at == 1 if once else at % 2))

    return change


def _placed(cells: IntArray, right: int, errors: int = 0) -> IntArray:
    changed = cells.copy()
    changed[TARGET] += np.array([errors, right])
    return changed


def _model(cells: IntArray, rng: np.random.Generator, share: float) -> IntArray:
    """Answer a share of people differently, as many one way as the other on average."""
    errors, right = cells[..., 0], cells[..., 1]
    mended = rng.binomial(errors, share)
    broken = rng.binomial(right, np.minimum(share * errors.sum() / max(right.sum(), 1), 1.0))
    return cells + np.stack([broken - mended, mended - broken], axis=-1)


class Case(NamedTuple):
    """What happens between releases, and to one person."""

    name: str
    releases: int
    others: Others = nobody
    event: str = "leaves"
    """`leaves`, `comes`, `flips` (which way?), or `swaps` (with another person, of any outcome)."""
    anew: bool = False
    """Whether `others` starts from the first numbers at each release."""
    publisher: Callable[[bytes], Publisher | Redrawn] = lambda secret: Publisher(LADDERS, secret)

    def seen(self, outcome: int, rng: np.random.Generator) -> list[Rows]:
        """Return the releases where the person has an outcome: 0 missed, 1 found."""
        publisher, change = self.publisher(rng.bytes(32)), self.releases // 2
        errors = rng.binomial(SIZE, 0.4, size=(2, 5))
        errors[:, -1] = 0
        first = np.stack([errors, (SIZE - errors) * (np.arange(5) < 4)], axis=2)
        other = int(rng.integers(2))
        later = {"leaves": None, "comes": outcome, "flips": 1 - outcome, "swaps": other}[self.event]
        seen, cells = [], first
        for at in range(self.releases):
            cells = self.others(first if self.anew else cells, at, rng)
            now = cells.copy()
            answered = later if at >= change else None if self.event == "comes" else outcome
            if answered is not None:
                now[TARGET][answered] += 1
            seen.append({row.key: row for row in publisher.release(now)})
        return seen


def accuracy(case: Case, runs: int, seed: int) -> tuple[int, int]:
    """Return how many of how many guesses are right, each by a rule fitted without the sets that it is judged on."""
    drawn = [(run % 2, np.random.default_rng([seed, run, case.releases])) for run in range(runs)]
    signs = np.array([_signs(case.seen(outcome, rng)) for outcome, rng in drawn])
    outcomes = 2.0 * np.array([outcome for outcome, _ in drawn]) - 1.0
    signs = (signs - signs.mean(axis=0)) / (signs.std(axis=0) + 1e-9)
    signs = np.column_stack([signs, np.ones(runs)])
    right, fold = 0, np.arange(runs) // 2 % 5
    for left_out in range(5):
        fit, judged = signs[fold != left_out], signs[fold == left_out]
        ridge = 0.01 * len(fit) * np.eye(fit.shape[1])
        rule = np.linalg.solve(fit.T @ fit + ridge, fit.T @ outcomes[fold != left_out])
        guess = np.where(np.abs(judged @ rule) < 1e-9, 1.0, np.sign(judged @ rule))
        right += int((guess == outcomes[fold == left_out]).sum())
    return right, runs


def _signs(seen: list[Rows]) -> FloatArray:
    """Of each row that held the person: how errors and people differ, at the change and on average; if drawn anew."""
    change = len(seen) // 2
    keys = sorted(key for key, row in seen[0].items() if row.members[TARGET])[:6]
    signs: list[float] = []
    for key in keys:
        halves = ([rows[key] for rows in half if key in rows] for half in (seen[:change], seen[change:]))
        before, after = ([*{row.drawn: _numbers(row) for row in half}.values()] for half in halves)
        after = after or before[-1:]
        signs += [*(after[0] - before[-1]), *(np.mean(after, axis=0) - np.mean(before, axis=0))]
    signs += [float(key in seen[change] and max(seen[change][key].drawn) == change + 1) for key in keys]
    return np.array(signs)


def _numbers(row: Printed) -> FloatArray:
    few = {"errors": 5.0, "right": row.people - 5.0, None: row.people / 2.0}[row.few]
    return np.array([few if row.errors is None else row.errors, row.people], dtype=float)


def outcome_guessed(runs: int, rng: np.random.Generator, case: Case) -> Counts:
    """Count right guesses of persons' outcomes."""
    attacker = "an insider" if case in INSIDERS else "an attacker of no protection" if case in BROKEN else "a reader"
    right, persons = accuracy(case, runs, int(rng.integers(2**32)))
    return {
        f"outcome guessed by {attacker}": Share(right, persons, f"{case.releases} releases, the person {case.event}")
    }


READERS: Final = (
    *(Case("nobody else", releases) for releases in (2, 8)),
    *(Case("5 % answered differently", releases, other_model) for releases in (2, 4, 8)),
    Case("a model changed for one country", 2, part_model),
    Case("5 % leave, 5 % come", 8, coming_and_going),
    *(Case("a fifth answered by a coin", releases, undecided, anew=True) for releases in (8, 16, 50)),
    *(Case("two models take turns", releases, two_models, anew=True) for releases in (4, 8, 50)),
    Case("two models take turns, 5 to 25 differ", 8, any_two_models, anew=True),
    *(Case("twelve people come and leave by turns", releases, known_people(12), anew=True) for releases in (8, 50)),
    Case("5 % answered differently", 4, other_model, "comes"),
    Case("a fifth answered by a coin", 8, undecided, "comes", anew=True),
    Case("5 % answered differently", 4, other_model, "flips"),
    Case("a fifth answered by a coin", 8, undecided, "flips", anew=True),
    Case("5 % leave, 5 % come", 4, coming_and_going, "swaps"),
    Case("a fifth answered by a coin", 8, undecided, "swaps", anew=True),
)
INSIDERS: Final = (
    Case("nine others leave, known", 2, known_people(-9, once=True)),
    Case("ten others come, known", 2, known_people(10, once=True)),
)
BROKEN: Final = (
    Case("nobody else, exact", 2, publisher=lambda secret: Redrawn(secret, exact=True)),
    Case("nobody else, drawn anew", 8, publisher=Redrawn),
    Case("nobody else, drawn anew", 50, publisher=Redrawn),
)


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


def _released(ladders: Ladders, people: IntArray, errors: IntArray, rng: np.random.Generator, bare: bool) -> Rows:
    cells = np.stack([errors, people - errors], axis=2).astype(np.int64)
    rows = Publisher(ladders, rng.bytes(32)).release(cells)
    rows = [replace(as_counted(row, cells), few=row.few) for row in rows] if bare else rows
    return {row.key: row for row in rows}


def sizes_of_others(hidden: int, geometric: bool) -> Kind:
    """Return sets with countries that have no row: how many people has the first of them?"""

    def read(rng: np.random.Generator, bare: bool) -> Read | None:
        sizes = rng.geometric(0.12, size=hidden) - 1 if geometric else rng.integers(0, METHOD.row, size=hidden)
        people = np.zeros((1, hidden + 4), dtype=np.int64)
        people[0, :-1] = [*np.minimum(sizes, METHOD.row - 1), 60, 90, 120]
        rows = _released(small_ladders(1, hidden + 3, 1), people, rng.binomial(people, 0.4), rng, bare)
        holding = [row for row in rows.values() if row.members[0, 0] and row.key != "everyone"]
        others = min(holding, key=lambda row: int(row.members.sum()), default=None)
        if others is None or people[0, 0] >= METHOD.row:
            return None
        return Read((others.people, int(others.members.sum())), tuple(sorted(rows)), int(people[0, 0]))

    return Kind(f"country without a row beside {hidden - 1} others, {'few' if geometric else 'any'} people", read)


def few_errors(spread: float, missed: float = 0.1) -> Kind:
    """Return sets of two genders and two countries where one gender has few errors: how many?"""

    def read(rng: np.random.Generator, bare: bool) -> Read | None:
        people = np.array([[90, 70, 0], [30, 30, 0]])
        odds = missed / (1.0 - missed) * np.exp(rng.normal(0.0, spread))
        errors = rng.binomial(people, np.array([[0.3], [odds / (1.0 + odds)]]))
        few = int(errors[1].sum())
        rows = _released(small_ladders(2, 2, 1), people, errors, rng, bare)
        everyone, rest = rows["everyone"].errors, rows["gender:level=g0"].errors
        countries = [row.errors for key, row in rows.items() if key.startswith("nationality:country=")]
        if few >= METHOD.floor or everyone is None or rest is None or None in countries:
            return None
        total = (2 * everyone + sum(number for number in countries if number is not None)) / 3
        return Read(round(total - rest), tuple(sorted(rows)), few)

    return Kind(f"errors of 60 people, rate {missed:g}, spread {spread:g}", read)


KINDS: Final = (
    *(sizes_of_others(hidden, geometric) for geometric in (False, True) for hidden in (2, 4)),
    *(few_errors(spread) for spread in (0.0, 0.5, 1.0)),
)


def guessed(kind: Kind, runs: int, seed: int, *, bare: bool = False) -> tuple[int, int, int, int]:
    """Return guesses, and how many are right: naive, by numbers alone, by numbers and rows."""
    read = [kind.read(np.random.default_rng([seed, run]), bare) for run in range(runs)]
    to_guess = [release for release in read if release is not None]
    halves = to_guess[::2], to_guess[1::2]
    right = [
        _right(*([(sign(release), release.truth) for release in half] for half in halves))
        for sign in (lambda _: "", lambda release: release.numbers, lambda release: (release.numbers, release.rows))
    ]
    return len(halves[1]), right[0], right[1], right[2]


def _right(fit: Sequence[tuple[Hashable, int]], judged: Sequence[tuple[Hashable, int]]) -> int:
    """Count right guesses: the commonest number of what reads alike, smoothed by what is common at all."""
    common = Counter(truth for _, truth in fit)
    alike: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for sign, truth in fit:
        alike[sign][truth] += 1

    def guess(sign: Hashable) -> int:
        return max(common, key=lambda number: alike[sign][number] + 3.0 * common[number] / common.total())

    return sum(guess(sign) == truth for sign, truth in judged)


def number_guessed(runs: int, rng: np.random.Generator, kind: Kind, *, bare: bool = False) -> Counts:
    """Count right guesses of a small number, naive and not, and those that are worth more than `POINTS`."""
    guesses, naive, numbers, method = guessed(kind, runs, int(rng.integers(2**32)), bare=bare)
    most = f"at most {naive + POINTS * guesses:.0f}"
    how = ", exact numbers" if bare else ""
    return {
        f"small number guessed naively{how}": Share(naive, guesses),
        f"small number guessed from the release{how}": Share(numbers, guesses, most),
        f"small number guessed, method known{how}": Share(method, guesses, most),
    }
