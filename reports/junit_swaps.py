"""JUnit XML of limits on probes: a suite a rule, a case a change, and a case for the rule itself."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from audit.result.audit_result import AuditResult, ProbeRuleResult, ProbeVerdict
from reports.language import ENGLISH
from reports.plain_text import xml_text
from reports.swap_words import SwapWords, probe_rules

__all__ = ["SwapSuites"]


class SwapSuites:
    """Writes the suites of one result."""

    def __init__(self, result: AuditResult) -> None:
        self._result = result
        self._words = SwapWords(result, ENGLISH)
        self._summaries = {summary.rule.rule: summary for summary in probe_rules(result, ENGLISH)}

    def suite(self, rule: ProbeRuleResult) -> ET.Element:
        """The suite of one rule."""
        suite = ET.Element("testsuite", name=xml_text(rule.rule))
        summary = self._summaries[rule.rule]
        properties = ET.SubElement(suite, "properties")
        ET.SubElement(properties, "property", name="limit", value=xml_text(summary.limit))
        ET.SubElement(properties, "property", name="outcome", value=rule.outcome)
        case = ET.SubElement(suite, "testcase", classname=xml_text(rule.rule), name=xml_text(f"rule {rule.rule}"))
        _told(case, rule.outcome, f"{summary.word}: {summary.changes}")
        for verdict in self._result.probe_verdicts:
            if verdict.rule == rule.rule:
                suite.append(self._case(verdict))
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
        suite.set("errors", "0")
        suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
        return suite

    def _case(self, verdict: ProbeVerdict) -> ET.Element:
        name = f"probe={verdict.probe}, {verdict.slot}={verdict.level}"
        if verdict.given_slot is not None:
            name += f", within {verdict.given_slot}={verdict.given}"
        case = ET.Element("testcase", classname=xml_text(verdict.rule), name=xml_text(name))
        shift = self._words.shift(verdict)
        told = verdict.because.replace("_", " ")
        if shift is not None and shift.shift is not None:
            points = ENGLISH.numbers.points_with_range(shift.shift, shift.low, shift.high)
            over = self._words.counted(shift.templates, self._words.probes[verdict.probe])
            told = f"{told}; mean shift {points} points of the score range over {over}"
        _told(case, verdict.outcome, told)
        return case


def _told(case: ET.Element, outcome: str, message: str) -> None:
    if outcome == "fail":
        ET.SubElement(case, "failure", type="disparity", message=xml_text(message))
    elif outcome != "pass":
        ET.SubElement(case, "skipped", message=xml_text(message))
