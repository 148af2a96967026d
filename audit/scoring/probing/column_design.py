"""Design a probe of columns: rows of the evaluation set in which declared columns get other values."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from audit.counting.probed import MOST_VARIANTS, Comparison, Pairs, SlotOfProbe
from audit.engines.protocol import identifier
from audit.engines.read_errors import reading
from audit.errors import PlanError
from audit.plan.probes import ColumnsProbe
from audit.scoring.probing.text_design import DesignWithRows, variant_id
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

_Key = tuple[tuple[str, str], ...]
"""The changed columns and their values."""
_Cells = dict[str, dict[str, Any]]
"""By column and by the value that the plan writes: that value in the type of the column, None for an empty cell."""


def column_design(
    probe: ColumnsProbe, features: tuple[str, ...], evaluation_set: EvaluationSet, cluster: bool
) -> DesignWithRows:
    """Draw rows and change them.

    A digest of seed and id decides which rows are drawn, so the order of the file makes no difference. Rows of one
    cluster count as one template; without clusters each row is a template.

    Parameters
    ----------
    features : tuple of str
        The columns that the detector is given.
    cluster : bool
        Whether the plan names a column of clusters.

    Raises
    ------
    PlanError
        A value does not have the type of its column, no row of the set holds it, two values are the same, or there
        would be too many rows.
    """
    rows, templates = _drawn(probe, features, evaluation_set, cluster=cluster)
    cells = _cells(probe, rows.schema)
    empty = _check_held(probe, cells, evaluation_set)
    comparisons = tuple(_comparisons(probe))
    keys: dict[_Key, int] = {}
    places = [[keys.setdefault(key, len(keys)) for key in _keys(probe, comparison)] for comparison in comparisons]
    count = rows.num_rows
    _check_size(probe, len(keys) * count)
    number = np.arange(count)
    anchor, changed = np.array(places, dtype=np.int64).T
    return DesignWithRows(
        probe=probe.id,
        kind="columns",
        unit="cluster" if cluster else "row",
        slots=tuple(
            SlotOfProbe(
                column, probe.anchor[column] or empty[column], {value: value or empty[column] for value in values}
            )
            for column, values in probe.values.items()
        ),
        comparisons=comparisons,
        pairs=Pairs(
            comparison=np.repeat(np.arange(len(places)), count),
            template=np.tile(templates, len(places)),
            anchor=(anchor[:, None] * count + number).ravel(),
            variant=(changed[:, None] * count + number).ravel(),
        ),
        ids=tuple(
            variant_id(probe.id, f"{probe.seed}:{evaluation_set.sha256}", row, repr(key))
            for key in keys
            for row in range(count)
        ),
        batch=_changed(rows, list(keys), cells),
        templates=int(templates.max()) + 1,
        source="rows of the evaluation set",
        words="the plan's values",
        columns=tuple(probe.values),
    )


def _check_size(probe: ColumnsProbe, variants: int) -> None:
    if variants > MOST_VARIANTS:
        raise PlanError(
            f"probe {probe.id}: more than {MOST_VARIANTS:,} changed rows",
            slug="probe-too-large",
            hint="draw fewer rows, name fewer values, or leave out intersections",
        )


def _comparisons(probe: ColumnsProbe) -> Iterator[Comparison]:
    levels = {
        column: [value for value in values if value != probe.anchor[column]] for column, values in probe.values.items()
    }
    for column, values in levels.items():
        yield from (Comparison(column, "", value, "") for value in values)
    if probe.intersections:
        for column, fixed_column in permutations(levels, 2):
            yield from (
                Comparison(column, fixed_column, value, fixed_value)
                for fixed_value, value in product(levels[fixed_column], levels[column])
            )


def _keys(probe: ColumnsProbe, comparison: Comparison) -> tuple[_Key, _Key]:
    """The values of the anchor and of the changed row."""
    anchor = dict(probe.anchor)
    if comparison.given_slot:
        anchor[comparison.given_slot] = comparison.given
    return tuple(anchor.items()), tuple((anchor | {comparison.slot: comparison.level}).items())


def _drawn(
    probe: ColumnsProbe, features: tuple[str, ...], evaluation_set: EvaluationSet, *, cluster: bool
) -> tuple[pa.Table, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The drawn rows in the order of the draw, and for each row the place of its cluster in that order."""
    case_id, source = evaluation_set.expressions["case_id"], evaluation_set.source.name
    columns = ", ".join(f"{evaluation_set.feature_expression(name)} AS {identifier(name)}" for name in features)
    group = evaluation_set.expressions["cluster"] if cluster else case_id
    drawn = f"md5('{probe.seed}:' || {case_id})"
    # every name is a quoted identifier of a column that the plan names; the seed is a number
    query = (
        f"SELECT {columns}, CAST({group} AS VARCHAR) FROM {source}"  # noqa: S608
        f" ORDER BY {drawn}, {case_id} LIMIT {probe.rows}"
    )
    table = evaluation_set.table_of(query)
    first: dict[str | None, int] = {}
    # by its place: a column of the set may have any name
    groups = table.column(table.num_columns - 1).to_pylist()
    places = np.array([first.setdefault(group, len(first)) for group in groups], dtype=np.int64)
    return table.remove_column(table.num_columns - 1), places


def _cells(probe: ColumnsProbe, types: pa.Schema) -> _Cells:
    """Cast every value to the type of its column. Two equal values would be compared with themselves: PlanError."""
    cells: _Cells = {}
    for column, values in probe.values.items():
        kind = types.field(column).type
        written: dict[Any, str] = {}
        cells[column] = {}
        for value in dict.fromkeys((probe.anchor[column], *values)):
            cell = cast_value(value, kind, probe=probe.id, column=column) if value else None
            if cell in written:
                raise PlanError(
                    f"probe {probe.id}: {shown(repr(written[cell]))} and {shown(repr(value))} are the same value of "
                    f"the column {shown(column)} ({kind})",
                    slug="probe-same-value",
                )
            written[cell] = value
            cells[column][value] = cell
    return cells


def _check_held(probe: ColumnsProbe, cells: _Cells, evaluation_set: EvaluationSet) -> dict[str, str]:
    """Refuse a value that the set does not hold, and return the name of an empty cell in each column.

    A detector may ignore a value that it never met, so a misspelt value would pass. A number may lie between the
    numbers of the set. An empty cell is asked for on purpose; its name says so if no row of the set has one.
    """
    called = {}
    for column, by_value in cells.items():
        expression = evaluation_set.feature_expression(column)
        filled = {value: cell for value, cell in by_value.items() if cell is not None}
        numeric = any(
            isinstance(cell, int | float | Decimal) and not isinstance(cell, bool) for cell in filled.values()
        )
        finite = "FILTER (isfinite(CAST(cell AS DOUBLE)))"
        wanted = (
            f"min(cell) {finite}, max(cell) {finite}"
            if numeric
            else "list(DISTINCT cell) FILTER (cell IN (SELECT unnest($given)))"
        )
        query = (
            f"SELECT bool_or(cell IS NULL OR CAST(cell AS VARCHAR) = ''), {wanted}"  # noqa: S608 - a quoted identifier
            f" FROM (SELECT {expression} AS cell FROM {evaluation_set.source.name})"
        )
        with reading(evaluation_set.source_name):
            ((empty, *domain),) = evaluation_set.connection.execute(
                query, None if numeric else {"given": list(filled.values())}
            ).fetchall()
        called[column] = "empty" if empty else "empty, as no row of the set is"
        for value, cell in filled.items():
            in_domain = domain[0] is not None and (domain[0] <= cell <= domain[1] if numeric else cell in domain[0])
            if not in_domain:
                raise PlanError(
                    f"probe {probe.id}: no row of the set holds {shown(repr(value))} in the column {shown(column)}"
                    + (
                        f", whose numbers go from {domain[0]:g} to {domain[1]:g}"
                        if numeric and domain[0] is not None
                        else ""
                    ),
                    slug="probe-value-not-held",
                )
    return called


def _changed(rows: pa.Table, keys: list[_Key], cells: _Cells) -> pa.RecordBatch:
    """Repeat the rows for each key, with the values of that key in the changed columns."""
    tables = []
    for key in keys:
        table = rows
        for column, value in key:
            index = table.schema.get_field_index(column)
            kind = table.schema.field(index).type
            filled = pa.array([cells[column][value]] * table.num_rows, type=kind)
            table = table.set_column(index, table.schema.field(index), filled)
        tables.append(table)
    combined = pa.concat_tables(tables).combine_chunks()
    return pa.RecordBatch.from_arrays(
        [column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in combined.columns],
        schema=combined.schema,
    )


def cast_value(value: object, kind: pa.DataType | None, *, probe: str, column: str) -> Any:
    """Cast a value of the plan to the type of its column; without `kind` it keeps its own type.

    Raises
    ------
    PlanError
        It does not have that type, is too large for it, or is no finite number.
    """
    try:
        array = pa.array([value])
        if kind is not None:
            array = array.cast(pa.string() if pa.types.is_dictionary(kind) else kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, OverflowError):
        array = None
    cell = None if array is None else array[0].as_py()
    if cell is None or (isinstance(cell, float) and not np.isfinite(cell)):
        problem = "no number that can be given" if kind is None else f"none of its type in the evaluation set ({kind})"
        raise PlanError(f"probe {probe}: {shown(repr(value))} for {shown(column)} is {problem}", slug="probe-value")
    return cell
