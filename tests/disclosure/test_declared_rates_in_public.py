"""A rate that a plan declares tells the public what the printed numbers tell, and no more."""

from __future__ import annotations

import json
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made.audits import gender, result_of
from made.rates import NPV, section, twin_of
from made.releases import FAILING, GENDERS, RULES, countries, published, rows_of

from audit.disclosure.rates import RateOf, is_told_by_rows, rate_in_print
from audit.disclosure.read import parse_release
from audit.disclosure.words import WordLog
from audit.errors import ResultError
from audit.plan.measures import DeclaredRate
from audit.public.release import PublicMethod, PublicRelease, PublicRow, public_json
from audit.result.audit_result import AuditResult
from audit.stages import Scope
from audit.stats.arrays import IntArray
from audit.vocabulary.metrics import METRICS, Cell, Metric

GROUPS = ["gender", "nationality", ["gender", "nationality"]]


def own(numerator: list[str], denominator: list[str]) -> Metric:
    return DeclaredRate.model_validate(section(numerator, denominator)).as_metric("own")


def test_what_is_printed_of_our_rates_follows_from_their_cells() -> None:
    expected = {
        "true_positive_rate": RateOf((1, -1, 0, 0), (1, 0, 0, 0), "positives", counts_errors=False),
        "false_negative_rate": RateOf((0, 1, 0, 0), (1, 0, 0, 0), "positives", counts_errors=True),
        "false_positive_rate": RateOf((0, 0, 0, 1), (0, 0, 1, 0), "negatives", counts_errors=True),
        "true_negative_rate": RateOf((0, 0, 1, -1), (0, 0, 1, 0), "negatives", counts_errors=False),
        "precision": RateOf((1, -1, 0, 0), (1, -1, 0, 1), "both", counts_errors=False),
        "accuracy": RateOf((1, -1, 1, -1), (1, 0, 1, 0), "both", counts_errors=False),
        "selection_rate": RateOf((1, -1, 0, 1), (1, 0, 1, 0), "both", counts_errors=True, needs=("unlabelled",)),
        "base_rate": RateOf((1, 0, 0, 0), (1, 0, 1, 0), "both", counts_errors=True, needs=("unscored",)),
    }
    assert {name: rate_in_print(METRICS[name]) for name in expected} == expected


def test_every_rate_of_labelled_cells_is_that_of_its_counts() -> None:
    """Victims, missed, others, wrongly flagged of 30, 10, 20 and 40 cases."""
    counts = {"TP": 30, "FN": 10, "FP": 20, "TN": 40}
    printed = np.array([40, 10, 60, 20])
    for size in (2, 3, 4):
        for among in combinations(counts, size):
            for counted in (some for part in range(1, size) for some in combinations(among, part)):
                if size == 4 and counted in (("TP", "FN"), ("FP", "TN")):
                    continue
                rate = rate_in_print(own(list(counted), list(among)))
                assert printed @ np.array(rate.top) == sum(counts[name] for name in counted)
                assert printed @ np.array(rate.bottom) == sum(counts[name] for name in among)
                one_side: dict[tuple[str, ...], str] = {("TP", "FN"): "positives", ("FP", "TN"): "negatives"}
                assert (rate.side, rate.needs) == (one_side.get(among, "both"), ())


@cache
def rows(kind: str) -> dict[tuple[str, ...], IntArray]:
    return rows_of(30_000, gaps=FAILING) if kind == "fail" else rows_of(12_000, missed=0.02, flagged=0.02, places=20)


def audited(kind: str, rates: dict[str, Any], *limits: dict[str, Any]) -> AuditResult:
    codes = sorted({country for _, country in rows(kind)})
    features = [gender(tuple(GENDERS)), countries(codes)]
    return result_of(rows(kind), features, [*RULES, *limits], rates=rates, scope=Scope.RECORDS)


def release_of(folder: Path, result: AuditResult) -> PublicRelease:
    folder.mkdir(exist_ok=True)
    return published(result, folder / "restricted")


RATES: dict[str, dict[str, Any]] = {
    "predictive_value_of_rest": NPV,
    "critical_success": section(["TP"], ["TP", "FN", "FP"]),
    "misses_among_errors": section(["FN"], ["FN", "FP"], "high"),
    "left_alone_of_all": section(["FN"], ["FN", "TN", "FP", "TP"], "high"),
}


@pytest.mark.parametrize("kind", ["fail", "few"])
def test_it_adds_no_number_and_changes_none(kind: str, tmp_path: Path) -> None:
    limits = [{"metric": name, "groups": GROUPS, "margin": 0.05} for name in RATES]
    plain = release_of(tmp_path / "plain", audited(kind, {}))
    more = release_of(tmp_path / "more", audited(kind, RATES, *limits))
    # more limits share one level, so that a word on another rate can become more careful
    numbers = [row.model_copy(update={"words": ()}) for row in more.rows if row.side != "both"]
    assert numbers == [row.model_copy(update={"words": ()}) for row in plain.rows]
    assert (more.unscored, more.unlabelled, more.sides) == (plain.unscored, plain.unlabelled, plain.sides)
    of_side = {(row.side, row.key): row for row in more.rows}
    both = [row for row in more.rows if row.side == "both"]
    assert len(both) > 5
    hidden = 0
    for row in both:
        sides = [of_side["positives", row.key], of_side["negatives", row.key]]
        assert row.errors is None
        assert row.people == sum(side.people for side in sides)
        known = all(side.errors is not None for side in sides)
        hidden += not known
        for rate in row.rates:
            assert rate.at_least is rate.at_most is None
            assert rate.value == (by_hand(more.rates[rate.metric], sides) if known else None)
        told = [word.word for word in row.words if word.word in ("beyond", "within")]
        assert known or not told, "a hidden number has no word that hangs on it"
    assert hidden > 0 if kind == "few" else hidden < len(both)


def by_hand(metric: Metric, sides: list[PublicRow]) -> float | None:
    (victims, missed), (others, wrong) = ((side.people, side.errors or 0) for side in sides)
    counts = {Cell.TP: victims - missed, Cell.FN: missed, Cell.FP: wrong, Cell.TN: others - wrong}
    top, bottom = (sum(counts[cell] for cell in cells) for cells in (metric.numerator, metric.denominator))
    return top / bottom if 0 < top < bottom else None


def test_a_word_of_it_is_that_of_the_exact_audit_and_only_where_its_cells_are_printed(tmp_path: Path) -> None:
    limits = [{"metric": name, "groups": GROUPS, "margin": 0.05} for name in RATES]
    result = audited("fail", RATES, *limits)
    exact = {(v.rule, group): v.outcome for v in result.verdicts for group in (v.group, *v.same_people)}
    release = release_of(tmp_path, result)
    said = [(row, word) for row in release.rows for word in row.words if word.rule in RATES]
    for row, word in said:
        if word.word in ("beyond", "within"):
            assert row.group is not None
            assert exact[word.rule, row.group] == {"beyond": "fail", "within": "pass"}[word.word]
    told = {word.rule for _, word in said if word.word in ("beyond", "within")}
    assert "predictive_value_of_rest" in told
    untold = [word for _, word in said if word.rule in ("misses_among_errors", "left_alone_of_all")]
    assert {word.word for word in untold if word.word} == {"cannot_tell"}
    assert not any(word.smaller_beyond for word in untold)


def test_cases_that_no_row_prints_give_it_no_word() -> None:
    method = PublicMethod(floor=10, row=20, largest_change=8, variance=8.0)
    absent = method.model_copy(update={"absent": ("unlabelled",)})
    unlabelled = ["unlabelled_flagged", "unlabelled_not_flagged"]
    flagged = own(["TP", "FP", unlabelled[0]], ["TP", "FN", "FP", "TN", *unlabelled])
    assert rate_in_print(flagged).needs == ("unlabelled",)
    assert not is_told_by_rows(flagged, method)
    assert is_told_by_rows(flagged, absent)
    assert is_told_by_rows(own(["TN"], ["TN", "FN"]), method)
    assert not is_told_by_rows(own(["FN"], ["FN", "FP"]), absent), "neither errors among answers, nor flags"
    part_of_a_side = own(["TP"], ["TP", "unlabelled_flagged"])
    assert rate_in_print(part_of_a_side).side == "both", "a bound on one side's errors is none on this"


def test_a_twin_of_ours_is_published_as_ours_is(tmp_path: Path) -> None:
    rule = {"groups": GROUPS, "margin": 0.1, "id": "limit"}
    for name in ("true_negative_rate", "precision", "accuracy"):
        ours = release_of(tmp_path / name, audited("fail", {}, {"metric": name, **rule}))
        twin_result = audited("fail", {"twin": twin_of(METRICS[name])}, {"metric": "twin", **rule})
        twin = release_of(tmp_path / f"{name}-twin", twin_result)
        renamed = [row.model_dump_json().replace('"twin"', f'"{name}"') for row in twin.rows]
        assert list(map(PublicRow.model_validate_json, renamed)) == list(ours.rows)


def test_words_stand_under_the_cells_that_they_were_said_of() -> None:
    """Other cells under the same name are another limit: no word of before is printed again."""
    limit = {"metric": "own", "groups": GROUPS, "margin": 0.05}
    declared = ((["TN"], ["TN", "FN"]), (["TP"], ["TP", "FP"]))
    plans = [audited("few", {"own": section(*cells)}, limit).plan for cells in declared]
    row = PublicRow(side="both", parts=(), people=40, errors=None, as_of="2026-01-01")
    log = WordLog({"said": {}}, plans[0])
    log.add(row, "1/1")
    assert WordLog({"said": log.to_json()}, plans[0]).standing(row, "1/1") is not None
    assert WordLog({"said": log.to_json()}, plans[1]).standing(row, "1/1") is None


def test_a_release_says_the_cells_and_is_read_back(tmp_path: Path) -> None:
    limit = {"metric": "own", "groups": ["gender"], "margin": 0.05}
    release = release_of(tmp_path, audited("few", {"own": NPV}, limit))
    content = public_json(release).encode()
    assert parse_release(content) == release
    document = json.loads(content)
    (definition,) = [one for one in document["about"]["metrics"] if one["name"] == "own"]
    assert definition["numerator"] == ["true_negative"]
    assert definition["denominator"] == ["false_negative", "true_negative"]
    assert not any("numerator" in one for one in document["about"]["metrics"] if one["name"] != "own")
    wrong: tuple[dict[str, Any], ...] = (
        {"name": "true_positive_rate"},  # a rate of ours by other cells
        {"numerator": []},
        {"numerator": ["true_positive"]},
        {"name": "another"},  # a rule on a rate that nobody knows
        {"name": "<b>own</b>"},
    )
    for changes in wrong:
        metrics = [{**one, **(changes if one["name"] == "own" else {})} for one in document["about"]["metrics"]]
        about = {**document["about"], "metrics": metrics}
        changed = json.dumps({**document, "about": about}, separators=(",", ":"), ensure_ascii=False) + "\n"
        with pytest.raises(ResultError, match=r"public release|as it was written"):
            parse_release(changed.encode())
