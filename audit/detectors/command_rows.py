"""Write the lines for a program under audit: one row a line, as JSON.

    {"row_id": 17, "features": {"text": "...", "pay": 7.5}}

A line is pure ASCII. Every other character is an escape, so that no program can read it in a wrong encoding. Null is
null. Text, truth values and whole numbers of any size are exact. A floating-point number is the shortest text that
reads as the same double. A date is its ISO text, and a decimal number its digits as text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, Final

from audit.detectors.protocol import ROW_ID
from audit.errors import DetectorError
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS: Final = 256
"""Rows that become lines at a time: the lines of a whole batch can be far larger than the batch."""

NULL: Final = "null"


class RowLines:
    """A writer of lines that counts the numbers that JSON cannot write."""

    def __init__(self) -> None:
        self.not_finite = 0
        """Number of values so far that were NaN or infinite, and were written as null."""

    def chunks(self, batch: pa.RecordBatch) -> Iterator[tuple[int, bytes]]:
        """Yield the lines of a batch, a few hundred rows at a time.

        Yields
        ------
        rows : int
            Number of rows in this chunk and in the chunks before it.
        lines : bytes

        Raises
        ------
        DetectorError
            A column has a type without a form in JSON. Raised before the first chunk.
        """
        names = [name for name in batch.schema.names if name != ROW_ID]
        columns = [_plain(batch.column(name), name) for name in names]
        writers = [self._writer(column.type) for column in columns]
        keys = ", ".join(encode_basestring_ascii(name).replace("%", "%%") + ": %s" for name in names)
        template = f'{{"{ROW_ID}": %d, "features": {{{keys}}}}}\n'
        ids = batch.column(ROW_ID)
        for start in range(0, batch.num_rows, CHUNK_ROWS):
            cells = [
                [NULL if value is None else write(value) for value in column.slice(start, CHUNK_ROWS).to_pylist()]
                for column, write in zip(columns, writers, strict=True)
            ]
            rows = zip(ids.slice(start, CHUNK_ROWS).to_pylist(), *cells, strict=True)
            lines = "".join([template % row for row in rows])
            yield min(start + CHUNK_ROWS, batch.num_rows), lines.encode("ascii")

    def _writer(self, kind: pa.DataType) -> Callable[[Any], str]:
        import pyarrow as pa

        if pa.types.is_boolean(kind):
            return _truth
        if pa.types.is_floating(kind):
            return self._number
        if pa.types.is_integer(kind) or pa.types.is_null(kind):
            return str
        return encode_basestring_ascii

    def _number(self, value: float) -> str:
        if math.isfinite(value):
            return repr(value)
        self.not_finite += 1
        return NULL


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _plain(column: pa.Array, name: str) -> pa.Array:
    """Convert a column to null, bool, integer, double or string. Raises DetectorError for any other type."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_floating(kind):
        return column.cast(pa.float64())
    if pa.types.is_date(kind):
        return column.cast(pa.date32()).cast(pa.string())
    if pa.types.is_decimal(kind):
        return column.cast(pa.string())
    as_it_is = (pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_string)
    if any(is_it(kind) for is_it in (*as_it_is, pa.types.is_large_string, pa.types.is_string_view)):
        return column
    raise DetectorError(
        f"the column {shown(name)} has the type {shown(str(kind))}, which a program cannot be given",
        slug="command-feature-type",
        hint="a program is given text, numbers, truth values and dates; write the column as text into the file",
    )
