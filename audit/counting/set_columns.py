"""Count how columns of a set relate to its labels, where they are empty, and how many rows repeat others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from audit.engines.protocol import identifier, literal
from audit.evaluation.relation import Relation, is_number_type, text_of
from audit.evaluation.scores import NUMBER, number_expression

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

_PLAIN: Final = ("VARCHAR", "BOOLEAN", "UUID", "DATE", "TIMESTAMP", '"NULL"')


@dataclass(frozen=True, slots=True)
class ColumnLabels:
    """The relation between a column and the label, over labelled rows."""

    values: Mapping[tuple[int, int], int]
    """Number of values by (rows of exploitation, other rows) that a value has; an empty cell is a value."""
    order: tuple[int, int, int] | None
    """For numbers, over filled cells: rows of exploitation, others, and twice the pairs in which the first has the
    larger number, ties counted once. None for texts."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Counts of rows that are equal in the compared columns, regardless of case and spaces."""

    distinct: int
    """Number of different rows."""
    rows: int
    """Number of rows that repeat another one."""
    across_clusters: int
    """Number of repeating rows in sets of equal rows that belong to several clusters; 0 without clusters."""
    contradicted: int
    """Number of sets of equal rows with both labels."""


def can_be_compared(duckdb_type: str) -> bool:
    """Whether cells of this type can be compared as text: no list and no structure."""
    return duckdb_type in _PLAIN or is_number_type(duckdb_type) or duckdb_type.startswith("ENUM")


def column_labels(evaluation_set: EvaluationSet, relation: Relation, column: str) -> ColumnLabels:
    """Count the labels of every value of a column, and the order of numbers."""
    kind, name = relation.types[column], identifier(relation.name)
    label, text = evaluation_set.expressions["label"], _text(relation, column)
    counted = "count(*) FILTER (WHERE l = 1) AS p, count(*) FILTER (WHERE l = 0) AS n"
    pairs = evaluation_set.rows_of(
        f"SELECT p, n, count(*) FROM (SELECT {counted} FROM (SELECT {text} AS v, {label} AS l FROM {name}) "  # noqa: S608
        "WHERE l IS NOT NULL GROUP BY v) GROUP BY ALL"
    )
    number = _number(evaluation_set, relation, column, kind)
    if number is None:
        return ColumnLabels({(p, n): values for p, n, values in pairs}, None)
    ((positive, negative, twice),) = evaluation_set.rows_of(
        f"WITH counted AS (SELECT v, {counted} FROM (SELECT {number} AS v, {label} AS l FROM {name}) "  # noqa: S608
        "WHERE l IS NOT NULL AND v IS NOT NULL GROUP BY v), "
        "ordered AS (SELECT p, n, sum(n) OVER (ORDER BY v) - n AS below FROM counted) "
        "SELECT sum(p)::BIGINT, sum(n)::BIGINT, sum(p::HUGEINT * (2 * below + n)) FROM ordered"
    )
    return ColumnLabels(
        {(p, n): values for p, n, values in pairs}, (int(positive or 0), int(negative or 0), int(twice or 0))
    )


def missing_by_group(
    evaluation_set: EvaluationSet, relation: Relation, columns: Sequence[str], feature: str
) -> dict[str, tuple[int, ...]]:
    """For each level of a feature: its rows, its rows without a label, and how many have each column empty."""
    empty = [f"{_text(relation, column)} IS NULL" for column in columns]
    conditions = [f"{evaluation_set.expressions['label']} IS NULL", *empty]
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions)
    group = evaluation_set.expressions[f"group_{feature}"]
    rows = evaluation_set.rows_of(
        f"SELECT {group} AS g, count(*), {counts} FROM {identifier(relation.name)} GROUP BY 1"  # noqa: S608
    )
    missing: dict[str, Counter[int]] = {}
    for value, *numbers in rows:
        missing.setdefault(evaluation_set.codes[feature][value], Counter()).update(dict(enumerate(numbers)))
    return {code: tuple(missing[code][index] for index in range(len(conditions) + 1)) for code in sorted(missing)}


def count_repeats(evaluation_set: EvaluationSet, relation: Relation, columns: Sequence[str]) -> Repeats:
    """Count rows that repeat others in `columns`, regardless of case and runs of spaces."""
    texts = ", ".join(
        f"coalesce(regexp_replace(trim(lower({_text(relation, column)})), '\\s+', ' ', 'g'), '')" for column in columns
    )
    cluster = evaluation_set.expressions.get("cluster", "''")
    # two hashes of 64 bits: two different rows practically never share both
    ((distinct, rows, across, repeats_with_label),) = evaluation_set.rows_of(
        "SELECT count(*), sum(n - 1)::BIGINT, coalesce(sum(n - 1) FILTER (WHERE c > 1), 0)::BIGINT, "  # noqa: S608
        "count(*) FILTER (WHERE p AND q) FROM (SELECT count(*) AS n, count(DISTINCT k) AS c, "
        "coalesce(bool_or(l = 1), false) AS p, coalesce(bool_or(l = 0), false) AS q FROM "
        f"(SELECT hash({texts}) AS a, hash({texts}, 'again') AS b, {cluster} AS k, "
        f"{evaluation_set.expressions['label']} AS l FROM {identifier(relation.name)}) GROUP BY a, b)"
    )
    return Repeats(int(distinct), int(rows), int(across), int(repeats_with_label))


def _text(relation: Relation, column: str) -> str:
    return f"NULLIF({text_of(relation.expression(column), relation.types[column])}, '')"


def _number(evaluation_set: EvaluationSet, relation: Relation, column: str, kind: str) -> str | None:
    """SQL of the column as a number; None if it holds texts."""
    if is_number_type(kind):
        return f"TRY_CAST({relation.expression(column)} AS DOUBLE)"
    if kind != "VARCHAR":
        return None
    text = _text(relation, column)
    ((filled, numbers),) = evaluation_set.rows_of(
        f"SELECT count({text}), count(*) FILTER (WHERE regexp_matches({text}, {literal(NUMBER)})) "  # noqa: S608
        f"FROM {identifier(relation.name)}"
    )
    return number_expression(text) if filled and filled == numbers else None
