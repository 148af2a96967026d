"""The change as a whole: who fails, who passes, what is left open, and a file that was changed afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.changes import ask, found, made_pair, separately, write_plan, write_result_of
from made.counts import categorical, cells, nationality
from scipy.stats import norm

from audit.errors import ResultError
from audit.result.file import load_result, parse_result
from audit.result.json_text import result_to_json


def test_a_group_that_is_missed_more_often_fails_the_audit_that_passes_by_itself(tmp_path: Path) -> None:
    made_pair(tmp_path, worse=0.12, moved=0.01, rows=6000)
    write_result_of(tmp_path / "plan-1.toml", tmp_path / "old")
    alone = ask(tmp_path / "plan-2.toml")
    assert alone.overall.outcome != "fail"
    result = write_result_of(tmp_path / "plan-2.toml", tmp_path / "new", tmp_path / "old")
    change = result.change
    assert change is not None
    assert (change.outcome, change.because, result.overall.outcome) == ("fail", "group_became_worse", "fail")
    worse = [verdict.group.levels[0].code for verdict in change.verdicts if verdict.outcome == "fail"]
    assert worse == ["south"]
    assert load_result(tmp_path / "new" / "result.json") == result


def test_a_small_change_passes_where_both_decided_the_same_cases_and_not_as_two_samples(tmp_path: Path) -> None:
    made_pair(tmp_path, moved=0.02)
    write_result_of(tmp_path / "plan-1.toml", tmp_path / "old")
    paired = ask(tmp_path / "plan-2.toml", tmp_path / "old").change
    (tmp_path / "answers-1.csv").unlink()
    separate = ask(tmp_path / "plan-2.toml", tmp_path / "old").change
    assert paired is not None
    assert separate is not None
    assert (paired.unpaired, paired.outcome) == (None, "pass")
    assert (separate.unpaired, separate.outcome) == ("no_predictions_then", "inconclusive")


def test_separate_samples_are_tested_by_the_score_test_of_two_proportions() -> None:
    """Large samples: the exact p-value is close to Farrington and Manning's, here with its variance by hand."""
    feature = categorical("region", ["a", "b"])
    _, change = separately({("a",): found(0.8), ("b",): found(0.8)}, {("a",): found(0.79), ("b",): found(0.8)}, feature)
    of_a = next(verdict for verdict in change.verdicts if verdict.group.levels[0].code == "a")
    assert of_a.p_within is not None
    # restricted rates for "now = then - .05" at these counts are close to .82 and .77
    q, r = 0.7700, 0.8200
    z = (0.79 - 0.8 + 0.05) / ((q * (1 - q) + r * (1 - r)) / 1000) ** 0.5
    assert of_a.p_within == pytest.approx(norm.sf(z), rel=0.15)
    assert (of_a.lost, of_a.n) == (None, None)
    assert of_a.difference == pytest.approx(-0.01)


def test_a_group_too_small_to_pass_is_judged_as_a_part_of_a_larger_one() -> None:
    feature = nationality(["NGA", "GHA", "MLI", "FRA"])
    counts = {("NGA",): found(0.9, 4000), ("GHA",): found(0.9, 40), ("MLI",): found(0.9, 4), ("FRA",): found(0.9, 4000)}
    result, change = separately(counts, counts, feature)
    by_code = {verdict.group.levels[0][1:]: verdict for verdict in change.verdicts}
    ghana, mali = by_code["country", "GHA"], by_code["country", "MLI"]
    assert (ghana.outcome, ghana.because, ghana.judged_as_outcome) == ("inconclusive", "judged_as_part", "pass")
    assert (mali.outcome, mali.because) == ("not_evaluable", "too_few_for_a_rate")
    assert by_code["country", "NGA"].outcome == "pass"
    assert (change.outcome, change.rules[0].because) == ("pass", "none_became_worse")
    assert result.overall.outcome in ("pass", "inconclusive")


def test_groups_too_small_on_every_rung_leave_coverage_too_small() -> None:
    feature = categorical("region", ["a", *(f"s{place}" for place in range(30))])
    counts = {("a",): found(0.9, 3000), **{(f"s{place}",): found(0.9, 60) for place in range(30)}}
    _, change = separately(counts, counts, feature)
    assert (change.outcome, change.rules[0].because) == ("inconclusive", "coverage_too_small")
    assert change.rules[0].coverage == pytest.approx(3000 / 4800)


def test_a_group_that_the_earlier_sample_does_not_have_is_not_evaluable() -> None:
    feature = categorical("region", ["a", "b"])
    _, change = separately({("a",): found(0.9)}, {("a",): found(0.9), ("b",): found(0.9)}, feature)
    assert [verdict.because for verdict in change.verdicts] == ["not_worse", "no_cases"]


@pytest.mark.parametrize(("column", "because"), [("weight", "weighted_set"), ("cluster", "clustered_set")])
def test_weighted_and_clustered_sets_are_not_judged(tmp_path: Path, column: str, because: str) -> None:
    table = made_pair(tmp_path)
    extra = table.assign(w=[1.0 + place % 2 for place in range(len(table))])
    extra.drop(columns=["then", "now"]).to_csv(tmp_path / "set.csv", index=False)
    plans = [write_plan(tmp_path, version, section=f'{column} = "w"') for version in (1, 2)]
    write_result_of(plans[0], tmp_path / "old")
    result = write_result_of(plans[1], tmp_path / "new", tmp_path / "old")
    assert result.change is not None
    assert (result.change.outcome, result.change.because) == ("inconclusive", because)
    assert not result.change.verdicts
    assert result.overall.outcome != "pass"
    assert load_result(tmp_path / "new" / "result.json") == result


def test_nothing_is_judged_where_one_of_the_two_failed_too_often() -> None:
    feature = categorical("region", ["a", "b"])
    good = {("a",): found(0.9), ("b",): found(0.9)}
    broken = {key: rows + cells(failed=(300, 0, 0)) for key, rows in good.items()}
    _, change = separately(broken, good, feature)
    assert (change.outcome, change.because) == ("inconclusive", "too_many_failed")


def test_cases_that_one_did_not_score_stand_between_a_group_and_its_pass(tmp_path: Path) -> None:
    made_pair(tmp_path, moved=0.0, unscored=0.03)
    write_result_of(tmp_path / "plan-1.toml", tmp_path / "old")
    change = ask(tmp_path / "plan-2.toml", tmp_path / "old").change
    assert change is not None
    assert change.outcome == "inconclusive"
    assert "unscored_cases" in {verdict.because for verdict in change.verdicts}


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([0.6, 0.8, 0.9]), st.sampled_from([-0.2, -0.05, 0.0, 0.1]), st.sampled_from([60, 400, 2000]))
def test_a_change_follows_from_its_verdicts_and_is_read_back(share: float, change: float, size: int) -> None:
    feature = categorical("region", ["a", "b"])
    then = {("a",): found(share, size), ("b",): found(share, size)}
    now = {("a",): found(share + change, size), ("b",): found(share, size)}
    result, shown = separately(then, now, feature)
    assert parse_result(result_to_json(result)) == result
    order = ["pass", "inconclusive", "fail"]
    own = max((rule.outcome for rule in result.rules), key=order.index)
    assert order.index(result.overall.outcome) == max(order.index(own), order.index(shown.outcome))


@pytest.mark.parametrize(
    "forged",
    [
        lambda change: change.update(outcome="pass", because="none_became_worse"),
        lambda change: change["rules"][0].update(outcome="pass", because="none_became_worse"),
        lambda change: change["verdicts"][0].update(outcome="pass", because="not_worse", p_worse=0.5),
        lambda change: change["verdicts"][0].update(p_worse=0.9),
        lambda change: change.update(rules=[], verdicts=[]),
        # without those who became worse
        lambda change: (
            change.update(outcome="pass", because="none_became_worse", verdicts=change["verdicts"][1:]),
            change["rules"][0].update(outcome="pass", because="none_became_worse"),
        ),
    ],
)
def test_a_change_that_was_made_better_afterwards_is_refused(forged: object) -> None:
    feature = categorical("region", ["a", "b"])
    result, change = separately(
        {("a",): found(0.9), ("b",): found(0.9)}, {("a",): found(0.6), ("b",): found(0.9)}, feature
    )
    assert change.outcome == "fail"
    document = json.loads(result_to_json(result))
    assert callable(forged)
    forged(document["change"])
    with pytest.raises(ResultError) as raised:
        parse_result(json.dumps(document))
    assert raised.value.slug == "contradictory-result"


def test_a_failing_change_cannot_be_left_out_of_the_verdict() -> None:
    feature = categorical("region", ["a", "b"])
    result, _ = separately({("a",): found(0.9), ("b",): found(0.9)}, {("a",): found(0.8), ("b",): found(0.8)}, feature)
    assert result.overall.outcome == "fail"
    document = json.loads(result_to_json(result))
    document["overall"]["outcome"] = "pass"
    with pytest.raises(ResultError):
        parse_result(json.dumps(document))
