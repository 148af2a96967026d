"""The tables of the public report: by one feature, by two together, the surest findings first, and all groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from audit.public.figures import Place
from audit.public.table import PublicRule, group_key
from audit.vocabulary.groups import Axis, Group, Level
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED, MetricName
from reports.language import Language
from reports.names import UNKNOWN, UNLISTED, Names
from reports.numbers import NOT_KNOWN
from reports.plain_text import capital
from reports.public.html.charts import funnel, interval
from reports.public.reading import PublicFinding, PublicReading, judges
from reports.public.words import PublicWords

FOREST = 28
"""So many rows stand in the table that says how sure it is."""
_HEAT_COLUMNS = 8
"""A table of two features has at most so many columns; else it is left out, and the table of all groups has them."""
_FIRST = {"below": 0, "meets": 2, "cannot_tell": 1, "not_shown": 3, None: 0}


@dataclass(frozen=True, slots=True)
class PublicRow:
    """One finding, written out."""

    key: str
    name: str
    outcome: str
    word: str
    note: str
    value: str
    span: str
    rest: str
    cases: str
    chart: Markup


@dataclass(frozen=True, slots=True)
class PublicRows:
    """A table of findings."""

    metric: str
    caption: str
    limit: str
    rate: str
    cases: str
    judged: bool
    rows: tuple[PublicRow, ...]
    hidden: tuple[str, ...]
    """Names of groups of which nothing is shown, not even their size."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A group by two features."""

    key: str
    outcome: str
    word: str
    value: str
    span: str


@dataclass(frozen=True, slots=True)
class Heat:
    """Two features crossed: one a row, one a column."""

    caption: str
    limit: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]
    hidden: tuple[str, ...]
    """Rows in which nothing is shown."""


@dataclass(frozen=True, slots=True)
class PublicFunnel:
    """The drawing of all groups that print a rate, and what stands around it."""

    chart: Markup
    table: PublicRows
    """Caption, limit and heads, without rows."""
    findings: tuple[PublicFinding, ...]
    """What the limit says of every group; those that print a rate are drawn."""

    @property
    def drawn(self) -> bool:
        """Whether any group is."""
        return any(finding.rate.value is not None for finding in self.findings)


class PublicTables:
    """Writes the tables of one release in one language."""

    def __init__(self, reading: PublicReading, names: Names, words: PublicWords, language: Language) -> None:
        self._reading = reading
        self._names = names
        self._words = words
        self._t = language.translations
        self._n = language.numbers

    def of_family(self, axes: tuple[Axis, ...]) -> list[PublicRows]:
        """A table a rule, and for an error that no rule limits the rate as it is, not judged."""
        tables = [
            self._table(
                self._in_order(self._reading.of_family(axes, rule)),
                rule.metric,
                self._names.axes(axes),
                self._if_judged(rule, axes),
            )
            for rule in self._reading.rules
        ]
        limited = {rule.metric for rule in self._reading.rules}
        for errors in (MISSED, WRONGLY_FLAGGED):
            metric: MetricName = "true_positive_rate" if errors is MISSED else "false_positive_rate"
            if not limited.intersection(errors) and self._reading.everyone_at(metric) is not None:
                found = self._in_order(self._reading.unjudged(axes, metric))
                tables.append(self._table(found, metric, self._names.axes(axes), None))
        return tables

    @staticmethod
    def _if_judged(rule: PublicRule, axes: tuple[Axis, ...]) -> PublicRule | None:
        return rule if judges(rule, (axis.feature for axis in axes)) else None

    def crossed(self, axes: tuple[Axis, ...]) -> list[Heat]:
        """Two features as a table of cells, for each rule; none where there would be too many columns."""
        row_axis, column_axis = axes
        if not self._names.is_nationality(row_axis):
            row_axis, column_axis = column_axis, row_axis
        levels = {axis: self._levels(axis) for axis in axes}
        if len(levels[column_axis]) > _HEAT_COLUMNS:
            return []
        return [self._heat(rule, axes, levels[row_axis], levels[column_axis]) for rule in self._reading.rules]

    def forest(self, rule: PublicRule) -> PublicRows:
        """Groups of which it is surest that they are badly off first: by the mildest end of the interval."""
        shown = [each for each in self._reading.each_once(rule) if each.rate.value is not None or each.state == "below"]
        shown.sort(key=lambda finding: (_FIRST[finding.state] > 0, -finding.least_error, finding.key))
        caption = self._t.gettext("all groups")
        return self._table(shown[:FOREST], rule.metric, caption, rule)

    def funnel(self, rule: PublicRule, curves: Sequence[Sequence[Place]]) -> PublicFunnel | None:
        """All groups that print a rate; None where the table has no such rate."""
        findings = self._reading.each_once(rule)
        everyone = self._reading.everyone_at(rule.metric)
        if everyone is None:
            return None
        title = self._t.gettext("%(rate)s of each group, over its number of cases; every mark stands in the table") % {
            "rate": capital(self.plain(rule.metric))
        }
        drawn = funnel(findings, everyone, rule, curves, title, self._n, self._reading.short)
        table = self._table((), rule.metric, self._t.gettext("all groups"), rule)
        return PublicFunnel(drawn, table, tuple(findings))

    def plain(self, metric: str) -> str:
        """The name of a rate, as a noun phrase."""
        return self._reading.metrics[metric].plain if metric in self._reading.metrics else self._words.rate(metric)

    def _table(
        self,
        findings: Iterable[PublicFinding],
        metric: str,
        what: str,
        rule: PublicRule | None,
    ) -> PublicRows:
        caption = self._t.gettext("%(rate)s, by %(axes)s") % {"rate": capital(self.plain(metric)), "axes": what}
        if what == self._t.gettext("all groups"):
            caption = self._t.gettext("%(rate)s, %(groups)s") % {"rate": capital(self.plain(metric)), "groups": what}
        rows, hidden = list[PublicRow](), list[str]()
        for finding in findings:
            if self._tells_nothing(finding):
                hidden.append(self._names.group(finding.group))
            else:
                rows.append(self._row(finding))
        return PublicRows(
            metric=metric,
            caption=caption,
            limit=self._words.limit(rule) if rule else "",
            rate=self._words.rate(metric),
            cases=self.among(metric),
            judged=rule is not None,
            rows=tuple(rows),
            hidden=tuple(hidden),
        )

    def among(self, metric: str) -> str:
        """The head of the column of cases that a rate is among."""
        if metric in MISSED:
            return self._t.gettext("Victims")
        return self._t.gettext("Not victims") if metric in WRONGLY_FLAGGED else self._t.gettext("Cases")

    def _tells_nothing(self, finding: PublicFinding) -> bool:
        """Whether neither a rate nor a size stands in its row: many groups do, and their names are enough."""
        small = finding.rate.why in (None, "small_or_withheld")
        return small and not finding.is_shown and self._words.cases(finding) == NOT_KNOWN

    def _row(self, finding: PublicFinding) -> PublicRow:
        value, span = self._words.value(finding), self._words.span(finding)
        title = f"{value} ({span})" if span != NOT_KNOWN else value
        word, note = self._words.state(finding.state), self._words.note(finding)
        if finding.state == "not_shown" and note == self._words.sentence("small_or_withheld"):
            word, note = note, ""  # it begins with the word
        return PublicRow(
            key=finding.key,
            name=self._names.group(finding.group),
            outcome=finding.outcome,
            word=word,
            note=note,
            value=value,
            span=span,
            rest=self._n.percent(finding.rest),
            cases=self._words.cases(finding),
            chart=interval(finding, title),
        )

    def _levels(self, axis: Axis) -> list[Level]:
        """The levels of an axis: those with a name by it, then what is unknown or in no list."""
        found = [
            Level(axis.feature, level.rung, level.code)
            for feature in self._reading.features
            if feature.name == axis.feature
            for level in feature.levels
            if level.rung == axis.rung
        ]
        return sorted(found, key=self._place)

    def _in_order(self, findings: Iterable[PublicFinding]) -> list[PublicFinding]:
        """Groups in the order in which their levels stand in a table of two features."""
        return sorted(findings, key=lambda finding: [self._place(level) for level in finding.group.root])

    def _place(self, level: Level) -> tuple[bool, str]:
        return level.code in (UNKNOWN, UNLISTED), self._names.level(level)

    def _heat(self, rule: PublicRule, axes: tuple[Axis, ...], rows: list[Level], columns: list[Level]) -> Heat:
        at = {finding.group.root: finding for finding in self._reading.of_family(axes, rule)}
        order = [axis.feature for axis in axes]

        def cell(*levels: Level) -> HeatCell:
            key = tuple(sorted(levels, key=lambda level: order.index(level.feature)))
            finding = at.get(key)
            if finding is None:  # the table of a release holds every crossing; a made-up one may not
                return HeatCell(group_key(Group(key)), "not_evaluable", self._words.state("not_shown"), "", "")
            span = self._words.span(finding) if finding.rate.value is not None else ""
            value = self._words.value(finding) if finding.is_shown else ""
            return HeatCell(finding.key, finding.outcome, self._words.state(finding.state or "not_shown"), value, span)

        written = [(self._names.level(row), tuple(cell(row, column) for column in columns)) for row in rows]
        return Heat(
            caption=self._t.gettext("%(rate)s, by %(axes)s")
            % {"rate": capital(self.plain(rule.metric)), "axes": self._names.axes(axes)},
            limit=self._words.limit(rule) if self._if_judged(rule, axes) else "",
            corner=capital(self._names.axis(Axis(rows[0].feature, rows[0].rung))),
            columns=tuple(self._names.level(column) for column in columns),
            rows=tuple((name, cells) for name, cells in written if any(each.value for each in cells)),
            hidden=tuple(name for name, cells in written if not any(each.value for each in cells)),
        )
