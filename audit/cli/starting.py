"""Commands to start with: `demo` shows a whole audit, `init` writes a plan to begin from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the demo goes.")] = Path("audit7k-demo"),
) -> None:
    """Make a synthetic audit from a seed, run it, and say what was planted and what was found."""
    from audit.cli.progress import progress
    from audit.demo import run_demo

    with progress(shown=True) as told:
        run_demo(out, progress=told)


def init(
    data: Annotated[Path, typer.Argument(help="The evaluation set: Parquet, CSV or JSONL.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the plan goes.")] = Path("plan.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a plan that is already there.")] = False,
) -> None:
    """Write a commented plan by looking at a data file. Asks only in a terminal, and only where there is a choice."""
    raise typer.Exit(4)
