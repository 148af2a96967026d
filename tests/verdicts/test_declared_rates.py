"""A rate that a plan declares is judged, estimated and checked as one of ours."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.audits import gender, result_of
from made.counts import categorical, cells, families_of, plan_of
from made.rates import JUDGED, NPV, section, twin_of
from made.weighted_rows import Made

from audit.analyses.crosscheck import agreement, libraries
from audit.analyses.crosscheck.libraries import Question, question_as_json, question_of_json
from audit.analyses.crosscheck.questions import Rows, Tables, own_answers
from audit.analyses.estimates import estimates
from audit.analyses.sides import questions
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import AuditResult
from audit.stats.arrays import IntArray
from audit.verdicts.judge import judge
from audit.vocabulary.metrics import CELL_NAMES, METRICS, Cell, Metric, Worse, cells_called, depends_on_decisions

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, asked in this process

CODES = ("a", "b", "c")
FEATURE = categorical("origin", CODES)
FOUR = ("TP", "FN", "FP", "TN")
SIX = (*FOUR, "unlabelled_flagged", "unlabelled_not_flagged")
counts = st.lists(st.integers(0, 60), min_size=12, max_size=12).map(
    lambda flat: np.array(flat, dtype=np.int64).reshape(3, 4)
)
sets = st.lists(counts, min_size=len(CODES), max_size=len(CODES))


def plan_on(rule: dict[str, Any], rates: dict[str, Any], route: str = "services") -> AuditPlan:
    return plan_of(
        [{"groups": ["origin"], "id": "limit", **rule}], [FEATURE], rates=rates, route=route,
        groups={"origin": {"min_cases": 20}}, verdict={"min_denominator": 1},
    )  # fmt: skip


def family(plan: AuditPlan, tables: Sequence[IntArray]) -> FamilyCounts:
    rows: dict[tuple[str, ...], IntArray] = {(code,): table for code, table in zip(CODES, tables, strict=True)}
    (of_plan,) = families_of(plan, [FEATURE], rows)[1].values()
    return of_plan


@given(name=st.sampled_from(JUDGED), tables=sets, scale=st.sampled_from([{"margin": 0.1}, {"ratio": 0.8}]))
def test_one_with_the_cells_of_ours_has_its_verdicts_and_intervals(
    name: str, tables: list[IntArray], scale: dict[str, float]
) -> None:
    ours = plan_on({"metric": name, **scale}, {})
    twin = plan_on({"metric": "twin", **scale}, {"twin": twin_of(METRICS[name])})
    by_plan = []
    for plan in (ours, twin):
        counted = family(plan, tables)
        rules, verdicts, overall = judge(plan, {counted.family: counted}, {"origin": FEATURE}, None)
        shown = estimates([counted], [plan.rules[0].rate], level=0.95, min_denominator=1)
        by_plan.append(
            (
                [rule.model_copy(update={"metric": "any"}) for rule in rules],
                verdicts,
                overall,
                [row.model_copy(update={"metric": "any"}) for row in shown],
            )
        )
    assert by_plan[0] == by_plan[1]


def test_and_so_it_has_where_cases_are_weighted_or_clustered() -> None:
    rng = np.random.default_rng(8)
    group = [str(code) for code in rng.choice(["a", "b"], 600)]
    cell = [list(Cell)[place] for place in rng.choice(len(Cell), 600)]
    weighted = Made(group, cell, weight=rng.lognormal(size=600))
    clustered = Made(group, cell, cluster=np.arange(600) // 4)
    for made, name in product((weighted, clustered), JUDGED):
        by_plan = []
        for metric, rates in ((name, {}), ("twin", {"twin": twin_of(METRICS[name])})):
            rule, verdicts = made.judged(made.plan({"metric": metric, "margin": 0.1, "id": "limit"}, rates=rates))
            by_plan.append((rule.model_copy(update={"metric": "any"}), verdicts))
        assert by_plan[0] == by_plan[1]


def declarable(names: Sequence[str]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Every numerator and denominator of some cells, the first a part of the second."""
    denominators = [some for size in range(2, len(names) + 1) for some in combinations(names, size)]
    return [
        (counted, among)
        for among in denominators
        for size in range(1, len(among))
        for counted in combinations(among, size)
    ]


def metric_of(numerator: Sequence[str], denominator: Sequence[str]) -> Metric | None:
    """The rate that a plan declares so; None where it is refused because no decision changes it."""
    own = section(numerator, denominator)
    if not depends_on_decisions(cells_called(numerator), cells_called(denominator)):
        with pytest.raises(ValueError, match="no rate of a detector"):
            plan_on({"metric": "own", "margin": 0.1}, {"own": own})
        return None
    return plan_on({"metric": "own", "margin": 0.1}, {"own": own}).rules[0].rate


def test_the_same_cells_of_flagged_and_other_cases_are_no_rate() -> None:
    refused = [pair for pair in declarable(FOUR) if metric_of(*pair) is None]
    assert refused == [(("TP", "FN"), FOUR), (("FP", "TN"), FOUR)]


def test_no_answer_of_an_unscored_case_puts_a_rate_beyond_its_ends() -> None:
    """Unscored cases are tried in every way: two with each label and two without."""
    scored = dict(zip((CELL_NAMES[name] for name in SIX), (3, 2, 4, 5, 1, 2), strict=True))
    pairs = (
        (Cell.TP, Cell.FN), (Cell.FP, Cell.TN), (Cell.UNLABELLED_FLAGGED, Cell.UNLABELLED_NOT_FLAGGED),
    )  # fmt: skip
    table = cells(3, 2, 4, 5, unlabelled=(1, 2), abstained=(2, 1, 2), failed=(0, 1, 0))
    tried = 0
    for numerator, denominator in declarable(SIX):
        metric = metric_of(numerator, denominator)
        if metric is None:
            continue
        tried += 1
        rates = []
        for flagged in product(range(3), repeat=3):
            decided = dict(scored)
            for (yes, no), number in zip(pairs, flagged, strict=True):
                decided[yes] += number
                decided[no] += 2 - number
            rates.append(
                sum(decided[cell] for cell in metric.numerator) / sum(decided[cell] for cell in metric.denominator)
            )
        plan = plan_on({"metric": "own", "margin": 0.1, "direction": "both"}, {"own": section(numerator, denominator)})
        of_plan = family(plan, [table, table, table])
        low, high = questions("services", plan.rules[0])
        lowest, most = low.at_its_worst(of_plan), high.at_its_worst(of_plan)
        assert lowest.x[0] / lowest.n[0] <= min(rates) + 1e-12
        assert most.x[0] / most.n[0] >= max(rates) - 1e-12
    assert tried > 500


def test_which_side_harms_is_as_declared() -> None:
    for harm, route, side in (
        ("low", "services", "low"), ("high", "services", "high"),
        ("by_route", "services", "low"), ("by_route", "enforcement", "high"),
    ):  # fmt: skip
        plan = plan_on({"metric": "own", "margin": 0.1}, {"own": section(["TN"], ["TN", "FN"], harm)}, route)
        assert [question.side for question in questions(plan.audit.route, plan.rules[0])] == [side]
    with pytest.raises(ValueError, match="both harm"):
        plan_on({"metric": "own", "margin": 0.1}, {"own": section(["TN"], ["TN", "FN"], "by_route")}, "both")


@given(tables=sets)
def test_the_libraries_state_the_same_number_by_their_own_functions(tables: list[IntArray]) -> None:
    """Negative predictive value, false omission and false discovery rate and the error rate of AIF360, and
    scikit-learn's precision of the negative label, where they have a denominator.
    """
    import pandas as pd
    from aif360.datasets import BinaryLabelDataset
    from aif360.metrics import ClassificationMetric
    from sklearn.metrics import precision_score

    for table in tables:
        four = table[:2, :2].ravel()
        frame = pd.DataFrame({"side": 0.0, "label": [1.0, 1.0, 0.0, 0.0], "weight": four.astype(float)})
        truth = BinaryLabelDataset(
            df=frame, label_names=["label"], protected_attribute_names=["side"], instance_weights_name="weight"
        )
        answered = truth.copy()
        answered.labels = np.array([[1.0], [0.0], [1.0], [0.0]])
        measured = ClassificationMetric(truth, answered)
        for method, numerator, denominator in (
            ("negative_predictive_value", ["TN"], ["TN", "FN"]),
            ("false_omission_rate", ["FN"], ["TN", "FN"]),
            ("false_discovery_rate", ["FP"], ["TP", "FP"]),
            ("error_rate", ["FP", "FN"], FOUR),
        ):
            plan = plan_on({"metric": "own", "margin": 0.1}, {"own": section(numerator, denominator)})
            own = estimates([family(plan, [table] * 3)], [plan.rules[0].rate], level=0.95, min_denominator=1)[0]
            if own.value is not None:
                assert own.value == pytest.approx(getattr(measured, method)())
                if method == "negative_predictive_value":
                    theirs = precision_score([1, 1, 0, 0], [1, 0, 1, 0], pos_label=0, sample_weight=four)
                    assert own.value == pytest.approx(theirs)


def test_every_rate_that_can_be_declared_is_compared_with_both_libraries() -> None:
    rng = np.random.default_rng(2)
    tables = [cells(*rng.integers(0, 9, 4), unlabelled=tuple(rng.integers(0, 9, 2))) for _ in range(2)]
    metrics = [
        metric._replace(name=f"own_{place}")
        for place, pair in enumerate(declarable(SIX)[::7])
        if (metric := metric_of(*pair)) is not None
    ]
    plan = plan_on({"metric": "accuracy", "margin": 0.1}, {})
    compared = family(plan, [*tables, cells()])
    label, decision = (np.array(of_row, dtype=np.int8) for of_row in ([1, 1, 0, 0, -1, -1], [1, 0, 1, 0, 1, 0]))
    rows = {compared.groups[2]: Rows(label[:0], decision[:0])}
    fairlearn, aif360 = agreement.crosscheck([compared], metrics, (), rows).agreements
    assert fairlearn.largest_difference == aif360.largest_difference == 0.0
    labelled = [metric for metric in metrics if set(metric.denominator) <= {Cell.TP, Cell.FN, Cell.FP, Cell.TN}]
    assert 0 < aif360.rates_compared < fairlearn.rates_compared
    assert fairlearn.rates_compared == sum(int((compared.denominator(metric) > 0).sum()) for metric in metrics)
    assert aif360.rates_compared == sum(int((compared.denominator(metric) > 0).sum()) for metric in labelled)


def test_a_wrong_count_of_a_declared_rate_ends_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    npv = plan_on({"metric": "of_rest", "margin": 0.1}, {"of_rest": NPV}).rules[0].rate
    tables = Tables(*(np.array([[[5.0, 3.0], [2.0, 7.0], [0.0, 0.0]]]) for _ in range(2)))
    (again,) = question_of_json(question_as_json(Question(tables, [npv], 1, []))).metrics
    assert (again.name, again.numerator, again.denominator) == (npv.name, npv.numerator, npv.denominator)
    for library in libraries.LIBRARIES:
        theirs = library.answers(tables, [again], 1)
        assert theirs.rates["of_rest"] == pytest.approx(own_answers(tables, [npv]).rates["of_rest"])
        assert theirs.rates["of_rest"] == pytest.approx([7 / 10])


def audited(rates: dict[str, Any], metric: str) -> AuditResult:
    rows: dict[tuple[str, ...], IntArray] = {
        ("woman",): cells(300, 60, 40, 600, abstained=(4, 3, 0)),
        ("man",): cells(350, 20, 40, 700),
    }
    rule = {"metric": metric, "groups": ["gender"], "margin": 0.03, "id": "limit"}
    return result_of(rows, [gender(("woman", "man"))], [rule], rates=rates)


def test_a_whole_audit_states_it_of_every_group_with_its_words() -> None:
    result = audited({"predictive_value_of_rest": NPV}, "predictive_value_of_rest")
    found = {
        tuple(level.code for level in row.group.levels): (row.numerator, row.denominator)
        for row in result.estimates
        if row.metric == "predictive_value_of_rest"
    }
    assert found == {(): (1300, 1380), ("man",): (700, 720), ("woman",): (600, 660)}
    (definition,) = [one for one in result.metrics if one.name == "predictive_value_of_rest"]
    assert (definition.formula, definition.worse) == ("TN / (FN + TN)", "low")
    assert definition.metric._replace(expected_rate=0.5, short="") == result.plan.rules[0].rate._replace(short="")
    assert {row.metric for row in result.disparities} == {*METRICS, "predictive_value_of_rest"}
    assert result.plan.rules[0].rate.denominator_is == "decisions"
    assert AuditResult.model_validate_json(result.model_dump_json(by_alias=True)) == result


def test_further_questions_are_answered_of_it_as_of_one_of_ours() -> None:
    twin, ours = (
        audited(*of_plan) for of_plan in (({"twin": twin_of(METRICS["precision"])}, "twin"), ({}, "precision"))
    )
    # the p-value of divisions at random is drawn by the name of the rate
    dumped = [
        result.further.model_copy(update={"between_groups": ()}).model_dump_json().replace('"twin"', '"precision"')
        for result in (twin, ours)
    ]
    assert dumped[0] == dumped[1]
    spreads = [
        [(row.spread, row.spread_low) for row in result.further.between_groups if row.metric == name]
        for result, name in ((twin, "twin"), (ours, "precision"))
    ]
    assert spreads[0] == spreads[1] != []
    assert [rule.outcome for rule in twin.rules] == [rule.outcome for rule in ours.rules]


def test_ours_are_what_their_table_says() -> None:
    """Cells, what unscored cases can do, and the source of the denominator, written out."""
    labels = {
        "true_positive_rate": ("TP", "TP FN", "positive", "positive", "labels"),
        "false_negative_rate": ("FN", "TP FN", "positive", "positive", "labels"),
        "false_positive_rate": ("FP", "FP TN", "negative", "negative", "labels"),
        "true_negative_rate": ("TN", "FP TN", "negative", "negative", "labels"),
        "precision": ("TP", "TP FP", "negative", "positive", "decisions"),
        "accuracy": ("TP TN", "TP FN FP TN", "positive negative", "positive negative", "labels"),
        "selection_rate": (
            "TP FP UNLABELLED_FLAGGED", "TP FN FP TN UNLABELLED_FLAGGED UNLABELLED_NOT_FLAGGED",
            "positive negative unlabelled", "positive negative unlabelled", "cases",
        ),
        "base_rate": (
            "TP FN UNSCORED_POSITIVE", "TP FN FP TN UNSCORED_POSITIVE UNSCORED_NEGATIVE", "", "", "labels",
        ),
    }  # fmt: skip
    for name, (numerator, denominator, lowest, highest, source) in labels.items():
        metric = METRICS[name]
        written = [" ".join(cell.name for cell in part) for part in (metric.numerator, metric.denominator)]
        joining = [
            " ".join(cell.value.removeprefix("unscored_") for cell in part)
            for part in (metric.lowest_if_unscored, metric.highest_if_unscored)
        ]
        assert (*written, *joining, metric.denominator_is) == (numerator, denominator, lowest, highest, source)
    assert {metric.worse for metric in METRICS.values()} == set(Worse)
