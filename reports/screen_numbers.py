"""Numbers of the first screen: the rate of everyone, the rate of the group most affected, and how many comparisons have
each word.

Rates have their likely range beside them. For a fail that names nobody, a large "0 groups beyond the limit" would say
the contrary, and the group most affected is not known. So other numbers stand there.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.result.findings.judged import RuleResult
from audit.result.reading import JudgedRate
from audit.result.selected import selected
from audit.vocabulary.finding import Word, tally_of
from reports.numbers import NOT_KNOWN
from reports.tally_words import TallyWords
from reports.writer import Report, Writer


@dataclass(frozen=True, slots=True)
class Number:
    """Number of the first screen, with its label and a note."""

    value: str
    label: str
    note: str


class ScreenNumbers(Writer):
    """Writer of the three numbers of the first screen, in one language."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self._tally = tally_of(case.finding for suite in report.suites for case in suite.cases)

    def write(self, rules: list[RuleResult], worst: JudgedRate | None) -> tuple[Number, ...]:
        """Return the numbers. The first of `rules` is about the harm that comes first; `worst` is the group most
        affected.
        """
        rule = next(iter(rules), None) if worst is None else worst.rule
        everyone = self._everyone("true_positive_rate" if rule is None else rule.metric)
        if self.reading.outcome_of_rates != "fail":
            # a changed word, or a change since an earlier audit, fails beside groups of which none does
            return (
                *everyone,
                self._counted("beyond" if self._tally.beyond else "within"),
                self._counted("cannot_tell"),
            )
        if worst is None:
            return (*everyone, self._unknown_count(), self._counted("cannot_tell"))
        return (*everyone, self._most_affected(worst), self._counted("beyond"))

    def _everyone(self, metric: str) -> tuple[Number, ...]:
        estimate = self.reading.everyone.get(metric)
        if estimate is None:
            return ()
        label = self.t.gettext("%(rate)s, everyone together") % {"rate": self._plain(metric)}
        if estimate.value is None:
            return (Number(NOT_KNOWN, label, self._too_few(metric)),)
        return (Number(self.n.percent(estimate.value), label, self._span(estimate.low, estimate.high)),)

    def _most_affected(self, finding: JudgedRate) -> Number:
        label = self.t.gettext("%(rate)s: %(group)s") % {
            "rate": self._plain(finding.metric),
            "group": self.names.group(finding.group),
        }
        if finding.estimate is None or finding.value is None:
            return Number(NOT_KNOWN, label, self._too_few(finding.metric))
        picked = selected([finding], self.reading.each_once)
        span = self._span(*picked.rows[0].ends)
        if picked.is_part:
            values = {"span": span, "count": self.n.count(picked.among)}
            span = self.t.gettext("%(span)s, wider: picked from %(count)s") % values
        return Number(self.n.percent(finding.value), label, span)

    def _plain(self, metric: str) -> str:
        return self.reading.metrics[metric].plain if metric in self.reading.metrics else self.words.rate(metric)

    def _span(self, low: float | None, high: float | None) -> str:
        if low is None or high is None:
            return self.t.gettext("no likely range can be stated")
        return self.t.gettext("likely range %(span)s") % {"span": self.n.percent_range(low, high)}

    def _too_few(self, metric: str) -> str:
        return self.because("too_few_for_a_rate", metric)

    def _counted(self, word: Word) -> Number:
        """Return how many comparisons have a word, among all that the audit makes."""
        count = getattr(self._tally, word)
        among = self._tally.total
        note = self.t.ngettext("of %(count)s comparison with a limit", "of %(count)s comparisons with a limit", among)
        return Number(self.n.count(count), TallyWords(self.language).word(word), note % {"count": self.n.count(among)})

    def _unknown_count(self) -> Number:
        """Return the number to show where nobody knows how many groups are beyond the limit."""
        numbers = [(family.unnamed_at_least, family.tested) for _, family in self.reading.unnamed]
        count, judged = max(numbers, default=(0, 0))
        return Number(
            self.t.gettext("at least %(count)s") % {"count": self.n.count(count)},
            self.t.gettext("nationalities beyond the limit"),
            self.language.word("screen_numbers", "of_unnamed", count=self.n.count(judged)),
        )
