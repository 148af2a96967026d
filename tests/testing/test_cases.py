"""What tests are made of: releases and results as cases, each said once and in order; one audit for many workers."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from made.public import made, sizes_alone
from made.published import PLAN, write_set

from audit.cli.testing import AuditCase, AuditVerdict
from audit.cli.testing.audit_of_plan import NotJudgedError, PlanRequest, judge_plan_once
from audit.cli.testing.cases import CaseOutcome, JudgedPlan, OnInconclusive, with_names_apart
from audit.cli.testing.exact_cases import exact_cases
from audit.cli.testing.log_lines import summary_lines
from audit.cli.testing.public_cases import public_cases
from audit.cli.testing.waived_cases import public_waivers_by_case, waivers_by_case, with_waivers
from audit.public.figures import each_people_once, state_of, whole_per_cent
from audit.public.sentences import NO_WORDS, SENTENCES
from audit.public.table import PublicWaiver, group_key, why_no_rates
from audit.result.audit_result import AuditResult
from audit.run import run_audit
from audit.verdicts.narrowed import outcome_without_waived

KINDS = ("small", "tiny", "unnamed", "undecided", "passing", "refused")
OUTCOMES = {"below": "fail", "meets": "pass", "cannot_tell": "inconclusive", "not_shown": "not_shown"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_word_of_a_release_is_a_case_and_the_verdict_is_that_of_the_headline(kind: str) -> None:
    release = made(kind)
    cases = public_cases(release)
    assert len({case.name for case in cases}) == len(cases)
    assert (cases[0].name, cases[0].outcome) == ("VERDICT", release.headline.outcome)
    of_groups = [case.outcome for case in cases if case.group is not None]
    words = [] if kind == "refused" else each_people_once(release.words)
    assert of_groups == [OUTCOMES[state_of(word)] for word in words]
    of_rules = {case.rule: case.outcome for case in cases if case.group is None and case.rule is not None}
    assert list(of_rules) == [rule.rule for rule in release.rules]
    for rule, outcome in of_rules.items():
        shown = {word.word for word in release.words if word.rule == rule and kind != "refused"}
        if release.headline.outcome == "pass":
            assert outcome == "pass"
        else:
            assert outcome == ("fail" if "below" in shown else "inconclusive")


@pytest.mark.parametrize("kind", KINDS)
def test_the_cases_of_a_release_hold_no_number_but_those_of_its_rows(kind: str) -> None:
    """Shares stand in the release; a bare count of people stands nowhere."""
    release = made(kind)
    rates = {}
    for rate in release.rates:
        shares = (rate.value, rate.low, rate.high)
        rates[rate.metric, group_key(rate.group)] = {whole_per_cent(share) for share in shares if share is not None}
    words = [] if kind == "refused" else each_people_once(release.words)
    keys = [(word.rule, group_key(word.group)) for word in words]
    for case, key in zip([case for case in public_cases(release) if case.group is not None], keys, strict=True):
        found = {int(share) for share in re.findall(r"(\d+)%", case.text)}
        assert found <= rates[key], case  # type: ignore[index]
        assert " of " not in case.text.partition("found")[2]


def test_where_nobody_can_be_named_the_verdict_says_so() -> None:
    unnamed = public_cases(made("unnamed"))
    assert unnamed[0].outcome == "fail"
    assert SENTENCES["no_group_named"] in unnamed[0].text
    assert "fail" not in {case.outcome for case in unnamed[1:]}
    assert SENTENCES["figures_refused"] in public_cases(made("refused"))[0].text


@pytest.mark.parametrize("flags", ["weighted", "clustered", "weighted clustered once"])
def test_sizes_without_words_are_not_called_coarse_and_not_counted(flags: str) -> None:
    release = sizes_alone("fail", *flags.split())
    verdict, *rules = public_cases(release)
    assert SENTENCES["no_group_named"] not in verdict.text
    assert all(SENTENCES[name] in " ".join(verdict.text.split()) for name in why_no_rates(release))
    passing = public_cases(sizes_alone("pass", *flags.split()))[1:]
    assert [case.rule for case in rules] == [case.rule for case in passing] == [rule.rule for rule in release.rules]
    for case in (*rules, *passing):
        assert NO_WORDS in case.text
        assert "beyond the limit" not in case.text


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
    result = run_audit(write_set(tmp_path), crosscheck=False, details=False)
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
    """One that has lost its key is noticed before anything is scored: that is how it shows which was looked at."""
    folders = {"named": "named", "plan": "beside", "default": "audit-out/restricted"}
    (tmp_path / folders[where]).mkdir(parents=True)
    (tmp_path / folders[where] / "parameters.json").write_text("{}", encoding="utf-8")
    plan = write_set(tmp_path, PLAN if where == "default" else PLAN + '[disclosure]\nfolder = "beside"\n')
    (tmp_path / "cases.csv").unlink()
    with pytest.raises(NotJudgedError, match=r"^plan\.toml: the key of the restricted folder is missing"):
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
    return run_audit(plan, crosscheck=False, details=False)


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
    left = outcome_without_waived(result, TODAY)
    assert cases["VERDICT"].outcome == {"pass": "waived"}.get(left, left)
    assert "FAILS; what fails is waived" in cases["VERDICT"].text


def test_a_waiver_that_has_expired_fails_and_says_so(tmp_path: Path) -> None:
    cases = cases_of(with_waived(tmp_path, 'gender = "woman", site = "south"', expires="2026-11-25"))
    assert cases["VERDICT"].outcome == "fail"
    group = cases["true_positive_rate[gender=woman,site=south]"]
    assert group.outcome == "fail"
    assert "waiver by The owner expired on 2026-11-25" in group.text


def test_a_release_waives_by_name_only_what_it_names() -> None:
    release = made("small")
    below = [word for word in release.words if word.word == "below"]
    assert below
    named = PublicWaiver(rule=below[0].rule, group=below[0].group, who="W", why="Y", expires="2099-12-31")
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
    shown += [case("s", "not_shown"), case("t", "not_shown")]
    lines = summary_lines(
        JudgedPlan((whole, *shown, case("r", "inconclusive", group=None)), ("p.toml: audited",), "p.toml")
    )
    assert lines == [
        "p.toml: audited",
        "p.toml: VERDICT: the audit is INCONCLUSIVE; found silence is no pass",
        *(f"p.toml: waived: w{n} FAILS, waived by W until D: Y" for n in range(10)),
        "p.toml: waived: 2 more (pytest -rs names them)",
        f"p.toml: cannot tell of 13 (pytest -rs says why): {'; '.join(f'i{n}' for n in range(10))} and 3 more",
        "p.toml: not shown 2 (pytest -rs says why): s; t",
        "p.toml: not tested 1 (pytest -rs says why): n",
    ]
    assert summary_lines(JudgedPlan((case("p", "pass"),), ("p.toml: audited",), "p.toml")) == ["p.toml: audited"]
