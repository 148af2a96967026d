"""Commands for the first steps: `demo` shows a whole audit, `init` writes a plan to begin from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from audit.cli.commands.shared_options import ExactCounts, SetFile, Sheet
from audit.cli.console.terminal import Style, say
from audit.errors import ArgumentError
from audit.stages import stages_on
from audit.vocabulary.text import printable


def demo(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the demo goes.")] = Path("audit7k-demo"),
    seed: Annotated[int | None, typer.Option(min=0, help="Makes other cases.", show_default=False)] = None,
    restricted: ExactCounts = False,
) -> None:
    """Make a synthetic audit from a seed, run it, and say what was planted and what was found. Exits 0."""
    with stages_on(sys.stderr, "making cases"):
        from audit.cli.outputs.audience import requested_output
        from audit.cli.outputs.one_run import run_into
        from audit.cli.outputs.run_request import RunRequest, plan_with
        from audit.cli.outputs.verdict_code import result_exit_code
        from audit.cli.pages.summary import verdict_words
        from audit.worlds.demo.found import lines_to_print
        from audit.worlds.demo.prepare import DEFAULT_SEED, prepare_demo

        output = requested_output((), None, restricted=restricted)
        prepared = prepare_demo(out, seed=DEFAULT_SEED if seed is None else seed)
        results = out / "audit-out"
        done = run_into(results, RunRequest(prepared.plan, plan_with(prepared.plan)), output)
    result, code = done.result, result_exit_code(done.result)
    say(
        "\n".join(
            (
                *lines_to_print(prepared, result),
                "",
                f"Verdict: {verdict_words(result, Style.of(sys.stdout))}",
                f"Report:  {done.first}",
                f"Next:    audit7k gate {results}  (would return {code.value})",
            )
        )
    )


def init(
    data: SetFile,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the plan goes.")] = Path("plan.toml"),
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="Encoding of a CSV or JSONL file.", show_default="guessed")
    ] = None,
    sheet: Sheet = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a plan that is already there.")] = False,
) -> None:
    """Write a commented plan by looking at a data file. Asks only in a terminal, and only where there is a choice."""
    from audit.cli.outputs.output_folder import write_file
    from audit.cli.pages.first_plan import draft_from, not_found, not_used, somebody_is_there
    from audit.evaluation.look import look_at
    from audit.plan.file.draft import draft_plan, gaps_in

    if out.exists() and not force:
        raise ArgumentError(f"{out} is there already", slug="plan-exists")
    with stages_on(sys.stderr):
        look = look_at(data, encoding, sheet=sheet)
    draft = draft_from(look, data, out, ask=somebody_is_there())
    text = draft_plan(draft)
    write_file(out, text, private=False)
    gaps = gaps_in(text)
    say(
        "\n".join(
            (
                f"Wrote {out} by looking at {printable(look.source_name)}: {look.rows:,} rows.",
                f"Write in it ({len(gaps)} lines that only you can fill in):",
                *(f"  {gap}" for gap in gaps),
                *not_found(look, draft),
                *not_used(look, draft),
                f"Then: audit7k check {out}",
            )
        )
    )
