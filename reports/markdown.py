"""`restricted.md`: the verdict and what changed since an earlier audit, with exact counts, for a comment that few read.

Text that others wrote stands in code spans, as in the public comment: no markup, no link, no mention.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from audit.result.audit_result import AuditResult
from audit.result.cases import suites
from audit.result.findings.change import Change
from audit.result.findings.judged import RuleResult
from audit.result.reading import Finding, changed_worst_first
from audit.result.waivers import WaiverOnDay
from audit.vocabulary.groups import Axis, Group
from audit.vocabulary.names import Names
from reports.change_words import ChangeWords
from reports.language import ENGLISH
from reports.markdown_text import literal
from reports.numbers import NOT_KNOWN
from reports.verdict_words import VerdictWriter
from reports.waiver_words import WaiverWords
from reports.words import Words
from reports.writer import Report, Writer

_MOST: Final = 20
"""The most rows of a table. A comment is no report."""
_RESTRICTED: Final = "Restricted: exact counts can single out people; not for publication."
_CHANGED: Final = {"fail": "Worse", "pass": "Not worse", "inconclusive": "Cannot tell"}


class MarkdownReporter:
    """Writes `restricted.md`."""

    name: str = "markdown"
    filename: str = "restricted.md"
    audience: Literal["restricted"] = "restricted"

    def render(self, result: AuditResult) -> str:
        """The whole file as text, the same for the same result."""
        return "\n".join(_Comment(result).write()) + "\n"


class _LiteralNames(Names):
    """Names for sentences that stand in Markdown as they are."""

    def group(self, group: Group) -> str:
        return literal(super().group(group))

    def axes(self, axes: tuple[Axis, ...]) -> str:
        return literal(super().axes(axes))

    def quoted(self, text: str) -> str:
        return literal(text)


class _Comment(Writer):
    def __init__(self, result: AuditResult) -> None:
        super().__init__(Report(result, ENGLISH))
        literally = Report(result, ENGLISH)
        literally.names = _LiteralNames(result.features)
        literally.words = Words(ENGLISH, literally.names)
        self._verdict = VerdictWriter(literally)
        self._suites = [suite for suite in suites(self.reading) if not isinstance(suite.of, Change)]

    def write(self) -> Iterator[str]:
        verdict = self._verdict.write()
        yield f"**{verdict.heading}.** {verdict.sentence}"
        yield ""
        yield f"System: {literal(self.result.plan.audit.title)}. {_RESTRICTED}"
        yield ""
        if self.result.change is not None:
            yield from self._change(self.result.change)
        yield "<details><summary>Groups and limits</summary>"
        yield ""
        yield from self._limits()
        yield from self._findings()
        yield from self._waivers()
        yield f"What comes next: {verdict.next_step}"
        yield ""
        yield "</details>"

    def _change(self, change: Change) -> Iterator[str]:
        """Yield what changed: the sentence, then the rules, then the groups, worse ones first."""
        words = ChangeWords(self.result, ENGLISH)
        day = ENGLISH.date(change.baseline.finished)
        yield f"### {_CHANGED[change.outcome]} since {day}"
        yield ""
        yield f"Held against {literal(change.baseline.title)}. {words.compared()}"
        yield ""
        if change.differs:
            yield f"The plans of the two audits differ in: {', '.join(map(literal, change.differs))}."
            yield ""
        if not change.rules:
            return
        yield "| Rule | May become worse by | Change |"
        yield "|---|---:|---|"
        for rule in change.rules[:_MOST]:
            margin = f"{self.n.points(rule.margin)} points"
            yield f"| {literal(rule.rule)} | {margin} | {_CHANGED[rule.outcome].lower()} |"
        yield ""
        yield from self._changed_groups(change, words)

    def _changed_groups(self, change: Change, words: ChangeWords) -> Iterator[str]:
        changed = changed_worst_first(change)
        if not changed:
            return
        yield "| Group | Rule | What became of it | Then | Now | Change in points (likely range) | Changed sides |"
        yield "|---|---|---|---:|---:|---:|---|"
        for one in changed[:_MOST]:
            cells = (
                literal(self.names.group(one.group)),
                literal(one.rule),
                words.outcome(one),
                self._share(one.then_numerator, one.then_denominator),
                self._share(one.now_numerator, one.now_denominator),
                self.n.points_with_range(one.difference, one.difference_low, one.difference_high),
                NOT_KNOWN if one.n is None else f"{one.lost} for the worse, {one.gained} for the better, of {one.n}",
            )
            yield f"| {' | '.join(cells)} |"
        yield ""
        if len(changed) > _MOST:
            yield self.words.sorted_by_result(self.result.plan.verdict.level)
            yield ""
            yield f"{self.n.count(len(changed) - _MOST)} more in `result.json`."
            yield ""

    def _limits(self) -> Iterator[str]:
        yield "| Rule | Verdict | Why |"
        yield "|---|---|---|"
        for suite in self._suites[:_MOST]:
            why = ""
            if isinstance(suite.of, RuleResult):
                why = ". ".join(filter(None, (self.why(suite.of), self._verdict.not_alone(suite.of))))
            yield f"| {literal(suite.name)} | {self.words.rule_outcome(suite.outcome)} | {why} |"
        yield ""

    def _findings(self) -> Iterator[str]:
        """Yield the groups that fail, with their counts. A waived group is marked."""
        failing = [
            (case.of, case.waiver) for suite in self._suites for case in suite.failing if isinstance(case.of, Finding)
        ]
        if not failing:
            return
        yield "| Group | Rule | Rate | Everyone else |"
        yield "|---|---|---:|---:|"
        for finding, held in failing[:_MOST]:
            yield self._finding(finding, held)
        yield ""
        if len(failing) > _MOST:
            yield f"{self.n.count(len(failing) - _MOST)} more in `result.json`."
            yield ""

    def _finding(self, finding: Finding, held: WaiverOnDay | None) -> str:
        estimate = finding.estimate
        rate = NOT_KNOWN if estimate is None else self._share(estimate.numerator, estimate.denominator)
        mark = "" if held is None else " (waived)" if held.state == "in_force" else " (its waiver has expired)"
        rest = self.n.percent(finding.rest)
        name = literal(self.names.whole(finding.group, finding.same_people))
        return f"| {name}{mark} | {literal(finding.rule.rule)} | {rate} | {rest} |"

    def _waivers(self) -> Iterator[str]:
        lines = WaiverWords(self.result).listed(self.names)
        for line in lines[:_MOST]:
            said = f"{line.state}; by {literal(line.who)} until {line.until}: {literal(line.why)}"
            yield f"- Waiver of {literal(line.group)} under {literal(line.rule)}: {said}"
        if len(lines) > _MOST:
            yield "- Further waivers stand in `result.json`."
        if lines:
            yield ""

    def _share(self, numerator: int, denominator: int) -> str:
        return f"{self.n.percent(numerator / denominator)} ({numerator} of {denominator})" if denominator else "-"
