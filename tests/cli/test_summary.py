"""The terminal summary and the lines of a gate: what they say, and that they fit."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.audits import gender, large_result, many_nationalities, result_of
from made.counts import categorical, cells, nationality
from made.pages import parsed
from rich.cells import cell_len

from audit.cli.console.group_names import GroupNames, fit
from audit.cli.console.terminal import Style
from audit.cli.pages.second_looks import second_looks
from audit.cli.pages.summary import MOST_GROUPS, rule_lines, summary, verdict_words
from audit.result.audit_result import AuditResult
from audit.result.reading import Reading
from audit.result.urgency import most_urgent_first, state_of
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import METRICS
from audit.vocabulary.names import Names
from reports.html import HtmlReporter

PLAIN = Style(colour=False, unicode=True)
ASCII = Style(colour=False, unicode=False)
TPR = {"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1}


def of_codes(rows: Mapping[str, IntArray]) -> dict[tuple[str, ...], IntArray]:
    return {(code,): counts for code, counts in rows.items()}


def shown(result: AuditResult, style: Style = PLAIN) -> str:
    return summary(result, style, report="audit-out/report.html", next_command="audit7k gate audit-out")


@pytest.mark.parametrize("style", [PLAIN, ASCII])
def test_a_large_result_fits_a_screen_of_80_by_24(style: Style) -> None:
    lines = shown(large_result(), style).splitlines()
    assert len(lines) <= 23  # and the prompt
    assert max(cell_len(line) for line in lines) <= 80
    assert all(line.isprintable() for line in lines)
    further = second_looks(large_result(), GroupNames(large_result().features))
    assert 1 <= len(further) <= 3
    assert sum(line.startswith(style.shape("fail")) for line in lines) == 1 + MOST_GROUPS - len(further)


def test_colour_changes_no_character() -> None:
    result = large_result()
    coloured = shown(result, Style(colour=True, unicode=True))
    assert "\x1b[" in coloured
    plain = "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", coloured).split("\n"))
    assert plain == shown(result)


def test_only_what_the_terminal_can_show_is_used() -> None:
    result = result_of(of_codes({"a": cells(800, 200), "b": cells(500, 500)}), [categorical("sex", ["a", "b"])], [TPR])
    assert shown(result, ASCII).isascii()


def test_a_fail_names_the_group_its_rate_its_range_and_the_rest() -> None:
    rows = {"a": cells(800, 200, 10, 990), "b": cells(420, 580), "c": cells(1600, 400)}
    result = result_of(of_codes(rows), [categorical("sex", ["a", "b", "c"])], [TPR], title="Screener 2.3")
    text = shown(result)
    assert text.startswith("✗ FAIL  Screener 2.3\n  1 beyond the limit, 2 within it\n")
    row = next(line for line in text.splitlines() if line.startswith("✗ FAIL   "))
    assert row.split() == ["✗", "FAIL", "sex", "=", "b", "found", "42%", "39-45%", "80%"]
    assert "Primary harm: victims missed" in text
    assert "Everyone: 71% of victims found, 1% of non-victims wrongly flagged" in text
    assert "In groups that could pass: 100% of people by sex (80% needed)" in text
    assert "Rows: 5,000 read, 5,000 scored, 0 not scored, 0 unlabelled" in text
    assert "Report: audit-out/report.html\nNext:   audit7k gate audit-out\n" in text
    assert "not for publication" in text
    assert rule_lines(result, PLAIN) == [
        "✗ FAIL true_positive_rate: 1 group beyond the limit (difference 0.1 from the rest): sex = b"
    ]
    assert verdict_words(result, PLAIN) == "✗ FAIL"


def test_a_fail_by_the_records_alone_is_said_within_the_fails() -> None:
    rows = {"NGA": cells(220, 180), "FRA": cells(800, 200), "DEU": cells(800, 200), "unknown": cells(760, 240)}
    rule = {"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}
    result = result_of(of_codes(rows), [nationality(["NGA", "FRA", "DEU", "unknown"])], [rule])
    assert {verdict.because for verdict in result.verdicts if verdict.outcome == "fail"} == {"beyond_limit_as_recorded"}
    line = shown(result).splitlines()[1]
    assert line.startswith("  1 beyond the limit, ")
    assert line.endswith(" (1 by the records alone)")
    assert "from the rest; 1 by the records alone)" in rule_lines(result, PLAIN)[0]


def test_a_pass_has_no_line_of_a_rule() -> None:
    rows = {"a": cells(800, 200), "b": cells(800, 200), "c": cells(1600, 400)}
    result = result_of(of_codes(rows), [categorical("sex", ["a", "b", "c"])], [TPR])
    assert rule_lines(result, PLAIN) == []
    assert verdict_words(result, PLAIN) == "✓ PASS"
    assert "0 beyond the limit, 3 within it" in shown(result)
    assert "non-victims wrongly flagged not known" in shown(result)


def test_a_group_too_small_to_pass_is_told_as_a_part_of_a_larger_one() -> None:
    rows = {"NGA": cells(800, 200), "MLI": cells(32, 8), "FRA": cells(800, 200), "DEU": cells(800, 200)}
    rule = {"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}
    result = result_of(of_codes(rows), [nationality(["NGA", "MLI", "FRA", "DEU"])], [rule])
    text = shown(result)
    assert "1 not judged alone" in text
    row = next(line for line in text.splitlines() if "MLI" in line)
    assert row.startswith("~ not alone   MLI, in 011 ")
    assert "80%" in row


def test_what_has_no_rate_is_counted_and_never_shown_as_0() -> None:
    rows = {"a": cells(800, 200), "b": cells(800, 200), "c": cells(1, 2), "d": cells(0, 0, 5, 5)}
    text = shown(result_of(of_codes(rows), [categorical("sex", ["a", "b", "c", "d"])], [TPR]))
    assert "2 within it, 2 without a rate" in text
    assert " 0%" not in text


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"a": (16, 4), "b": (16, 4)}, "no group has enough cases to be judged"),
        (
            {"a": (800, 200), "b": (720, 280), "c": (1600, 400)},
            "1 group with enough cases could not be decided: their cases point neither way (1): sex = b",
        ),
        (
            {"a": (800, 200), "b": (800, 200)} | {f"s{number:02}": (40, 10) for number in range(20)},
            "only 67% of the people are in groups that could be judged (the plan needs 80%)",
        ),
    ],
)
def test_an_open_rule_says_why(rows: dict[str, tuple[int, int]], words: str) -> None:
    counted = of_codes({code: cells(*found) for code, found in rows.items()})
    result = result_of(counted, [categorical("sex", list(rows))], [TPR])
    assert rule_lines(result, PLAIN) == [f"? cannot tell true_positive_rate: {words}"]
    assert verdict_words(result, PLAIN) == "? INCONCLUSIVE"


def test_the_most_urgent_stand_first() -> None:
    reading = Reading(large_result())
    found = most_urgent_first(reading)
    order = ["fail", "inconclusive", "as_part", "pass", "not_evaluable"]
    states = [state_of(finding) for finding in found]
    assert states == sorted(states, key=order.index)
    failing = [finding for finding in found if state_of(finding) == "fail"]
    assert all(finding.excess > 0 for finding in failing)
    for metric in {finding.rule.metric for finding in failing}:
        held = [(reading.holds_failing(f), -f.more_harmed) for f in failing if f.rule.metric == metric]
        assert held == sorted(held)


def test_the_smallest_group_that_fails_leads_in_the_terminal_and_on_the_page() -> None:
    found = {"NGA": 600, "GHA": 620, "MLI": 600, "FRA": 960, "DEU": 960, "THA": 960}
    rows: dict[tuple[str, ...], IntArray] = {(code,): cells(right, 1200 - right) for code, right in found.items()}
    rule = {"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}
    result = result_of(rows, [nationality(list(found))], [rule])
    lines = [line for line in shown(result).splitlines() if line.startswith("✗ FAIL   ")]
    places = [" ".join(line[14:44].split()) for line in lines]
    assert places == ["MLI", "NGA", "GHA", "011"]
    assert ": MLI; NGA; GHA and 1 more" in rule_lines(result, PLAIN)[0]
    page = " ".join("".join(parsed(HtmlReporter().render(result)).itertext()).split())
    assert "Of the smallest such groups, most people are affected in one: MLI." in page
    of_table = page.index("Clearly worse off than everyone else")
    assert sorted(places, key=lambda name: page.index(name, of_table)) == places


def test_the_primary_harm_stands_first_and_a_handful_of_people_never_before_a_group_that_can_be_judged() -> None:
    rows = {
        "a": cells(800, 200, 100, 900),
        "b": cells(715, 285, 145, 855),
        "few": cells(5, 5, 4, 6),
        "c": cells(1600, 400, 200, 1800),
    }
    features = [categorical("sex", list(rows))]
    rules = [TPR, {**TPR, "metric": "false_positive_rate", "margin": 0.05}]
    for route, first in (("services", "true_positive_rate"), ("enforcement", "false_positive_rate")):
        found = [
            f
            for f in most_urgent_first(Reading(result_of(of_codes(rows), features, rules, route=route)))
            if state_of(f) == "inconclusive"
        ]
        assert found[0].rule.metric == first
        assert [f.verdict.group.levels[0].code for f in found if f.rule.metric == first] == ["b", "few"]


def test_a_group_that_stands_for_itself_on_every_rung_is_counted_and_shown_once() -> None:
    feature = nationality(["NGA", "FRA", "unknown"])
    rows: dict[tuple[str, ...], IntArray] = {
        ("NGA",): cells(800, 200),
        ("FRA",): cells(800, 200),
        ("unknown",): cells(300, 700),
    }
    result = result_of(rows, [feature], [{"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}])
    assert sum(verdict.outcome == "fail" for verdict in result.verdicts) == 1
    rows_shown = [line for line in shown(result).splitlines() if line.startswith("✗ FAIL   ")]
    assert [line.split()[2:4] for line in rows_shown] == [["nationality", "unknown"]]
    assert shown(result).splitlines()[1].startswith("  1 beyond the limit, ")
    assert rule_lines(result, PLAIN) == [
        "✗ FAIL true_positive_rate: 1 group beyond the limit (difference 0.1 from the rest): nationality unknown"
    ]


def test_what_else_the_people_of_a_failing_group_are_called_is_said() -> None:
    feature = nationality(["NGA", "FRA", "DEU"])
    rows = of_codes({"NGA": cells(300, 700), "FRA": cells(800, 200), "DEU": cells(800, 200)})
    result = result_of(rows, [feature], [{"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}])
    assert "Same people here: NGA; 011; 002" in shown(result).splitlines()
    assert "Same people" not in shown(
        result_of(of_codes({"a": cells(800, 200), "b": cells(500, 500)}), [categorical("sex", ["a", "b"])], [TPR])
    )


def test_one_code_for_different_people_on_two_rungs_is_two_groups() -> None:
    feature = nationality(["NGA", "FRA", "DEU"])
    rows = of_codes({"NGA": cells(300, 700), "FRA": cells(800, 200), "DEU": cells(800, 200)})
    result = result_of(rows, [feature], [{"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}])

    def recoded(group: Group) -> Group:
        return Group(tuple(level._replace(code="X") for level in group.levels))

    verdicts = tuple(verdict.model_copy(update={"group": recoded(verdict.group)}) for verdict in result.verdicts)
    found = most_urgent_first(Reading(result.model_copy(update={"verdicts": verdicts, "estimates": ()})))
    assert sorted(finding.verdict.cases for finding in found) == [1000, 2000]


@pytest.mark.parametrize(("share", "stated"), [(0.796, "79.6%"), (0.7996, "79.96%"), (0.79, "79%")])
def test_coverage_never_rounds_onto_what_the_plan_needs(share: float, stated: str) -> None:
    rows = {"a": cells(800, 200), "b": cells(800, 200)} | {f"s{number:02}": cells(40, 10) for number in range(20)}
    made = result_of(of_codes(rows), [categorical("sex", list(rows))], [TPR])
    result = made.model_copy(update={"rules": (made.rules[0].model_copy(update={"coverage": share}),)})
    assert f"In groups that could pass: {stated} of people by " in shown(result)
    assert rule_lines(result, PLAIN)[0].endswith(
        f"only {stated} of the people are in groups that could be judged (the plan needs 80%)"
    )


@pytest.mark.parametrize(("scale", "limit"), [("margin", 0.1), ("ratio", 0.8)])
@pytest.mark.parametrize("metric", ["true_positive_rate", "false_positive_rate"])
def test_the_order_agrees_with_the_sign_of_the_excess(scale: str, limit: float, metric: str) -> None:
    rows = {"a": cells(500, 500, 400, 600), "b": cells(800, 200, 100, 900), "c": cells(800, 200, 100, 900)}
    rule = {"metric": metric, "groups": ["sex"], scale: limit}
    result = result_of(of_codes(rows), [categorical("sex", ["a", "b", "c"])], [rule])
    for finding in most_urgent_first(Reading(result)):
        assert (finding.excess > 0) == (state_of(finding) == "fail")


def test_every_metric_has_a_short_name_that_fits() -> None:
    assert min(len(metric.short) for metric in METRICS.values()) > 0
    assert max(len(metric.short) for metric in METRICS.values()) <= 11


def test_names_tell_nationality_before_gender_and_unknown_with_its_feature() -> None:
    names = GroupNames([gender(), many_nationalities({"A": "Ghana", "B": "Mali"})])
    woman, ghana = Level("gender", "level", "woman"), Level("nationality", "country", "A")
    assert names.name(Group((woman, ghana))) == "Ghana, woman"
    assert names.name(Group((Level("gender", "level", "unknown"), ghana))) == "Ghana, gender unknown"
    assert names.name(Group(())) == "everyone"
    assert names.name_within(Group((woman, ghana)), 10) == "Gh…, woman"


@pytest.mark.parametrize(("children", "girl"), [(["9-17"], "Girls"), (["0-8", "9-17"], "Age = 9-17, girls")])
def test_children_of_a_gender_are_called_girls_and_boys(children: list[str], girl: str) -> None:
    age = categorical("age", ["0-8", "9-17", "18+"]).model_copy(update={"children": tuple(children)})
    woman, man = Level("gender", "level", "woman"), Level("gender", "level", "man")
    young, grown = Level("age", "level", "9-17"), Level("age", "level", "18+")
    features = (gender(), age)
    in_terminal = GroupNames(features)
    on_page = Names(features)
    assert on_page.group(Group((woman, young))) == girl
    assert in_terminal.name(Group((woman, young))) == girl.lower().replace("girls", "girl")
    assert on_page.group(Group((man, grown))) == "Age = 18+, men"
    assert in_terminal.name(Group((man, grown))) == "age = 18+, man"
    assert on_page.group(Group((young,))) == "Age = 9-17"
    assert in_terminal.name(Group((young,))) == "age = 9-17"
    unknown = Level("gender", "level", "unknown")
    assert in_terminal.name(Group((unknown, young))) == "age = 9-17, gender unknown"


def test_a_value_of_a_column_has_the_column_s_name_and_keeps_its_own_where_room_is_short() -> None:
    disability = categorical("has_disability", ["0", "1"])
    names = GroupNames([gender(), disability])
    group = Group((Level("gender", "level", "woman"), Level("has_disability", "level", "0")))
    assert names.name(group) == "has disability = 0, woman"
    assert names.name_within(group, 20) == "has disa… = 0, woman"
    assert Names((gender(), disability)).group(group) == "Has disability = 0, women"
    unknown = Group((Level("has_disability", "level", "unknown"),))
    assert names.name(unknown) == "has disability unknown"


@given(st.text(max_size=60), st.text(max_size=60), st.integers(1, 60))
def test_a_name_never_leaves_its_column(first: str, second: str, width: int) -> None:
    assert cell_len(fit(first, width)) == width
    group = Group((Level("a", "level", first), Level("b", "level", second)))
    name = GroupNames([categorical("a", [first]), categorical("b", [second])]).name_within(group, width)
    assert cell_len(name) <= width
    assert name.isprintable()
