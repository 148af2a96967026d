"""JSONL, read strictly: one object a line, no key twice, no NaN. Cells become the texts that CSV would have."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import DataError
from audit.evaluation.byte_stream import not_in_encoding, open_text
from audit.evaluation.relation import BETWEEN_ITEMS, EXACT_INTEGERS, Content, wanted_columns
from audit.evaluation.text_table import BATCH, LONGEST, TextTable, no_rows
from audit.vocabulary.strict_json import KeyTwiceError, NotFiniteError, strict_decoder
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.engines.duckdb import DuckDBEngine

_NOTHING = {type(None)}
_TEXTS = {str, *_NOTHING}
_NUMBERS = {int, float}
_NESTED = {list, dict}


def load_json_lines(
    engine: DuckDBEngine,
    name: str,
    path: Path,
    encoding: str,
    column_keys: Mapping[str, str] | None,
    lists: frozenset[str] = frozenset(),
) -> Content:
    """Load keys of the objects of a JSONL file into the table `name`, as texts.

    A number without a fraction is written as an integer (1.0 is `1`), true and false as words. An absent key and null
    are missing. With `column_keys` None a key is loaded if its values are never lists or objects, and a key in `lists`
    if its values are never objects: `BETWEEN_ITEMS` separates the items of a list of texts.

    Raises
    ------
    DataError
        With a line number where a line is no JSON object, has a key twice, holds NaN, Infinity or a number beyond all
        floats, or a list or object in a column that is asked for; where the file is empty or lacks a column.
    """
    try:
        if column_keys is None:
            with open_text(path, encoding, newline="\n") as text:
                column_keys = dict.fromkeys(_scalar_keys(text, path.name, lists), "")
        with open_text(path, encoding, newline="\n") as text:
            return _load(engine, name, path.name, text, column_keys, lists)
    except UnicodeError:
        raise not_in_encoding(path, encoding) from None


def _load(
    engine: DuckDBEngine,
    name: str,
    source_name: str,
    text: io.TextIOWrapper,
    column_keys: Mapping[str, str],
    lists: frozenset[str],
) -> Content:
    wanted = list(column_keys)
    table = TextTable(engine, name, source_name, _apart(wanted))
    cells = _Cells(source_name, wanted, lists)
    columns: dict[str, None] = {}
    objects = _objects(text, source_name)
    while batch := list(itertools.islice(objects, BATCH)):
        for keys_of_one in dict.fromkeys(map(tuple, batch)):
            columns.update(dict.fromkeys(keys_of_one))
        table.append(cells.read(batch, table.rows), len(batch))
    if not table.rows:
        raise no_rows(source_name)
    wanted_columns(source_name, tuple(columns), column_keys)
    kinds = dict.fromkeys(wanted, "VARCHAR")
    return Content(tuple(columns), kinds, cells.all_numbers, table.rows, lists.intersection(wanted))


def _apart(wanted: Sequence[str]) -> list[str]:
    """Names that differ for DuckDB. Names that differ only in case are refused by `check_asked` after reading."""
    seen: set[str] = set()
    apart = []
    for index, column in enumerate(wanted):
        apart.append(f"{column} {index}" if column.lower() in seen else column)
        seen.add(column.lower())
    return apart


class _Cells:
    """Converts the cells of a batch to texts, column by column, and records which columns hold only numbers."""

    def __init__(self, source_name: str, wanted: Sequence[str], lists: frozenset[str]):
        self._source_name = source_name
        self._wanted = wanted
        self._lists = lists
        self._with_numbers: set[str] = set()
        self._with_others: set[str] = set()

    @property
    def all_numbers(self) -> frozenset[str]:
        return frozenset(self._with_numbers - self._with_others)

    def read(self, batch: Sequence[Mapping[str, Any]], rows_before: int) -> list[list[str | None]]:
        """Texts of a batch, a list for each column. Raises DataError where a cell is a list or an object."""
        columns = []
        for name in self._wanted:
            values = [entry.get(name) for entry in batch]
            if name in self._lists:
                values = [_joined(value) for value in values]
            kinds = set(map(type, values))
            if kinds & _NUMBERS:
                self._with_numbers.add(name)
            if kinds - _NUMBERS - _NOTHING:
                self._with_others.add(name)
            if nested := kinds & _NESTED:
                line = 1 + rows_before + next(at for at, value in enumerate(values) if type(value) in nested)
                raise _bad(self._source_name, line, f'has a list or an object in "{shown(name)}"')
            columns.append(values if kinds <= _TEXTS else [_text(value) for value in values])
        return columns


def _joined(value: Any) -> Any:
    """Join a list of texts to one text; anything else is returned as it is. A missing item leaves its place empty."""
    if not isinstance(value, list) or not all(item is None or isinstance(item, str) for item in value):
        return value
    return BETWEEN_ITEMS.join(item or "" for item in value)


def _text(value: str | bool | int | float | None) -> str | None:  # noqa: PYI041 - an int is written as it stands
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    return value


def number_text(value: int | float) -> str:  # noqa: PYI041 - an int is written as it stands
    """Text of a number: without a fraction it is written as an integer, up to where floats hold every one."""
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_INTEGERS:
        return str(int(value))
    return str(value)


def _scalar_keys(text: io.TextIOWrapper, source_name: str, lists: frozenset[str]) -> list[str]:
    keys: dict[str, None] = {}
    nested: set[str] = set()
    for entry in _objects(text, source_name):
        keys.update(dict.fromkeys(entry))
        nested.update(key for key, value in entry.items() if type(value) in _NESTED and not _may_be(key, value, lists))
    return [key for key in keys if key and key not in nested]


def _may_be(key: str, value: Any, lists: frozenset[str]) -> bool:
    return key in lists and isinstance(value, list)


def _objects(text: io.TextIOWrapper, source_name: str) -> Iterator[dict[str, Any]]:
    """Yield the objects, line by line: object n is line n. Only a line feed ends a line."""
    decoder = strict_decoder(finite=True)
    blank: int | None = None
    line = 0
    while written := text.readline(LONGEST):
        line += 1
        if len(written) == LONGEST:
            raise _bad(source_name, line, f"is longer than {LONGEST} characters")
        if line == 1:
            written = written.removeprefix("\ufeff")
        if not written.strip(" \t\r\n"):
            blank = blank or line
            continue
        if blank:
            raise _bad(source_name, blank, "is empty")
        try:
            entry = decoder.decode(written)
        except KeyTwiceError:
            raise _bad(source_name, line, "has a key twice") from None
        except NotFiniteError:
            raise _bad(source_name, line, "holds NaN, Infinity or a number beyond all floats") from None
        except (ValueError, RecursionError):
            raise _bad(source_name, line, "is not valid JSON") from None
        if not isinstance(entry, dict):
            raise _bad(source_name, line, "is not a JSON object")
        yield entry


def _bad(source_name: str, line: int, what: str) -> DataError:
    return DataError(f"{shown(source_name)}: line {line} {what}", slug="jsonl-line")
