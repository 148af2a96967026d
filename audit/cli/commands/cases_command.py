"""Command `cases`: the rows behind a rate of a group, into a file for its owner alone."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from audit.cli.commands.shared_options import PlanOfResult
from audit.cli.console.terminal import note
from audit.cli.outputs.named_folders import public_folder
from audit.errors import ArgumentError
from audit.stages import stages_on
from audit.vocabulary.text import count_of, starts_formula


def cases(
    result: Annotated[Path, typer.Argument(help="A result.json, or the output folder of a run.")],
    group: Annotated[str, typer.Option(metavar="GROUP", help="gender=woman,nationality=NGA: codes or English names.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the rows go (CSV), for its owner alone.")],
    errors: Annotated[Literal["missed", "wrongly-flagged"], typer.Option(help="Which wrong decisions.")] = "missed",
    plan: PlanOfResult = None,
) -> None:
    """Write the rows of a group that were missed or wrongly flagged: columns that the plan names, and no others.

    They describe people and are for restricted use. Nothing of them is printed but how many they are.
    """
    from audit.cli.outputs.audience import refuse_exact_among_public
    from audit.cli.outputs.output_folder import write_file
    from audit.verdicts.rows_of_rates import case_rows

    parts = [part.partition("=") for part in group.split(",")]
    if not all(name.strip() and value.strip() for name, _, value in parts):
        raise ArgumentError("--group names no group", slug="no-such-group", hint="write gender=woman,nationality=NGA")
    if len({name.strip() for name, _, _ in parts}) < len(parts):
        raise ArgumentError("--group names a feature twice", slug="no-such-group", hint="name one level of each")
    refuse_exact_among_public(public_folder(result if result.is_dir() else result.parent), [out])
    wanted = {name.strip(): value.strip() for name, _, value in parts}
    with stages_on(sys.stderr):
        rows = case_rows(result, wanted, errors, plan)
    written = io.StringIO()
    every_row = (rows.column_names, *(row.values() for row in rows.to_pylist()))
    csv.writer(written).writerows(map(_cell, row) for row in every_row)
    write_file(out, written.getvalue())
    note(f"Cases: {count_of(rows.num_rows, 'row')} in {out} (restricted)")


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if starts_formula(text) and not isinstance(value, int | float) else text
