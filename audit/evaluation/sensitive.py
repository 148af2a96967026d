"""Sensitive features: every raw value gets its canonical code, and every code its name and its place on the ladder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.errors import DataError, PlanError
from audit.evaluation import gender, nationality, nationality_reading
from audit.evaluation.cell_values import distinct_texts, refuse_suppressed, rows_with
from audit.evaluation.columns import check_text_type, is_number_type, text_of
from audit.evaluation.quoting import shown
from audit.evaluation.relation import Relation
from audit.evaluation.row_numbers import rows_text
from audit.groups import LevelName, SensitiveFeature
from audit.plan import AuditPlan, Coding, GroupFeature

if TYPE_CHECKING:
    import duckdb

UNKNOWN = nationality.UNKNOWN
"""The level of a missing value, of a value declared missing, and of the word itself."""

_EXPECTED: Mapping[Coding, str] = {
    "gender": "is none of woman, man, non-binary and unknown",
    "nationality": "is read as no nationality",
}
_EXAMPLE: Mapping[Coding, str] = {
    "gender": 'map = { F = "woman", M = "man" }',
    "nationality": 'map = { Congolese = "COD" }',
}
_WHY = "; `audit7k codes` shows every value of the column, how it is read or why not, and writes a map to complete"


@dataclass(frozen=True, slots=True)
class CodedFeature:
    """A sensitive feature as it was found in the set."""

    feature: SensitiveFeature
    """Its legend."""
    codes: Mapping[str | None, str]
    """The canonical code of every raw value found."""
    expression: str
    """SQL of the raw value over the relation: VARCHAR, or NULL."""


def code_features(
    connection: duckdb.DuckDBPyConnection, relation: Relation, plan: AuditPlan
) -> tuple[CodedFeature, ...]:
    """Read every sensitive feature of the plan.

    A value that `missing` lists is missing, one that `map` lists is what the map says; only then is it read as a code,
    a name or a word. Both are compared as they stand: spaces around a value make another one. An empty cell, NULL and
    an empty text are missing.

    Raises
    ------
    DataError
        If a cell is a mark of suppression or is not read; with how many and which rows, never what they hold.
    PlanError
        If a map names something that is no nationality code.
    """
    return tuple(_code_feature(connection, relation, plan, name) for name in plan.groups)


def check_names(plan: AuditPlan) -> None:
    """Raise PlanError if two features differ only in case: the engine would give both the column of the first."""
    for table, names in (("groups", plan.groups), ("control_features", plan.control_features)):
        folded: dict[str, str] = {}
        for name in names:
            other = folded.setdefault(name.casefold(), name)
            if other != name:
                raise PlanError(
                    f"{table}.{other} and {table}.{name} differ only in upper and lower case",
                    slug="names-alike",
                    hint="give one of them another name",
                )


def check_maps(plan: AuditPlan) -> None:
    """Raise PlanError if a map of a nationality names something that is no nationality code."""
    for name, section in plan.groups.items():
        if plan.coding(name) == "nationality":
            for value, target in section.map.items():
                if nationality.map_target(target) is None:
                    raise PlanError(
                        f'groups.{name}.map: {shown(value)} = "{shown(target)}" names no nationality code',
                        slug="map-target",
                        hint="write an ISO 3166-1 code, XXA, XXB, XXC, XXX, unknown, or a code that ISO leaves to "
                        "users, such as XKX",
                    )


def _code_feature(
    connection: duckdb.DuckDBPyConnection, relation: Relation, plan: AuditPlan, name: str
) -> CodedFeature:
    section, coding, rungs = plan.groups[name], plan.coding(name), plan.rungs(name)
    kind = relation.types[section.column]
    check_text_type(relation.source_name, section.column, kind, f"the {name}")
    as_numbers = is_number_type(kind) or section.column in relation.all_numbers
    codes: dict[str | None, str] = {}
    undeclared: list[str] = []
    read = _reader(coding, as_numbers)
    for value in distinct_texts(connection, relation, section.column):
        declared = _declared(value, section, coding)
        code = declared if declared is not None or value is None else read(value)
        if declared is None and value is not None:
            undeclared.append(value)
        if code is not None:
            codes[value] = code
    refuse_suppressed(connection, relation, section.column, undeclared)
    unread = [value for value in undeclared if value not in codes]
    if unread:
        raise _unread(relation, name, section, coding, rows_with(connection, relation, section.column, unread))
    feature = SensitiveFeature(
        name=name,
        column=section.column,
        coding=coding,
        rungs=rungs,
        levels=_levels(coding, set(codes.values()), rungs),
        given_to_detector=section.column in getattr(plan.detector, "features", ()),
    )
    return CodedFeature(feature, codes, text_of(relation.expression(section.column), kind))


def _declared(value: str | None, section: GroupFeature, coding: Coding) -> str | None:
    """The code that the plan itself gives a value; None where it says nothing."""
    if not value or value in section.missing:
        return UNKNOWN
    target = section.map.get(value)
    return nationality.map_target(target) if target is not None and coding == "nationality" else target


def _reader(coding: Coding, as_numbers: bool) -> Callable[[str], str | None]:
    if coding == "gender":
        return gender.canonical
    if coding == "nationality":
        return lambda text: nationality_reading.read(text, stored_as_number=as_numbers).code
    return lambda text: text


def _levels(coding: Coding, codes: set[str], rungs: tuple[str, ...]) -> tuple[LevelName, ...]:
    if coding == "nationality":
        return nationality.levels(codes, rungs)
    return gender.levels(codes, rungs)


def _unread(
    relation: Relation, name: str, section: GroupFeature, coding: Coding, found: tuple[int, list[int]]
) -> DataError:
    return DataError(
        f'{shown(relation.source_name)}: the {name} "{shown(section.column)}" {_EXPECTED[coding]} in '
        f"{rows_text(*found)}",
        slug=f"{coding}-values",
        hint=f"say in [groups.{name}] what such a value means, for example {_EXAMPLE[coding]}, or that it is missing: "
        f"missing = [...]{_WHY}",
    )
