"""Who is counted, how often and to which side: better-off groups, overlapping groups, one group on several rungs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import pytest
from made.pages import part_of, text
from made.results import PASSING, sample_result

from audit.result.audit_result import AuditResult
from audit.result.finding_list import findings_of
from audit.result.findings.judged import Because
from audit.result.reading import Reading, people_beyond
from audit.vocabulary.finding import tally_of
from audit.vocabulary.groups import Group, Level
from reports.html import HtmlReporter
from reports.html.tables import RANKS
from reports.language import ENGLISH
from reports.numbers import Numbers
from reports.writer import Report, Writer

NIGERIA = (("nationality", "country", "NGA"),)
WOMEN = (("gender", "level", "woman"),)
UNKNOWN = tuple((("nationality", rung, "unknown"),) for rung in ("country", "m49-subregion", "m49-region"))


def made(
    verdicts: Mapping[tuple[tuple[str, str, str], ...], Mapping[str, Any]],
    counts: Mapping[tuple[tuple[str, str, str], ...], tuple[int, int]],
    base: AuditResult,
    **changed: Any,
) -> AuditResult:
    """`base` with these verdicts changed (all others passing) and found-of-victims of some groups and everyone."""
    result = base.model_dump(mode="json", by_alias=True)
    for estimate in result["estimates"]:
        key = tuple(map(tuple, estimate["group"]))
        if estimate["metric"] == "true_positive_rate" and key in counts:
            found, victims = counts[key]
            estimate.update(numerator=found, denominator=victims, value=found / victims)
        if estimate["metric"] == "false_negative_rate" and key in counts:
            found, victims = counts[key]
            estimate.update(numerator=victims - found, denominator=victims, value=1 - found / victims)
    for verdict in result["verdicts"]:
        verdict.update(outcome="pass", because="within_limit", judged_as=None, judged_as_outcome=None)
        verdict.update(verdicts.get(tuple(map(tuple, verdict["group"])), {}))
    outcomes = [verdict["outcome"] for verdict in result["verdicts"]]
    outcome = "fail" if "fail" in outcomes else "inconclusive" if "inconclusive" in outcomes else "pass"
    result["overall"].update(outcome=outcome)
    for rule in result["rules"]:
        rule.update(outcome=outcome, **changed.get("rule", {}))
    result["plan"]["verdict"].update(changed.get("verdict", {}))
    return AuditResult.model_validate_json(json.dumps(result))


def shown(result: AuditResult, part: str = "verdict") -> str:
    return text(part_of(HtmlReporter().render(result), part))


FAIL_LOW = {"outcome": "fail", "because": "beyond_limit", "side": "low"}
FAIL_HIGH = {"outcome": "fail", "because": "beyond_limit", "side": "high"}
BOTH = {"direction": "both", "worse": "both"}


def test_a_better_off_group_is_never_said_to_be_harmed(passing: AuditResult) -> None:
    counts = {(): (10_000, 20_000), NIGERIA: (900, 1_000)}
    result = made({NIGERIA: FAIL_HIGH}, counts, passing, rule=BOTH)
    verdict = shown(result)
    assert "missed victims clearly less often in 1 group than" in verdict
    assert "affect the most people" not in verdict
    affected = shown(result, "affected")
    assert "victims more than" not in affected
    assert "up to 430 cases were decided otherwise than at the rate of everyone else." in affected
    assert "Clearly apart from everyone else" in affected
    assert "More missed" not in affected
    assert "422 fewer" not in affected  # rounded up to two digits
    assert "430 fewer" in affected
    whole = HtmlReporter().render(result)
    assert "worse than everyone else by more than the limit" not in whole
    assert "apart from everyone else by more than the limit" in whole


def test_of_groups_to_both_sides_the_harmed_one_is_named(passing: AuditResult) -> None:
    counts = {(): (10_000, 20_000), NIGERIA: (950, 1_000), WOMEN: (4_800, 10_000)}
    result = made({NIGERIA: FAIL_HIGH, WOMEN: FAIL_LOW}, counts, passing, rule=BOTH)
    assert "These errors affect the most people in one group: Women." in shown(result)
    assert "it missed up to 400 victims more than at the rate of everyone else." in shown(result, "affected")


def test_up_to_is_an_upper_bound_where_groups_of_different_families_fail(passing: AuditResult) -> None:
    counts = {(): (16_000, 20_000), NIGERIA: (500, 1_000), WOMEN: (7_000, 10_000)}
    result = made({NIGERIA: FAIL_LOW, WOMEN: FAIL_LOW}, counts, passing)
    failing = Reading(result).with_outcome("fail")
    # 1,000 x (15,500/19,000 - 0.5) and 10,000 x (0.9 - 0.7): no one need stand in both groups.
    assert people_beyond(failing, result.features) == pytest.approx(315.79 + 2_000, abs=0.01)
    assert "missed up to 2,400 victims more than" in shown(result, "affected")


def test_no_more_victims_are_missed_beyond_a_rate_than_are_missed(passing: AuditResult) -> None:
    groups = [(("nationality", "country", code),) for code in ("NGA", "GHA")]
    counts = {(): (1_900, 2_000), groups[0]: (400, 500), groups[1]: (400, 500)}
    result = made(dict.fromkeys((*groups, WOMEN), FAIL_LOW), {**counts, WOMEN: (900, 1_000)}, passing)
    assert "missed up to 100 victims more than" in shown(result, "affected")


def test_the_same_people_on_several_rungs_are_counted_once(passing: AuditResult) -> None:
    counts: dict[tuple[tuple[str, str, str], ...], tuple[int, int]] = {(): (10_000, 20_000)}
    counts |= dict.fromkeys(UNKNOWN, (100, 400))
    result = made(dict.fromkeys(UNKNOWN, FAIL_LOW), counts, passing)
    assert sum(verdict.outcome == "fail" for verdict in result.verdicts) == 3
    verdict = shown(result)
    assert "missed victims clearly more often in 1 group than" in verdict
    assert tally_of(findings_of(Reading(result))).beyond == 1
    assert re.search(r"\b1 beyond the limit of [\d,]+ comparisons? with a limit", verdict)
    # 400 x (9,900/19,600 - 0.25) = 102.04, rounded up
    assert "missed up to 110 victims more than" in shown(result, "affected")


def test_a_pass_says_how_many_groups_were_judged_on_every_limit() -> None:
    two = [
        {"metric": metric, "groups": ["gender"], "margin": 0.3}
        for metric in ("true_positive_rate", "false_positive_rate")
    ]
    base = sample_result(replace(PASSING, rows=4_000, rules=two))
    first, second = (rule.rule for rule in base.rules)
    few = {"outcome": "inconclusive", "because": "too_few_cases"}
    judged = {(first, "woman"), (second, "man")}
    verdicts = tuple(
        verdict.model_copy(
            update={"outcome": "pass", "because": "within_limit"}
            if (verdict.rule, verdict.group.root[0].code) in judged
            else few
        )
        for verdict in base.verdicts
    )
    rules = tuple(rule.model_copy(update={"outcome": "pass"}) for rule in base.rules)
    overall = base.overall.model_copy(update={"outcome": "pass"})
    none = base.model_copy(update={"verdicts": verdicts, "rules": rules, "overall": overall})
    verdict = shown(none)
    assert "all 2 groups that were large enough to judge stayed within the limit" in verdict
    assert "No group was large enough to be judged on every limit." in verdict
    tally = tally_of(findings_of(Reading(none)))
    assert (tally.within, tally.within + tally.cannot_tell) == (2, tally.total)
    assert f"2 within the limit of {tally.total} comparisons with a limit" in verdict
    assert f"{tally.cannot_tell} cannot tell of {tally.total} comparisons with a limit" in verdict


@pytest.mark.parametrize(
    ("because", "says", "never"),
    [
        ("unscored_cases", "but cases without a decision could change that.", "too few cases"),
        ("limit_cannot_be_exceeded", "but at the rate of everyone else no group could be beyond the limit.", "too few"),
        ("limit_not_excluded", "but the cases of some groups point neither way.", "too few cases"),
        ("too_few_cases", "but there are too few cases to say that none is.", "without a decision"),
    ],
)
def test_an_undecided_audit_says_why(because: str, says: str, never: str, passing: AuditResult) -> None:
    undecided = {"outcome": "inconclusive", "because": because, "cases_needed": None}
    why = "coverage_too_small" if because == "too_few_cases" else "group_undecided"
    result = made({WOMEN: undecided}, {}, passing, rule={"because": why})
    verdict = shown(result)
    assert says in verdict
    assert never not in verdict
    html = HtmlReporter().render(result)
    assert ("decide the cases without a decision first" in html) == (because == "unscored_cases")
    as_they_are = "no number of further cases like those seen would decide it" in html
    assert as_they_are == (because in ("limit_not_excluded", "too_few_cases"))


def test_every_reason_has_its_words_and_its_place_in_the_tables() -> None:
    writer = Writer(Report(sample_result(replace(PASSING, rows=400)), ENGLISH))
    for because in get_args(Because):
        assert writer.because(because, "true_positive_rate")
        assert because in RANKS


def test_victims_without_a_decision_are_told(failing: AuditResult) -> None:
    unscored = next(counts.unscored_positive for counts in failing.counts if not counts.group.root)
    assert unscored > 0
    assert f"victims who got a decision; {unscored:,} got none." in shown(failing, "affected")


def test_the_level_of_the_intervals_is_that_of_the_plan(passing: AuditResult) -> None:
    html = HtmlReporter().render(made({}, {}, passing, verdict={"level": 0.9}))
    assert "90 times in 100" in html
    assert "95 times in 100" not in html


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0"), (0.2, "1"), (99.0, "99"), (100.2, "110"), (120.0000000002, "120"), (1_001.0, "1,100")],
)
def test_an_upper_bound_is_rounded_up(value: float, written: str) -> None:
    assert Numbers().up_to(value) == written


def test_a_country_its_region_and_the_women_of_it_are_counted_once(passing: AuditResult) -> None:
    """They are one another's people: their sum would tell of up to three times as many."""
    africa = (("nationality", "m49-region", "002"),)
    western = (("nationality", "m49-subregion", "011"),)
    women_of_nigeria = (("gender", "level", "woman"), *NIGERIA)
    counts: dict[tuple[tuple[str, str, str], ...], tuple[int, int]] = {
        (): (16_000, 20_000),
        africa: (1_300, 2_000),
        western: (650, 1_100),
        NIGERIA: (500, 1_000),
    }
    result = made(dict.fromkeys((africa, western, NIGERIA), FAIL_LOW), counts, passing)
    failing = Reading(result).with_outcome("fail")
    assert {finding.group.root for finding in failing} == {africa, western, NIGERIA}
    most = max(finding.apart for finding in failing)
    assert people_beyond(failing, result.features) == pytest.approx(most)
    alone = [finding for finding in failing if finding.group.root == NIGERIA]
    woman = replace(alone[0], group=Group(tuple(Level(*level) for level in women_of_nigeria)))
    assert people_beyond([*failing, woman], result.features) == pytest.approx(most)


def test_groups_inside_of_one_count_together_where_that_is_more(passing: AuditResult) -> None:
    africa = (("nationality", "m49-region", "002"),)
    ghana = (("nationality", "country", "GHA"),)
    counts: dict[tuple[tuple[str, str, str], ...], tuple[int, int]] = {
        (): (16_000, 20_000),
        africa: (1_400, 2_000),
        NIGERIA: (300, 600),
        ghana: (300, 600),
    }
    result = made(dict.fromkeys((africa, NIGERIA, ghana), FAIL_LOW), counts, passing)
    failing = Reading(result).with_outcome("fail")
    inside = sum(finding.apart for finding in failing if finding.group.root != africa)
    assert people_beyond(failing, result.features) == pytest.approx(inside)
