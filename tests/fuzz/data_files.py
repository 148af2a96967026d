"""Data files for the fuzz tests: a healthy table with a few faults, as bytes of any format, and how many rows it has.

The healthy part of a table comes from a seed, so that Hypothesis spends its choices on the faults. Ids and faulty
cells hold canaries, words that no message may repeat.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

ID_CANARY: Final = "Zq7case"
"""Begins every healthy id; ids stand in no output but `predictions.parquet`."""
CELL_CANARY: Final = "Zq7cell"
"""Stands in faulty cells; a message never repeats a cell."""

COLUMNS: Final = ("case_id", "exploited", "gender", "nationality", "setting", "score", "decision", "text", "pay")
_HEALTHY: Final[dict[str, Sequence[str | None]]] = {
    "exploited": ("1", "0", "true", "FALSE", None),
    "gender": ("woman", "man", "woman", "Man", "non-binary", "unknown", None),
    "nationality": ("NA", "NGA", "076", "FR", "VNM", "vn", "XXA", "XXX", "unknown", None),
    "setting": ("farm", "street", "🌾", "בית", "a,b", 'say "x"', "'; DROP TABLE source; --", "NA", None),
    "score": ("0", "1", "0.5", "0.25", "1e-3", "0.999", "0.50000001", None),
    "decision": ("1", "0", "True", "false", None),
    "text": ("advert", "two\nlines", "=1+1", None),
    "pay": ("0", "12.5", "1e3", "-4", None),
}
NASTY: Final = (
    "", " ", "NA", "null", "None", "<5", "≤5", "&lt;5", "*", "..", "NaN", "inf", "-Infinity", "1e999", "-0", "0.5 ",
    "1_000", "0x1", "９", "١", "9" * 400, "-1", "2", "1.0000000000000002", "5e-324", "TRUE", "ı", "ß", "İ",
    CELL_CANARY, f'{CELL_CANARY}"', f"{CELL_CANARY}\n{CELL_CANARY}", f"{CELL_CANARY}\r\n", f"{CELL_CANARY}\x00",
    f"\ufeff{CELL_CANARY}", f"\u202e{CELL_CANARY}\u202c", f"{CELL_CANARY}👩‍👩‍👧", "\ud7ff\ue000\U0010ffff", "\x1b[2J",
    "\x85", "\u2028", "\x1c", "\x0b", "'; DROP TABLE source; --", "{{7*7}}", "<script>alert(1)</script>", "]]>",
    CELL_CANARY + "x" * 5000, "\t", ",", ";", "\\", "%s", "{0}", "004", "4", "4.0", "XKX", "QZZ", "unknown", "UNKNOWN",
)  # fmt: skip
ENCODINGS: Final = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252", "utf-32")


@dataclass(frozen=True)
class Table:
    """A header and rows of texts; None is a missing cell."""

    header: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True)
class DataFile:
    """A file, and what the plan must say so that it can be read."""

    name: str
    content: bytes
    rows: int | None
    """Rows of data that it really has; None where it was damaged, so that they have to be counted."""
    encoding: str = "utf-8"
    delimiter: str = ","

    def real_rows(self) -> int | None:
        """Rows of data in it, by a reader of its own; None where nobody can say."""
        return self.rows if self.rows is not None else counted_rows(self)


def healthy(seed: int, rows: int, columns: Sequence[str] = COLUMNS, detector: str = "blind") -> Table:
    """A table without faults. The detector is `blind` to the label, `right`, or `worse` for men."""
    rng = random.Random(seed)
    made = []
    for number in range(rows):
        row = {name: rng.choice(_HEALTHY[name]) for name in COLUMNS[1:]}
        row["case_id"] = f"{ID_CANARY}{number}"
        if detector != "blind":
            missed = detector == "worse" and row["gender"] in {"man", "Man"} and rng.random() < 0.9
            found = row["exploited"] in {"1", "true"} and not missed
            row["score"], row["decision"] = ("0.9", "1") if found else ("0.1", "0")
        made.append(tuple(row[name] for name in columns))
    return Table(tuple(columns), tuple(made))


@st.composite
def tables(draw: st.DrawFn, columns: Sequence[str] = COLUMNS, *, faults: bool) -> Table:
    """A table of 0 to 800 rows, with a few faults in it or none."""
    size = draw(st.sampled_from((30, 30, 200, 800, 1, 2, 3, 7, 0) if faults else (30, 200, 800, 800, 1, 7)))
    detector = draw(st.sampled_from(("blind", "right", "worse")))
    table = healthy(draw(st.integers(0, 9999)), size, columns, detector)
    if not faults:
        return table
    cells = [list(row) for row in table.rows]
    if draw(st.integers(0, 3)) == 0:  # a column of one value, or of none
        place = draw(st.integers(1, len(columns) - 1))
        value = draw(st.sampled_from((None, *_HEALTHY[columns[place]], *NASTY)))
        for row in cells:
            row[place] = value
    if cells and draw(st.integers(0, 2)) == 0:
        for _ in range(draw(st.integers(1, 3))):
            row = cells[draw(st.integers(0, len(cells) - 1))]
            row[draw(st.integers(0, len(columns) - 1))] = draw(st.sampled_from(NASTY) | st.text(max_size=6))
    if cells and draw(st.integers(0, 7)) == 0:  # ids that repeat, or none
        value = draw(st.sampled_from((None, f"{ID_CANARY}0", f"{ID_CANARY}1")))
        cells[draw(st.integers(0, len(cells) - 1))][columns.index("case_id")] = value
    header = list(columns)
    if draw(st.integers(0, 9)) == 0:
        header[draw(st.integers(0, len(header) - 1))] = draw(
            st.sampled_from((*columns, "", "SCORE", "__row__", "file_row_number", 'a"b', "x\ny", "\u202e")),
        )
    return Table(tuple(header), tuple(map(tuple, cells)))


@st.composite
def data_files(draw: st.DrawFn, stem: str, columns: Sequence[str] = COLUMNS, *, faults: bool = True) -> DataFile:
    """A file of such a table in any format and compression; with `faults` it can be damaged."""
    table = draw(tables(columns, faults=faults))
    kind = draw(st.sampled_from(("csv", "csv", "jsonl", "parquet")))
    encoding, delimiter = "utf-8", ","
    if kind == "csv":
        encoding = draw(st.sampled_from(ENCODINGS if faults else ENCODINGS[:6]))
        delimiter = draw(st.sampled_from((",", ",", ";", "\t", "|")))
        text = csv_text(table, delimiter, draw(st.sampled_from(("\n", "\r\n", "\r"))), draw(st.integers(0, 2)) == 0)
        text += draw(st.sampled_from(("", "", "", "\n", "\n\n", "\r\n")))
        content = _encoded(text, encoding)
    elif kind == "jsonl":
        encoding = draw(st.sampled_from(ENCODINGS if faults else ENCODINGS[:6]))
        content = _encoded(_jsonl_text(table, draw(st.sampled_from(("texts", "numbers", "nested")))), encoding)
    else:
        content = parquet_bytes(table, draw(st.sampled_from(("texts", "typed", "dictionary", "floats"))))
    rows: int | None = len(table.rows)
    if faults and draw(st.integers(0, 3)) == 0:
        content, rows = draw(damaged(content)), None
    suffix = draw(st.sampled_from(("", "", "", ".gz", ".zst")))
    if suffix:
        content = gzip.compress(content, mtime=0) if suffix == ".gz" else _zstd(content)
        if faults and draw(st.integers(0, 3)) == 0:
            content, rows = draw(damaged(content)), None
    return DataFile(f"{stem}.{kind}{suffix}", content, rows, encoding, delimiter)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes cut short, flipped, doubled, or with others among them."""
    if not content:
        return draw(st.binary(max_size=20))
    place = draw(st.integers(0, len(content) - 1))
    how = draw(st.sampled_from(("cut", "flip", "insert", "remove", "append", "double", "behead")))
    if how == "cut":
        return content[:place]
    if how == "flip":
        flipped = content[place] ^ (1 << draw(st.integers(0, 7)))
        return content[:place] + bytes((flipped,)) + content[place + 1 :]
    if how == "double":
        return content + content
    if how == "remove":
        return content[:place] + content[place + draw(st.integers(1, 8)) :]
    if how == "behead":
        return content.partition(b"\n")[2]
    put = draw(st.sampled_from((b"\x00", b"\xff", b'"', b"\n", b"\r", b",", b"{}\n", b"\n\n,", b"1,2,3\n", b"\x1a")))
    return content + put if how == "append" else content[:place] + put + content[place:]


def csv_text(table: Table, delimiter: str = ",", line_end: str = "\n", always_quoted: bool = False) -> str:
    """RFC 4180, by hand."""
    special = {delimiter, '"', "\n", "\r"}

    def cell(value: str | None) -> str:
        if value is None:
            return ""
        quoted = always_quoted or any(one in special for one in value)
        return '"' + value.replace('"', '""') + '"' if quoted else value

    return "".join(delimiter.join(map(cell, row)) + line_end for row in (table.header, *table.rows))


def _jsonl_text(table: Table, how: str) -> str:
    lines = []
    for row in table.rows:
        entry: dict[str, Any] = dict(zip(table.header, row, strict=True))
        if how != "texts":
            entry = {name: _as_number(value) for name, value in entry.items()}
        if how == "nested" and "text" in entry:
            entry["text"] = [{"a": entry["text"]}]
        lines.append(json.dumps(entry, ensure_ascii=how == "texts") + "\n")
    return "".join(lines)


def _as_number(value: str | None) -> str | int | float | None:
    for kind in (int, float):
        try:
            return None if value is None else kind(value)
        except ValueError:
            continue
    return value


def _encoded(text: str, encoding: str) -> bytes:
    return text.encode(encoding, "replace")


def _zstd(content: bytes) -> bytes:
    packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return packed


def parquet_bytes(table: Table, how: str = "texts") -> bytes:
    """A Parquet file of several row groups: texts, or labels and scores in types of their own where they fit."""
    columns = [_column(name, [row[place] for row in table.rows], how) for place, name in enumerate(table.header)]
    stream = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(columns, names=list(table.header)), stream, row_group_size=100)
    content: bytes = stream.getvalue().to_pybytes()
    return content


def _column(name: str, cells: Sequence[str | None], how: str) -> Any:
    if how in {"typed", "floats"}:
        kind = pa.float32() if how == "floats" else pa.int64() if name in {"exploited", "case_id"} else pa.float64()
        try:
            numbers = [None if cell is None else float(cell) for cell in cells]
            return pa.array([_whole(one, kind) for one in numbers], type=kind)
        except (ValueError, OverflowError, pa.ArrowException):
            pass
    try:
        texts = pa.array(cells, type=pa.string())
    except UnicodeEncodeError:
        texts = pa.array([cell and cell.encode("utf-8", "replace").decode() for cell in cells], type=pa.string())
    return texts.dictionary_encode() if how == "dictionary" else texts


def _whole(number: float | None, kind: Any) -> float | int | None:
    return int(number) if number is not None and pa.types.is_integer(kind) else number


def counted_rows(file: DataFile) -> int | None:
    """Rows of data in a file, counted without the reader under test; None where the bytes are beyond reading."""
    content = file.content
    try:
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        elif content.startswith(b"\x28\xb5\x2f\xfd"):
            content = pa.input_stream(io.BytesIO(content), compression="zstd").read()
        if ".parquet" in file.name:
            return sum(len(batch) for batch in pq.ParquetFile(io.BytesIO(content)).iter_batches())
        text = content.decode("utf-8-sig" if file.encoding == "utf-8" else file.encoding)
    except (OSError, EOFError, ValueError, pa.ArrowException, zlib.error):
        return None
    if ".jsonl" in file.name:
        return sum(1 for line in text.split("\n") if line.strip(" \t\r\ufeff"))
    return _csv_records(text, file.delimiter) - 1


def _csv_records(text: str, delimiter: str) -> int:
    """Records of a CSV text that are more than an empty line. Only a cell that begins with a quote holds line ends."""
    records, inside, filled, at_start = 0, False, False, True
    for one in text:
        if one == '"' and (inside or at_start):
            inside, filled, at_start = not inside, True, True  # after a closing one, another is a quote in the cell
        elif inside:
            continue
        elif one in "\r\n":
            records, filled, at_start = records + filled, False, True
        else:
            filled, at_start = True, one == delimiter
    return records + filled
