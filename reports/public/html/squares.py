"""The state of each nationality in a public release, for squares: a state over all rules, never a number."""

from __future__ import annotations

from audit.public.figures import STATES
from audit.public.figures import State as PublicState
from audit.vocabulary.groups import Axis
from reports.html.squares import Region, State, by_region
from reports.language import Language
from reports.names import Names
from reports.public.reading import OUTCOMES, PublicReading
from reports.public.words import PublicWords


def regions(reading: PublicReading, names: Names, words: PublicWords, language: Language) -> tuple[Region, ...]:
    """Every nationality of the list by its sub-region; empty where the table breaks nobody down by nationality."""
    looks = {state: State(OUTCOMES[state], words.state(state)) for state in STATES}
    found = []
    for feature in reading.features:
        if feature.coding == "nationality":
            rung = feature.levels[0].rung if feature.levels else ""
            worst = _worst(reading, Axis(feature.name, rung))
            codes = {level.code: worst.get(level.code, "not_shown") for level in feature.levels if level.rung == rung}
            told = {code: looks[state] for code, state in codes.items()}
            found += by_region(feature, told, list(looks.values()), names, language)
    return tuple(found)


def _worst(reading: PublicReading, axis: Axis) -> dict[str, PublicState]:
    """The state of each nationality over all rules: beyond any limit; within all; not shown under any; else untold."""
    states: dict[str, set[PublicState]] = {}
    for rule in reading.rules:
        for finding in reading.of_family((axis,), rule):
            if finding.state is not None:
                states.setdefault(finding.group.root[0].code, set()).add(finding.state)
    return {code: _one(found) for code, found in states.items()}


def _one(found: set[PublicState]) -> PublicState:
    if "below" in found:
        return "below"
    return next(iter(found)) if len(found) == 1 else "cannot_tell"
