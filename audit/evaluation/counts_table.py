"""Read a table of counts, one row a group, as an evaluation set: hidden numbers become cases without an answer.

A number from a to b stands for a cases that are certain. The b - a others count for or against their group as cases
without an answer do: a verdict holds whatever they are, and whether they exist. For one more case with a wrong answer
raises a rate of errors, and one more with a right answer lowers it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from audit.errors import DataError
from audit.evaluation.columns import check_asked, text_of
from audit.evaluation.connection import reading
from audit.evaluation.counts_header import CountedColumns, known_header
from audit.evaluation.relation import ROW, Content, Relation
from audit.evaluation.sql import identifier
from audit.evaluation.table_file import relation
from audit.plan.audit_plan import AuditPlan
from audit.plan.evaluation_set import ANSWER, CASE, CASES, LABEL, LARGEST_COUNT, SIDES_OF_CELLS, CountedCell
from audit.vocabulary.text import SHOWN, rows_text, shown

if TYPE_CHECKING:
    import duckdb

MOST_GROUPS: Final = 200_000
"""Rows that a table of counts may have."""
_MOST_MARKS: Final = 4
_SHORT: Final = 3
"""Characters of a mark that tells of nobody."""
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.0)?|\d{1,3}(?:[,'’ \u00a0\u202f]\d{3}){1,4}", re.ASCII)
_BELOW: Final = re.compile(r"(?:(<=|≤)|<|&lt;)\s*(\d{1,9})", re.ASCII)
_TOTALS: Final = re.compile(
    r"(grand |sub|sous-)?totals?|totale|all|everyone|sum|both sexes|tous|ensemble|todos|ambos sexos|(ins)?gesamt|"
    r"всего|итого|合计|总计|المجموع|الإجمالي",
    re.IGNORECASE,
)


class Between(NamedTuple):
    """Least and most that a number can be."""

    low: int
    high: int


class _Cases(NamedTuple):
    row: int
    label: str
    answer: str | None
    cases: int


def as_cases(connection: duckdb.DuckDBPyConnection, name: str, given: Relation, plan: AuditPlan) -> Relation:
    """Make the relation `name` of a table of counts that was read whole.

    It has the columns of the groups, `CASE`, `LABEL`, `ANSWER` (NULL for hidden cases), and `CASES`, the number of
    cases that a row stands for.

    Raises
    ------
    DataError
        If the table lacks a column, holds a row of totals, or a cell is no number and no mark that the plan or the mark
        itself explains; with how many and which rows, never with their content.
    """
    import pyarrow as pa

    if given.rows > MOST_GROUPS:
        raise DataError(
            f"{shown(given.source_name)} has {given.rows:,} rows, and a table of counts at most {MOST_GROUPS:,}",
            slug="too-many-groups",
            hint="a table of single cases is named by `path`; else add up the rows of each group",
        )
    groups = {feature.column: f"groups.{key}.column" for key, feature in plan.groups.items()}
    cells = _columns_of_cells(given, plan)
    check_asked(given.source_name, given.columns, list(groups), groups)
    _refuse_totals(connection, given, list(groups))
    cases = list(_cases(connection, given, cells, plan.evaluation_set.suppressed))
    columns = dict(zip(_Cases._fields, zip(*cases, strict=True), strict=True)) if cases else {}
    counted = pa.table(
        {
            ROW: pa.array(columns.get("row", ()), pa.int64()),
            LABEL: pa.array(columns.get("label", ()), pa.string()),
            ANSWER: pa.array(columns.get("answer", ()), pa.string()),
            CASES: pa.array(columns.get("cases", ()), pa.int64()),
        }
    )
    connection.register(f"{name}_counted", counted)
    named = ", ".join(identifier(column) for column in groups)
    own = ", ".join(identifier(column) for column in (LABEL, ANSWER, CASES))
    case = f"concat({ROW}, '-', {identifier(LABEL)}, {identifier(ANSWER)})"
    joined = f"{given.name} JOIN {name}_counted USING ({ROW})"
    query = f"SELECT {ROW}, {named}, {own}, {case} AS {identifier(CASE)} FROM {joined}"  # noqa: S608
    connection.execute(f"CREATE TEMP TABLE {identifier(name)} AS {query}")
    types = {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE {identifier(name)}").fetchall()}
    total = sum(each.cases for each in cases)
    content = Content(given.columns, types, given.all_numbers, total)
    return relation(name, given.source_name, content, given.sha256)


def _columns_of_cells(given: Relation, plan: AuditPlan) -> Mapping[CountedCell, str]:
    """Return the column of each number: as the plan says, or by its usual name."""
    declared = plan.evaluation_set.cells
    if declared:
        keys = {column: f"evaluation_set.cells.{cell}" for cell, column in declared.items()}
        check_asked(given.source_name, given.columns, list(keys), keys)
        return declared
    known = known_header(given.columns)
    if known is not None:
        return known
    raise DataError(
        f"{shown(given.source_name)} has neither the columns TP, FN, FP, TN nor positives, found, others, flagged",
        slug="columns-of-counts",
        hint='say which are which: cells = { positives = "victims", true_positives = "found" } in [evaluation_set]',
    )


def is_total(text: str) -> bool:
    """Whether the name of a group says that its row adds up others."""
    return _TOTALS.fullmatch(text.strip()) is not None


def _refuse_totals(connection: duckdb.DuckDBPyConnection, given: Relation, columns: Sequence[str]) -> None:
    texts = ", ".join(text_of(given.expression(column), given.types[column]) for column in columns)
    with reading(given.source_name):
        read = connection.execute(f"SELECT {ROW}, {texts} FROM {given.name} ORDER BY 1").fetchall()  # noqa: S608
    rows = [row for row, *written in read if any(is_total(text or "") for text in written)]
    if rows:
        raise DataError(
            f"{shown(given.source_name)} adds up other rows in {rows_text(len(rows), rows[:SHOWN])}",
            slug="totals-in-counts",
            hint="take rows of totals out: their cases would be counted twice",
        )


def _cases(
    connection: duckdb.DuckDBPyConnection,
    given: Relation,
    cells: Mapping[CountedCell, str],
    suppressed: Mapping[str, tuple[int, int]],
) -> Iterator[_Cases]:
    """Yield the cases of every row, by label and answer."""
    texts = ", ".join(
        f"COALESCE(trim({text_of(given.expression(column), given.types[column])}), '')" for column in cells.values()
    )
    with reading(given.source_name):
        rows = connection.execute(f"SELECT {ROW}, {texts} FROM {given.name} ORDER BY {ROW}").fetchall()  # noqa: S608
    unread, contradictory, found = list[int](), list[int](), list[_Cases]()
    for row, *written in rows:
        numbers = {cell: between(text, suppressed) for cell, text in zip(cells, written, strict=True)}
        read = {cell: number for cell, number in numbers.items() if number is not None}
        if len(read) < len(numbers):
            unread.append(row)
            continue
        for label, side in zip(("1", "0"), SIDES_OF_CELLS, strict=True):
            counted = _side(*(read.get(cell) for cell in side))
            if min(counted) < 0:
                contradictory.append(row)
            answers = zip(("1", "0", None), counted, strict=True)
            found += [_Cases(row, label, answer, cases) for answer, cases in answers if cases]
    if unread:
        raise DataError(
            f"{shown(given.source_name)} has a cell that is no number in {rows_text(len(unread), unread[:SHOWN])}",
            slug="no-number",
            hint='say what a mark stands for: suppressed = { "*" = [1, 9] } in [evaluation_set]; <10 says it itself',
        )
    if contradictory:
        raise DataError(
            f"{shown(given.source_name)}: a part is larger than its whole in "
            f"{rows_text(len(contradictory), contradictory[:SHOWN])}",
            slug="counts-contradict",
            hint="check which column is which in `cells`: those found cannot be more than there are",
        )
    yield from found


def _side(flagged: Between | None, others: Between | None, total: Between | None) -> tuple[int, int, int]:
    """Return how many are certainly flagged, certainly not, and hidden; below 0 where the numbers contradict."""
    flagged, others = flagged or _part(total, others), others or _part(total, flagged)
    if flagged is None or others is None:
        return 0, 0, 0
    most = flagged.high + others.high if total is None else total.high
    return flagged.low, others.low, most - flagged.low - others.low


def _part(total: Between | None, other: Between | None) -> Between | None:
    if total is None or other is None:
        return None
    return Between(max(total.low - other.high, min(total.high - other.low, 0)), total.high - other.low)


def between(text: str, suppressed: Mapping[str, tuple[int, int]]) -> Between | None:
    """Return what a cell says: a whole number, or a mark with a meaning; None where it says neither."""
    if text in suppressed:
        return Between(*suppressed[text])
    if _NUMBER.fullmatch(text):
        number = int(re.sub(r"\.0$|\D", "", text))
        return Between(number, number) if number <= LARGEST_COUNT else None
    below = _BELOW.fullmatch(text)
    if below is None:
        return None
    return Between(0, max(int(below[2]) - (0 if below[1] else 1), 0))


def seen_counts(
    connection: duckdb.DuckDBPyConnection, given: Relation, columns: CountedColumns | None
) -> CountedColumns | None:
    """Return columns that hold counts, with their marks; None where a cell is none, or all are 0 and 1 as in rows.

    A mark in a single cell is not shown where it is longer than three characters.
    """
    if columns is None or given.rows > MOST_GROUPS:
        return None
    texts = [text_of(given.expression(column), given.types[column]) for column in columns.columns]
    listed = ", ".join(f"trim({text})" for text in texts)
    query = f"SELECT cell, count(*) FROM (SELECT unnest([{listed}]) AS cell FROM {given.name}) GROUP BY 1 ORDER BY 1"  # noqa: S608
    cells = {str(cell): int(many) for cell, many in connection.execute(query).fetchall() if cell}
    numbers = {cell: between(cell, {}) for cell in cells}
    marks = tuple(cell for cell, number in numbers.items() if number is None)
    highest = max((number.high for number in numbers.values() if number is not None), default=0)
    if highest < 2 or len(marks) > _MOST_MARKS:
        return None
    return replace(columns, marks=tuple(mark for mark in marks if cells[mark] > 1 or len(mark) <= _SHORT))
