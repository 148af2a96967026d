"""Command `draw`: a stratified set from a labelled pool, with its weights, a manifest and the start of its plan."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.commands.shared_options import OneDocument
from audit.cli.console.terminal import Style, note, say, say_document
from audit.errors import ArgumentError
from audit.stages import stages_on

if TYPE_CHECKING:
    from audit.planning.draw import DrawReport
    from audit.planning.pool import Spent

FORMATS = (".parquet", ".csv")


def draw(
    pool: Annotated[Path, typer.Argument(help="The labelled cases to draw from: Parquet, CSV or JSONL.")],
    design: Annotated[Path, typer.Option(metavar="FILE", help="The design (TOML).")],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The set: .parquet or .csv. Manifest and plan come beside it.")
    ] = Path("drawn.parquet"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the allocation; draw and write nothing.")] = False,
    unused: Annotated[
        Path | None,
        typer.Option(metavar="HISTORY", help="Leave out cases that a blind challenge of this history asked."),
    ] = None,
    every_cell: Annotated[bool, typer.Option("--all", help="Name every cell and group that falls short.")] = False,
    as_json: OneDocument = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
) -> None:
    """Draw a stratified evaluation set from a labelled pool by a design.

    Writes the rows drawn with their design weights, a manifest with seed and digests, and a plan to complete. Says
    which cells the pool could not fill, and which groups can be judged. The same pool and design give the same set.
    """
    from audit.cli.pages.draw_document import draw_document
    from audit.cli.pages.draw_summary import draw_summary
    from audit.planning.draw import draw_set

    if out.suffix.casefold() not in FORMATS:
        raise ArgumentError(f"--out {out}: its ending says neither .parquet nor .csv", slug="drawn-format")
    spent = None if unused is None else _spent(unused)
    report = draw_set(design, pool, None, spent) if dry_run else _draw_and_write(pool, design, out, spent, force=force)
    if as_json:
        say_document(draw_document(report, None if dry_run else out.name))
    else:
        say(draw_summary(report, Style.of(sys.stdout), every_cell=every_cell))


def _spent(history: Path) -> Spent:
    from audit.evidence.blind.ledger import Ledger
    from audit.evidence.history_file import HistoryFile
    from audit.planning.pool import Spent

    ledger = Ledger(HistoryFile(history))
    return Spent(ledger.salt, sorted(ledger.digests))


def _draw_and_write(pool: Path, design: Path, out: Path, spent: Spent | None, *, force: bool) -> DrawReport:
    from audit.cli.outputs.output_folder import OutputFolder
    from audit.cli.pages.draw_document import draw_document, drawn_plan
    from audit.planning.draw import draw_set

    manifest, plan = out.with_suffix(".manifest.json"), out.with_suffix(".plan.toml")
    there = [path for path in (out, manifest, plan) if path.exists()]
    if there and not force:
        raise ArgumentError(
            f"{there[0]} is there already", slug="drawn-exists", hint="name another with --out, or add --force"
        )
    for path in there:
        for what, read in (("pool", pool), ("design", design)):
            if read.exists() and path.samefile(read):
                raise ArgumentError(
                    f"{path} is the {what} itself", slug="drawn-exists", hint="name another file with --out"
                )
    with OutputFolder(out.parent, replaces=()) as folder, stages_on(sys.stderr, "drawing"):
        report = draw_set(design, pool, folder.place(out.name), spent)
        folder.add(manifest.name, draw_document(report, out.name))
        folder.add(plan.name, drawn_plan(report.design, out.name, report.drawn_sha256))
        folder.publish()
    for what, path in (("Set", out), ("Manifest", manifest), ("Plan to complete", plan)):
        note(f"{what}: {path}")
    return report
