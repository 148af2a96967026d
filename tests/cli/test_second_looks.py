"""What else was found, in the terminal: at most three lines that fit, and only where they change a reading."""

from __future__ import annotations

import pytest
from made.replaced import replaced
from made.results import failing_result, passing_result
from made.second_looks import further_result, unnamed_result
from rich.cells import cell_len

from audit.cli.console.group_names import GroupNames
from audit.cli.console.terminal import Style
from audit.cli.pages.second_looks import second_looks
from audit.cli.pages.summary import FAILS_FIRST, MOST_GROUPS, summary
from audit.result.audit_result import AuditResult


@pytest.fixture(scope="module")
def failing() -> AuditResult:
    return failing_result()


def shown(result: AuditResult) -> list[str]:
    return second_looks(result, GroupNames(result.features))


def test_each_question_has_its_line(failing: AuditResult) -> None:
    assert shown(further_result(failing)) == [
        "People after it: FAIL, beside the verdict above and no part of it",
        "Form by form, no part of the verdict: FAIL forced labour",
        "Swaps: widest, nationality word Nigerian: +12.0 points, 7 of 20 decisions changed",
        "Least sure: FAIL of Ghana: 7 wrong labels of 480 undo it",
        "Like with like: the gap of Ghana vanishes within form",
        "Search: missed more often: channel = messaging; Ghana or 2 more",
    ]


def test_without_answers_there_is_no_line(failing: AuditResult) -> None:
    assert shown(failing) == []


def test_of_a_pass_the_least_sure_pass_is_told() -> None:
    result = further_result(passing_result())
    assert shown(result)[2] == "Least sure: PASS of women: 311 wrong labels of 9,000 undo it"


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        ("not_confirmed", "Search for subgroups: none stands out and holds up"),
        ("nothing_found", "Search for subgroups: none stands out and holds up"),
        ("cannot_tell", "Search for subgroups: too few cases to tell"),
    ],
)
def test_a_search_that_found_nothing_says_so(failing: AuditResult, outcome: str, line: str) -> None:
    result = further_result(failing)
    scan = result.further.subgroup_scan[0].model_copy(update={"outcome": outcome})
    assert shown(replaced(result, subgroup_scan=(scan,)))[-1] == line


def test_with_every_line_the_summary_still_fits_a_screen(failing: AuditResult) -> None:
    for result in (further_result(failing), further_result(unnamed_result(failing))):
        lines = summary(result, Style(unicode=True), report="r.html", next_command="audit7k gate .").splitlines()
        assert len(lines) <= 23
        assert max(cell_len(line) for line in lines) <= 80
        named = sum(line.startswith("✗ FAIL") for line in lines) - 1
        assert (named == FAILS_FIRST) != ("Least sure: FAIL of Ghana: 7 wrong labels of 480 undo it" in lines)
    assert MOST_GROUPS == 8


def test_a_hostile_value_of_a_column_stays_on_its_line(failing: AuditResult) -> None:
    result = further_result(failing, lambda text: f"{text}\n\x1b[31m")
    assert all(line.isprintable() for line in shown(result))
