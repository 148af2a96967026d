"""Command `look`: rates by group before there is a plan. It judges nothing and writes no file."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from audit.cli.commands.shared_options import SetFile, Sheet
from audit.cli.console.terminal import Style, say


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
    from audit.cli.first_look import look as first_look
    from audit.cli.pages.look_page import look_page

    found = first_look(
        data,
        label=label,
        score=score,
        decision=decision,
        threshold=threshold,
        gender=gender,
        nationality=nationality,
        sheet=sheet,
    )
    say(look_page(found, Style.of(sys.stdout)))
