"""Pairs of decisions: the counts of the join against pandas, and files that are of another run."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.changes import PLAN, ask, made_pair, write_answers, write_plan, write_result_of

from audit.analyses.sides import When
from audit.counting.table import ABSTAINED, FAILED, FLAGGED, NOT_FLAGGED, POSITIVE
from audit.errors import ResultError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import parse_plan
from audit.verdicts.changes.judge import change_questions, paired_counts, rate_question
from audit.vocabulary.metrics import METRICS

EVERY_RULE = "".join(
    f'[[rules]]\nmetric = "{metric}"\ngroups = ["gender", ["gender", "region"]]\nmargin = 0.1\n'
    for metric in METRICS
    if metric != "base_rate"
)


def good(table: pd.DataFrame, metric: str, scores: str) -> pd.Series:
    """Whether a case is right on the side that harms; flags lead to services. NA where it is not of the rate."""
    flagged, positive = table[scores] >= 0.5, table["label"] == "1"
    among = {
        "true_positive_rate": positive,
        "false_negative_rate": positive,
        "false_positive_rate": table["label"] == "0",
        "true_negative_rate": table["label"] == "0",
        "accuracy": table["label"] != "",
        "selection_rate": pd.Series(data=True, index=table.index),
    }[metric]
    right = {"accuracy": flagged == positive, "selection_rate": flagged}.get(metric, flagged == positive)
    return right.where(among & table[scores].notna())


def test_pairs_of_every_rate_and_group_are_those_of_a_plain_table(tmp_path: Path) -> None:
    table = made_pair(tmp_path, worse=0.2, unscored=0.03)
    plans = [write_plan(tmp_path, version, EVERY_RULE) for version in (1, 2)]
    write_result_of(plans[0], tmp_path / "old")
    change = ask(plans[1], tmp_path / "old").change
    assert change is not None
    assert change.unpaired is None
    checked = 0
    for verdict in change.verdicts:
        if verdict.rule == "precision":
            assert (verdict.n, verdict.lost, verdict.gained) == (None, None, None)
            continue
        of = table
        for level in verdict.group.levels:
            of = of[of[level.feature] == level.code]
        then, now = good(of, verdict.rule, "then"), good(of, verdict.rule, "now")
        both = then.notna() & now.notna()
        was, is_ = then[both].astype(bool), now[both].astype(bool)
        assert (verdict.n, verdict.lost, verdict.gained) == (both.sum(), (was & ~is_).sum(), (~was & is_).sum())
        sign = -1.0 if verdict.side == "high" else 1.0
        assert verdict.difference == pytest.approx(sign * (is_.mean() - was.mean()))
        checked += 1
    assert checked == 6 * (2 + 8)


@given(
    st.sampled_from(["true_positive_rate", "false_positive_rate", "accuracy", "selection_rate"]),
    st.lists(st.integers(0, 3), min_size=48, max_size=48),
)
def test_unscored_cases_are_taken_as_good_and_as_bad_as_they_can_be(metric: str, filled: list[int]) -> None:
    """No way of deciding the unscored cases loses more than the worst that is counted, or less than the best."""
    plan = plan_for(metric)
    (question,) = change_questions(plan.audit.route, plan.baseline, plan.named_rules[0])
    cells = np.array(filled, dtype=np.int64).reshape(1, 3, 4, 4)
    looks: tuple[When, ...] = ("best", "worst")
    best, worst = (paired_counts(question, cells, when) for when in looks)
    assert (best.n == worst.n).all()
    choices = list(itertools.product((FLAGGED, NOT_FLAGGED), repeat=2))
    for then, now in choices:
        decided = np.zeros_like(cells)
        for label, before, after in np.ndindex(3, 4, 4):
            place = (then if before in (ABSTAINED, FAILED) else before, now if after in (ABSTAINED, FAILED) else after)
            decided[0, label, place[0], place[1]] += cells[0, label, before, after]
        shown = paired_counts(question, decided, "scored")
        assert (shown.n == best.n).all()
        change = shown.gained - shown.lost
        assert (worst.gained - worst.lost <= change).all()
        assert (change <= best.gained - best.lost).all()


def plan_for(metric: str) -> AuditPlan:
    rules = f'[[rules]]\nmetric = "{metric}"\ngroups = ["gender"]\nmargin = 0.1\n'
    return parse_plan(PLAN.format(version=1, rules=rules, section=""), folder=Path()).plan


def test_the_change_of_a_rate_has_the_rates_own_direction() -> None:
    plan = plan_for("false_positive_rate")
    cells = np.zeros((1, 3, 4, 4), dtype=np.int64)
    cells[0, 1, NOT_FLAGGED, FLAGGED] = 3
    cells[0, 1, NOT_FLAGGED, NOT_FLAGGED] = 7
    rate = paired_counts(rate_question(plan.named_rules[0]), cells, "scored")
    assert (rate.gained[0], rate.lost[0], rate.n[0]) == (3, 0, 10)
    (question,) = change_questions(plan.audit.route, plan.baseline, plan.named_rules[0])
    assert paired_counts(question, cells, "scored").lost[0] == 3
    assert POSITIVE == 0


def test_the_answers_of_another_run_are_seen(tmp_path: Path) -> None:
    """A file in the place of the predictions that gives other counts, or is of other cases."""
    from audit.verdicts.changes.baseline import PREDICTIONS

    table = made_pair(tmp_path)
    answer = "[0.9 if len(one) == 5 else 0.1 for one in batch['gender'].to_pylist()]"
    (tmp_path / "model.py").write_text(f"def score(batch):\n    return {answer}\n", encoding="utf-8")
    detector = '[detector]\nkind = "python"\nentry = "model:score"\nfeatures = ["gender"]\nthreshold = 0.5\n'
    plan = tmp_path / "run.toml"
    text = write_plan(tmp_path, 1).read_text(encoding="utf-8")
    head, _, tail = text.partition("[detector]")
    plan.write_text(head + detector + tail[tail.index("[evaluation_set]") :], encoding="utf-8")
    from audit.result.file import load_result
    from audit.result.json_text import result_to_json
    from audit.run import run_audit

    old = tmp_path / "old"
    old.mkdir()
    audited = run_audit(plan, crosscheck=False, predictions_to=old / PREDICTIONS)
    (old / "result.json").write_text(result_to_json(audited), encoding="utf-8")
    same = ask(plan, old).change
    assert same is not None
    assert (same.outcome, same.unpaired) == ("pass", None)
    assert all(verdict.lost == verdict.gained == 0 for verdict in same.verdicts)

    answers = pd.read_parquet(old / PREDICTIONS)
    turned = answers.assign(decision=list(answers["decision"].iloc[::-1]))
    turned.to_parquet(old / PREDICTIONS)
    with pytest.raises(ResultError, match="not the file that was written with it"):
        ask(plan, old)
    # a result of an earlier version has no digest of them, and its counts are what they are held to
    result = load_result(old / "result.json")
    origin = result.provenance.model_copy(update={"predictions_sha256": None})
    without_digest = result_to_json(result.model_copy(update={"provenance": origin}))
    (old / "result.json").write_text(without_digest, encoding="utf-8")
    flipped = answers.assign(decision=["flagged"] * len(answers))
    for wrong in (flipped, answers.iloc[1:], pd.concat([answers, answers.iloc[:1]])):
        wrong.to_parquet(old / PREDICTIONS)
        with pytest.raises(ResultError, match="predictions beside a result") as raised:
            ask(plan, old)
        assert raised.value.slug == "predictions-of-another-run"
    (old / PREDICTIONS).write_bytes(b"PAR1 but not")
    with pytest.raises(ResultError) as raised:
        ask(plan, old)
    assert raised.value.slug == "predictions-unreadable"
    (old / PREDICTIONS).unlink()
    without = ask(plan, old).change
    assert without is not None
    assert without.unpaired == "no_predictions_then"
    assert len(table) == 2000


def test_a_predictions_file_that_was_overwritten_is_not_taken_for_the_earlier_one(tmp_path: Path) -> None:
    table = made_pair(tmp_path, worse=0.3)
    write_result_of(tmp_path / "plan-1.toml", tmp_path / "old")
    kept = (tmp_path / "answers-1.csv").read_bytes()
    write_answers(tmp_path, 1, table["id"], table["now"])
    change = ask(tmp_path / "plan-2.toml", tmp_path / "old").change
    assert change is not None
    assert change.unpaired == "no_predictions_then"
    (tmp_path / "old" / "answers-1.csv").write_bytes(kept)
    change = ask(tmp_path / "plan-2.toml", tmp_path / "old").change
    assert change is not None
    assert change.unpaired is None
