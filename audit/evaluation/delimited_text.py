"""CSV, read strictly: every cell is text, only an empty cell is missing, and no row is repaired or skipped."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import DataError
from audit.evaluation.byte_stream import not_in_encoding, open_text
from audit.evaluation.columns import check_asked, check_header
from audit.evaluation.quoting import shown
from audit.evaluation.relation import Content
from audit.evaluation.text_table import BATCH, LONGEST, TextTable, no_rows

if TYPE_CHECKING:
    import duckdb


def load_csv(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    path: Path,
    encoding: str,
    delimiter: str,
    asked: Sequence[str] | None,
    keys: Mapping[str, str],
) -> Content:
    """Load columns of a CSV file into the table `name`: RFC 4180 quoting, any line ends, a header in the first line.

    `NA`, `null` and the like are texts: `NA` is Namibia. Empty lines are allowed at the end of the file only.

    Raises
    ------
    DataError
        With a line number where a byte is not in the encoding, a row has another number of cells than the header, or
        quotes do not match; where the file is empty, names a column twice, or lacks one.
    """
    if delimiter in '"\r\n':
        raise DataError(
            f"{shown(path.name)}: the delimiter cannot be a quote or a line end",
            slug="delimiter",
            hint='write for example delimiter = ";" or delimiter = "\\t"',
        )
    try:
        with open_text(path, encoding, newline="") as text, _long_cells():
            return _load(connection, name, path.name, _Rows(text, delimiter, path.name), asked, keys)
    except UnicodeDecodeError:
        raise not_in_encoding(path, encoding) from None


def _load(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    source_name: str,
    rows: _Rows,
    asked: Sequence[str] | None,
    keys: Mapping[str, str],
) -> Content:
    columns = rows.header
    check_header(source_name, columns)
    wanted = list(dict.fromkeys(filter(None, columns) if asked is None else asked))
    check_asked(source_name, columns, wanted, keys)
    places = [columns.index(column) for column in wanted]
    table = TextTable(connection, name, source_name, wanted)
    batch: list[list[str]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            table.append(_picked(batch, places), len(batch))
            batch.clear()
    table.append(_picked(batch, places), len(batch))
    if not table.rows:
        raise no_rows(source_name)
    return Content(columns, dict.fromkeys(wanted, "VARCHAR"), frozenset(), table.rows)


def _picked(batch: Sequence[Sequence[str]], places: Sequence[int]) -> list[list[str | None]]:
    return [[row[place] or None for row in batch] for place in places]


class _Rows:
    """The rows below the header, each with as many cells as the header."""

    def __init__(self, text: io.TextIOWrapper, delimiter: str, source_name: str):
        self._source_name = source_name
        self._lines_read = 0
        self._reader = csv.reader(self._lines(text), delimiter=delimiter, strict=True)
        self._blank: int | None = None
        self.header: tuple[str, ...] = ()
        first = next(self._rows(), [])
        if not first:
            raise no_rows(source_name)
        self.header = (first[0].removeprefix("\ufeff"), *first[1:])

    def __iter__(self) -> Iterator[list[str]]:
        width = len(self.header)
        before = self._reader.line_num
        for row in self._rows():
            line, before = before + 1, self._reader.line_num
            if len(row) == width and self._blank is None:
                yield row
            elif not row:
                self._blank = self._blank or line
            elif self._blank is not None:
                raise self._bad(self._blank, "is empty")
            else:
                raise self._bad(line, f"has {len(row)} cells where the header has {width}")

    def _rows(self) -> Iterator[list[str]]:
        try:
            yield from self._reader
        except csv.Error:
            raise self._bad(self._lines_read, "closes or opens a quote where none can be, or never closes it") from None

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        while line := text.readline(LONGEST):
            self._lines_read += 1
            if len(line) == LONGEST:
                raise self._bad(self._lines_read, f"is longer than {LONGEST} characters")
            yield line

    def _bad(self, line: int, what: str) -> DataError:
        return DataError(
            f"{shown(self._source_name)}: line {line} {what}",
            slug="csv-line",
            hint="export it again with quotes around cells that hold delimiters, quotes or line ends; "
            "check `delimiter` in the plan",
        )


@contextlib.contextmanager
def _long_cells() -> Iterator[None]:
    # The limit of the csv module is one for the whole process, and too small for the text of an advert.
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)
