"""Counts the rows of an evaluation set for a description, from the columns that it needs and from no other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.disclosure.description.tables import Table
from audit.errors import PlanError
from audit.evaluation.connection import PrivateFolder, Unchanged, connect, reading
from audit.evaluation.design import cluster_text
from audit.evaluation.ids import check_ids
from audit.evaluation.labels import check_labels
from audit.evaluation.relation import ROW
from audit.evaluation.sensitive import CodedFeature, check_maps, check_names, code_features, list_columns
from audit.evaluation.sql import identifier
from audit.evaluation.table_file import ReadOptions, read_file
from audit.plan.audit_plan import AuditPlan

if TYPE_CHECKING:
    import duckdb

    from audit.evaluation.relation import Relation

__all__ = ["Counted", "count_rows", "needed_columns"]

_SOURCE: Final = "source"
_OWN: Final = "audit7k_described_"
"""How the names of our columns begin: a column of the file keeps its own."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Exact counts: they are given to a mechanism, and neither printed nor written."""

    sha256: str
    """SHA-256 of the file."""
    cells: Mapping[str, tuple[int, ...]] = field(repr=False)
    """By table: the rows in each of its cells."""


def needed_columns(plan: AuditPlan, tables: Iterable[Table]) -> dict[str, str]:
    """The columns that are read, each with the key of the plan that names it: the id, so that no case counts twice."""
    section = plan.evaluation_set
    asked: list[tuple[str | None, str]] = [
        (section.id, "evaluation_set.id"),
        (section.label, "evaluation_set.label"),
        (section.cluster, "evaluation_set.cluster"),
    ]
    for name in _features(tables):
        asked.append((plan.groups[name].column, f"groups.{name}.column"))
        asked.append((plan.groups[name].country_column, f"groups.{name}.country_column"))
    keys: dict[str, str] = {}
    for column, key in asked:
        if column is not None:
            keys.setdefault(column, key)
    return keys


def count_rows(plan: AuditPlan, folder: Path, tables: Sequence[Table], rows_per_unit: int) -> Counted:
    """Count the rows in each cell.

    Of a cluster at most `rows_per_unit` rows count: those whose ids come first by their MD5, which depends on no other
    cluster. Weights are not looked at.

    Raises
    ------
    DataError
        If the set cannot be read, or a cell that is needed is not as the plan says; rows by number, no content.
    PlanError
        If the plan names no file, or a map names nothing.
    StorageError
        If there is no room to read it.
    """
    path = plan.evaluation_set.path
    if path is None:
        raise PlanError(
            "the plan names no evaluation set", slug="no-evaluation-set", hint='write path = "..." in [evaluation_set]'
        )
    path = (folder / path).absolute()
    part = plan.model_copy(update={"groups": {name: plan.groups[name] for name in _features(tables)}})
    check_names(part)
    check_maps(part)
    private = PrivateFolder()
    try:
        connection = connect(private, [path])
        try:
            return _count(part, path, connection, private, tables, rows_per_unit)
        finally:
            connection.close()
    finally:
        private.remove()


def _features(tables: Iterable[Table]) -> list[str]:
    named = [axis.feature for table in tables for axis in table.axes if axis.feature is not None]
    return list(dict.fromkeys(named))


def _count(
    plan: AuditPlan,
    path: Path,
    connection: duckdb.DuckDBPyConnection,
    private: PrivateFolder,
    tables: Sequence[Table],
    rows_per_unit: int,
) -> Counted:
    section, keys = plan.evaluation_set, needed_columns(plan, tables)
    options = ReadOptions(section.format, section.encoding, section.delimiter, list_columns(plan), section.sha256)
    unchanged = Unchanged.now(path)
    source = read_file(connection, _SOURCE, path, private, options, tuple(keys), keys)
    case_id = check_ids(connection, source, section.id, private)
    label = check_labels(connection, source, section)
    coded = {entry.feature.name: entry for entry in code_features(connection, source, plan)}
    cluster = None if section.cluster is None else cluster_text(connection, source, section.cluster)
    query = _query(label, list(coded.values()), cluster, case_id, rows_per_unit)
    with reading(source.source_name):
        found = connection.execute(query).fetchall()
    cells = {table.name: _cells(table, coded, found) for table in tables}
    unchanged.check()
    return Counted(_sha256(source), cells)


def _sha256(source: Relation) -> str:
    assert source.sha256 is not None  # noqa: S101 - a file has one
    return source.sha256


def _query(label: str, coded: Sequence[CodedFeature], cluster: str | None, case_id: str, rows_per_unit: int) -> str:
    """SQL that counts rows by label and by what the features hold."""
    read = {"label": label, **{str(place): entry.expression for place, entry in enumerate(coded)}}
    names = ", ".join(identifier(_OWN + name) for name in read)
    inner = ", ".join(f"{sql} AS {identifier(_OWN + name)}" for name, sql in read.items())
    if cluster is None:
        rows = f"SELECT {inner} FROM {_SOURCE}"  # noqa: S608
    else:
        rank = identifier(f"{_OWN}rank")
        order = f"row_number() OVER (PARTITION BY {cluster} ORDER BY md5({case_id}), {ROW})"
        ranked = f"SELECT {inner}, {order} AS {rank} FROM {_SOURCE}"  # noqa: S608
        rows = f"SELECT {names} FROM ({ranked}) WHERE {rank} <= {rows_per_unit:d}"  # noqa: S608
    return f"SELECT {names}, count(*) FROM ({rows}) GROUP BY {names}"  # noqa: S608


def _cells(
    table: Table, coded: Mapping[str, CodedFeature], found: Sequence[tuple[int | str | None, ...]]
) -> tuple[int, ...]:
    order = list(coded)
    counts = dict.fromkeys(table.cells, 0)
    for label, *values, rows in found:
        codes: dict[str | None, str] = {None: "" if label is None else str(label)}
        for name, value in zip(order, values, strict=True):
            codes[name] = coded[name].codes[None if value is None else str(value)]
        counts[tuple(axis.place(codes[axis.feature]) for axis in table.axes)] += int(rows or 0)
    return tuple(counts.values())
