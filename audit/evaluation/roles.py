"""Suggest the role of a column in a plan, from its name and its values. A suggestion, never a decision."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

MOST_SHOWN: Final = 30
"""A column with more different values than this shows none of them."""

Role = Literal["id", "label", "score", "decision", "gender", "nationality"]
Kind = Literal["text", "number", "truth", "other"]


@dataclass(frozen=True, slots=True)
class ColumnLook:
    """Description of a column."""

    name: str
    """Name in the file."""
    kind: Kind
    """`number` if the column is stored as numbers, or as text in which every filled cell is a number."""
    missing: float
    """Share of rows with an empty cell."""
    distinct: int
    """Approximate number of distinct values; exact up to `MOST_SHOWN`."""
    unique: bool
    """Whether every row has a value of its own."""
    values: tuple[str, ...]
    """Distinct values, sorted, if there are at most `MOST_SHOWN` and rows share them; else none."""
    in_unit_interval: bool
    """For a number: whether all values lie within [0, 1]."""
    codes: int | None
    """Number of distinct values that are read as nationalities, if most are; else None."""
    other_codes: int
    """Number of distinct values that are not read as nationalities, if most are."""


_NAMES: Final[dict[Role, re.Pattern[str]]] = {
    "id": re.compile(r"(^|_)(id|uuid|guid|key|ref|reference|number|nr|no)$"),
    "label": re.compile(
        r"(^|_)(label|labels|target|y|truth|outcome|exploited|exploitation|trafficked|trafficking|victim|confirmed|"
        r"positive|labour|labor)($|_)|^y_?true$|ground_?truth|^is_"
    ),
    "score": re.compile(r"(^|_)(score|scores|prob|probability|proba|risk|confidence)$|^p_?hat$"),
    "decision": re.compile(r"(^|_)(decision|pred|prediction|predicted|flag|flagged|alert|alerted)$"),
    "gender": re.compile(r"(^|_)(gender|sex|sexe|sexo|genre|genero|género|geschlecht|geslacht|kjonn|kön)($|_)"),
    "nationality": re.compile(
        r"(^|_)(nationality|nationalities|citizenship|nationalite|nationalité|nacionalidad|staatsangehörigkeit)($|_)"
    ),
}
_COUNTRY = re.compile(r"(^|_)(country|origin|iso[23]?|cca[23])($|_)")

_GENDER_WORDS: Final = frozenset(
    {"woman", "women", "man", "men", "female", "male", "girl", "boy", "non-binary", "nonbinary", "femme", "homme",
     "mujer", "hombre", "frau", "mann", "f", "m", "x", "w", "unknown", "other", "trans", "transgender"}
)  # fmt: skip

_TWO_SIDED: Final = (
    frozenset({"0", "1"}),
    frozenset({"true", "false"}),
    frozenset({"yes", "no"}),
    frozenset({"y", "n"}),
    frozenset({"positive", "negative"}),
)
_MOST_CLASSES = 4


def candidates(columns: Sequence[ColumnLook]) -> dict[Role, tuple[str, ...]]:
    """For every role, the names of the columns that could have it, the likeliest first; often none."""
    judged = {
        "id": _id,
        "label": _label,
        "score": _score,
        "decision": _decision,
        "gender": _gender,
        "nationality": _nationality,
    }
    found: dict[Role, tuple[str, ...]] = {}
    for role in _NAMES:
        points = [(judged[role](column), -place) for place, column in enumerate(columns)]
        found[role] = tuple(columns[-place].name for likely, place in sorted(points, reverse=True) if likely > 0)
    return found


def snake_case(name: str) -> str:
    """Name in snake case: `isForcedLabour` and `Case ID` become `is_forced_labour` and `case_id`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\W_]+", "_", parted).casefold()


def _named(role: Role, column: ColumnLook) -> bool:
    return _NAMES[role].search(snake_case(column.name)) is not None


def _id(column: ColumnLook) -> int:
    if not column.unique:
        return 0
    return 3 if _named("id", column) else 2 if column.kind == "text" else 1 if not column.in_unit_interval else 0


def _label(column: ColumnLook) -> int:
    two_sided = _two_sided(column)
    if _named("decision", column) or _named("gender", column) or not two_sided:
        return 0
    return (3 if _named("label", column) else 0) + (2 if column.distinct == 2 else 1)


def _decision(column: ColumnLook) -> int:
    return 3 if _named("decision", column) and _two_sided(column) else 0


def _two_sided(column: ColumnLook) -> bool:
    values = {value.casefold() for value in column.values}
    return column.distinct <= _MOST_CLASSES and any(pair <= values for pair in _TWO_SIDED)


def _score(column: ColumnLook) -> int:
    if column.kind != "number" or column.distinct <= _MOST_CLASSES or not _named("score", column):
        return 0
    return 3 if column.in_unit_interval else 1


def _gender(column: ColumnLook) -> int:
    values = {value.casefold() for value in column.values}
    words = bool(values) and values <= _GENDER_WORDS and any(len(value) > 1 for value in values)
    return (3 if _named("gender", column) and not column.unique else 0) + (2 if words else 0)


def _nationality(column: ColumnLook) -> int:
    named = 3 if _named("nationality", column) else 1 if _COUNTRY.search(snake_case(column.name)) else 0
    return named + 2 if column.codes else 0 if named < 3 or column.unique else named
