"""Count rows: one scan returns integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.counting.table import DECISIONS, NEGATIVE, POSITIVE, UNLABELLED, CountsTable
from audit.engines.protocol import identifier
from audit.plan.evaluation_set import CASES
from audit.stats.arrays import added, numbered

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

SCORED: Final = "scored"
"""Name of the view with the scored set, which scoring leaves in the connection."""
CELL: Final = ("label", "decision")
"""Columns that say in which cell a row is."""
PLACE_OF_LABEL: Final = {1: POSITIVE, 0: NEGATIVE, None: UNLABELLED}
_SHAPE: Final = (UNLABELLED + 1, DECISIONS)


def count_cases(evaluation_set: EvaluationSet, relation: str = SCORED) -> CountsTable:
    """Count the rows of the scored set by group, label and decision. Raw values become codes.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring: `relation` has `group_<feature>` (VARCHAR), `label` (1, 0, NULL), `decision` (0 to 3).

    Raises
    ------
    DataError
        The file cannot be read any more.
    AssertionError
        A row has no decision, or the counts do not add up to the rows of the set: a defect of this tool.
    """
    features = tuple(feature.name for feature in evaluation_set.features)
    is_counted = CASES in evaluation_set.expressions
    text = count_text(relation, [f"group_{name}" for name in features], cases=CASES if is_counted else None)
    counted = evaluation_set.rows_of(text)
    table = counts_by_group(features, counted, [evaluation_set.codes[name] for name in features])
    check_total(table, evaluation_set.rows)
    return table


def check_total(table: CountsTable, rows: int) -> None:
    """Raise AssertionError if the counts do not add up to the rows of the set: a defect of this tool."""
    total = int(table.cells.sum())
    if total != rows:
        raise AssertionError(f"{rows} rows were read and {total} were counted")


def count_text(relation: str, groups: Sequence[str], *, only: str | None = None, cases: str | None = None) -> str:
    """SQL of the counts: each group, label and decision, and `cases`.

    `only` names a BOOLEAN column; then only the rows where it is true are counted. `cases` names a BIGINT column: how
    many cases a row stands for.
    """
    number = "count(*)" if cases is None else f"sum({identifier(cases)})"
    return grouped(relation, plain([*groups, *CELL]), {"cases": number}, "true" if only is None else identifier(only))


def grouped(relation: str, keys: Mapping[str, str], sums: Mapping[str, str], only: str = "true") -> str:
    """SQL of one scan: the `sums` over the rows of each combination of `keys`; every column has a name.

    The tests say the same in Ibis, bound to no engine, and hold each text to it: Ibis takes longer than a gate may.
    """
    columns = ", ".join(f"{text} AS {identifier(name)}" for name, text in {**keys, **sums}.items())
    places = ", ".join(str(place) for place in range(1, len(keys) + 1))
    return f"SELECT {columns} FROM {identifier(relation)} WHERE {only} GROUP BY {places}"  # noqa: S608 - quoted names


def plain(names: Iterable[str]) -> dict[str, str]:
    """Columns as keys of `grouped`, under their own names."""
    return {name: identifier(name) for name in names}


def counts_by_group(
    features: Sequence[str], counted: Sequence[Sequence[Any]], codes: Sequence[Mapping[Any, str]]
) -> CountsTable:
    """Add up every combination of codes that occurs. Several raw values can have the same code.

    `counted` holds lines of raw values, label, decision and cases; `codes` maps the raw values of each feature to
    codes. Raises AssertionError if a line has no decision: a defect of this tool.
    """
    if not counted:
        return CountsTable.of(features, {})
    *raw, labels, decisions, cases = zip(*counted, strict=True)
    if None in decisions:
        raise AssertionError(f"{cases[decisions.index(None)]} rows have no decision")
    at = ([PLACE_OF_LABEL[label] for label in labels], decisions)
    return added_by_group(features, raw, codes, at, cases, _SHAPE)


def added_by_group(
    features: Sequence[str],
    raw: Sequence[Sequence[Any]],
    codes: Sequence[Mapping[Any, str]],
    at: Sequence[Sequence[int]],
    cases: Sequence[int],
    shape: tuple[int, ...],
) -> CountsTable:
    """Add lines up by the codes of their group: `raw` values of each feature, places `at` in `shape`, and `cases`."""
    coded = (map(code.__getitem__, values) for code, values in zip(codes, raw, strict=True))
    keys = list(zip(*coded, strict=True)) or [()] * len(cases)
    groups, places = numbered(keys)
    cells = added((len(groups), *shape), (places, *map(list, at)), np.array(cases, dtype=np.int64))
    return CountsTable(tuple(features), tuple(groups), cells)
