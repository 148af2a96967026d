"""Figures of a public release: its printed rows, their words, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal

from audit.errors import AuditError
from audit.public.cases import relied_on
from audit.public.figures import PublicFinding
from audit.public.names import RowNames
from audit.public.release import PublicRate, PublicRelease, PublicRow, PublicRule
from audit.vocabulary.groups import Axis
from audit.vocabulary.metrics import MetricDefinition, error_of
from reports.figures.data import (
    NOTES,
    Forest,
    ForestRow,
    Funnel,
    Head,
    Line,
    Mark,
    Outcome,
    limit_in_words,
    limits_around,
    source_of,
    title_of,
)
from reports.language import ENGLISH
from reports.plain_text import capital
from reports.public.reading import Measure, PublicReading

MOST_ROWS: Final = 40
_OUTCOME: Final[dict[str | None, Outcome]] = {
    "beyond": "fail",
    "within": "pass",
    "cannot_tell": "inconclusive",
    None: "not_judged",
}
_RANK: Final = {"fail": 0, "inconclusive": 1, "pass": 2, "not_judged": 3}
_BANDS: Final = ((1.959964, "inner", "95 of 100"), (3.090232, "outer", "998 of 1,000"))
_STEPS: Final = 60
_NOTES: Final = NOTES["release"]
_RESTRICTED: Final = "draw it from the exact result, for restricted use: add --restricted"


class _Reader:
    """One rule of a release, and the rows of one table under it."""

    def __init__(self, release: PublicRelease, rule: str | None, by: str | None) -> None:
        reading = PublicReading(release)
        known = {public_rule.rule: public_rule for public_rule in reading.rules}
        if not known or (rule is not None and rule not in known):
            raise AuditError(
                "there is no such rule in this release",
                slug="figure-rule",
                hint=f"it has: {', '.join(known) or 'none'}",
            )
        if not release.rows or release.about.sample_sentences:
            content = "no figures" if not release.rows else "no rate of weighted or clustered cases"
            raise AuditError(
                f"this release holds {content}, and nothing to draw", slug="figure-not-public", hint=_RESTRICTED
            )
        self.release = release
        self.rule: PublicRule = known[rule] if rule is not None else reading.rules[0]
        self.names = RowNames(release)
        measure = Measure(self.rule.metric, self.rule)
        tables = {"+".join(features): features for features in reading.tables}
        findings_by_table = {
            name: [(row, finding) for row in reading.rows(features) if (finding := reading.finding(row, measure))]
            for name, features in tables.items()
        }
        rated = {
            name: rows
            for name, rows in findings_by_table.items()
            if any(_has_rate(finding.rate) for _, finding in rows)
        }
        if by is not None and by not in tables:
            raise AuditError(
                "there is no such family of groups to draw",
                slug="figure-family",
                hint=f"--by takes one of: {', '.join(rated)}" if rated else "",
            )
        name = by or next(iter(rated), "")
        if name not in rated:
            raise AuditError(
                "no row of this family has a rate",
                slug="figure-empty",
                hint=f"--by takes one of: {', '.join(rated)}" if rated else _RESTRICTED,
            )
        self.features = tables[name]
        self.rows = [
            (row, finding) for row, finding in findings_by_table[name] if not row.total and _has_rate(finding.rate)
        ]
        self.without_rate = [
            finding
            for row, finding in findings_by_table[name]
            if not row.total and not _has_rate(finding.rate) and finding.state in ("beyond", "smaller_beyond")
        ]
        everyone = (reading.finding(row, measure) for row in reading.rows())
        self.everyone: PublicRate | None = next((finding.rate for finding in everyone if finding), None)

    @property
    def metric(self) -> MetricDefinition | None:
        """The words for the rate, or None where the release does not explain it."""
        return next((metric for metric in self.release.about.metrics if metric.name == self.rule.metric), None)

    @property
    def counted(self) -> str:
        """The axis title."""
        metric = self.metric
        if metric is None:
            return capital(self.rule.metric.replace("_", " "))
        return f"{capital(metric.plain)}: {metric.counted}, among {metric.among}"

    @property
    def reference(self) -> float | None:
        """Everyone's rate."""
        return None if self.everyone is None else self.everyone.value

    def name(self, finding: PublicFinding) -> str:
        """Return who a row is, with a star where a smaller group within it is beyond the limit."""
        smaller = finding.word is not None and finding.word.smaller_beyond
        return self.names.row(finding.row.parts) + ("*" if smaller else "")

    def head(self, kind: str, drawn: str, notes: tuple[str, ...]) -> Head:
        """Return title, reference, limit, and the notes that must be read with printed rows."""
        method, about, rule = self.release.method, self.release.about, self.rule
        title = title_of(rule.metric, self.names.features(tuple(Axis(feature, "") for feature in self.features)))
        limit = limit_in_words(rule.limit, rule.scale, rule.worse, ENGLISH.numbers)
        everyone = ENGLISH.numbers.percent(self.reference)
        reference = f"Everyone: {everyone}. Limit: {limit}."
        number = "" if self.release.number is None else f", release {self.release.number} of set {self.release.set_id}"
        figures = f"public figures{number}"
        source = source_of(about.title, about.auditor, about.finished, about.label_source, figures, about.tool)
        protected = (
            f"Every row stands for at least {method.row} people, and its numbers were changed by at most "
            f"{method.largest_change}. The overall verdict is that of the exact audit: "
            f"{_VERDICTS[relied_on(self.release)]}."
        )
        if any(finding.word and finding.word.smaller_beyond for _, finding in self.rows):
            notes = (*notes, _NOTES["smaller"])
        if self.without_rate:
            unseen = "; ".join(self.names.row(finding.row.parts) for finding in self.without_rate)
            notes = (
                *notes,
                f"Not drawn, for want of a rate, and beyond the limit or with a smaller group that is: {unseen}.",
            )
        return Head(
            title=title,
            reference=reference,
            notes=(*notes, protected),
            restricted=False,
            described=f"{kind}: {title}. {drawn} {reference} {protected} {source}",
            source=source,
        )


_VERDICTS: Final = {"fail": "exceeds the limits", "pass": "within the limits", "inconclusive": "we cannot tell"}


def forest_of_release(release: PublicRelease, rule: str | None, by: str | None) -> Forest:
    """Return the rows of a table with their rates, as many as there is room for. Raises AuditError."""
    reader = _Reader(release, rule, by)
    ranked = sorted(reader.rows, key=lambda row_finding: (_outcome(row_finding[1]) != "fail", -row_finding[0].people))
    rows = [_row(reader, *row_finding) for row_finding in ranked[:MOST_ROWS]]
    high_is_worse = reader.rule.worse == ("high",)
    rows.sort(key=lambda row: (_RANK[row.outcome], -row.low if high_is_worse else row.high, row.name))
    left_out = len(ranked) - len(rows)
    notes = (
        _looks(row.outcome for row in rows),
        _NOTES["bars"],
        *([f"{left_out} more rows are not drawn: those of the fewest people."] if left_out else []),
    )
    return Forest(
        head=reader.head("Forest plot", f"{len(rows)} rows.", notes),
        counted=reader.counted,
        rows=tuple(rows),
        reference=reader.reference,
        limits=(),
        interval=f"{ENGLISH.numbers.percent(release.level)} range",
    )


def funnel_of_release(release: PublicRelease, rule: str | None, by: str | None) -> Funnel:
    """Return the rows of a table over their numbers of people, and where chance and the change of numbers would leave
    them. Raises AuditError.
    """
    reader = _Reader(release, rule, by)
    marks = [
        Mark(reader.name(finding), row.people, finding.rate.value, _outcome(finding))
        for row, finding in reader.rows
        if finding.rate.value is not None and row.side != "both"
    ]
    if not marks or reader.reference is None:
        raise AuditError(
            "there is no funnel to draw: its curves are those of rows with a rate among victims or among others",
            slug="figure-not-public",
            hint="draw a forest",
        )
    return Funnel(
        head=reader.head(
            "Funnel plot", f"{len(marks)} rows.", (_looks(mark.outcome for mark in marks), _NOTES["curves"])
        ),
        counted=reader.counted,
        cases=f"Number of {reader.metric.among if reader.metric else 'people'} in the row",
        marks=tuple(marks),
        lines=_bands(reader, marks),
        reference=reader.reference,
        limits=limits_around(reader.reference, reader.rule.limit, reader.rule.scale, reader.rule.worse),
    )


def _has_rate(rate: PublicRate) -> bool:
    return rate.value is not None or rate.at_least is not None or rate.at_most is not None


def _outcome(finding: PublicFinding) -> Outcome:
    return _OUTCOME[finding.word.word if finding.word else None]


def _looks(drawn: Iterable[Outcome]) -> str:
    """Return what the marks that are drawn say."""
    there = set(drawn)
    return " ".join(meaning for outcome, meaning in NOTES["looks"].items() if outcome in there)


def _row(reader: _Reader, row: PublicRow, finding: PublicFinding) -> ForestRow:
    numbers, rate, rule = ENGLISH.numbers, finding.rate, reader.rule
    if rate.value is not None and rate.low is not None and rate.high is not None:
        low, high = rate.low, rate.high
        rate_text = f"{numbers.percent(rate.value)} ({numbers.percent_range(low, high)})"
    else:
        low, high = rate.at_least or 0.0, 1.0 if rate.at_most is None else rate.at_most
        rate_text = (
            f"at least {numbers.percent(low)}" if rate.at_least is not None else f"at most {numbers.percent(high)}"
        )
    outcome = _outcome(finding)
    return ForestRow(
        name=reader.name(finding),
        outcome=outcome,
        value=rate.value,
        low=low,
        high=high,
        rate_text=rate_text,
        cases=numbers.count(row.people),
        rest=rate.rest,
        limits=() if outcome == "not_judged" else limits_around(rate.rest, rule.limit, rule.scale, rule.worse),
    )


def _bands(reader: _Reader, marks: list[Mark]) -> tuple[Line, ...]:
    """Return the bands of sampling and of changed numbers about everyone's rate, computed as the ranges of the release
    (docs/disclosure.md).
    """
    rate = reader.reference or 0.0
    noise = reader.release.method.variance * (1 + error_of(reader.release.rates[reader.rule.metric], rate) ** 2)
    first, last = math.log(min(mark.cases for mark in marks)), math.log(max(mark.cases for mark in marks) * 1.1)
    sizes = [math.exp(first + (last - first) * step / _STEPS) for step in range(_STEPS + 1)]
    bands = []
    for away, style, often in _BANDS:
        name = f"{often} rows, were all alike"
        look: Literal["inner", "outer"] = "inner" if style == "inner" else "outer"
        spread = [away * math.sqrt(rate * (1 - rate) / n + noise / n**2) for n in sizes]
        below = tuple((n, max(rate - half_width, 0.0)) for n, half_width in zip(sizes, spread, strict=True))
        above = tuple((n, min(rate + half_width, 1.0)) for n, half_width in zip(sizes, spread, strict=True))
        bands += [Line(name, below, look), Line("", above, look)]
    return tuple(bands)
