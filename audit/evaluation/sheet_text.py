"""Write one sheet of a spreadsheet as CSV: a program of its own, which `audit.evaluation.spreadsheet` starts.

The library that reads the sheet holds all of its cells, and ends its process where it finds no memory. It reads a cell
with an error, and a formula that nobody has computed, as an empty cell: those are searched for in the file.
"""

from __future__ import annotations

import csv
import datetime as dt
import importlib
import itertools
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

from audit.evaluation.json_lines import number_text
from audit.operating_system import limit

MEMORY_GIB: Final = 4
"""Most GiB of address space of this program, where the system can limit it."""
_PIECE: Final = 1 << 20
_OVERLAP: Final = 1 << 13
_EMPTY_WITHOUT_SAYING: Final = (
    # Excel: an error, or a formula without a value
    (
        "xl/worksheets/",
        re.compile(
            rb'<(?:\w+:)?c\s[^>]*\bt="e"|'
            rb"<(?:\w+:)?c\b[^>]*>\s*<(?:\w+:)?f\b[^<]*(?:(?<=/)>|</(?:\w+:)?f>)\s*</(?:\w+:)?c>"
        ),
    ),
    # OpenDocument: the same, and what a merged cell covers
    (
        "content.xml",
        re.compile(
            rb'calcext:value-type="error"|<table:covered-table-cell|'
            rb"<table:table-cell(?=[^>]*\stable:formula=)(?![^>]*\soffice:value-type=)"
        ),
    ),
)
_ERROR_IN_XLS: Final = re.compile(
    rb"\x05\x02\x08\x00.{6}[\x00\x07\x0f\x17\x1d\x24\x2a]\x01|"
    rb"\x06\x00.{8}\x02.[\x00\x07\x0f\x17\x1d\x24\x2a].{3}\xff\xff",
    re.DOTALL,
)
"""In the older format of Excel: a record of an error, or of a formula whose value is one."""


def main(path: str, sheet: str, out: str) -> None:
    """Write the sheet, the only one if `sheet` is empty, to `out`, or nothing if `out` is empty.

    Prints the names of the sheets as JSON, and the word for what was in the way.
    """
    limit("RLIMIT_AS", MEMORY_GIB << 30)
    limit("RLIMIT_CORE", 0)
    calamine: Any = importlib.import_module("python_calamine")
    names: list[str] = []
    problem: str | None = None
    try:
        with calamine.CalamineWorkbook.from_path(path) as book:
            names = [
                sheet_metadata.name
                for sheet_metadata in book.sheets_metadata
                if sheet_metadata.typ == calamine.SheetTypeEnum.WorkSheet
            ]
            if out:
                chosen = sheet or (names[0] if len(names) == 1 else "")
                problem = (
                    _convert(book.get_sheet_by_name(chosen), Path(path), Path(out)) if chosen in names else "sheet"
                )
    except calamine.PasswordError:
        problem = "password"
    except (calamine.CalamineError, OSError, ValueError, RuntimeError, EOFError, zlib.error, zipfile.BadZipFile):
        problem = "unreadable"
    print(json.dumps({"problem": problem, "sheets": names}))  # noqa: T201 - read by the process that started this one


def _convert(sheet: Any, path: Path, out: Path) -> str | None:
    if sheet.merged_cell_ranges:
        return "merged"
    if _has_hidden_cells(path):
        return "cells"
    _write(sheet.iter_rows(), out)
    return None


def _has_hidden_cells(path: Path) -> bool:
    """Whether any sheet has a cell that looks empty and is not."""
    if not zipfile.is_zipfile(path):
        return _ERROR_IN_XLS.search(path.read_bytes()) is not None
    with zipfile.ZipFile(path) as packed:
        for name, (begins, pattern) in itertools.product(packed.namelist(), _EMPTY_WITHOUT_SAYING):
            if name.startswith(begins) and name.endswith(".xml"):
                with packed.open(name) as file:
                    if any(pattern.search(piece) for piece in _pieces(file)):
                        return True
    return False


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    end = b""
    while piece := file.read(_PIECE):
        yield end + piece
        end = piece[-_OVERLAP:]


def _write(rows: Iterator[Sequence[Any]], out: Path) -> None:
    empty = 0
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for row in rows:
            cells = [_text(cell) for cell in row]
            if any(cells):  # rows at the end that were once filled are none
                writer.writerows([""] * len(cells) for _ in range(empty))
                writer.writerow(cells)
            empty = 0 if any(cells) else empty + 1


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return number_text(cell)
    return cell.isoformat(" ") if isinstance(cell, dt.datetime) else str(cell)


if __name__ == "__main__":
    main(*sys.argv[1:])
