"""Command `probes`: what a plan's probes ask, and the texts themselves for a detector that cannot be called."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from audit.cli.commands.shared_options import PlanPath
from audit.cli.console.terminal import Style, note, say
from audit.errors import ArgumentError
from audit.plan.file.unfinished import leaves
from audit.vocabulary.text import count_of, first_of, printable

if TYPE_CHECKING:
    from audit.plan.file.plan_file import LoadedPlan
    from audit.scoring.probing.text_design import DesignWithRows


def probes(
    plan: PlanPath,
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
    from audit.cli.outputs.output_folder import write_file
    from audit.scoring.probing.variants_file import designs_of_plan, holds_formula, variants_csv

    if out is not None and out.exists() and not force:
        raise ArgumentError(f"{out} is there already", slug="variants-exist")
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
    if holds_formula(written):
        note("note: some cells start as a formula would, and are kept as they are: open the file in no spreadsheet")


def _check_may_be_replaced(out: Path, plan: Path, loaded: LoadedPlan) -> None:
    """Raise ArgumentError if `out` is the plan or a file that the plan reads: --force replaces only written output."""
    named = [value for _, value in leaves(loaded.plan.model_dump()) if isinstance(value, Path)]
    for path in (plan, *(loaded.folder / name for name in named)):
        if path.exists() and out.samefile(path):
            raise ArgumentError(
                f"{out} is {'the plan' if path is plan else 'a file that the plan reads'}", slug="variants-over-input"
            )


_TEXTS: Final = 3
_NAMED: Final = 6


def probes_page(designs: Sequence[DesignWithRows], style: Style) -> str:
    """Write the page, probe by probe. No row of the evaluation set is shown: rows are about people."""
    return "\n".join(line for design in designs for line in _lines(design, style)) + "\n"


def _lines(design: DesignWithRows, style: Style) -> Iterator[str]:
    templates = {"text": "templates", "row": "rows", "cluster": "clusters"}[design.unit]
    changes = count_of(len(design.comparisons), "change")
    yield style.paint(f"{design.probe}: {len(design.ids):,} to score, {changes}", "strong")
    yield f"  {design.templates:,} {templates} from {printable(design.source)}; words: {printable(design.words)}"
    if design.alike:
        yield f"  {design.alike:,} pairs read the same after the change, and are left out"
    yield from (f"  not used: {printable(word)}" for word in design.unused)
    for slot in design.slots:
        names = first_of(list(slot.names.values()), _NAMED)
        yield f"  {slot.slot}: {printable(names)}; compared with: {printable(slot.anchor)}"
    if design.kind == "text":
        yield from (f"  > {printable(text)}" for text in _texts(design))
    yield ""


def _texts(design: DesignWithRows) -> list[str]:
    """Return the text of the first anchor, and the texts that the first changes make of it."""
    column = design.batch.column(design.batch.schema.get_field_index(design.columns[0]))
    pairs = design.pairs
    first = int(pairs.anchor[0])
    changed = [int(row) for row in pairs.variant[pairs.anchor == first][: _TEXTS - 1]]
    return [column[row].as_py() for row in (first, *changed)]
