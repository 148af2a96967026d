"""Sets of people with a long tail of nationalities, to simulate disclosure control with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from audit.disclosure.exact import ExactCounts, from_finest
from audit.disclosure.keys import keys_of_counts
from audit.disclosure.lattice import Lattice, lattice_of
from audit.disclosure.method import Method, method_of
from audit.disclosure.noise import UIntArray
from audit.disclosure.vocabulary import ladder_of
from audit.stats.arrays import BoolArray, IntArray
from audit.vocabulary.groups import LevelName
from tools.simulate.whole_audit import GENDERS, NATIONALITIES, features

SECRET = bytes(32)
_SIDES = ("positive", "positive", "negative", "negative", "unscored", "unlabelled")


@dataclass(frozen=True)
class People:
    """People of a set, one row for each."""

    group: IntArray
    """int64[n]: the finest group, in the order of the lattice."""
    victim: BoolArray
    """bool[n]."""
    flagged: BoolArray
    """bool[n]."""
    keys: UIntArray
    """uint64[n]: record keys."""


def world_lattice() -> Lattice:
    """5 regions, 22 sub-regions, 200 nationalities and those not listed, 4 genders, and their crosses."""
    gender, nationality = features()
    genders = [LevelName(rung="level", code=code, name=code) for code in GENDERS]
    return lattice_of(
        [ladder_of(gender.name, gender.rungs, genders, closed=True),
         ladder_of(nationality.name, nationality.rungs, nationality.levels)]
    )  # fmt: skip


def method(floor: int = 10) -> Method:
    """Return the method for sets in which every case has a label and an answer."""
    return method_of(floor, absent=("unscored", "unlabelled"))


def people(
    rng: np.random.Generator, rows: int, *, positives: float = 0.4, found: float = 0.8, flagged: float = 0.1,
    low: float = 0.0,
) -> People:  # fmt: skip
    """Draw a set. Rates found of groups differ (sd .05); in a share `low` of them they are .5."""
    genders = sorted(GENDERS)
    listed = np.outer([GENDERS[code] for code in genders], 1.0 / np.arange(1, NATIONALITIES + 1))
    weights = np.concatenate([listed, np.zeros((len(genders), 1))], axis=1).ravel()  # nobody is "not listed"
    group = np.sort(rng.choice(weights.size, size=rows, p=weights / weights.sum()))
    rate = np.clip(rng.normal(found, 0.05, weights.size), 0.02, 0.98)
    rate[rng.uniform(size=weights.size) < low] = 0.5
    victim = rng.uniform(size=rows) < positives
    chance = np.where(victim, rate[group], flagged)
    return People(group, victim, rng.uniform(size=rows) < chance, _record_keys(rng, rows))


def _record_keys(rng: np.random.Generator, rows: int) -> UIntArray:
    return rng.integers(0, 2**64, size=rows, dtype=np.uint64, endpoint=False)


def redrawn(rng: np.random.Generator, before: People, share: float) -> People:
    """Another model on the same people: this share of decisions is that of another person of the same label."""
    flagged = before.flagged.copy()
    for label in (True, False):
        rows = np.flatnonzero((before.victim == label) & (rng.uniform(size=flagged.size) < share))
        flagged[rows] = rng.permutation(before.flagged[rows])
    return replace(before, flagged=flagged)


def without(rng: np.random.Generator, before: People, share: float) -> People:
    """Return the set after this share of its people has left it."""
    stay = rng.uniform(size=before.group.size) >= share
    return People(before.group[stay], before.victim[stay], before.flagged[stay], before.keys[stay])


def unstable(rng: np.random.Generator, before: People) -> People:
    """Give the people of a set other ids."""
    return replace(before, keys=_record_keys(rng, before.keys.size))


def counted(lattice: Lattice, set_: People, *, by: str = "people", secret: bytes = SECRET) -> ExactCounts:
    """Count a set, with keys of its people or of its counts."""
    members = [
        set_.victim,
        set_.victim & ~set_.flagged,
        ~set_.victim,
        ~set_.victim & set_.flagged,
    ]
    finest = np.zeros((lattice.finest, len(_SIDES)), dtype=np.int64)
    sums = np.zeros((lattice.finest, len(_SIDES)), dtype=np.uint64)
    for column, member in enumerate(members):
        finest[:, column] = np.bincount(set_.group[member], minlength=lattice.finest)
        np.add.at(sums[:, column], set_.group[member], set_.keys[member])
    if by == "people":
        return from_finest(lattice, finest, sums, "people", secret)
    return from_finest(
        lattice, finest, keys_of_counts(lattice.finest_names(), _SIDES, finest, secret), "counts", secret
    )
