"""The way on from a finding: by when the operator is asked to answer, and commands for the auditor."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest
from cli.test_commands import invoke
from made.formats import text_of
from made.pages import find_all, parsed, section, text
from made.releases import made_release
from made.remedies import cases, write
from made.results import failing_result, passing_result

from audit.cli.console.terminal import Style
from audit.cli.pages.summary import summary
from audit.disclosure.read import parse_release
from audit.errors import PlanError, ResultError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import canonical_plan_sha256, parse_plan
from audit.public.release import PublicRelease, public_json
from audit.remedies.next_plan import as_toml
from audit.result.audit_result import AuditResult
from audit.result.finding_list import findings_of
from audit.result.json_text import result_to_json
from audit.result.next_commands import BESIDE_THE_RESULT, commands_for
from audit.result.reading import Reading
from audit.scoring.provenance import scoring_identity
from audit.verdicts.changes.acceptance import check_plans, permitted_differences
from audit.vocabulary.text import LANGUAGES
from reports.html import HtmlReporter
from reports.languages import language
from reports.public.html.document import html_file

PLAN = (Path(__file__).parents[1] / "plan" / "small_plan.toml").read_text(encoding="utf-8")
DAY, BEFORE = "2099-01-31", "1999-01-31"


def plan_with(day: str) -> AuditPlan:
    return parse_plan(PLAN.replace("[audit]\n", f"[audit]\n{day}\n", 1), name="plan.toml", folder=Path()).plan


def with_day(result: AuditResult, day: str | None) -> AuditResult:
    audit = result.plan.audit.model_copy(update={"respond_by": day})
    return result.model_copy(update={"plan": result.plan.model_copy(update={"audit": audit})})


def released(kind: str, day: str | None) -> PublicRelease:
    release = made_release(kind)
    return release.model_copy(update={"about": release.about.model_copy(update={"respond_by": day})})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('respond_by = "31.1.2099"', "audit.respond_by: no day; write it as YYYY-MM-DD"),
        ('respond_by = "2099-02-30"', "audit.respond_by: no day; write it as YYYY-MM-DD"),
        ("respond_by = 2099-01-31", "audit.respond_by is a date or time; nothing in a plan is — put it in quotes"),
        ('respond_bye = "2099-01-31"', "audit.respond_bye is not a key of a plan — did you mean respond_by?"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(written: str, said: str) -> None:
    with pytest.raises(PlanError) as error:
        plan_with(written)
    assert said in str(error.value)
    assert str(error.value).startswith("plan.toml, line ")
    assert "\n" not in str(error.value)


def test_it_changes_no_digest_no_question_and_nothing_that_scoring_depends_on() -> None:
    without, early, late = plan_with(""), plan_with(f'respond_by = "{BEFORE}"'), plan_with(f'respond_by = "{DAY}"')
    assert late.audit.respond_by == DAY
    assert len({canonical_plan_sha256(plan) for plan in (without, early, late)}) == 1
    assert scoring_identity(without) == scoring_identity(late)
    check_plans(early, late)
    then = with_day(failing_result(), BEFORE)
    assert permitted_differences(then, with_day(then, DAY).plan, then.provenance.detector_sha256) == ()


def test_results_and_releases_of_before_have_no_day() -> None:
    result = json.loads(result_to_json(failing_result()))
    for plan in (result["plan"], result["plan_as_asked"]):
        plan["audit"].pop("respond_by", None)
    assert AuditResult.model_validate(result).plan.audit.respond_by is None
    assert "respond_by" not in public_json(released("fail", None))
    release = released("fail", DAY)
    assert parse_release(public_json(release).encode()) == release
    with pytest.raises(ResultError, match="a date is none"):
        parse_release(public_json(released("fail", "soon")).encode())


@pytest.mark.parametrize("code", LANGUAGES)
def test_it_stands_on_screen_one_of_both_pages(code: str) -> None:
    day = " ".join(language(code).date(DAY).split())
    for kind in ("fail", "inconclusive"):
        assert day in text(section(parsed(html_file(released(kind, DAY), [language(code)])), "verdict"))
    assert day in text(section(parsed(HtmlReporter().render(with_day(failing_result(), DAY), [code])), "verdict"))


def test_it_stands_where_a_pipeline_and_a_terminal_say_what_is_next_and_not_beside_a_pass() -> None:
    style = Style(colour=False, unicode=True)
    assert DAY in summary(with_day(failing_result(), DAY), style)
    assert DAY not in summary(with_day(passing_result(), DAY), style)
    assert "by 31 January 2099" in text_of("summary.md", released("fail", DAY))
    assert "31 January 2099" not in html_file(released("pass", DAY))


def test_a_day_before_the_end_of_the_audit_is_said_to_have_passed() -> None:
    screen = text(section(parsed(html_file(released("fail", BEFORE))), "verdict"))
    assert "31 January 1999, before this audit ended" in screen
    facts = text(parsed(html_file(released("fail", None))))
    assert "by when the operator is asked to answer" in facts


def test_the_terminal_and_the_restricted_page_end_with_commands_that_run_as_they_stand_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audits = tmp_path / "two audits"
    audits.mkdir()
    (audits / "plan.toml").write_text(as_toml(write(audits, cases())), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    run = ("run", "two audits/plan.toml", "--no-crosscheck", "--restricted", "--report", "html", "--out")
    code, out, err = invoke(*run, "two audits/out")
    assert code == 1, err
    of_terminal = [line.strip() for line in out.splitlines() if line.startswith("        audit7k ")]
    page = section(parsed((audits / "out" / "report.html").read_text(encoding="utf-8")), "verdict")
    of_page = [text(code) for code in find_all(page, "code")]
    for commands, folder in ((of_terminal, tmp_path), (of_page, audits / "out")):
        assert [command.split()[1] for command in commands] == ["cases", "remedy", "run"]
        monkeypatch.chdir(folder)
        for command in commands:
            code, _, err = invoke(*shlex.split(command)[1:])
            assert code in {0, 1, 3}, f"{command}: {err}"
        assert Path("cases.csv").read_text(encoding="utf-8").count("\n") > 100
        assert (audits / "audit-next" / "result.json").is_file()
        shutil.rmtree(audits / "audit-next")


def test_no_command_is_shown_that_could_not_run() -> None:
    failing = failing_result()
    (first, *_) = commands_of(failing)
    assert first.startswith("audit7k cases result.json --group ")
    assert commands_of(passing_result()) == ()
    in_memory = failing.provenance.model_copy(update={"evaluation_set_sha256": None})
    assert commands_of(failing.model_copy(update={"provenance": in_memory})) == ()
    assert not list(find_all(section(parsed(HtmlReporter().render(passing_result())), "verdict"), "code"))


def commands_of(result: AuditResult) -> tuple[str, ...]:
    return commands_for(result, findings_of(Reading(result)), BESIDE_THE_RESULT)
