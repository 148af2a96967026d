"""The tables of the public page: a row for each group of a release, both errors side by side, worst first.

Writers of parts of the public page, and what they write with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from markupsafe import Markup

from audit.public.cases import relied_on
from audit.public.figures import PublicFinding
from audit.public.names import RowNames
from audit.public.release import PublicRelease, PublicRow
from audit.vocabulary.groups import Axis, Level
from reports.html.charts import Bar, axis_end, interval
from reports.language import Language
from reports.public.reading import Measure, PublicReading, order_of
from reports.public.words import PublicWords


class PublicWriter:
    """The base class of writers. Each writes a part of a page: one release in one language."""

    def __init__(self, release: PublicRelease, language: Language) -> None:
        self.release, self.about, self.language = release, release.about, language
        self.reading, self.words = PublicReading(release), PublicWords(language, release)
        self.names = RowNames(release, language.translations, language.places)
        self.t, self.n = language.translations, language.numbers
        self.outcome = relied_on(release)

    def standing(self, row: PublicRow) -> str:
        """Return the mark of a row whose numbers stand from an earlier audit; empty for others."""
        return "*" if row.as_of < self.about.finished else ""


_TOGETHER = 2
"""So many rates stand side by side."""
_MOST_ROWS = 100
"""So many rows of a side stand on the page, or not many more: smaller ones are left to `release.json`."""
_FIRST_ROWS = 14
_FIRST_ROWS_CROSSED = 6


class Column(NamedTuple):
    """A rate."""

    measure: Measure
    end: float
    is_drawn: bool


class TableRow(NamedTuple):
    """A row: by column what it says; None where these people stand in another row on that side."""

    name: str
    findings: Sequence[PublicFinding | None]


class Table(NamedTuple):
    """A table."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[TableRow]
    more: Sequence[TableRow]


class Section(NamedTuple):
    """Everything by one feature, or by several together."""

    anchor: str
    title: str
    first: Table
    other_limits: Sequence[Table]
    totals: Sequence[Table]
    others: Sequence[tuple[str, str]]


def chart(finding: PublicFinding, end: float, title: str) -> Markup:
    """Draw the likely range of a row with everyone else and its own limit, on an axis from none to `end`."""
    if not finding.is_known:
        return Markup("")
    span = finding.span or (finding.at_least or 0.0, 1.0 if finding.at_most is None else finding.at_most)
    low, high = finding.limits
    look = finding.look if finding.state != "smaller_beyond" else "not_evaluable"
    bar = Bar(finding.error, *span, look, lower_limit=low, upper_limit=high, rest=finding.rest)
    return interval(bar, end, title)


class TableWriter(PublicWriter):
    """Writes the tables of one release in one language."""

    @cached_property
    def least(self) -> int:
        """Number of people from which a row stands on the page: the smallest round one that leaves few enough rows."""
        steps = [self.reading.method.row, *(part * int(10**power) for power in range(1, 9) for part in (5, 10, 20))]
        for step in steps:
            row_counts = Counter(row.side for row in self.release.rows if row.people >= step)
            if max(row_counts.values(), default=0) <= _MOST_ROWS:
                return step
        return steps[-1]

    def _stands(self, row: PublicRow) -> bool:
        """Whether a row is large enough, or it or a group within it is beyond a limit."""
        return row.people >= self.least or any(word.word == "beyond" or word.smaller_beyond for word in row.words)

    def write(self) -> Iterator[Section]:
        """Yield the sections: gender, nationality, other features, then features together."""
        ranks = {"gender": 0, "nationality": 1}
        codings = {feature.name: ranks.get(feature.coding, 2) for feature in self.release.features}
        ordered = sorted(self.reading.tables, key=lambda table: (len(table), codings.get(table[0], 2)))
        for number, features in enumerate(ordered, start=1):
            yield self._section(f"by-{number}", features)

    def _section(self, anchor: str, features: tuple[str, ...]) -> Section:
        rows = self.reading.rows(features)
        stand = {row.key for row in rows if self._stands(row)}
        rows = [row for row in rows if row.key in stand]
        single, totals = [row for row in rows if not row.total], [row for row in rows if row.total]
        title = self._title(features)
        first, *others = self._tables(single, features, title)
        regions = self.t.gettext("%(title)s: regions that are the sum of rows above") % {"title": title}
        of_totals = self._tables(totals, features, regions) if totals else []
        return Section(anchor, title, first, others, of_totals, list(self._others(rows)) if len(features) == 1 else [])

    def _title(self, features: tuple[str, ...]) -> str:
        usual = {
            ("gender",): self.t.gettext("By gender"),
            ("nationality",): self.t.gettext("By nationality"),
            ("gender", "nationality"): self.t.gettext("By nationality and gender together"),
        }
        if features in usual:
            return usual[features]
        template = self.t.gettext("By %(axes)s") if len(features) == 1 else self.t.gettext("By %(axes)s together")
        return template % {"axes": self.names.features(tuple(Axis(feature, "") for feature in features))}

    def _tables(self, rows: Sequence[PublicRow], features: tuple[str, ...], caption: str) -> list[Table]:
        by_key: dict[tuple[str, str], list[PublicRow]] = {}
        for row in rows:  # of one key, a side may name its group where it holds few others, and the other side not
            by_key.setdefault((row.key, self.names.row(row.parts)), []).append(row)
        measures = [self._judged(measure, features) for measure in self.reading.measures]
        shown = [
            measure for measure in measures if any(self.reading.finding(row, measure) for row in rows)
        ] or measures[:1]
        chunks = [shown[start : start + _TOGETHER] for start in range(0, len(shown), _TOGETHER)] or [[]]
        return [self._table(by_key, chunk, caption, crossed=len(features) > 1) for chunk in chunks]

    def _table(
        self,
        by_key: dict[tuple[str, str], list[PublicRow]],
        measures: Sequence[Measure],
        caption: str,
        *,
        crossed: bool,
    ) -> Table:
        findings: dict[tuple[str, str], list[PublicFinding | None]] = {}
        for key, group_rows in by_key.items():
            by_measure = ([self.reading.finding(row, measure) for row in group_rows] for measure in measures)
            findings[key] = [next(filter(None, row_findings), None) for row_findings in by_measure]
        findings = {key: cells for key, cells in findings.items() if any(cells)} or findings
        ordered = sorted(findings, key=lambda key: self._order(by_key[key][0], findings[key]))
        rows = [TableRow(key[1], findings[key]) for key in ordered]
        columns = []
        for index, measure in enumerate(measures):
            cells = [cell for row in rows if (cell := row.findings[index]) is not None]
            columns.append(Column(measure, axis_end(self._reach(cells)), any(cell.is_known for cell in cells)))
        most = _FIRST_ROWS_CROSSED if crossed else _FIRST_ROWS
        return Table(caption, columns, rows[:most], rows[most:])

    @staticmethod
    def _judged(measure: Measure, features: tuple[str, ...]) -> Measure:
        """Leave out a rule that judges no groups of these features."""
        rule = measure.rule
        if rule is None or not rule.groups or set(features) in map(set, rule.groups):
            return measure
        return Measure(measure.metric, None)

    @staticmethod
    def _order(row: PublicRow, cells: Iterable[PublicFinding | None]) -> tuple[int, bool, float, str]:
        """Put rows beyond a limit first, then by the widest gap; rows of others last."""
        state, gap = min((order_of(cell) for cell in cells if cell is not None), default=(9, 0.0))
        return state, any(part.kind == "others" for part in row.parts), gap, row.key

    @staticmethod
    def _reach(findings: Sequence[PublicFinding]) -> Iterator[float]:
        """Yield what an axis must hold: ranges of known rates, else bounds."""
        for finding in [finding for finding in findings if finding.error is not None] or findings:
            ends = (finding.rest, *(finding.span or ()), None if finding.span else finding.at_most)
            yield from (end for end in ends if end is not None)

    def _others(self, rows: Iterable[PublicRow]) -> Iterator[tuple[str, str]]:
        """Yield who stands in rows of others, once where both sides agree."""
        sides: dict[str, dict[str, str]] = {}
        finest = {feature.name: feature.rungs[0] for feature in self.release.features}
        for row in rows:
            for part in row.parts:
                levels = [Level(part.feature, finest[part.feature], code) for code in part.members]
                names = sorted(self.names.level(level) for level in levels)
                if names:
                    sides.setdefault(self.names.row(row.parts), {})[row.side] = self.t.gettext("; ").join(names)
        heads = {"positives": self.t.gettext("Victims"), "negatives": self.t.gettext("Not victims")}
        for name, by_side in sides.items():
            if len(set(by_side.values())) == 1:
                yield name, next(iter(by_side.values()))
                continue
            for side, members in by_side.items():
                head = {"first": name, "other": heads.get(side, self.t.gettext("Cases"))}
                yield self.t.gettext("%(first)s, %(other)s") % head, members
