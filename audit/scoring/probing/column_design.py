"""Rows of the evaluation set in which declared columns are changed: the same case, under another value."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.counting.probed import MOST_VARIANTS, Comparison, Design, Pairs, SlotOfProbe
from audit.errors import PlanError
from audit.evaluation.connection import reading
from audit.evaluation.sql import identifier
from audit.plan.probes import ColumnsProbe
from audit.scoring.probing.text_design import variant_id
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.evaluation.evaluation_set import EvaluationSet

__all__ = ["cast_value", "column_design"]


_Key = tuple[tuple[str, str], ...]
"""The value of every column that is changed."""
_Cells = dict[str, dict[str, Any]]
"""Column, value as the plan writes it: the same in the column's own type, None for an empty cell."""


def column_design(
    probe: ColumnsProbe, features: tuple[str, ...], evaluation_set: EvaluationSet, cluster: bool
) -> Design:
    """Draw the rows and change them.

    Rows are drawn by a digest of seed and id, so that the order of the file makes no difference. Rows of one cluster
    count as one template; without clusters each row is one.

    Parameters
    ----------
    features : tuple of str
        The columns that the detector is given.
    cluster : bool
        Whether the plan names a column of clusters.

    Raises
    ------
    PlanError
        A value is none of its column's type, no row of the set holds it, two are the same, or there would be too many
        rows.
    """
    rows, templates = _drawn(probe, features, evaluation_set, cluster=cluster)
    cells = _cells(probe, rows.schema)
    empty = _check_held(probe, cells, evaluation_set)
    comparisons = tuple(_comparisons(probe))
    keys: dict[_Key, int] = {}
    pairs = [(place, *(_place(keys, key) for key in _keys(probe, one))) for place, one in enumerate(comparisons)]
    count = rows.num_rows
    _check_size(probe, len(keys) * count)
    number = np.arange(count)
    comparison, anchor, changed = (np.array(one, dtype=np.int64) for one in zip(*pairs, strict=True))
    return Design(
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
            comparison=np.repeat(comparison, count),
            template=np.tile(templates, len(pairs)),
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
        for column, held in permutations(levels, 2):
            yield from (
                Comparison(column, held, value, given) for given, value in product(levels[held], levels[column])
            )


def _keys(probe: ColumnsProbe, comparison: Comparison) -> tuple[_Key, _Key]:
    """What the anchor and the changed row hold."""
    held = dict(probe.anchor)
    if comparison.given_slot:
        held[comparison.given_slot] = comparison.given
    return tuple(held.items()), tuple((held | {comparison.slot: comparison.level}).items())


def _place(keys: dict[_Key, int], key: _Key) -> int:
    return keys.setdefault(key, len(keys))


def _drawn(
    probe: ColumnsProbe, features: tuple[str, ...], evaluation_set: EvaluationSet, *, cluster: bool
) -> tuple[pa.Table, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The rows drawn, in the order of their draw, and the place of each one's cluster in that order."""
    case_id, source = evaluation_set.expressions["case_id"], evaluation_set.source.name
    columns = ", ".join(f"{evaluation_set.feature_expression(name)} AS {identifier(name)}" for name in features)
    group = evaluation_set.expressions["cluster"] if cluster else case_id
    drawn = f"md5('{probe.seed}:' || {case_id})"
    # every name is a quoted identifier of a column that the plan names; the seed is a number
    query = (
        f"SELECT {columns}, CAST({group} AS VARCHAR) FROM {source}"  # noqa: S608
        f" ORDER BY {drawn}, {case_id} LIMIT {probe.rows}"
    )
    with reading(evaluation_set.source_name):
        table = evaluation_set.connection.sql(query).to_arrow_table()
    first: dict[str | None, int] = {}
    # by its place: a column of the set may have any name
    groups = table.column(table.num_columns - 1).to_pylist()
    places = np.array([first.setdefault(group, len(first)) for group in groups], dtype=np.int64)
    return table.remove_column(table.num_columns - 1), places


def _cells(probe: ColumnsProbe, types: pa.Schema) -> _Cells:
    """Every value in its column's type. Two that are the same there would be compared with themselves."""
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
                    hint="leave one out: changing a value into itself shows nothing",
                )
            written[cell] = value
            cells[column][value] = cell
    return cells


def _check_held(probe: ColumnsProbe, cells: _Cells, evaluation_set: EvaluationSet) -> dict[str, str]:
    """What an empty cell of each column is called. Raises PlanError at a value that the set does not hold.

    A detector that never met a value ignores it, and a misspelt one would pass. A number may lie between those of the
    set; an empty cell is asked for on purpose, and said to be in no row where it is in none.
    """
    called = {}
    for column, by_value in cells.items():
        expression = evaluation_set.feature_expression(column)
        told = {value: cell for value, cell in by_value.items() if cell is not None}
        numeric = any(isinstance(cell, int | float | Decimal) and not isinstance(cell, bool) for cell in told.values())
        finite = "FILTER (isfinite(CAST(cell AS DOUBLE)))"
        wanted = (
            f"min(cell) {finite}, max(cell) {finite}"
            if numeric
            else "list(DISTINCT cell) FILTER (cell IN (SELECT unnest($told)))"
        )
        query = (
            f"SELECT bool_or(cell IS NULL OR CAST(cell AS VARCHAR) = ''), {wanted}"  # noqa: S608 - a quoted identifier
            f" FROM (SELECT {expression} AS cell FROM {evaluation_set.source.name})"
        )
        with reading(evaluation_set.source_name):
            ((empty, *found),) = evaluation_set.connection.execute(
                query, None if numeric else {"told": list(told.values())}
            ).fetchall()
        called[column] = "empty" if empty else "empty, as no row of the set is"
        for value, cell in told.items():
            held = found[0] is not None and (found[0] <= cell <= found[1] if numeric else cell in found[0])
            if not held:
                raise PlanError(
                    f"probe {probe.id}: no row of the set holds {shown(repr(value))} in the column {shown(column)}"
                    + (
                        f", whose numbers go from {found[0]:g} to {found[1]:g}"
                        if numeric and found[0] is not None
                        else ""
                    ),
                    slug="probe-value-not-held",
                    hint="write it as the set does: what a detector never met it may ignore, and that would pass",
                )
    return called


def _changed(rows: pa.Table, keys: list[_Key], cells: _Cells) -> pa.RecordBatch:
    """The rows once for each key, with the columns that are changed filled anew."""
    import pyarrow as pa

    tables = []
    for key in keys:
        table = rows
        for column, value in key:
            place = table.schema.get_field_index(column)
            kind = table.schema.field(place).type
            filled = pa.array([cells[column][value]] * table.num_rows, type=kind)
            table = table.set_column(place, table.schema.field(place), filled)
        tables.append(table)
    whole = pa.concat_tables(tables).combine_chunks()
    return pa.RecordBatch.from_arrays(
        [column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in whole.columns],
        schema=whole.schema,
    )


def cast_value(value: object, kind: pa.DataType | None, *, probe: str, column: str) -> Any:
    """A value of the plan in the type of its column; in its own where `kind` is None.

    Raises
    ------
    PlanError
        It is none of that type, too large for it, or no finite number.
    """
    import pyarrow as pa

    try:
        found = pa.array([value])
        if kind is not None:
            found = found.cast(pa.string() if pa.types.is_dictionary(kind) else kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, OverflowError):
        found = None
    cell = None if found is None else found[0].as_py()
    if cell is None or (isinstance(cell, float) and not np.isfinite(cell)):
        of = "no number that can be given" if kind is None else f"none of its type in the evaluation set ({kind})"
        raise PlanError(
            f"probe {probe}: {shown(repr(value))} for {shown(column)} is {of}",
            slug="probe-value",
            hint="write it as the set stores it",
        )
    return cell
