"""Looks at questions beside that of the flag: what people decided, each form by itself, who is among the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from audit.result.findings.second import AfterDetector, Exposure, Override, PeopleGap, SecondVerdict
from audit.result.reading import WORST_FIRST, JudgedRate, result_of_second
from reports.html.looks.parts import MOST, Cell, Fold, Look, LookWriter, Row
from reports.numbers import NOT_KNOWN
from reports.second_words import SecondWords
from reports.writer import Report, Writer

_T = TypeVar("_T")


class _SecondWriter(LookWriter):
    """The base class of those that show verdicts."""

    def verdicts(self, kind: str) -> list[SecondVerdict]:
        """Return the verdicts of a kind."""
        return [verdict for verdict in self.result.further.second_verdicts if verdict.kind == kind]

    def findings(self, second: SecondVerdict) -> list[JudgedRate]:
        """Return what is said of groups that have a rate: the worst first."""
        rates = Report(result_of_second(self.result, second), self.language).reading.each_once
        rated = [rate for rate in rates if rate.outcome != "not_evaluable"]
        return sorted(rated, key=lambda rate: (WORST_FIRST.index(rate.outcome), -rate.excess))

    def row(self, finding: JudgedRate, *before: Cell) -> Row:
        """Return the row of a group."""
        return (
            *before,
            self.group_cell(finding.group),
            self.cell("rate", self.words.rate(finding.metric), number=False),
            self.cell("share", self.share(finding.value, *finding.ends)),
            self.cell("everyone_else", self.n.percent(finding.rest)),
            self.cell("verdict", self.words.verdict(finding.verdict), number=False),
        )

    def limits(self, second: SecondVerdict) -> Iterator[str]:
        """Yield for each limit how it came out, and why."""
        writer, colon = Writer(Report(result_of_second(self.result, second), self.language)), self.t.gettext(": ")
        for rule in second.rules:
            parts = (second.name, self.words.rate(rule.metric), self.words.rule_outcome(rule.outcome), writer.why(rule))
            yield colon.join(filter(None, parts)) + "."


class PeopleWriter(_SecondWriter):
    """Writer of the look at people's decisions after the system's flags."""

    anchor = "people"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        after, judged = self.result.further.after_detector, self.verdicts("decisions")
        if after is None or not judged:
            return self.absent()
        overrides = _once(after.overrides, lambda override: (override.detector, override.group.people))
        overrides.sort(key=lambda override: (bool(override.group.root), not _is_apart(override)))
        gaps = _once(after.gaps, lambda gap: (gap.among, gap.group.people))
        gaps.sort(key=lambda gap: gap.outcome == "cannot_tell")
        sentences = (SecondWords(self.result, self.language, self.names).of_people(judged[0]), *self.limits(judged[0]))
        return self.tabled(
            map(self.row, self.findings(judged[0])),
            (*sentences, *self._sentences(after, gaps), *self.unweighted_notes()),
            (
                self._folded("overrides", map(self._override, overrides)),
                self._folded("people-gaps", map(self._gap, gaps)),
            ),
            by_result=True,
            most=MOST,
        )

    def _folded(self, anchor: str, rows: Iterator[Row]) -> Fold:
        return self.fold(anchor, self.first(self.said("title", anchor), rows, by_result=True))

    def _sentences(self, after: AfterDetector, gaps: Sequence[PeopleGap]) -> Iterator[str]:
        flagged, others = (override for override in after.overrides if not override.group.root)
        yield self.said("overridden", dismissed=self._of(flagged), taken=self._of(others))
        undecided = flagged.undecided + others.undecided
        if undecided:
            yield self.said("undecided", count=self.n.count(undecided))
        if after.unanswered:
            yield self.said("unanswered", count=self.n.count(after.unanswered))
        counts = {outcome: sum(gap.outcome == outcome for gap in gaps) for outcome in ("adds", "removes")}
        yield self.said(
            "gaps", all=self.n.count(len(gaps)), **{name: self.n.count(count) for name, count in counts.items()}
        )
        if len(gaps) > sum(counts.values()):
            yield self.said("gaps_left")

    def _of(self, override: Override) -> str:
        share = self.share(override.value, override.low, override.high)
        return f"{self.part(override.changed, override.decided)}, {share}"

    def _override(self, override: Override) -> Row:
        flagged = self.t.gettext("Flagged") if override.detector == "flagged" else self.t.gettext("Not flagged")
        return (
            self.group_cell(override.group),
            self.cell("system", flagged, number=False),
            self.cell("decided_otherwise", self.part(override.changed, override.decided)),
            self.cell("share", self.share(override.value, override.low, override.high)),
            self.cell(
                "difference_in_points",
                self.n.points_with_range(override.difference, override.difference_low, override.difference_high),
            ),
            self.cell("without_decision", self.n.count(override.undecided)),
        )

    def _gap(self, gap: PeopleGap) -> Row:
        return (
            self.group_cell(gap.group),
            self.cell("among", self.language.word("among", gap.among), number=False),
            self.cell("gap_of_system", self.n.points_with_range(gap.detector_gap, None, None)),
            self.cell("added_by_people", self.n.points_with_range(gap.added, gap.low, gap.high)),
            self.cell("people", self.said(gap.outcome, "people-gaps"), number=False),
        )


class FormsWriter(_SecondWriter):
    """Writer of the look at each form of exploitation against all other cases."""

    anchor = "forms"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        judged = self.verdicts("form")
        if not judged:
            return self.absent()
        rows = [(second, finding) for second in judged for finding in self.findings(second)]
        rows.sort(key=lambda row: WORST_FIRST.index(row[1].outcome))
        head = self.t.gettext("Form")
        return self.tabled(
            [self.row(finding, Cell(head, second.name, number=False)) for second, finding in rows],
            [sentence for second in judged for sentence in self.limits(second)],
            by_result=True,
            most=MOST,
        )


class ExposureWriter(LookWriter):
    """Writer of the look at who is among the first of the ranking."""

    anchor = "first"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        exposures = _once(
            self.result.further.exposures, lambda exposure: (exposure.first, exposure.among, exposure.group.people)
        )
        if not exposures:
            return self.absent()
        exposures.sort(key=lambda exposure: (exposure.first, exposure.among != "victims"))
        return self.tabled(map(self._row, exposures), self.unweighted_notes())

    def _row(self, exposure: Exposure) -> Row:
        ends = [self.n.count(number) for number in dict.fromkeys((exposure.fewest, exposure.most))]
        return (
            self.cell("first", self.n.count(exposure.first)),
            self.group_cell(exposure.group),
            self.cell("among", self.language.word("among", exposure.among), number=False),
            self.cell("cases", self.n.count(exposure.cases)),
            self.cell("among_first", "–".join(ends)),
            self.cell("share", NOT_KNOWN if exposure.value is None else self._share(exposure)),
            self.cell(
                "difference_in_points",
                self.n.points_with_range(exposure.difference, exposure.difference_low, exposure.difference_high),
            ),
        )

    def _share(self, exposure: Exposure) -> str:
        likely = self.n.percent_range(exposure.low, exposure.high, digits=1)
        return f"{self.n.percent(exposure.value, digits=1)} ({likely})"


def _is_apart(override: Override) -> bool:
    return (override.difference_low or 0.0) > 0 or (override.difference_high or 0.0) < 0


def _once(records: Iterable[_T], key_of: Callable[[_T], object]) -> list[_T]:
    first: dict[object, _T] = {}
    for record in records:
        first.setdefault(key_of(record), record)
    return list(first.values())
