"""What people decided, forms and first places: in every report of exact counts; of the public ones a state alone."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from made.people import BY_CLASS, BY_SCORE, FORMS, OFFICER, made_audit, made_cases
from made.published import keep_key

from audit.cli.console.terminal import Style
from audit.cli.pages.summary import summary
from audit.disclosure.publish import publish
from audit.from_python import run_audit
from audit.notebook import NotebookResult
from audit.safeguards.public import public_safeguards


@cache
def by_people() -> NotebookResult:
    asked = {"decisions": OFFICER, "exposure": {"first": [50, 100]}}
    return run_audit(made_audit(BY_SCORE, **asked), made_cases(), crosscheck=False)


@cache
def by_form() -> NotebookResult:
    return run_audit(made_audit(BY_CLASS, forms={"named": list(FORMS)}), made_cases(), crosscheck=False)


def page(result: NotebookResult, lang: str = "en") -> str:
    return str(result.report("html", restricted=True, lang=lang).content)


def test_the_page_says_it_in_its_first_sentence_and_shows_groups_overrides_and_gaps() -> None:
    text = page(by_people())
    first, rest = text.split('id="people"', 1)
    assert "What people decided after the system exceeds the limit." in first
    assert "the verdict of this report is about the system’s flag" in rest
    assert "Where people did not follow it" in rest
    assert "widen it" in rest
    assert "never count as agreement" in rest
    assert "No verdict: the limits of the plan are about the system’s own cut." in rest
    assert 'id="forms"' not in text
    assert "The plan names no forms to judge one by one" in text


def test_other_gaps_are_spoken_of_only_where_there_are_others() -> None:
    left, result = "They leave the others as they are, or the cases do not say.", by_people()
    after = result.further.after_detector
    assert after is not None
    assert {gap.outcome for gap in after.gaps} > {"adds"}
    assert left in page(result)
    widened = after.model_copy(update={"gaps": tuple(gap for gap in after.gaps if gap.outcome == "adds")})
    further = result.further.model_copy(update={"after_detector": widened})
    text = page(result.model_copy(update={"further": further}))
    assert "people clearly widen" in text
    assert left not in text


def test_forms_stand_on_the_page_each_with_its_limits() -> None:
    _, rest = page(by_form()).split('id="forms"', 1)
    assert all(f"{form}: Found: " in rest for form in FORMS)


@pytest.mark.parametrize("lang", ["fr", "es", "ar", "ru", "zh"])
def test_no_english_is_left_in_another_language(lang: str) -> None:
    text = page(by_people(), lang)
    for english in ("What people decided", "widen it", "Among", "No verdict", "Who is among the first"):
        assert english not in text


def test_a_pipeline_sees_their_fails_and_stops_for_none() -> None:
    root = ET.fromstring(str(by_people().report("junit", restricted=True).content))
    suites = {suite.get("name"): suite for suite in root}
    beside = suites["people's decisions: true_positive_rate"]
    assert beside.get("failures") == "0"
    messages = [skipped.get("message", "") for skipped in beside.iter("skipped")]
    assert any(message.startswith("fails, and only warns") for message in messages)
    sarif = json.loads(str(by_people().report("sarif", restricted=True).content))
    levels = {one["ruleId"]: one["level"] for one in sarif["runs"][0]["results"]}
    assert levels["people's decisions: true_positive_rate"] == "warning"


def test_the_terminal_has_a_line_for_each() -> None:
    assert "People after it: FAIL, beside the verdict above and no part of it" in summary(by_people(), Style())
    assert "Form by form, no part of the verdict: " in summary(by_form(), Style())


def test_the_safeguard_is_measured_and_the_public_reads_its_state_alone() -> None:
    (exact,) = (one for one in by_people().safeguards if one.key == "review")
    assert exact.state == "measured"
    after = by_people().further.after_detector
    assert after is not None
    assert f"{after.overrides[0].decided:,} flags that people decided on" in exact.evidence
    (public,) = (one for one in public_safeguards(by_people()) if one.key == "review")
    assert public.state == "measured"
    assert not any(character.isdigit() for character in public.evidence)
    (not_asked,) = (one for one in public_safeguards(by_form()) if one.key == "review")
    assert not_asked.state == "not_shown"


def test_public_rows_are_those_of_an_audit_that_does_not_ask(tmp_path: Path) -> None:
    made = {}
    for name, result in (
        ("asked", by_people()),
        ("plain", run_audit(made_audit(BY_SCORE), made_cases(), crosscheck=False)),
    ):
        (tmp_path / name).mkdir()
        keep_key(tmp_path / name / "restricted")
        made[name] = publish(result, tmp_path / name / "restricted", lambda files: None, ("html", "csv"), ("en",))
    assert made["asked"].public.rows == made["plain"].public.rows
    asked = b"".join(made["asked"].files.values())
    for word in (b"second_verdicts", b"officer", b"exposure", b"dismissed", b"widen"):
        assert word not in asked
