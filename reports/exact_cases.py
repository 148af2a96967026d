"""Cases of a result, in the order of its plan, with exact counts: what JUnit and SARIF write for few readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from audit.result.audit_result import AuditResult
from audit.result.cases import Case as Judged
from audit.result.cases import Suite as JudgedSuite
from audit.result.cases import suites
from audit.result.findings.change import Change, ChangeVerdict
from audit.result.findings.judged import FamilyResult, RuleResult
from audit.result.findings.second import SecondVerdict
from audit.result.findings.swaps import ProbeVerdict
from audit.result.reading import JudgedRate, result_of_second
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.names import reading_order
from reports.cases import Case, Suite, Waived
from reports.change_words import ChangeWords
from reports.language import ENGLISH
from reports.swap_words import SwapWords
from reports.tally_words import TallyWords
from reports.unnamed_words import UnnamedWords
from reports.waiver_words import WaiverWords, plain_words
from reports.writer import Report, Writer

_FINEST = ("level", "country")
_RELEASE = ("release", "restricted, exact counts")


class ExactCases(Writer):
    """Suites of one result."""

    def __init__(self, result: AuditResult) -> None:
        super().__init__(Report(result, ENGLISH))
        self._unnamed = UnnamedWords(ENGLISH, self.reading.rates)
        self._swaps = SwapWords(result, ENGLISH)
        self._change = ChangeWords(result, ENGLISH)
        self._tally = TallyWords(ENGLISH)
        self._waivers = WaiverWords(result).listed(self.names)
        self._order = reading_order(result.features)
        lines = result.provenance.rule_lines
        known = lines if len(lines) == len(result.rules) else [None] * len(result.rules)
        self._lines = {rule.rule: line for rule, line in zip(result.rules, known, strict=True)}

    def suites(self) -> list[Suite]:
        """Limits on rates, limits on probes, the change since an earlier audit, and what is no part of the verdict."""
        judged = [self._suite(suite) for suite in suites(self.reading)]
        if self.result.is_not_shown:
            message = f"Not to be relied on as a pass: {self.result.system.decision}"
            judged.append(
                Suite("system at work", "verdict", Case("the system at work", "inconclusive", message, "at work"))
            )
        counted = self.result.people_verdict
        beside = (second for second in self.result.further.second_verdicts if second is not counted)
        return [*judged, *(suite for second in beside for suite in self._beside(second))]

    def _beside(self, second: SecondVerdict) -> Iterator[Suite]:
        """Yield suites of verdicts beside that of the audit: a pipeline sees their fails, and stops for none."""
        source = "people's decisions" if second.kind == "decisions" else f"form {second.name}"
        for suite in ExactCases(result_of_second(self.result, second)).suites():
            name = f"{source}: {suite.name}"
            verdict = replace(suite.verdict, name=f"{source}: {suite.verdict.name}")
            yield replace(suite, name=name, verdict=verdict, line=None, warns=True)

    def _suite(self, suite: JudgedSuite) -> Suite:
        is_change = isinstance(suite.of, Change)
        verdict_name = "change since the baseline" if is_change else f"rule {suite.name}"
        only_warns = isinstance(suite.of, RuleResult) and suite.of.rule in self.result.plan.warning_rules
        return Suite(
            name=suite.name,
            kind="regression" if is_change else "disparity",
            verdict=Case(verdict_name, suite.outcome, self._verdict_message(suite), "change" if is_change else "rule"),
            cases=tuple(self._case(case) for case in suite.cases),
            properties=tuple(self._properties(suite)),
            line=self._lines.get(suite.of.rule) if isinstance(suite.of, RuleResult) else None,
            said_by="itself" if is_change else "cases",
            warns=only_warns,
        )

    def _case(self, case: Judged) -> Case:
        record = case.of
        waived = None
        if case.waiver is not None:
            waived = Waived(plain_words(self.result, case.waiver.waiver), case.waiver.state == "expired")
        name = self._name(case)
        return Case(
            name,
            case.outcome,
            "" if case.outcome == "pass" else self._message(case),
            name,
            within=f"change.{record.rule}" if isinstance(record, ChangeVerdict) else "",
            waived=waived,
            group_name=self.names.whole(record.group, record.same_people) if isinstance(record, JudgedRate) else "",
        )

    def _properties(self, suite: JudgedSuite) -> list[tuple[str, str]]:
        if isinstance(suite.of, Change):
            baseline = suite.of.baseline
            named = f"{baseline.title}, {baseline.finished}, {baseline.sha256}"
            known = [_RELEASE, ("baseline", named), ("differs", ", ".join(suite.of.differs))]
        elif isinstance(suite.of, RuleResult):
            known = [_RELEASE, ("limit", self.words.limit(suite.of))]
        else:
            known = [("limit", self._swaps.limit(suite.of))]
        waivers = [
            ("waiver", f"{line.group}: {line.state}; by {line.who}, until {line.until}: {line.why}")
            for line in self._waivers
            if line.rule == suite.name
        ]
        return [*known, ("outcome", suite.outcome), ("findings", str(suite.tally)), *waivers]

    def _verdict_message(self, suite: JudgedSuite) -> str:
        rule = suite.of
        if isinstance(rule, Change):
            return self._change.whole()
        if not isinstance(rule, RuleResult):
            return f"{self._swaps.word(rule)}: {self._swaps.changes(rule)}"
        could_pass = self.words.judged(rule) or "nobody"
        why = self.why_of_people(rule) if suite.of_people else self.why(rule)
        message = f"{self.words.rule_outcome(rule.outcome)}: {why}; in groups that could pass: {could_pass}"
        if suite.unnamed:
            beside = f"{self._unnamed.of_the_rule(rule)}; " if rule.because != "unnamed_beyond_limit" else ""
            message += f"; {beside}{self._unnamed.not_to_conclude()}"
        return message

    def _name(self, case: Judged) -> str:
        record = case.of
        if isinstance(record, JudgedRate):
            return self._group_name(record.group)
        if isinstance(record, ChangeVerdict):
            return f"{record.rule}: {self._group_name(record.group)}"
        if isinstance(record, FamilyResult):
            return f"groups together: {','.join(axis.feature for axis in record.family.axes)}"
        within = "" if record.given_slot is None else f", within {record.given_slot}={record.given}"
        return f"probe={record.probe}, {record.slot}={record.level}{within}"

    def _message(self, case: Judged) -> str:
        """Return the word of the tally by which a finding is counted, then why, then its numbers."""
        record, word = case.of, self._tally.word(case.finding.word)
        if isinstance(record, FamilyResult):
            return f"{word}: {self._unnamed.not_to_conclude()}"
        if isinstance(record, ProbeVerdict):
            why, numbers = record.because.replace("_", " "), self._shift_numbers(record)
        elif isinstance(record, ChangeVerdict):
            why, numbers = self._change.outcome(record), _then_and_now(record)
        else:
            reason = self.because(record.verdict.because, record.metric, both_ways=record.both_ways)
            why, numbers = self.words.undecided(record.verdict, reason), self._numbers_of(record)
        text = f"{word}: {why}" if why and not why.startswith(word) else why or word
        return f"{text}; {numbers}" if numbers else text

    def _numbers_of(self, finding: JudgedRate) -> str:
        """Counts, rate, likely range, the rest and the limit."""
        estimate = finding.estimate
        if estimate is None:
            return ""
        counts = f"{self.words.rate(finding.metric)} {estimate.numerator} of {estimate.denominator}"
        if estimate.value is None:
            return counts
        limits = [limit for limit in (finding.lower_limit, finding.upper_limit) if limit is not None]
        shown = " and ".join(
            self.n.percent(min(max(limit, 0.0), 1.0), digits=1, against=estimate.value) for limit in limits
        )
        return (
            f"{counts}: {self.n.percent(estimate.value, digits=1, against=finding.nearest_limit)} "
            f"(likely range {self.n.percent_range(estimate.low, estimate.high, digits=1)}); "
            f"everyone else {self.n.percent(finding.rest, digits=1)}; limit {shown}"
        )

    def _shift_numbers(self, verdict: ProbeVerdict) -> str:
        """Return how far the score moved; empty where nothing was scored."""
        shift = self._swaps.shift(verdict)
        if shift is None or shift.shift is None:
            return ""
        points = self.n.points_with_range(shift.shift, shift.low, shift.high)
        over = self._swaps.counted(shift.templates, self._swaps.probes[verdict.probe])
        return f"mean shift {points} points of the score range over {over}"

    def _group_name(self, group: Group) -> str:
        levels = sorted(group.root, key=lambda level: self._order.index(level.feature))
        return ", ".join(map(_level_name, levels))


def _then_and_now(verdict: ChangeVerdict) -> str:
    counts = (
        f"then {verdict.then_numerator} of {verdict.then_denominator}, "
        f"now {verdict.now_numerator} of {verdict.now_denominator}"
    )
    if verdict.n is None:
        return counts
    return f"{counts}; of {verdict.n} cases {verdict.lost} changed for the worse and {verdict.gained} for the better"


def _level_name(level: Level) -> str:
    feature = level.feature if level.rung in _FINEST else f"{level.feature}/{level.rung}"
    return f"{feature}={level.code}"
