"""Which groups a public table has: those of fixed lists and of the plan, never those that the data happen to hold.

That a row stands in a table must say nothing about the set. So a nationality has every country of the code list, found
or not, and any other feature the levels that the plan declares. What a set holds beside these is counted together as
`unlisted`, which every table has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from audit.counting.table import UNKNOWN
from audit.evaluation import nationality
from audit.plan.sections import GENDERS
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import LevelName, SensitiveFeature
from audit.vocabulary.names import UNLISTED


@dataclass(frozen=True, slots=True)
class Ladder:
    """The fixed levels of one feature, rung by rung."""

    feature: str
    rungs: tuple[str, ...]
    levels: tuple[tuple[LevelName, ...], ...]
    """Of each rung, sorted by code; the last is `unlisted`, unless the list holds all that can be read."""
    climbs: tuple[IntArray, ...]
    """Of each rung, int64[finest]: the place on that rung of each finest level."""
    closed: bool = False
    """Whether the list holds all that can be read, so that those without a row can be named together."""
    listed: bool = True
    """Whether the levels are those of a fixed list or of the plan, and not those that the data happen to hold."""

    def places(self, codes: Sequence[str]) -> IntArray:
        """int64[n]: the place of each code on the finest rung; that of `unlisted` for a code of no list."""
        at = {level.code: index for index, level in enumerate(self.levels[0])}
        rest = at.get(UNLISTED)
        return np.array([at.get(code, rest) for code in codes], dtype=np.int64)


def public_ladder(feature: SensitiveFeature, declared: Iterable[str] = ()) -> Ladder:
    """Return the levels of a feature in public rows; of those that the data hold nothing is used.

    Parameters
    ----------
    declared : iterable of str
        Codes on the finest rung that the plan declares. A nationality and a gender have their lists beside these.
    """
    codes = set(declared)
    if feature.coding == "nationality":
        codes |= {*nationality.countries(), *nationality.TRAVEL_DOCUMENT_CODES, UNKNOWN}
        return ladder_of(feature.name, feature.rungs, nationality.levels(codes, feature.rungs))
    # every gender that can be read, so that those without a row can be named together
    closed = feature.coding == "gender"
    codes |= set(GENDERS) if closed else {UNKNOWN}
    levels = [LevelName(rung=feature.rungs[0], code=code, name=code) for code in sorted(codes)]
    return ladder_of(feature.name, feature.rungs, levels, closed=closed)


def ladder_of(feature: str, rungs: Sequence[str], levels: Sequence[LevelName], *, closed: bool = False) -> Ladder:
    """A ladder of the levels given, and of `unlisted` on every rung unless nothing can lie outside of them."""
    parents: Mapping[tuple[str, str], str | None] = {(level.rung, level.code): level.parent for level in levels}
    on: list[tuple[LevelName, ...]] = []
    for index, rung in enumerate(rungs):
        above = UNLISTED if index + 1 < len(rungs) else None
        listed = sorted((level for level in levels if level.rung == rung), key=lambda level: level.code)
        rest = () if closed else (LevelName(rung=rung, code=UNLISTED, name="not listed", parent=above),)
        on.append((*listed, *rest))
    at = [{level.code: index for index, level in enumerate(of_rung)} for of_rung in on]
    climbs = [np.arange(len(on[0]), dtype=np.int64)]
    for below, rung in enumerate(rungs[:-1]):
        up = [parents.get((rung, level.code), UNLISTED) or level.code for level in on[below]]
        climbs.append(np.array([at[below + 1][code] for code in up], dtype=np.int64)[climbs[-1]])
    return Ladder(feature, tuple(rungs), tuple(on), tuple(climbs), closed)
