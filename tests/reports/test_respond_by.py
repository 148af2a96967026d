"""A day by which the operator is asked to answer: where it stands, when it does not, and what it never changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made.formats import text_of
from made.pages import parsed, section, text
from made.releases import made_release
from made.results import failing_result, passing_result

from audit.cli.console.terminal import Style
from audit.cli.pages.summary import summary
from audit.disclosure.read import parse_release
from audit.errors import PlanError, ResultError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import canonical_plan_sha256, parse_plan
from audit.public.release import PublicRelease, public_json
from audit.result.audit_result import AuditResult
from audit.result.json_text import result_to_json
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


def test_the_restricted_page_has_the_whole_commands_of_its_first_finding() -> None:
    page = HtmlReporter().render(failing_result())
    screen = text(section(parsed(page), "verdict"))
    assert "audit7k cases result.json --group " in screen
    assert "audit7k compare EARLIER result.json" in screen
    assert "audit7k cases" not in text(section(parsed(HtmlReporter().render(passing_result())), "verdict"))
