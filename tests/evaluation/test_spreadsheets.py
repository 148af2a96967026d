# ruff: noqa: E501 - a line of a message is easier to compare when it is one line here
"""Spreadsheets: what each kind of cell is read as, what is refused, and how far a file may go.

The `.xls` files in `spreadsheets/` were written with xlwt 1.3.0, the others are written by hand: `made.spreadsheets`.
"""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from made.sets import canonical_rows, made_cells, made_plan, write_set
from made.spreadsheets import write_ods, write_xlsx

from audit.engines.duckdb import DuckDBEngine
from audit.errors import DataError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.table_file import ReadOptions, read_file

OLD = Path(__file__).with_name("spreadsheets")
Rows = list[list[Any]]
HEADER: list[Any] = ["case_id", "score"]


def read(path: Path, sheet: str | None = None) -> list[tuple[Any, ...]]:
    with DuckDBEngine([path]) as engine:
        found = read_file(engine, "data", path, ReadOptions(sheet=sheet))
        cells = ", ".join(f'"{name}"' for name in found.types)
        return [found.columns, *engine.sql(f"SELECT {cells} FROM data ORDER BY __row__").fetchall()]


def refusal(path: Path, sheet: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read(path, sheet)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def excel(tmp_path: Path, *rows: list[Any], after: str = "") -> Path:
    return write_xlsx(tmp_path / "set.xlsx", {"data": list(rows)}, after)


def open_document(tmp_path: Path, *rows: list[Any], after: str = "") -> Path:
    return write_ods(tmp_path / "set.ods", {"data": list(rows)}, after)


@pytest.mark.parametrize("write", [excel, open_document])
def test_text_stays_text_and_a_number_is_written_as_in_every_other_format(write: Any, tmp_path: Path) -> None:
    path = write(
        tmp_path, HEADER, ["007", 0.45], ["0,45", 1.0], [7.0, 1e-7], ["NA", True], ["45 %", False], ['a,"b"', 2.0**60]
    )
    assert read(path)[1:] == [
        ("007", "0.45"), ("0,45", "1"), ("7", "1e-07"), ("NA", "true"), ("45 %", "false"),
        ('a,"b"', "1.152921504606847e+18"),
    ]  # fmt: skip


def test_dates_percentages_and_formulas_of_excel(tmp_path: Path) -> None:
    path = excel(
        tmp_path,
        HEADER,
        ['<c s="1"><v>45351</v></c>', '<c s="2"><v>0.45</v></c>'],
        ["<c><f>1+1</f><v>2</v></c>", '<c t="str"><f>"x"</f><v>x</v></c>'],
        ['<c s="1"><v>45351.5</v></c>', '<c t="str"><f>""</f><v></v></c>'],
    )
    assert read(path)[1:] == [("2024-02-29", "0.45"), ("2", "x"), ("2024-02-29 12:00:00", None)]


def test_dates_percentages_and_formulas_of_open_document(tmp_path: Path) -> None:
    date = '<table:table-cell office:value-type="date" office:date-value="2024-02-29"/>'
    percent = (
        '<table:table-cell office:value-type="percentage" office:value="0.45"><text:p>45 %</text:p></table:table-cell>'
    )
    formula = '<table:table-cell table:formula="of:=1+1" office:value-type="float" office:value="2"/>'
    assert read(open_document(tmp_path, HEADER, [date, percent], [formula, "x"]))[1:] == [
        ("2024-02-29", "0.45"),
        ("2", "x"),
    ]


def test_the_older_format_of_excel() -> None:
    assert read(OLD / "cases.xls") == [
        ("case_id", "score", "seen", "exploited", "note"),
        ("007", "0.45", "2024-02-29", "true", "NA"),
        ("008", "1", "2023-12-31", "false", None),
        ("9", "0.25", "2024-01-01", "true", "x,y"),
    ]


def test_a_sheet_is_the_same_set_as_the_csv_of_it(tmp_path: Path) -> None:
    cells = made_cells(40)
    rows = [list(cells), *([one or "" for one in row] for row in zip(*cells.values(), strict=True))]
    write_set(tmp_path / "set.csv", cells)
    excel(tmp_path, *rows)
    open_document(tmp_path, *rows)
    found = []
    for name in ("set.csv", "set.xlsx", "set.ods"):
        with open_evaluation_set(made_plan(name), tmp_path) as opened:
            found.append((canonical_rows(opened), opened.cases_sha256()))
            assert opened.sha256 is not None
    assert found[1:] == [found[0], found[0]]


def test_the_sheet_is_the_only_one_or_the_one_that_the_plan_names(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "set.xlsx", {"notes": [["x"]], "casos 2024": [["case_id"], ["a"]]})
    assert read(path, "casos 2024") == [("case_id",), ("a",)]
    said = 'set.xlsx has 2 sheets and does not say which one is meant: "notes", "casos 2024" — name it: --sheet "…", or in a plan sheet = "…" beside `path`'
    assert refusal(path) == said
    assert refusal(path, "Casos") == said
    plan = made_plan("set.xlsx", evaluation_set={"sheet": "data"})
    cells = made_cells()
    write_xlsx(
        path,
        {
            "notes": [["x"]],
            "data": [list(cells), *([one or "" for one in row] for row in zip(*cells.values(), strict=True))],
        },
    )
    with open_evaluation_set(plan, tmp_path) as opened:
        assert opened.rows == 4


def test_rows_that_were_emptied_at_the_end_are_none_and_one_in_between_keeps_its_number(tmp_path: Path) -> None:
    path = excel(tmp_path, HEADER, ["a", 1.0], ["", ""], ["b", 0.5], ["", ""])
    assert read(path)[1:] == [("a", "1"), (None, None), ("b", "0.5")]


CELLS = (
    " has cells with an error (#N/A, #DIV/0!), a formula that was never computed, or merged cells — open and save it in "
    "the program that made it, clear the errors and unmerge, or save the sheet alone, as CSV (UTF-8) or as a new workbook"
)
MERGED = (
    " has merged cells in that sheet, of which only the first one holds the value — unmerge them, or save the sheet "
    "alone, as CSV (UTF-8) or as a new workbook"
)
ERROR = '<table:table-cell table:formula="of:=NA()" office:value-type="string" calcext:value-type="error"/>'


@pytest.mark.parametrize(
    ("write", "cell", "after", "said"),
    [
        (excel, '<c t="e"><v>#N/A</v></c>', "", CELLS),
        (excel, '<c r="B2" s="2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "", CELLS),
        (excel, "<c><f>A1+1</f></c>", "", CELLS),
        (excel, '<c><f t="shared" si="0"/></c>', "", CELLS),
        (excel, "a", '<mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells>', MERGED),
        (open_document, ERROR, "", CELLS),
        (open_document, '<table:table-cell table:formula="of:=1+1"/>', "", CELLS),
        (open_document, '<table:table-cell table:number-rows-spanned="2"/><table:covered-table-cell/>', "", CELLS),
    ],
)
def test_what_would_be_read_as_an_empty_cell_is_refused(
    write: Any, cell: str, after: str, said: str, tmp_path: Path
) -> None:
    path = write(tmp_path, HEADER, ["a", cell], after=after)
    assert refusal(path) == path.name + said


def test_errors_and_merged_cells_of_the_older_format() -> None:
    assert refusal(OLD / "error.xls") == "error.xls" + CELLS
    assert refusal(OLD / "merged.xls") == "merged.xls" + MERGED


def test_an_error_is_found_across_the_pieces_in_which_a_file_is_read(tmp_path: Path) -> None:
    for pad in (0, 23, 46):
        rows: Rows = [HEADER, ["x" * (2**20 - 700 + pad), '<c t="e"><v>#N/A</v></c>'], ["b", 1.0]]
        assert refusal(excel(tmp_path, *rows)) == "set.xlsx" + CELLS


def test_a_file_that_is_no_spreadsheet_or_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "set.xls").write_text("case_id;score\na;1\n")
    assert "is no spreadsheet that can be read, or is damaged — export it again; if it opens as text" in refusal(
        tmp_path / "set.xls"
    )
    whole = excel(tmp_path, HEADER, ["a", 1.0]).read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(whole[: len(whole) // 2])
    assert "is no spreadsheet that can be read, or is damaged" in refusal(tmp_path / "cut.xlsx")
    assert refusal(excel(tmp_path, HEADER)).startswith("set.xlsx has no rows")
    assert refusal(excel(tmp_path)).startswith("set.xlsx has no rows")


def test_a_cell_far_from_the_table_ends_in_a_line_and_not_in_all_memory(tmp_path: Path) -> None:
    path = excel(tmp_path, HEADER, ["a", 1.0], ['<c r="XFD1048576"><v>1</v></c>'])
    began = time.monotonic()
    if sys.platform.startswith("linux"):
        assert refusal(path) == (
            "set.xlsx needs more than 4 GiB of memory or five minutes to be read — delete the cells far from the table, "
            "or save the sheet as CSV (UTF-8)"
        )
    assert time.monotonic() - began < 30


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    path = excel(tmp_path, HEADER, ["a", 1.0])
    code = (
        "import sys; sys.modules['python_calamine'] = None\n"
        "import importlib.util as u; found = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'python_calamine' else found(name, *more)\n"
        "from audit.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "init", str(path), "--out", str(tmp_path / "plan.toml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        "error: set.xlsx is a spreadsheet, and to read one takes the extra \"excel\" — pip install 'audit7k[excel]', or "
        "save the sheet as CSV (UTF-8) and name that\n"
    )


def test_a_sheet_with_as_many_rows_as_excel_has_is_read(tmp_path: Path) -> None:
    row = "<row><c><v>{0}</v></c></row>"
    path = excel(tmp_path, HEADER[:1])
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    begin, end = parts["xl/worksheets/sheet1.xml"].split(b"</sheetData>")
    rows = "".join(map(row.format, range(1, 2**20))).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, content in {**parts, "xl/worksheets/sheet1.xml": begin + rows + b"</sheetData>" + end}.items():
            packed.writestr(name, content)
    found = read(path)
    assert len(found) == 2**20
    assert found[-1] == (f"{2**20 - 1}",)
