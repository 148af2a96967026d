"""Findings, feature by feature: gender and others, region, both together, and nationality at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from audit.result.findings.judged import RuleResult
from audit.vocabulary.groups import Family
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED, MetricName
from reports.html.tables import RatesTable, Table, TableWriter
from reports.plain_text import capital
from reports.writer import Report, Writer

_BY_FEATURE, _BY_REGION, _TOGETHER, _BY_NATIONALITY = range(4)


class LaidFamily(NamedTuple):
    """The groups of a family: a heading (empty where there is one family only), and tables, the primary harm first."""

    heading: str
    tables: list[Table]
    rates: RatesTable | None
    """Groups of which some rate stands in none of these tables."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section: findings by one feature, or by several together."""

    anchor: str
    title: str
    families: tuple[LaidFamily, ...]


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
            self._section(f"part-{number}", title, families) for number, (title, families) in enumerate(pooled, 1)
        ]
        """All sections but the one by single nationality. Pooled groups come first, since most single ones cannot be
        judged.
        """
        nationalities = [family for _, families in single for family in families]
        self.nationality = self._section("nationality", single[0][0], nationalities) if single else None

    def _section(self, anchor: str, title: str, families: list[Family]) -> Section:
        ordered = sorted(families, key=lambda family: len(self.reading.groups(family)))
        laid = [self._laid(family, f"{anchor}-{number}") for number, family in enumerate(ordered, start=1)]
        # the groups of a region may all stand under their countries
        laid = [subsection for subsection in laid if subsection.tables or subsection.rates]
        return Section(
            anchor, title, tuple(laid if len(laid) > 1 else (subsection._replace(heading="") for subsection in laid))
        )

    def _laid(self, family: Family, anchor: str) -> LaidFamily:
        rules, open_errors = self._rates(family)
        judged = (self._tables.judged(rule, family, f"{anchor}-{number}") for number, rule in enumerate(rules, start=1))
        tables = [table for table in judged if table is not None and table.shown.rows]
        if self._tables.is_whole(family):
            tables += [self._tables.shown(metric, family, f"{anchor}-{metric}") for metric in open_errors]
        rates = self._tables.rates(rules, open_errors, family, tables, f"{anchor}-more")
        heading = capital(self.names.axes(family.axes))
        return LaidFamily(heading, tables, rates if rates.parts or rates.left_out else None)

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

    def _rates(self, family: Family) -> tuple[list[RuleResult], list[MetricName]]:
        """Return the rules on a family, and the errors that no rule limits there, which are not judged."""
        rules = [
            rule for rule in self._rules if any(family_outcome.family == family for family_outcome in rule.families)
        ]
        limited = {rule.metric for rule in rules}
        open_errors = [error[0] for error in (MISSED, WRONGLY_FLAGGED) if not limited.intersection(error)]
        return rules, [metric for metric in open_errors if metric in self.reading.everyone]
