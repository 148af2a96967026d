"""The words of a public report: for states, reasons, limits and what stands in the place of a number."""

from __future__ import annotations

from typing import assert_never

from audit.public.figures import State, natural
from audit.public.sentences import SENTENCES
from audit.public.table import PublicMethod, PublicRule
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from reports.language import Language
from reports.numbers import NOT_KNOWN
from reports.public.reading import PublicFinding
from reports.rate_words import RateWords


class PublicWords(RateWords):
    """The words of one release in one language."""

    def __init__(self, language: Language, method: PublicMethod) -> None:
        super().__init__(language)
        self._method = method

    def sentence(self, name: str, features: str = "") -> str:
        """One of `SENTENCES`, with the numbers of the method in it, and names of features where it has them."""
        method = self._method
        return self._t.gettext(SENTENCES[name]).format(
            floor=self._n.count(method.floor),
            largest_change=self._n.count(method.largest_change),
            few_errors=self._n.count(method.few_errors),
            few_correct=self._n.count(method.few_correct),
            features=features,
        )

    def heading(self, outcome: str) -> str:
        """The verdict word, as in the restricted report."""
        if outcome == "fail":
            return self._t.gettext("Exceeds the limit")
        if outcome == "pass":
            return self._t.gettext("Within the limit in every group we could judge")
        return self._t.gettext("We cannot tell")

    def state(self, state: State | None) -> str:
        """What the protected figures say, in two or three words."""
        match state:
            case "below":
                return self._t.gettext("beyond the limit")
            case "meets":
                return self._t.gettext("within the limit")
            case "cannot_tell":
                return self._t.gettext("cannot tell")
            case "not_shown":
                return self._t.pgettext("figure", "not shown")
            case None:
                return ""
            case _:
                assert_never(state)

    def limit(self, rule: PublicRule) -> str:
        """The limit of a rule."""
        return self.limit_of(rule.scale, rule.limit, rule.worse[0] if len(rule.worse) == 1 else "both")

    def value(self, finding: PublicFinding) -> str:
        """The rate, or the bound that is known of it."""
        rate = finding.rate
        if rate.value is None and rate.at_least is not None:
            return self._t.gettext("at least %(share)s") % {"share": self._n.percent(rate.at_least)}
        if rate.value is None and rate.at_most is not None:
            return self._t.gettext("at most %(share)s") % {"share": self._n.percent(rate.at_most)}
        return self._n.percent(rate.value)

    def span(self, finding: PublicFinding) -> str:
        """The interval."""
        return self._n.percent_range(finding.rate.low, finding.rate.high)

    def cases(self, finding: PublicFinding) -> str:
        """The protected number of cases."""
        cases = finding.cases
        if cases is None and finding.rate.metric in MISSED:
            cases = finding.row.positives.cases
        if cases is None and finding.rate.metric in WRONGLY_FLAGGED:
            cases = finding.row.negatives.cases
        return NOT_KNOWN if cases is None else self._n.count(cases)

    def note(self, finding: PublicFinding) -> str:
        """What is said of errors that are few, or why nothing is said of a rate; empty where the rate is shown."""
        if finding.rate.value is not None:
            return self._t.gettext("few cases: less sure") if finding.rate.size in ("below 20", "20-49") else ""
        if not finding.is_shown:
            return self.sentence(finding.rate.why or "small_or_withheld")
        missed = finding.rate.metric in MISSED
        side = finding.row.positives if missed else finding.row.negatives
        if side.shown == "few_errors":
            told = self._t.gettext("%(count)s missed") if missed else self._t.gettext("%(count)s wrongly flagged")
            return told % {"count": self.sentence("few_errors")}
        told = self._t.gettext("%(count)s missed") if missed else self._t.gettext("%(count)s wrongly flagged")
        return told % {"count": self.sentence("few_correct")}

    def often(self, finding: PublicFinding) -> tuple[str, str] | None:
        """How often the error happens to the group, and among everyone else; None where either has no rate."""
        if finding.rate.value is None or finding.rest is None:
            return None
        mine, theirs = natural(finding.rate.metric, finding.rate.value, finding.rest)
        if theirs is None:
            return None
        beside = self._t.gettext("among everyone else %(often)s") % {"often": self.frequency_beside(theirs)}
        return self.frequency(mine), beside

    def compared(self, finding: PublicFinding) -> str:
        """A group beside everyone else, in natural frequencies; empty where either has no rate."""
        often = self.often(finding)
        if often is None:
            return ""
        error = self.error(finding.rate.metric) % {"often": often[0]}
        return self._t.gettext("%(error)s; %(rest)s") % {"error": error, "rest": often[1]}
