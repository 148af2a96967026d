"""Squares for nationalities, sub-region by sub-region. They are no map, and no statement about any people.

The public page and the restricted page use the same layout. Each of them decides which state a nationality is in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.vocabulary.groups import Level, LevelName, NamedFeature
from audit.vocabulary.names import Names
from reports.language import Language


@dataclass(frozen=True, slots=True)
class State:
    """A state that a nationality can be in: its look and its word."""

    outcome: str
    word: str


@dataclass(frozen=True, slots=True)
class Squares:
    """The nationalities of one state in one region."""

    outcome: str
    word: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """A region with its nationalities by state."""

    name: str
    states: tuple[Squares, ...]


def by_region(
    feature: NamedFeature, states: Mapping[str, State], order: Sequence[State], names: Names, language: Language
) -> list[Region]:
    """Return the nationalities of a feature by the rung above theirs.

    Parameters
    ----------
    feature
        The feature with its levels, those of the finest rung first.
    states
        The state of each code; nationalities without one are left out.
    order
        The states, in the order in which a region shows them.
    names, language
        The names and the language of the page.
    """
    rungs = list(dict.fromkeys(level.rung for level in feature.levels))
    if not rungs:
        return []
    by_code: dict[str, list[LevelName]] = {}
    for level in feature.levels:
        if level.rung == rungs[0] and level.code in states:
            # People who have no nationality, or none that is known or listed, are in no region: their code is the same
            # on every rung.
            by_code.setdefault("" if level.parent in (None, level.code) else str(level.parent), []).append(level)
    above = {level.code for level in feature.levels if len(rungs) > 1 and level.rung == rungs[1]}
    other = language.translations.gettext("No region")
    made = []
    for code, members in by_code.items():
        name = names.level(Level(feature.name, rungs[1], code)) if code in above else other
        named: dict[State, list[str]] = {state: [] for state in order}
        for level in members:
            named[states[level.code]].append(names.level(Level(feature.name, level.rung, level.code)))
        lines = tuple(
            Squares(state.outcome, state.word, tuple(sorted(named[state]))) for state in order if named[state]
        )
        made.append(Region(name, lines))
    return sorted(made, key=lambda region: (region.name == other, region.name))
