"""Draft of a plan to begin from. A value that only a person knows says "write here"; such a plan is not run."""

from __future__ import annotations

import re
import tomllib
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from audit.plan.audit_plan import PLAN_SCHEMA, Route, Use
from audit.plan.evaluation_set import SIDES_OF_CELLS
from audit.plan.file.counts_draft import CELLS, Counted
from audit.plan.file.lines import KeyLines
from audit.plan.file.mistakes import dotted
from audit.plan.file.unfinished import WRITE_HERE, any_of, toml_text, unfinished
from audit.plan.sections import GENDERS


@dataclass(frozen=True, slots=True)
class TwoSided:
    """A column with two sides, such as a label: the values for yes, for no, and for neither."""

    column: str
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    neither: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """Known facts about an evaluation set before its plan is written; None or empty where not known."""

    path: str
    """The file, as it will stand in the plan; empty for a table in memory."""
    columns: tuple[str, ...] = ()
    """Every column of the file."""
    left_out: tuple[str, ...] = ()
    """Columns of lists and the like, which were not looked at."""
    encoding: str = "utf-8"
    """Encoding of a text file."""
    delimiter: str = ","
    """Delimiter of a CSV file."""
    encoding_guessed: bool = False
    """Whether the encoding is a guess that a person must confirm."""
    sheet: str | None = None
    """Sheet of a spreadsheet."""
    id: str | None = None
    """Column of ids."""
    label: TwoSided | None = None
    """Column of labels."""
    score: str | None = None
    """Column of scores."""
    score_in_unit_interval: bool = True
    """Whether all scores lie within [0, 1]."""
    threshold: float | None = None
    """Score from which on a case is flagged."""
    score_as_text: bool = False
    """Whether the scores are no numbers that can be read, for decimal commas or signs of per cent are mixed."""
    score_in_per_cent: bool = False
    """Whether the scores have signs of per cent."""
    decimal: str | None = "."
    """Mark of decimals in the scores."""
    answers_missing: bool = False
    """Whether cells of the scores, or else of the decisions, are empty: the system declined to answer there."""
    counted: Counted | None = None
    """Columns of counts, where the file is a table of counts."""
    decision: TwoSided | None = None
    """Column of decisions; used where there is no score."""
    gender: str | None = None
    """Column of gender."""
    gender_values: tuple[str, ...] = ()
    """Distinct values of that column."""
    genders: Mapping[str, str] = field(default_factory=dict)
    """What some of them are taken for."""
    nationality: str | None = None
    """Column of nationality."""
    nationality_others: int = 0
    """Number of its values that are not codes of a nationality."""
    nationality_refused: tuple[str, ...] = ()
    """Some of those values."""
    status: TwoSided | None = None
    """Column that says who is a national."""
    numbers: tuple[str, ...] = ()
    """Columns of text that hold numbers."""
    alternatives: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """For a column that was taken without asking: other columns that would fit."""

    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """For a role that no column stands out for: the columns that could have it."""

    @property
    def known(self) -> tuple[str, ...]:
        """Sensitive features with a known column, or with columns to choose from."""
        known = {"gender": self.gender, "nationality": self.nationality, "status": self.status}
        return tuple(name for name, column in known.items() if column is not None or self.choices.get(name))

    @property
    def others(self) -> dict[str, str]:
        """Features of a table of counts that a person must decide on, by the names they would have, with columns."""
        named: dict[str, str] = {}
        for number, column in enumerate(self.counted.groups if self.counted else (), start=1):
            name = re.sub(r"\W+", "_", column.strip()).strip("_").casefold()
            fits = name.isidentifier() and name not in {"gender", "nationality", "status", *named}
            named[name if fits else f"group_{number}"] = column
        return named

    @property
    def known_or_usual(self) -> tuple[str, ...]:
        """Features that have a section of their own: those known, or gender and nationality where there is none."""
        return self.known if self.known or self.others else ("gender", "nationality")

    @property
    def features(self) -> tuple[str, ...]:
        """Sensitive features of the plan; gender and nationality where none is known."""
        return (*self.known_or_usual, *self.others)

    @property
    def unused(self) -> tuple[str, ...]:
        """Columns that the plan neither uses nor asks about."""
        used = {
            column_name
            for column_name in (self.id, self.score, self.gender, self.nationality, *self.others.values())
            if column_name
        }
        used |= {coded.column for coded in (self.label, self.decision, self.status) if coded}
        for offered in (*self.alternatives.values(), *self.choices.values()):
            used.update(offered)
        if self.counted:
            used |= {
                *self.counted.named.values(),
                *(column_name for candidates in self.counted.asked.values() for column_name in candidates),
            }
        return tuple(column for column in (*self.columns, *self.left_out) if column not in used)


def draft_plan(draft: PlanDraft) -> str:
    """Text of a plan with comments, to be completed at each "write here": `draft.toml.jinja`, filled in."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(  # noqa: S701 - no HTML: what others wrote goes through `toml_text`
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= {"toml": toml_text, "list_of": _list, "one_of": any_of}
    counted = draft.counted
    cells = None if counted is None else counted.named.keys() | counted.asked.keys()
    return templates.get_template("draft.toml.jinja").render(
        draft=draft,
        counted=counted,
        cells=CELLS,
        write_here=WRITE_HERE,
        schema=PLAN_SCHEMA,
        uses=typing.get_args(Use),
        routes=typing.get_args(Route),
        genders=GENDERS,
        genders_unread=[value for value in draft.gender_values if value.casefold() not in GENDERS],
        groups=[toml_text(feature) for feature in draft.features],
        limited=[cells is None or bool(cells & set(side)) for side in SIDES_OF_CELLS],
        todo=_to_write,
        taken=partial(_taken, draft),
        column=partial(_column, draft),
    )


def gaps_in(text: str) -> list[str]:
    """Keys of a plan that still say "write here", each with its line, in the order of the file."""
    lines = KeyLines.of(text)
    places = [(lines.line(where) or 0, dotted(where)) for where in unfinished(tomllib.loads(text))]
    return [f"line {line}: {key}" for line, key in sorted(places)]


def _to_write(what: str) -> str:
    return toml_text(f"{WRITE_HERE}: {what}")


def _column(draft: PlanDraft, name: str | None, role: str, meaning: str) -> str:
    if name is not None:
        return _taken(draft, name)
    offered = draft.choices.get(role, ())
    return _to_write(meaning + (f"; it could be {' or '.join(offered)}" if offered else ""))


def _taken(draft: PlanDraft, name: str) -> str:
    others = draft.alternatives.get(name, ())
    return (
        f"{toml_text(name)}  # or is it: {', '.join(toml_text(other) for other in others)}?"
        if others
        else toml_text(name)
    )


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(toml_text(value) for value in values)}]"
