"""Command `compare`: what changed from one audit to the next of the same plan.

It scores nothing and accepts no baseline.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from audit.cli.commands.shared_options import AsJson, Quiet, WhenInconclusive
from audit.cli.console.terminal import Style, note, say, say_document
from audit.errors import ArgumentError
from audit.stages import stage, stages_on

_FORMATS: Final = {".html": "html", ".htm": "html", ".md": "markdown"}
"""Name of the reporter for each ending of the file's name."""


def compare(
    then: Annotated[Path, typer.Argument(metavar="A", help="The earlier result.json, or a folder with one.")],
    now: Annotated[Path, typer.Argument(metavar="B", help="The later one, of the same plan.")],
    plan: Annotated[
        Path | None,
        typer.Option(metavar="PLAN", help="The plan of B, to look cases up in its set.  [where B says it was]"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write B's report of exact counts there (.html, .md), with the change."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    on_inconclusive: WhenInconclusive = None,
) -> None:
    """Say what changed from one audit to the next: which groups became worse, which did not, which cannot be told.

    The exit code is that of the change alone. It prints exact counts and is not for a log that many read: `gate
    --baseline` is.
    """
    if out is not None and out.suffix.lower() not in _FORMATS:
        raise ArgumentError("--out writes a report in HTML or Markdown", slug="report-name")
    with stages_on(None if quiet else sys.stderr):
        from audit.cli.outputs.verdict_code import outcome_exit_code, result_at
        from audit.verdicts.changes.baseline import change_between, load_baseline, plan_at_hand, with_change

        earlier, later = (load_baseline(result_at(path) or path) for path in (then, now))
        is_document = as_json or out is not None
        stage("comparing")
        change = change_between(
            earlier, later, plan_at_hand(later.result, plan), only_the_same=False, whole=is_document
        )
    if out is not None:
        from audit.cli.outputs.output_folder import write_file
        from audit.result.reporters import find_reporters, render
        from audit.safeguards import with_safeguards

        (reporter,) = find_reporters((_FORMATS[out.suffix.lower()],))
        changed = with_safeguards(with_change(later.result, change))
        write_file(out, render(reporter, changed, compared=True).content)
        if not quiet:
            note(f"Report: {out}")
    if not quiet and (earlier.result.plan.people_count or later.result.plan.people_count):
        note("note: the detector alone is compared, and not what people decided after it")
    if as_json and not quiet:
        say_document(change.model_dump_json(indent=1) + "\n")
    elif not quiet:
        from audit.cli.pages.change_words import change_summary

        features = later.result.features
        say(change_summary(change, features, later.result.plan.audit.title, Style.of(sys.stdout)))
    raise typer.Exit(outcome_exit_code(change.outcome, on_inconclusive, quiet=quiet))
