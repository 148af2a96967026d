"""What ends a history, and what does not: another detector or question does, other words and limits of patience not."""

from __future__ import annotations

from typing import Any

import pytest
from made.nights import feature, made_plan

from audit.plan.audit_plan import AuditPlan
from audit.verdicts.nights.night import changed_parts, identity
from audit.verdicts.nights.state import levels_seen, new_state
from audit.vocabulary.groups import LevelName

SHA = "0" * 64
OTHER = "1" * 64
ONNX = {"kind": "onnx", "path": "a.onnx", "features": ["text"], "threshold": 0.5}
WHERE = {"answers_at": "answers", "score_at": "score"}
SERVICE = {"kind": "http", "url": "https://one.example/score", **WHERE, "features": ["text"], "threshold": 0.5}


def words(before: AuditPlan, after: AuditPlan, digests: tuple[str | None, str | None] = (SHA, SHA)) -> tuple[str, ...]:
    state = new_state(identity(before, digests[0]), "fresh")
    return changed_parts(state, identity(after, digests[1]), [])


RULE: dict[str, Any] = {"metric": "true_positive_rate", "groups": ["band"], "margin": 0.1}
BAND: dict[str, Any] = {"column": "band", "coding": "categorical"}
AUDIT = {"title": "T", "owner": "O", "use": "hotline-triage", "route": "services"}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"rules": [{**RULE, "margin": 0.12}]}, "the rules"),
        ({"rules": [{"metric": "true_positive_rate", "groups": ["band"], "ratio": 0.8}]}, "the rules"),
        ({"rules": [{**RULE, "metric": "false_positive_rate"}]}, "the rules"),
        ({"rules": [{**RULE, "direction": "both"}]}, "the rules"),
        ({"verdict": {"alpha": 0.04}}, "alpha"),
        ({"groups": {"band": {**BAND, "missing": ["?"]}}}, "how groups are read"),
        ({"evaluation_set": {"id": "id", "label": "x", "label_source": "s"}}, "how labels are read"),
        ({"detector": {"kind": "predictions", "score": "score", "threshold": 0.6}}, "how the detector is asked"),
        ({"audit": {**AUDIT, "title": "T 2"}}, "the detector"),
    ],
)
def test_another_question_ends_a_history(changes: dict[str, Any], what: str) -> None:
    (said,) = words(made_plan(), made_plan(**changes))
    assert said.startswith(what)


@pytest.mark.parametrize(
    "changes",
    [
        {"audit": {**AUDIT, "owner": "P", "auditor": "Q"}},
        {"verdict": {"min_coverage": 0.7}},
        {"groups": {"band": {**BAND, "min_cases": 40, "expected": ["a"]}}},
        {"rules": [{**RULE, "id": "found", "reason": "a law", "expected_rate": 0.6}]},
        {"evaluation_set": {"id": "id", "label": "label", "label_source": "s", "path": "tomorrow.csv"}},
    ],
)
def test_words_and_who_can_be_judged_end_none(changes: dict[str, Any]) -> None:
    assert words(made_plan(), made_plan(**changes)) == ()


def test_a_key_that_a_later_version_adds_ends_no_history() -> None:
    """What the plan does not say is not there: else an upgrade would take back a FAIL that stands."""
    shown = identity(made_plan(), SHA)
    assert shown["asked"] == {"kind": "predictions", "score": "score", "threshold": 0.5}
    assert shown["groups"]["features"] == {"band": {"column": "band", "coding": "categorical"}}


def test_a_model_is_known_by_its_digest_and_answers_by_the_title_of_the_audit() -> None:
    model = made_plan(detector=ONNX)
    assert words(model, made_plan(detector={**ONNX, "path": "b.onnx"})) == ()
    assert words(model, made_plan(detector=ONNX, audit={**AUDIT, "title": "T 2"})) == ()
    assert words(model, model, (SHA, OTHER)) == ("the detector",)
    predictions = made_plan()
    assert words(predictions, predictions, (SHA, OTHER)) == (), "tomorrow's answers stand in another file"
    service = made_plan(detector=SERVICE)
    assert words(service, made_plan(detector={**SERVICE, "timeout": 9.0}), (None, None)) == ()
    moved = made_plan(detector={**SERVICE, "url": "https://two.example/score"})
    assert words(service, moved, (None, None)) == ("how the detector is asked, or when it flags",)


def test_a_country_that_moves_to_another_region_ends_a_history() -> None:
    of_before, of_now = (
        feature(["a"]).model_copy(update={"levels": (LevelName(rung="level", code="a", name="A", parent=parent),)})
        for parent in ("R1", "R2")
    )
    now = identity(made_plan(), SHA)
    state = new_state(now, "fresh").model_copy(update={"levels": levels_seen({}, [of_before], first=True)})
    assert changed_parts(state, now, [of_before]) == ()
    assert changed_parts(state, now, [feature(["b"])]) == (), "one that is new tonight"
    assert changed_parts(state, now, [of_now]) == ("what a region holds",)
