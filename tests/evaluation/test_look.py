"""What `audit7k init` learns of a data file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.sets import made_cells, write_set

from audit.errors import DataError
from audit.evaluation.look import look_at
from audit.evaluation.roles import snake_case


@pytest.mark.parametrize("name", ["set.csv", "set.jsonl", "set.parquet", "set.csv.zst"])
def test_candidates_by_name_and_by_content(name: str, tmp_path: Path) -> None:
    cells = made_cells(100)
    cells["risk_score"] = [f"{row / 100}" for row in range(100)]
    cells["flagged"] = ["yes", "no"] * 50
    cells["pay"] = [f"{row % 40}" for row in range(100)]
    write_set(tmp_path / name, cells)
    look = look_at(tmp_path / name)
    assert look.candidates == {
        "id": ("case_id", "text"),
        "label": ("exploited",),
        "score": ("risk_score",),
        "decision": ("flagged",),
        "gender": ("gender",),
        "nationality": ("nationality",),
        "status": (),
    }
    assert (look.rows, look.source_name) == (100, name)
    assert look.numbers == (() if name == "set.parquet" else ("exploited", "risk_score", "pay"))
    assert look.column("gender").values == ("man", "woman")
    assert look.column("gender").missing == pytest.approx(0.33)
    assert look.column("nationality").codes == 3
    assert look.column("case_id").values == ()
    assert look.column("case_id").unique
    assert look.column("pay").values == ()


def test_the_delimiter_is_found_and_bad_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text("id;geslacht;naam, voornaam\n1;V;a\n2;M;a\n3;V;a\n4;M;a\n")
    look = look_at(tmp_path / "set.csv")
    assert (look.delimiter, look.candidates["gender"]) == (";", ("geslacht",))
    assert look.column("geslacht").values == ("M", "V")
    (tmp_path / "set.csv").write_bytes(b"id\n\xff\n")
    with pytest.raises(DataError, match=r"line 2 has a byte that is not utf-8"):
        look_at(tmp_path / "set.csv", "utf-8")


def test_columns_of_lists_and_objects_are_no_candidates(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"id": ["a", "b"], "list": [[1], [2]], "when": pa.array([1, 2], pa.timestamp("s"))}),
        tmp_path / "s.parquet",
    )
    look = look_at(tmp_path / "s.parquet")
    assert [(column.name, column.kind) for column in look.columns] == [
        ("id", "text"),
        ("list", "other"),
        ("when", "date"),
    ]
    (tmp_path / "s.jsonl").write_text('{"id": "a", "list": [1], "": 2}\n{"id": "b", "x": null}\n')
    assert [column.name for column in look_at(tmp_path / "s.jsonl").columns] == ["id", "x"]


def test_names_in_any_spelling() -> None:
    assert snake_case("isForcedLabour") == "is_forced_labour"
    assert snake_case(" Case-ID ") == "case_id"
