"""Words of a public report: states and their reasons, limits, errors in 100, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from audit.public.cases import is_expired, relied_on
from audit.public.figures import PublicFinding
from audit.public.finding_list import ReleaseFinding
from audit.public.names import RowNames
from audit.public.release import PublicRelease, PublicRow, PublicRule, PublicWord
from audit.public.sentences import SENTENCES
from audit.vocabulary.finding import Cause, ChangedWord
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from audit.vocabulary.numbers import half_up, hundredfold
from audit.vocabulary.text import harmless
from reports.harms import due_words
from reports.language import Language
from reports.numbers import NOT_KNOWN
from reports.rate_words import RateWords

_TENTHS_BELOW = 5
_TENTHS_ABOVE = 99


class PublicWords(RateWords):
    """Words of one release in one language."""

    def __init__(self, language: Language, release: PublicRelease) -> None:
        super().__init__(language, release.rates)
        self._method = release.method

    def sentence(self, name: str, features: str = "", count: int = 0) -> str:
        """Return one of `SENTENCES`, with the numbers of the method in it, and names where it has them."""
        return self._t.gettext(SENTENCES[name]).format(
            floor=self._n.count(self._method.floor),
            row=self._n.count(self._method.row),
            largest_change=self._n.count(self._method.largest_change),
            features=features,
            count=self._n.count(count),
        )

    def heading(self, release: PublicRelease) -> str:
        """Return the verdict word, as in the restricted report."""
        outcome = relied_on(release)
        if outcome == "pass" and release.about.probe_rules and not release.rules:
            return self._t.gettext("Within the limit")
        return self._language.word("headings", outcome)

    def reason(self, word: PublicWord, names: RowNames) -> str:
        """Return why it cannot be told; empty where a word says it all."""
        if word.word != "cannot_tell" or word.because is None:
            return ""
        reason = self.sentence(word.because)
        if not word.judged_as:
            return reason
        wider = self.sentence("judged_as", names.row(word.judged_as))
        return self._t.gettext("%(first)s; %(other)s") % {"first": reason, "other": wider}

    def limit(self, rule: PublicRule) -> str:
        """Return the limit of a rule, on errors in 100 where it is on a difference."""
        side = rule.worse[0] if len(rule.worse) == 1 else "both"
        if rule.scale == "ratio":
            return self.limit_of(rule.scale, rule.limit, side)
        worse = {"low": "high", "high": "low"}.get(side, side) if self._rates[rule.metric].is_told_as_errors else side
        return self._language.word("limit_in_100", worse, points=self._n.points(rule.limit))

    def error_head(self, metric: str) -> str:
        """Return the error of a rate in one or two words, as the head of a column."""
        head = self._rates[metric].report.error_head
        return self._t.gettext(head) if head else self.rate(metric)

    def erring_people(self, metric: str) -> str:
        """Return to whom the error of a rate happens; else the error itself."""
        if metric in MISSED:
            return self._t.gettext("missed victims")
        flagged = self._t.gettext("people wrongly flagged as victims")
        return flagged if metric in WRONGLY_FLAGGED else self.error_head(metric)

    def hundred(self, share: float) -> str:
        """Return a share as a number of 100: 32, 2.8, and "<0.1" or ">99.9" where it is neither none nor all."""
        exact = hundredfold(share)
        digits = 1 if exact < _TENTHS_BELOW or exact > _TENTHS_ABOVE else 0
        rounded = half_up(exact, digits)
        if rounded == 0 < share:
            return "<" + self._n.fixed(0.1, 1)
        if rounded == 100 and share < 1:
            return ">" + self._n.fixed(99.9, 1)
        return f"{rounded.normalize():f}".replace(".", self._n.decimal)

    def span(self, finding: PublicFinding) -> str:
        """Return the likely range of errors in 100: 30–34."""
        if finding.span is None:
            return NOT_KNOWN
        low, high = map(self.hundred, finding.span)
        return f"{low}–{high}"

    def value(self, finding: PublicFinding) -> str:
        """Return errors in 100, or the bound that is known: "32", "at most 24"."""
        if finding.error is not None:
            return self.hundred(finding.error)
        if finding.at_most is not None:
            return self._t.gettext("at most %(share)s") % {"share": self.hundred(finding.at_most)}
        if finding.at_least is not None:
            return self._t.gettext("at least %(share)s") % {"share": self.hundred(finding.at_least)}
        return NOT_KNOWN

    def few(self, row: PublicRow) -> str:
        """Return what is printed in the place of few errors or right answers; empty where the number is."""
        if row.few is None or row.fewer_than is None:
            return ""
        numbers = {"count": self._n.count(row.fewer_than), "people": self._n.count(row.people)}
        if row.few == "errors":
            return self._t.gettext("fewer than %(count)s of %(people)s") % numbers
        return self._t.gettext("all but fewer than %(count)s of %(people)s") % numbers

    def erring(self, finding: PublicFinding) -> str:
        """Return the error of a row: "misses about 32 in 100 victims", or "misses at least 90 in 100 victims"."""
        if finding.error is None:
            often = self._t.gettext("%(count)s in %(base)s") % {"count": self.value(finding), "base": "100"}
            return self.error(finding.rate.metric) % {"often": often} if finding.is_known else ""
        count, text = self.hundred(finding.error), finding.metric.report.error_in_100
        if text:
            return self._t.gettext(text) % {"count": count}
        often = self._t.gettext("%(count)s in %(base)s") % {"count": count, "base": "100"}
        return self.error(finding.rate.metric) % {"often": often}

    def beside(self, finding: PublicFinding, *, reckoned: bool = False) -> str:
        """Return everyone else and the row's own limit, to stand beside its error: "everyone else 12; limit 22".

        `reckoned`: show how the limit follows, "limit 12 + 10 = 22", where rounded numbers show it.
        """
        if finding.rest is None:
            return ""
        parts = [self._t.gettext("everyone else %(count)s") % {"count": self.hundred(finding.rest)}]
        for end in (end for end in finding.limits if end is not None):
            count = (self._sum(finding, end) if reckoned else "") + self.hundred(end)
            parts.append(self._t.gettext("limit %(count)s") % {"count": count})
        return self._t.gettext("; ").join(parts)

    def _sum(self, finding: PublicFinding, limit: float) -> str:
        """Return what leads from everyone else to a limit: "12 + 10 = "; empty where rounded numbers do not."""
        rule, rest = finding.rule, half_up(hundredfold(finding.rest or 0.0), 0)
        if rule is None or rest < _TENTHS_BELOW:
            return ""
        above = limit > (finding.rest or 0.0)
        if rule.scale == "ratio":
            factor = Decimal(str(rule.limit))
            sign, operand = "×", self._n.plain(1 / rule.limit if above else rule.limit)
            reckoned = rest / factor if above else rest * factor
        else:
            sign, operand = "+" if above else "−", self._n.points(rule.limit)
            reckoned = rest + hundredfold(rule.limit) * (1 if above else -1)
        return f"{rest} {sign} {operand} = " if reckoned == half_up(hundredfold(limit), 0) else ""

    def moves(self, finding: ReleaseFinding) -> str:
        """Return what a changed word does to the score."""
        measured = finding.measured
        numbers = {
            "points": self._n.points_with_range(measured.rate, measured.low, measured.high),
            "limit": self._n.points(measured.upper_limit or 0.0),
        }
        return self._t.gettext("the score moves by %(points)s points; limit %(limit)s up or down") % numbers

    def changed_word(self, changed_word: object) -> str:
        """Return the name of a changed word, with the word that was held meanwhile; empty for anything else."""
        if not isinstance(changed_word, ChangedWord):
            return ""
        if changed_word.given is None:
            return self._t.gettext("“%(name)s”") % {"name": harmless(changed_word.name)}
        names = {"change": harmless(changed_word.name), "given": harmless(changed_word.given)}
        return self._t.gettext("“%(name)s”") % {"name": self._t.gettext("%(change)s, within %(given)s") % names}

    def compared(self, finding: PublicFinding) -> str:
        """Return a row beside everyone else: "misses about 32 in 100 victims; everyone else 12; limit 22"."""
        erring, beside = self.erring(finding), self.beside(finding)
        return self._t.gettext("; ").join(text for text in (erring, beside) if text)


_STEPS: Final[Mapping[Cause, str]] = {
    "beyond_limit": "explain_gaps",
    "smaller_group": "explain_gaps",
    "people_decided": "explain_people",
    "changed_word": "explain_words",
    "earlier_release": "became_worse",
}
"""What comes next, by the cause of the first finding beyond a limit; for others the auditor is asked."""


def next_step(release: PublicRelease, language: Language, findings: Sequence[ReleaseFinding]) -> str:
    """Return what should happen next, by whom and by when, by the cause of the first finding beyond a limit."""
    outcome = relied_on(release)
    step = {"fail": "ask_where", "pass": "pass_ask", "inconclusive": "cannot_tell_ask"}[outcome]
    if outcome == "fail":
        first = next((finding for finding in findings if finding.word == "beyond"), None)
        step = _STEPS.get(first.cause, step) if first is not None and first.cause is not None else step
    expired = is_expired(release)
    if outcome == "pass" and expired:
        step = "expired"
    due = due_words(language, outcome, release.about.respond_by, release.about.finished, is_expired=expired)
    return language.joined(filter(None, (language.word("next_steps", step), due)))
