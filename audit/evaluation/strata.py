"""Check the strata of an evaluation set against their sizes in the population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from audit.engines.protocol import Cases, literal
from audit.errors import DataError
from audit.evaluation.checks import Check, alongside, ask, refuse_rows
from audit.evaluation.relation import Relation, check_text_type, text_of
from audit.evaluation.scores import check_number_cells, number_of
from audit.plan.evaluation_set import EvaluationSetSection
from audit.vocabulary.text import shown

_CLOSE: Final = 1e-4
"""Largest relative distance of a weight from N / n that rounding explains."""


@dataclass(frozen=True, slots=True)
class Strata:
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
