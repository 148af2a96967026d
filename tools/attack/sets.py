"""Sets that are attacked, and publishers that protect nobody: what `tools.attack.programs` asks its programs about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from audit.stats.arrays import IntArray
from tools.attack.guesses import as_counted
from tools.attack.programs import EXACT, PLAIN, Found, Reader, Seen, attack
from tools.attack.world import (
    METHOD,
    Ladders,
    Printed,
    Publisher,
    adversarial,
    realistic,
    small_ladders,
    world_ladders,
)
from tools.simulate.runner import Counts

Made = tuple[Ladders, IntArray]
Maker = Callable[[np.random.Generator], Made]
Changes = Callable[[IntArray, np.random.Generator], IntArray]


def _split(sizes: IntArray, missed: float, rng: np.random.Generator) -> IntArray:
    errors = rng.binomial(sizes, missed)
    return np.stack([errors, sizes - errors], axis=2).astype(np.int64)


def any_numbers(rng: np.random.Generator) -> Made:
    """Numbers about the floor and about twice the floor."""
    ladders = small_ladders(*(int(rng.integers(low, high)) for low, high in ((1, 4), (2, 10), (1, 4))))
    return ladders, adversarial(ladders, rng)


def nested(rng: np.random.Generator) -> Made:
    """Sub-regions that are one country and a few others, so that two rungs hold nearly the same people."""
    sizes = rng.integers(25, 80, size=(3, 7))
    sizes[:, 3:5] = rng.multinomial(rng.integers(1, 12, size=2), [0.5, 0.3, 0.2]).T
    return small_ladders(3, 6, 3), _split(sizes, rng.choice([0.03, 0.2, 0.97]), rng)


def two_few(rng: np.random.Generator) -> Made:
    """Everyone is two countries and two genders, nearly nobody of whom is missed."""
    sizes = np.pad(rng.integers(20, 60, size=(2, 2)), ((0, 0), (0, 1)))
    return small_ladders(2, 2, 1), _split(sizes, rng.choice([0.01, 0.03, 0.06]), rng)


def five_elsewhere(rng: np.random.Generator) -> Made:
    """Five people alone are of no place that the others are of."""
    sizes = rng.integers(30, 90, size=(3, 7))
    sizes[:, 6] = rng.permutation([5, 0, 0])
    return small_ladders(3, 6, 3), _split(sizes, rng.choice([0.03, 0.2, 0.97]), rng)


def one_country(rng: np.random.Generator) -> Made:
    """One country has 95 % of the people."""
    sizes = rng.integers(0, 6, size=(3, 7))
    sizes[:, 0] = rng.integers(150, 1200, size=3)
    return small_ladders(3, 6, 3), _split(sizes, rng.choice([0.03, 0.2, 0.5]), rng)


def women_only(rng: np.random.Generator) -> Made:
    """Everyone is of one gender."""
    sizes = np.zeros((3, 7), dtype=np.int64)
    sizes[0] = rng.integers(5, 80, size=7)
    return small_ladders(3, 6, 3), _split(sizes, rng.choice([0.03, 0.2, 0.5]), rng)


def empty_groups(rng: np.random.Generator) -> Made:
    """Nobody has the last gender, and half of the other cells are empty."""
    sizes = rng.choice([3, 12, 25, 60], size=(3, 7)) * (rng.random((3, 7)) < 0.5)
    sizes[2] = 0
    return small_ladders(3, 6, 3), _split(sizes, rng.choice([0.03, 0.2, 0.97]), rng)


def like_real(people: int, recall: float) -> Maker:
    """Return a maker of sets whose nationalities have sizes after Zipf."""
    return lambda rng: (world_ladders(), realistic(people, recall, rng))


def other_answers(cells: IntArray, rng: np.random.Generator) -> IntArray:
    """Change 5 % of answers; .2 % or 5 % leave, and about as many come."""
    leave = rng.choice([0.002, 0.05])
    moved = cells - rng.binomial(cells, leave) + rng.poisson(cells * leave)
    turned = rng.binomial(moved, 0.05)
    return np.asarray(moved - turned + turned[..., ::-1], dtype=np.int64)


def part_changed(cells: IntArray, rng: np.random.Generator) -> IntArray:
    """Answer people of 12 % of countries by another model."""
    chosen = np.flatnonzero(rng.random(cells.shape[1]) < 0.12)
    if not chosen.size:
        chosen = rng.integers(cells.shape[1], size=1)
    changed = cells.copy()
    changed[:, chosen] = _split(cells[:, chosen].sum(axis=2), rng.choice([0.1, 0.3, 0.7]), rng)
    return changed


def part_leaves(cells: IntArray, rng: np.random.Generator) -> IntArray:
    """Let 40 % of the people of a fifth of countries leave, so that rows fall below their floor."""
    changed = cells.copy()
    chosen = rng.random(cells.shape[1]) < 0.2
    changed[:, chosen] = rng.binomial(cells[:, chosen], 0.6)
    return changed


def nothing(cells: IntArray, rng: np.random.Generator) -> IntArray:
    """Change nothing."""
    del rng
    return cells


@dataclass
class Careless:
    """A publisher that makes the cut anew each time, with a lower floor, and prints exact or unchecked numbers."""

    ladders: Ladders
    rng: np.random.Generator
    exact: bool
    floor: int = METHOD.floor
    releases: int = 0

    def release(self, cells: IntArray) -> list[Printed]:
        """Print the rows of a release."""
        self.releases += 1
        method = replace(METHOD, floor=self.floor)
        rows = Publisher(self.ladders, self.rng.bytes(32), method).release(cells)
        rows = [replace(row, as_of=self.releases, drawn=(self.releases,) * 2) for row in rows]
        return [self._printed(row, cells) for row in rows]

    def _printed(self, row: Printed, cells: IntArray) -> Printed:
        if self.exact:
            return as_counted(row, cells)
        errors, right = (int(number) for number in cells[row.members].sum(axis=0))
        few = "errors" if errors < METHOD.floor else "right" if right < METHOD.floor else None
        printed = None if few else errors + round(float(np.clip(self.rng.normal(0.0, 1.7), -5, 5)))
        return replace(row, errors=printed, few=few, fewer_than=METHOD.floor if few else None)


class Case(NamedTuple):
    """Sets of one kind, and how they change between releases."""

    name: str
    maker: Maker
    sets: float = 1.0
    """How many for one of the sets asked for."""
    releases: int = 1
    changes: Changes = nothing
    asked: int = 100
    """Most questions of each release."""
    whole: bool = False
    people_known: bool = False
    careless: tuple[bool, int] | None = None
    """Whether a publisher without protection prints exact numbers, and its floor."""

    def tally(self, sets: int, seed: int) -> Found:
        """Attack so many sets."""
        tally = Found()
        for at in range(max(1, round(sets * self.sets))):
            tally.add(self.one(np.random.default_rng([seed, at])))
        return tally

    def one(self, rng: np.random.Generator) -> Found:
        """Attack one set."""
        ladders, cells = self.maker(rng)
        reader: Reader = PLAIN
        publisher: Publisher | Careless = Publisher(ladders, rng.bytes(32))
        if self.careless is not None:
            publisher = Careless(ladders, rng, *self.careless)
            reader = EXACT if self.careless[0] else PLAIN
        releases: list[list[Printed]] = []
        numbers: list[IntArray] = []
        for release in range(self.releases):
            cells = self.changes(cells, rng) if release else cells
            rows = publisher.release(cells)
            if not rows:
                break
            releases.append(rows)
            numbers.append(cells)
        if not releases:
            return Found()
        seen = Seen.of(releases, numbers)
        known = seen.known(reader, whole=self.whole, people_known=self.people_known)
        return attack(seen, known, rng, self.asked)


CASES: Final = (
    Case("numbers about the floor", any_numbers),
    Case("numbers about the floor, whole numbers", any_numbers, 0.2, asked=40, whole=True),
    Case("numbers about the floor, people known", any_numbers, 0.4, people_known=True),
    Case("sub-regions of one country and a few", nested, 0.2),
    Case("two parts with few errors", two_few, 0.2),
    Case("five people elsewhere", five_elsewhere, 0.2),
    Case("one country of 95 %", one_country, 0.2),
    Case("women only", women_only, 0.2),
    Case("empty groups", empty_groups, 0.2),
    *(
        Case(f"{people:,} people, recall {recall:g}", like_real(people, recall), 0.01)
        for people in (600, 5000, 20000)
        for recall in (0.8, 0.97)
    ),
    Case("4 releases, 5 % of answers change", any_numbers, 0.2, 4, other_answers, 30),
    Case("4 releases, another model in 12 % of countries", any_numbers, 0.4, 4, part_changed, 30),
    Case("4 releases, 40 % of a fifth of countries leave", any_numbers, 0.2, 4, part_leaves, 30),
    Case("8 releases, another model in 12 % of countries", any_numbers, 0.1, 8, part_changed, 20),
    Case("16 releases, another model in 12 % of countries", any_numbers, 0.05, 16, part_changed, 10),
)
BROKEN: Final = (
    Case("exact numbers, floor of 3", any_numbers, 0.2, careless=(True, 3)),
    Case("exact numbers, cut anew, another model in 12 %", any_numbers, 0.2, 4, part_changed, 30, careless=(True, 10)),
    Case("unchecked few errors", two_few, 0.2, careless=(False, 10)),
)


def attacked(runs: int, rng: np.random.Generator, case: Case) -> Counts:
    """Attack sets of a kind; of what was asked, how much was learnt."""
    counts = case.tally(runs, int(rng.integers(2**32))).counts()
    return counts if case.careless is None else {f"{name}, no protection": share for name, share in counts.items()}
