"""Weights, clusters and the columns that like is compared by: what is read, and every refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.sets import made_cells, made_plan, write_set

from audit.errors import DataError, PlanError
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.plan.audit_plan import AuditPlan


def plan_with(**tables: Any) -> AuditPlan:
    raw = made_plan().model_dump(mode="json", by_alias=True, exclude_unset=True)
    evaluation_set = tables.pop("evaluation_set", {})
    return AuditPlan.model_validate(raw | tables | {"evaluation_set": raw["evaluation_set"] | evaluation_set})


def column(opened: EvaluationSet, name: str) -> list[Any]:
    query = f"SELECT {opened.expressions[name]} FROM source ORDER BY __row__"
    return [row[0] for row in opened.connection.execute(query).fetchall()]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_weights_are_whole_units_and_everything_else_is_text(tmp_path: Path, suffix: str) -> None:
    cells = made_cells(4) | {
        "weight": ["1", "2.5", "0.125", "4e1"],
        "phone": ["x", "x", "y", "z"],
        "form": ["labour", None, "", "-99"],
        "channel": ["web", "app", None, "unknown"],
        "random": ["TRUE", "0", None, "true"],
    }
    write_set(tmp_path / f"set.{suffix}", cells)
    plan = plan_with(
        evaluation_set={"path": f"set.{suffix}", "weight": "weight", "cluster": "phone"},
        control_features={"form": {"column": "form", "missing": ["-99"]}},
        scan={"columns": ["channel"]},
        control_sample={"column": "random"},
    )
    with open_evaluation_set(plan, tmp_path) as opened:
        assert [units * opened.weight_unit for units in column(opened, "weight_units")] == [1.0, 2.5, 0.125, 40.0]
        assert max(column(opened, "weight_units")) < 2**30
        assert column(opened, "cluster") == ["x", "x", "y", "z"]
        assert column(opened, "control_form") == ["labour", "unknown", "unknown", "unknown"]
        assert column(opened, "scan_0") == ["web", "app", "unknown", "unknown"]
        assert column(opened, "in_control_sample") == [True, False, False, True]


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8))
def test_a_weight_is_kept_to_one_part_in_2_29_of_the_largest(weights: list[float]) -> None:
    table = pa.table(
        {
            "case_id": [str(place) for place in range(len(weights))],
            "exploited": ["1"] * len(weights),
            "gender": ["woman"] * len(weights),
            "nationality": ["NGA"] * len(weights),
            "text": ["x"] * len(weights),
            "weight": weights,
        }
    )
    with open_evaluation_set(plan_with(evaluation_set={"weight": "weight"}), Path(), table) as opened:
        read = np.array(column(opened, "weight_units")) * opened.weight_unit
    np.testing.assert_allclose(read, weights, rtol=0, atol=max(weights) / 2**29)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"weight": ["1", None, "0", "-2"]}, "is missing or not above 0 in rows 2, 3 and 4"),
        ({"weight": ["1", "many", "1", "1"]}, "is no number in row 2"),
        ({"weight": ["1", "1e-12", "1", "1"]}, "differ by more than a factor of 2^29"),
        ({"weight": ["1", "<5", "1", "1"]}, "holds marks of suppression"),
        ({"phone": ["x", None, "", "y"]}, 'no cluster in "phone" in rows 2 and 3'),
        ({"form": ["a", "<5", "b", "c"]}, "holds marks of suppression"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, cells: dict[str, list[str | None]], message: str) -> None:
    whole: dict[str, list[str | None]] = {"weight": ["1"] * 4, "phone": ["x"] * 4, "form": ["a"] * 4}
    write_set(tmp_path / "set.csv", made_cells(4) | whole | cells)
    plan = plan_with(
        evaluation_set={"weight": "weight", "cluster": "phone"}, control_features={"form": {"column": "form"}}
    )
    with pytest.raises(DataError) as caught, open_evaluation_set(plan, tmp_path):
        pass
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_columns_of_ids_are_refused_without_their_values_and_before_anything_is_scored() -> None:
    ids = [f"secret {row}" for row in range(1_001)]
    table = pa.table({name: [*values] * 1_001 for name, values in made_cells(1).items()})
    table = table.set_column(0, "case_id", [[str(row) for row in range(1_001)]]).append_column("advert", [ids])
    for tables in ({"control_features": {"advert": {"column": "advert"}}}, {"scan": {"columns": ["advert"]}}):
        with (
            pytest.raises(DataError, match=r'"advert" has 1001 values, more than 1000') as caught,
            open_evaluation_set(plan_with(**tables), Path(), table),
        ):
            pass
        assert caught.value.slug == "too-many-levels"
        assert "secret" not in str(caught.value)
        with open_evaluation_set(plan_with(**tables), Path(), table.slice(0, 1_000)) as opened:
            assert opened.rows == 1_000


def test_a_control_sample_is_found_in_any_case_and_is_never_empty() -> None:
    table = pa.table(made_cells(4) | {"drawn": ["Straße", "STRASSE", "strasse ", None]})
    found = plan_with(control_sample={"column": "drawn", "values": ["straße"]})
    with open_evaluation_set(found, Path(), table) as opened:
        assert column(opened, "in_control_sample") == [True, True, False, False]
    nobody = plan_with(control_sample={"column": "drawn"})
    with (
        pytest.raises(DataError, match="no row is in the control sample") as caught,
        open_evaluation_set(nobody, Path(), table),
    ):
        pass
    assert "values" in str(caught.value.hint)


@pytest.mark.parametrize("names", [("form", "Form"), ("É", "é")])
@pytest.mark.parametrize("table", ["groups", "control_features"])
def test_names_that_differ_only_in_case_are_refused(table: str, names: tuple[str, str]) -> None:
    """The engine does not tell them apart: the second was the column of the first, without a word."""
    asked = {name: {"column": column} for name, column in zip(names, ("form", "way"), strict=True)}
    made = plan_with(
        **{table: {**({"gender": {"column": "gender"}} if table == "groups" else {}), **asked}}, rules=RULES
    )
    cells = pa.table(made_cells(4) | {"form": ["a", "b", "a", "b"], "way": ["a", "a", "b", "b"]})
    with pytest.raises(PlanError, match=f"{table}.{names[0]} and {table}.{names[1]} differ only"):
        open_evaluation_set(made, Path(), cells)


RULES = [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_is_told_by_its_row_also_from_parquet(tmp_path: Path, bad: float) -> None:
    """Statistics of row groups leave NaN out: a reader that goes by them would not see it."""
    rows = 50
    weights = [1.0] * rows
    weights[3] = bad
    cells: dict[str, Any] = {**made_cells(rows), "weight": weights}
    pq.write_table(pa.table({name: pa.array(values) for name, values in cells.items()}), tmp_path / "set.parquet")
    raw = made_plan("set.parquet").model_dump(mode="json", by_alias=True, exclude_unset=True)
    raw["evaluation_set"]["weight"] = "weight"
    with pytest.raises(DataError, match=r"not finite \(NaN or infinite\) in row 4"):
        open_evaluation_set(AuditPlan.model_validate(raw), tmp_path)
