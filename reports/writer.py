"""Writers of parts of a report, and what they write with: findings, and names, words and numbers in a language."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

from audit.result.audit_result import AuditResult
from audit.result.cases import Suite, suites
from audit.result.findings.judged import Because, EstimateReason, RuleResult
from audit.result.reading import Reading, result_of_second
from audit.result.reasons import open_verdicts
from audit.vocabulary.names import Names
from reports.language import Language
from reports.plain_text import capital
from reports.words import Words


class Report:
    """One result in one language. It is built once for each report and language."""

    def __init__(self, result: AuditResult, language: Language) -> None:
        self.result = result
        self.language = language
        self.reading = Reading(result)
        self.names = Names(result.features, language.translations, language.places)
        self.words = Words(language, self.names, self.reading.rates)

    @cached_property
    def suites(self) -> list[Suite]:
        """The findings of the result, rule by rule."""
        return suites(self.reading)


class Writer:
    """The base class of writers. Each writes a part of a report."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.result, self.reading = report.result, report.reading
        self.language, self.names, self.words = report.language, report.names, report.words
        self.t, self.n = report.language.translations, report.language.numbers

    def why_of_people(self, rule: RuleResult) -> str:
        """Return why a rule has its outcome on what people decided after the detector."""
        people = self.result.people_verdict
        return "" if people is None else Writer(Report(result_of_second(self.result, people), self.language)).why(rule)

    def why(self, rule: RuleResult) -> str:
        """Return why a rule has its outcome; where groups keep it from a verdict, also their reasons."""
        because = self.words.rule_because(rule)
        reasons = Counter(
            verdict.because for verdict in open_verdicts(rule, (finding.verdict for finding in self.reading.each_once))
        )
        parts = [
            self.t.ngettext("%(reason)s (%(count)s group)", "%(reason)s (%(count)s groups)", count)
            % {"reason": self.because(reason, rule.metric), "count": self.n.count(count)}
            for reason, count in reasons.most_common()
        ]
        return because + self.t.gettext(": ") + self.t.gettext("; ").join(parts) if parts else because

    def because(self, because: Because | EstimateReason, metric: str, *, both_ways: bool = False) -> str:
        """Return why a group has its outcome; `both_ways` says which limit."""
        key = "beyond_limit_both_ways" if both_ways and because == "beyond_limit" else because
        floor = self.n.count(self.result.plan.verdict.min_denominator)
        known = self.reading.metrics.get(metric)
        return self.language.word("because", key, count=floor, among="" if known is None else known.among)

    def not_alone(self, rule: RuleResult) -> str:
        """Return who was not judged alone where a rule passes; empty where it does not pass, or nobody knows."""
        if rule.outcome != "pass":
            return ""
        unjudged = [family for family in self.result.further.not_judged_alone if family.rule == rule.rule]
        power = self.result.plan.verdict.power
        text = " ".join(self.words.not_alone(family, rule.scale, power) for family in unjudged)
        small = any(
            verdict.rule == rule.rule and not verdict.decidable and verdict.cases for verdict in self.result.verdicts
        )
        return text if unjudged or small else self.t.gettext("Every group with cases was judged alone.")

    def part(self, part: int, total: int) -> str:
        """Return counts: 31 of 74."""
        return self.t.gettext("%(part)s of %(whole)s") % {"part": self.n.count(part), "whole": self.n.count(total)}

    def plain(self, metric: str) -> str:
        """Return the name of a rate for a reader, with a capital."""
        return capital(self.reading.metrics[metric].plain if metric in self.reading.metrics else metric)
