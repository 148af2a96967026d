"""Guesses of one person's outcome from releases before and after that person left, came, or was answered differently.

The attacker knows when it happened and to whom, by gender and country; the outcome was drawn by a coin. The rule is
fitted to releases of made-up sets whose outcomes the attacker knows, so it weighs rows, dates and averages as well as
a linear rule can, and is judged on other sets. An attacker who also knows every other change, or makes them, is
measured too: the promise is not for them, and docs/disclosure.md says what they learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from audit.stats.arrays import FloatArray, IntArray
from tools.simulate.public_world import Printed, Publisher, small_ladders
from tools.simulate.verdict_size import Measured

LADDERS: Final = small_ladders(2, 4, 2)
SIZE: Final = 64
"""People of each gender of a country; everyone, gender, sub-region, country and both together have rows."""
TARGET: Final = (0, 0)
BAR: Final = 0.6

Others = Callable[[IntArray, int, np.random.Generator], IntArray]
"""From the numbers before and the release, from 0, to the numbers of everybody but the person."""


class Redrawn:
    """A publisher without protection: all numbers are drawn anew at each release, or printed as they are."""

    def __init__(self, secret: bytes, *, exact: bool = False) -> None:
        self.secret, self.exact, self.releases = secret, exact, 0

    def release(self, cells: IntArray) -> list[Printed]:
        """Print the rows of a release."""
        self.releases += 1
        rows = Publisher(LADDERS, self.secret[:-1] + bytes([self.releases])).release(cells)
        return [self._printed(row, cells[row.members]) for row in rows]

    def _printed(self, row: Printed, cells: IntArray) -> Printed:
        if self.exact:
            row = replace(row, people=int(cells.sum()), errors=int(cells[:, 0].sum()), few=None)
        return replace(row, as_of=self.releases, drawn=(self.releases,) * 2)


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


def nine_leave(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Let nine people of the person's row leave at the second release; the attacker knows that all were found."""
    del rng
    return _placed(cells, -9) if at == 1 else cells


def ten_come(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Bring ten people into the person's row at the second release; the attacker knows that all were found."""
    del rng
    return _placed(cells, 10) if at == 1 else cells


def two_models(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Let two models take turns. They differ in ten answers of the person's row, and nothing else changes."""
    del rng
    changed = cells.copy()
    changed[TARGET] += np.array([10, -10]) * (at % 2)
    return changed


def twelve_by_turns(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Let the same twelve people of the person's row come and leave by turns. Nothing else changes."""
    del rng
    return _placed(cells, 12 * (at % 2))


class Case(NamedTuple):
    """What happens between releases, and to one person."""

    name: str
    releases: int
    others: Others = nobody
    event: str = "leaves"
    """`leaves`, `comes`, `flips` (which way?), or `swaps` (with another person, of any outcome)."""
    anew: bool = False
    """Whether `others` starts from the first numbers at each release."""
    bar: str = "<= 60"
    publisher: Callable[[bytes], Publisher | Redrawn] = lambda secret: Publisher(LADDERS, secret)

    def seen(self, outcome: int, rng: np.random.Generator) -> list[dict[str, Printed]]:
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
    for held in range(5):
        fit, judged = signs[fold != held], signs[fold == held]
        ridge = 0.01 * len(fit) * np.eye(fit.shape[1])
        rule = np.linalg.solve(fit.T @ fit + ridge, fit.T @ outcomes[fold != held])
        guess = np.where(np.abs(judged @ rule) < 1e-9, 1.0, np.sign(judged @ rule))
        right += int((guess == outcomes[fold == held]).sum())
    return right, runs


def _model(cells: IntArray, rng: np.random.Generator, share: float) -> IntArray:
    """Answer a share of people differently, as many one way as the other on average."""
    errors, right = cells[..., 0], cells[..., 1]
    mended = rng.binomial(errors, share)
    broken = rng.binomial(right, np.minimum(share * errors.sum() / max(right.sum(), 1), 1.0))
    return cells + np.stack([broken - mended, mended - broken], axis=-1)


def _placed(cells: IntArray, found: int) -> IntArray:
    changed = cells.copy()
    changed[TARGET][1] += found
    return changed


def _signs(seen: list[dict[str, Printed]]) -> FloatArray:
    """Of each row that held the person: how errors and people differ, at the change and on average; if drawn anew."""
    change = len(seen) // 2
    rows = [key for key, row in seen[0].items() if row.members[TARGET]]
    signs = []
    for key in sorted(rows)[:6]:
        halves = ([of[key] for of in half if key in of] for half in (seen[:change], seen[change:]))
        before, after = ([*{row.drawn: _numbers(row) for row in half}.values()] for half in halves)
        after = after or before[-1:]
        signs += [*(after[0] - before[-1]), *(np.mean(after, axis=0) - np.mean(before, axis=0))]
    signs += [float(key in seen[change] and max(seen[change][key].drawn) == change + 1) for key in sorted(rows)[:6]]
    return np.array(signs)


def _numbers(row: Printed) -> FloatArray:
    few = {"errors": 5.0, "right": row.people - 5.0, None: row.people / 2.0}[row.few]
    return np.array([few if row.errors is None else row.errors, row.people], dtype=float)


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Guess; of how many persons, how many outcomes are right."""
    for case in (*READERS, *INSIDERS, *BROKEN):
        right, persons = accuracy(case, runs, seed)
        setting = f"{case.releases} releases: {case.name}; the person {case.event}"
        yield Measured(setting, "outcome guessed", right, persons, case.bar)


def any_two_models(cells: IntArray, at: int, rng: np.random.Generator) -> IntArray:
    """Let two models take turns that differ in 5 to 25 answers of the person's row, always the same of a set."""
    del rng
    changed, differ = cells.copy(), 5 + int(cells[..., 0].sum() * 7919) % 21
    changed[TARGET] += np.array([differ, -differ]) * (at % 2)
    return changed


READERS: Final = (
    Case("nobody else", 2),
    Case("nobody else", 8),
    Case("5 % answered differently", 2, other_model),
    Case("5 % answered differently", 4, other_model),
    Case("5 % answered differently", 8, other_model),
    Case("a model changed for one country", 2, part_model),
    Case("5 % leave, 5 % come", 8, coming_and_going),
    Case("a fifth answered by a coin", 8, undecided, anew=True),
    Case("a fifth answered by a coin", 16, undecided, anew=True),
    Case("a fifth answered by a coin", 50, undecided, anew=True),
    Case("two models take turns", 4, two_models, anew=True),
    Case("two models take turns", 8, two_models, anew=True),
    Case("two models take turns", 50, two_models, anew=True),
    Case("two models take turns, 5 to 25 differ", 8, any_two_models, anew=True),
    Case("twelve people come and leave by turns", 8, twelve_by_turns, anew=True),
    Case("twelve people come and leave by turns", 50, twelve_by_turns, anew=True),
    Case("5 % answered differently", 4, other_model, "comes"),
    Case("a fifth answered by a coin", 8, undecided, "comes", anew=True),
    Case("5 % answered differently", 4, other_model, "flips"),
    Case("a fifth answered by a coin", 8, undecided, "flips", anew=True),
    Case("5 % leave, 5 % come", 4, coming_and_going, "swaps"),
    Case("a fifth answered by a coin", 8, undecided, "swaps", anew=True),
)
INSIDERS: Final = (
    Case("nine others leave, known", 2, nine_leave, bar="admitted"),
    Case("ten others come, known", 2, ten_come, bar="admitted"),
)
BROKEN: Final = (
    Case("nobody else, exact", 2, bar="> 60: no protection", publisher=lambda secret: Redrawn(secret, exact=True)),
    Case("nobody else, drawn anew", 8, bar="> 60: no protection", publisher=Redrawn),
    Case("nobody else, drawn anew", 50, bar="> 60: no protection", publisher=Redrawn),
)
