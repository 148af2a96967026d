"""One or more nationalities beyond a limit, none of them named: what every report says, and whom none may list."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from made.pages import find_all, part_of, text
from made.second_looks import unnamed_result

from audit.cli.console.terminal import Style
from audit.cli.pages.summary import rule_lines, summary
from audit.result.audit_result import AuditResult
from audit.result.reading import Reading
from audit.vocabulary.names import Names
from reports.html import HtmlReporter
from reports.html.resolution import NOT_ASSOCIATED, PARAGRAPH_2
from reports.junit import JunitReporter

PLAIN = Style(colour=False, unicode=True)
LEAST = "at least 7 of 23 nationalities"


@pytest.fixture(scope="module")
def unnamed(few: AuditResult) -> AuditResult:
    return unnamed_result(few)


@pytest.fixture(scope="module")
def html(unnamed: AuditResult) -> str:
    return HtmlReporter().render(unnamed)


def test_the_first_screen_says_what_was_found_and_that_nobody_may_be_singled_out(html: str) -> None:
    shown = text(part_of(html, "verdict"))
    assert shown.startswith("Exceeds the limit In this test the system missed victims of at least 7 of ")
    assert "This can be told of all nationalities together, and of none by name." in shown
    assert "No nationality may be singled out from this" in shown
    assert "at least 7 nationalities beyond the limit of " in shown
    assert "To learn which nationalities are beyond the limit takes more labelled cases of each" in shown
    assert "affect the most people" not in shown
    assert "named below" not in shown


def test_nothing_is_counted_as_none(html: str, unnamed: AuditResult) -> None:
    for shown in (
        text(part_of(html, "verdict")),
        text(part_of(html, "affected")),
        summary(unnamed, PLAIN),
        *rule_lines(unnamed, PLAIN),
    ):
        for never in ("0 groups beyond", "in 0 groups", "up to 0", "0 beyond the limit", " 0 fail"):
            assert never not in shown


def test_who_is_affected_is_told_with_the_words_of_the_draft(html: str) -> None:
    part = part_of(html, "affected")
    shown = text(part)
    assert f"The system missed victims of {LEAST} clearly more often than the limit allows. None of these" in shown
    assert "61 of them point that way" in shown
    assert f"“{NOT_ASSOCIATED}”" in shown
    assert NOT_ASSOCIATED in PARAGRAPH_2
    assert "To name one takes more labelled cases of it." in shown
    assert shown.index("The person stays exploited") < shown.index("None of these nationalities can be named")


def test_no_list_of_the_likeliest_stands_under_it(html: str, unnamed: AuditResult) -> None:
    names = Names(unnamed.features)
    rule = unnamed.rules[0]
    suspects = {
        names.group(finding.group)
        for finding in Reading(unnamed).judged_rates
        if finding.beyond and finding.rule is rule and ("nationality", "country") in finding.group.family.axes
    }
    assert len(suspects) > 10
    affected = part_of(html, "affected")
    tables = [table for table in find_all(affected, "table") if "wrongly" not in text(table).lower()]
    listed = {text(row[0]) for table in tables for row in find_all(next(find_all(table, "tbody")), "tr")}
    assert not listed & suspects
    in_terminal = [line for line in summary(unnamed, PLAIN).splitlines() if " found " in line]
    assert in_terminal
    countries = {name.partition(",")[0] for name in suspects}
    assert not [line for line in in_terminal if line[14:45].partition(",")[0].strip() in countries]


def test_beside_groups_that_are_named_it_is_told_as_well(few: AuditResult) -> None:
    both = unnamed_result(few, metric="true_positive_rate", keep_names=True)
    assert Reading(both).unnamed
    assert Reading(both).with_outcome("fail")
    shown = text(part_of(HtmlReporter().render(both), "verdict"))
    assert "than among everyone else. Beside the groups named, it missed victims of at least 7 of " in shown
    assert "These errors affect the most people in one group: " in shown


def test_where_a_nationality_is_named_the_sum_over_all_says_nothing_of_its_own(few: AuditResult) -> None:
    result = unnamed_result(few, metric="false_positive_rate", keep_names=True)
    rules = tuple(
        rule.model_copy(
            update={"families": tuple(f.model_copy(update={"unnamed_beyond": True}) for f in rule.families)}
        )
        for rule in few.rules
    )
    named = few.model_copy(update={"rules": rules})
    families = {(rule.rule, family.family) for rule, family in Reading(named).unnamed}
    failed = {(verdict.rule, verdict.group.family) for verdict in few.verdicts if verdict.outcome == "fail"}
    assert families
    assert not families & failed
    assert result.overall.outcome == "fail"


def test_the_rule_s_case_in_junit_says_so_and_no_group_s_does(unnamed: AuditResult) -> None:
    root = ET.fromstring(JunitReporter().render(unnamed))
    suite = root[0]
    failures = suite.findall("testcase/failure")
    assert [case.get("name") for case in suite.findall("testcase")[:2]] == [
        "rule true_positive_rate",
        "groups together: nationality",
    ]
    assert len(failures) == 2
    message = failures[0].get("message", "")
    assert f"{LEAST} beyond the limit; which ones cannot be said" in message
    assert "No nationality may be singled out from this" in message
    assert suite.get("failures") == "2"


def test_the_terminal_says_it_in_its_first_lines(unnamed: AuditResult) -> None:
    shown = summary(unnamed, PLAIN)
    assert shown.startswith("✗ FAIL  ")
    assert f"{LEAST} are beyond the limit" in shown.split("\n\n")[0]
    assert "none may be singled out" in shown.split("\n\n")[0]
