"""Linear programs over the true numbers of a side: what printed rows tell of people, and of outcomes.

An attacker knows each number only by what is printed of it. Of every question (a union of genders crossed with
countries, differences of rows among them) the smallest and largest numbers are found that agree with all rows of all
releases. People are found where they are surely fewer than ten, or have fewer than ten values left and may be fewer
than ten. An outcome is known where nobody, or everybody, of fewer than twenty people is surely missed, or where
"fewer than ten" leaves out one of its ten values. Publishers without protection show that the attack bites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from audit.stats.arrays import BoolArray, IntArray
from tools.attack.world import METHOD, Printed
from tools.simulate.runner import Counts, Share

FLOOR: Final = METHOD.floor
_MOST: Final = 1e7
_NEARLY: Final = 1e-6


class Reader(NamedTuple):
    """How a reader reads a figure."""

    change: int = METHOD.largest
    row: int = METHOD.row
    """Fewest people of a row of a first release."""
    keep: int = METHOD.keep
    """Fewest people of a row of a later release."""
    floor: int = FLOOR
    """Fewest errors, and right answers, that a printed number of errors stands for."""
    stands: int = 2 * FLOOR - 2
    """Most changes of a row whose numbers stand."""


PLAIN: Final = Reader()
EXACT: Final = Reader(0, 0, 0, 0)


@dataclass(slots=True)
class Known:
    """What a reader knows of unknown whole numbers, none negative: weighted sums of them, and bounds on the sums."""

    truth: IntArray
    """int64[unknowns], by which figures are checked; no answer uses it."""
    whole: bool = False
    """Whether the unknowns are whole; otherwise any number is allowed, which is faster and allows more."""
    register: bool = False
    """Whether all numbers of people are known from elsewhere: then "all" and "none" alone are told."""
    sums: list[IntArray] = field(default_factory=list)
    limits: list[tuple[float, float]] = field(default_factory=list)
    kinds: IntArray | None = None
    figures: int = 0
    wrong: int = 0
    """Of `figures`, those that are not true: changed by more than the method says, or standing though it says not."""

    def says(self, weights: IntArray, low: float, high: float) -> None:
        """Add a bounded sum, if it holds: what a figure that breaks the method's promise says is counted alone."""
        self.figures += 1
        if not low <= int(weights @ self.truth) <= high:
            self.wrong += 1
            return
        self.sums.append(weights)
        self.limits.append((low, high))
        self.kinds = None

    def marked(self, places: IntArray) -> IntArray:
        """Weigh the unknowns at these places with one each."""
        weights = np.zeros(self.truth.size, dtype=np.int64)
        np.add.at(weights, places, 1)
        return weights

    def bounds(self, weights: IntArray) -> tuple[int, int]:
        """Return the smallest and the largest number that the asked unknowns may sum to.

        Unknowns that no sum and no question tells apart are taken as one, which changes no answer.
        """
        if self.kinds is None:
            self.kinds = np.unique(np.array(self.sums), axis=1, return_inverse=True)[1].ravel()
        first = np.unique(self.kinds * 8 + weights, return_index=True)[1]
        matrix = csr_array(np.array([row[first] for row in self.sums], float))
        constraint = LinearConstraint(matrix, *np.array(self.limits).T)
        ends = []
        for sign in (1.0, -1.0):
            solved = milp(
                sign * weights[first].astype(float),
                constraints=constraint,
                bounds=Bounds(0, _MOST),
                integrality=np.full(first.size, int(self.whole)),
            )
            if not solved.success:
                raise ArithmeticError(solved.message)
            ends.append(sign * solved.fun)
        return int(np.ceil(ends[0] - _NEARLY)), int(np.floor(ends[1] + _NEARLY))


class Seen(NamedTuple):
    """Releases as an attacker reads them, with what each unknown number is called in each of them."""

    releases: list[list[Printed]]
    cells: list[IntArray]
    """Of each release int64[genders, countries, 2]: the truth, by which answers are judged."""
    places: list[IntArray]
    """Of each release int64[genders, countries, 2]: the unknown of each number. Equal where it is known not to have
    changed."""

    @classmethod
    def of(cls, releases: list[list[Printed]], cells: list[IntArray]) -> Seen:
        """Name the unknowns. The attacker knows of which cells nobody came, left or was answered differently."""
        places = [np.arange(cells[0].size).reshape(cells[0].shape)]
        for before, now in pairwise(cells):
            new = np.arange(before.size).reshape(before.shape) + places[-1].max() + 1
            places.append(np.where((before == now).all(axis=2, keepdims=True), places[-1], new))
        return cls(releases, cells, places)

    def known(self, reader: Reader, *, whole: bool = False, people_known: bool = False) -> Known:
        """All that the releases say together; with `people_known` also every number of people, as a register would."""
        truth = np.zeros(self.places[-1].max() + 1, dtype=np.int64)
        for unknowns, cell in zip(self.places, self.cells, strict=True):
            truth[unknowns] = cell
        known = Known(truth, whole, people_known)
        before: dict[str, Printed] = {}
        for at, rows in enumerate(self.releases):
            for row in rows:
                self._row(known, row, before.get(row.key), at, reader)
            before = {row.key: row for row in rows}
        for at, (unknowns, cell) in enumerate(zip(self.places, self.cells, strict=True)):
            self._people(known, at, unknowns, cell, people_known=people_known)
        return known

    def _row(self, known: Known, row: Printed, before: Printed | None, at: int, reader: Reader) -> None:
        now, of_people, then = (
            self.places[release][row.members] for release in (at, row.drawn[0] - 1, row.drawn[1] - 1)
        )
        if reader.stands:
            for part, old in ((slice(None), of_people), (slice(None), then), (0, then), (1, then)):
                change = known.marked(now[:, part].ravel()) - known.marked(old[:, part].ravel())
                if change.any():
                    known.says(change, -reader.stands, reader.stands)
        if before is not None and replace(row, members=before.members) == before:
            return
        least = reader.row if at == 0 else reader.keep
        errors, right = known.marked(then[:, 0]), known.marked(then[:, 1])
        if before is None or row.people != before.people:
            known.says(
                known.marked(of_people.ravel()), max(row.people - reader.change, least), row.people + reader.change
            )
        if row.few is not None and row.fewer_than is not None:
            known.says(errors if row.few == "errors" else right, 0, row.fewer_than - 1)
        elif row.errors is not None:
            known.says(errors, max(row.errors - reader.change, reader.floor), row.errors + reader.change)
            known.says(right, reader.floor, _MOST)

    def _people(self, known: Known, at: int, unknowns: IntArray, cell: IntArray, *, people_known: bool) -> None:
        """Nobody came or left where the number of people is the same: another thing that an attacker may know."""
        for where in np.ndindex(cell.shape[:2]):
            now = known.marked(unknowns[where])
            if people_known:
                known.says(now, cell[where].sum(), cell[where].sum())
                continue
            before = known.marked(self.places[at - 1][where]) if at else now
            if (now != before).any() and cell[where].sum() == self.cells[at - 1][where].sum():
                known.says(now - before, 0, 0)


@dataclass(slots=True)
class Found:
    """Questions asked, and what was learnt."""

    people: int = 0
    outcomes: int = 0
    few: int = 0
    figures: int = 0
    people_told: list[str] = field(default_factory=list)
    outcomes_told: list[str] = field(default_factory=list)
    few_told: list[str] = field(default_factory=list)
    joined_told: list[str] = field(default_factory=list)
    """Rows that say "fewer than twenty" of which fewer than ten values are left, or values on one side of ten."""
    wrong: int = 0
    """Figures that are not true, by what the method says of them."""

    def add(self, other: Found) -> None:
        """Take in what another attack found."""
        for part in fields(self):
            setattr(self, part.name, getattr(self, part.name) + getattr(other, part.name))

    def counts(self) -> Counts:
        """Of what was asked, how much was learnt; nothing of what was not asked."""
        shares = {
            "people told": Share(len(self.people_told), self.people),
            "outcome of fewer than 20 told": Share(len(self.outcomes_told), self.outcomes),
            "fewer than 10 not open": Share(len(self.few_told), self.few),
            "side of ten told of fewer than 20": Share(len(self.joined_told), self.few),  # no person follows
            "figure not as promised": Share(self.wrong, self.figures),
        }
        return {name: share for name, share in shares.items() if share.trials}


def attack(seen: Seen, known: Known, rng: np.random.Generator, most: int) -> Found:
    """Ask at most so many questions of the people of each release, and every "fewer than"."""
    tally = Found(figures=known.figures, wrong=known.wrong)
    for at, rows in enumerate(seen.releases):
        few = [row for row in rows if row.few is not None]
        for number in rng.permutation(len(few))[:most]:
            _ask_few(few[number], known, seen.places[few[number].drawn[1] - 1], tally)
        unions = _unions(rows, seen.cells[at].shape[:2], rng)
        chosen = [unions[number] for number in rng.permutation(len(unions))[:most]]
        for name, members in chosen:
            _ask(name, known, (seen.places[at][members], seen.cells[at][members]), tally)
    return tally


def _ask(name: str, known: Known, unknowns_and_cells: tuple[IntArray, IntArray], tally: Found) -> None:
    places, cells = unknowns_and_cells
    people = int(cells.sum())
    low, high = known.bounds(known.marked(places.ravel()))
    if not known.register:
        tally.people += 1
        if high < FLOOR or (low < FLOOR and high - low + 1 < FLOOR):
            tally.people_told.append(f"{name}: {low} to {high} people, {people} true")
    if not 0 < people < METHOD.row:
        return
    errors, right = (known.bounds(known.marked(places[:, part])) for part in (0, 1))
    tally.outcomes += 1
    at_least_one = not known.register and high < METHOD.row and max(errors[0], right[0]) > 0
    if errors[1] < 1 or right[1] < 1 or at_least_one:
        tally.outcomes_told.append(f"{name}: {people} true people, errors {errors}, right {right}")


def _ask_few(row: Printed, known: Known, places: IntArray, tally: Found) -> None:
    part = 0 if row.few == "errors" else 1
    low, high = known.bounds(known.marked(places[row.members][:, part]))
    tally.few += 1
    if row.fewer_than == FLOOR:
        learnt, is_learnt = tally.few_told, low > 0 or high < FLOOR - 1
    else:  # of 20 people and more: it hides on which side of ten they are; what its parts hide is asked of these
        learnt, is_learnt = tally.joined_told, high - low + 1 < FLOOR or not low < FLOOR <= high
    if is_learnt:
        learnt.append(f"{row.key}: fewer than {row.fewer_than} {row.few} are {low} to {high}")


def _unions(rows: Sequence[Printed], shape: tuple[int, ...], rng: np.random.Generator) -> list[tuple[str, BoolArray]]:
    """Rows and what is left of them, rows less others, countries, their genders, complements, random unions."""
    unions: dict[bytes, tuple[str, BoolArray]] = {}

    def ask(name: str, members: BoolArray) -> None:
        for text, cells in ((name, members), (f"all but {name}", ~members)):
            if cells.any():
                unions.setdefault(cells.tobytes(), (text, cells))

    pairs = [(row, other) for row in rows for other in rows if (row.members & other.members).any()]
    for number in rng.permutation(len(pairs))[:300]:
        row, other = pairs[number]
        ask(f"{row.key} and not {other.key}", row.members & ~other.members)
        ask(f"{row.key} and {other.key}", row.members & other.members)
    for row in rows:
        ask(row.key, row.members)
        inside = [part.members for part in rows if part.key != row.key and not (part.members & ~row.members).any()]
        ask(f"{row.key} and no smaller row", row.members & ~np.logical_or.reduce([*inside, np.zeros(shape, bool)]))
    genders, countries = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    for country in range(shape[1]):
        ask(f"country {country}", np.broadcast_to(countries == country, shape))
        for gender in range(shape[0]):
            ask(f"gender {gender} of country {country}", (genders == gender) & (countries == country))
    for at in range(20):
        share = rng.choice([0.02, 0.1, 0.5, 0.9])
        ask(f"random {at}", np.outer(rng.random(shape[0]) < 0.6, rng.random(shape[1]) < share))
    return list(unions.values())
