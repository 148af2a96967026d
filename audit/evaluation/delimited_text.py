"""CSV, read strictly: every cell is text, only an empty cell is missing, and no row is repaired or skipped."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import DataError
from audit.evaluation.byte_stream import not_in_encoding, open_text
from audit.evaluation.relation import Content, wanted_columns
from audit.evaluation.text_table import BATCH, LONGEST, TextTable, no_rows
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.engines.duckdb import DuckDBEngine

_MOST_ABOVE = 10
"""Rows in which the header is looked for below a title."""
_NUMBER = re.compile(r"^[<≤=+-]*\s*[0-9][0-9.,'’ %]*$")
_LINE_END = re.compile(r"\r\n|\r|\n")


def load_csv(
    engine: DuckDBEngine, name: str, path: Path, encoding: str, delimiter: str, column_keys: Mapping[str, str] | None
) -> Content:
    """Load columns of a CSV file into the table `name`: RFC 4180 quoting, any line ends, a header in the first line.

    `NA`, `null` and similar words are texts: `NA` is Namibia. Empty lines are allowed only at the end of the file.

    Raises
    ------
    DataError
        With a line number where a byte is not in the encoding, a row has another number of cells than the header, or
        quotes do not match; where the file is empty, names a column twice, or lacks one.
    """
    if delimiter in '"\r\n':
        raise DataError(f"{shown(path.name)}: the delimiter cannot be a quote or a line end", slug="delimiter")
    try:
        with open_text(path, encoding, newline="") as text, _long_cells():
            return _load(engine, name, path.name, _Rows(text, delimiter, path.name), column_keys)
    except UnicodeError:
        raise not_in_encoding(path, encoding) from None


def _load(
    engine: DuckDBEngine, name: str, source_name: str, rows: _Rows, column_keys: Mapping[str, str] | None
) -> Content:
    columns = rows.header
    wanted = wanted_columns(source_name, columns, column_keys)
    places = [columns.index(column) for column in wanted]
    table = TextTable(engine, name, source_name, wanted)
    for batch in rows.batches():
        table.append([[row[index] or None for row in batch] for index in places], len(batch))
    if not table.rows:
        raise no_rows(source_name)
    return Content(columns, dict.fromkeys(wanted, "VARCHAR"), frozenset(), table.rows)


class _Rows:
    """The rows below the header, each with as many cells as the header.

    Rows are taken and checked in batches, because a step of Python for each row would take most of the time.
    """

    def __init__(self, text: io.TextIOWrapper, delimiter: str, source_name: str):
        self._source_name = source_name
        self._reader = csv.reader(self._lines(text), delimiter=delimiter, strict=True)
        self._blank: int | None = None
        first = self._take(1)
        if not first or not first[0]:
            raise no_rows(source_name)
        self.header = (first[0][0].removeprefix("\ufeff"), *first[0][1:])

    def batches(self) -> Iterator[list[list[str]]]:
        """Yield the rows in their order. Empty lines at the end of the file are left out."""
        width = {len(self.header)}
        line, first = self._reader.line_num + 1, True
        while batch := self._take(BATCH):
            if first:
                self._refuse_title(batch[:_MOST_ABOVE])
                first = False
            if self._blank is not None or set(map(len, batch)) != width:
                batch = self._checked(batch, line)
            line = self._reader.line_num + 1
            yield batch

    def _refuse_title(self, rows: Sequence[Sequence[str]]) -> None:
        """Raise DataError if the first line is a title, which has one cell, and the header stands below it."""
        if not self.header[0].strip() or any(cell.strip() for cell in self.header[1:]):
            return
        for line, row in enumerate(rows, start=2):
            cells = [cell.strip() for cell in row if cell.strip()]
            if len(cells) > 1:
                if len(set(cells)) == len(cells) and not any(map(_NUMBER.search, cells)):
                    raise DataError(
                        f"{shown(self._source_name)}: the headers seem to stand in row {line}, below a title",
                        slug="title-above",
                    )
                return

    def _checked(self, batch: list[list[str]], line: int) -> list[list[str]]:
        """Return the rows that have cells. Raises DataError for a wrong number of cells or an early empty line."""
        filled: list[list[str]] = []
        for row in batch:
            if not row:
                self._blank = self._blank or line
            elif self._blank is not None:
                raise self._bad(self._blank, "is empty")
            elif len(row) != len(self.header):
                raise self._bad(line, f"has {len(row)} cells where the header has {len(self.header)}")
            else:
                filled.append(row)
            line += 1 + sum(len(_LINE_END.findall(cell)) for cell in row)
        return filled

    def _take(self, rows: int) -> list[list[str]]:
        try:
            return list(itertools.islice(self._reader, rows))
        except csv.Error:
            line = self._reader.line_num
            raise self._bad(line, "closes or opens a quote where none can be, or never closes it") from None

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        number = 0
        while line := text.readline(LONGEST):
            number += 1
            if len(line) == LONGEST:
                raise self._bad(number, f"is longer than {LONGEST} characters")
            yield line

    def _bad(self, line: int, what: str) -> DataError:
        return DataError(f"{shown(self._source_name)}: line {line} {what}", slug="csv-line")


@contextlib.contextmanager
def _long_cells() -> Iterator[None]:
    # The csv module has one limit for the whole process, which is too small for the text of an advert.
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)
