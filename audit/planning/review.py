"""Look at the evaluation set itself, with all of its columns, before anybody is judged: a part of `audit7k check`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from audit.counting.set_columns import can_be_compared, column_labels, count_repeats, missing_by_group
from audit.counting.table import FamilyCounts
from audit.errors import DataError
from audit.evaluation.relation import ROW, Relation
from audit.evaluation.sensitive import list_columns
from audit.evaluation.table_file import ReadOptions, read_file, relation
from audit.plan.audit_plan import AuditPlan, PredictionsDetector
from audit.plan.file.plan_file import LoadedPlan
from audit.plan.sampling_design import COLUMNS_ADDED
from audit.planning.set_review import EmptyCells, SetReview, empty_cells, one_label, told_by, worth_telling

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from audit.evaluation.evaluation_set import EvaluationSet

__all__ = ["MOST_COLUMNS", "review_set"]

MOST_COLUMNS = 200
"""Columns that are looked at; a wider set is looked at as far as that."""
_WHOLE = "whole_set"


def review_set(
    evaluation_set: EvaluationSet,
    loaded: LoadedPlan,
    families: Iterable[FamilyCounts],
    table: pa.Table | pd.DataFrame | None = None,
) -> SetReview:
    """Review an open evaluation set.

    Parameters
    ----------
    families : iterable of FamilyCounts
        The counts in which groups of one label are looked for.
    table : pyarrow.Table or pandas.DataFrame, optional
        The set, where it is no file.

    Raises
    ------
    DataError, StorageError
        If the file cannot be read any more.
    """
    plan = loaded.plan
    whole = _whole(evaluation_set, loaded, table)
    plain = [column for column in whole.types if column != ROW and can_be_compared(whole.types[column])]
    looked_at = [column for column in plain if column not in _technical(plan)][:MOST_COLUMNS]
    given = tuple(getattr(plan.detector, "features", ()))
    compared = [column for column in given if column in plain] or looked_at
    labels = {column: column_labels(evaluation_set, whole, column) for column in looked_at}
    tests = (len(looked_at) + 1) * len(plan.groups)
    empty = [
        found
        for name, section in plan.groups.items()
        for found in _empty(evaluation_set, whole, [each for each in looked_at if each != section.column], name, tests)
    ]
    return SetReview(
        one_label=one_label(families),
        told_by=told_by(labels, given),
        empty_cells=tuple(empty),
        repeats=worth_telling(count_repeats(evaluation_set, whole, compared), evaluation_set.rows)
        if compared
        else None,
        compared=tuple(compared),
        left_out=tuple(sorted({*evaluation_set.columns} - {*looked_at, *_technical(plan)})),
    )


def _empty(
    evaluation_set: EvaluationSet, whole: Relation, columns: Sequence[str], feature: str, tests: int
) -> tuple[EmptyCells, ...]:
    return empty_cells(feature, missing_by_group(evaluation_set, whole, columns, feature), columns, tests)


def _whole(evaluation_set: EvaluationSet, loaded: LoadedPlan, table: pa.Table | pd.DataFrame | None) -> Relation:
    """All columns of the set; those that the plan names where the others cannot be read together."""
    section = loaded.plan.evaluation_set
    try:
        if table is not None:
            from audit.evaluation.in_memory import view_table

            columns = evaluation_set.columns
            content = view_table(evaluation_set.connection, _WHOLE, table, columns, {})
            return relation(_WHOLE, evaluation_set.source_name, content, None)
        assert section.path is not None  # noqa: S101 - the set was opened from it
        options = ReadOptions(section.format, section.encoding, section.delimiter, list_columns(loaded.plan))
        path = (loaded.folder / section.path).absolute()
        return read_file(evaluation_set.connection, _WHOLE, path, evaluation_set.private, options, None, {})
    except DataError:
        return evaluation_set.source


def _technical(plan: AuditPlan) -> set[str]:
    """Columns that are no property of a case: id, label, weight, cluster, how it was drawn, the detector's answer."""
    section, detector = plan.evaluation_set, plan.detector
    named = {section.id, section.label, section.weight, section.cluster}
    if isinstance(detector, PredictionsDetector) and detector.path is None:
        named.add(detector.answer)
    if section.weight == "design_weight":
        # what `audit7k draw` says of a row: of course it goes with the label; given to a detector it is another matter
        named |= set(COLUMNS_ADDED) - set(getattr(detector, "features", ()))
    return {name for name in named if name is not None}
