"""A large group named although a tiny one hides beside it: is anything told of the tiny one?

The attacker reads all rows of a side, knows the method, and takes from the name that fewer than twenty others stand in
the row. Linear programs bound how many they are, and how many of them were missed. Then one of them leaves, comes, or
is answered otherwise: the rows printed, names and words among them, may not change.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from audit.disclosure.publish import publish
from audit.stats.arrays import IntArray
from tools.attack.near_limits import EVENTS, after, result_of
from tools.attack.programs import PLAIN, Seen
from tools.attack.world import METHOD, Printed, Publisher, folder_with_key, nowhere, world_ladders
from tools.simulate.runner import Counts, Share

_COUNTRIES: Final = ("NPL", "PHL", "NGA", "IND")
_HIDDEN: Final = ("non-binary", "unknown")


@dataclass(slots=True)
class Hidden:
    """What was learnt of those who hide beside a name."""

    sets: int = 0
    named: int = 0
    """Sets in which a row is named so."""
    people_told: int = 0
    """Sets in which they are surely fewer than ten, or fewer than ten numbers of them are left."""
    outcomes_told: int = 0
    """Sets in which surely none, or all, of them were missed."""
    narrowest: int = 10**6
    """Fewest numbers of them left."""
    changed: int = 0
    """Sets in which one of them changed a row."""


def hidden_set(rng: np.random.Generator) -> IntArray:
    """int64[genders, countries, 2]: women, more men, and fewer than twenty others, most often of one country."""
    genders, countries = ([level.code for level in ladder.levels[0]] for ladder in world_ladders())
    cells = np.zeros((len(genders), len(countries), 2), dtype=np.int64)
    women = int(rng.integers(250, 2_500))
    for gender, people, missed in (("woman", women, rng.uniform(0.2, 0.8)), ("man", int(women * 1.4), 0.3)):
        for country, size in zip(_COUNTRIES, rng.multinomial(people, [0.4, 0.3, 0.2, 0.1]), strict=True):
            errors = int(rng.binomial(size, missed))
            cells[genders.index(gender), countries.index(country)] = errors, size - errors
    few, missed = int(rng.integers(1, METHOD.row)), rng.choice([0.0, 0.5, 1.0])
    for gender, size in zip(_HIDDEN, rng.multinomial(few, [0.7, 0.3]), strict=True):
        errors = int(rng.binomial(size, missed))
        cells[genders.index(gender), countries.index(str(rng.choice(_COUNTRIES)))] = errors, size - errors
    return cells


def hidden_beside(sets: int, seed: int) -> Hidden:
    """Attack so many sets."""
    tally = Hidden()
    for at in range(sets):
        rng = np.random.default_rng([seed, at])
        cells = hidden_set(rng)
        secret = rng.bytes(32)
        tally.sets += 1
        tally.changed += _changes(cells, secret, rng, tally)
        _attack(cells, Publisher(world_ladders(), secret).release(cells), tally)
    return tally


def _attack(cells: IntArray, printed: list[Printed], tally: Hidden) -> None:
    """Bound people and outcomes of the hidden by all rows, and by the name."""
    seen = Seen.of([printed], [cells])
    known = seen.known(PLAIN)
    codes = [level.code for level in world_ladders()[0].levels[0]]
    hidden = seen.places[0][[codes.index(code) for code in _HIDDEN]]
    known.says(known.marked(hidden.ravel()), 0, METHOD.row - 1)
    low, high = known.bounds(known.marked(hidden.ravel()))
    tally.narrowest = min(tally.narrowest, high - low + 1)
    tally.people_told += high < METHOD.floor or high - low + 1 < METHOD.floor
    errors, right = (known.bounds(known.marked(hidden[..., part].ravel())) for part in (0, 1))
    tally.outcomes_told += errors[1] < 1 or right[1] < 1 or max(errors[0], right[0]) > 0


def _changes(cells: IntArray, secret: bytes, rng: np.random.Generator, tally: Hidden) -> bool:
    """Whether something that happens to one of the hidden changes a row; counts the sets with a name."""
    genders = [level.code for level in world_ladders()[0].levels[0]]
    event, outcome = EVENTS[int(rng.integers(3))], int(rng.integers(2))
    some = [tuple(map(int, at)) for at in np.argwhere(cells[..., outcome] > 0) if genders[at[0]] in _HIDDEN]
    if not some:
        event, some = "comes", [(genders.index(_HIDDEN[0]), int(np.argmax(cells.sum(axis=(0, 2)))))]
    gender, country = some[int(rng.integers(len(some)))]
    with tempfile.TemporaryDirectory() as folder:
        restricted = folder_with_key(Path(folder) / "restricted", secret)
        rows = [
            publish(result_of(people), restricted, nowhere, (), ("en",)).public.rows
            for people in after(cells, (gender, country), event, outcome)
        ]
    tally.named += any(part.kind == "nearly" for row in rows[0] for part in row.parts)
    return rows[0] != rows[1]


def hidden_told(runs: int, rng: np.random.Generator) -> Counts:
    """Attack so many sets: in how many something is told of those who hide beside a name."""
    tally = hidden_beside(runs, int(rng.integers(2**32)))
    return {
        "sets with a name beside fewer than 20": Share(tally.named, tally.sets),
        "people hidden beside a name told": Share(tally.people_told, tally.sets, f"fewest {tally.narrowest} numbers"),
        "outcome hidden beside a name told": Share(tally.outcomes_told, tally.sets),
        "rows changed by one who hides beside a name": Share(tally.changed, tally.sets),
    }
