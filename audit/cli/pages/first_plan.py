"""Draft of a plan from the look of a file; a person is asked only where there is a choice."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.plan.file.draft import PlanDraft, TwoSided

if TYPE_CHECKING:
    from audit.evaluation.look import DataLook
    from audit.evaluation.roles import ColumnLook, Role

Choose = Callable[[str, Sequence[str]], str | None]
"""Function that picks the column for a role: it is given the role in words and the columns that could have it, the
likeliest first.
"""

_YES: Final = ("1", "true", "yes", "y", "positive")
_NO: Final = ("0", "false", "no", "n", "negative")
_ROLES: Final[Mapping[Role, str]] = {
    "id": "the id of a case",
    "label": "the label",
    "score": "the detector's score",
    "gender": "gender",
    "nationality": "nationality",
}
_NONE: Final = "none of these"


def draft_from(look: DataLook, data: Path, plan: Path, encoding: str, choose: Choose) -> PlanDraft:
    """Draft a plan at `plan` for the file `data`, which looks like `look`."""
    columns = {column.name: column for column in look.columns}
    taken = {role: choose(words, look.candidates[role]) for role, words in _ROLES.items()}
    label, score, gender, nationality = (taken[role] for role in ("label", "score", "gender", "nationality"))
    decision = choose("the detector's decision", look.candidates["decision"]) if score is None else None
    return PlanDraft(
        path=_relative(data, plan.parent),
        columns=tuple(columns),
        encoding=encoding,
        delimiter=look.delimiter,
        id=taken["id"],
        label=_two_sided(columns[label]) if label else None,
        score=score,
        score_in_unit_interval=score is None or columns[score].in_unit_interval,
        decision=_two_sided(columns[decision]) if decision else None,
        gender=gender,
        gender_values=columns[gender].values if gender else (),
        nationality=nationality,
        nationality_others=columns[nationality].other_codes if nationality else 0,
        numbers=tuple(name for name in look.numbers if name not in taken.values()),
        alternatives=_alternatives(look, taken) if choose is likeliest_column else {},
    )


def _alternatives(look: DataLook, taken: Mapping[Role, str | None]) -> dict[str, list[str]]:
    """List the other columns that could have its role, for each column that was taken as the likeliest."""
    return {
        name: [other for other in look.candidates[role] if other not in taken.values()][:5]
        for role, name in taken.items()
        if name is not None
    }


def likeliest_column(_: str, columns: Sequence[str]) -> str | None:
    """Take the likeliest column, where nobody can be asked."""
    return columns[0] if columns else None


def ask_for_column(role: str, columns: Sequence[str]) -> str | None:
    """Ask which column has a role, where more than one could."""
    import typer

    if len(columns) <= 1:
        return likeliest_column(role, columns)
    offered = [*columns, _NONE]
    for number, column in enumerate(offered, start=1):
        typer.echo(f"  {number}  {column}")
    number = typer.prompt(f"Which column is {role}? Number", type=int, default=1)
    while not 1 <= number <= len(offered):
        number = typer.prompt(f"A number from 1 to {len(offered)}", type=int, default=1)
    return None if number == len(offered) else columns[number - 1]


def choose_or_ask() -> Choose:
    """Return `ask_for_column` where a person sits at a terminal, else `likeliest_column`."""
    return ask_for_column if sys.stdin.isatty() and sys.stdout.isatty() else likeliest_column


def _two_sided(column: ColumnLook) -> TwoSided:
    yes = tuple(value for value in column.values if value.casefold() in _YES)
    no = tuple(value for value in column.values if value.casefold() in _NO)
    if column.kind == "truth":
        yes, no = ("true",), ("false",)
    return TwoSided(column.name, yes, no, tuple(value for value in column.values if value not in (*yes, *no)))


def _relative(data: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(data, folder)).as_posix()
    except ValueError:  # on another drive
        return data.absolute().as_posix()
