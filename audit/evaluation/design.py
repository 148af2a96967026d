"""Design of a set: design weights, clusters, strata with their sizes in the population, and the columns by which like
is compared with like.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from audit.engines.protocol import Cases, Figure, literal
from audit.errors import DataError
from audit.evaluation.cell_values import distinct_texts, refuse_suppressed
from audit.evaluation.checks import Check, alongside, ask, refuse_rows
from audit.evaluation.relation import Relation, check_text_type, text_of
from audit.evaluation.scores import check_number_cells, number_of
from audit.plan.audit_plan import AuditPlan
from audit.plan.evaluation_set import EvaluationSetSection
from audit.vocabulary.text import shown

_CLOSE: Final = 1e-4
"""Largest relative distance of a weight from N / n that rounding explains."""


class Strata(NamedTuple):
    """The strata of a set, in the order of the plan."""

    sizes: dict[str, int]
    """Cases of the population in each."""
    drawn: dict[str, int]
    """Rows of the set in each."""
    by: tuple[str, ...]
    """What all cases of a stratum have in common: `decision`, `label`, names of features."""


def check_strata(relation: Relation, section: EvaluationSetSection, column: str) -> Check[tuple[str, Strata]]:
    """SQL of the stratum of a row (VARCHAR, never NULL), and the strata.

    Raises
    ------
    DataError
        If a row has no stratum or one that the plan gives no size, a stratum is smaller than its rows or has none, or a
        weight is not its size over its rows.
    """
    check_text_type(relation.source_name, column, relation.types[column], "the stratum")
    text, sizes = text_of(relation.expression(column), relation.types[column]), section.stratum_sizes
    yield from refuse_rows(
        relation,
        f"{text} IS NULL OR {text} NOT IN ({', '.join(map(literal, sizes))})",
        f'the stratum in "{shown(column)}" is missing or not in stratum_sizes',
        slug="unknown-strata",
    )
    rows: dict[str, int] = dict((yield from ask(Cases(text))))
    for name, size in sizes.items():
        if rows.get(name, 0) > size:
            raise DataError(
                f'{shown(relation.source_name)}: the stratum "{shown(name)}" has {rows[name]} rows, and stratum_sizes '
                f"says that there are {size} cases",
                slug="stratum-sizes",
            )
        if name not in rows:
            raise DataError(
                f'{shown(relation.source_name)}: no row is of the stratum "{shown(name)}", so that nothing is known of '
                f"its {size} cases",
                slug="empty-strata",
            )
    if section.weight is not None:
        weight = number_of(relation, section.weight, "weight")
        expected = " ".join(f"WHEN {literal(name)} THEN {size / rows[name]!r}" for name, size in sizes.items())
        weighed = refuse_rows(
            relation,
            f"coalesce(abs({weight} / (CASE {text} {expected} END) - 1) > {_CLOSE!r}, TRUE)",
            f'the weight "{shown(section.weight)}" is not the size of the stratum over its rows',
            slug="stratum-weights",
        )
        yield from alongside(check_number_cells(relation, section.weight, "weight"), weighed)
    return text, Strata(dict(sizes), {name: rows[name] for name in sizes}, section.stratum_by)


UNKNOWN: Final = "unknown"
"""Level of a missing value of a control feature or of a scanned column."""
MOST_LEVELS: Final = 1_000
"""Most levels of a control feature or of a scanned column; with more it holds ids or texts."""
WEIGHT_BITS: Final = 30
"""Weights are whole multiples of a power of two, and the largest weight is below 2**30 of them. So sums of integers are
equal in every order, and sums of their squares still fit. A weight is exact to one part in 2**29 of the largest."""


class Design(NamedTuple):
    """Further columns of a set, as SQL over its relation."""

    expressions: Mapping[str, str] = MappingProxyType({})
    """`weight_units` (BIGINT), `stratum`, `cluster`, `control_<name>` and `scan_<place>` (VARCHAR, never NULL) and
    `in_control_sample` (BOOLEAN), as far as the plan asks for them."""
    weight_unit: float = 1.0
    """Weight of one unit of `weight_units`: a power of two."""
    strata: Strata | None = None
    """Strata and their sizes, where the plan names them; then there are no `weight_units`."""


def check_design(relation: Relation, plan: AuditPlan) -> Check[Design]:
    """Check the plan's columns for weights, clusters, control features, the scan and the control sample.

    Raises
    ------
    DataError
        If a weight is missing, no number or not above 0, a cluster is missing, or a cell is a mark of suppression; with
        how many and which rows. If a column of categories has more than `MOST_LEVELS` of them, or no row is in the
        control sample.
    """
    section, sample = plan.evaluation_set, plan.control_sample
    checks: dict[str, Check[Any]] = {}
    if section.stratum is not None:
        checks["stratum"] = check_strata(relation, section, section.stratum)
    elif section.weight is not None:
        checks["weight_units"] = _weights(relation, section.weight)
    if section.cluster is not None:
        checks["cluster"] = cluster_text(relation, section.cluster)
    for name, control in plan.control_features.items():
        key = f"control_features.{name}.column"
        checks[f"control_{name}"] = _categories(relation, key, control.column, control.missing)
    for index, column in enumerate(plan.scan.columns if plan.scan else ()):
        checks[f"scan_{index}"] = _categories(relation, "scan.columns", column, ())
    if sample is not None:
        checks["in_control_sample"] = _drawn(relation, sample.column, sample.values)
    expressions = dict(zip(checks, (yield from alongside(*checks.values())), strict=True))
    unit, strata = 1.0, None
    if "stratum" in expressions:
        expressions["stratum"], strata = expressions["stratum"]
    if "weight_units" in expressions:
        expressions["weight_units"], unit = expressions["weight_units"]
    return Design(expressions, unit, strata)


def _weights(relation: Relation, column: str) -> Check[tuple[str, float]]:
    """SQL of the weight in whole units, and the weight of a unit."""
    number = number_of(relation, column, "weight")
    positive = refuse_rows(
        relation,
        f"{number} IS NULL OR {number} <= 0",
        f'the weight "{shown(column)}" is missing or not above 0',
        slug="weight-values",
    )
    extremes = (ask(Figure(f"{which}({number})")) for which in ("max", "min"))
    cells = check_number_cells(relation, column, "weight")
    _, _, largest, smallest = yield from alongside(cells, positive, *extremes)
    unit = math.ldexp(1.0, math.frexp(largest)[1] - WEIGHT_BITS)
    if unit == 0.0 or not math.isfinite(unit) or smallest < unit:
        raise DataError(
            f'{shown(relation.source_name)}: the weights "{shown(column)}" differ by more than a factor of 2^29',
            slug="weight-range",
        )
    # greatest(): a weight of half a unit must not round to 0
    return f"greatest(CAST(round({number} / CAST({unit!r} AS DOUBLE)) AS BIGINT), 1)", unit


def cluster_text(relation: Relation, column: str) -> Check[str]:
    """SQL of the cluster of a row, as text (VARCHAR, never NULL or empty). Raises DataError where a row has none."""
    check_text_type(relation.source_name, column, relation.types[column], "the cluster")
    text = text_of(relation.expression(column), relation.types[column])
    yield from refuse_rows(
        relation, f"{text} IS NULL OR {text} = ''", f'no cluster in "{shown(column)}"', slug="missing-clusters"
    )
    return text


def _text(relation: Relation, column: str) -> Check[tuple[str, list[str]]]:
    """SQL of a category as text, and its distinct values."""
    check_text_type(relation.source_name, column, relation.types[column], "the category")
    values = [value or "" for value in (yield from distinct_texts(relation, column))]
    yield from refuse_suppressed(relation, column, [value for value in values if value])
    return text_of(relation.expression(column), relation.types[column]), values


def _categories(relation: Relation, key: str, column: str, missing: tuple[str, ...]) -> Check[str]:
    """SQL of a category; a missing value, or one declared missing, is the level `unknown`."""
    text, values = yield from _text(relation, column)
    none = ("", *missing)
    levels = len({UNKNOWN if value in none else value for value in values})
    if levels > MOST_LEVELS:
        raise DataError(
            f'{shown(relation.source_name)}: {key}: "{shown(column)}" has {levels} values, more than {MOST_LEVELS}',
            slug="too-many-levels",
        )
    unknown = ", ".join(literal(value) for value in none)
    return f"CASE WHEN {text} IS NULL OR {text} IN ({unknown}) THEN {literal(UNKNOWN)} ELSE {text} END"


def _drawn(relation: Relation, column: str, yes: tuple[str, ...]) -> Check[str]:
    """SQL of whether a row was drawn at random. Case is folded in Python, because DuckDB's lower() keeps ß."""
    text, values = yield from _text(relation, column)
    folded = {value.casefold() for value in yes}
    wanted = [value for value in values if value.casefold() in folded]
    if not wanted:
        raise DataError(f"{shown(relation.source_name)}: no row is in the control sample", slug="control-sample")
    return f"COALESCE({text} IN ({', '.join(map(literal, wanted))}), FALSE)"
