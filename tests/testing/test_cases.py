"""What tests are made of: releases and results as cases, each said once and in order; one audit for many workers."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from made.formats import in_states
from made.published import PLAN, write_set
from made.releases import made_release

from audit.cli.testing import AuditCase, AuditVerdict
from audit.cli.testing.audit_of_plan import NotJudgedError, PlanRequest, judge_plan_once
from audit.cli.testing.cases import CaseOutcome, JudgedPlan, OnInconclusive, with_names_apart
from audit.cli.testing.exact_cases import exact_cases
from audit.cli.testing.log_lines import summary_lines
from audit.cli.testing.public_cases import public_cases, row_label
from audit.cli.testing.waived_cases import public_waivers_by_case, waivers_by_case, with_waivers
from audit.disclosure.publish import publish
from audit.public.cases import OUTCOMES, PublicCases
from audit.public.figures import state_of
from audit.public.release import PublicWaiver
from audit.public.sentences import SENTENCES
from audit.result.audit_result import AuditResult
from audit.run import run_audit
from audit.stages import Scope
from audit.verdicts.outcomes import outcome_left

KINDS = ("fail", "pass", "inconclusive", "none", "good")
FINEST = {"gender": "level", "nationality": "country"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_that_a_rule_judges_is_a_case_and_verdicts_are_the_exact_ones(kind: str) -> None:
    release = made_release(kind)
    cases = public_cases(release)
    assert len({case.name for case in cases}) == len(cases)
    assert (cases[0].name, cases[0].outcome) == ("VERDICT", release.headline.outcome)
    of_rules = [case.outcome for case in cases if case.rule and case.group is None]
    assert of_rules == [rule.outcome for rule in release.rules]
    words = {(word.rule, row_label(row, FINEST)): state_of(word) for row in release.rows for word in row.words}
    listed = {(str(case.rule), case.group): case.outcome for case in cases if case.group is not None}
    assert set(listed) <= set(words)
    assert all(state == "not_judged" for key, state in words.items() if key not in listed)
    assert all(outcome == OUTCOMES[words[rule, str(label)]] for (rule, label), outcome in listed.items())


def test_where_no_row_can_say_who_fails_the_verdict_says_so() -> None:
    made = in_states(made_release("fail"), lambda: "cannot_tell")
    headline = made.headline.model_copy(update={"outcome": "fail", "fails_on": ("groups",), "no_group_named": True})
    verdict, *others = public_cases(made.model_copy(update={"headline": headline}))
    assert verdict.outcome == "fail"
    assert SENTENCES["no_group_named"] in verdict.text
    assert "fail" not in {case.outcome for case in others}
    assert SENTENCES["figures_none"] in public_cases(made_release("none"))[0].text


def test_a_row_that_holds_a_smaller_group_beyond_the_limit_fails() -> None:
    made = in_states(made_release("inconclusive"), lambda: "smaller_beyond")
    rows = [case for case in public_cases(made) if case.group is not None]
    assert {case.outcome for case in rows} == {"fail"}
    assert all("a smaller group, which has no row of its own, is beyond the limit" in case.text for case in rows)


@pytest.mark.parametrize(
    ("outcome", "on_inconclusive", "shown"),
    [
        ("pass", "fail", ""),
        ("fail", "pass", "Failed: why"),
        ("inconclusive", "fail", "Failed: why"),
        ("inconclusive", "skip", "Skipped: why"),
        ("inconclusive", "pass", ""),
    ],
)
def test_only_a_project_makes_silence_a_pass_and_only_of_the_whole(
    outcome: str, on_inconclusive: OnInconclusive, shown: str
) -> None:
    case = AuditCase("VERDICT", None, None, outcome, "why")  # type: ignore[arg-type]
    assert ended(AuditVerdict(case, on_inconclusive)) == shown
    group = AuditCase("r[gender=woman]", "r", "gender=woman", outcome, "why")  # type: ignore[arg-type]
    expected = {"pass": "", "fail": "Failed: why", "inconclusive": "Skipped: why"}
    assert ended(AuditVerdict(group, on_inconclusive)) == expected[outcome]


def ended(verdict: AuditVerdict) -> str:
    try:
        verdict.check()
    except (pytest.fail.Exception, pytest.skip.Exception) as how:
        return f"{type(how).__name__}: {how}"
    return ""


def test_a_verdict_knows_whether_somebody_looked() -> None:
    verdict = AuditVerdict(AuditCase("VERDICT", None, None, "fail", ""))
    assert not verdict.was_read
    assert verdict.case.outcome == "fail"
    assert verdict.was_read


def test_names_that_are_alike_are_numbered() -> None:
    case = AuditCase("r[site=?]", "r", "site=?", "pass", "")
    assert [each.name for each in with_names_apart([case, case, case])] == [
        "r[site=?]",
        "r[site=?] (2)",
        "r[site=?] (3)",
    ]


def test_exact_cases_are_the_verdicts_of_the_result(tmp_path: Path) -> None:
    result = run_audit(write_set(tmp_path), crosscheck=False, scope=Scope.RECORDS)
    cases = exact_cases(result)
    assert (cases[0].outcome, cases[1].outcome) == (result.overall.outcome, result.rules[0].outcome)
    assert Counter(case.outcome for case in cases[2:]) == Counter(verdict.outcome for verdict in result.verdicts)
    (worst,) = [case for case in cases if case.group == "gender=woman,site=south"]
    assert "51 of 243" in worst.text


def test_the_first_worker_audits_for_all_of_them(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    plan = write_set(tmp_path)
    asked = PlanRequest(plan, tmp_path, exact=True)
    first = judge_plan_once(asked, shared)
    plan.unlink()
    assert judge_plan_once(asked, shared) == first
    with pytest.raises(NotJudgedError, match=r"^plan\.toml") as shown:
        judge_plan_once(PlanRequest(plan, tmp_path), shared)
    write_set(tmp_path, PLAN)
    with pytest.raises(NotJudgedError) as again:
        judge_plan_once(PlanRequest(plan, tmp_path), shared)
    assert str(again.value) == str(shown.value)


def test_a_worker_whose_predecessor_was_killed_where_there_are_no_locks_audits_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for ten minutes; here for a moment."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr("audit.cli.testing.audit_of_plan._LONG", 0.1)
    plan, shared = write_set(tmp_path, PLAN), tmp_path / "shared"
    shared.mkdir()
    asked = PlanRequest(plan, tmp_path, exact=True)
    alone = judge_plan_once(asked, None)
    (shared / f"{asked.key}.lock.held").touch()
    assert judge_plan_once(asked, shared) == alone
    (shared / f"{asked.key}.lock.held").unlink()
    assert judge_plan_once(asked, shared) == alone
    plan.unlink()
    assert judge_plan_once(asked, shared) == alone


@pytest.mark.parametrize("where", ["named", "plan", "default"])
def test_the_restricted_folder_is_the_one_named_or_the_plans_or_that_of_run(tmp_path: Path, where: str) -> None:
    """One that has lost its log is noticed before anything is scored: that is how it shows which was looked at."""
    folders = {"named": "named", "plan": "beside", "default": "audit-out/restricted"}
    (tmp_path / folders[where]).mkdir(parents=True)
    (tmp_path / folders[where] / "key").write_text("", encoding="utf-8")
    plan = write_set(tmp_path, PLAN if where == "default" else PLAN + '[disclosure]\nfolder = "beside"\n')
    (tmp_path / "cases.csv").unlink()
    with pytest.raises(NotJudgedError, match=r"^plan\.toml: counter.json of the restricted folder"):
        judge_plan_once(PlanRequest(plan, tmp_path, tmp_path / "named" if where == "named" else None), None)


def test_data_that_are_not_there_are_told_of_without_somebodys_folder(tmp_path: Path) -> None:
    plan = write_set(tmp_path, PLAN.replace("cases.csv", "none.csv"))
    with pytest.raises(NotJudgedError, match=r"^plan\.toml: .*none\.csv") as shown:
        judge_plan_once(PlanRequest(plan, tmp_path, exact=True), None)
    assert str(tmp_path) not in str(shown.value)


def test_an_error_that_nobody_foresaw_tells_its_name_alone(tmp_path: Path) -> None:
    asked = PlanRequest(write_set(tmp_path), tmp_path, restricted_folder=tmp_path / "no\0folder")
    with pytest.raises(
        NotJudgedError, match=r"^plan\.toml: internal error \(ValueError\); nothing was judged"
    ) as shown:
        judge_plan_once(asked, None)
    assert "null" not in str(shown.value)


WAIVERS = """
[[waivers]]
rule = "true_positive_rate"
group = {{ {group} }}
who = "The owner"
why = "Being corrected"
expires = {expires}
"""
TODAY = "2026-11-26"


def with_waived(folder: Path, *groups: str, expires: str = "2099-12-31") -> AuditResult:
    """The audit whose women at two sites are missed, with waivers of these groups."""
    plan = write_set(folder, f'{PLAN}[waivers]\nfile = "waivers.toml"\n')
    text = "".join(WAIVERS.format(group=group, expires=expires) for group in groups)
    (folder / "waivers.toml").write_text(text, encoding="utf-8")
    return run_audit(plan, crosscheck=False, scope=Scope.RECORDS)


def cases_of(result: AuditResult) -> dict[str, AuditCase]:
    cases = with_waivers(exact_cases(result), result, waivers_by_case(result), TODAY)
    return {case.name: case for case in cases}


def test_a_waived_finding_is_skipped_with_who_answers_for_it_and_the_rest_still_fails(tmp_path: Path) -> None:
    before = {case.name: case for case in exact_cases(with_waived(tmp_path, 'gender = "man"'))}
    failing = [name for name, case in before.items() if case.outcome == "fail" and case.group is not None]
    assert len(failing) > 1
    group = 'gender = "woman", site = "south"'
    cases = cases_of(with_waived(tmp_path, group))
    waived = cases["true_positive_rate[gender=woman,site=south]"]
    assert ended(AuditVerdict(waived)) == (
        "Skipped: true_positive_rate[gender=woman,site=south] FAILS, waived by The owner until 2099-12-31: "
        "Being corrected"
    )
    assert [name for name in failing if cases[name].outcome == "fail"] == [n for n in failing if n != waived.name]
    assert (cases["true_positive_rate"].outcome, cases["VERDICT"].outcome) == ("fail", "fail")


def test_the_verdict_is_what_is_left_as_for_a_gate(tmp_path: Path) -> None:
    result = with_waived(tmp_path, 'gender = "man"')
    groups = [
        ", ".join(f'{level.feature} = "{level.code}"' for level in verdict.group.levels)
        for verdict in result.verdicts
        if verdict.outcome == "fail"
    ]
    result = with_waived(tmp_path, *groups)
    cases = cases_of(result)
    assert "fail" not in {case.outcome for case in cases.values()}
    assert cases["true_positive_rate"].outcome == "waived"
    left = outcome_left(result, TODAY)
    assert cases["VERDICT"].outcome == {"pass": "waived"}.get(left, left)
    assert "FAILS; what fails is waived" in cases["VERDICT"].text


def test_a_waiver_that_has_expired_fails_and_says_so(tmp_path: Path) -> None:
    cases = cases_of(with_waived(tmp_path, 'gender = "woman", site = "south"', expires="2026-11-25"))
    assert cases["VERDICT"].outcome == "fail"
    group = cases["true_positive_rate[gender=woman,site=south]"]
    assert group.outcome == "fail"
    assert "waiver by The owner expired on 2026-11-25" in group.text


def test_a_row_that_holds_a_waived_group_without_naming_it_is_skipped_where_nothing_else_fails(tmp_path: Path) -> None:
    result = with_waived(tmp_path, 'gender = "woman"', 'gender = "woman", site = "south"')
    assert outcome_left(result, TODAY) != "fail"
    release = publish(result, tmp_path / "kept", lambda _: None, (), ("en",)).public
    plain = public_cases(release)
    (south,) = [case for case in plain if case.group == "site=south"]
    assert south.outcome == "fail"
    assert "a smaller group" in south.text
    cases = with_waivers(plain, result, public_waivers_by_case(release), TODAY)
    assert "fail" not in {case.outcome for case in cases}
    result = with_waived(tmp_path, 'gender = "woman"')
    assert [case.outcome for case in with_waivers(plain, result, {}, TODAY) if case.group == "site=south"] == ["fail"]


def test_a_release_waives_by_name_only_what_it_names() -> None:
    release = made_release("fail")
    beyond = PublicCases(release).failing[0]
    named = PublicWaiver(rule=beyond.rule.rule, group=beyond.row.group, who="W", why="Y", expires="2099-12-31")
    shown = public_waivers_by_case(
        release.model_copy(update={"waivers": (named, PublicWaiver(who="W", expires="2099-12-31"))})
    )
    cases = {(case.rule, case.group): case.outcome for case in public_cases(release)}
    assert len(shown) == 1
    assert [cases[key] for key in shown] == ["fail"]


def test_the_end_of_a_log_names_what_is_waived_and_what_is_undecided_but_not_without_end() -> None:
    def case(name: str, outcome: CaseOutcome, text: str = "why", group: str | None = "g") -> AuditCase:
        return AuditCase(name, "r", group, outcome, text)

    whole = AuditCase("VERDICT", None, None, "inconclusive", "the audit is INCONCLUSIVE\n  found  silence is no pass")
    waived = [case(f"w{n}", "waived", f"w{n} FAILS, waived by W until D: Y") for n in range(12)]
    shown = [
        *waived,
        *(case(f"i{n}", "inconclusive") for n in range(13)),
        case("n", "not_evaluable"),
        case("p", "pass"),
    ]
    lines = summary_lines(
        JudgedPlan((whole, *shown, case("r", "inconclusive", group=None)), ("p.toml: audited",), "p.toml")
    )
    assert lines == [
        "p.toml: audited",
        "p.toml: VERDICT: the audit is INCONCLUSIVE; found silence is no pass",
        *(f"p.toml: waived: w{n} FAILS, waived by W until D: Y" for n in range(10)),
        "p.toml: waived: 2 more (pytest -rs names them)",
        f"p.toml: cannot tell of 13 (pytest -rs says why): {'; '.join(f'i{n}' for n in range(10))} and 3 more",
        "p.toml: not tested 1 (pytest -rs says why): n",
    ]
    assert summary_lines(JudgedPlan((case("p", "pass"),), ("p.toml: audited",), "p.toml")) == ["p.toml: audited"]
