"""Command `recheck`: what cannot follow in an audit that somebody else has published.

Page of `audit7k recheck`: what does not follow, what cannot be told, what follows.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from audit.cli.commands.shared_options import OneDocument, Sheet
from audit.cli.console.terminal import State as Colour
from audit.cli.console.terminal import Style, say, say_document
from audit.evidence.published.recheck import Rechecked, State
from audit.vocabulary.text import first_of, printable

_SHAPES: Final[dict[State, Colour]] = {State.WRONG: "fail", State.UNTOLD: "inconclusive"}
_MOST_BELOW: Final = 6


def recheck_page(rechecked: Rechecked, style: Style) -> str:
    """Write what was found, the worst first."""
    table, many = rechecked.table, rechecked.follows
    kind = "scoring" if table.scores else "selection"
    lines = [style.paint(f"{printable(table.source_name)}: {kind} rates, {len(table.categories)} rows", "strong"), ""]
    for state, colour in _SHAPES.items():
        finding_lines = [
            f"  {finding.where}: {finding.text}" for finding in rechecked.findings if finding.state is state
        ]
        lines += (
            [style.paint(f"{style.shape(colour)} {state.upper()}", colour), *map(printable, finding_lines), ""]
            if finding_lines
            else []
        )
    lines += [style.paint(f"{style.shape('pass')} FOLLOWS", "pass")]
    lines += [f"  {many['rate']} rates from numbers of people, {many['ratio']} impact ratios, {many['sum']} sums", ""]
    if rechecked.left_out:
        names = printable("; ".join(rechecked.left_out))
        lines.append(f"Without impact ratio, below 2 % of the data; the summary must say why: {names}.")
    if below := printable(first_of(rechecked.below, _MOST_BELOW, "; ")):
        lines.append(f"Below four fifths of the highest rate: {below}.")
        lines.append("Four fifths is a rule of thumb of the EEOC (29 CFR 1607.4(D)); Local Law 144 sets no limit.")
    lines.append("That figures follow does not show that people were counted rightly.")
    return "\n".join(lines)


def recheck_document(rechecked: Rechecked) -> str:
    """Write the same as JSON."""
    document = {
        "source": rechecked.table.source_name,
        "rates": "scoring" if rechecked.table.scores else "selection",
        "rows": len(rechecked.table.categories),
        "findings": [finding._asdict() for finding in rechecked.findings],
        "follows": dict(sorted(rechecked.follows.items())),
        "without_ratio_below_2_per_cent": list(rechecked.left_out),
        "below_four_fifths": list(rechecked.below),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


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
    from audit.evidence.published.recheck import recheck as recheck_table
    from audit.evidence.published.table import read_table

    today = (date or datetime.now(UTC)).date()
    rechecked = recheck_table(read_table(table, sheet), unknown, audited.date() if audited else None, today)
    if as_json:
        say_document(recheck_document(rechecked))
    else:
        say(recheck_page(rechecked, Style.of(sys.stdout)))
    raise typer.Exit(rechecked.exit_code)
