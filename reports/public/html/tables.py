"""The tables of the public page: a row for each group of a release, both errors side by side, worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from audit.public.figures import PublicFinding
from audit.public.names import RowNames
from audit.public.release import PublicRow, PublicRule
from audit.vocabulary.groups import Axis, Level
from audit.vocabulary.metrics import SHARES_OF_GOOD
from reports.html.charts import Bar, axis_end, interval
from reports.language import Language
from reports.numbers import NOT_KNOWN
from reports.plain_text import capital
from reports.public.reading import Measure, PublicReading, order_of
from reports.public.words import PublicWords

Chart = Markup
_TOGETHER = 2
"""So many rates stand side by side."""
_MOST_ROWS = 100
"""So many rows of a side stand on the page, or not many more: smaller ones are left to `release.json`."""
_FIRST_ROWS = 24
_FIRST_ROWS_CROSSED = 8


@dataclass(frozen=True, slots=True)
class Cells:
    """What a row says by one rate."""

    value: str
    span: str
    """Likely range; in the place of few errors, that they are few."""
    people: str
    chart: Chart
    outcome: str
    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row."""

    name: str
    cells: tuple[Cells | None, ...]
    """By column; None where these people stand in another row on that side."""


@dataclass(frozen=True, slots=True)
class Column:
    """A rate."""

    head: str
    limit: str
    judged: bool
    end: str
    """Number of 100 at which the axis ends."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    more: tuple[TableRow, ...]
    """Rows that are folded."""


@dataclass(frozen=True, slots=True)
class Section:
    """Everything by one feature, or by several together."""

    anchor: str
    title: str
    first: Table
    other_limits: tuple[Table, ...]
    totals: tuple[Table, ...]
    others: tuple[tuple[str, str], ...]
    """Who stands in rows of others: the place, with the side where it matters, and the names."""


def chart(finding: PublicFinding, end: float, title: str) -> Chart:
    """Draw the likely range of a row with everyone else and its own limit, on an axis from none to `end`."""
    span = finding.span or (finding.at_least or 0.0, 1.0 if finding.at_most is None else finding.at_most)
    if finding.error is None and finding.at_most is None and finding.at_least is None:
        return Markup("")
    low, high = finding.limits
    look = finding.look if finding.state != "smaller_beyond" else "not_evaluable"
    bar = Bar(finding.error, *span, look, lower_limit=low, upper_limit=high, rest=finding.rest)
    return interval(bar, end, title)


class TableWriter:
    """Writes the tables of one release in one language."""

    def __init__(self, reading: PublicReading, names: RowNames, words: PublicWords, language: Language) -> None:
        self._reading = reading
        self._names = names
        self._words = words
        self._t = language.translations
        self._n = language.numbers

    @cached_property
    def least(self) -> int:
        """Number of people from which a row stands on the page: the smallest round one that leaves few enough rows."""
        steps = [self._reading.method.row, *(part * int(10**power) for power in range(1, 9) for part in (5, 10, 20))]
        for step in steps:
            kept = Counter(row.side for row in self._reading.release.rows if row.people >= step)
            if max(kept.values(), default=0) <= _MOST_ROWS:
                return step
        return steps[-1]

    def _stands(self, row: PublicRow) -> bool:
        """Whether a row is large enough, or it or a group within it is beyond a limit."""
        return row.people >= self.least or any(word.word == "beyond" or word.smaller_beyond for word in row.words)

    def write(self) -> Iterator[Section]:
        """Yield the sections: gender, nationality, other features, then features together."""
        places = {"gender": 0, "nationality": 1}
        codings = {coding.name: places.get(coding.coding, 2) for coding in self._reading.about.codings}
        ordered = sorted(self._reading.tables, key=lambda table: (len(table), codings.get(table[0], 2)))
        for place, features in enumerate(ordered, start=1):
            yield self._section(f"by-{place}", features)

    def _section(self, anchor: str, features: tuple[str, ...]) -> Section:
        rows = self._reading.rows(features)
        stand = {row.key for row in rows if self._stands(row)}
        rows = [row for row in rows if row.key in stand]
        single, totals = [row for row in rows if not row.total], [row for row in rows if row.total]
        title = self._title(features)
        first, *others = self._tables(single, features, title)
        regions = self._t.gettext("%(title)s: regions that are the sum of rows above") % {"title": title}
        return Section(
            anchor=anchor,
            title=title,
            first=first,
            other_limits=tuple(others),
            totals=tuple(self._tables(totals, features, regions)) if totals else (),
            others=tuple(self._others(rows)) if len(features) == 1 else (),
        )

    def _title(self, features: tuple[str, ...]) -> str:
        usual = {
            ("gender",): self._t.gettext("By gender"),
            ("nationality",): self._t.gettext("By nationality"),
            ("gender", "nationality"): self._t.gettext("By nationality and gender together"),
        }
        if features in usual:
            return usual[features]
        template = self._t.gettext("By %(axes)s") if len(features) == 1 else self._t.gettext("By %(axes)s together")
        return template % {"axes": self._names.features(tuple(Axis(feature, "") for feature in features))}

    def _tables(self, rows: Sequence[PublicRow], features: tuple[str, ...], caption: str) -> list[Table]:
        by_key: dict[str, list[PublicRow]] = {}
        for row in rows:
            by_key.setdefault(row.key, []).append(row)
        measures = [self._judged(measure, features) for measure in self._reading.measures]
        shown = [each for each in measures if any(self._reading.finding(row, each) for row in rows)] or measures[:1]
        chunks = [shown[place : place + _TOGETHER] for place in range(0, len(shown), _TOGETHER)] or [[]]
        return [self._table(by_key, chunk, caption, crossed=len(features) > 1) for chunk in chunks]

    def _table(
        self, by_key: dict[str, list[PublicRow]], measures: Sequence[Measure], caption: str, *, crossed: bool
    ) -> Table:
        found = {key: [self._of(rows, measure) for measure in measures] for key, rows in by_key.items()}
        found = {key: cells for key, cells in found.items() if any(cells)} or found
        ends = [axis_end(self._reach(cells[place] for cells in found.values())) for place in range(len(measures))]
        ordered = sorted(found, key=lambda key: self._order(by_key[key][0], found[key]))
        written = [
            TableRow(
                self._names.row(by_key[key][0].parts),
                tuple(
                    None if each is None else self._cells(each, end) for each, end in zip(found[key], ends, strict=True)
                ),
            )
            for key in ordered
        ]
        columns = [self._column(measure, end) for measure, end in zip(measures, ends, strict=True)]
        most = _FIRST_ROWS_CROSSED if crossed else _FIRST_ROWS
        return Table(caption, tuple(columns), tuple(written[:most]), tuple(written[most:]))

    def _of(self, rows: Iterable[PublicRow], measure: Measure) -> PublicFinding | None:
        return next((found for row in rows if (found := self._reading.finding(row, measure))), None)

    @staticmethod
    def _judged(measure: Measure, features: tuple[str, ...]) -> Measure:
        """Leave out a rule that judges no groups of these features."""
        rule = measure.rule
        if rule is None or not rule.groups or any(set(each) == set(features) for each in rule.groups):
            return measure
        return Measure(measure.metric, None)

    @staticmethod
    def _order(row: PublicRow, cells: Iterable[PublicFinding | None]) -> tuple[int, bool, float, str]:
        """Put rows beyond a limit first, then by the widest gap; rows of others last."""
        state, gap = min((order_of(each) for each in cells if each is not None), default=(9, 0.0))
        return state, any(part.kind == "others" for part in row.parts), gap, row.key

    @staticmethod
    def _reach(findings: Iterable[PublicFinding | None]) -> Iterator[float]:
        """Yield what an axis must hold: ranges of known rates, else bounds."""
        found = [finding for finding in findings if finding is not None]
        for finding in [each for each in found if each.error is not None] or found:
            ends = (finding.rest, *(finding.span or ()), None if finding.span else finding.at_most)
            yield from (each for each in ends if each is not None)

    def _column(self, measure: Measure, end: float) -> Column:
        rule = measure.rule
        head = self._t.gettext("%(error)s, in 100") % {"error": self._words.error_head(measure.metric)}
        return Column(head, "" if rule is None else self.limit(rule), rule is not None, self._words.hundred(end))

    def limit(self, rule: PublicRule) -> str:
        """Return a limit with what it is on."""
        of_rate = rule.scale == "ratio" and rule.metric in SHARES_OF_GOOD
        what = self.plain(rule) if of_rate else self._words.error_head(rule.metric)
        return self._t.gettext("%(rate)s: %(limit)s") % {"rate": capital(what), "limit": self._words.limit(rule)}

    def plain(self, rule: PublicRule) -> str:
        """Return the name of the rate of a rule, as a noun phrase."""
        metrics = self._reading.metrics
        return metrics[rule.metric].plain if rule.metric in metrics else self._words.rate(rule.metric)

    def _cells(self, finding: PublicFinding, end: float) -> Cells:
        row, word = finding.row, finding.word
        value, few, span = self._words.value(finding), self._words.few(row), self._words.span(finding)
        told = few or (span if span != NOT_KNOWN else "")
        return Cells(
            value=value,
            span=told,
            people="" if few else self._n.count(row.people),
            chart=chart(finding, end, f"{value} ({told})" if told else value),
            outcome=finding.look,
            word="" if finding.state is None else self._words.state(finding.state),
            reason="" if word is None else self._words.reason(word, self._names),
        )

    def _others(self, rows: Iterable[PublicRow]) -> Iterator[tuple[str, str]]:
        """Yield who stands in rows of others, once where both sides agree."""
        sides: dict[str, dict[str, str]] = {}
        for row in rows:
            for others in self._reading.others(row):
                levels = [Level(others.feature, self._finest(others.feature), code) for code in others.members]
                names = sorted(self._names.level(level) for level in levels)
                if names:
                    sides.setdefault(self._names.row(row.parts), {})[row.side] = self._t.gettext("; ").join(names)
        heads = {"positives": self._t.gettext("Victims"), "negatives": self._t.gettext("Not victims")}
        for place, by_side in sides.items():
            if len(set(by_side.values())) == 1:
                yield place, next(iter(by_side.values()))
                continue
            for side, who in by_side.items():
                head = {"first": place, "other": heads.get(side, self._t.gettext("Cases"))}
                yield self._t.gettext("%(first)s, %(other)s") % head, who

    def _finest(self, feature: str) -> str:
        return next(each.rungs[0] for each in self._reading.release.features if each.name == feature)
