"""Read a table of counts, one row a group, as an evaluation set: hidden numbers become cases without an answer.

A number from a to b stands for a cases that are certain. The b - a others count for or against their group as cases
without an answer do: a verdict holds whatever they are, and whether they exist. For one more case with a wrong answer
raises a rate of errors, and one more with a right answer lowers it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa

from audit.engines.protocol import ROW, identifier
from audit.engines.read_errors import reading
from audit.errors import DataError
from audit.evaluation.counts_header import CountedColumns, known_header
from audit.evaluation.relation import Content, Relation, check_asked, text_of
from audit.evaluation.table_file import relation
from audit.plan.evaluation_set import (
    ANSWER,
    CASE,
    CASES,
    LABEL,
    LARGEST_COUNT,
    SIDES_OF_CELLS,
    CountedCell,
    EvaluationSetSection,
)
from audit.plan.second_questions import DecisionsSection
from audit.plan.sections import Groups
from audit.vocabulary.text import SHOWN, rows_text, shown

if TYPE_CHECKING:
    from audit.engines.duckdb import DuckDBEngine

MOST_GROUPS: Final = 200_000
"""Rows that a table of counts may have."""
_MOST_MARKS: Final = 4
_SHORT: Final = 3
"""Characters of a mark that tells of nobody."""
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.0)?|\d{1,3}(?:[,'’ \u00a0\u202f]\d{3}){1,4}", re.ASCII)
_POINTS: Final = re.compile(r"[1-9]\d{0,2}(\.\d{3})+", re.ASCII)
"""Thousands with points: a cell of a table, for in a file with decimals 1.410 is less than two."""
_RATE: Final = re.compile(r"[+-]?\d+([.,'’ \u00a0\u202f]\d+)*\s*%?", re.ASCII)
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


def as_cases(
    engine: DuckDBEngine,
    name: str,
    table: Relation,
    group_features: Groups,
    set_section: EvaluationSetSection,
    decisions: DecisionsSection | None,
) -> Relation:
    """Make the relation `name` of a table of counts that was read whole.

    It has the columns of the groups, `CASE`, `LABEL`, `ANSWER` (NULL for hidden cases), `CASES`, the number of cases
    that a row stands for, and of a table of classes what people decided.

    Raises
    ------
    DataError
        If the table lacks a column, holds a row of totals, or a cell is no number and no mark that the plan or the mark
        itself explains; with how many and which rows, never with their content.
    """
    if table.rows > MOST_GROUPS:
        raise DataError(
            f"{shown(table.source_name)} has {table.rows:,} rows, and a table of counts at most {MOST_GROUPS:,}",
            slug="too-many-groups",
        )
    _refuse_nameless(table)
    groups = {feature.column: f"groups.{key}.column" for key, feature in group_features.items()}
    cells = _columns_of_cells(table, set_section)
    people = {} if decisions is None else {decisions.column: "decisions.column"}
    check_asked(table.source_name, table.columns, groups | people)
    _refuse_totals(engine, table, list(groups))
    reader = _crossed if "cases" in cells else _cases
    cases = list(reader(engine, table, cells, set_section.suppressed))
    if not cases:
        raise DataError(
            f"{shown(table.source_name)} counts nobody: every number in {rows_text(table.rows, ())} is 0",
            slug="nobody-counted",
        )
    engine.register(f"{name}_counted", _arrow_table(cases))
    named = ", ".join(identifier(column) for column in groups)
    columns = ", ".join(identifier(column) for column in (LABEL, ANSWER, CASES))
    # of hidden cases nobody knows that they are there, and so nothing of them is decided
    for column in map(identifier, people):
        columns += f", CASE WHEN {identifier(ANSWER)} IS NOT NULL THEN {column} END AS {column}"
    case = f"concat({ROW}, '-', {identifier(LABEL)}, {identifier(ANSWER)})"
    joined = f"{table.name} JOIN {name}_counted USING ({ROW})"
    query = f"SELECT {ROW}, {named}, {columns}, {case} AS {identifier(CASE)} FROM {joined}"  # noqa: S608
    engine.execute(f"CREATE TEMP TABLE {identifier(name)} AS {query}")
    types = {str(row[0]): str(row[1]) for row in engine.execute(f"DESCRIBE {identifier(name)}").fetchall()}
    total = sum(counted.cases for counted in cases)
    content = Content(table.columns, types, table.all_numbers, total)
    read = relation(name, table.source_name, content, table.sha256)
    return read._replace(added_over=_added_over(engine, table, list(groups), [*cells.values(), *people]))


def _arrow_table(cases: Sequence[_Cases]) -> pa.Table:
    """Return a row for each number of a table of counts: its row there, the label, the answer, and the cases."""
    columns = dict(zip(_Cases._fields, zip(*cases, strict=True), strict=True))
    return pa.table(
        {
            ROW: pa.array(columns["row"], pa.int64()),
            LABEL: pa.array(columns["label"], pa.string()),
            ANSWER: pa.array(columns["answer"], pa.string()),
            CASES: pa.array(columns["cases"], pa.int64()),
        }
    )


def _added_over(engine: DuckDBEngine, table: Relation, groups: Sequence[str], cells: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that the plan does not name and in which rows of one group differ.

    Numbers that differ from row to row are rates or more counts, which are of groups and make none. Yet where no other
    column tells such rows apart, one of them must, such as a year, and all are returned.
    """
    texts = {column: f"COALESCE({text_of(table.expression(column), kind)}, '')" for column, kind in table.types.items()}
    others = [column for column in table.types if column not in groups and column not in cells]
    if not others:
        return ()
    different = ", ".join(f"max(count(DISTINCT {texts[column]})) OVER ()" for column in others)
    keys = ", ".join(texts[column] for column in groups)
    query = f"SELECT {different} FROM {table.name} GROUP BY {keys} LIMIT 1"  # noqa: S608
    (most,) = engine.execute(query).fetchall()
    varied = [column for column, values in zip(others, most, strict=True) if values > 1]
    numbers = [column for column in varied if _differ(_written(engine, table, column), table.rows, _RATE.fullmatch)]
    return tuple(column for column in varied if column not in numbers) or tuple(varied)


def _columns_of_cells(table: Relation, set_section: EvaluationSetSection) -> Mapping[CountedCell, str]:
    """Return the column of each number: as the plan says, or by its usual name."""
    declared = set_section.cells
    if declared:
        keys = {column: f"evaluation_set.cells.{cell}" for cell, column in declared.items()}
        check_asked(table.source_name, table.columns, keys)
        return declared
    known = known_header(table.columns)
    if known is not None:
        return known
    raise DataError(
        f"{shown(table.source_name)} has neither the columns TP, FN, FP, TN nor positives, found, others, flagged",
        slug="columns-of-counts",
    )


def _refuse_nameless(table: Relation) -> None:
    if "" in table.columns:
        raise DataError(
            f"{shown(table.source_name)}: column {table.columns.index('') + 1} has no name", slug="column-without-name"
        )


def is_total(text: str) -> bool:
    """Whether the name of a group says that its row adds up others."""
    return _TOTALS.fullmatch(text.strip()) is not None


def _refuse_totals(engine: DuckDBEngine, table: Relation, columns: Sequence[str]) -> None:
    texts = ", ".join(text_of(table.expression(column), table.types[column]) for column in columns)
    with reading(table.source_name):
        read = engine.execute(f"SELECT {ROW}, {texts} FROM {table.name} ORDER BY 1").fetchall()  # noqa: S608
    rows = [row for row, *written in read if any(is_total(text or "") for text in written)]
    if rows:
        raise DataError(
            f"{shown(table.source_name)} adds up other rows in {rows_text(len(rows), rows[:SHOWN])}",
            slug="totals-in-counts",
        )


def _cases(
    engine: DuckDBEngine,
    table: Relation,
    cells: Mapping[CountedCell, str],
    suppressed: Mapping[str, tuple[int, int]],
) -> Iterator[_Cases]:
    """Yield the cases of every row, by label and answer."""
    rows = _texts_of(engine, table, cells.values())
    _refuse_points(table.source_name, ((row, written) for row, *written in rows))
    unread, contradictory, cases_read = list[int](), list[int](), list[_Cases]()
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
            cases_read += [_Cases(row, label, answer, cases) for answer, cases in answers if cases]
    _refuse_unread(table.source_name, unread)
    if contradictory:
        raise DataError(
            f"{shown(table.source_name)}: a part is larger than its whole in "
            f"{rows_text(len(contradictory), contradictory[:SHOWN])}",
            slug="counts-contradict",
        )
    yield from cases_read


def _crossed(
    engine: DuckDBEngine,
    table: Relation,
    cells: Mapping[CountedCell, str],
    suppressed: Mapping[str, tuple[int, int]],
) -> Iterator[_Cases]:
    """Yield the cases of every row of a table of classes: a label, an answer, and how many cases have both."""
    rows = _texts_of(engine, table, [cells["label"], cells["answer"], cells["cases"]])
    _refuse_points(table.source_name, ((row, written[2:]) for row, *written in rows))
    read = [(row, label, answer, between(text, suppressed)) for row, label, answer, text in rows]
    _refuse_unread(table.source_name, [row for row, *_, number in read if number is None])
    for row, label, answer, number in read:
        sure, hidden = (0, 0) if number is None else (number.low if answer else 0, number.high)
        parts = ((answer, sure), (None, hidden - sure))
        yield from (_Cases(row, label, part_answer, cases) for part_answer, cases in parts if cases)


def _texts_of(engine: DuckDBEngine, table: Relation, columns: Iterable[str]) -> list[Any]:
    texts = ", ".join(
        f"COALESCE(trim({text_of(table.expression(column), table.types[column])}), '')" for column in columns
    )
    with reading(table.source_name):
        return engine.execute(f"SELECT {ROW}, {texts} FROM {table.name} ORDER BY {ROW}").fetchall()  # noqa: S608


def _refuse_unread(source_name: str, unread: Sequence[int]) -> None:
    if unread:
        raise DataError(
            f"{shown(source_name)} has a cell that is no number in {rows_text(len(unread), unread[:SHOWN])}",
            slug="no-number",
            hint='say what a mark stands for: suppressed = { "*" = [1, 9] } in [evaluation_set]; <10 says it itself',
        )


def _refuse_points(source_name: str, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
    pointed = [row for row, written in rows if any(map(_POINTS.fullmatch, written))]
    if pointed:
        raise DataError(
            f"{shown(source_name)} has numbers with a point between thousands, such as 1.410, in "
            f"{rows_text(len(pointed), pointed[:SHOWN])}",
            slug="no-number",
            hint="a point may also stand before decimals: write them without it, such as 1410",
        )


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


def seen_counts(engine: DuckDBEngine, table: Relation, columns: CountedColumns | None) -> CountedColumns | None:
    """Return columns that hold counts, with their marks; None where a cell is none, or all are 0 and 1 as in rows.

    A mark in a single cell is not shown where it is longer than three characters.

    Raises
    ------
    DataError
        If it is such a table, and has points between thousands or a column without a name, which may be a group.
    """
    if columns is None or table.rows > MOST_GROUPS:
        return None
    written = {name: _written(engine, table, name) for name in table.types}
    others = (name for name in table.types if name not in columns.columns)
    numbers = tuple(name for name in others if _differ(written[name], table.rows, _may_count))
    columns = replace(columns, numbers=numbers)
    groups = [name for name in table.types if name not in columns.columns]
    columns = replace(columns, merging=_repeat(engine, table, groups))
    plain = (name for name in columns.columns if name not in numbers or not any(map(_POINTS.fullmatch, written[name])))
    cells = sum((written[name] for name in plain), Counter[str]())
    read = {cell: between(cell, {}) for cell in cells}
    pointed = any(map(_POINTS.fullmatch, cells))
    marks = tuple(sorted(cell for cell in cells if read[cell] is None and not _POINTS.fullmatch(cell)))
    highest = max((number.high for number in read.values() if number is not None), default=0)
    if (highest < 2 and not pointed) or len(marks) > _MOST_MARKS:
        return None
    _refuse_nameless(table)
    if pointed:
        names = ", ".join(text_of(table.expression(name), table.types[name]) for name in columns.columns)
        rows = engine.execute(f"SELECT {ROW}, {names} FROM {table.name} ORDER BY 1").fetchall()  # noqa: S608
        _refuse_points(table.source_name, ((row, [text or "" for text in texts]) for row, *texts in rows))
    shown_marks = tuple(mark for mark in marks if cells[mark] > 1 or len(mark) <= _SHORT)
    return replace(columns, marks=shown_marks, zeros=_doubtful_zeros(read, cells["0"]))


def _written(engine: DuckDBEngine, table: Relation, column: str) -> Counter[str]:
    text = f"trim({text_of(table.expression(column), table.types[column])})"
    counts = engine.execute(f"SELECT {text}, count(*) FROM {table.name} GROUP BY 1").fetchall()  # noqa: S608
    return Counter({str(cell): int(many) for cell, many in counts if cell})


def _repeat(engine: DuckDBEngine, table: Relation, columns: Sequence[str]) -> bool:
    """Whether rows have the same texts in these columns."""
    texts = ", ".join(text_of(table.expression(name), table.types[name]) for name in columns)
    query = f"SELECT count(*) FROM (SELECT DISTINCT {texts or 'NULL'} FROM {table.name})"  # noqa: S608
    ((distinct,),) = engine.execute(query).fetchall()
    return bool(distinct < table.rows)


def _may_count(cell: str) -> bool:
    return between(cell, {}) is not None or _POINTS.fullmatch(cell) is not None


def _differ(cells: Counter[str], rows: int, is_number: Callable[[str], object]) -> bool:
    """Whether cells are numbers but for marks, and not the same few again and again, as codes are."""
    numbers = sum(many for cell, many in cells.items() if is_number(cell))
    return 2 * numbers > cells.total() and 2 * len(cells) > rows


def _doubtful_zeros(read: Mapping[str, Between | None], many: int) -> tuple[str, ...]:
    """Return how 0 is written, where it may stand for a small number: none is seen, and some are hidden or 0 is often.

    `many` is how often it stands there.
    """
    below = [number.high for cell, number in read.items() if number is not None and _BELOW.fullmatch(cell)]
    hidden = bool(below) or None in read.values()
    if many < 2 and not hidden:
        return ()
    exact = {cell: number.high for cell, number in read.items() if number is not None and not _BELOW.fullmatch(cell)}
    if any(0 < number <= min(below, default=2 if hidden else 9) for number in exact.values()):
        return ()
    return tuple(sorted(cell for cell, number in exact.items() if number == 0))
