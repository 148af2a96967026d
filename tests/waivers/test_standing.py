"""What waivers come to: no verdict changes, and what is left decides."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.hostile import filled
from made.results import failing_result, passing_result, undecided_result

from audit.cli.pages.summary_lines import Waived
from audit.errors import ResultError
from audit.result.audit_result import AuditResult, Waiver
from audit.result.file import parse_result
from audit.result.findings.judged import RuleResult, Verdict
from audit.result.findings.swaps import ProbeRuleResult
from audit.result.json_text import result_to_json
from audit.result.waivers import has_expired, waivers_by_finding, waivers_on_day
from audit.verdicts.outcomes import narrow_to_rules, outcome_left

DAY, BEFORE, AFTER = "2026-11-26", "2026-11-25", "2027-01-31"


@cache
def failing() -> AuditResult:
    return failing_result().model_copy(update={"waivers": ()})


def fails_of(result: AuditResult) -> list[Verdict]:
    return [verdict for verdict in result.verdicts if verdict.outcome == "fail"]


def waiver(verdict: Verdict, expires: str = AFTER) -> Waiver:
    return Waiver(rule=verdict.rule, group=verdict.group, who="The owner", why="Being corrected", expires=expires)


def waived(result: AuditResult, *waivers: Waiver) -> AuditResult:
    return result.model_copy(update={"waivers": waivers})


def decided(result: AuditResult) -> AuditResult:
    """The same with nothing left open beside what fails: its rules would pass without it."""
    verdicts = tuple(
        each if each.outcome == "fail" else each.model_copy(update={"outcome": "pass", "because": "within_limit"})
        for each in result.verdicts
    )
    families = {
        rule.rule: tuple(family.model_copy(update={"unnamed_beyond": False}) for family in rule.families)
        for rule in result.rules
    }
    failing_rules = {each.rule for each in fails_of(result)}
    rules = tuple(
        rule.model_copy(
            update={
                "coverage": 1.0,
                "missing_expected": (),
                "families": families[rule.rule],
                "outcome": "fail" if rule.rule in failing_rules else "pass",
            }
        )
        for rule in result.rules
    )
    return result.model_copy(update={"verdicts": verdicts, "rules": rules})


def test_the_last_day_counts() -> None:
    one = waiver(fails_of(failing())[0], DAY)
    assert not has_expired(one, DAY)
    assert has_expired(one, "2026-11-27")
    assert not has_expired(one, BEFORE)


def test_a_fail_is_set_aside_only_where_every_finding_of_it_is_waived() -> None:
    result = decided(failing())
    found = fails_of(result)
    assert len(found) > 1
    assert outcome_left(result, DAY) == "fail"
    for left_out in range(len(found)):
        some = waived(result, *(waiver(each) for place, each in enumerate(found) if place != left_out))
        assert outcome_left(some, DAY) == "fail"
    everything = waived(result, *map(waiver, found))
    assert outcome_left(everything, DAY) == "pass"
    assert [held.state for held in waivers_on_day(everything, DAY)] == ["in_force"] * len(found)


@pytest.mark.parametrize("open_question", ["undecided", "coverage", "missing", "other_rule"])
def test_what_is_left_open_is_inconclusive(open_question: str) -> None:
    result = decided(failing())
    found = fails_of(result)
    update: dict[str, object] = {}
    (rule, *others) = result.rules
    assert rule.outcome == "fail"
    if open_question == "undecided":
        other = next(each for each in result.verdicts if each.rule == rule.rule and each.outcome == "pass")
        changed = other.model_copy(update={"outcome": "inconclusive", "decidable": True})
        update["verdicts"] = tuple(changed if each is other else each for each in result.verdicts)
    elif open_question == "coverage":
        update["rules"] = (rule.model_copy(update={"coverage": 0.1}), *others)
    elif open_question == "missing":
        update["rules"] = (rule.model_copy(update={"missing_expected": (found[0].group,)}), *others)
    else:
        extra = rule.model_copy(update={"rule": "another", "outcome": "inconclusive"})
        update["rules"] = (rule, *others, extra)
    left = waived(result.model_copy(update=update), *map(waiver, found))
    assert outcome_left(left, DAY) == "inconclusive"


def test_a_fail_without_a_name_cannot_be_waived() -> None:
    result = decided(failing())
    found = fails_of(result)
    rule = result.rules[0]
    named = {each.group.family for each in found if each.rule == rule.rule}
    unnamed = next(place for place, family in enumerate(rule.families) if family.family not in named)
    named_too = next(place for place, family in enumerate(rule.families) if family.family in named)
    many = sum(each.group.family == rule.families[named_too].family for each in found if each.rule == rule.rule)
    for place, at_least, outcome in (
        (unnamed, 1, "fail"),
        (named_too, many, "pass"),
        # more are beyond the limit than are named and waived
        (named_too, many + 1, "fail"),
    ):
        families = tuple(
            family.model_copy(update={"unnamed_beyond": at == place, "unnamed_at_least": at_least * (at == place)})
            for at, family in enumerate(rule.families)
        )
        rules = (rule.model_copy(update={"families": families}), *result.rules[1:])
        left = waived(result.model_copy(update={"rules": rules}), *map(waiver, found))
        assert outcome_left(left, DAY) == outcome


def test_a_fail_on_probes_cannot_be_waived() -> None:
    result = decided(failing())
    probe = filled(ProbeRuleResult, "swaps").model_copy(update={"outcome": "fail"})
    left = waived(result.model_copy(update={"probe_rules": (probe,)}), *map(waiver, fails_of(result)))
    assert outcome_left(left, DAY) == "fail"
    assert outcome_left(narrow_to_rules(left, [rule.rule for rule in left.rules]), DAY) == "pass"
    assert narrow_to_rules(left, ["swaps"]).overall.outcome == "fail"
    assert narrow_to_rules(left, ["swaps"]).waivers == ()


@pytest.mark.parametrize("make", [passing_result, undecided_result, failing_result])
def test_an_expired_waiver_fails_even_where_its_finding_is_gone(make: object) -> None:
    assert callable(make)
    result: AuditResult = make()
    gone = next(verdict for verdict in result.verdicts if verdict.outcome != "fail")
    made = waived(result, waiver(gone, BEFORE))
    assert outcome_left(made, DAY) == "fail"
    assert [(held.state, held.fails) for held in waivers_on_day(made, DAY)] == [("expired", False)]


def test_an_unused_waiver_does_nothing() -> None:
    result = passing_result()
    made = waived(result, waiver(result.verdicts[0]))
    assert outcome_left(made, DAY) == "pass"
    assert [held.state for held in waivers_on_day(made, DAY)] == ["unused"]


@given(st.data())
def test_waivers_never_turn_what_is_open_into_a_pass_and_never_change_a_verdict(data: st.DataObject) -> None:
    result = failing()
    found = fails_of(result)
    others = [verdict for verdict in result.verdicts if verdict.outcome != "fail"][:4]
    chosen = data.draw(st.lists(st.sampled_from([*found, *others]), unique_by=id, max_size=len(found) + 4))
    days = data.draw(st.lists(st.sampled_from([BEFORE, DAY, AFTER]), min_size=len(chosen), max_size=len(chosen)))
    made = waived(result, *map(waiver, chosen, days))
    outcome = outcome_left(made, DAY)
    assert (made.overall, made.rules, made.verdicts) == (result.overall, result.rules, result.verdicts)
    covered = {(each.rule, each.group) for each, day in zip(chosen, days, strict=True) if day >= DAY}
    everything = {(each.rule, each.group) for each in found} <= covered
    if BEFORE in days or not everything:
        assert outcome == "fail"
    else:
        assert outcome in ("pass", "inconclusive")
        assert (outcome == "inconclusive") == any(_is_open(rule, result) for rule in result.rules)
    assert set(waivers_by_finding(made)) == {(e.rule, e.group) for e in chosen} & {(e.rule, e.group) for e in found}


def _is_open(rule: RuleResult, result: AuditResult) -> bool:
    """Whether a rule would be undecided if what fails were not there, worked out in another way."""
    judged = [each for each in result.verdicts if each.rule == rule.rule and each.decidable]
    outcomes = {each.outcome for each in judged} - {"fail"}
    return not judged or outcomes - {"pass"} != set() or (rule.coverage or 0.0) < rule.min_coverage


@pytest.mark.parametrize("wrong", ["rule", "twice", "day", "everyone"])
def test_a_result_whose_waivers_were_changed_is_refused(wrong: str) -> None:
    result = passing_result()
    one = waiver(result.verdicts[0])
    changed = {
        "rule": (one.model_copy(update={"rule": "none"}),),
        "twice": (one, one),
        "day": (one.model_copy(update={"expires": "zzzz"}),),
        "everyone": (one.model_copy(update={"group": type(one.group)(())}),),
    }
    parse_result(result_to_json(waived(result, one)))
    with pytest.raises(ResultError, match="waivers"):
        parse_result(result_to_json(waived(result, *changed[wrong])))


@pytest.mark.parametrize(("rungs", "shown"), [(1, "0 of 1 findings"), (2, "1 of 1 findings until")])
def test_people_of_one_code_on_two_rungs_are_one_finding_waived_on_both(rungs: int, shown: str) -> None:
    """The summary counts people, and the same people fail here twice: waived on one rung, a gate goes on failing."""
    result = failing()
    (rule, *_), unknown = result.rules, frozenset({("nationality", "unknown")})
    both = [each for each in result.verdicts if each.rule == rule.rule and each.group.people == unknown][:2]
    verdicts = tuple(
        each.model_copy(
            update={"outcome": "fail", "because": "beyond_limit"}
            if each in both
            else {"outcome": "pass", "because": "within_limit"}
        )
        for each in result.verdicts
    )
    made = decided(waived(result.model_copy(update={"verdicts": verdicts}), *map(waiver, both[:rungs])))
    assert outcome_left(made, DAY) == ("pass" if rungs == 2 else "fail")
    (line,) = Waived(made).line()
    assert shown in line


def with_warning(result: AuditResult, *rules: str) -> AuditResult:
    every = tuple(
        rule.model_copy(update={"on_fail": "warn"}) if named.id in rules else rule
        for rule, named in zip(result.plan.every_rule, result.plan.named_rules, strict=True)
    )
    return result.model_copy(update={"plan": result.plan.model_copy(update={"every_rule": every})})


def test_a_rule_that_only_warns_is_set_aside_and_nothing_left_is_no_pass() -> None:
    result = decided(failing()).model_copy(update={"change": None, "probe_rules": ()})
    first, *others = result.rules
    assert others
    assert outcome_left(result, DAY) == "fail"
    for outcome in ("pass", "inconclusive", "fail"):
        rules = (first, *(rule.model_copy(update={"outcome": outcome}) for rule in others))
        warned = with_warning(result.model_copy(update={"rules": rules}), first.rule)
        assert warned.plan.warning_rules == {first.rule}
        assert first.outcome == "fail"
        assert outcome_left(warned, DAY) == outcome
    alone = with_warning(result, first.rule)
    assert outcome_left(narrow_to_rules(alone, [first.rule]), DAY) == "inconclusive"
    expired = waiver(fails_of(result)[0], BEFORE)
    assert outcome_left(waived(alone, expired), DAY) == "fail"
