"""Open an evaluation set: read it, check every cell that the audit uses, and give groups their canonical codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import ROW
from audit.engines.read_errors import reading
from audit.errors import DataError, PlanError
from audit.evaluation.asked_columns import asked_columns
from audit.evaluation.checks import Check, alongside, run_check
from audit.evaluation.counts_table import as_cases
from audit.evaluation.design import check_design
from audit.evaluation.ids import cases_digest, check_ids
from audit.evaluation.in_memory import PASSED, view_table
from audit.evaluation.labels import PEOPLE, check_decisions, check_labels
from audit.evaluation.lake_tables import lake_table
from audit.evaluation.on_engine import OnEngine, close_on_error
from audit.evaluation.on_spark import source_on_spark, spark_for
from audit.evaluation.parquet_folder import DigestOf
from audit.evaluation.relation import Relation, text_of
from audit.evaluation.scores import check_number_cells, number_expression
from audit.evaluation.sensitive import check_maps, check_names, code_features, list_columns
from audit.evaluation.table_file import Format, ReadOptions, read_file, reference_path, relation, set_place
from audit.plan.answers import PredictionsDetector
from audit.plan.audit_plan import AuditPlan
from audit.plan.detectors import Detector as DetectorSection
from audit.plan.evaluation_set import CASES, EvaluationSetSection
from audit.plan.probes import Probe
from audit.plan.sections import Groups, ReferenceTableSection
from audit.vocabulary.groups import SensitiveFeature
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from audit.engines.protocol import Engine
    from audit.evaluation.design import Strata

SOURCE = "source"
"""Name of the relation that holds the evaluation set."""
ID = "__id__"
"""Name of the column with the id of a case among the answers that Spark has written."""
GIVEN = "counts"
"""Name of the relation that holds a table of counts as it was read."""


@dataclass(frozen=True, slots=True)
class EvaluationSet(OnEngine):
    """A checked evaluation set on an engine. As a context manager, it removes every trace at the end.

    The relation `source` holds the columns that the plan names, under their own names, and, but on Spark, `__row__`,
    the number of the row in the file (BIGINT, from 1). All expressions are SQL over `source` and need no qualification.
    Ids are present and unique, labels and groups are within what the plan declares, and declared numbers are numbers.
    """

    engine: Engine
    """What counts its rows: a DuckDB, which cannot reach the network, load extensions, or open files that the plan does
    not name, or a Spark."""
    source: Relation
    """Relation that was read."""
    expressions: Mapping[str, str]
    """SQL of `case_id` (VARCHAR), `label` (TINYINT: 1, 0, NULL for unlabelled), for each feature `group_<feature>`
    (VARCHAR: the raw value or NULL), the columns of `audit.evaluation.design` that the plan asks for, and of a table of
    counts `cases` (BIGINT: how many cases a row stands for)."""
    features: tuple[SensitiveFeature, ...]
    """Sensitive features with every level found, in the order of the plan."""
    codes: Mapping[str, Mapping[str | None, str]]
    """For each feature, the canonical code of every raw value in the set; None is the key of a missing value."""
    numbers: frozenset[str]
    """Text columns that the plan declares as numbers."""
    weight_unit: float = 1.0
    """Weight of one of the `weight_units`, where the plan has weights."""
    strata: Strata | None = None
    """Strata of the population, where the plan names them."""

    @property
    def rows(self) -> int:
        """Number of cases of the set."""
        return self.source.rows

    @property
    def counts_alike(self) -> bool:
        """Whether every row is a case by itself, without weight, stratum and cluster."""
        return self.strata is None and self.expressions.keys().isdisjoint(("weight_units", "cluster"))

    @property
    def key(self) -> str:
        """Column by which answers are joined to rows: the number of the row, or on Spark its id."""
        return ROW if isinstance(self.engine, DuckDBEngine) else ID

    @property
    def key_of_row(self) -> str:
        """SQL that selects the column `key` from `source`."""
        return ROW if self.key == ROW else f"{self.expressions['case_id']} AS {ID}"

    @property
    def sha256(self) -> str | None:
        """SHA-256 of the file, or of all files of a folder; None for a table passed in memory."""
        return self.source.sha256

    @property
    def digest_of(self) -> DigestOf:
        """What `sha256` covers: a file, every file of a folder, or a version of a table."""
        return self.source.digest_of

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the file, in its order, whether the plan names it or not."""
        return self.source.columns

    def feature_expression(self, column: str) -> str:
        """SQL over `source` of a column for the detector, in the type that the detector gets.

        Columns of a Parquet file or a table in memory keep their own types. Columns of CSV and JSONL are VARCHAR; those
        that the plan lists under `numbers` are DOUBLE. An empty cell of a CSV file is NULL.
        """
        expression = self.source.expression(column)
        return number_expression(expression, self.source.decimal) if column in self.numbers else expression

    def attach(
        self,
        name: str,
        path: Path,
        columns: Sequence[str],
        *,
        encoding: str = "utf-8",
        delimiter: str = ",",
        decimal: Literal[".", ","] = ".",
        keys: Mapping[str, str] | None = None,
    ) -> Relation:
        """Read a second file, such as predictions, into the relation `name` of the same engine.

        Its columns are read like those of an evaluation set: text from CSV and JSONL, own types from Parquet, each row
        with its `__row__`. Ids are made comparable by `text_expression`. Only a file that the plan names can be opened.

        Parameters
        ----------
        name : str
            Name of the new relation.
        path : Path
            The file, absolute or relative to the working folder.
        columns : sequence of str
            The columns to read; all of them must be there.
        encoding, delimiter : str
            Encoding and delimiter of a CSV or JSONL file.
        decimal : {".", ","}
            Mark of decimals in numbers that are text.
        keys : mapping of str to str, optional
            For each column the key of the plan that asks for it, for messages.

        Raises
        ------
        DataError
            If the file cannot be read, has no rows, lacks a column, or names one twice.
        """
        options = ReadOptions(None, encoding, delimiter)
        read = read_file(self.local_engine, name, path, options, dict.fromkeys(columns, "") | dict(keys or {}))
        return read._replace(decimal=decimal)

    def text_expression(self, relation: Relation, column: str) -> str:
        """SQL of a column of `relation` as canonical text: the number 1.0 is `1`, and an empty text is NULL."""
        text = text_of(relation.expression(column), relation.types[column])
        return f"NULLIF({text}, '')" if relation.types[column] == "VARCHAR" else text

    def cases_sha256(self) -> str:
        """Digest of the ids of the cases, equal for every order of rows and every format of file."""
        return cases_digest(self.engine, self.source, self.expressions["case_id"])


def open_evaluation_set(
    plan: AuditPlan, folder: Path, table: pa.Table | pd.DataFrame | None = None, *, files: Sequence[Path] = ()
) -> EvaluationSet:
    """Open the evaluation set of a plan and check it.

    Parameters
    ----------
    plan : AuditPlan
        Plan that names the set and the meaning of its values.
    folder : Path
        The folder that paths in the plan are relative to.
    table : pyarrow.Table or pandas.DataFrame, optional
        The set itself, instead of the file that the plan names. Missing values of pandas are missing here.
    files : sequence of Path
        Further files that may be attached, beside those that the plan names; absolute.

    Raises
    ------
    DataError
        If anything in the set is not as the plan says: one line that counts and numbers the rows.
    PlanError
        If the plan names no file and no table is given, seals a file and a table is given, maps a nationality to no
        code, or names two features alike.
    StorageError
        If there is no room to read it.
    """
    check_names(plan.groups, plan.control_features)
    check_maps(plan.groups)
    if plan.engine.kind == "spark":
        spark = spark_for(plan, table)
        with close_on_error(spark):
            source, all_seen = source_on_spark(spark, plan, folder, SOURCE)
            return _checked(plan, spark, source, {}, all_seen)
    path = set_place(plan.evaluation_set, folder) if table is None else None
    engine = DuckDBEngine([*_files(plan.detector, plan.reference_table, plan.probes, folder, path), *files])
    with close_on_error(engine):
        source, counted = _source(plan, folder, path, table, engine)
        return _checked(plan, engine, source, counted)


def _source(
    plan: AuditPlan, folder: Path, path: Path | None, table: pa.Table | pd.DataFrame | None, engine: DuckDBEngine
) -> tuple[Relation, dict[str, str]]:
    """Return the relation with the set, and the expression of cases where it is a table of counts."""
    section, keys = plan.evaluation_set, asked_columns(plan)
    if table is not None and section.sha256 is not None:
        raise PlanError(
            "the plan seals the evaluation set by the SHA-256 of its file, and a table in memory has none",
            slug="sealed-set",
            hint="let the plan read the file, or take `sha256` out of [evaluation_set]",
        )
    name, column_keys = (GIVEN, None) if section.is_counted else (SOURCE, keys)
    if table is not None:
        with reading(PASSED):
            source = relation(name, PASSED, view_table(engine, name, table, column_keys), None)
    else:
        assert path is not None  # noqa: S101 - without a table there is a file
        source = read_file(engine, name, path, set_options(plan.groups, plan.evaluation_set, folder), column_keys)
    source = source._replace(decimal=section.decimal)
    if not section.is_counted:
        return source, {}

    return as_cases(engine, SOURCE, source, plan.groups, plan.evaluation_set, plan.decisions)._replace(
        unchanged=source.unchanged
    ), {CASES: CASES}


def _checked(
    plan: AuditPlan, engine: Engine, source: Relation, counted: dict[str, str], *first: Check[None]
) -> EvaluationSet:
    section = plan.evaluation_set
    numbers = frozenset(column for column in section.numbers if source.types[column] == "VARCHAR")
    decided = plan.decisions
    *_, case_id, label, coded, _, design, people = run_check(
        engine,
        source,
        alongside(
            *first,
            check_ids(source, section.id),
            check_labels(source, section),
            code_features(source, plan.groups, plan.detector),
            alongside(*(check_number_cells(source, column, "number") for column in sorted(numbers))),
            check_design(source, plan),
            alongside(*([] if decided is None else [check_decisions(source, decided.column, decided)])),
        ),
    )
    groups = {f"group_{entry.feature.name}": entry.expression for entry in coded}
    evaluation_set = EvaluationSet(
        engine=engine,
        source=source,
        expressions={
            "case_id": case_id,
            "label": label,
            **groups,
            **design.expressions,
            **counted,
            **dict(zip((PEOPLE,), people, strict=False)),
        },
        features=tuple(entry.feature for entry in coded),
        codes={entry.feature.name: entry.codes for entry in coded},
        numbers=numbers,
        weight_unit=design.weight_unit,
        strata=design.strata,
    )
    _check_references(plan.groups, evaluation_set.features)
    if section.not_cases and evaluation_set.cases_sha256() in section.not_cases:
        raise DataError(
            f"{shown(source.source_name)} has the cases on which the remedy was chosen: on them it cannot be audited",
            slug="remedy-same-cases",
        )
    return evaluation_set


def _check_references(group_features: Groups, features: Sequence[SensitiveFeature]) -> None:
    for feature in features:
        reference = group_features[feature.name].reference
        levels = [level.code for level in feature.levels if level.rung == feature.rungs[0]]
        if reference is not None and reference not in levels:
            raise DataError(
                f"groups.{feature.name}.reference names a level that nobody in the set has",
                slug="no-reference",
                hint=f"write one of the levels as reports name them by code; the set has {len(levels)}",
            )


def set_options(group_features: Groups, set_section: EvaluationSetSection, folder: Path) -> ReadOptions:
    """Return how the plan says that its set is read."""
    section, table = set_section, None
    kind: Format | None
    match section.format:
        case "delta" | "iceberg":
            table, kind = lake_table(section, folder), "parquet"
        case other:
            kind = other
    return ReadOptions(
        kind,
        section.encoding,
        section.delimiter,
        list_columns(group_features),
        section.sha256,
        section.sheet,
        table,
    )


def _files(
    detector: DetectorSection,
    reference_table: ReferenceTableSection | None,
    probes: Sequence[Probe],
    folder: Path,
    path: Path | None,
) -> list[Path]:
    """Files that the engine may open, under every name by which they are opened."""
    files = [] if path is None else [path]
    if isinstance(detector, PredictionsDetector) and detector.path is not None:
        files.append((folder / detector.path).absolute())
    files += [(folder / probe.answers).absolute() for probe in probes if probe.answers is not None]
    table = reference_path(reference_table, folder)
    return files if table is None else [*files, table]
