"""`restricted.md`: the verdict and what changed since an earlier audit, with exact counts, for a comment that few read.

Text that others wrote stands in code spans, as in the public comment: no markup, no link, no mention.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from audit.result.audit_result import AuditResult
from audit.result.cases import Suite, suites
from audit.result.findings.change import Change
from audit.result.findings.judged import RuleResult
from audit.result.reading import JudgedRate, changed_groups, changed_worst_first
from audit.vocabulary.groups import Axis, Group
from audit.vocabulary.names import Names
from reports.change_words import ChangeWords
from reports.language import ENGLISH
from reports.numbers import NOT_KNOWN
from reports.plain_text import literal
from reports.verdict_words import VerdictWriter
from reports.waiver_words import WaiverWords
from reports.words import Words
from reports.writer import Report, Writer

_MOST: Final = 20
"""The most rows of a table. A comment is no report."""
_CHANGED: Final = {"fail": "Worse", "pass": "Not worse", "inconclusive": "Cannot tell"}


class MarkdownReporter:
    """Writes `restricted.md`."""

    name: str = "markdown"
    filename: str = "restricted.md"

    def render(self, result: AuditResult) -> str:
        """The whole file as text, the same for the same result."""
        return _Comment(result).write()


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
        rates = {name: rate._replace(plain=literal(rate.plain)) for name, rate in self.reading.rates.items()}
        literally.words = Words(ENGLISH, literally.names, rates)
        self._verdict = VerdictWriter(literally)

    def write(self) -> str:
        judged = [suite for suite in suites(self.reading) if not isinstance(suite.of, Change)]
        failing = [(suite.name, case) for suite in judged for case in suite.failing if isinstance(case.of, JudgedRate)]
        change = self.result.change
        loader = FileSystemLoader(Path(__file__).parent)
        templates = Environment(  # noqa: S701 - it is no HTML: what others wrote goes through `literal`
            loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
        )
        templates.filters["literal"] = literal
        return templates.get_template("restricted.md.jinja").render(
            result=self.result,
            verdict=self._verdict.write(),
            change=change,
            changed=_CHANGED,
            day="" if change is None else ENGLISH.date(change.baseline.finished),
            change_words=ChangeWords(self.result, ENGLISH),
            changed_groups=() if change is None else changed_worst_first(changed_groups(change)),
            picked=self.words.sorted_by_result(self.result.plan.verdict.level),
            suites=judged,
            why=self._why,
            failing=[(rule, case.of, case.waiver) for rule, case in failing],
            changed_words=[case.finding for suite in judged for case in suite.failing if case.finding.metric is None],
            waivers=WaiverWords(self.result).listed(self.names),
            names=self.names,
            words=self.words,
            n=self.n,
            share=self._share,
            most=_MOST,
            not_known=NOT_KNOWN,
        )

    def _why(self, suite: Suite) -> str:
        if not isinstance(suite.of, RuleResult):
            return ""
        if suite.of_people:
            return self.why_of_people(suite.of)
        return ". ".join(filter(None, (self.why(suite.of), self._verdict.not_alone(suite.of))))

    def _share(self, numerator: int, denominator: int) -> str:
        return f"{self.n.percent(numerator / denominator)} ({numerator} of {denominator})" if denominator else "-"
