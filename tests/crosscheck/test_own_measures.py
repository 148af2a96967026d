"""A measure of one's own: what fairlearn makes of it, how sure that is, and what happens when it breaks."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from made.counts import categorical, nationality, plan_of
from scipy.stats import norm, t
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from audit.analyses.crosscheck.own_measures_fairlearn import own_measures
from audit.errors import DetectorError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.audit_plan import AuditPlan
from audit.plan.measures import Measure
from audit.result.findings.further import OwnMeasure
from audit.scoring import score
from audit.stats.bootstrap import expanded_percentiles, resampled_places
from audit.vocabulary.groups import Group
from tools.simulate.scores import own_measure

FEATURES = [categorical("origin", ["north", "south", "tiny"]), nationality(["NGA", "GHA", "FRA"])]
MODULE = """
import os, sys
import numpy as np
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

def twice(y_true, y_pred):
    print("one row:", y_true[0])
    return 2 * np.mean(y_true == y_pred)

def raises(y_true, y_pred):
    raise ValueError(f"row {y_true[0]}")

def leaves(y_true, y_pred):
    sys.exit(0)

def infinite(y_true, y_pred):
    return np.inf

def pair(y_true, y_pred):
    return [0.5, 0.5]

def right(y_true, y_pred):
    return 1.0

def share(y_true, y_pred):
    return np.mean(y_true)

def ends_python(y_true, y_pred):
    os._exit(0)

def overwrites(y_true, y_pred):
    found = np.mean(y_true)
    y_true[:], y_pred[:] = 0, 1
    return found
"""
ROWS = 240


def plan(*measures: dict[str, Any], cluster: bool = False) -> AuditPlan:
    made = plan_of([{"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1}], FEATURES)
    section = made.evaluation_set.model_copy(update={"label_missing": ("?",), "cluster": "of" if cluster else None})
    asked = tuple(Measure.model_validate({"replicates": 99, "groups": ["origin"], **one}) for one in measures)
    return made.model_copy(update={"evaluation_set": section, "measures": asked})


def table(seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(ROWS), 3)
    labels = np.where(rng.random(ROWS) < 0.3 + 0.4 * scores, "1", "0")
    labels[::20] = "?"
    return pa.table(
        {
            "id": [f"{number:03}" for number in range(ROWS)],
            "label": labels.tolist(),
            "origin": [("north", "south")[number % 2] if number > 3 else "tiny" for number in range(ROWS)],
            "nationality": [("NGA", "GHA", "FRA")[number % 3] for number in range(ROWS)],
            "score": [None if number % 30 == 7 else float(one) for number, one in enumerate(scores)],
            "of": [f"advertiser {number // 4}" for number in range(ROWS)],
        }
    )


def found(folder: Path, asked: AuditPlan, rows: pa.Table | None = None) -> tuple[OwnMeasure, ...]:
    (folder / "own_module_here.py").write_text(MODULE)
    with open_evaluation_set(asked, folder, table() if rows is None else rows) as evaluation_set:
        score(asked, evaluation_set, folder)
        return own_measures(asked, folder, evaluation_set, evaluation_set.features)


def cases(code: str = "") -> tuple[np.ndarray[Any, Any], ...]:
    """Labels, decisions and scores of the labelled and scored cases of an origin."""
    kept = [
        (int(row["label"]), int(row["score"] >= 0.5), row["score"])
        for row in table().to_pylist()
        if row["label"] != "?" and row["score"] is not None and row["origin"].startswith(code)
    ]
    return tuple(np.array(column) for column in zip(*kept, strict=True))


def code_of(record: OwnMeasure) -> str:
    return record.group.levels[0].code if record.group.levels else ""


def test_values_are_those_of_the_function_on_each_group(tmp_path: Path) -> None:
    asked = plan(
        {"metric": "sklearn.metrics:balanced_accuracy_score"},
        {"metric": "sklearn.metrics:roc_auc_score", "given": "score", "name": "AUC"},
    )
    records = found(tmp_path, asked)
    assert [(record.measure, code_of(record)) for record in records] == [
        (name, code)
        for name in ("balanced_accuracy_score", "AUC")
        for code in ("", "north", "south", "tiny")
    ]  # fmt: skip
    for record in records:
        if code_of(record) == "tiny":
            assert (record.value, record.low, record.reason) == (None, None, "too_few_for_a_rate")
            continue
        label, decision, scores = cases(code_of(record))
        expected = roc_auc_score(label, scores) if record.given == "score" else balanced_accuracy_score(label, decision)
        assert record.value == pytest.approx(expected, rel=1e-9)
        assert record.n == len(label)
        assert record.low is not None
        assert record.high is not None
        assert record.low < expected < record.high
        assert (record.clusters, record.replicates, record.replicates_used, record.reason) == (None, 99, 99, None)


def test_groups_stand_on_every_rung_and_in_intersections(tmp_path: Path) -> None:
    asked = plan({"metric": "own_module_here:twice", "groups": ["nationality", ["nationality", "origin"]]})
    records = found(tmp_path, asked)
    names = {tuple((level.rung, level.code) for level in record.group.levels) for record in records}
    assert (("m49-subregion", "011"),) in names
    assert (("m49-region", "002"),) in names
    assert (("level", "south"), ("country", "FRA")) in names
    africa = next(record for record in records if [level.code for level in record.group.levels] == ["002"])
    kept = [row for row in table().to_pylist() if row["label"] != "?" and row["score"] is not None]
    assert africa.n == sum(row["nationality"] != "FRA" for row in kept)
    assert len({record.group for record in records}) == len(records)


def test_a_feature_named_twice_gives_each_group_once(tmp_path: Path) -> None:
    once = found(tmp_path, plan({"metric": "own_module_here:right"}))
    for groups in (["origin", "origin"], ["origin", ["origin"]]):
        assert found(tmp_path, plan({"metric": "own_module_here:right", "groups": groups})) == once


def test_a_function_that_overwrites_its_arguments_spoils_no_other_call(tmp_path: Path) -> None:
    records = found(tmp_path, plan({"metric": "own_module_here:share"}, {"metric": "own_module_here:overwrites"}))
    clean, overwritten = records[:4], records[4:]
    assert [record.value for record in overwritten] == [record.value for record in clean]
    assert all(record.replicates_used == 99 for record in overwritten[:3])


def test_the_order_of_the_rows_and_other_measures_change_nothing(tmp_path: Path) -> None:
    asked = plan({"metric": "own_module_here:twice"}, cluster=True)
    rows = table()
    shuffled = rows.take(np.random.default_rng(3).permutation(ROWS))
    more = plan({"metric": "own_module_here:right"}, {"metric": "own_module_here:twice"}, cluster=True)
    assert found(tmp_path, asked) == found(tmp_path, asked, shuffled) == found(tmp_path, more)[4:]
    other_seed = asked.model_copy(update={"verdict": asked.verdict.model_copy(update={"seed": 9})})
    assert found(tmp_path, other_seed) != found(tmp_path, asked)


def test_clusters_are_drawn_whole(tmp_path: Path) -> None:
    """Four copies of each case in a cluster tell as much as one: the interval is twice as wide as of rows."""
    rows = table()
    copied = rows.take(np.repeat(np.arange(ROWS), 4)).drop_columns(["id", "of"])
    copied = copied.append_column("id", pa.array([f"{number:04}" for number in range(4 * ROWS)]))
    copied = copied.append_column("of", pa.array([str(number // 4) for number in range(4 * ROWS)]))
    measure = {"metric": "own_module_here:twice", "replicates": 499}
    alone, *_ = found(tmp_path, plan(measure), copied)
    together, *_ = found(tmp_path, plan(measure, cluster=True), copied)
    assert (alone.value, alone.n, alone.clusters) == (together.value, together.n, None)
    assert together.clusters == together.n // 4
    widths = [float(one.high or 0) - float(one.low or 0) for one in (alone, together)]
    assert widths[1] / widths[0] == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize(
    ("function", "reason", "error"),
    [
        ("raises", "raised", "ValueError"),
        ("leaves", "raised", "SystemExit"),
        ("infinite", "not_a_number", None),
        ("pair", "not_a_number", None),
    ],
)
def test_what_breaks_has_no_value_and_a_reason(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], function: str, reason: str, error: str | None
) -> None:
    everyone, north, _, tiny = found(tmp_path, plan({"metric": f"own_module_here:{function}"}))
    for record in (everyone, north):
        assert (record.value, record.low, record.high) == (None, None, None)
        assert (record.reason, record.error) == (reason, error)
        assert "row" not in record.model_dump_json().replace("replicates", "")
    assert tiny.reason == "too_few_for_a_rate"
    assert capfd.readouterr().out == ""


def test_a_value_that_resampling_cannot_move_has_no_interval(tmp_path: Path) -> None:
    everyone, *_ = found(tmp_path, plan({"metric": "own_module_here:right"}))
    assert (everyone.value, everyone.low, everyone.reason) == (1.0, None, "interval_unstable")


def test_few_clusters_give_a_value_without_an_interval(tmp_path: Path) -> None:
    rows = table().drop_columns(["of"]).append_column("of", pa.array([str(n % 29) for n in range(ROWS)]))
    everyone, *_ = found(tmp_path, plan({"metric": "own_module_here:twice"}, cluster=True), rows)
    assert (everyone.clusters, everyone.low, everyone.reason) == (29, None, "interval_unstable")
    assert everyone.value is not None


@pytest.mark.parametrize(
    ("metric", "slug"),
    [
        ("own_module_here:missing", "measure-function"),
        ("no_such_module:any", "detector-module"),
        ("json:any", "measure-function"),
        ("own_module_here:ends_python", "measure-process"),
    ],
)
def test_a_function_that_cannot_be_called_ends_the_run_in_one_line(tmp_path: Path, metric: str, slug: str) -> None:
    with pytest.raises(DetectorError) as refused:
        found(tmp_path, plan({"metric": metric}))
    assert refused.value.slug == slug


def test_the_module_leaves_no_trace(tmp_path: Path) -> None:
    path = list(sys.path)
    found(tmp_path, plan({"metric": "own_module_here:twice"}))
    assert "own_module_here" not in sys.modules
    assert sys.path == path


def test_without_measures_nothing_is_read(tmp_path: Path) -> None:
    assert found(tmp_path, plan()) == ()


def test_draws_are_whole_clusters_as_often_as_there_are() -> None:
    clusters = np.array([2, 0, 1, 2, 2, 0])
    for places in resampled_places(clusters, 50, np.random.default_rng(1)):
        times = np.bincount(places, minlength=6)
        by_cluster = [set(times[clusters == one]) for one in range(3)]
        assert all(len(one) == 1 for one in by_cluster)
        assert sum(one.pop() for one in by_cluster) == 3


def test_the_interval_is_hesterbergs_expanded_percentile() -> None:
    values = np.arange(100_001) / 100_000
    for size in (5, 20, 100):
        limits = expanded_percentiles(values, size)
        tail = norm.cdf(-math.sqrt(size / (size - 1)) * t.isf(0.025, size - 1))
        assert limits == pytest.approx((tail, 1 - tail), abs=1e-5)
    large = expanded_percentiles(values, 10**7)
    assert large is not None
    assert large == pytest.approx((0.025, 0.975), abs=1e-5)


def test_replicates_without_a_value_are_no_random_part_of_all() -> None:
    values = np.linspace(0, 1, 100)
    values[:10] = np.nan
    assert expanded_percentiles(values, 50) is not None
    values[:11] = np.nan
    assert expanded_percentiles(values, 50) is None
    assert expanded_percentiles(np.linspace(0, 1, 100), 1) is None
    assert expanded_percentiles(np.full(100, 0.5), 50) is None


@pytest.mark.parametrize(
    ("sizes", "rate", "icc", "least"),
    [
        ([1] * 100, 0.3, 0.0, 0.91),
        ([2, 6, 10, 14] * 10, 0.3, 0.3, 0.91),
    ],
)
def test_intervals_cover(sizes: list[int], rate: float, icc: float, least: float) -> None:
    """150 runs: standard error 1.8 points, so that it fails where one interval in eight misses.

    Alone and in clusters; `make simulate` has more sizes.
    """
    missed, silent = own_measure(150, np.random.default_rng(11), sizes, rate, icc).values()
    assert 1.0 - missed.share >= least
    assert silent.events == 0


def test_rows_drawn_one_by_one_would_not_cover_where_they_belong_together() -> None:
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(40), 10)
    rows = np.arange(len(clusters))
    hits = 0
    for _ in range(200):
        values = rng.binomial(1, rng.beta(1.2, 1.2, 40)[clusters])
        limits = expanded_percentiles(np.array([values[p].mean() for p in resampled_places(rows, 99, rng)]), len(rows))
        assert limits is not None
        hits += limits[0] <= 0.5 <= limits[1]
    assert hits / 200 < 0.8


def test_everyone_is_the_group_of_no_levels(tmp_path: Path) -> None:
    assert found(tmp_path, plan({"metric": "own_module_here:twice"}))[0].group == Group(())
