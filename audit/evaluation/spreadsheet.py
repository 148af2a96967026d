"""Spreadsheets of Excel and OpenDocument: a sheet becomes the CSV that it would be saved as, and is read like it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.errors import DataError
from audit.evaluation.delimited_text import load_csv
from audit.evaluation.meaning import OF_SPREADSHEETS
from audit.evaluation.relation import Content
from audit.evaluation.sheet_text import MEMORY_GIB
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.engines.duckdb import DuckDBEngine

_SECONDS: Final = 300.0
"""Seconds in which a sheet must be read."""
_MOST_NAMED: Final = 5


def load_sheet(
    engine: DuckDBEngine, name: str, path: Path, sheet: str | None, column_keys: Mapping[str, str] | None
) -> Content:
    """Load columns of a sheet into the table `name`, as texts. Its first row that is not empty is the header.

    A number without a fraction is written as an integer, a date as 2024-02-29, a truth value as `true` or `false`, a
    formula as the value that was saved with it. Formats are not looked at: 45 % is 0.45, and 007 is 7 where the cell is
    a number.

    Raises
    ------
    DataError
        If the extra is not installed; the file is no spreadsheet, has a password, or has several sheets and `sheet` is
        none of them; cells are merged; any sheet has a cell with an error, or a formula that was never computed; or
        it takes more than 4 GiB of memory or five minutes. Also what a CSV file is refused for.
    """
    folder = engine.private.path / f"{name}-sheet"
    folder.mkdir(exist_ok=True)
    text = folder / path.name  # the same name, for messages
    reply = _ask_for(path, sheet or "", str(text))
    problem = OF_SPREADSHEETS.get(reply["problem"] or "")
    if problem is not None:
        what, hint = problem
        named = ", ".join(f'"{shown(sheet_name)}"' for sheet_name in reply["sheets"][:_MOST_NAMED])
        raise DataError(
            f"{shown(path.name)} {what.format(sheets=named or 'none', number=len(reply['sheets']), memory=MEMORY_GIB)}",
            slug="spreadsheet",
            hint=hint,
        )
    try:
        return load_csv(engine, name, text, "utf-8", ",", column_keys)
    finally:
        text.unlink()


def _ask_for(path: Path, sheet: str, out: str) -> dict[str, Any]:
    if importlib.util.find_spec("python_calamine") is None:
        raise DataError(
            f'{shown(path.name)} is a spreadsheet, and to read one takes the extra "excel"', slug="excel-extra"
        )
    command = [sys.executable, "-P", "-m", "audit.evaluation.sheet_text", str(path), sheet, out]
    with contextlib.suppress(ValueError, subprocess.SubprocessError):
        done = subprocess.run(  # noqa: S603 - an argv list of our own, and never a shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=True
        )
        reply: dict[str, Any] = json.loads(done.stdout)
        return reply
    return {"problem": "limit", "sheets": []}
