"""JUnit XML as a CI reads it, and in agreement with the result."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from made.results import UNDECIDED, sample_result

from audit.result.audit_result import AuditResult
from audit.result.cases import suites as judged_suites
from audit.result.reading import Reading
from audit.vocabulary.finding import Tally
from reports.junit import JunitReporter


@pytest.fixture(scope="module")
def suites(failing: AuditResult) -> ET.Element:
    return ET.fromstring(JunitReporter().render(failing))


def test_it_is_a_reporter_for_restricted_eyes(suites: ET.Element) -> None:
    reporter = JunitReporter()
    assert (reporter.name, reporter.filename) == ("junit", "junit.xml")
    for suite in suites:
        assert suite.find("properties/property[@name='release']").get("value") == "restricted, exact counts"  # type: ignore[union-attr]


def tallies_of(result: AuditResult) -> dict[str, Tally]:
    return {suite.name: suite.tally for suite in judged_suites(Reading(result))}


def test_a_suite_a_rule_a_case_a_group_and_one_for_the_rule(failing: AuditResult, suites: ET.Element) -> None:
    assert [suite.get("name") for suite in suites] == [rule.rule for rule in failing.rules]
    tallies = tallies_of(failing)
    for rule, suite in zip(failing.rules, suites, strict=True):
        cases = suite.findall("testcase")
        assert len(cases) == 1 + tallies[rule.rule].total
        assert {case.get("classname") for case in cases} == {rule.rule}
        assert cases[0].get("name") == f"rule {rule.rule}"
        names = [case.get("name") for case in cases]
        assert len(set(names)) == len(names)
        assert "nationality=NGA, gender=woman" in names
        assert "nationality/m49-subregion=011, gender=woman" in names


def test_only_a_fail_is_a_failure_and_only_a_pass_is_silent(failing: AuditResult, suites: ET.Element) -> None:
    for rule, suite in zip(failing.rules, suites, strict=True):
        shown = Counter(
            "fail" if case.find("failure") is not None else "skipped" if case.find("skipped") is not None else "pass"
            for case in suite.findall("testcase")[1:]
        )
        tally = tallies_of(failing)[rule.rule]
        assert shown["fail"] == tally.beyond
        assert shown["skipped"] == tally.cannot_tell + tally.not_judged_alone + tally.no_rate
        assert shown["pass"] == tally.within
        assert int(suite.get("failures", "")) == tally.beyond + (rule.outcome == "fail")
        assert suite.find("properties/property[@name='findings']").get("value") == str(tally)  # type: ignore[union-attr]
    for total in ("tests", "failures", "skipped"):
        assert int(suites.get(total, "")) == sum(int(suite.get(total, "")) for suite in suites)


def test_a_failure_says_counts_rate_range_and_limit(suites: ET.Element) -> None:
    case = next(case for case in suites.iter("testcase") if case.get("name") == "nationality=GHA, gender=woman")
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "disparity"
    words = (
        "beyond the limit; "
        "Found [0-9]+ of [0-9]+: [0-9.]+% \\(likely range [0-9.]+–[0-9.]+%\\); everyone else [0-9.]+%; limit [0-9.]+%"
    )
    assert re.fullmatch(words, failure.get("message", ""))


def test_a_skipped_group_says_why_and_what_it_would_take(suites: ET.Element) -> None:
    messages = [skipped.get("message", "") for skipped in suites.iter("skipped")]
    assert any(
        message.startswith("not judged alone: too few cases alone; judged only as part of ")
        and "more cases needed" in message
        for message in messages
    )
    assert any(message.startswith("no rate can be stated: fewer than 5 cases") for message in messages)


def test_an_undecided_rule_is_visible_in_its_own_case(undecided: AuditResult) -> None:
    root = ET.fromstring(JunitReporter().render(undecided))
    for suite in root:
        skipped = suite.find("testcase/skipped")
        assert skipped is not None
        assert "we cannot tell: " in skipped.get("message", "")


def test_two_groups_of_one_name_stay_two_cases() -> None:
    """A code that imitates another group's name cannot hide it."""
    codes = {"woman": "man", "man": "man"}
    sample = replace(UNDECIDED, rows=300, countries=("GHA",), code=lambda code: codes.get(code, code))
    names = [
        case.get("name", "")
        for case in ET.fromstring(JunitReporter().render(sample_result(sample)))[0].iter("testcase")
    ]
    assert len(set(names)) == len(names)


def test_the_file_is_below_what_a_ci_takes(failing: AuditResult) -> None:
    xml = JunitReporter().render(failing)
    assert len(xml.encode()) < 2_000_000
    assert JunitReporter().render(failing) == xml
