from __future__ import annotations

from made.audits import result_of
from made.counts import categorical, cells

RULES = [{"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1}]


def codes(**rows: object) -> set[str]:
    features = [categorical("sex", list(rows))]
    result = result_of({(code,): of for code, of in rows.items()}, features, RULES)  # type: ignore[misc]
    return {notice.code for notice in result.notices}


def test_every_result_says_that_it_is_restricted_whose_labels_it_takes_and_who_checked_it() -> None:
    assert codes(a=cells(80, 20), b=cells(80, 20)) == {"restricted", "labels", "crosscheck-skipped"}


def test_many_rows_without_a_label_are_told_and_the_groups_in_which_they_are() -> None:
    found = codes(a=cells(80, 20), b=cells(80, 20, unlabelled=(100, 4_900)))
    assert {"unlabelled", "unlabelled_groups"} & found == {"unlabelled"}
    found = codes(a=cells(8_000, 2_000), b=cells(80, 20, unlabelled=(10, 90)))
    assert {"unlabelled", "unlabelled_groups"} & found == {"unlabelled_groups"}


def test_rows_that_were_not_scored_are_told() -> None:
    assert "unscored_cases" in codes(a=cells(80, 20, failed=(1, 0, 0)), b=cells(80, 20))


def test_a_rate_far_from_the_planned_one_is_told() -> None:
    assert "planned_rate_true_positive_rate" in codes(a=cells(20, 80), b=cells(20, 80))


def test_a_primary_harm_that_no_rule_limits_is_told() -> None:
    features = [categorical("sex", ["a", "b"])]
    rows = {("a",): cells(80, 20, 10, 90), ("b",): cells(80, 20, 10, 90)}
    rules = [{"metric": "false_positive_rate", "groups": ["sex"], "margin": 0.1}]
    found = {notice.code for notice in result_of(rows, features, rules).notices}  # type: ignore[arg-type]
    assert "no_limit_on_missed" in found
