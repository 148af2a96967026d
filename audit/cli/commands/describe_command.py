"""`describe`: who is in an evaluation set, with differential privacy and a ledger of what that has cost."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

import typer

from audit.cli.console.guard import ArgumentError
from audit.cli.console.terminal import note, say

MOST_EPSILON: Final = Decimal(10)
MOST_BUDGET: Final = Decimal(20)
_STEP: Final = Decimal("0.001")


def describe(
    plan: Annotated[Path, typer.Argument(help="The plan file (TOML).")],
    epsilon: Annotated[
        float, typer.Option(metavar="E", help="What it may cost: smaller protects more and is less exact.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The description, as JSON.")] = Path("description.json"),
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE", help="label, gender, gender+label, …; may be repeated.  [all there are]"),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(metavar="E", help="What all descriptions may cost together, declared with the first.  [3]"),
    ] = None,
    rows_per_cluster: Annotated[
        int | None,
        typer.Option(metavar="ROWS", min=1, max=1000, help="Rows of a cluster that count at most.  [5]"),
    ] = None,
    restricted_folder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the ledger is.  [that of the plan, or audit-out/restricted]"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is already there.")] = False,
) -> None:
    """Say how many rows of each gender, region and label a set has, with differential privacy (extra dp).

    It is about the set and not about the detector. Each description spends of a budget that is never refilled: keep
    the restricted folder, which holds the ledger, and publish one description rather than many.
    """
    from audit.cli.outputs.output_folder import write_file
    from audit.cli.outputs.showing import RESTRICTED, restricted_place
    from audit.cli.pages.description_page import description_page
    from audit.disclosure.description.describe import Asked, described_set
    from audit.disclosure.description.document import description_json
    from audit.disclosure.description.ledger import LEDGER
    from audit.plan.file.plan_file import read_plan_file

    asked = Asked(
        epsilon=_amount("--epsilon", epsilon, MOST_EPSILON),
        budget=None if budget is None else _amount("--budget", budget, MOST_BUDGET),
        only=tuple(only or ()),
        rows_per_cluster=rows_per_cluster,
    )
    _check_out(out, force=force)
    loaded = read_plan_file(plan)
    place = restricted_place(Path("audit-out"), loaded.plan, loaded.folder, restricted_folder)
    _check_no_input(out, plan, loaded.folder, loaded.plan.evaluation_set.path, place)
    description, is_new = described_set(loaded, asked, place)
    if is_new:
        note(
            f"note: a new ledger was made: {place / LEDGER}; keep that folder. If this set was described before, its "
            f"cost is not in it: name the folder with --{RESTRICTED}-folder"
        )
    say(description_page(description))  # paid for: said before anything else can fail
    write_file(out, description_json(description), private=False)
    note(f"Description: {out}")


def _amount(option: str, value: float, most: Decimal) -> Decimal:
    """The number in thousandths, exactly."""
    amount = Decimal(repr(value))
    if not amount.is_finite() or not _STEP <= amount <= most or amount % _STEP:
        raise ArgumentError(
            f"{option} {value:g}: write a number from {_STEP} to {most}, with at most three decimals",
            slug="dp-amount",
            hint="1 is usual; above 3 it protects little",
        )
    return amount


def _check_out(out: Path, *, force: bool) -> None:
    """Raise ArgumentError where the file could not be written in the end, before anything is spent on it."""
    if out.is_dir() or not out.parent.is_dir():
        raise ArgumentError(
            f"{out} cannot be a file", slug="description-place", hint="name a file in a folder that is there with --out"
        )
    if out.exists() and not force:
        raise ArgumentError(
            f"{out} is there already", slug="description-exists", hint="name another with --out, or add --force"
        )


def _check_no_input(out: Path, plan: Path, folder: Path, path: Path | None, restricted: Path) -> None:
    """Raise ArgumentError where `out` is what is read, or would lie beside the key."""
    inputs = [plan, *([] if path is None else [folder / path])]
    if any(one.exists() and out.exists() and out.samefile(one) for one in inputs) or (
        out.parent.resolve() == restricted.resolve()
    ):
        raise ArgumentError(
            f"{out} is a file that is read, or lies in the restricted folder",
            slug="description-over-input",
            hint="name another with --out",
        )
