"""Counts by group and control level: those of Python, with a missing level a level like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from made.counts import nationality
from made.sets import made_plan

from audit.counting.controls import control_sets, count_controls, encode_counts, stratify
from audit.counting.count import count_cases
from audit.counting.table import CountsTable
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.plan.audit_plan import AuditPlan
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Axis, Family
from audit.vocabulary.metrics import METRICS

CONTROLS = {"form": {"column": "form", "missing": ["n/a"]}, "channel": {"column": "channel"}}
GROUPS = {"gender": {"column": "gender"}, "nationality": {"column": "nationality"}}


def plan_with(controls: Mapping[str, Any]) -> AuditPlan:
    plan = made_plan(None, groups=GROUPS)
    return AuditPlan.model_validate(
        {**plan.model_dump(mode="json", by_alias=True, exclude_unset=True), "control_features": controls}
    )


@contextmanager
def scored(
    rows: int, controls: Mapping[str, Any] = CONTROLS, threads: int = 2
) -> Iterator[tuple[EvaluationSet, AuditPlan]]:
    rng = np.random.default_rng(11)
    pick: dict[str, list[str | None]] = {
        "exploited": ["1", "0", None],
        "gender": ["woman", "man", None],
        "nationality": ["NGA", "GHA", "FRA", None],
        "form": ["labour", "sexual", "n/a", "", None],
        "channel": ["web", "phone", "unknown"],
        "text": ["0", "1", "2", "3"],
    }
    columns = {name: [values[rng.integers(len(values))] for _ in range(rows)] for name, values in pick.items()}
    columns["case_id"] = [str(row) for row in range(rows)]
    plan = plan_with(controls)
    with open_evaluation_set(
        plan, Path(), pa.table({name: pa.array(of, pa.string()) for name, of in columns.items()})
    ) as opened:
        picked = ", ".join(f'{expression} AS "{name}"' for name, expression in opened.expressions.items())
        opened.connection.execute(f"SET threads = {threads}")
        opened.connection.execute(f"CREATE TEMP VIEW scored AS SELECT {picked}, text::TINYINT AS decision FROM source")
        yield opened, plan


def slow_count(opened: EvaluationSet) -> CountsTable:
    rows: dict[tuple[str, ...], np.ndarray[tuple[int, int], np.dtype[np.int64]]] = {}
    query = "SELECT gender, nationality, form, channel, exploited, text FROM source"
    for gender, country, form, channel, label, decision in opened.connection.execute(query).fetchall():
        level = "unknown" if form in (None, "", "n/a") else form
        key = gender or "unknown", country or "unknown", level, channel
        row = 2 if label is None else 1 - int(label)
        rows.setdefault(key, np.zeros((3, 4), dtype=np.int64))[row, int(decision)] += 1
    return CountsTable.of(("gender", "nationality", "form", "channel"), rows)


@pytest.mark.parametrize("threads", [1, 4])
def test_counts_are_those_of_python(threads: int) -> None:
    with scored(3_000, threads=threads) as (opened, plan):
        counted = count_controls(opened, plan.control_features)
        expected, without = slow_count(opened), count_cases(opened)
    assert counted is not None
    assert (counted.features, counted.codes) == (expected.features, expected.codes)
    assert (counted.cells == expected.cells).all()
    assert (counted.everyone == without.everyone).all()


def test_group_and_rest_within_a_stratum_add_up_to_it() -> None:
    with scored(2_000) as (opened, plan):
        counted = count_controls(opened, plan.control_features)
        features = {feature.name: feature for feature in opened.features}
        rows = opened.connection.execute(
            "SELECT coalesce(gender, 'unknown'), channel, count(*) FILTER (text = '0'),"
            " count(*) FILTER (text IN ('0', '1')) FROM source WHERE exploited = '1' GROUP BY ALL"
        ).fetchall()
    assert counted is not None
    found = stratify(encode_counts(counted), Family((Axis("gender", "level"),)), features, ("channel",))
    tpr = METRICS["true_positive_rate"]
    x, n, y, m = (count(cells) for count in (found.total, found.rest) for cells in (tpr.numerator, tpr.denominator))
    slow = {(gender, channel): (flagged, scored) for gender, channel, flagged, scored in rows}
    channels = sorted({channel for _, channel in slow})
    for place in range(found.of.size):
        gender, channel = found.groups[found.of[place]].levels[0].code, channels[found.stratum[place]]
        rest = [slow[other] for other in slow if other[1] == channel and other[0] != gender]
        assert (x[place], n[place]) == slow[gender, channel]
        assert (y[place], m[place]) == tuple(int(sum(column)) for column in zip(*rest, strict=True))


def test_strata_climb_the_ladder_with_the_group() -> None:
    feature = nationality(["NGA", "GHA", "FRA"])
    rows: dict[tuple[str, ...], IntArray] = {
        (code, form): np.full((3, 4), size, dtype=np.int64)
        for code, form, size in (("NGA", "a", 1), ("GHA", "a", 2), ("FRA", "b", 4), ("GHA", "b", 8))
    }
    table = CountsTable.of(("nationality", "form"), rows)
    found = stratify(
        encode_counts(table), Family((Axis("nationality", "m49-subregion"),)), {"nationality": feature}, ("form",)
    )
    assert [group.levels[0].code for group in found.groups] == ["011", "155"]
    assert list(zip(found.of, found.stratum, found.cells[:, 0, 0], strict=True)) == [(0, 0, 3), (0, 1, 8), (1, 1, 4)]
    assert found.strata[:, 0, 0].tolist() == [3, 12]


def test_without_control_features_nothing_is_counted() -> None:
    with scored(10, {}) as (opened, plan):
        assert count_controls(opened, plan.control_features) is None


def test_each_alone_and_up_to_three_together() -> None:
    three = {name: {"column": name} for name in ("a", "b", "c")}
    assert control_sets(plan_with({"a": {"column": "a"}}).control_features) == (("a",),)
    assert control_sets(plan_with(three).control_features) == (("a",), ("b",), ("c",), ("a", "b", "c"))
    assert len(control_sets(plan_with({**three, "d": {"column": "d"}}).control_features)) == 4


def test_a_row_without_a_decision_is_a_defect() -> None:
    with scored(20) as (opened, plan):
        opened.connection.execute(
            "CREATE TEMP TABLE before AS SELECT * REPLACE (NULL::TINYINT AS decision) FROM scored"
        )
        with pytest.raises(AssertionError, match="have no decision"):
            count_controls(opened, plan.control_features, "before")
        opened.connection.execute("CREATE TEMP TABLE fewer AS SELECT * FROM scored LIMIT 5")
        with pytest.raises(AssertionError, match="20 rows were read and 5 were counted"):
            count_controls(opened, plan.control_features, "fewer")
