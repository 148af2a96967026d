"""JUnit XML for continuous integration: a suite for each rule, a case for each group, and a case for the rule itself.

Only a fail is a failure. Inconclusive and not evaluable are `skipped` with the reason, never a pass. The rule's own
case shows an inconclusive rule even where no group is inconclusive. Limits on probes and the change since an earlier
audit are suites beside those of the rates.
"""

from __future__ import annotations

from typing import Literal
from xml.etree import ElementTree as ET

from audit.result.audit_result import AuditResult
from audit.result.cases import Case, Suite, suites
from audit.result.findings.change import Change, ChangeVerdict
from audit.result.findings.judged import RuleResult
from audit.result.findings.swaps import ProbeVerdict
from audit.result.reading import Finding
from audit.vocabulary.groups import Group, Level
from reports.change_words import ChangeWords
from reports.language import ENGLISH
from reports.names import reading_order
from reports.plain_text import xml_text
from reports.swap_words import SwapWords, probe_rules
from reports.unnamed_words import UnnamedWords
from reports.waiver_words import WaiverWords, plain_words
from reports.writer import Report, Writer

_FINEST = ("level", "country")
_RELEASE = ("release", "restricted, exact counts")


class JunitReporter:
    """Writes `junit.xml`."""

    name: str = "junit"
    filename: str = "junit.xml"
    audience: Literal["restricted"] = "restricted"

    def render(self, result: AuditResult) -> str:
        """The whole file as text, the same for the same result."""
        root = _Suites(result).write()
        ET.indent(root)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


class _Suites(Writer):
    def __init__(self, result: AuditResult) -> None:
        super().__init__(Report(result, ENGLISH))
        self._unnamed = UnnamedWords(ENGLISH)
        self._swaps = SwapWords(result, ENGLISH)
        self._limits_on_probes = {summary.rule.rule: summary for summary in probe_rules(result, ENGLISH)}
        self._change = ChangeWords(result, ENGLISH)
        self._waivers = WaiverWords(result).listed(self.names)
        self._order = reading_order(result.features)

    def write(self) -> ET.Element:
        made = [self._suite(suite) for suite in suites(self.reading)]
        root = ET.Element("testsuites", name=xml_text(f"audit7k: {self.result.plan.audit.title}"))
        for total in ("tests", "failures", "errors", "skipped"):
            root.set(total, str(sum(int(suite.get(total, "0")) for suite in made)))
        root.extend(made)
        return root

    def _suite(self, suite: Suite) -> ET.Element:
        made = ET.Element("testsuite", name=xml_text(suite.name))
        properties = ET.SubElement(made, "properties")
        for name, value in self._properties(suite):
            ET.SubElement(properties, "property", name=name, value=xml_text(value))
        kind = "regression" if isinstance(suite.of, Change) else "disparity"
        whole = "change since the baseline" if isinstance(suite.of, Change) else f"rule {suite.name}"
        _add(made, suite.name, whole, kind, suite.outcome, self._whole_message(suite))
        taken = {whole}
        for case in suite.cases:
            within = f"change.{case.of.rule}" if isinstance(case.of, ChangeVerdict) else suite.name
            message = "" if case.outcome == "pass" else self._message(case)
            _add(made, within, _unique(self._name(case), taken), kind, case.outcome, message)
        cases = made.findall("testcase")
        made.set("tests", str(len(cases)))
        made.set("failures", str(sum(case.find("failure") is not None for case in cases)))
        made.set("errors", "0")
        made.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
        return made

    def _properties(self, suite: Suite) -> list[tuple[str, str]]:
        if isinstance(suite.of, Change):
            baseline = suite.of.baseline
            named = f"{baseline.title}, {baseline.finished}, {baseline.sha256}"
            known = [_RELEASE, ("baseline", named), ("differs", ", ".join(suite.of.differs))]
        elif isinstance(suite.of, RuleResult):
            known = [_RELEASE, ("limit", self.words.limit(suite.of))]
        else:
            known = [("limit", self._limits_on_probes[suite.name].limit)]
        waivers = [
            ("waiver", f"{line.group}: {line.state}; by {line.who}, until {line.until}: {line.why}")
            for line in self._waivers
            if line.rule == suite.name
        ]
        return [*known, ("outcome", suite.outcome), *waivers]

    def _whole_message(self, suite: Suite) -> str:
        rule = suite.of
        if isinstance(rule, Change):
            return self._change.whole()
        if not isinstance(rule, RuleResult):
            summary = self._limits_on_probes[suite.name]
            return f"{summary.word}: {summary.changes}"
        message = (
            f"{self.words.rule_outcome(rule.outcome)}: {self.why(rule)}; judged: {self.words.judged(rule) or 'nobody'}"
        )
        if suite.unnamed:
            beside = f"{self._unnamed.of_the_rule(rule)}; " if rule.because != "unnamed_beyond_limit" else ""
            message += f"; {beside}{self._unnamed.caution()}"
        return message

    def _name(self, case: Case) -> str:
        one = case.of
        if isinstance(one, Finding):
            return self._group_name(one.group)
        if isinstance(one, ChangeVerdict):
            return xml_text(f"{one.rule}: {self._group_name(one.group)}")
        within = "" if one.given_slot is None else f", within {one.given_slot}={one.given}"
        return xml_text(f"probe={one.probe}, {one.slot}={one.level}{within}")

    def _message(self, case: Case) -> str:
        one = case.of
        if isinstance(one, ProbeVerdict):
            return self._shift_text(one)
        if isinstance(one, ChangeVerdict):
            return f"{self._change.outcome(one)}; {_then_and_now(one)}"
        numbers = self._numbers_of(one)
        if case.outcome == "fail":
            waived = "" if case.waiver is None else plain_words(self.result, case.waiver.waiver)
            return "; ".join(filter(None, (waived, numbers)))
        among = self.reading.metrics[one.metric].among if one.metric in self.reading.metrics else ""
        reason = self.words.because(
            one.verdict.because,
            among=among,
            min_denominator=self.result.plan.verdict.min_denominator,
            both_ways=one.both_ways,
        )
        why = f"{self.words.outcome(one.outcome)}: {self.words.undecided(one.verdict, reason)}"
        return f"{why}; {numbers}" if numbers else why

    def _numbers_of(self, finding: Finding) -> str:
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

    def _shift_text(self, verdict: ProbeVerdict) -> str:
        """Return the reason of a verdict on a probe, and how far the score moved."""
        shift = self._swaps.shift(verdict)
        because = verdict.because.replace("_", " ")
        if shift is None or shift.shift is None:
            return because
        points = self.n.points_with_range(shift.shift, shift.low, shift.high)
        over = self._swaps.counted(shift.templates, self._swaps.probes[verdict.probe])
        return f"{because}; mean shift {points} points of the score range over {over}"

    def _group_name(self, group: Group) -> str:
        levels = sorted(group.root, key=lambda level: self._order.index(level.feature))
        return xml_text(", ".join(map(_level_name, levels)))


def _add(suite: ET.Element, within: str, name: str, kind: str, outcome: str, message: str) -> None:
    case = ET.SubElement(suite, "testcase", classname=xml_text(within), name=xml_text(name))
    if outcome == "fail":
        ET.SubElement(case, "failure", type=kind, message=xml_text(message))
    elif outcome != "pass":
        ET.SubElement(case, "skipped", message=xml_text(message))


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


def _unique(name: str, taken: set[str]) -> str:
    """Return `name`, with a number where another case of the suite has it. Some readers show only one of two cases with
    the same name.
    """
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name} ({number})"
    taken.add(unique)
    return unique
