"""All groups in one table: what every funnel draws, as text. Rates stand side by side, so a group is named once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.public.figures import STATES, State
from reports.language import Language
from reports.names import Names
from reports.numbers import NOT_KNOWN
from reports.plain_text import capital
from reports.public.html.tables import PublicRows
from reports.public.reading import OUTCOMES, PublicFinding
from reports.public.words import PublicWords

_Told = tuple[State | None, ...]


@dataclass(frozen=True, slots=True)
class EveryCells:
    """One rate of a group."""

    value: str
    span: str
    cases: str


@dataclass(frozen=True, slots=True)
class EveryRow:
    """A group, with a rate for each limit."""

    key: str
    name: str
    rates: tuple[EveryCells, ...]


@dataclass(frozen=True, slots=True)
class EveryState:
    """What groups of a part of the table are under a limit."""

    outcome: str
    word: str
    name: str
    """Of which rate; empty where there is one limit alone."""


@dataclass(frozen=True, slots=True)
class EveryPart:
    """Groups that stand alike under each limit, which is said once above them."""

    states: tuple[EveryState, ...]
    looks: tuple[str, ...]
    """For each limit the look of its state; empty where it is not about these groups."""
    rows: tuple[EveryRow, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """The whole table."""

    limits: tuple[PublicRows, ...]
    """What each limit is: caption, limit and heads."""
    names: tuple[str, ...]
    """The names of their rates."""
    parts: tuple[EveryPart, ...]

    @property
    def width(self) -> int:
        """How many columns there are."""
        return 1 + 3 * len(self.limits)


class EveryWriter:
    """Writes the table of one release in one language."""

    def __init__(self, names: Names, words: PublicWords, language: Language) -> None:
        self._names = names
        self._words = words
        self._n = language.numbers

    def write(self, limits: Sequence[tuple[PublicRows, str, Sequence[PublicFinding]]]) -> Every:
        """The table of limits, each with the plain name of its rate and what it says; of groups with any rate."""
        rows: dict[str, list[PublicFinding | None]] = {}
        for place, (_, _, findings) in enumerate(limits):
            for finding in findings:
                rows.setdefault(finding.key, [None] * len(limits))[place] = finding
        parts: dict[_Told, list[EveryRow]] = {}
        printing = {finding.key for _, _, findings in limits for finding in findings if finding.rate.value is not None}
        for key, found in ((key, found) for key, found in rows.items() if key in printing):
            told = tuple(None if finding is None else finding.state for finding in found)
            parts.setdefault(told, []).append(self._row(key, found))
        names = tuple(capital(name) for _, name, _ in limits)
        return Every(
            limits=tuple(table for table, _, _ in limits),
            names=names,
            parts=tuple(self._part(told, parts[told], names) for told in sorted(parts, key=_order)),
        )

    def _part(self, told: _Told, rows: list[EveryRow], names: Sequence[str]) -> EveryPart:
        called = names if len(names) > 1 else ("",)
        return EveryPart(
            states=tuple(
                EveryState(OUTCOMES[state], self._words.state(state), name)
                for state, name in zip(told, called, strict=True)
                if state is not None
            ),
            looks=tuple("" if state is None else OUTCOMES[state] for state in told),
            rows=tuple(rows),
        )

    def _row(self, key: str, found: Sequence[PublicFinding | None]) -> EveryRow:
        named = next(finding for finding in found if finding is not None)
        return EveryRow(key, self._names.group(named.group), tuple(map(self._cells, found)))

    def _cells(self, finding: PublicFinding | None) -> EveryCells:
        if finding is None:
            return EveryCells(NOT_KNOWN, NOT_KNOWN, NOT_KNOWN)
        return EveryCells(self._words.value(finding), self._words.span(finding), self._words.cases(finding))


def _order(told: _Told) -> tuple[int, ...]:
    """The most pressing state first, under whichever limit."""
    places = [len(STATES) if state is None else STATES.index(state) for state in told]
    return min(places), *places
