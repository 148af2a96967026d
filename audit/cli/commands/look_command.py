"""Command `look`: rates by group before there is a plan. It judges nothing and writes no file.

Page of `audit7k look`: the groups that are furthest from everyone else, and a plan to begin with.
"""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from audit.cli.commands.shared_options import SetFile, Sheet
from audit.cli.console.group_names import GroupNames, fit
from audit.cli.console.terminal import Style, say
from audit.cli.first_look import NO_VERDICT, FirstLook
from audit.cli.pages.summary_lines import planned_pass_lines
from audit.result.selected import selected
from audit.result.shown import RESTRICTED, in_100, likely_words
from audit.stages import stages_on
from audit.vocabulary.text import first_of, shown

_MOST: Final = 12


def look_page(look: FirstLook, style: Style) -> str:
    """Write the page; ranges are wider for rows that were picked because they are far from everyone else."""
    names, worst_gap = GroupNames(look.result.features), look.worst
    picked = selected(worst_gap[:_MOST], worst_gap)
    head = ("Group", "rate", "measured", "likely", "everyone else")
    rows = [
        (
            names.name_within(row.group, 31),
            row.definition.short,
            in_100(row.value),
            likely_words(row),
            in_100(row.rest),
        )
        for row in picked.rows
    ]
    left = len(worst_gap) - len(rows)
    lines = [
        style.paint(NO_VERDICT, "strong"),
        f"Rows: {look.result.rows[0].read:,}",
        "",
        *map(_columns, (head, *rows)),
    ]
    lines += [f"and {left:,} more; ranges are wider for rows picked by result"] if left else []
    as_they_are = " and ".join(look.taken_as_they_are)
    lines += [f"Taken as it stands, for many rows hold a value that is not read: {as_they_are}"] if as_they_are else []
    for name, values in look.taken_as_unknown.items():
        some = first_of(list(map(shown, values)), 6)
        lines.append(f"Not read, and counted as of unknown {name}: {some} (audit7k codes says why)")
    lines += ["", *planned_pass_lines(look.planned_pass, names), RESTRICTED]
    lines += ["", style.paint("A plan that would make it an audit:", "strong"), look.plan]
    return "\n".join(line.rstrip() for line in lines)


def _columns(cells: tuple[str, ...]) -> str:
    return " ".join(fit(cell, width) for cell, width in zip(cells, (31, 11, 10, 9, 13), strict=True))


def look(
    data: SetFile,
    label: Annotated[str, typer.Option(metavar="COLUMN", help="Whether a case is one of exploitation: 1 and 0.")],
    score: Annotated[str | None, typer.Option(metavar="COLUMN", help="The scores; with --threshold.")] = None,
    threshold: Annotated[float | None, typer.Option(help="A case is flagged from this score on.")] = None,
    decision: Annotated[str | None, typer.Option(metavar="COLUMN", help="The decisions, 1 and 0.")] = None,
    gender: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of gender.")] = None,
    nationality: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of nationality.")] = None,
    sheet: Sheet = None,
) -> None:
    """Show rates by group before there is a plan, and the plan that would make it an audit. No verdict, no file."""
    with stages_on(sys.stderr):
        from audit.cli.first_look import look as first_look

        first = first_look(
            data,
            label=label,
            score=score,
            decision=decision,
            threshold=threshold,
            gender=gender,
            nationality=nationality,
            sheet=sheet,
        )
    say(look_page(first, Style.of(sys.stdout)))
