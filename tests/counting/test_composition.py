"""The make-up of labels with weights and clusters, against regression and by simulation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from made.counts import categorical, cells, plan_of
from statsmodels.regression.linear_model import WLS

from audit.analyses.label_gaps import reference_comparison
from audit.counting.clusters import ClusterTable
from audit.counting.family_moments import CELLS, WeightTable
from audit.counting.moments import Moments, composition
from audit.counting.table import CountsTable, FamilyCounts
from audit.evaluation.reference_table import ReferenceTable
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Axis, Family
from audit.vocabulary.metrics import Cell

LEVELS = ("a", "b", "c")
SEX = categorical("sex", LEVELS)
FAMILY = Family((Axis("sex", "level"),))


def counted(level: IntArray) -> CountsTable:
    return CountsTable.of(["sex"], {(code,): cells(int((level == at).sum())) for at, code in enumerate(LEVELS)})


def clustered(level: IntArray, cluster: IntArray, weight: npt.NDArray[np.float64]) -> Moments:
    found = np.full(level.size, CELLS.index(Cell.TP))
    table = ClusterTable.of(cluster, level, found, weight, weight**2)
    return Moments((SEX,), tuple((code,) for code in LEVELS), table, clustered=True)


def family_of(level: IntArray) -> FamilyCounts:
    return counted(level).family(FAMILY, {"sex": SEX})


@pytest.mark.parametrize("asked", [(True, True, True), (True, True, False)])
def test_shares_and_variances_are_those_of_cluster_robust_regression(asked: tuple[bool, ...]) -> None:
    rng = np.random.default_rng(3)
    level, weight = rng.integers(0, 3, 400), rng.lognormal(0, 0.5, 400)
    cluster = np.unique(rng.integers(0, 60, 400), return_inverse=True)[1]
    made = composition(clustered(level, cluster, weight), family_of(level), (Cell.TP,), np.array(asked))
    kept = np.array(asked)[level]
    groups = cluster[kept]
    k = len(set(groups.tolist()))
    for at, wanted in enumerate(asked):
        if not wanted:
            assert made.share[at] == 0.0
            continue
        fitted = WLS((level[kept] == at).astype(float), np.ones(kept.sum()), weights=weight[kept]).fit(
            cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
        )
        assert made.share[at] == pytest.approx(fitted.params[0], rel=1e-10)
        assert made.variance[at] == pytest.approx(fitted.cov_params()[0, 0] * k / (k - 1), rel=1e-9)


def test_weights_alone_are_clusters_of_one_row() -> None:
    rng = np.random.default_rng(4)
    level, weight = rng.integers(0, 3, 300), rng.lognormal(0, 0.5, 300)
    alone = clustered(level, np.arange(300), weight)
    sums = [np.zeros((3, len(CELLS))) for _ in range(4)]
    for at in range(3):
        for power, of in zip((0, 1, 2, 4), sums, strict=True):
            of[at, CELLS.index(Cell.TP)] = (weight[level == at] ** power).sum()
    rows = Moments(
        (SEX,), alone.codes, WeightTable(sums[0], sums[1], sums[2], sums[3], sums[0], sums[1]), weighted=True
    )
    everyone = np.ones(3, dtype=np.bool_)
    one, other = (composition(of, family_of(level), (Cell.TP,), everyone) for of in (alone, rows))
    np.testing.assert_allclose(one.share, other.share, rtol=1e-12)
    np.testing.assert_allclose(one.variance, other.variance, rtol=1e-9)


def test_labels_in_clusters_differ_from_their_own_table_no_more_often_than_said() -> None:
    """Forty accounts of twenty transactions, nearly all of one sex each: rows alone would nearly always differ."""
    rng = np.random.default_rng(5)
    shares = np.array([0.5, 0.3, 0.2])
    table = ReferenceTable("sex", "level", "a table", dict(zip(LEVELS, shares.tolist(), strict=True)), None)
    plan = plan_of([{"metric": "true_positive_rate", "margin": 0.1, "groups": ["sex"]}], [SEX])
    cluster = np.repeat(np.arange(40), 20)
    rejected, alone, runs = 0, 0, 200
    for _ in range(runs):
        own = rng.choice(3, 40, p=shares)
        level = np.where(rng.random(800) < 0.9, own[cluster], rng.choice(3, 800, p=shares))
        counts = counted(level)
        found = reference_comparison(plan.verdict, table, counts, {"sex": SEX}, clustered(level, cluster, np.ones(800)))
        rows = reference_comparison(plan.verdict, table, counts, {"sex": SEX})
        assert found is not None
        assert rows is not None
        assert found.design_effect is not None
        assert found.design_effect > 5.0
        assert rows.design_effect is None
        rejected, alone = rejected + ((found.p or 1.0) <= 0.05), alone + ((rows.p or 1.0) <= 0.05)
    assert rejected / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5
    assert alone / runs > 0.5


def test_of_one_cluster_nothing_is_known() -> None:
    level = np.array([0, 1, 1, 2] * 5)
    made = clustered(level, np.zeros(20, dtype=np.int64), np.ones(20))
    table = ReferenceTable("sex", "level", "a table", dict.fromkeys(LEVELS, 1 / 3), None)
    plan = plan_of([{"metric": "true_positive_rate", "margin": 0.1, "groups": ["sex"]}], [SEX])
    found = reference_comparison(plan.verdict, table, counted(level), {"sex": SEX}, made)
    assert found is not None
    assert (found.p, found.design_effect, found.levels[0].share) == (None, None, None)


def test_where_nobody_is_labelled_there_is_no_share_and_no_warning() -> None:
    level = np.array([0, 1, 2] * 5)
    found = np.full(level.size, CELLS.index(Cell.TN))
    made = Moments(
        (SEX,),
        tuple((code,) for code in LEVELS),
        ClusterTable.of(np.arange(15) // 3, level, found, np.ones(15), np.ones(15)),
        clustered=True,
    )
    counts = CountsTable.of(["sex"], {(code,): cells(tn=5) for code in LEVELS})
    table = ReferenceTable("sex", "level", "a table", dict.fromkeys(LEVELS, 1 / 3), None)
    plan = plan_of([{"metric": "true_positive_rate", "margin": 0.1, "groups": ["sex"]}], [SEX])
    shown = reference_comparison(plan.verdict, table, counts, {"sex": SEX}, made)
    assert shown is not None
    assert (shown.p, shown.design_effect, {level.reason for level in shown.levels}) == (None, None, {"no_cases"})
