"""Made-up sides of a set, and a publisher of them: what an attacker sees of one release after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from audit.disclosure.cut import totals
from audit.disclosure.digests import KEY
from audit.disclosure.draws import Draw, draw_side, remembered
from audit.disclosure.method import Method, method_of
from audit.disclosure.restricted import COUNTER
from audit.disclosure.tables import EVERYONE, Cut, Entry, SideCounts, entries, first_cut, next_cut
from audit.disclosure.vocabulary import Ladder, ladder_of, public_ladder
from audit.stats.arrays import BoolArray, IntArray
from audit.vocabulary.groups import LevelName
from tools.simulate.audited import RUNGS, feature_with

GENDERS = {"woman": 0.55, "man": 0.38, "unknown": 0.05}
METHOD = method_of()
Ladders = tuple[Ladder, Ladder]


@dataclass(frozen=True, slots=True)
class Printed:
    """One row of one side, as an attacker reads it."""

    key: str
    members: BoolArray
    """bool[genders, countries]: who stands in it. An attacker reads it from the release."""
    people: int
    errors: int | None
    few: str | None
    """`errors` or `right`: what there are fewer than `fewer_than` of."""
    fewer_than: int | None
    as_of: int
    """Release, from 1, in which its numbers were drawn."""
    drawn: tuple[int, int]
    """Releases in which its people, and its outcomes, were drawn: more than a release says."""


@dataclass
class Publisher:
    """Whoever publishes releases of one side under one key. It holds what the restricted folder holds."""

    ladders: tuple[Ladder, Ladder]
    """Gender and nationality."""
    secret: bytes
    method: Method = METHOD
    made: Cut | None = None
    draws: Mapping[str, Sequence[Draw]] = field(default_factory=dict)
    releases: int = 0

    def release(self, cells: IntArray) -> list[Printed]:
        """Print the rows of a release.

        Parameters
        ----------
        cells : ndarray of int64, shape (genders, countries, 2)
            Exact numbers of errors and of right answers.
        """
        counts = SideCounts(self.ladders, (cells.sum(axis=1), cells.sum(axis=0)), cells)
        if self.made is None:
            cut = first_cut(counts, self.method.row, self.method.floor)
        else:
            cut = next_cut(self.made, counts, self.method.keep)
        if cut is None:
            return []
        listed = entries(counts, cut)
        self.releases += 1
        drawn = draw_side("positives", counts, cut, listed, self.draws, self.method, self.secret, str(self.releases))
        self.made = cut
        self.draws = remembered(self.draws, drawn.draws)
        printed = zip(listed, members_of(self.ladders, cut, listed), strict=True)
        return [
            self._printed(entry, members, drawn.draws[entry.key], outcomes=drawn.has_outcomes)
            for entry, members in printed
        ]

    def _printed(self, entry: Entry, members: BoolArray, draw: Draw, *, outcomes: bool) -> Printed:
        few, fewer = (draw.few, draw.fewer_than) if outcomes else (None, None)
        errors = draw.errors if outcomes else None
        drawn = int(draw.people_as_of), int(draw.as_of)
        return Printed(entry.key, members, draw.people, errors, few, fewer, int(draw.day), drawn)


def members_of(ladders: Sequence[Ladder], cut: Cut, listed: Iterable[Entry]) -> Iterator[BoolArray]:
    """bool[genders, countries] of each row: who stands in it."""
    sizes = [len(ladder.levels[0]) for ladder in ladders]
    rows = [(*of_feature, *totals(ladder, of_feature)) for ladder, of_feature in zip(ladders, cut.rows, strict=True)]
    for position in (entry.position for entry in listed):
        chosen = [np.ones(size, dtype=bool) for size in sizes]
        if position.columns and cut.cross is not None:
            by = 1 - cut.cross.rows
            chosen[cut.cross.rows] = _marked(sizes[cut.cross.rows], rows[cut.cross.rows][position.row].members)
            columns = [cut.cross.columns[column] for column in position.columns]
            chosen[by] = _marked(sizes[by], [member for at in columns for member in rows[by][at].members])
        elif position != EVERYONE:
            chosen[position.table] = _marked(sizes[position.table], rows[position.table][position.row].members)
        yield np.outer(chosen[0], chosen[1])


def _marked(size: int, members: Sequence[int]) -> BoolArray:
    marked = np.zeros(size, dtype=bool)
    marked[list(members)] = True
    return marked


@cache
def world_ladders() -> tuple[Ladder, Ladder]:
    """Return gender and every nationality of the list with its sub-regions and regions."""
    return (
        public_ladder(feature_with("gender", (), "gender")),
        public_ladder(feature_with("nationality", (), "nationality", RUNGS)),
    )


def small_ladders(genders: int, countries: int, places: int) -> tuple[Ladder, Ladder]:
    """Return a closed list of genders, and an open one of countries in so many sub-regions."""
    levels = [LevelName(rung="level", code=f"g{at}", name="") for at in range(genders)]
    places_of = [LevelName(rung="country", code=f"c{at}", name="", parent=f"s{at % places}") for at in range(countries)]
    above = [LevelName(rung="m49-subregion", code=f"s{at}", name="") for at in range(places)]
    return (
        ladder_of("gender", ("level",), levels, closed=True),
        ladder_of("nationality", ("country", "m49-subregion"), [*places_of, *above]),
    )


def adversarial(ladders: tuple[Ladder, Ladder], rng: np.random.Generator) -> IntArray:
    """int64[genders, countries, 2]: numbers about the floor and about twice the floor."""
    shape = tuple(len(ladder.levels[0]) for ladder in ladders)
    sizes = rng.choice([0, 1, 9, 10, 12, 19, 20, 25, 40, 60, 200], size=shape)
    errors = rng.binomial(sizes, rng.choice([0.02, 0.1, 0.3, 0.5, 0.9, 0.97]))
    return np.stack([errors, sizes - errors], axis=2).astype(np.int64)


def realistic(people: int, recall: float, rng: np.random.Generator, nationalities: int = 200) -> IntArray:
    """int64[genders, countries, 2]: sizes of nationalities after Zipf, in a random order of countries."""
    gender, nationality = world_ladders()
    weights = np.zeros(len(nationality.levels[0]))
    weights[rng.permutation(weights.size)[:nationalities]] = 1.0 / np.arange(1, nationalities + 1)
    shares = np.array([GENDERS.get(level.code, 0.02) for level in gender.levels[0]])
    chances = np.outer(shares, weights)
    sizes = rng.multinomial(people, (chances / chances.sum()).ravel()).reshape(chances.shape)
    errors = rng.binomial(sizes, 1.0 - recall)
    return np.stack([errors, sizes - errors], axis=2).astype(np.int64)


def first_rows(ladders: tuple[Ladder, Ladder], cells: IntArray, method: Method) -> list[tuple[str, BoolArray]]:
    """Return the rows that a first release has, by name, and who stands in them; not their numbers."""
    counts = SideCounts(ladders, (cells.sum(axis=1), cells.sum(axis=0)), cells)
    cut = first_cut(counts, method.row, method.floor)
    if cut is None:
        return []
    listed = entries(counts, cut)
    return [(entry.key, members) for entry, members in zip(listed, members_of(ladders, cut, listed), strict=True)]


def folder_with_key(path: Path, secret: bytes) -> Path:
    """Make a restricted folder with a key and no release."""
    path.mkdir(mode=0o700, parents=True)
    (path / KEY).write_text(secret.hex() + "\n")
    (path / KEY).chmod(0o600)
    (path / COUNTER).write_text('{"last":null,"releases":0}')
    return path


def nowhere(files: Mapping[str, bytes]) -> None:
    """Write nothing."""
    del files
