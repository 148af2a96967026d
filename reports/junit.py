"""JUnit XML for continuous integration: a suite a rule, a case a group, and a case for the rule itself.

Only a fail is a failure. Inconclusive and not evaluable are `skipped` with the reason, never a pass; the rule's own
case makes an inconclusive rule visible even where no group is.
"""

from __future__ import annotations

from typing import Literal
from xml.etree import ElementTree as ET

from audit.result.audit_result import AuditResult, Group, Level, RuleResult
from audit.result.reading import Finding, Reading
from reports.junit_change import change_suite
from reports.junit_swaps import SwapSuites
from reports.language import ENGLISH
from reports.names import Names, reading_order
from reports.plain_text import xml_text
from reports.unnamed_words import UnnamedWords
from reports.waived_words import WaivedWords, plain_words
from reports.words import Words

__all__ = ["JunitReporter"]

_FINEST = ("level", "country")


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


class _Suites:
    def __init__(self, result: AuditResult) -> None:
        self._result = result
        self._reading = Reading(result)
        self._names = Names(result.features, ENGLISH)
        self._words = Words(ENGLISH, self._names)
        self._numbers = ENGLISH.numbers
        self._unnamed = UnnamedWords(ENGLISH)
        self._swaps = SwapSuites(result)
        self._waived = WaivedWords(result)
        self._order = reading_order(result.features)
        self._by_rule: dict[str, list[Finding]] = {rule.rule: [] for rule in result.rules}
        for finding in self._reading.findings:
            self._by_rule[finding.rule.rule].append(finding)

    def write(self) -> ET.Element:
        suites = [self._suite(rule) for rule in self._result.rules]
        suites += [self._swaps.suite(rule) for rule in self._result.probe_rules]
        suites += change_suite(self._result, self._group_name)
        root = ET.Element("testsuites", name=xml_text(f"audit7k: {self._result.plan.audit.title}"))
        for total in ("tests", "failures", "errors", "skipped"):
            root.set(total, str(sum(int(suite.get(total, "0")) for suite in suites)))
        root.extend(suites)
        return root

    def _suite(self, rule: RuleResult) -> ET.Element:
        suite = ET.Element("testsuite", name=xml_text(rule.rule))
        properties = ET.SubElement(suite, "properties")
        ET.SubElement(properties, "property", name="release", value="restricted, exact counts")
        ET.SubElement(properties, "property", name="limit", value=xml_text(self._words.limit(rule)))
        ET.SubElement(properties, "property", name="outcome", value=rule.outcome)
        for line in self._waived.listed(self._names):
            if line.rule == rule.rule:
                told = f"{line.group}: {line.state}; by {line.who}, until {line.until}: {line.why}"
                ET.SubElement(properties, "property", name="waiver", value=xml_text(told))
        suite.append(self._rule_case(rule))
        taken = {f"rule {rule.rule}"}
        for finding in self._by_rule[rule.rule]:
            suite.append(self._case(finding, rule, _unique(self._group_name(finding.group), taken)))
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
        suite.set("errors", "0")
        suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
        return suite

    def _rule_case(self, rule: RuleResult) -> ET.Element:
        case = ET.Element("testcase", classname=xml_text(rule.rule), name=xml_text(f"rule {rule.rule}"))
        message = (
            f"{self._words.rule_outcome(rule.outcome)}: {self._words.rule_because(rule.because)}; "
            f"coverage {self._numbers.percent(rule.coverage, digits=1, against=rule.min_coverage)}, "
            f"a pass needs {self._numbers.percent(rule.min_coverage)}"
        )
        if any(unnamed.rule == rule.rule for unnamed, _ in self._reading.unnamed):
            beside = f"{self._unnamed.of_the_rule()}; " if rule.because != "unnamed_beyond_limit" else ""
            message += f"; {beside}{self._unnamed.caution()}"
        if rule.outcome == "fail":
            ET.SubElement(case, "failure", type="disparity", message=xml_text(message))
        elif rule.outcome != "pass":
            ET.SubElement(case, "skipped", message=xml_text(message))
        return case

    def _case(self, finding: Finding, rule: RuleResult, name: str) -> ET.Element:
        case = ET.Element("testcase", classname=xml_text(rule.rule), name=name)
        verdict = finding.verdict
        if verdict.outcome == "pass":
            return case
        if verdict.outcome == "fail":
            held = self._waived.of(rule.rule, finding.group)
            waived = "" if held is None else plain_words(self._result, held.waiver)
            message = "; ".join(filter(None, (waived, self._numbers_of(finding))))
            ET.SubElement(case, "failure", type="disparity", message=xml_text(message))
            return case
        among = self._reading.metrics[finding.metric].among if finding.metric in self._reading.metrics else ""
        reason = self._words.because(
            verdict.because,
            among=among,
            min_denominator=self._result.plan.verdict.min_denominator,
            both_ways=finding.both_ways,
        )
        told = f"{self._words.outcome(verdict.outcome)}: {self._words.undecided(verdict, reason)}"
        numbers = self._numbers_of(finding)
        ET.SubElement(case, "skipped", message=xml_text(f"{told}; {numbers}" if numbers else told))
        return case

    def _numbers_of(self, finding: Finding) -> str:
        """Counts, rate, likely range, the rest and the limit."""
        estimate = finding.estimate
        if estimate is None:
            return ""
        counts = f"{self._words.rate(finding.metric)} {estimate.numerator} of {estimate.denominator}"
        if estimate.value is None:
            return counts
        limits = [limit for limit in (finding.lower_limit, finding.upper_limit) if limit is not None]
        told = " and ".join(
            self._numbers.percent(min(max(limit, 0.0), 1.0), digits=1, against=estimate.value) for limit in limits
        )
        return (
            f"{counts}: {self._numbers.percent(estimate.value, digits=1, against=finding.nearest_limit)} "
            f"(likely range {self._numbers.percent_range(estimate.low, estimate.high, digits=1)}); "
            f"everyone else {self._numbers.percent(finding.rest, digits=1)}; limit {told}"
        )

    def _group_name(self, group: Group) -> str:
        levels = sorted(group.root, key=lambda level: self._order.index(level.feature))
        return xml_text(", ".join(map(_level_name, levels)))


def _level_name(level: Level) -> str:
    feature = level.feature if level.rung in _FINEST else f"{level.feature}/{level.rung}"
    return f"{feature}={level.code}"


def _unique(name: str, taken: set[str]) -> str:
    """`name`, numbered where another case of the suite has it: of two cases with one name, some readers see one."""
    number, told = 1, name
    while told in taken:
        number += 1
        told = f"{name} ({number})"
    taken.add(told)
    return told
