"""Draft of a plan from the look of a file; a person is asked only where there is a choice."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from audit.evaluation.roles import NO, YES, is_number_of_cases, likely_genders
from audit.evaluation.scores import NUMBER
from audit.plan.file.counts_draft import Counted
from audit.plan.file.draft import PlanDraft, TwoSided
from audit.vocabulary.text import first_of, printable

if TYPE_CHECKING:
    from audit.evaluation.look import DataLook
    from audit.evaluation.roles import ColumnLook, Role

_ROLES: Final[Mapping[Role, str]] = {
    "id": "the id of a case",
    "label": "the label",
    "score": "the detector's score",
    "decision": "the detector's decision",
    "gender": "gender",
    "nationality": "nationality",
    "status": "a flag of citizenship",
}
_GROUPS: Final = {role: words for role, words in _ROLES.items() if role in ("gender", "nationality", "status")}
_NONE: Final = "none of these"
_LANGUAGES: Final = (
    "Names of columns are known in English, Spanish, French, Italian, Portuguese and German, and a few in Dutch, "
    "Polish, Russian and Arabic"
)
_MOST_OFFERED: Final = 6
_MOST_UNUSED: Final = 8
_COUNTS: Final = 3
"""So many columns of numbers, and no label, may be a table of counts."""


def draft_from(look: DataLook, data: Path, plan: Path, *, ask: bool) -> PlanDraft:
    """Draft a plan at `plan` for the file `data`, which looks like `look`; `ask` a person where there is a choice."""
    columns = {column.name: column for column in look.columns}
    roles = _GROUPS if look.counted else _ROLES
    taken: dict[Role, str | None] = dict.fromkeys(_ROLES)
    for role, words in roles.items():
        offered, likeliest = look.candidates[role], look.likeliest[role]
        if role == "decision" and taken["score"]:
            taken[role] = None
        elif ask and offered and (len(offered) > 1 or likeliest is None):
            taken[role] = ask_for_column(words, offered)
        else:
            taken[role] = likeliest
    label, score, decision, gender, nationality, status = (
        taken[role] for role in ("label", "score", "decision", "gender", "nationality", "status")
    )
    scores = (score, *(() if decision else look.candidates["score"]))
    others = {
        role: [candidate for candidate in look.candidates[role] if candidate not in taken.values()] for role in _ROLES
    }
    return PlanDraft(
        path=_relative(data, plan.parent),
        columns=tuple(column for column in columns if column not in look.left_out),
        left_out=look.left_out,
        encoding=look.encoding,
        encoding_guessed=look.encoding_guessed,
        delimiter=look.delimiter,
        sheet=look.sheet,
        id=taken["id"],
        label=_two_sided(columns[label]) if label else None,
        score=score,
        score_in_unit_interval=score is None or columns[score].in_unit_interval,
        score_as_text=score is not None and columns[score].decimal is None,
        score_in_per_cent=score is not None and columns[score].per_cent,
        answers_missing=any(columns[name].missing for name in (score or decision,) if name),
        decimal=next((columns[name].decimal for name in scores if name), "."),
        decision=_two_sided(columns[decision]) if decision else None,
        gender=gender,
        gender_values=columns[gender].values if gender else (),
        genders=likely_genders(columns[gender].values) if gender else {},
        nationality=nationality,
        nationality_others=columns[nationality].other_codes if nationality else 0,
        nationality_refused=columns[nationality].refused if nationality else (),
        counted=_counted(look, taken.values()),
        status=_two_sided(columns[status]) if status else None,
        numbers=tuple(name for name in look.numbers if name not in taken.values()),
        alternatives={}
        if ask
        else {name: others[role][: _MOST_OFFERED - 1] for role, name in taken.items() if name is not None},
        choices={}
        if look.counted
        else {role: others[role][:_MOST_OFFERED] for role in roles if taken[role] is None and not ask},
    )


def not_used(look: DataLook, draft: PlanDraft) -> list[str]:
    """Say which columns the draft neither uses nor asks about, those with few values, as groups have, first."""
    shared = {column.name for column in look.columns if column.values}
    names = [f'"{printable(name)}"' for name in sorted(draft.unused, key=lambda name: name not in shared)]
    many = ("column is", "it") if len(names) == 1 else ("columns are", "them")
    line = f"{len(names)} {many[0]} not used, and no verdict is by {many[1]}: {first_of(names, _MOST_UNUSED)}"
    return [line] if names else []


def not_found(look: DataLook, draft: PlanDraft) -> list[str]:
    """Say for which roles the names of the columns say nothing, where a plan cannot do without, and what may be why."""
    groups = {"gender": draft.gender, "nationality": draft.nationality or draft.status}
    cases = {} if look.counted else {"label": draft.label, "score": draft.score or draft.decision}
    missing = [role for role, taken in {**cases, **groups}.items() if taken is None and not draft.choices.get(role)]
    lines = []
    if len(missing) > 1 or missing[:1] in (["label"], ["score"]):
        words = ", ".join(words for role, words in _ROLES.items() if role in missing)
        lines.append(f"No column was found for: {words}. {_LANGUAGES}")
    if any(re.fullmatch(NUMBER, name.strip()) for name in draft.columns):
        lines.append("Some columns are called by numbers: if the first row is a case, put a row of names above it")
    of_groups = "label" in missing and (draft.id is None or len(look.numbers) >= _COUNTS)
    if of_groups or (not look.counted and draft.id is None and any(map(is_number_of_cases, draft.columns))):
        lines.append(
            "If each row is a group and no case, write counts = … in place of path, and cells: docs/how-to/counts.md"
        )
    return lines


def ask_for_column(role: str, columns: Sequence[str]) -> str | None:
    """Ask which column has a role."""
    offered = [*columns, _NONE]
    for number, column in enumerate(offered, start=1):
        typer.echo(f"  {number}  {column}")
    number = typer.prompt(f"Which column is {role}? Number", type=int, default=1)
    while not 1 <= number <= len(offered):
        number = typer.prompt(f"A number from 1 to {len(offered)}", type=int, default=1)
    return None if number == len(offered) else columns[number - 1]


def somebody_is_there() -> bool:
    """Whether a person sits at a terminal and can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _two_sided(column: ColumnLook) -> TwoSided:
    yes = tuple(value for value in column.values if value.casefold() in YES)
    no = tuple(value for value in column.values if value.casefold() in NO)
    if column.kind == "truth":
        yes, no = ("true",), ("false",)
    return TwoSided(column.name, yes, no, tuple(value for value in column.values if value not in (*yes, *no)))


def _counted(look: DataLook, taken: Iterable[str | None]) -> Counted | None:
    if look.counted is None:
        return None
    counts = look.counted
    return Counted(
        counts.cells,
        counts.wrongly_flagged,
        counts.numbers,
        {column.name: _shared(column, look) for column in look.columns if _may_group(column, look, taken)},
        counts.marks,
        counts.zeros,
    )


def _shared(column: ColumnLook, look: DataLook) -> tuple[str, ...]:
    """Return the values of a column that may be shown: not those of one row each, which can be names of people."""
    return column.values if 2 * column.distinct <= look.rows * (1.0 - column.missing) else ()


def _may_group(column: ColumnLook, look: DataLook, taken: Iterable[str | None]) -> bool:
    """Whether a column of a table of counts may hold groups: all but counts, and numbers such as rates that differ."""
    counted = look.counted
    if counted is None or column.kind == "other" or column.name in taken:
        return False
    if column.name in counted.columns:
        return counted.merging and column.name in counted.numbers
    return column.kind not in ("number", "near_number") or 2 * column.distinct <= look.rows


def _relative(data: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(data, folder)).as_posix()
    except ValueError:  # on another drive
        return data.absolute().as_posix()
