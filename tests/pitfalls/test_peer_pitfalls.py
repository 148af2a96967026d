"""Fifteen ways in which other tools go wrong (P1 to P15), shown on them where they are installed, and not here."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
from fairlearn import metrics as fairlearn
from made.aif360_import import quiet_import
from made.audits import result_of
from made.counts import categorical, cells, group, nationality, plan_of
from scipy.stats import norm
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import roc_auc_score
from statsmodels.stats.multitest import multipletests

from audit.analyses.crosscheck.own_measures_fairlearn import own_measures
from audit.errors import DataError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.audit_plan import AuditPlan
from audit.plan.measures import Measure
from audit.result.audit_result import AuditResult
from audit.result.findings.further import OwnMeasure
from audit.result.findings.judged import Disparity, Estimate
from audit.run import run_audit
from audit.scoring import score
from audit.stats.arrays import IntArray
from audit.stats.auc import RankedCases, auc, count_pairs
from audit.stats.bootstrap import expanded_percentiles, replicate_counts
from audit.stats.heterogeneity import equality_p, spread_between
from audit.stats.intervals import wilson
from audit.stats.subset_scan import calibrated_scan

with quiet_import():
    from aif360.datasets import BinaryLabelDataset
    from aif360.detectors import bias_scan
    from aif360.metrics import BinaryLabelDatasetMetric, ClassificationMetric

Rule = Mapping[str, Any]
RULE: Rule = {"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1}
AB = categorical("origin", ["a", "b"])


def dataset(groups: npt.ArrayLike, answers: npt.ArrayLike, weights: npt.ArrayLike = 1.0) -> Any:
    """AIF360's data set."""
    group_, answer = np.asarray(groups, dtype=np.float64), np.asarray(answers, dtype=np.float64)
    weight = np.broadcast_to(np.asarray(weights, dtype=np.float64), group_.shape)
    frame = pd.DataFrame({"group": group_, "answer": answer, "weight": weight})
    return BinaryLabelDataset(
        df=frame, label_names=["answer"], protected_attribute_names=["group"], instance_weights_name="weight"
    )


def aif360(groups: Sequence[int], labels: Sequence[int], decisions: Sequence[int]) -> Any:
    """AIF360's metric of group 1, unprivileged, against group 0."""
    return ClassificationMetric(
        dataset(groups, labels),
        dataset(groups, decisions),
        unprivileged_groups=[{"group": 1}],
        privileged_groups=[{"group": 0}],
    )


def audit_of(rows: Mapping[str, IntArray], *rules: Rule, **plan: Any) -> AuditResult:
    return result_of({(name,): of for name, of in rows.items()}, [categorical("origin", list(rows))], rules, **plan)


def estimate(result: AuditResult, metric: str, code: str) -> Estimate:
    return next(one for one in result.estimates if one.metric == metric and one.group == group(origin=code))


def disparity(result: AuditResult, metric: str, code: str) -> Disparity:
    return next(one for one in result.disparities if one.metric == metric and one.group == group(origin=code))


def scored_plan(*features: Any, **sections: Any) -> AuditPlan:
    return plan_of([RULE], [AB, *features]).model_copy(update=sections)


def test_p1_an_interval_of_the_largest_gap_is_no_interval_for_the_gap() -> None:
    """Twenty groups that are treated alike: fairlearn's 95 % interval of the gap never holds the true gap, 0."""
    rng = np.random.default_rng(1)
    groups, flags = rng.integers(0, 20, 2_000), rng.binomial(1, 0.3, 2_000)
    frame = fairlearn.MetricFrame(
        metrics=fairlearn.selection_rate,
        y_true=flags,
        y_pred=flags,
        sensitive_features=groups,
        n_boot=40,
        ci_quantiles=[0.025, 0.975],
        random_state=1,
    )
    low, high = frame.difference_ci()
    assert low > 0.1
    assert frame.difference() < (low + high) / 2
    n = np.bincount(groups)
    x = np.bincount(groups, weights=flags).astype(np.int64)
    ours = spread_between(x, n)
    assert ours is not None
    assert ours.low == 0.0
    same = equality_p(x, n, np.random.default_rng(2))
    assert same is not None
    assert same.p > 0.05
    rows = {f"g{place:02}": cells(*of) for place, of in enumerate(np.column_stack([x, n - x, x, n - x]).tolist())}
    result = audit_of(rows, RULE)
    assert result.overall.outcome != "fail"


def test_p2_a_rate_without_a_denominator_is_not_zero() -> None:
    """Group b has no positives. fairlearn: found 0 %, the worst of all, silently. AIF360: NaN."""
    groups, labels, decisions = [0, 0, 0, 1, 1, 1], [1, 1, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0]
    gap = fairlearn.equal_opportunity_difference(labels, decisions, sensitive_features=groups)
    assert gap == 0.5
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert math.isnan(aif360(groups, labels, decisions).equal_opportunity_difference())
    result = audit_of({"a": cells(1, 1, 0, 1), "b": cells(0, 0, 1, 2)}, RULE, verdict={"min_denominator": 1})
    of_b = estimate(result, "true_positive_rate", "b")
    assert (of_b.value, of_b.status, of_b.reason) == (None, "not_evaluable", "no_cases")
    assert disparity(result, "true_positive_rate", "b").difference is None
    (rule,) = result.rules
    assert rule.outcome == "inconclusive"


def test_p3_no_number_is_made_up_where_nobody_is_flagged() -> None:
    groups, labels, decisions = [0, 0, 0, 0, 1, 1, 1, 1], [1, 1, 0, 0] * 2, [0, 0, 0, 0, 1, 0, 0, 0]
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert aif360(groups, labels, decisions).disparate_impact() == math.inf
    assert fairlearn.demographic_parity_ratio(labels, decisions, sensitive_features=groups) == 0
    assert math.isnan(fairlearn.demographic_parity_ratio(labels, [0] * 8, sensitive_features=groups))
    rows = {"a": cells(fn=2, tn=2), "b": cells(tp=1, fn=1, tn=2)}
    found = disparity(audit_of(rows, RULE, verdict={"min_denominator": 1}), "selection_rate", "b")
    assert (found.ratio, found.ratio_low, found.reason) == (None, None, "zero_in_rest")
    assert found.difference == 0.25


def test_p4_opposite_harms_do_not_cancel_and_every_difference_has_its_sign() -> None:
    """Group b is found never and wrongly flagged always. AIF360's average of the two differences is 0."""
    tables = {"a": (20, 0, 0, 20), "b": (0, 20, 0, 20), "c": (20, 0, 20, 0)}
    labels = [1] * 20 + [0] * 20
    opposed = aif360([0] * 40 + [1] * 40, labels * 2, [1] * 10 + [0] * 10 + [0] * 20 + [0] * 20 + [1] * 10 + [0] * 10)
    assert opposed.true_positive_rate_difference() == -0.5
    assert opposed.average_odds_difference() == 0
    assert opposed.average_abs_odds_difference() == 0.5
    result = audit_of({name: cells(*of) for name, of in tables.items()}, RULE)
    assert disparity(result, "true_positive_rate", "b").difference == -1.0
    assert disparity(result, "false_positive_rate", "c").difference == 1.0
    assert disparity(result, "false_positive_rate", "b").difference == -0.5
    ratio = disparity(result, "selection_rate", "c").ratio
    assert ratio is not None
    assert ratio > 1
    assert fairlearn.demographic_parity_ratio([1, 0, 1, 0], [1, 1, 1, 0], sensitive_features=list("ccaa")) < 1


def test_p5_labels_are_read_as_declared_and_scores_become_decisions_before_they_count() -> None:
    words = np.array(["yes", "no", "yes", "no"])
    assert fairlearn.selection_rate(words, words) == 0
    scores = np.array([1.0, 0.9, 0.7, 0.1])
    assert fairlearn.selection_rate([1, 1, 1, 0], scores) == 0.25
    truth = dataset([0, 0, 1, 1], [1, 0, 1, 0])
    copied = truth.copy()
    copied.scores = np.array([[0.1], [0.9], [0.1], [0.9]])
    wrong = ClassificationMetric(truth, copied, unprivileged_groups=[{"group": 1}], privileged_groups=[{"group": 0}])
    assert wrong.accuracy() == 1
    table = pa.table({"id": list("1234"), "label": words.tolist(), "origin": list("aabb"), "score": scores})
    with pytest.raises(DataError) as refused:
        run_audit(plan_of([RULE], [AB]), table, crosscheck=False)
    assert "yes" not in str(refused.value)
    made = plan_of([RULE], [AB], verdict={"min_denominator": 1})
    section = made.evaluation_set.model_copy(update={"label_positive": ("yes",), "label_negative": ("no",)})
    result = run_audit(made.model_copy(update={"evaluation_set": section}), table)
    everyone = {one.metric: one.value for one in result.estimates if not one.group.levels}
    assert (everyone["selection_rate"], everyone["true_positive_rate"]) == (0.75, 1.0)


def test_p6_people_whose_attribute_is_missing_are_a_group() -> None:
    origin = ["a", "a", None, "b", None, "b"] * 4
    labels, flags = [1, 0, 1, 1, 0, 0] * 4, [1, 0, 0, 1, 1, 0] * 4
    with pytest.raises(ValueError, match=r"(?i)missing|nan|null"):
        fairlearn.MetricFrame(
            metrics=fairlearn.selection_rate, y_true=labels, y_pred=flags, sensitive_features=pd.Series(origin)
        )
    with pytest.raises(ValueError, match="NA"):
        dataset([math.nan if one is None else ord(one) for one in origin], labels)
    table = pa.table(
        {
            "id": [str(number) for number in range(24)],
            "label": [str(label) for label in labels],
            "origin": origin,
            "score": [float(flag) for flag in flags],
        }
    )
    result = run_audit(plan_of([RULE], [AB]), table)
    codes = {account.group.levels[0].code: account.read for account in result.rows if account.group.levels}
    assert codes == {"a": 8, "b": 8, "unknown": 8}
    assert result.rows[0].attribute_unknown == 8
    assert estimate(result, "selection_rate", "unknown").value == 0.5


def test_p7_nobody_is_no_group_and_counts_stay_whole() -> None:
    frame = fairlearn.MetricFrame(
        metrics={"count": fairlearn.count, "rate": fairlearn.selection_rate},
        y_true=[1, 1, 0],
        y_pred=[1, 0, 0],
        sensitive_features=pd.DataFrame({"gender": ["woman", "woman", "man"], "origin": ["a", "b", "a"]}),
    )
    assert math.isnan(frame.by_group["count"]["man", "b"])
    assert frame.by_group["count"].dtype == float
    features = [categorical("gender", ["woman", "man"]), AB]
    rows: dict[tuple[str, ...], IntArray] = {
        ("woman", "a"): cells(1),
        ("woman", "b"): cells(0, 1),
        ("man", "a"): cells(0, 0, 0, 1),
    }
    rule = {**RULE, "groups": [["gender", "origin"]]}
    result = result_of(rows, features, [rule])
    crossed = [one for one in result.counts if len(one.group.levels) == 2]
    assert len(crossed) == 3
    assert all(type(one.true_positive) is int for one in crossed)


def own_measure(folder: Path, table: pa.Table, metric: str, **options: Any) -> tuple[OwnMeasure, ...]:
    asked = scored_plan(measures=(Measure.model_validate({"metric": metric, "groups": ["origin"], **options}),))
    if "of" in table.column_names:
        section = asked.evaluation_set.model_copy(update={"cluster": "of"})
        asked = asked.model_copy(update={"evaluation_set": section})
    with open_evaluation_set(asked, folder, table) as evaluation_set:
        score(asked, evaluation_set, folder)
        return own_measures(asked, folder, evaluation_set, evaluation_set.features)


def test_p8_an_auc_of_one_class_is_unknown_and_no_equality_follows_from_it(tmp_path: Path) -> None:
    origin, labels = ["a"] * 12 + ["b"] * 12, [1, 0] * 6 + [1] * 12
    scores = np.linspace(0.05, 0.95, 24)
    with pytest.warns(UndefinedMetricWarning):
        frame = fairlearn.MetricFrame(metrics=roc_auc_score, y_true=labels, y_pred=scores, sensitive_features=origin)
    assert math.isnan(frame.by_group["b"])
    assert frame.difference() == 0.0
    table = pa.table(
        {
            "id": [f"{number:02}" for number in range(24)],
            "label": [str(label) for label in labels],
            "origin": origin,
            "score": scores,
        }
    )
    _, of_a, of_b = own_measure(tmp_path, table, "sklearn.metrics:roc_auc_score", given="score", replicates=99)
    assert of_a.value is not None
    assert (of_b.value, of_b.low, of_b.reason) == (None, None, "not_a_number")
    none = np.zeros(3, dtype=np.int64)
    cases = RankedCases.of(1, none, np.arange(3), np.array([3, 4, 5]), none, none == 1)
    unknown = auc(count_pairs(cases).own)
    assert np.isnan([unknown.value[0], unknown.low[0], unknown.high[0]]).all()


def test_p9_corrections_and_percentiles_are_those_of_the_textbook() -> None:
    """Positions taken for ranks reject other hypotheses than Benjamini and Hochberg do; 0.025 is no percentage."""
    p = np.array([0.9, 0.001, 0.8, 0.012, 0.03])
    positions = np.argsort(p) + 1
    as_found = p <= 0.05 * positions / len(p)
    true_bh = multipletests(p, alpha=0.05, method="fdr_bh")[0]
    assert as_found.tolist() != true_bh.tolist()
    draws = np.random.default_rng(3).normal(size=20_000)
    assert np.percentile(draws, [0.025, 0.975])[1] < -2
    ours = expanded_percentiles(draws, 10**6)
    assert ours == pytest.approx((norm.ppf(0.025), norm.ppf(0.975)), abs=0.06)
    assert float(wilson([50], [100], 0.9)[0][0]) == pytest.approx(
        (0.5 + norm.ppf(0.95) ** 2 / 200 - norm.ppf(0.95) * math.sqrt(0.25 / 100 + norm.ppf(0.95) ** 2 / 40_000))
        / (1 + norm.ppf(0.95) ** 2 / 100)
    )


def test_p9_who_fails_depends_on_the_counts_and_on_alpha_and_not_on_the_order_of_the_groups() -> None:
    counts = {"a": cells(400, 100), "b": cells(395, 105), "c": cells(33, 29), "d": cells(404, 96)}
    strict = {alpha: audit_of(counts, RULE, verdict={"alpha": alpha}) for alpha in (0.005, 0.2)}
    failing = {
        alpha: {one.group.levels[0].code for one in result.verdicts if one.outcome == "fail"}
        for alpha, result in strict.items()
    }
    assert failing == {0.005: set(), 0.2: {"c"}}
    renamed = {"z": counts["a"], "y": counts["b"], "x": counts["c"], "w": counts["d"]}
    again = audit_of(renamed, RULE, verdict={"alpha": 0.2})
    assert {one.group.levels[0].code for one in again.verdicts if one.outcome == "fail"} == {"x"}


def test_p10_a_search_that_always_finds_something_says_how_often_chance_does() -> None:
    """AIF360 finds a subgroup in noise, with a score and no p-value."""
    rng = np.random.default_rng(4)
    origin, harmed = rng.integers(0, 50, 4_000), rng.binomial(1, 0.2, 4_000)
    found, best = bias_scan(
        pd.DataFrame({"origin": origin.astype(str)}),
        pd.Series(harmed.astype(float)),
        pd.Series(np.full(4_000, harmed.mean())),
        favorable_value=1.0,
        overpredicted=False,
        num_iters=2,
    )
    assert 0 < len(found["origin"]) < 50
    assert best > 2
    ps = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        cases = np.bincount(rng.integers(0, 50, 4_000), minlength=50)
        scan = calibrated_scan(
            np.arange(50)[:, np.newaxis],
            [50],
            cases,
            rng.binomial(cases, 0.2),
            penalty=1.0,
            replicates=99,
            rng=rng,
        )
        ps.append(scan.p)
    assert sum(p <= 0.05 for p in ps) <= 2
    assert np.median(ps) > 0.2


PAIRS = """
import numpy as np

def broken_pairs(y_true, y_pred):
    \"\"\"0 where whole pairs were drawn; else the share of pairs that lost a half.\"\"\"
    _, times = np.unique(np.round(y_pred, 6), return_counts=True)
    return np.mean(times % 2)

def found(y_true, y_pred):
    return np.mean(y_pred[y_true == 1] >= 0.5)
"""


def pairs_table() -> pa.Table:
    """Eighty pairs of rows with the same score: a text and its counterfactual."""
    rng = np.random.default_rng(5)
    scores = np.repeat(np.round(rng.random(80), 6), 2)
    return pa.table(
        {
            "id": [f"{number:03}" for number in range(160)],
            "label": ["1", "1", "0", "0"] * 40,
            "origin": ["a"] * 80 + ["b"] * 80,
            "score": scores,
            "of": [f"pair {number // 2}" for number in range(160)],
        }
    )


def test_p11_what_is_resampled_is_what_is_reported_and_pairs_stay_together(tmp_path: Path) -> None:
    (tmp_path / "pairs_measured.py").write_text(PAIRS)
    whole = own_measure(tmp_path, pairs_table(), "pairs_measured:broken_pairs", given="score", replicates=99)
    assert {(one.value, one.low, one.reason) for one in whole} == {(0.0, None, "interval_unstable")}
    torn = own_measure(
        tmp_path, pairs_table().drop_columns(["of"]), "pairs_measured:broken_pairs", given="score", replicates=99
    )
    assert all(one.low is not None and one.low > 0 for one in torn)
    for one in own_measure(tmp_path, pairs_table(), "pairs_measured:found", given="score", replicates=199):
        assert one.value is not None
        assert one.low is not None
        assert one.high is not None
        assert one.low <= one.value <= one.high


def test_p12_a_detector_does_not_pass_by_declining_to_answer() -> None:
    """Group b is missed in two of three cases; the detector abstains on most of those, and its rate looks right."""
    answered = {"a": cells(900, 100, 50, 950), "b": cells(900, 100, 50, 950, abstained=(1_000, 0, 0))}
    kept = {"a": cells(900, 100, 50, 950), "b": cells(900, 100, 50, 950)}
    # a tool that is given the answered rows alone finds no difference at all
    rows = [(code, 1, flag) for code in kept for flag, count in ((1, 900), (0, 100)) for _ in range(count)]
    codes, labels, flags = zip(*rows, strict=True)
    assert fairlearn.equal_opportunity_difference(labels, flags, sensitive_features=codes) == 0
    assert audit_of(kept, RULE).overall.outcome == "pass"
    result = audit_of(answered, RULE)
    assert estimate(result, "true_positive_rate", "b").value == 0.9
    assert result.overall.outcome == "inconclusive"
    of_b = next(one for one in result.verdicts if one.group == group(origin="b"))
    assert (of_b.outcome, of_b.because) == ("inconclusive", "unscored_cases")
    account = next(one for one in result.rows if one.group == group(origin="b"))
    assert (account.read, account.scored, account.abstained) == (3_000, 2_000, 1_000)


def test_p12_small_groups_stay_in_the_account() -> None:
    result = audit_of({"a": cells(900, 100), "b": cells(895, 105), **{f"s{n}": cells(1, 1) for n in range(400)}}, RULE)
    (rule,) = result.rules
    assert (rule.outcome, rule.because) == ("inconclusive", "coverage_too_small")
    assert len([one for one in result.verdicts if one.group.levels[0].code.startswith("s")]) == 400


@pytest.mark.parametrize("rows", [3_000, 5_000])
def test_p13_codes_are_categories_however_many_there_are(rows: int) -> None:
    """By the rule that less than 5 % distinct values make a category, 200 codes are numbers at 3,000 rows."""
    codes = np.arange(rows) % 200
    assert (len(np.unique(codes)) < 0.05 * rows) == (rows == 5_000)
    table = pa.table(
        {
            "id": [str(number) for number in range(rows)],
            "label": ["1", "0"] * (rows // 2),
            "origin": codes,
            "score": np.linspace(0, 1, rows),
        }
    )
    result = run_audit(plan_of([RULE], [AB]), table, crosscheck=False)
    (origin,) = result.features
    assert {level.code for level in origin.levels} == {str(code) for code in range(200)}


def test_p14_a_row_has_one_weight_and_may_stand_in_groups_of_several_features() -> None:
    groups, labels = [0, 0, 1, 1], [1, 0, 1, 0]
    with pytest.raises(ValueError, match="differ only"):
        ClassificationMetric(dataset(groups, labels), dataset(groups, labels, [1.0, 2.0, 3.0, 4.0]))
    with pytest.raises(ValueError, match="disjoint"):
        BinaryLabelDatasetMetric(
            dataset(groups, labels), unprivileged_groups=[{"group": 1}], privileged_groups=[{"group": 1}, {"group": 0}]
        )
    features = [categorical("gender", ["woman", "man"]), nationality(["NGA", "FRA"])]
    rule = {**RULE, "groups": ["gender", "nationality", ["gender", "nationality"]]}
    made = plan_of([rule], features, verdict={"min_denominator": 1})
    section = made.evaluation_set.model_copy(update={"weight": "weight"})
    asked = made.model_copy(update={"evaluation_set": section})
    weights = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    columns = {
        "id": list("12345678"),
        "label": ["1"] * 8,
        "gender": ["woman", "woman", "man", "man"] * 2,
        "nationality": ["NGA", "FRA"] * 4,
        "score": [1.0, 0.0] * 4,
    }
    result = run_audit(asked, pa.table({**columns, "weight": weights}))
    assert len(result.further.crosscheck) == 2
    assert all(one.weighted and one.largest_difference < 1e-9 for one in result.further.crosscheck)
    assert result.further.crosscheck_state == "agreed"
    with pytest.raises(DataError, match="missing or not above 0"):
        run_audit(asked, pa.table({**columns, "weight": [*weights[:-1], None]}))


def counted(function: Callable[..., float], calls: list[int]) -> Callable[..., float]:
    def call(y_true: Any, y_pred: Any) -> float:
        calls.append(len(y_true))
        return function(y_true, y_pred)

    return call


def test_p15_replicates_of_counts_cost_nothing_more_for_more_rows() -> None:
    """fairlearn goes through every row again for every replicate; counts are drawn as counts."""
    rows, replicates = 5_000, 10
    rng = np.random.default_rng(6)
    flags = rng.binomial(1, 0.3, rows)
    calls: list[int] = []
    fairlearn.MetricFrame(
        metrics=counted(fairlearn.selection_rate, calls),
        y_true=flags,
        y_pred=flags,
        sensitive_features=rng.integers(0, 20, rows),
        n_boot=replicates,
        ci_quantiles=[0.025, 0.975],
        random_state=1,
    )
    assert sum(calls) >= 2 * rows * replicates
    few = rng.integers(1, 50, (800, 4))
    seconds = []
    for table in (few, few * 100_000):
        started = time.process_time()
        drawn = sum(len(part) for part in replicate_counts(table, 2_000, np.random.default_rng(1)))
        seconds.append(time.process_time() - started)
        assert drawn == 2_000
    assert max(seconds) < 5.0
    assert seconds[1] < 5 * seconds[0] + 0.5
