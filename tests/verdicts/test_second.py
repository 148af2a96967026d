"""Verdicts beside that of the audit are those that an audit of that decision, or of that form, would give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made.people import BY_CLASS, BY_SCORE, FORMS, NONE, OFFICER, WORDS, made_audit, made_cases

from audit.errors import DataError, PlanError, ResultError
from audit.from_python import run_audit
from audit.notebook import NotebookResult
from audit.result.file import load_result, parse_result
from audit.result.findings.second import SecondVerdict
from audit.result.json_text import result_to_json
from audit.stages import Scope

CASES = made_cases()


def audited(plan: dict[str, Any], cases: pd.DataFrame = CASES, **options: Any) -> NotebookResult:
    return run_audit(plan, cases, crosscheck=False, **options)


def same(second: SecondVerdict, audit: NotebookResult) -> None:
    assert (second.rules, second.verdicts) == (audit.rules, audit.verdicts)
    assert (second.counts, second.outcome) == (audit.counts, audit.overall.outcome)
    assert set(second.estimates) <= set(audit.estimates)


@pytest.mark.parametrize("design", [{}, {"cluster": "case"}, {"weight": "weight"}])
def test_the_final_decision_is_judged_as_an_audit_of_it_would_be(design: dict[str, str]) -> None:
    cases = CASES.assign(case=CASES.index // 3, weight=1.0 + CASES.index % 2)
    result = audited(made_audit(BY_SCORE, decisions=OFFICER, evaluation_set=design), cases)
    (second,) = result.further.second_verdicts
    final = {"kind": "predictions", "decision": "officer", **WORDS}
    same(second, audited(made_audit(final, evaluation_set=design), cases))
    assert (second.kind, second.alpha) == ("decisions", 0.05)
    after = result.further.after_detector
    assert after is not None
    assert {one.outcome for one in after.gaps} == ({"cannot_tell"} if design else {"cannot_tell", "adds"})
    if not design:
        assert (result.overall.outcome, second.outcome) == ("pass", "fail")


def test_the_verdict_of_the_audit_is_the_one_without_them() -> None:
    asked = audited(made_audit(BY_SCORE, decisions=OFFICER, exposure={"first": [100]}))
    plain = audited(made_audit(BY_SCORE))
    assert (asked.overall, asked.rules, asked.verdicts) == (plain.overall, plain.rules, plain.verdicts)
    gated = audited(made_audit(BY_SCORE, decisions=OFFICER), scope=Scope.RECORDS)
    assert gated.overall == plain.overall
    assert not gated.further.second_verdicts


@pytest.mark.parametrize("section", [OFFICER, {**OFFICER, "decision_missing": ["pending"]}])
def test_a_case_that_nobody_decided_never_counts_as_agreement(section: dict[str, Any]) -> None:
    word = "pending" if "decision_missing" in section else ""
    result = audited(made_audit(BY_SCORE, decisions=section), CASES.assign(officer=word))
    (second,) = result.further.second_verdicts
    assert second.outcome == "inconclusive"
    assert {one.outcome for one in second.verdicts} <= {"inconclusive", "not_evaluable"}
    assert second.counts[0].unscored_positive == int((CASES.form != NONE).sum())
    after = result.further.after_detector
    assert after is not None
    assert {(one.value, one.reason, one.decided) for one in after.overrides} == {(None, "no_cases", 0)}
    assert after.overrides[0].undecided == int((CASES.score >= 0.5).sum())
    assert {(one.added, one.outcome) for one in after.gaps} == {(None, "cannot_tell")}


def test_another_word_is_refused_before_anything_is_scored() -> None:
    wrong = CASES.assign(officer=["perhaps", *CASES.officer[1:]])
    with pytest.raises(DataError, match="none of the declared values in row 1"):
        audited(made_audit(BY_SCORE, decisions=OFFICER), wrong)


def of_one_form(form: str, detector: dict[str, Any]) -> NotebookResult:
    others = [one for one in (*FORMS, NONE) if one != form]
    words = {"decision_positive": [form], "decision_negative": others}
    labels = {"label_positive": [form], "label_negative": others}
    return audited(made_audit({**detector, **words}, evaluation_set=labels, verdict={"alpha": 0.025}))


def test_a_form_is_judged_as_an_audit_of_it_alone_would_be_with_its_part_of_the_risk() -> None:
    result = audited(made_audit(BY_CLASS, forms={"named": list(FORMS)}))
    assert [(one.kind, one.name) for one in result.further.second_verdicts] == [("form", form) for form in FORMS]
    for second in result.further.second_verdicts:
        same(second, of_one_form(second.name, BY_CLASS))


def test_forms_come_out_alike_from_a_column_a_file_a_model_and_a_table_of_classes(tmp_path: Path) -> None:
    asked = {"named": list(FORMS)}
    known = audited(made_audit(BY_CLASS, forms=asked)).further.second_verdicts
    CASES[["id", "answer"]].to_csv(tmp_path / "answers.csv", index=False)
    file = made_audit({**BY_CLASS, "path": "answers.csv"}, forms=asked)
    assert audited(file, folder=tmp_path).further.second_verdicts == known
    (tmp_path / "repeats_itself.py").write_text("def answer(batch):\n    return batch['answer'].to_pylist()\n")
    classes = {"answers": "class", "classes": [NONE, *FORMS], "positive_classes": list(FORMS)}
    model = {"kind": "python", "entry": "repeats_itself:answer", "features": ["answer"], **classes}
    assert audited(made_audit(model, forms=asked), folder=tmp_path).further.second_verdicts == known

    plan = made_audit(BY_CLASS, forms=asked)
    keys = ["gender", "country", "form", "answer"]
    table = CASES.groupby(keys).size().reset_index(name="n")
    section = {key: plan["evaluation_set"][key] for key in ("label_positive", "label_negative", "label_source")}
    plan["evaluation_set"] = {**section, "cells": {"label": "form", "answer": "answer", "cases": "n"}}
    counted = audited({key: of for key, of in plan.items() if key != "detector"}, table)
    assert counted.further.second_verdicts == known
    hidden = table.assign(n=["<10" if many < 10 else str(many) for many in table.n])
    of_hidden = audited({key: of for key, of in plan.items() if key != "detector"}, hidden)
    for one, exact in zip(of_hidden.further.second_verdicts, known, strict=True):
        assert one.outcome in ("inconclusive", exact.outcome)


def test_what_people_decided_comes_out_alike_from_cases_and_from_a_table_of_classes() -> None:
    plan = made_audit(BY_CLASS, decisions=OFFICER)
    known = audited(plan)
    table = CASES.groupby(["gender", "country", "form", "answer", "officer"]).size().reset_index(name="n")
    section = {key: plan["evaluation_set"][key] for key in ("label_positive", "label_negative", "label_source")}
    plan["evaluation_set"] = {**section, "cells": {"label": "form", "answer": "answer", "cases": "n"}}
    del plan["detector"]
    counted = audited(plan, table)
    assert counted.further.second_verdicts == known.further.second_verdicts
    assert counted.further.after_detector == known.further.after_detector
    assert counted.verdicts == known.verdicts
    hidden = audited(plan, table.assign(n=["<10" if many < 10 else str(many) for many in table.n]))
    for one, exact in zip(hidden.further.second_verdicts, known.further.second_verdicts, strict=True):
        assert one.outcome in ("inconclusive", exact.outcome)
    (people, *_), (all_people, *_) = hidden.further.second_verdicts, known.further.second_verdicts
    for surely, in_all in zip(people.counts, all_people.counts, strict=True):
        # nobody decided what may not be there
        assert surely.true_positive <= in_all.true_positive
        assert surely.false_negative <= in_all.false_negative
    after, sure = hidden.further.after_detector, known.further.after_detector
    assert after is not None
    assert sure is not None
    for known_alone, every in zip(after.overrides, sure.overrides, strict=True):
        assert known_alone.decided <= every.decided
        assert known_alone.changed <= every.changed
    plan["evaluation_set"] = {**section, "cells": {"positives": "p", "true_positives": "t"}}
    with pytest.raises(PlanError, match="decisions: a table of counts has no single cases"):
        audited(plan, table)


@pytest.mark.parametrize(
    ("detector", "sections", "words"),
    [
        (BY_SCORE, {"decisions": {**OFFICER, "column": "form"}}, "names the column of the label"),
        (BY_SCORE, {"decisions": {**OFFICER, "decision_missing": ["refer"]}}, "the same value twice"),
        (BY_SCORE, {"forms": {"named": ["forced labour"]}}, "the answers must be classes"),
        (BY_CLASS, {"forms": {"named": ["begging"]}}, "a form is missing among"),
        (BY_CLASS, {"forms": {"named": ["forced labour", "Forced Labour"]}}, "the same value twice"),
        (BY_CLASS, {"exposure": {"first": [10]}}, "a ranking needs scores"),
        (
            {"kind": "python", "entry": "m:f", "features": ["officer"], "threshold": 0.5},
            {"decisions": OFFICER},
            "what people decided after it is no input",
        ),
        (
            BY_SCORE,
            {"decisions": OFFICER, "evaluation_set": {"stratum": "s", "stratum_sizes": {"a": 9}}},
            "not with `stratum`",
        ),
        (BY_CLASS, {"evaluation_set": {"cells": {"label": "a", "answer": "b"}}}, "needs `label`, `answer` and `cases`"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    detector: dict[str, Any], sections: dict[str, Any], words: str
) -> None:
    plan = made_audit(detector, **sections)
    if "cells" in plan["evaluation_set"]:
        plan["evaluation_set"] = {**plan["evaluation_set"], "id": "(case)", "label": "(label)"}
    with pytest.raises(PlanError, match=words):
        audited(plan)


def test_a_file_whose_second_verdict_does_not_follow_is_refused(tmp_path: Path) -> None:
    result = audited(made_audit(BY_SCORE, decisions=OFFICER))
    result.save(tmp_path)
    assert load_result(tmp_path / "result.json").further == result.further
    text = json.loads(result_to_json(result))
    text["further"]["second_verdicts"][0]["outcome"] = "pass"
    with pytest.raises(ResultError, match="second_verdicts"):
        parse_result(json.dumps(text), "result.json")
