"""Nationalities as squares, sub-region by sub-region: not a map, and no statement about any people."""

from __future__ import annotations

from dataclasses import dataclass

from audit.groups import Axis, Level, LevelName
from audit.public_figures import STATES, State
from reports.language import Language
from reports.names import Names
from reports.public.reading import OUTCOMES, FeatureNames, PublicReading
from reports.public.words import PublicWords


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


def regions(reading: PublicReading, names: Names, words: PublicWords, language: Language) -> tuple[Region, ...]:
    """Every nationality of the list by its sub-region; empty where the table breaks nobody down by nationality."""
    found = []
    for feature in reading.features:
        if feature.coding == "nationality":
            found += _regions_of(feature, reading, names, words, language)
    return tuple(found)


def _regions_of(
    feature: FeatureNames, reading: PublicReading, names: Names, words: PublicWords, language: Language
) -> list[Region]:
    rungs = list(dict.fromkeys(level.rung for level in feature.levels))
    levels = [level for level in feature.levels if level.rung == rungs[0]]
    states = _worst(reading, Axis(feature.name, rungs[0]))
    by_region: dict[str, list[LevelName]] = {}
    for level in levels:
        # Who has no nationality, or none that is known or listed, is of no region: the same code on every rung.
        by_region.setdefault("" if level.parent in (None, level.code) else str(level.parent), []).append(level)
    above = {level.code: level for level in feature.levels if len(rungs) > 1 and level.rung == rungs[1]}
    other = language.translations.gettext("No region")
    made = []
    for code, members in by_region.items():
        name = names.level(Level(feature.name, rungs[1], code)) if code in above else other
        told: dict[State, list[str]] = {state: [] for state in STATES}
        for level in members:
            told[states.get(level.code, "not_shown")].append(names.level(Level(feature.name, level.rung, level.code)))
        lines = tuple(
            Squares(OUTCOMES[state], words.state(state), tuple(sorted(told[state]))) for state in STATES if told[state]
        )
        made.append(Region(name, lines))
    return sorted(made, key=lambda region: (region.name == other, region.name))


def _worst(reading: PublicReading, axis: Axis) -> dict[str, State]:
    """The state of each nationality over all rules: beyond any limit; within all; not shown under any; else untold."""
    states: dict[str, set[State]] = {}
    for rule in reading.rules:
        for finding in reading.of_family((axis,), rule):
            if finding.state is not None:
                states.setdefault(finding.group.root[0].code, set()).add(finding.state)
    return {code: _one(found) for code, found in states.items()}


def _one(found: set[State]) -> State:
    if "below" in found:
        return "below"
    return next(iter(found)) if len(found) == 1 else "cannot_tell"
