"""Command `codes`: how every value of a column is read, and what a person has to decide."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from audit.cli.commands.shared_options import OneDocument, SetFile, Sheet
from audit.cli.console.terminal import Style, note, say, say_document
from audit.errors import ArgumentError, ExitCode
from audit.stages import stages_on


def codes(  # noqa: PLR0913, PLR0917 - a parameter for each option
    data: SetFile,
    column: Annotated[str, typer.Option(metavar="NAME", help="The column to read.")],
    coding: Annotated[Literal["nationality", "gender"], typer.Option(help="As what to read it.")] = "nationality",
    codes: Annotated[
        Literal["iso-5218", "icao-9303", "unodc"] | None,
        typer.Option("--codes", help="Of a gender: whose codes the column holds.", show_default=False),
    ] = None,
    map_to: Annotated[
        Path | None,
        typer.Option(
            "--write-map", metavar="FILE", help="Write a map for the plan, with what is not read to complete."
        ),
    ] = None,
    as_json: OneDocument = False,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Encoding of a CSV or JSONL file.")] = "utf-8",
    sheet: Sheet = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a map that is already there.")] = False,
) -> None:
    """Show how every value of a column is read: as which code, or why not. Shows no other column.

    Exits 0 where every value is read, 3 where some are not: somebody has to decide. Rare values can single out a
    person; keep what this prints as you keep the file.
    """
    from audit.cli.outputs.output_folder import write_file
    from audit.cli.pages.codes_page import codes_document, codes_page, filled_in, map_to_complete
    from audit.evaluation.column_codes import column_codes

    if codes is not None and coding != "gender":
        raise ArgumentError(f"--codes {codes} is for a gender", slug="codes-of-gender")
    if map_to is not None and map_to.exists() and not force:
        raise ArgumentError(f"{map_to} is there already", slug="map-exists")
    with stages_on(sys.stderr):
        codes_read = column_codes(data, column, coding, encoding, codes=codes, sheet=sheet)
    if as_json:
        say_document(codes_document(codes_read))
    else:
        say(codes_page(codes_read, Style.of(sys.stdout)))
    if map_to is not None and codes_read.refused:
        write_file(map_to, map_to_complete(codes_read))
        done = f"{len(filled_in(codes_read)):,} filled in, {len(codes_read.refused):,} to decide"
        note(f"Wrote {map_to}: {done}. Put it into the plan.")
    elif map_to is not None:
        note("Every value is read: there is no map to write.")
    raise typer.Exit(ExitCode.INCONCLUSIVE if codes_read.refused else ExitCode.PASS)
