"""Suggest the role of a column in a plan, from its name and its values. A suggestion, never a decision."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from audit.plan.sections import GENDERS

MOST_SHOWN: Final = 30
"""A column with more different values than this shows none of them."""
MOST_REFUSED: Final = 10
"""Most values shown that are not read as nationalities."""

Role = Literal["id", "label", "score", "decision", "gender", "nationality", "status"]
Kind = Literal["text", "number", "near_number", "truth", "date", "other"]


@dataclass(frozen=True, slots=True)
class ColumnLook:
    """Description of a column."""

    name: str
    """Name in the file."""
    kind: Kind
    """`number` if the column is stored as numbers, or as text in which every filled cell is a number; `near_number` if
    every one is but for decimal commas and percent signs, as in `0,45` and `45 %`."""
    missing: float
    """Share of rows with an empty cell."""
    distinct: int
    """Approximate number of distinct values; exact up to `MOST_SHOWN`."""
    unique: bool
    """Whether every row has a value of its own."""
    values: tuple[str, ...]
    """Distinct values, sorted, if there are at most `MOST_SHOWN` and rows share them; else none."""
    in_unit_interval: bool
    """For a number: whether all values lie within [0, 1], or are 0 % to 100 %."""
    codes: int
    """Number of distinct values that are read as nationalities."""
    other_codes: int
    """Number of distinct values that are not read as nationalities, where some are."""
    refused: tuple[str, ...]
    """Those of them that rows share, sorted; at most `MOST_REFUSED`."""
    decimal: Literal[".", ","] | None = "."
    """Mark of decimals in its numbers; None where the cells do not settle it."""
    per_cent: bool = False
    """Whether every number has a sign of per cent."""


HEADER_WORDS: Final[Mapping[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "data" / "headers.toml").read_text(encoding="utf-8")
)
"""Names of columns, and words in their cells, in many languages."""
_NAMES: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(pattern) for name, pattern in HEADER_WORDS["roles"].items()
}
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(words.split()) for name, words in HEADER_WORDS["words"].items()
}
_GENDERS: Final = {word: gender for gender in GENDERS for word in _WORDS[gender]}
_GENDER_WORDS: Final = frozenset({*_GENDERS, *_WORDS["other_genders"]})
YES, NO = _WORDS["yes"], _WORDS["no"]
_NAMED: Final = 4
"""Points of a column whose name says its role: with fewer it is a candidate, and a person decides."""
_MOST_CLASSES = 10


def likely_genders(values: Sequence[str]) -> dict[str, str]:
    """Return what values of a column of gender say in the languages of the United Nations and a few more.

    M is for a woman (mujer, mulher) beside H (hombre, homem), and for a man beside F or W. Beside V and alone it is
    left out: V and M are varón and mujer in Spanish, vrouw and man in Dutch; F and N man and woman in Hungarian.
    """
    words = {value: value.strip().casefold() for value in values}
    known = set(words.values())
    letters = {word: gender for word, gender in _GENDERS.items() if word != "f" or "n" not in known}
    if "h" in known and not known & {"v", "w"}:
        letters |= {"h": "man"} | ({} if "f" in known else {"m": "woman"})
    elif known & {"f", "w"} and "v" not in known:
        letters["m"] = "man"
    return {value: letters[word] for value, word in words.items() if word in letters}


def candidates(columns: Sequence[ColumnLook]) -> dict[Role, tuple[str, ...]]:
    """For every role, the names of the columns that could have it, the likeliest first; often none."""
    return {role: tuple(columns[index].name for _, index in _ranked(role, columns)) for role in _POINTS}


def likeliest(columns: Sequence[ColumnLook]) -> dict[Role, str | None]:
    """For every role, the column that stands out among those that could have it; None where a person must decide."""
    column_of_role: dict[Role, str | None] = {}
    for role in _POINTS:
        ranked = [*_ranked(role, columns), (0, 0)]
        stands_out = ranked[0][0] >= _LEAST[role] and (ranked[0][0] > ranked[1][0])
        column_of_role[role] = columns[ranked[0][1]].name if stands_out else None
    return column_of_role


def _ranked(role: Role, columns: Sequence[ColumnLook]) -> list[tuple[int, int]]:
    points = [(_POINTS[role](column), index) for index, column in enumerate(columns)]
    return sorted(((many, index) for many, index in points if many > 0), key=lambda pair: (-pair[0], pair[1]))


def snake_case(name: str) -> str:
    """Name in snake case without accents: `isForcedLabour` and `Género ` become `is_forced_labour` and `genero`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    plain = "".join(
        character for character in unicodedata.normalize("NFKD", parted) if not unicodedata.combining(character)
    )
    return re.sub(r"[\W_]+", "_", plain).casefold()


def is_number_of_cases(name: str) -> bool:
    """Whether a column may say how many cases a row stands for."""
    return _NAMES["cases"].search(snake_case(name)) is not None


def _named(role: Role, column: ColumnLook) -> bool:
    return _NAMES[role].search(snake_case(column.name)) is not None


def _id(column: ColumnLook) -> int:
    if not column.unique or column.kind in ("date", "near_number") or is_number_of_cases(column.name):
        return 0
    return _NAMED if _named("id", column) else 2 if column.kind == "text" else 1 if not column.in_unit_interval else 0


def _label(column: ColumnLook) -> int:
    shared = column.kind == "truth" or (bool(column.values) and 2 <= column.distinct <= _MOST_CLASSES)
    if not shared or any(_named(role, column) for role in ("decision", "gender", "score", "status")):
        return 0
    named = _named("label", column)
    if not (named or _two_sided(column)):
        return 0
    points = _NAMED if named else 2 if _NAMES["perhaps_label"].search(snake_case(column.name)) else 1
    return 2 * points + _two_sided(column)


def _decision(column: ColumnLook) -> int:
    return _NAMED if _named("decision", column) and _two_sided(column) else 0


def _status(column: ColumnLook) -> int:
    return _NAMED if _named("status", column) and _two_sided(column) else 0


def _two_sided(column: ColumnLook) -> bool:
    values = {value.casefold() for value in column.values}
    sides = (values.intersection(YES), values.intersection(NO))
    return column.kind == "truth" or (all(sides) and column.distinct <= 4)


def _score(column: ColumnLook) -> int:
    if column.kind == "text":  # numbers, and a cell or two that are none: a person names it, and is told which cells
        return int(column.distinct > MOST_SHOWN and _named("score", column))
    if (
        column.kind not in ("number", "near_number")
        or (column.distinct <= 2 and _two_sided(column))
        or (column.unique and _named("id", column))
    ):
        return 0
    varies = column.in_unit_interval and column.distinct > _MOST_CLASSES
    return _NAMED + column.in_unit_interval if _named("score", column) else column.kind == "near_number" or varies


def _gender(column: ColumnLook) -> int:
    values = {value.casefold() for value in column.values}
    words = bool(values) and values <= _GENDER_WORDS and any(len(value) > 1 for value in values)
    return (_NAMED if _named("gender", column) and not column.unique else 0) + (2 if words else 0)


def _nationality(column: ColumnLook) -> int:
    """Points by name and values: a column that is called country keeps them though some values are not read."""
    most = column.codes >= 3 and column.codes >= 9 * column.other_codes
    if _named("nationality", column) and not column.unique:
        return _NAMED + 2 + most
    if _NAMES["country"].search(snake_case(column.name)) and column.codes >= 2 and column.codes >= column.other_codes:
        return _NAMED + most
    return 2 if most else 0


_POINTS: Final[dict[Role, Callable[[ColumnLook], int]]] = {
    "id": _id,
    "label": _label,
    "score": _score,
    "decision": _decision,
    "gender": _gender,
    "nationality": _nationality,
    "status": _status,
}
_LEAST: Final[dict[Role, int]] = {
    "id": 1, "label": 2 * _NAMED, "score": _NAMED, "decision": _NAMED, "gender": 2, "nationality": 2,
    "status": _NAMED,
}  # fmt: skip
"""Fewest points with which a column is taken. A wrong id is harmless, for it is unique; a wrong label is not."""
