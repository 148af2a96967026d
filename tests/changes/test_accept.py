"""Which earlier result may be a baseline: the same question over the same set, and words of what differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from made.changes import RULES, ask, made_pair, write_plan, write_result_of

from audit.errors import ResultError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import load_plan
from audit.scoring.provenance import scoring_identity
from audit.verdicts.changes.acceptance import check_plans, question_of


def with_parts(plan: AuditPlan, **parts: dict[str, object]) -> AuditPlan:
    return plan.model_copy(
        update={name: getattr(plan, name).model_copy(update=changed) for name, changed in parts.items()}
    )


@pytest.fixture
def plan(tmp_path: Path) -> AuditPlan:
    return load_plan(write_plan(tmp_path, 1))


@pytest.mark.parametrize(
    "parts",
    [
        {"audit": {"title": "Screener 2"}},
        {"scoring": {"batch_size": 7}},
        {"sandbox": {"memory_mib": 512}},
        {"disclosure": {"floor": 20}},
        {"governance": {"contact": "office"}},
        {"baseline": {"regression_margin": 0.2, "result": Path("old")}},
        {"detector": {"threshold": 0.7}},
        {"evaluation_set": {"path": Path("elsewhere.csv")}},
        {"waivers": {"file": Path("waivers.toml")}},
    ],
)
def test_what_decides_no_verdict_may_differ(plan: AuditPlan, parts: dict[str, dict[str, object]]) -> None:
    check_plans(plan, with_parts(plan, **parts))


def test_an_option_that_a_later_version_adds_leaves_the_question_as_it_was(plan: AuditPlan) -> None:
    class LaterPlan(AuditPlan):
        added: bool = False
        more: tuple[str, ...] = ()
        further: dict[str, str] | None = None

    later = LaterPlan.model_validate(plan.model_dump(by_alias=True))
    assert question_of(later) == question_of(plan)
    assert question_of(later.model_copy(update={"added": True})) != question_of(plan)


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"verdict": {"alpha": 0.1}}, "verdict.alpha"),
        ({"audit": {"route": "enforcement"}}, "audit.route"),
        ({"evaluation_set": {"label": "other"}}, "evaluation_set.label"),
        ({"sensitivity": {"max_missing_share": 0.1}}, "sensitivity.max_missing_share"),
    ],
)
def test_another_question_is_refused_and_its_keys_are_named(
    plan: AuditPlan, parts: dict[str, dict[str, object]], named: str
) -> None:
    with pytest.raises(ResultError, match=named) as raised:
        check_plans(plan, with_parts(plan, **parts))
    assert raised.value.slug == "baseline-other-plan"


def test_a_baseline_and_its_margins_enter_no_digest_that_decides_what_was_scored(tmp_path: Path) -> None:
    plain = load_plan(write_plan(tmp_path, 1))
    section = "[baseline]\nresult = 'old'\nregression_margin = 0.03\n"
    with_baseline = load_plan(write_plan(tmp_path, 1, RULES + "regression_margin = 0.02\n", extra=section))
    assert with_baseline.rules[0].regression_margin == 0.02
    assert scoring_identity(plain) == scoring_identity(with_baseline)
    assert question_of(plain) == question_of(with_baseline)


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        (lambda folder: edited(folder / "set.csv", "c00001,", "c00001 ,"), "baseline-other-set"),
        (lambda folder: edited(folder / "plan-2.toml", "margin = 0.1", "margin = 0.2"), "baseline-other-plan"),
        (
            lambda folder: edited(folder / "old" / "result.json", '"schema_version": 2', '"schema_version": 9'),
            "newer-result",
        ),
        (lambda folder: (folder / "old" / "result.json").unlink(), "no-baseline"),
    ],
)
def test_a_baseline_of_another_set_plan_or_schema_is_refused_before_anything_is_judged(
    tmp_path: Path, change: Callable[[Path], None], slug: str
) -> None:
    made_pair(tmp_path)
    write_result_of(tmp_path / "plan-1.toml", tmp_path / "old")
    change(tmp_path)
    if slug == "baseline-other-set":
        edited(tmp_path / "answers-2.csv", "c00001,", "c00001 ,")
    with pytest.raises(ResultError) as raised:
        ask(tmp_path / "plan-2.toml", tmp_path / "old")
    assert raised.value.slug == slug


def test_a_new_model_is_accepted_with_words_for_what_differs(tmp_path: Path) -> None:
    made_pair(tmp_path)
    then = write_result_of(tmp_path / "plan-1.toml", tmp_path / "old")
    change = ask(tmp_path / "plan-2.toml", tmp_path / "old").change
    assert change is not None
    assert change.differs == ("detector", "audit.title")
    assert change.baseline.title == "Screener 1"
    assert change.baseline.finished == then.provenance.finished
    assert change.baseline.detector_sha256 == then.provenance.detector_sha256


def test_the_plan_may_name_its_baseline(tmp_path: Path) -> None:
    made_pair(tmp_path, worse=0.5)
    write_result_of(tmp_path / "plan-1.toml", tmp_path / "old")
    plan = write_plan(tmp_path, 2, extra="[baseline]\nresult = 'old'\n")
    assert ask(plan).overall.outcome == "fail"
    loose = write_plan(
        tmp_path, 2, RULES + "regression_margin = 0.6\n", extra="[baseline]\nresult = 'old/result.json'\n"
    )
    assert ask(loose).change is not None


def test_a_table_in_memory_has_no_digest_to_compare(tmp_path: Path) -> None:
    import pandas as pd

    from audit.run import run_audit

    made_pair(tmp_path)
    write_result_of(tmp_path / "plan-1.toml", tmp_path / "old")
    table = pd.read_csv(tmp_path / "set.csv", dtype="string")
    with pytest.raises(ResultError) as raised:
        run_audit(tmp_path / "plan-2.toml", table, baseline=tmp_path / "old", crosscheck=False)
    assert raised.value.slug == "baseline-no-digest"
