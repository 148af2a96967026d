"""JUnit XML of the change from an earlier audit: a suite, a case a group and rule, and one for the whole of it."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

from audit.result.audit_result import AuditResult, Change, ChangeVerdict, Group
from reports.change_words import ChangeWords
from reports.language import ENGLISH
from reports.plain_text import xml_text

__all__ = ["change_suite"]


def change_suite(result: AuditResult, name_of: Callable[[Group], str]) -> list[ET.Element]:
    """The suite of the change; none where the result has none. `name_of` names a group."""
    change = result.change
    if change is None:
        return []
    words = ChangeWords(result, ENGLISH)
    suite = ET.Element("testsuite", name="change")
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", name="release", value="restricted, exact counts")
    ET.SubElement(properties, "property", name="baseline", value=xml_text(_baseline(change)))
    ET.SubElement(properties, "property", name="differs", value=xml_text(", ".join(change.differs)))
    ET.SubElement(properties, "property", name="outcome", value=change.outcome)
    whole = ET.SubElement(suite, "testcase", classname="change", name="change since the baseline")
    _told(whole, change.outcome, words.whole())
    for verdict in change.verdicts:
        name = f"{verdict.rule}: {name_of(verdict.group)}"
        case = ET.SubElement(suite, "testcase", classname=xml_text(f"change.{verdict.rule}"), name=xml_text(name))
        _told(case, verdict.outcome, f"{words.outcome(verdict)}; {_numbers(verdict)}")
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", "0")
    suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
    return [suite]


def _baseline(change: Change) -> str:
    return f"{change.baseline.title}, {change.baseline.finished}, {change.baseline.sha256}"


def _numbers(verdict: ChangeVerdict) -> str:
    then = f"then {verdict.then_numerator} of {verdict.then_denominator}"
    now = f"now {verdict.now_numerator} of {verdict.now_denominator}"
    if verdict.n is None:
        return f"{then}, {now}"
    return (
        f"{then}, {now}; of {verdict.n} cases {verdict.lost} changed for the worse and {verdict.gained} for the better"
    )


def _told(case: ET.Element, outcome: str, message: str) -> None:
    if outcome == "fail":
        ET.SubElement(case, "failure", type="regression", message=xml_text(message))
    elif outcome != "pass":
        ET.SubElement(case, "skipped", message=xml_text(message))
