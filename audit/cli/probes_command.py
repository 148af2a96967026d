"""`probes`: what a plan's probes would ask, and the texts themselves for a detector that cannot be called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.guard import ArgumentError
from audit.cli.terminal import Style, note, say

if TYPE_CHECKING:
    from audit.plan.file.reading import LoadedPlan


def probes(
    plan: Annotated[Path, typer.Argument(help="The plan file (TOML).")],
    probe: Annotated[str | None, typer.Option(metavar="ID", help="This probe alone.", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what is to be scored, as CSV.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is already there.")] = False,
) -> None:
    """Show what the probes of a plan change and ask, with a few of their texts. Scores nothing.

    With --out, write every text or row of one probe with an id. Have them scored, keep the ids, and name the file with
    the answers under `answers` in the probe: so a detector known by its predictions is probed as well.
    """
    from audit.cli.output_folder import write_file
    from audit.cli.probes_page import probes_page
    from audit.scoring.probing.writing import designs_of_plan, starts_formula, variants_csv

    if out is not None and out.exists() and not force:
        raise ArgumentError(
            f"{out} is there already", slug="variants-exist", hint="name another with --out, or add --force"
        )
    loaded, designs = designs_of_plan(plan, probe)
    if out is not None and out.exists():
        _check_may_be_replaced(out, plan, loaded)
    if out is None:
        say(probes_page(designs, Style.of(sys.stdout)))
        return
    if len(designs) > 1:
        names = ", ".join(design.probe for design in designs)
        raise ArgumentError(
            "one file holds one probe", slug="variants-of-one-probe", hint=f"name it with --probe: {names}"
        )
    (design,) = designs
    identity = getattr(loaded.plan.detector, "id", None) or loaded.plan.evaluation_set.id
    written = variants_csv(design, identity)
    write_file(out, written)
    note(f"Wrote {out}: {len(design.ids):,} to score. Keep the column {identity} beside the answers.")
    if starts_formula(written):
        note("note: some cells start as a formula would, and are kept as they are: open the file in no spreadsheet")


def _check_may_be_replaced(out: Path, plan: Path, loaded: LoadedPlan) -> None:
    """Raise ArgumentError where `out` is the plan, or a file that it reads: --force is meant for what was written."""
    from audit.scoring.probing.writing import paths_of

    for path in (plan, *(loaded.folder / named for named in paths_of(loaded.plan))):
        if path.exists() and out.samefile(path):
            raise ArgumentError(
                f"{out} is {'the plan' if path is plan else 'a file that the plan reads'}",
                slug="variants-over-input",
                hint="name another with --out",
            )
