"""docs/reference/metric-dictionary.md: every line computed here, in fairlearn and in AIF360."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from fairlearn import metrics as fairlearn
from made.aif360_import import quiet_import
from made.counts import categorical, cells, families_of, plan_of
from sklearn import metrics as sklearn

from audit.analyses.disparities import disparities
from audit.analyses.estimates import estimates
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.result.findings.judged import Disparity, Estimate
from audit.stats.heterogeneity import generalized_entropy
from audit.vocabulary.metrics import METRICS, MetricName
from tools.document_dictionary import dictionary_page
from tools.metric_dictionary import ENTRIES

with quiet_import():
    from aif360.datasets import BinaryLabelDataset
    from aif360.metrics import BinaryLabelDatasetMetric, ClassificationMetric

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metric-dictionary.md"
TABLES = {"a": (30, 10, 12, 48), "b": (12, 13, 5, 30), "c": (9, 1, 20, 20)}
FEATURE = categorical("origin", list(TABLES))


class Rows(NamedTuple):
    """One row a case, as the libraries are used by hand."""

    group: npt.NDArray[np.str_]
    label: npt.NDArray[np.int64]
    decision: npt.NDArray[np.int64]


def rows_of(tables: dict[str, tuple[int, int, int, int]]) -> Rows:
    made = [
        (name, label, decision)
        for name, counts in tables.items()
        for count, (label, decision) in zip(counts, ((1, 1), (1, 0), (0, 1), (0, 0)), strict=True)
        for _ in range(count)
    ]
    group, label, decision = zip(*made, strict=True)
    return Rows(np.array(group), np.array(label), np.array(decision))


def family_of(tables: dict[str, tuple[int, int, int, int]]) -> FamilyCounts:
    plan = plan_of([{"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1}], [FEATURE])
    _, families = families_of(plan, [FEATURE], {(name,): cells(*of) for name, of in tables.items()})
    return next(iter(families.values()))


def estimate(metric: str, name: str, tables: dict[str, tuple[int, int, int, int]] = TABLES) -> Estimate:
    found = estimates([family_of(tables)], METRICS.values(), level=0.95, min_denominator=1)
    return next(one for one in found if one.metric == metric and one.group.levels[0].code == name)


def disparity(
    metric: str,
    name: str,
    compared_with: str = "rest",
    tables: dict[str, tuple[int, int, int, int]] = TABLES,
) -> Disparity:
    plan = plan_of(
        [{"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1}],
        [FEATURE],
        verdict={"min_denominator": 1, "compare_with": ["rest", "overall"]},
    )
    (found,) = [
        one
        for one in disparities(plan.groups, plan.verdict, [family_of(tables)], METRICS.values())
        if (one.metric, one.group.levels[0].code, one.compared_with) == (metric, name, compared_with)
    ]
    return found


def known(value: float | None) -> float:
    assert value is not None
    return value


def aif360(name: str, rows: Rows | None = None, weight: npt.NDArray[np.float64] | None = None) -> Any:
    """AIF360's metric with the group `name` unprivileged and every other privileged."""
    given = rows_of(TABLES) if rows is None else rows
    places = {code: float(place) for place, code in enumerate(sorted({*TABLES, *given.group}))}

    def dataset(answer: npt.NDArray[np.int64]) -> Any:
        frame = pd.DataFrame({"group": [places[code] for code in given.group], "answer": answer.astype(float)})
        frame["weight"] = 1.0 if weight is None else weight
        return BinaryLabelDataset(
            df=frame, label_names=["answer"], protected_attribute_names=["group"], instance_weights_name="weight"
        )

    return ClassificationMetric(
        dataset(given.label),
        dataset(given.decision),
        unprivileged_groups=[{"group": places[name]}],
        privileged_groups=[{"group": place} for code, place in places.items() if code != name],
    )


def beside_rest(name: str, rows: Rows | None = None) -> dict[str, Any]:
    """Keyword arguments of fairlearn's disparity functions, with the group `name` and its rest as the two groups."""
    given = rows_of(TABLES) if rows is None else rows
    return {"y_true": given.label, "y_pred": given.decision, "sensitive_features": given.group == name}


def rate(metric: MetricName, functions: list[Callable[..., Any]], methods: list[str]) -> None:
    rows = rows_of(TABLES)
    for name in TABLES:
        expected = known(estimate(metric, name).value)
        own = rows.group == name
        for function in functions:
            assert function(rows.label[own], rows.decision[own]) == pytest.approx(expected, abs=1e-12)
        for method in methods:
            assert getattr(aif360(name), method)(privileged=False) == pytest.approx(expected, abs=1e-12)


def true_positive_rate() -> None:
    rate(
        "true_positive_rate",
        [fairlearn.true_positive_rate, sklearn.recall_score],
        ["true_positive_rate", "recall", "sensitivity"],
    )
    assert aif360("a").power(privileged=False) == 30


def false_negative_rate() -> None:
    rate("false_negative_rate", [fairlearn.false_negative_rate], ["false_negative_rate"])


def false_positive_rate() -> None:
    rate("false_positive_rate", [fairlearn.false_positive_rate], ["false_positive_rate"])


def true_negative_rate() -> None:
    rate("true_negative_rate", [fairlearn.true_negative_rate], ["true_negative_rate", "specificity"])


def precision() -> None:
    rate("precision", [sklearn.precision_score], ["precision", "positive_predictive_value"])
    assert aif360("a").false_discovery_rate(privileged=False) == pytest.approx(
        1 - known(estimate("precision", "a").value)
    )


def accuracy() -> None:
    rate("accuracy", [sklearn.accuracy_score], ["accuracy"])
    assert aif360("a").error_rate(privileged=False) == pytest.approx(1 - known(estimate("accuracy", "a").value))


def selection_rate() -> None:
    rate("selection_rate", [fairlearn.selection_rate], ["selection_rate"])
    plan = plan_of([{"metric": "selection_rate", "groups": ["origin"], "margin": 0.1}], [FEATURE], route="enforcement")
    _, families = families_of(plan, [FEATURE], {(name,): cells(*of, unlabelled=(7, 1)) for name, of in TABLES.items()})
    found = estimates(list(families.values()), METRICS.values(), level=0.95, min_denominator=1)
    of_a = next(one for one in found if one.metric == "selection_rate" and one.group.levels[0].code == "a")
    assert (of_a.numerator, of_a.denominator) == (30 + 12 + 7, 100 + 8)


def base_rate() -> None:
    rate("base_rate", [lambda label, _: fairlearn.selection_rate(label, label)], ["base_rate"])
    assert not hasattr(fairlearn, "base_rate")


def difference_from_rest() -> None:
    named = {
        "true_positive_rate": fairlearn.true_positive_rate,
        "false_positive_rate": fairlearn.false_positive_rate,
        "false_negative_rate": fairlearn.false_negative_rate,
    }
    signs = set()
    for metric, function in named.items():
        for name in TABLES:
            expected = known(disparity(metric, name).difference)
            assert getattr(aif360(name), f"{metric}_difference")() == pytest.approx(expected, abs=1e-12)
            frame = fairlearn.MetricFrame(metrics=function, **beside_rest(name))
            assert frame.difference() == pytest.approx(abs(expected), abs=1e-12)
            own = known(estimate(metric, name).value)
            signs.add((np.sign(expected), own < frame.by_group[False]))
    assert signs == {(-1.0, True), (1.0, False)}


def equal_opportunity() -> None:
    expected = known(disparity("true_positive_rate", "b").difference)
    assert expected < 0
    assert aif360("b").equal_opportunity_difference() == pytest.approx(expected)
    assert fairlearn.equal_opportunity_difference(**beside_rest("b")) == pytest.approx(-expected)
    rows = rows_of(TABLES)
    over_all = fairlearn.equal_opportunity_difference(rows.label, rows.decision, sensitive_features=rows.group)
    rates = [known(estimate("true_positive_rate", name).value) for name in TABLES]
    assert over_all == pytest.approx(max(rates) - min(rates))


def statistical_parity() -> None:
    expected = known(disparity("selection_rate", "b").difference)
    assert expected < 0
    assert aif360("b").statistical_parity_difference() == pytest.approx(expected)
    assert fairlearn.demographic_parity_difference(**beside_rest("b")) == pytest.approx(-expected)
    rows = rows_of(TABLES)
    frame = pd.DataFrame({"group": (rows.group == "b").astype(float), "answer": rows.decision.astype(float)})
    flags = BinaryLabelDataset(df=frame, label_names=["answer"], protected_attribute_names=["group"])
    of_flags = BinaryLabelDatasetMetric(flags, unprivileged_groups=[{"group": 1}], privileged_groups=[{"group": 0}])
    assert of_flags.mean_difference() == pytest.approx(expected)


def disparate_impact() -> None:
    for name, above in (("b", False), ("c", True)):
        expected = known(disparity("selection_rate", name).ratio)
        assert (expected > 1) == above
        assert aif360(name).disparate_impact() == pytest.approx(expected)
        theirs = fairlearn.demographic_parity_ratio(**beside_rest(name))
        assert theirs == pytest.approx(min(expected, 1 / expected))


def difference_from_overall() -> None:
    rows = rows_of(TABLES)
    frame = fairlearn.MetricFrame(
        metrics=fairlearn.true_positive_rate,
        y_true=rows.label,
        y_pred=rows.decision,
        sensitive_features=rows.group,
    )
    ours = [known(disparity("true_positive_rate", name, "overall").difference) for name in TABLES]
    assert frame.difference(method="to_overall") == pytest.approx(max(abs(one) for one in ours))
    assert min(ours) < 0 < max(ours)


def gaps(name: str) -> tuple[float, float]:
    return tuple(known(disparity(one, name).difference) for one in ("true_positive_rate", "false_positive_rate"))  # type: ignore[return-value]


def average_odds() -> None:
    tpr, fpr = gaps("a")
    assert aif360("a").average_odds_difference() == pytest.approx((tpr + fpr) / 2)
    assert aif360("a").average_abs_odds_difference() == pytest.approx((abs(tpr) + abs(fpr)) / 2)
    theirs = fairlearn.equalized_odds_difference(**beside_rest("a"), agg="mean")
    assert theirs == pytest.approx((abs(tpr) + abs(fpr)) / 2)
    opposed = rows_of({"a": (5, 5, 10, 0), "b": (10, 0, 5, 5)})
    assert aif360("a", opposed).average_odds_difference() == pytest.approx(0)
    assert aif360("a", opposed).average_abs_odds_difference() == pytest.approx(0.5)
    assert fairlearn.equalized_odds_difference(**beside_rest("a", opposed), agg="mean") == pytest.approx(0.5)


def equalized_odds() -> None:
    for name in TABLES:
        expected = max(abs(gap) for gap in gaps(name))
        assert fairlearn.equalized_odds_difference(**beside_rest(name)) == pytest.approx(expected)
        assert aif360(name).equalized_odds_difference() == pytest.approx(expected)


def equalized_odds_ratio() -> None:
    for name in TABLES:
        ratios = [known(disparity(one, name).ratio) for one in ("true_positive_rate", "false_positive_rate")]
        expected = min(min(ratio, 1 / ratio) for ratio in ratios)
        assert fairlearn.equalized_odds_ratio(**beside_rest(name)) == pytest.approx(expected)
        assert aif360(name).false_positive_rate_ratio() == pytest.approx(ratios[1])
    assert not hasattr(ClassificationMetric, "equalized_odds_ratio")


def entropy(alpha: float) -> tuple[float, float]:
    tp, fn, fp, tn = np.array(list(TABLES.values())).T
    total, between, _ = generalized_entropy(tp, fn, fp, tn, alpha)
    return float(total), float(between)


def generalized_entropy_index() -> None:
    total, _ = entropy(2.0)
    assert aif360("a").generalized_entropy_index(alpha=2) == pytest.approx(total)
    weight = np.linspace(1.0, 9.0, len(rows_of(TABLES).label))
    assert aif360("a", weight=weight).generalized_entropy_index(alpha=2) == pytest.approx(total)
    assert aif360("a", weight=weight).accuracy() != pytest.approx(aif360("a").accuracy())


def between_group_entropy() -> None:
    _, between = entropy(2.0)
    assert aif360("a").between_all_groups_generalized_entropy_index(alpha=2) == pytest.approx(between)
    assert aif360("a").between_group_generalized_entropy_index(alpha=2) != pytest.approx(between)


def theil() -> None:
    assert aif360("a").theil_index() == pytest.approx(entropy(1.0)[0])


@contextmanager
def undefined() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")
        yield


def undefined_rate() -> None:
    tables = {"a": (3, 2, 1, 4), "b": (0, 0, 2, 2), "c": (2, 2, 0, 0)}
    rows = rows_of(tables)
    own = rows.group == "b"
    of_b = estimate("true_positive_rate", "b", tables)
    assert (of_b.value, of_b.reason) == (None, "no_cases")
    assert fairlearn.true_positive_rate(rows.label[own], rows.decision[own]) == 0
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert math.isnan(aif360("b", rows).true_positive_rate(privileged=False))
    flagged = rows_of({"a": (3, 2, 1, 4), "b": (0, 3, 0, 2)})
    with undefined():
        assert sklearn.precision_score(flagged.label[-5:], flagged.decision[-5:]) == 0
        assert aif360("b", flagged).precision(privileged=False) == 0
    assert estimate("precision", "b", {**tables, "b": (0, 3, 0, 2)}).value is None


def empty_group() -> None:
    tables = {"a": (3, 2, 1, 4), "b": (0, 0, 0, 0), "c": (2, 2, 1, 1)}
    rows = rows_of(tables)
    frame = fairlearn.MetricFrame(
        metrics=fairlearn.true_positive_rate, y_true=rows.label, y_pred=rows.decision, sensitive_features=rows.group
    )
    assert list(frame.by_group.index) == ["a", "c"]
    crossed = fairlearn.MetricFrame(
        metrics=fairlearn.true_positive_rate,
        y_true=np.array([1, 1]),
        y_pred=np.array([1, 0]),
        sensitive_features=pd.DataFrame({"one": ["x", "y"], "two": ["p", "q"]}),
    )
    assert math.isnan(crossed.by_group["x", "q"])
    with undefined():
        assert aif360("b", rows).accuracy(privileged=False) == 0
        assert math.isnan(aif360("b", rows).true_positive_rate(privileged=False))
        assert aif360("b", rows).error_rate_ratio() > 1
    assert [estimate(one, "b", tables).reason for one in ("accuracy", "true_positive_rate")] == ["no_cases"] * 2


def ratio_to_zero() -> None:
    tables = {"a": (3, 2, 1, 4), "b": (0, 5, 0, 5), "c": (0, 2, 0, 1)}
    rows = rows_of(tables)
    found = disparity("true_positive_rate", "a", tables=tables)
    assert (found.ratio, found.reason, found.difference) == (None, "zero_in_rest", 0.6)
    with undefined():
        assert aif360("a", rows).disparate_impact() == math.inf
        frame = fairlearn.MetricFrame(metrics=fairlearn.selection_rate, **beside_rest("a", rows))
        assert frame.ratio() == 0
        nobody = rows_of({"a": (0, 2, 0, 4), "b": (0, 5, 0, 5)})
        assert math.isnan(fairlearn.MetricFrame(metrics=fairlearn.selection_rate, **beside_rest("a", nobody)).ratio())


def positive_label() -> None:
    label = np.array(["yes", "no", "yes"])
    assert fairlearn.selection_rate(label, label) == 0
    with pytest.raises(ValueError, match="pos_label"):
        fairlearn.true_positive_rate(label, label)
    scores = np.array([1.0, 0.9, 0.7])
    assert fairlearn.selection_rate([1, 1, 1], scores) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="numerical"):
        BinaryLabelDataset(
            df=pd.DataFrame({"group": [0.0, 1.0, 0.0], "answer": label}),
            label_names=["answer"],
            protected_attribute_names=["group"],
        )


def missing_feature() -> None:
    plan = plan_of([{"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1}], [FEATURE])
    table = pd.DataFrame(
        {"id": ["1", "2", "3"], "label": ["1", "0", "1"], "origin": ["a", None, "b"], "score": [0.9, 0.1, 0.2]}
    )
    with open_evaluation_set(plan, Path(), table) as evaluation_set:
        (origin,) = evaluation_set.features
    assert "unknown" in {level.code for level in origin.levels}
    with pytest.raises(ValueError, match=r"(?i)missing|nan|null"):
        fairlearn.MetricFrame(
            metrics=fairlearn.true_positive_rate, y_true=[1, 0, 1], y_pred=[1, 0, 0], sensitive_features=table["origin"]
        )
    with pytest.raises(ValueError, match="NA"):
        BinaryLabelDataset(
            df=pd.DataFrame({"group": [0.0, np.nan, 1.0], "answer": [1.0, 0.0, 1.0]}),
            label_names=["answer"],
            protected_attribute_names=["group"],
        )


def weights() -> None:
    rows = rows_of(TABLES)
    weight = np.linspace(1.0, 9.0, len(rows.label))
    own = rows.group == "b"
    found, hits = own & (rows.label == 1), own & (rows.label == 1) & (rows.decision == 1)
    hajek = weight[hits].sum() / weight[found].sum()
    theirs = fairlearn.true_positive_rate(rows.label[own], rows.decision[own], sample_weight=weight[own])
    assert theirs == pytest.approx(hajek)
    assert aif360("b", weight=weight).true_positive_rate(privileged=False) == pytest.approx(hajek)
    assert weighted_here(rows, weight) == pytest.approx(hajek)
    with pytest.raises(ValueError, match="disjoint"):
        BinaryLabelDatasetMetric(
            aif360("a").dataset, unprivileged_groups=[{"group": 0}], privileged_groups=[{"group": 0}, {"group": 1}]
        )
    one, other = aif360("a").dataset, aif360("a", weight=weight).dataset
    with pytest.raises(ValueError, match="differ only"):
        ClassificationMetric(one, other)


def weighted_here(rows: Rows, weight: npt.NDArray[np.float64]) -> float:
    """The weighted share found in group b, as verdicts take it."""
    from audit.counting.count import count_cases, count_moments
    from audit.counting.table import count_families
    from audit.scoring import score
    from audit.vocabulary.metrics import METRICS

    made = plan_of([{"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1}], [FEATURE])
    section = made.evaluation_set.model_copy(update={"weight": "weight"})
    plan = made.model_copy(update={"evaluation_set": section})
    table = pd.DataFrame(
        {
            "id": [str(number) for number in range(len(weight))],
            "label": [str(label) for label in rows.label],
            "origin": rows.group.tolist(),
            "score": rows.decision.astype(float),
            "weight": weight,
        }
    )
    with open_evaluation_set(plan, Path(), table) as evaluation_set:
        score(plan, evaluation_set, Path())
        moments = count_moments(evaluation_set)
        families = count_families(plan.groups, plan.rules, count_cases(evaluation_set), evaluation_set.features)
    assert isinstance(moments, Moments)
    metric = METRICS["true_positive_rate"]
    family = next(iter(families.values()))
    return float(moments.of(family).own((metric.numerator, metric.denominator)).rate[1])


CASES: dict[str, Callable[[], None]] = {
    case.__name__: case
    for case in (
        true_positive_rate, false_negative_rate, false_positive_rate, true_negative_rate, precision, accuracy,
        selection_rate, base_rate, difference_from_rest, equal_opportunity, statistical_parity, disparate_impact,
        difference_from_overall, average_odds, equalized_odds, equalized_odds_ratio, between_group_entropy, theil,
        undefined_rate, empty_group, ratio_to_zero, positive_label, missing_feature, weights,
    )
} | {"generalized_entropy": generalized_entropy_index}  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_every_line_is_computed_in_all_three(entry: Any) -> None:
    CASES[entry.id]()


def test_every_line_has_a_case_and_every_case_a_line() -> None:
    assert sorted(CASES) == sorted(entry.id for entry in ENTRIES)


def test_the_page_is_written_from_the_lines() -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary_page().rstrip() + "\n"
