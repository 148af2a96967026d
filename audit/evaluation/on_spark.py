"""Open an evaluation set on Spark, and refuse what is not counted there: never a silent fallback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from audit.engines.protocol import Figure
from audit.engines.read_errors import reading
from audit.engines.spark import SparkEngine
from audit.errors import DataError, PlanError
from audit.evaluation.asked_columns import asked_columns, every_asked_column
from audit.evaluation.checks import Check, ask
from audit.evaluation.parquet import checked_files
from audit.evaluation.parquet_folder import ParquetParts, folder_parts
from audit.evaluation.relation import Relation, is_float, wanted_columns
from audit.evaluation.table_file import another_file, check_file, format_of, set_place
from audit.evaluation.text_table import no_rows
from audit.evaluation.unchanged import Unchanged
from audit.plan.answers import PredictionsDetector
from audit.plan.audit_plan import AuditPlan
from audit.plan.services import ServiceDetector
from audit.storage import file_sha256
from audit.vocabulary.text import shown

_NUMBERS: Final = frozenset({"detector.score", "detector.rank", "evaluation_set.weight", "evaluation_set.numbers"})
"""Keys of a plan whose columns hold numbers; those of all others hold texts."""
_GIVEN: Final = frozenset({"VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE"})
"""Types that reach a detector from Spark as they do from DuckDB."""


def spark_for(plan: AuditPlan, table: Any = None) -> SparkEngine:
    """Open the Spark that a plan names, after every refusal that needs none.

    Raises
    ------
    PlanError
        The plan asks what is not counted there; the slug says what.
    StorageError
        There is no Spark.
    """
    for refused in _refused(plan, table):
        raise refused
    return SparkEngine.at(plan.engine.remote)


def source_on_spark(engine: SparkEngine, plan: AuditPlan, folder: Path, name: str) -> tuple[Relation, Check[None]]:
    """Make the view `name` over the Parquet file or folder that a plan names; also return a check that Spark sees all
    its rows, which raises DataError.

    Raises
    ------
    DataError
        If it is not there or has no rows, its files differ in their columns, or one lacks a column; if numbers are
        stored as texts, or ids, labels or groups as floats, of which two engines write different texts.
    StorageError
        If Spark cannot read it.
    """
    path, keys = set_place(plan.evaluation_set, folder), asked_columns(plan)
    check_file(path)
    if (plan.evaluation_set.format or format_of(path)) != "parquet":
        raise PlanError("only Parquet is read on Spark", slug="engine-format")
    unchanged = Unchanged.now(path)
    with reading(path.name):
        parts = ParquetParts((path,), file_sha256(path)) if path.is_file() else folder_parts(path)
    if plan.evaluation_set.sha256 not in (None, parts.sha256):
        raise another_file(path.name, parts.sha256, str(plan.evaluation_set.sha256))
    if parts.partitions and any(unquote(name) != unquote(name, "latin-1") for name in map(str, parts.files)):
        raise _other_rows(path.name)  # Arrow writes a letter in such a name as bytes, and Spark reads bytes as letters
    if any("${" in column for column in keys):
        raise _other_rows(path.name)  # Hadoop puts a setting in the place of such a name, and the column is read empty
    # Spark reads a column that a file lacks as empty
    stored, of_files = checked_files(path.name, parts.files)
    columns = (*stored, *parts.partitions)
    wanted_columns(path.name, columns, keys)
    if not sum(of_files):
        raise no_rows(path.name)
    types, rows = engine.open(name, parts.files, path.parent if path.is_file() else path, tuple(keys)), sum(of_files)
    if not types.keys() >= keys.keys():
        raise _other_rows(path.name)
    unsigned = {field.name for field in pq.read_schema(parts.files[0]) if pa.types.is_unsigned_integer(field.type)}
    for column, key in every_asked_column(plan):
        kind = f"U{types[column]}" if column in unsigned else types[column]
        if key == "detector.features":
            _check_feature(path.name, column, kind)
        else:
            _check_type(path.name, column, kind, is_number=key in _NUMBERS)
    wanted = {column: types[column] for column in keys}
    relation = Relation(
        name,
        path.name,
        columns,
        wanted,
        frozenset(),
        rows,
        parts.sha256,
        digest_of=parts.digest_of,
        unchanged=unchanged,
    )
    return relation, _all_seen(relation)


def _all_seen(relation: Relation) -> Check[None]:
    """Check that Spark sees the rows that lie here."""
    if (yield from ask(Figure("count(*)"))) != relation.rows:
        raise _other_rows(relation.source_name)


def _other_rows(source_name: str) -> DataError:
    return DataError(f"{shown(source_name)}: Spark reads other rows or columns than lie here", slug="engine-source")


def _check_type(source_name: str, column: str, kind: str, *, is_number: bool) -> None:
    """Refuse numbers stored as texts, whose grammar Spark does not have, and keys stored as floats."""
    if is_number and kind == "VARCHAR":
        raise DataError(
            f'{shown(source_name)}: the numbers of the column "{shown(column)}" are stored as text',
            slug="engine-text-numbers",
        )
    if not is_number and is_float(kind):
        raise DataError(
            f'{shown(source_name)}: the column "{shown(column)}" is stored as floats, of no one spelling',
            slug="engine-float-keys",
        )


def _check_feature(source_name: str, column: str, kind: str) -> None:
    """Refuse what a detector would be given in another type than here."""
    if kind not in _GIVEN:
        raise DataError(
            f'{shown(source_name)}: the feature "{shown(column)}" is neither text, truth values nor plain numbers',
            slug="engine-feature",
        )


def _refused(plan: AuditPlan, table: Any) -> Iterator[PlanError]:
    """Yield an error for what is not counted on Spark."""
    section, detector = plan.evaluation_set, plan.detector
    if table is not None or section.is_counted or section.table is not None:
        yield PlanError("a table in memory, of counts or of a lake is read here, not on Spark", slug="engine-format")
    if section.cluster is not None:
        yield PlanError("clusters are counted here, not on Spark", slug="engine-clusters")
    if isinstance(detector, ServiceDetector):
        yield PlanError("services are asked here, not on Spark", slug="engine-detector")
    if isinstance(detector, PredictionsDetector) and not detector.stands_in_set:
        yield PlanError("files of predictions are read here, not on Spark", slug="engine-detector")
    if plan.scoring.repeat > 1:
        yield PlanError("a detector is asked again here, not on Spark", slug="engine-repeat")
    if getattr(detector, "top_k", None) is not None or plan.exposure is not None:  # a score would stand in a statement
        yield PlanError("a capacity, or who is first of a ranking, is counted here, not on Spark", slug="engine-top-k")
    if plan.probes:
        yield PlanError("probes are asked here, not on Spark", slug="engine-probes")
    if plan.measures:
        yield PlanError("measures of your own are counted here, not on Spark", slug="engine-own-measures")
    if plan.reference_table is not None:
        yield PlanError("a reference table is read here, not on Spark", slug="engine-reference")
    if any(feature.dual or feature.country_column for feature in plan.groups.values()):
        yield PlanError(
            "several nationalities of one person, and columns of countries, are read here, not on Spark",
            slug="engine-nationalities",
        )
