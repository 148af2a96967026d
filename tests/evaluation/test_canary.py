"""No cell of a person's row ever stands in a message, whatever is wrong with the set."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from made.sets import Cells, made_cells, made_plan, write_set

from audit.errors import AuditError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.look import look_at

CANARY = "Zq7canary"
PREDICTIONS = {"kind": "predictions", "score": "score", "threshold": 0.5}


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "csv.gz", "parquet.zst"])
@pytest.mark.parametrize("column", ["case_id", "exploited", "gender", "nationality", "text", "pay"])
def test_a_canary_in_a_cell_is_in_no_message(column: str, suffix: str, tmp_path: Path) -> None:
    cells: Cells = {**made_cells(6), "pay": [None] * 6}
    cells[column] = [CANARY] * 6  # repeated ids, unknown labels, genders and nationalities, pay that is no number
    write_set(tmp_path / f"set.{suffix}", cells)
    plan = made_plan(f"set.{suffix}", evaluation_set={"numbers": ["pay"]})
    if column == "text":
        with open_evaluation_set(plan, tmp_path) as opened:
            assert opened.rows == 6
        return
    with pytest.raises(AuditError) as caught:
        open_evaluation_set(plan, tmp_path)
    _clean(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        f"case_id,exploited,gender,nationality,text\na,1,woman,NA,{CANARY},{CANARY}\n",
        f'case_id,exploited,gender,nationality,text\na,1,woman,NA,"{CANARY}\n',
        f"{CANARY},{CANARY},x,y,z\n{CANARY},1,2,3,4\n",
        f"{CANARY}1,1,woman,NA,x\n{CANARY}2,0,man,NA,y\n",
        f"case_id,exploited,gender,nationality,text\n{CANARY},1,woman,NA,\udcff\n",
    ],
)
def test_a_canary_in_a_file_that_cannot_be_read(content: str, tmp_path: Path) -> None:
    written = content.encode("utf-8", "surrogateescape")
    for name, data in (("set.csv", written), ("set.csv.gz", gzip.compress(written)[:-2])):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(AuditError) as caught:
            open_evaluation_set(made_plan(name), tmp_path)
        _clean(caught.value)


@pytest.mark.parametrize(
    "line", [f'{{"case_id": "{CANARY}", ', f'{{"{CANARY}": 1, "{CANARY}": 2}}', f'{{"case_id": ["{CANARY}"]}}', CANARY]
)
def test_a_canary_in_a_line_of_json(line: str, tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_text(line + "\n")
    with pytest.raises(AuditError) as caught:
        open_evaluation_set(made_plan("set.jsonl"), tmp_path)
    _clean(caught.value)


def _clean(error: AuditError) -> None:
    """Neither the message, nor what a traceback would print of its causes, holds the canary."""
    shown: BaseException | None = error
    while shown is not None:
        assert CANARY not in f"{shown!s}{shown!r}{shown.args}"
        shown = shown.__cause__ if shown.__cause__ or shown.__suppress_context__ else shown.__context__
    assert "\n" not in str(error)


def test_a_look_at_a_file_shows_no_cell_that_stands_in_one_row(tmp_path: Path) -> None:
    cells = made_cells(6)
    cells["text"] = [f"{CANARY}{row}" for row in range(6)]
    cells["case_id"] = [f"{CANARY}{row}" for row in range(6)]
    write_set(tmp_path / "set.csv", cells)
    assert CANARY not in repr(look_at(tmp_path / "set.csv"))
