"""Looks at questions beside that of the flag: what people decided, each form by itself, who is among the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from audit.result.findings.second import AfterDetector, Exposure, Override, PeopleGap, SecondVerdict
from audit.result.reading import WORST_FIRST, JudgedRate
from reports.html.looks.parts import MOST, Cell, Fold, Look, LookWriter, Row
from reports.numbers import NOT_KNOWN
from reports.second_words import SecondWords, result_of_second
from reports.writer import Report, Writer

_T = TypeVar("_T")


class _SecondWriter(LookWriter):
    """The base class of those that show verdicts."""

    def verdicts(self, kind: str) -> list[SecondVerdict]:
        """Return the verdicts of a kind."""
        return [one for one in self.result.further.second_verdicts if one.kind == kind]

    def findings(self, second: SecondVerdict) -> list[JudgedRate]:
        """Return what is said of groups that have a rate: the worst first."""
        found = Report(result_of_second(self.result, second), self.language).reading.each_once
        rated = [each for each in found if each.outcome != "not_evaluable"]
        return sorted(rated, key=lambda each: (WORST_FIRST.index(each.outcome), -each.excess))

    def row(self, finding: JudgedRate, *before: Cell) -> Row:
        """Return the row of a group."""
        return (
            *before,
            self.group_cell(finding.group),
            self.cell("rate", self.words.rate(finding.metric), number=False),
            self.cell("share", self.share(finding.value, *finding.ends)),
            self.cell("everyone_else", self.n.percent(finding.rest)),
            self.cell("verdict", self.words.outcome(finding.outcome), number=False),
        )

    def limits(self, second: SecondVerdict) -> Iterator[str]:
        """Yield for each limit how it came out, and why."""
        writer, colon = Writer(Report(result_of_second(self.result, second), self.language)), self.t.gettext(": ")
        for rule in second.rules:
            said = (second.name, self.words.rate(rule.metric), self.words.rule_outcome(rule.outcome), writer.why(rule))
            yield colon.join(filter(None, said)) + "."


class PeopleWriter(_SecondWriter):
    """Writer of the look at people's decisions after the system's flags."""

    anchor = "people"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        after, judged = self.result.further.after_detector, self.verdicts("decisions")
        if after is None or not judged:
            return self.absent()
        overrides = _once(after.overrides, lambda one: (one.detector, one.group.people))
        overrides.sort(key=lambda one: (bool(one.group.root), not _is_apart(one)))
        gaps = _once(after.gaps, lambda one: (one.among, one.group.people))
        gaps.sort(key=lambda one: one.outcome == "cannot_tell")
        said = (SecondWords(self.result, self.language, self.names).of_people(judged[0]), *self.limits(judged[0]))
        return self.tabled(
            map(self.row, self.findings(judged[0])),
            (*said, *self._sentences(after, gaps), *self.unweighted_notes()),
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
        flagged, others = (one for one in after.overrides if not one.group.root)
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

    def _of(self, one: Override) -> str:
        return f"{self.part(one.changed, one.decided)}, {self.share(one.value, one.low, one.high)}"

    def _override(self, one: Override) -> Row:
        flagged = self.t.gettext("Flagged") if one.detector == "flagged" else self.t.gettext("Not flagged")
        return (
            self.group_cell(one.group),
            self.cell("system", flagged, number=False),
            self.cell("decided_otherwise", self.part(one.changed, one.decided)),
            self.cell("share", self.share(one.value, one.low, one.high)),
            self.cell(
                "difference_in_points",
                self.n.points_with_range(one.difference, one.difference_low, one.difference_high),
            ),
            self.cell("without_decision", self.n.count(one.undecided)),
        )

    def _gap(self, one: PeopleGap) -> Row:
        return (
            self.group_cell(one.group),
            self.cell("among", self.language.word("among", one.among), number=False),
            self.cell("gap_of_system", self.n.points_with_range(one.detector_gap, None, None)),
            self.cell("added_by_people", self.n.points_with_range(one.added, one.low, one.high)),
            self.cell("people", self.said(one.outcome, "people-gaps"), number=False),
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
        rows.sort(key=lambda each: WORST_FIRST.index(each[1].outcome))
        head = self.t.gettext("Form")
        return self.tabled(
            [self.row(finding, Cell(head, second.name, number=False)) for second, finding in rows],
            [said for second in judged for said in self.limits(second)],
            by_result=True,
            most=MOST,
        )


class ExposureWriter(LookWriter):
    """Writer of the look at who is among the first of the ranking."""

    anchor = "first"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        found = _once(self.result.further.exposures, lambda one: (one.first, one.among, one.group.people))
        if not found:
            return self.absent()
        found.sort(key=lambda one: (one.first, one.among != "victims"))
        return self.tabled(map(self._row, found), self.unweighted_notes())

    def _row(self, one: Exposure) -> Row:
        ends = [self.n.count(number) for number in dict.fromkeys((one.fewest, one.most))]
        return (
            self.cell("first", self.n.count(one.first)),
            self.group_cell(one.group),
            self.cell("among", self.language.word("among", one.among), number=False),
            self.cell("cases", self.n.count(one.cases)),
            self.cell("among_first", "–".join(ends)),
            self.cell("share", NOT_KNOWN if one.value is None else self._share(one)),
            self.cell(
                "difference_in_points",
                self.n.points_with_range(one.difference, one.difference_low, one.difference_high),
            ),
        )

    def _share(self, one: Exposure) -> str:
        return f"{self.n.percent(one.value, digits=1)} ({self.n.percent_range(one.low, one.high, digits=1)})"


def _is_apart(one: Override) -> bool:
    return (one.difference_low or 0.0) > 0 or (one.difference_high or 0.0) < 0


def _once(found: Iterable[_T], key_of: Callable[[_T], object]) -> list[_T]:
    first: dict[object, _T] = {}
    for each in found:
        first.setdefault(key_of(each), each)
    return list(first.values())
