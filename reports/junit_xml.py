"""JUnit XML of cases. Only a fail is a failure; what neither passes nor fails is `skipped` with its reason, and so is
what fails under a rule that only warns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from reports.cases import Case, Suite
from reports.plain_text import xml_text

_TOTALS: Final = ("tests", "failures", "errors", "skipped")


def junit_xml(title: str, suites: Sequence[Suite]) -> str:
    """Write a file of suites, each with a case for its whole and one for each of its cases."""
    root = ET.Element("testsuites", name=xml_text(f"audit7k: {title}"))
    elements = [_suite(suite) for suite in suites]
    for total in _TOTALS:
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in elements)))
    root.extend(elements)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(suite: Suite) -> ET.Element:
    element = ET.Element("testsuite", name=xml_text(suite.name))
    cases = [suite.verdict, *suite.cases]
    counts = (
        len(cases),
        sum(case.outcome == "fail" and not suite.warns for case in cases),
        0,
        sum(case.outcome != "pass" and (case.outcome != "fail" or suite.warns) for case in cases),
    )
    for total, count in zip(_TOTALS, counts, strict=True):
        element.set(total, str(count))
    properties = ET.SubElement(element, "properties")
    for name, value in suite.properties:
        ET.SubElement(properties, "property", name=xml_text(name), value=xml_text(value))
    taken: set[str] = set()
    for case in cases:
        _add(element, suite, case, _unique(xml_text(case.name), taken))
    return element


def _add(parent: ET.Element, suite: Suite, case: Case, name: str) -> None:
    testcase = ET.SubElement(parent, "testcase", classname=xml_text(case.within or suite.name), name=name)
    warns = "fails, and only warns" if suite.warns and case.outcome == "fail" else ""
    message = xml_text("; ".join(filter(None, (warns, case.waived.words if case.waived else "", case.message))))
    if case.outcome == "fail" and not warns:
        ET.SubElement(testcase, "failure", type=suite.kind, message=message)
    elif case.outcome != "pass":
        ET.SubElement(testcase, "skipped", message=message)


def _unique(name: str, taken: set[str]) -> str:
    """Return `name`, with a number where another case of the suite has it: some readers show only one of two."""
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name} ({number})"
    taken.add(unique)
    return unique
