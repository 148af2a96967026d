"""Words for outcomes, reasons, limits and rates. All reports share them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.result.findings.further import NotJudgedAlone
from audit.result.findings.judged import Outcome, RuleResult, Scale, Verdict
from audit.result.reading import Rate, least_judged
from audit.result.selected import Selected
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import METRICS, Metric, MetricName
from audit.vocabulary.names import Names
from audit.vocabulary.numbers import frequencies, rounded_gap
from reports.language import WORDS, Language
from reports.rate_words import RateWords
from reports.unnamed_words import UnnamedWords


class Words(RateWords):
    """Words for outcomes, reasons, limits and rates, in one language."""

    def __init__(self, language: Language, names: Names, rates: Mapping[MetricName, Metric] = METRICS) -> None:
        super().__init__(language, rates)
        self._names = names
        self._unnamed = UnnamedWords(language, rates)

    def outcome(self, outcome: Outcome) -> str:
        """Return an outcome in two or three words, as it stands beside its shape."""
        return self._language.word("outcomes", outcome)

    def verdict(self, verdict: Verdict) -> str:
        """Return the word of a verdict, as tallies count it: apart from others, whom a larger group is judged with."""
        if verdict.because == "judged_as_part":
            return self._language.word("tally", "not_judged_alone")
        return self.outcome(verdict.outcome)

    def rule_outcome(self, outcome: Outcome) -> str:
        """Return the outcome of a whole rule."""
        return self._language.word("rule_outcomes", outcome)

    def rule_because(self, rule: RuleResult) -> str:
        """Return why a rule has its outcome."""
        if rule.because == "unnamed_beyond_limit":
            return self._unnamed.of_the_rule(rule)
        return self._language.word("rule_because", rule.because)

    def undecided(self, verdict: Verdict, because: str) -> str:
        """Return why a group has no verdict, the larger group that it was judged in, and what a verdict needs. Empty
        where it has a verdict.
        """
        if verdict.outcome in ("pass", "fail"):
            return ""
        if verdict.because == "judged_as_part":
            because = self._t.gettext("too few cases alone")
        parts = (because, self.judged_as(verdict), self.needed(verdict))
        return self._t.gettext("; ").join(part for part in parts if part)

    def judged_as(self, verdict: Verdict) -> str:
        """Return the larger group in which a group was judged, and its outcome. It never says that the group itself
        passes.
        """
        if verdict.judged_as is None:
            return ""
        return self._language.word(
            "groups",
            "judged_as_part",
            group=self._names.group(verdict.judged_as),
            outcome=self.outcome(verdict.judged_as_outcome or "inconclusive"),
        )

    def needed(self, verdict: Verdict) -> str:
        """Return how many cases a verdict on this group still needs, or an empty text."""
        if verdict.outcome in ("pass", "fail"):
            return ""
        if verdict.because in WORDS["needed"]:
            return self._language.word("needed", verdict.because)
        if verdict.cases_needed is None:
            return self._language.word("groups", "out_of_reach")
        if verdict.cases_needed == 0:
            return ""
        count = self._n.about_whole(verdict.cases_needed)
        return self._language.counted("groups", "needed", count)

    def not_alone(self, unjudged: NotJudgedAlone, scale: Scale, power: float) -> str:
        """Return how many groups of a family were not judged alone, and the smallest gap that would have been named."""
        sentence = self._language.counted(
            "groups",
            "not_alone",
            unjudged.groups,
            axes=self._names.axes(unjudged.family.root),
            cases=self._n.count(unjudged.cases),
            share=self._n.percent(unjudged.share),
        )
        named = self._language.word(
            "groups",
            "gap_none" if unjudged.gap is None else f"gap_{scale}",
            power=self._n.percent(power),
            gap=self._n.fixed(rounded_gap(scale, unjudged.gap or 0.0), 1 if scale == "difference" else 3),
            group=self._names.group(unjudged.gap_in or Group(())),
        )
        return self._language.joined((sentence, named))

    def judged(self, rule: RuleResult) -> str:
        """Return the share of people who were judged, alone or as part of a larger group, where it is least."""
        least = least_judged(rule)
        if rule.coverage is None or least is None:
            return ""
        return self._language.word(
            "groups",
            "judged",
            axes=self._names.axes(least.family.root),
            measured=self._n.percent(rule.coverage, against=rule.min_coverage),
            asked=self._n.percent(rule.min_coverage),
        )

    def limit(self, rule: RuleResult) -> str:
        """Return the limit of a rule in words."""
        return self.limit_of(rule.scale, rule.limit, rule.worse)

    def picked(self, shown: Selected[Any]) -> str:
        """Return why the likely ranges of rows that were picked for their results are wider. Empty where all rows are
        shown.
        """
        if not shown.is_part:
            return ""
        return self._language.counted("groups", "picked", shown.shown, all=self._n.count(shown.among))

    def sorted_by_result(self, level: float) -> str:
        """Return what the likely ranges of the first rows do not say, where rows stand in the order of results and the
        ranges are not those of picked rows.
        """
        return self._language.word("groups", "sorted_by_result", level=self._n.percent(level))

    def compared(self, finding: Rate) -> str:
        """Return a group beside everyone else, in natural frequencies. Empty where either has no rate."""
        often = self.often(finding)
        if often is None:
            return ""
        return self._t.gettext("%(error)s; %(rest)s") % {
            "error": self.error(finding.metric) % {"often": often[0]},
            "rest": often[1],
        }

    def often(self, finding: Rate) -> tuple[str, str] | None:
        """Return how often the error happens to the group and among everyone else, or None where either has no rate."""
        if finding.error is None or finding.rest_error is None:
            return None
        mine, theirs = frequencies(finding.error, finding.rest_error)
        if theirs is None:
            return None
        return self.frequency(mine), self._t.gettext("among everyone else %(often)s") % {
            "often": self.frequency_beside(theirs)
        }
