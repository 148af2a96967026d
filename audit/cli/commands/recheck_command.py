"""Command `recheck`: what cannot follow in an audit that somebody else has published."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from audit.cli.commands.shared_options import OneDocument, Sheet


def recheck(
    table: Annotated[Path, typer.Argument(help="The published table: CSV, .xlsx, .xls or .ods.")],
    unknown: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="People of an unknown category.  [as such rows of the table say]"),
    ] = None,
    audited: Annotated[
        datetime | None, typer.Option(metavar="YYYY-MM-DD", formats=["%Y-%m-%d"], help="When the audit was made.")
    ] = None,
    date: Annotated[
        datetime | None,
        typer.Option(metavar="YYYY-MM-DD", formats=["%Y-%m-%d"], help="When it is relied on.  [today]"),
    ] = None,
    as_json: OneDocument = False,
    sheet: Sheet = None,
) -> None:
    """Recompute an audit that somebody else has published, and name what cannot follow from its own figures.

    The form is that of Local Law 144 of New York City: applicants, selection or scoring rates and impact ratios by sex,
    by race and by both. Exits 0 where all follows, 1 where something cannot, 3 where that cannot be told.
    """
    from audit.cli.console.terminal import Style, say, say_document
    from audit.cli.pages.recheck_page import recheck_document, recheck_page
    from audit.evidence.published.recheck import recheck as recheck_table
    from audit.evidence.published.table import read_table

    today = (date or datetime.now(UTC)).date()
    found = recheck_table(read_table(table, sheet), unknown, audited.date() if audited else None, today)
    if as_json:
        say_document(recheck_document(found))
    else:
        say(recheck_page(found, Style.of(sys.stdout)))
    raise typer.Exit(found.exit_code)
