"""The three numbers of the restricted screen one: rates with their likely range, and how many groups stand how."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from made.pages import find_all, parsed, part_of, section, text
from made.results import PASSING, sample_result
from made.second_looks import unnamed_result
from statsmodels.stats.proportion import proportion_confint

from audit.result.audit_result import AuditResult
from audit.result.finding_list import findings_of
from audit.result.reading import Reading
from audit.vocabulary.finding import tally_of
from audit.vocabulary.names import Names
from reports.html import HtmlReporter
from reports.language import ENGLISH

RANGE = re.compile(r"likely range [<>]?\d+–[<>]?\d+%")


def numbers(result: AuditResult) -> list[tuple[str, str, str]]:
    """Value, label and note of each."""
    part = part_of(HtmlReporter().render(result), "verdict")
    (three,) = [each for each in find_all(part, "ul") if each.get("class") == "three"]
    return [(text(each[0]), text(each[1]), text(each[2])) for each in three]


def everyone(result: AuditResult, metric: str = "true_positive_rate") -> tuple[str, str]:
    """The rate of everyone and its likely range, as the page writes them."""
    estimate = next(each for each in result.estimates if not each.group.root and each.metric == metric)
    n = ENGLISH.numbers
    return n.percent(estimate.value), f"likely range {n.percent_range(estimate.low, estimate.high)}"


def test_a_fail_shows_two_rates_with_their_ranges_and_how_many_groups(few: AuditResult) -> None:
    first, second, third = numbers(few)
    rate, span = everyone(few)
    assert first == (rate, "share of victims found, everyone together", span)
    reading = Reading(few)
    worst = max(
        (each for each in reading.with_outcome("fail") if each.metric == "true_positive_rate"),
        key=lambda each: (not reading.holds_failing(each), each.more_harmed),
    )
    among = sum(each.value is not None for each in reading.each_once)
    assert worst.estimate is not None
    ends = proportion_confint(worst.estimate.numerator, worst.denominator, 0.05 / among, "beta")
    likely = ENGLISH.numbers.percent_range(*ends)
    name = Names(few.features).group(worst.group)
    assert second == (
        ENGLISH.numbers.percent(worst.value),
        f"share of victims found: {name}",
        f"likely range {likely}, wider: picked from {among}",
    )
    assert RANGE.match(second[2])
    tally = tally_of(findings_of(reading))
    assert third == (f"{tally.beyond:,}", "beyond the limit", f"of {tally.total:,} comparisons with a limit")


def test_the_group_of_the_second_number_is_that_of_the_sentence(few: AuditResult) -> None:
    root = parsed(HtmlReporter().render(few))
    shown = text(section(root, "verdict"))
    name = numbers(few)[1][1].removeprefix("share of victims found: ")
    assert f"most people are affected in one: {name}." in shown
    assert re.search(
        r"In the groups beyond the limit it missed up to [\d,]+ victims more than", text(section(root, "affected"))
    )


@pytest.mark.parametrize("kind", ["passing", "undecided"])
def test_without_a_fail_it_says_how_many_are_within_and_how_many_cannot_be_told(
    kind: str, request: pytest.FixtureRequest
) -> None:
    result: AuditResult = request.getfixturevalue(kind)
    first, second, third = numbers(result)
    assert (first[0], first[2]) == everyone(result)
    tally = tally_of(findings_of(Reading(result)))
    among = f"of {tally.total:,} comparisons with a limit"
    assert second == (f"{tally.within:,}", "within the limit", among)
    assert third == (f"{tally.cannot_tell:,}", "cannot tell", among)


def test_a_fail_without_a_name_has_the_rate_of_its_limit_and_no_group(few: AuditResult) -> None:
    result = unnamed_result(few, metric="false_positive_rate")
    reading = Reading(result)
    assert reading.unnamed
    assert not reading.with_outcome("fail")
    first, second, third = numbers(result)
    assert (first[0], first[2]) == everyone(result, "false_positive_rate")
    assert first[1] == "share of non-victims wrongly flagged, everyone together"
    assert second[:2] == ("at least 7", "nationalities beyond the limit")
    assert third[1] == "cannot tell"


def test_where_flags_go_to_enforcement_the_wrong_flag_is_the_first_rate() -> None:
    both = [
        {"metric": metric, "groups": ["gender"], "margin": 0.3}
        for metric in ("true_positive_rate", "false_positive_rate")
    ]
    result = sample_result(replace(PASSING, rows=4_000, rules=both, route="enforcement", use="lead-generation"))
    first = numbers(result)[0]
    assert first[1] == "share of non-victims wrongly flagged, everyone together"
    assert (first[0], first[2]) == everyone(result, "false_positive_rate")


def test_a_rate_of_everyone_that_cannot_be_stated_is_a_dash_with_its_reason(passing: AuditResult) -> None:
    unstated = tuple(
        each.model_copy(update={"value": None, "low": None, "high": None, "status": "not_evaluable"})
        if not each.group.root
        else each
        for each in passing.estimates
    )
    first = numbers(passing.model_copy(update={"estimates": unstated}))[0]
    assert first == ("—", "share of victims found, everyone together", "fewer than 5 cases: no rate is stated")
