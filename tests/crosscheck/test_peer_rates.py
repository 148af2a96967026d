"""Our rates and disparities against fairlearn and AIF360 on random cases, row by row, their conventions written out.

Where a rate has no denominator the libraries answer with a number or with NaN, and we with None (statistics.md, 5):

    rate                       fairlearn 0.15        AIF360 0.6.1
    no positives: TPR, FNR     0, 0                  NaN, NaN
    no negatives: FPR, TNR     0, 0                  NaN, NaN
    nobody flagged: precision  0                     0
    no rows at all             group is left out     accuracy and precision 0, everything else NaN
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made.aif360_import import quiet_import
from made.counts import categorical, cells, families_of, plan_of

from audit.analyses.disparities import disparities
from audit.analyses.estimates import estimates
from audit.counting.table import EVERYONE, everyone_as_family
from audit.result.findings.judged import Disparity, Estimate
from audit.vocabulary.metrics import METRICS, MetricName

NAMES = "ABCDE"
CLOSE = 1e-12

Row = tuple[str, int, int, int]
"""group, label, decision, how many such cases"""

FAIRLEARN_WITHOUT_DENOMINATOR: dict[MetricName, float] = {
    "true_positive_rate": 0.0,
    "false_negative_rate": 0.0,
    "false_positive_rate": 0.0,
    "true_negative_rate": 0.0,
    "precision": 0.0,
}
AIF360_WITHOUT_DENOMINATOR: dict[MetricName, float] = {
    "true_positive_rate": math.nan,
    "false_negative_rate": math.nan,
    "false_positive_rate": math.nan,
    "true_negative_rate": math.nan,
    "precision": 0.0,
    "accuracy": 0.0,
    "selection_rate": math.nan,
    "base_rate": math.nan,
}

rows = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from((0, 1)), st.sampled_from((0, 1)), st.integers(1, 40)),
    min_size=1,
    max_size=20,
)

NO_POSITIVES: list[Row] = [("A", 1, 1, 3), ("A", 1, 0, 2), ("A", 0, 1, 1), ("B", 0, 1, 4), ("B", 0, 0, 2)]
NO_NEGATIVES: list[Row] = [("A", 1, 1, 3), ("A", 0, 0, 2), ("B", 1, 1, 4), ("B", 1, 0, 2)]
NOBODY_FLAGGED: list[Row] = [("A", 1, 1, 3), ("A", 0, 0, 2), ("B", 1, 0, 4), ("B", 0, 0, 2)]
EVERYBODY_FLAGGED: list[Row] = [("A", 1, 1, 3), ("A", 0, 1, 2), ("B", 1, 1, 4), ("B", 0, 1, 1)]
ONE_CLASS_ALONE: list[Row] = [("A", 1, 1, 7)]
ONE_CASE: list[Row] = [("C", 0, 1, 1)]
ONE_GROUP: list[Row] = [("A", 1, 1, 3), ("A", 1, 0, 2), ("A", 0, 1, 1), ("A", 0, 0, 9)]
EDGES = [NO_POSITIVES, NO_NEGATIVES, NOBODY_FLAGGED, EVERYBODY_FLAGGED, ONE_CLASS_ALONE, ONE_CASE, ONE_GROUP]


def ours(made: list[Row]) -> tuple[dict[str, dict[MetricName, Estimate]], list[Disparity]]:
    """Estimates by group ("" is everyone) and disparities; every name of `NAMES` is a group, though it may be empty."""
    table: dict[str, list[int]] = {name: [0, 0, 0, 0] for name in NAMES}
    for name, label, decision, count in made:
        table[name][2 * (1 - label) + (1 - decision)] += count
    feature = categorical("ethnicity", NAMES)
    plan = plan_of(
        [{"metric": "true_positive_rate", "groups": ["ethnicity"], "margin": 0.1}],
        [feature],
        verdict={"min_denominator": 1, "compare_with": ["rest", "overall"]},
    )
    counts, families = families_of(plan, [feature], {(name,): cells(*of) for name, of in table.items()})
    found: dict[str, dict[MetricName, Estimate]] = {}
    shown = [everyone_as_family(counts), *families.values()]
    for estimate in estimates(shown, METRICS.values(), level=0.95, min_denominator=1):
        name = "" if estimate.group == EVERYONE else estimate.group.levels[0].code
        found.setdefault(name, {})[estimate.metric] = estimate
    return found, list(disparities(plan.groups, plan.verdict, list(families.values()), METRICS.values()))


def spread(made: list[Row]) -> pd.DataFrame:
    """One row a case, as the libraries are used by hand."""
    frame = pd.DataFrame(made, columns=["group", "label", "decision", "count"])
    return frame.loc[frame.index.repeat(frame["count"]), ["group", "label", "decision"]].reset_index(drop=True)


@contextmanager
def undefined_precision_ignored() -> Iterator[None]:
    from sklearn.exceptions import UndefinedMetricWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        yield


def metric_frame(made: list[Row]) -> Any:
    from fairlearn import metrics
    from sklearn.metrics import accuracy_score, precision_score

    frame = spread(made)
    with undefined_precision_ignored():
        return metrics.MetricFrame(
            metrics={
                "true_positive_rate": metrics.true_positive_rate,
                "false_negative_rate": metrics.false_negative_rate,
                "false_positive_rate": metrics.false_positive_rate,
                "true_negative_rate": metrics.true_negative_rate,
                "precision": precision_score,
                "accuracy": accuracy_score,
                "selection_rate": metrics.selection_rate,
            },
            y_true=frame["label"],
            y_pred=frame["decision"],
            sensitive_features=frame["group"],
        )


def aif360_metric(made: list[Row], group: str) -> Any:
    """AIF360's metric of one group ("unprivileged") against the rest."""
    with quiet_import():
        from aif360.datasets import BinaryLabelDataset
        from aif360.metrics import ClassificationMetric

    frame = spread(made)
    numbers = pd.DataFrame({"group": [float(NAMES.index(name)) for name in frame["group"]]})

    def dataset(column: str) -> Any:
        return BinaryLabelDataset(
            df=numbers.assign(label=frame[column].astype(float)),
            label_names=["label"],
            protected_attribute_names=["group"],
        )

    own = NAMES.index(group)
    return ClassificationMetric(
        dataset("label"),
        dataset("decision"),
        unprivileged_groups=[{"group": own}],
        privileged_groups=[{"group": place} for place in range(len(NAMES)) if place != own],
    )


@settings(max_examples=settings().max_examples // 2)  # in each the libraries are asked some thirty times
@given(made=rows)
@example(made=NO_POSITIVES)
@example(made=NO_NEGATIVES)
@example(made=NOBODY_FLAGGED)
@example(made=EVERYBODY_FLAGGED)
@example(made=ONE_CLASS_ALONE)
@example(made=ONE_CASE)
@example(made=ONE_GROUP)
def test_rates_are_those_of_fairlearns_metric_frame(made: list[Row]) -> None:
    found, _ = ours(made)
    frame = metric_frame(made)
    present = {name for name, *_ in made}
    assert set(frame.by_group.index) == present
    for name, by_metric in found.items():
        for metric, estimate in by_metric.items():
            if metric not in frame.by_group.columns:
                continue  # it has no function for it
            if name and name not in present:
                assert (estimate.value, estimate.reason) == (None, "no_cases")
                continue
            theirs = frame.by_group.loc[name, metric] if name else frame.overall[metric]
            if estimate.value is None:
                assert theirs == FAIRLEARN_WITHOUT_DENOMINATOR[metric]
            else:
                assert theirs == pytest.approx(estimate.value, rel=0, abs=CLOSE)


@settings(max_examples=settings().max_examples // 2)  # in each the libraries are asked some thirty times
@given(made=rows)
@example(made=NO_POSITIVES)
@example(made=NO_NEGATIVES)
@example(made=NOBODY_FLAGGED)
@example(made=EVERYBODY_FLAGGED)
@example(made=ONE_CLASS_ALONE)
@example(made=ONE_CASE)
@example(made=ONE_GROUP)
def test_rates_are_those_of_aif360(made: list[Row]) -> None:
    found, _ = ours(made)
    for name in NAMES:
        metric_of = aif360_metric(made, name)
        for metric in AIF360_WITHOUT_DENOMINATOR:
            estimate = found[name][metric]
            with np.errstate(divide="ignore", invalid="ignore"):
                theirs = float(getattr(metric_of, metric)(privileged=False))
                of_all = float(getattr(metric_of, metric)())
            _same(estimate, theirs, metric)
            _same(found[""][metric], of_all, metric)


def _same(estimate: Estimate, theirs: float, metric: MetricName) -> None:
    if estimate.value is None:
        assert theirs == pytest.approx(AIF360_WITHOUT_DENOMINATOR[metric], nan_ok=True)
    else:
        assert theirs == pytest.approx(estimate.value, rel=0, abs=CLOSE)


AIF360_DIFFERENCES: dict[MetricName, tuple[str, str]] = {
    "selection_rate": ("statistical_parity_difference", "disparate_impact"),
    "true_positive_rate": ("equal_opportunity_difference", ""),
    "false_positive_rate": ("false_positive_rate_difference", "false_positive_rate_ratio"),
    "false_negative_rate": ("false_negative_rate_difference", "false_negative_rate_ratio"),
}


@settings(max_examples=settings().max_examples // 2)  # in each the libraries are asked some thirty times
@given(made=rows)
@example(made=NO_POSITIVES)
@example(made=NOBODY_FLAGGED)
@example(made=ONE_GROUP)
def test_disparities_against_the_rest_are_aif360s_unprivileged_against_privileged(made: list[Row]) -> None:
    _, found = ours(made)
    metrics = {name: aif360_metric(made, name) for name in NAMES}
    for disparity in found:
        if disparity.compared_with != "rest" or disparity.metric not in AIF360_DIFFERENCES:
            continue
        difference, ratio = AIF360_DIFFERENCES[disparity.metric]
        metric_of = metrics[disparity.group.levels[0].code]
        with np.errstate(divide="ignore", invalid="ignore"):
            theirs = float(getattr(metric_of, difference)())
            their_ratio = float(getattr(metric_of, ratio)()) if ratio else math.nan
        if disparity.difference is None:
            assert math.isnan(theirs)
        else:
            assert theirs == pytest.approx(disparity.difference, rel=0, abs=CLOSE)
        if disparity.ratio is None:
            assert not math.isfinite(their_ratio)
        elif ratio:
            assert their_ratio == pytest.approx(disparity.ratio, rel=CLOSE, abs=CLOSE)


@settings(max_examples=settings().max_examples // 2)  # in each the libraries are asked some thirty times
@given(made=rows)
@example(made=NO_POSITIVES)
def test_the_largest_difference_from_everyone_is_fairlearns_where_every_rate_has_a_denominator(made: list[Row]) -> None:
    estimated, found = ours(made)
    theirs = metric_frame(made).difference(method="to_overall")
    present = {name for name, *_ in made}
    for metric in FAIRLEARN_WITHOUT_DENOMINATOR:
        known = [
            abs(disparity.difference)
            for disparity in found
            if disparity.metric == metric and disparity.compared_with == "overall" and disparity.difference is not None
        ]
        if all(estimated[name][metric].value is not None for name in present) and known:
            assert theirs[metric] == pytest.approx(max(known), rel=0, abs=CLOSE)
        elif known:
            assert theirs[metric] >= max(known) - CLOSE


def test_a_group_without_positives_is_unknown_here_and_the_worst_of_all_there() -> None:
    estimated, found = ours(NO_POSITIVES)
    assert metric_frame(NO_POSITIVES).difference()["true_positive_rate"] == pytest.approx(0.6)
    assert estimated["B"]["true_positive_rate"].value is None
    assert estimated["B"]["true_positive_rate"].reason == "no_cases"
    untestable = [d for d in found if d.metric == "true_positive_rate" and d.group.levels[0].code == "B"]
    assert {(d.difference, d.ratio, d.reason) for d in untestable} == {(None, None, "no_cases")}
