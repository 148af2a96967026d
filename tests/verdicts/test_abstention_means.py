"""Abstentions count as what the plan says that they mean in use: as if the system had so decided, and no otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.people import BY_SCORE, OFFICER, made_audit, made_cases
from made.sealed import published_into

from audit.cli.console.terminal import Style
from audit.cli.pages.summary import summary
from audit.errors import PlanError, ResultError
from audit.from_python import run_audit
from audit.notebook import NotebookResult
from audit.plan.file.draft import PlanDraft, draft_plan
from audit.plan.file.plan_file import loaded_plan
from audit.remedies.remedy import AskedPlan, remedy
from audit.result.audit_result import AuditResult
from audit.result.json_text import result_to_json
from audit.stages import Scope
from audit.verdicts.changes.baseline import load_baseline

MEANINGS: Final = ("not_flagged", "flagged", "people_decide")
BY_DECISION: Final[dict[str, Any]] = {"kind": "predictions", "decision": "answer"}
JUDGED: Final = ("counts", "estimates", "disparities", "verdicts", "rules", "overall")
"""What a result states of the cases."""


def cases_with_gaps(seed: int = 7, share: float = 0.08) -> pd.DataFrame:
    """Cases with weights and clusters, whose system declined to answer, women it would have missed above all."""
    rng = np.random.default_rng(seed)
    cases = made_cases(seed=seed)
    cases["answer"] = np.where(cases["score"] >= 0.5, "1", "0")
    would_miss = (cases["gender"] == "woman") & (cases["form"] != "none") & (cases["answer"] == "0")
    cases.loc[rng.random(len(cases)) < np.where(would_miss, 6.0 * share, share / 4.0), "answer"] = ""
    cases["weight"] = rng.integers(1, 4, len(cases))
    cases["household"] = rng.integers(0, 900, len(cases)).astype(str)
    return cases


def answered_so(cases: pd.DataFrame, meaning: str) -> pd.DataFrame:
    """Write what an abstention means into the cells of the answers."""
    people = cases["officer"].map({"refer": "1", "close": "0", "": ""})
    written = {"flagged": "1", "not_flagged": "0"}.get(meaning, people)
    return cases.assign(answer=cases["answer"].where(cases["answer"] != "", written))


def audited(cases: pd.DataFrame, meaning: str | None, scope: Scope = Scope.RECORDS, **sections: Any) -> NotebookResult:
    detector = BY_DECISION if meaning is None else {**BY_DECISION, "abstention_means": meaning}
    return run_audit(made_audit(detector, decisions=OFFICER, **sections), cases, crosscheck=False, scope=scope)


def stated(result: AuditResult) -> dict[str, Any]:
    document = json.loads(result_to_json(result))
    return {name: document[name] for name in JUDGED}


@pytest.mark.parametrize("meaning", MEANINGS)
@pytest.mark.parametrize("design", [{}, {"weight": "weight"}, {"cluster": "household"}])
def test_the_audit_is_that_of_a_system_which_so_decided(meaning: str, design: dict[str, str]) -> None:
    cases = cases_with_gaps()
    declared = audited(cases, meaning, evaluation_set=design)
    written = audited(answered_so(cases, meaning), None, evaluation_set=design)
    assert stated(declared) == stated(written)
    assert stated(declared) != stated(audited(cases, None, evaluation_set=design))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), share=st.floats(0.0, 0.16), meaning=st.sampled_from(MEANINGS))
def test_whoever_is_not_answered_it_makes_no_other_difference(seed: int, share: float, meaning: str) -> None:
    cases = cases_with_gaps(seed, share)
    declared = audited(cases, meaning)
    assert stated(declared) == stated(audited(answered_so(cases, meaning), None))
    for account in declared.rows:
        assert account.read == account.scored + account.abstained + account.failed
        assert 0 <= account.abstained_counted <= account.abstained
    assert declared.rows[0].abstained == (cases["answer"] == "").sum()
    counts = declared.counts[0]
    unscored = counts.unscored_positive + counts.unscored_negative + counts.unscored_unlabelled
    assert declared.rows[0].unscored == unscored


@pytest.mark.parametrize("scope", Scope)
def test_a_system_gains_nothing_by_declining_where_it_would_miss(scope: Scope) -> None:
    """In use such people are not flagged, and the plan says so; where it says nothing they count at their worst."""
    cases = cases_with_gaps()
    women = (cases["gender"] == "woman") & (cases["form"] != "none")
    misses = cases.assign(answer=np.where(women & (np.arange(len(cases)) % 3 > 0), "0", cases["answer"]))
    declines = cases.assign(answer=np.where(women & (np.arange(len(cases)) % 3 > 0), "", cases["answer"]))
    assert audited(misses, "not_flagged", scope).overall.outcome == "fail"
    assert audited(declines, "not_flagged", scope).overall.outcome == "fail"
    assert audited(declines, None, scope).overall.outcome == "inconclusive"


def test_people_who_were_to_decide_and_did_not_leave_it_open() -> None:
    cases = cases_with_gaps()
    nobody = (cases["answer"] == "") & (cases["officer"] == "")
    account = audited(cases, "people_decide").rows[0]
    assert nobody.sum() > 0
    assert account.abstained - account.abstained_counted == nobody.sum()


def test_people_are_compared_with_answers_of_the_system_alone() -> None:
    """Where people decided in its place, nobody overruled it, and nobody agreed with it."""
    result = audited(cases_with_gaps(), "people_decide", Scope.DETAILS)
    plain = audited(cases_with_gaps(), None, Scope.DETAILS)
    assert result.further.after_detector == plain.further.after_detector


def test_pages_and_terminal_say_how_many_and_as_what(tmp_path: Path) -> None:
    result = audited(cases_with_gaps(), "not_flagged", Scope.DETAILS)
    abstained = result.rows[0].abstained
    (notice,) = [notice for notice in result.notices if notice.code == "abstentions"]
    assert f"On {abstained} of 2,400 rows the system declined to answer. They count as not flagged" in notice.text
    assert f"{abstained:,} counted as planned, 0 unlabelled" in summary(result, Style(colour=False, unicode=True))
    public = published_into(tmp_path, result, ("json", "html")) / "public"
    release = json.loads((public / "release.json").read_bytes())
    assert release["about"]["abstentions"] == "not_flagged"
    page = (public / "report.html").read_text(encoding="utf-8")
    assert "the case counts as not flagged, as the plan says" in page
    assert f"{abstained} of" not in page, "how many is no public number"


def test_a_plan_that_says_nothing_has_the_bytes_of_before() -> None:
    result = audited(cases_with_gaps(), None)
    assert "abstention" not in result_to_json(result)


def test_scores_decide_as_decisions_do() -> None:
    """A gap among scores counts as planned, and no other threshold of a remedy changes that."""
    cases = cases_with_gaps()
    scored = cases.assign(score=cases["score"].where(cases["answer"] != ""))
    detector = {**BY_SCORE, "abstention_means": "not_flagged"}
    by_score = run_audit(made_audit(detector, decisions=OFFICER), scored, crosscheck=False, scope=Scope.DETAILS)
    assert stated(by_score) == stated(audited(cases, "not_flagged"))


@pytest.mark.parametrize("meaning", MEANINGS)
@pytest.mark.parametrize("failed_share", [None, 0.02])
def test_answers_of_a_model_are_read_again_as_they_counted(
    meaning: str, failed_share: float | None, tmp_path: Path
) -> None:
    """A later version is compared with what the earlier one counted as, and a remedy begins from the same counts."""
    cases = cases_with_gaps()
    cases["input"] = cases["score"].where(cases["answer"] != "")
    if failed_share is not None:
        cases.loc[np.random.default_rng(1).random(len(cases)) < failed_share, "input"] = 7.0
    cases.to_parquet(tmp_path / "cases.parquet")
    (tmp_path / "model.py").write_text("def answer(batch):\n    return batch.column('input').to_pylist()\n")
    detector = {"kind": "python", "entry": "model:answer", "features": ["input"], "threshold": 0.5}
    sections = {"decisions": OFFICER, "evaluation_set": {"path": "cases.parquet"}}
    plan = made_audit({**detector, "abstention_means": meaning}, **sections)
    earlier = run_audit(plan, folder=tmp_path, predictions_to=tmp_path / "predictions.parquet", crosscheck=False)
    earlier.save(tmp_path)
    later = run_audit(plan, folder=tmp_path, baseline=tmp_path, crosscheck=False)
    assert later.change is not None
    assert {(verdict.lost, verdict.gained) for verdict in later.change.verdicts if verdict.n} == {(0, 0)}
    everyone = [verdict.n for verdict in later.change.verdicts if verdict.rule == "false_positive_rate"]
    women_and_men = [counts for counts in earlier.counts if len(counts.group.root) == 1][:2]
    assert sum(filter(None, everyone)) == sum(group.false_positive + group.true_negative for group in women_and_men)
    asked = AskedPlan(loaded_plan(plan, tmp_path), load_baseline(tmp_path))
    if failed_share is None:
        remedy(asked, ways=["threshold"])
    else:
        with pytest.raises(ResultError, match="which rows abstained and which failed"):
            remedy(asked, ways=["threshold"])


@pytest.mark.parametrize(
    ("detector", "sections", "said"),
    [
        ({"kind": "predictions", "score": "score", "top_k": 5, "abstention_means": "flagged"}, {}, "beyond a capacity"),
        ({**BY_DECISION, "abstention_means": "people_decide"}, {}, "needs [decisions]"),
        ({**BY_DECISION, "abstention_means": "ignored"}, {}, "abstention_means"),
    ],
)
def test_a_meaning_that_contradicts_the_plan_is_refused(
    detector: dict[str, Any], sections: dict[str, Any], said: str
) -> None:
    with pytest.raises(PlanError) as refused:
        run_audit(made_audit(detector, **sections), cases_with_gaps(), crosscheck=False)
    assert said in str(refused.value)


def test_init_asks_where_answers_are_missing() -> None:
    asked = draft_plan(PlanDraft(path="cases.csv", columns=("score",), score="score", answers_missing=True))
    assert 'abstention_means = "write here: what happens to such a case in use' in asked
    assert "abstention_means" not in draft_plan(PlanDraft(path="cases.csv", columns=("score",), score="score"))
