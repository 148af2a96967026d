"""An author of thirty pull requests who chooses the detector: how many labels do verdicts and words alone tell?

The author knows who stands in which row of the set, and no label. Each pull request is judged, prints no number and is
not remembered. A detector that finds everybody but some of one nationality fails; the author looks for the person with
whom it just does not fail any more, takes that person away, and flags another one instead: what is said then is the
label of that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, IntArray
from tools.attack.words import said
from tools.attack.world import world_ladders
from tools.simulate.runner import Counts, Share

Seen = Literal["verdict", "words"]
PULL_REQUESTS: Final = 30
_PREVALENCE: Final = 0.4
_COUNTRIES: Final = ("NPL", "PHL", "NGA", "IND", "VNM", "UKR", "KEN", "BGD", "ETH", "MEX")
AT_ONCE: Final = (("verdict", 1), ("words", 1), ("words", 2))
"""What is seen, and how many nationalities an author attacks at once. The others are found whole."""


class People(NamedTuple):
    """Everybody in a set, in an order of their own."""

    gender: IntArray
    country: IntArray
    is_victim: BoolArray
    """bool[people]: the labels, which the author does not know."""

    def cells(self, flagged: BoolArray) -> IntArray:
        """int64[genders, countries, 2]: victims missed and found."""
        shape = tuple(len(ladder.levels[0]) for ladder in world_ladders())
        cells = np.zeros((*shape, 2), dtype=np.int64)
        for outcome in (0, 1):
            some = self.is_victim & (flagged == bool(outcome))
            np.add.at(cells, (self.gender[some], self.country[some], outcome), 1)
        return cells


def people(rng: np.random.Generator) -> People:
    """Draw a set of women and men of ten nationalities, of whom 600 to 1,500 each are cases."""
    genders, countries = ([level.code for level in ladder.levels[0]] for ladder in world_ladders())
    sizes = rng.integers(600, 1_500, size=len(_COUNTRIES))
    country = np.repeat([countries.index(code) for code in _COUNTRIES], sizes)
    woman = rng.random(country.size) < 0.55
    gender = np.where(woman, genders.index("woman"), genders.index("man"))
    order = rng.permutation(country.size)
    return People(gender[order], country[order], rng.random(country.size) < _PREVALENCE)


class Author:
    """Whoever opens pull requests, and reads what each one shows."""

    def __init__(self, everybody: People, secret: bytes, seen: Seen) -> None:
        self._people, self._secret, self._seen = everybody, secret, seen
        self.left = PULL_REQUESTS

    def fails(self, flagged_of: Mapping[int, BoolArray]) -> dict[int, bool]:
        """Open a pull request whose detector flags these of each attacked nationality, and everybody else.

        Returns, by nationality, whether it is said to fail.
        """
        self.left -= 1
        flagged = np.ones(self._people.country.size, dtype=bool)
        for country, some in flagged_of.items():
            flagged[self._people.country == country] = some
        audit, rows, _ = said(self._people.cells(flagged), 0.9, self._secret)
        if self._seen == "verdict":
            is_fail = any(verdict.outcome == "fail" for verdict in audit.verdicts)
            return dict.fromkeys(flagged_of, is_fail)
        codes = [level.code for level in world_ladders()[1].levels[0]]
        beyond = {
            row.group.levels[0].code
            for row in rows
            if row.group is not None and len(row.parts) == 1 and any(word.word == "beyond" for word in row.words)
        }
        return {country: codes[country] in beyond for country in flagged_of}


def labels_told(everybody: People, secret: bytes, seen: Seen, at_once: int) -> tuple[int, int]:
    """Return how many labels an author believes to know after thirty pull requests, and how many of them are right."""
    attacked = np.unique(everybody.country)[:at_once].tolist()
    author = Author(everybody, secret, seen)
    sizes = {country: int((everybody.country == country).sum()) for country in attacked}
    edges = _edges(author.fails, sizes)
    believed = right = 0
    labels = {country: everybody.is_victim[everybody.country == country] for country in attacked}
    targets = dict(edges)
    while author.left:
        flagged_of = {}
        for country, edge in edges.items():
            flagged = np.arange(sizes[country]) < edge - 1
            if targets[country] < sizes[country]:
                flagged[targets[country]] = True
            flagged_of[country] = flagged
        for country, is_fail in author.fails(flagged_of).items():
            if targets[country] < sizes[country]:
                believed += 1
                right += bool(labels[country][targets[country]]) is not is_fail
                targets[country] += 1
    return believed, right


def _edges(fails: Callable[[Mapping[int, BoolArray]], dict[int, bool]], sizes: Mapping[int, int]) -> dict[int, int]:
    """Find, of each nationality, with how many of its people found it just does not fail any more."""
    low, high = dict.fromkeys(sizes, 0), dict(sizes)
    while any(low[country] < high[country] for country in sizes):
        middle = {country: (low[country] + high[country]) // 2 for country in sizes}
        is_fail = fails({country: np.arange(size) < middle[country] for country, size in sizes.items()})
        for country in sizes:
            if low[country] < high[country]:
                if is_fail[country]:
                    low[country] = middle[country] + 1
                else:
                    high[country] = middle[country]
    return low


def told_by_words(runs: int, rng: np.random.Generator, seen: Seen, at_once: int) -> Counts:
    """Let so many authors open thirty pull requests each: how many labels they believe to know, and are right about."""
    believed = right = 0
    for _ in range(runs):
        some, known = labels_told(people(rng), rng.bytes(32), seen, at_once)
        believed, right = believed + some, right + known
    return {
        "labels that an author of 30 pull requests is right about": Share(
            right, believed, f"{believed / runs:.0f} labels each; {100 * (1 - _PREVALENCE):.0f} % would be guessed"
        )
    }
