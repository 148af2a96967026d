"""Findings, feature by feature: gender and others, region, both together, and nationality at the end.

Squares for nationalities, sub-region by sub-region. They are no map, and no statement about any people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from audit.result.findings.judged import Outcome, RuleResult
from audit.result.reading import worst_outcomes
from audit.vocabulary.groups import Axis, Family, Level, LevelName, NamedFeature
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from reports.html.tables import Table, TableWriter
from reports.plain_text import capital
from reports.writer import Report, Writer

_BY_FEATURE, _BY_REGION, _TOGETHER, _BY_NATIONALITY = range(4)
_STATES: Final[tuple[Outcome, ...]] = ("fail", "pass", "inconclusive", "not_evaluable")


class Region(NamedTuple):
    """A region with the names of its nationalities by state."""

    name: str
    states: list[tuple[Outcome, list[str]]]


@dataclass(frozen=True, slots=True)
class Section:
    """A section: findings by one feature, or by several together."""

    anchor: str
    title: str
    families: tuple[tuple[str, tuple[Table, ...]], ...]
    """For each family, a heading (empty where there is one family only) and its tables, the primary harm first."""


class Breakdown(Writer):
    """All sections with the findings of one result. `rules` are in the order in which they are shown."""

    def __init__(self, report: Report, rules: list[RuleResult], tables: TableWriter) -> None:
        super().__init__(report)
        self._rules, self._tables = rules, tables
        parts: dict[tuple[int, str], list[Family]] = {}
        for family in self.reading.families:
            parts.setdefault(self._part(family), []).append(family)
        ordered = sorted(parts.items(), key=lambda part: part[0][0])
        pooled = [(title, families) for (part, title), families in ordered if part != _BY_NATIONALITY]
        single = [(title, families) for (part, title), families in ordered if part == _BY_NATIONALITY]
        self.sections = [
            self._section(f"part-{place}", title, families) for place, (title, families) in enumerate(pooled, 1)
        ]
        """All sections but the one by single nationality. Pooled groups come first, since most single ones cannot be
        judged.
        """
        nationalities = [family for _, families in single for family in families]
        self.nationality = self._section("nationality", single[0][0], nationalities) if single else None
        self.regions = list(self._regions())
        """Nationalities as squares. None where no nationality is judged."""

    def _section(self, anchor: str, title: str, families: list[Family]) -> Section:
        ordered = sorted(families, key=lambda family: len(self.reading.groups(family)))
        laid = [
            (capital(self.names.axes(family.axes)), tuple(self._family_tables(family, f"{anchor}-{number}")))
            for number, family in enumerate(ordered, start=1)
        ]
        # the groups of a region may all stand under their countries
        laid = [(heading, tables) for heading, tables in laid if tables]
        several = len(laid) > 1
        return Section(anchor, title, tuple((heading if several else "", tables) for heading, tables in laid))

    def _part(self, family: Family) -> tuple[int, str]:
        """Return the order and title of the section of a family: gender and other features; region; features together;
        single nationalities, in one section.
        """
        axes = family.axes
        if len(axes) > 1:
            return _TOGETHER, self.t.gettext("By %(features)s together") % {"features": self.names.features(axes)}
        (axis,) = axes
        usual = {"gender": self.t.gettext("By gender"), "nationality": self.t.gettext("By nationality")}
        title = usual.get(axis.feature) or self.t.gettext("By %(axes)s") % {"axes": self.names.axis(axis)}
        if not self.names.is_nationality(axis):
            return _BY_FEATURE, title
        return (_BY_NATIONALITY, title) if axis.rung == "country" else (_BY_REGION, self.t.gettext("By region"))

    def _family_tables(self, family: Family, anchor: str) -> list[Table]:
        """Return a table for each rule. An error that no rule limits in a family of one feature gets a table of its
        rate, which is not judged.
        """
        tables = []
        limited: set[str] = set()
        for number, rule in enumerate(self._rules, start=1):
            table = self._tables.judged(rule, family, f"{anchor}-{number}")
            if any(of.family == family for of in rule.families):
                limited.add(rule.metric)
            if table is not None:
                tables.append(table)
        if len(family.axes) > 1:
            return tables
        open_errors = [error[0] for error in (MISSED, WRONGLY_FLAGGED) if not limited.intersection(error)]
        tables += [
            self._tables.shown(metric, family, f"{anchor}-{metric}")
            for metric in open_errors
            if metric in self.reading.everyone
        ]
        return tables

    def _regions(self) -> Iterator[Region]:
        """Yield every nationality that is judged, in its worst state over all limits, by the rung above theirs."""
        for feature in self.result.features:
            axis = Axis(feature.name, feature.rungs[0])
            if self.names.is_nationality(axis) and axis.rung == "country":
                worst = worst_outcomes(
                    [each for each in self.reading.judged_rates if each.group.family.axes == (axis,)]
                )
                yield from self._regions_of(feature, {code: outcome for ((_, code),), outcome in worst.items()})

    def _regions_of(self, feature: NamedFeature, states: Mapping[str, Outcome]) -> list[Region]:
        rungs = list(dict.fromkeys(level.rung for level in feature.levels))
        by_code: dict[str, list[LevelName]] = {}
        for level in feature.levels:
            if level.rung == rungs[0] and level.code in states:
                # People who have no nationality, or none that is known or listed, are in no region: their code is the
                # same on every rung.
                by_code.setdefault("" if level.parent in (None, level.code) else str(level.parent), []).append(level)
        above = {level.code for level in feature.levels if len(rungs) > 1 and level.rung == rungs[1]}
        other = self.t.gettext("No region")
        made = []
        for code, members in by_code.items():
            name = self.names.level(Level(feature.name, rungs[1], code)) if code in above else other
            named: dict[Outcome, list[str]] = {state: [] for state in _STATES}
            for level in members:
                named[states[level.code]].append(self.names.level(Level(feature.name, level.rung, level.code)))
            made.append(Region(name, [(state, sorted(named[state])) for state in _STATES if named[state]]))
        return sorted(made, key=lambda region: (region.name == other, region.name))
