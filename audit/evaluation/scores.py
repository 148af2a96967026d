"""Scores and numbers in a file: every cell is a finite number in range, or an abstention, before SQL compares anything.

DuckDB orders NaN above every number, so `NaN >= 0.5` is true there: a broken model would count as one that flags
everyone. Texts are read by a closed grammar, because SQL would also take `inf`, `1_000` and ` 0.5 `.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audit.errors import DataError
from audit.evaluation.columns import is_float, is_number_type
from audit.evaluation.connection import reading
from audit.evaluation.relation import Relation
from audit.evaluation.row_numbers import refuse_rows, rows_where
from audit.evaluation.sql import identifier, literal
from audit.evaluation.suppressed import suppressed_cells, suppressed_condition
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.engines.protocol import Engine

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
"""Pattern of a number in a text file: digits, a decimal point, an exponent; no spaces, no commas."""
PER_CENT = r"\s*%$"
"""Pattern of a sign of per cent at the end of a cell."""

_EXACT = 2**53
"""Up to this number every whole number is a double."""


def number_form(decimal: str) -> str:
    """Pattern of a number with this mark of decimals."""
    return NUMBER.replace(r"\.", re.escape(decimal))


def check_scores(connection: Engine, relation: Relation, column: str, score_range: tuple[float, float]) -> str:
    """Check every score of a column.

    A single-precision score is widened as it is: 0.7 stored in 32 bits is 0.699999988, which is below a threshold of
    0.7.

    Parameters
    ----------
    relation : Relation
        Relation that was read; `column` is one of those asked for.
    score_range : (float, float)
        Lowest and highest score, both allowed.

    Returns
    -------
    str
        SQL over the relation: DOUBLE, finite and in range, NULL for an empty cell, which is an abstention. Where the
        range ends at 100, a cell may carry a sign of per cent: `45 %` is 45.

    Raises
    ------
    DataError
        If a cell is suppressed, no number, not finite or out of range; with how many and which rows.
    """
    with reading(relation.source_name):
        low, high = score_range
        if high == 100 and relation.types[column] == "VARCHAR":
            _refuse_mixed_units(connection, relation, column)
        number = number_cells(connection, relation, column, "score", per_cent=high == 100)
        # repr of a float is the shortest text that reads back as the same float, and DuckDB reads it as DOUBLE.
        outside = f"NOT ({number} >= CAST({low!r} AS DOUBLE) AND {number} <= CAST({high!r} AS DOUBLE))"
    refuse_rows(
        connection,
        relation,
        f"{number} IS NOT NULL AND {outside}",
        f'the score "{shown(column)}" lies outside [{low:g}, {high:g}]',
        slug="score-range",
        hint="write the detector's own score_range in [detector]; scores are never clipped",
    )
    return number


def _refuse_mixed_units(connection: Engine, relation: Relation, column: str) -> None:
    """Raise DataError where some scores have a sign of per cent and others none: 0.45 may be 45 %."""
    cell = relation.expression(column)
    signed = f"regexp_matches({cell}, {literal(PER_CENT)})"
    refuse_rows(
        connection,
        relation,
        f"{cell} <> '' AND NOT {signed} AND (SELECT bool_or({signed}) FROM {identifier(relation.name)})",  # noqa: S608
        f'the score "{shown(column)}" has no sign of per cent, as others have,',
        slug="number-cells",
        hint="write all scores in per cent, or none",
    )


def check_levels(connection: Engine, relation: Relation, column: str, score_range: tuple[float, float]) -> str:
    """Check that every level of an ordinal scale is a whole number in range. Returns and raises as `check_scores`."""
    number = check_scores(connection, relation, column, score_range)
    refuse_rows(
        connection,
        relation,
        f"{number} <> floor({number})",
        f'the level "{shown(column)}" is no whole number',
        slug="score-cells",
        hint='levels are never rounded; for scores leave out answers = "ordinal"',
    )
    return number


def check_ranks(connection: Engine, relation: Relation, column: str) -> str:
    """Check every rank of a ranking: whole numbers from 1, none of them twice.

    Returns
    -------
    str
        SQL over the relation: DOUBLE, NULL for an empty cell, which is an abstention.

    Raises
    ------
    DataError
        If a cell is no such number, or a place is given twice; with how many and which rows.
    """
    with reading(relation.source_name):
        number = number_cells(connection, relation, column, "place")
    refuse_rows(
        connection,
        relation,
        f"NOT ({number} >= 1 AND {number} = floor({number}) AND {number} <= {_EXACT})",
        f'the place "{shown(column)}" is no whole number from 1',
        slug="score-cells",
        hint="a ranking counts its cases: 1 is the first",
    )
    # built from checked expressions and quoted identifiers; nothing of a cell stands in it
    twice = f"SELECT {number} FROM {identifier(relation.name)} GROUP BY 1 HAVING count(*) > 1"  # noqa: S608
    refuse_rows(
        connection,
        relation,
        f"{number} IN ({twice})",
        f'the place "{shown(column)}" is given to more than one case',
        slug="score-cells",
        hint="a ranking has one case at each place; say in the detector, not here, who of two equals comes first",
    )
    return number


def check_numbers(connection: Engine, relation: Relation, column: str) -> None:
    """Check a text column that the plan lists under `numbers`.

    Raises
    ------
    DataError
        If a cell is neither empty nor a finite number; with how many and which rows.
    """
    with reading(relation.source_name):
        number_cells(connection, relation, column, "number")


def number_expression(expression: str, decimal: str = ".") -> str:
    """SQL of the DOUBLE in a checked text expression; NULL for an empty cell."""
    point = expression if decimal == "." else f"replace({expression}, {literal(decimal)}, '.')"
    return f"TRY_CAST({point} AS DOUBLE)"


def number_cells(connection: Engine, relation: Relation, column: str, what: str, *, per_cent: bool = False) -> str:
    """SQL of the number in a column, DOUBLE or NULL, after a check that every cell is empty or finite.

    `what` is the name of a cell in messages: `score`. With `per_cent` a sign of per cent at its end is left out. Raises
    DataError with how many and which rows.
    """
    expression, kind = relation.expression(column), relation.types[column]
    name = identifier(relation.name)
    if kind == "VARCHAR":
        written = f"regexp_replace({expression}, {literal(PER_CENT)}, '')" if per_cent else expression
        number = number_expression(written, relation.decimal)
        filled = f"{expression} IS NOT NULL AND {expression} <> ''"
        count, rows = rows_where(connection, name, f"{filled} AND {suppressed_condition(expression)}")
        if count:
            raise suppressed_cells(relation.source_name, column, count, rows)
        refuse_rows(
            connection,
            relation,
            f"{filled} AND NOT regexp_matches({written}, {literal(number_form(relation.decimal))})",
            f'the {what} "{shown(column)}" is no number',
            slug="number-cells",
            hint='write numbers without spaces, and with a decimal point unless decimal = ","; only scores may be in '
            'per cent, with score_range = [0, 100]; "nan" and "inf" are no numbers, and an empty cell is a missing one',
        )
    elif is_number_type(kind):
        number = expression if kind == "DOUBLE" else f"CAST({expression} AS DOUBLE)"
    elif kind == '"NULL"':
        return "CAST(NULL AS DOUBLE)"
    else:
        raise DataError(
            f'{shown(relation.source_name)}: the {what} column "{shown(column)}" is stored as {kind.partition("(")[0]}',
            slug="column-type",
            hint="store it as numbers",
        )
    if kind == "VARCHAR" or is_float(kind):
        refuse_rows(
            connection,
            relation,
            # not abs(x) < infinity: DuckDB decides a comparison by the statistics of Parquet, which leave NaN out
            f"{number} IS NOT NULL AND NOT isfinite({number})",
            f'the {what} "{shown(column)}" is not finite (NaN or infinite)',
            slug="number-not-finite",
            hint="find out why; leave the cell empty only where there truly is no answer",
        )
    return number
