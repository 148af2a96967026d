"""Scores and numbers in a file: every cell is a finite number in range, or an abstention, before SQL compares anything.

DuckDB orders NaN above every number, so `NaN >= 0.5` is true there: a broken model would count as one that flags
everyone. Texts are read by a closed grammar, because SQL would also take `inf`, `1_000` and ` 0.5 `.
"""

from __future__ import annotations

import re

from audit.engines.protocol import Found, Where, identifier, literal
from audit.errors import DataError
from audit.evaluation.cell_values import suppressed_cells, suppressed_condition
from audit.evaluation.checks import Check, alongside, ask, refuse_rows
from audit.evaluation.relation import Relation, is_float, is_number_type
from audit.vocabulary.text import shown

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
"""Pattern of a number in a text file: digits, a decimal point, an exponent; no spaces, no commas."""
PER_CENT = r"\s*%$"
"""Pattern of a sign of per cent at the end of a cell."""

_EXACT = 2**53
"""Up to this number every whole number is a double."""


def number_form(decimal: str) -> str:
    """Pattern of a number with this mark of decimals."""
    return NUMBER.replace(r"\.", re.escape(decimal))


def check_scores(relation: Relation, column: str, score_range: tuple[float, float]) -> Check[str]:
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
    low, high = score_range
    in_per_cent = high == 100
    number = number_of(relation, column, "score", per_cent=in_per_cent)
    # repr of a float is the shortest text that reads back as the same float, and DuckDB reads it as DOUBLE.
    outside = f"NOT ({number} >= CAST({low!r} AS DOUBLE) AND {number} <= CAST({high!r} AS DOUBLE))"
    in_range = refuse_rows(
        relation,
        f"{number} IS NOT NULL AND {outside}",
        f'the score "{shown(column)}" lies outside [{low:g}, {high:g}]',
        slug="score-range",
    )
    mixed = [_refuse_mixed_units(relation, column)] if in_per_cent and relation.types[column] == "VARCHAR" else []
    cells = check_number_cells(relation, column, "score", per_cent=in_per_cent)
    yield from alongside(*mixed, cells, in_range)
    return number


def _refuse_mixed_units(relation: Relation, column: str) -> Check[None]:
    """Raise DataError where some scores have a sign of per cent and others none: 0.45 may be 45 %."""
    cell = relation.expression(column)
    signed = f"regexp_matches({cell}, {literal(PER_CENT)})"
    return refuse_rows(
        relation,
        f"{cell} <> '' AND NOT {signed} AND (SELECT bool_or({signed}) FROM {identifier(relation.name)})",  # noqa: S608
        f'the score "{shown(column)}" has no sign of per cent, as others have,',
        slug="number-cells",
        hint="write all scores in per cent, or none",
    )


def check_levels(relation: Relation, column: str, score_range: tuple[float, float]) -> Check[str]:
    """Check that every level of an ordinal scale is a whole number in range. Returns and raises as `check_scores`."""
    number = number_of(relation, column, "score", per_cent=score_range[1] == 100)
    integers = refuse_rows(
        relation,
        f"NOT ({number} = floor({number}))",
        f'the level "{shown(column)}" is no whole number',
        slug="score-cells",
        hint='levels are never rounded; for scores leave out answers = "ordinal"',
    )
    yield from alongside(check_scores(relation, column, score_range), integers)
    return number


def check_ranks(relation: Relation, column: str) -> Check[str]:
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
    number = number_of(relation, column, "place")
    integers = refuse_rows(
        relation,
        f"NOT ({number} >= 1 AND {number} = floor({number}) AND {number} <= {_EXACT})",
        f'the place "{shown(column)}" is no whole number from 1',
        slug="score-cells",
        hint="a ranking counts its cases: 1 is the first",
    )
    yield from alongside(check_number_cells(relation, column, "place"), integers)
    # built from checked expressions and quoted identifiers; nothing of a cell stands in it
    twice = f"SELECT {number} FROM {identifier(relation.name)} GROUP BY 1 HAVING count(*) > 1"  # noqa: S608
    yield from refuse_rows(
        relation,
        f"{number} IN ({twice})",
        f'the place "{shown(column)}" is given to more than one case',
        slug="score-cells",
        hint="a ranking has one case at each place; say in the detector, not here, who of two equals comes first",
    )
    return number


def number_expression(expression: str, decimal: str = ".") -> str:
    """SQL of the DOUBLE in a checked text expression; NULL for an empty cell."""
    point = expression if decimal == "." else f"replace({expression}, {literal(decimal)}, '.')"
    return f"TRY_CAST({point} AS DOUBLE)"


def number_of(relation: Relation, column: str, what: str, *, per_cent: bool = False) -> str:
    """SQL of the number in a column, DOUBLE or NULL, which `check_number_cells` checks.

    `what` is the name of a cell in messages: `score`. With `per_cent` a sign of per cent at its end is left out. Raises
    DataError where the column holds no numbers.
    """
    expression, kind = relation.expression(column), relation.types[column]
    if kind == "VARCHAR":
        return number_expression(_written(expression, per_cent), relation.decimal)
    if is_number_type(kind):
        return expression if kind == "DOUBLE" else f"CAST({expression} AS DOUBLE)"
    if kind == '"NULL"':
        return "CAST(NULL AS DOUBLE)"
    raise DataError(
        f'{shown(relation.source_name)}: the {what} column "{shown(column)}" is stored as {kind.partition("(")[0]}',
        slug="column-type",
        hint="store it as numbers",
    )


def _written(expression: str, per_cent: bool) -> str:
    return f"regexp_replace({expression}, {literal(PER_CENT)}, '')" if per_cent else expression


def check_number_cells(relation: Relation, column: str, what: str, *, per_cent: bool = False) -> Check[None]:
    """Check that every cell of a column is empty or finite; `number_of` has the parameters. Raises DataError with how
    many and which rows.
    """
    expression, kind = relation.expression(column), relation.types[column]
    number, checks = number_of(relation, column, what, per_cent=per_cent), []
    if kind == "VARCHAR":
        filled = f"{expression} IS NOT NULL AND {expression} <> ''"
        checks.append(_refuse_suppressed_cells(relation, column, filled))
        checks.append(
            refuse_rows(
                relation,
                f"{filled} AND NOT regexp_matches({_written(expression, per_cent)}, "
                f"{literal(number_form(relation.decimal))})",
                f'the {what} "{shown(column)}" is no number',
                slug="number-cells",
                hint='write numbers without spaces, and with a decimal point unless decimal = ","; only scores may be '
                'in per cent, with score_range = [0, 100]; "nan" and "inf" are no numbers, and an empty cell is a '
                "missing one",
            )
        )
    if kind == "VARCHAR" or is_float(kind):
        checks.append(
            refuse_rows(
                relation,
                # not abs(x) < infinity: DuckDB decides a comparison by the statistics of Parquet, which leave NaN out
                f"{number} IS NOT NULL AND NOT isfinite({number})",
                f'the {what} "{shown(column)}" is not finite (NaN or infinite)',
                slug="number-not-finite",
            )
        )
    yield from alongside(*checks)


def _refuse_suppressed_cells(relation: Relation, column: str, filled: str) -> Check[None]:
    rows: Found = yield from ask(Where(f"{filled} AND {suppressed_condition(relation.expression(column))}"))
    if rows.number:
        raise suppressed_cells(relation.source_name, column, *rows)
