"""Command `remedy`: what would bring the groups within the limits, and who pays."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from audit.cli.commands.shared_options import AllowPickle, Lang, OneDocument, Where
from audit.cli.console.terminal import note, say, say_document
from audit.detectors.isolation.options import Sandbox
from audit.errors import ArgumentError
from audit.stages import stages_on


def remedy(  # noqa: PLR0913, PLR0917 - a parameter for each option
    of: Annotated[Path, typer.Argument(metavar="PLAN|RESULT", help="A plan, a result.json, or the folder of a run.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="For remedy.json and remedy.html.")] = Path("remedy"),
    ways: Annotated[str, typer.Option(help="What may change for everyone.")] = "threshold,capacity,band",
    per_group: Annotated[
        str | None, typer.Option(metavar="REASON", help="Let groups have own thresholds; say why it is lawful.")
    ] = None,
    review_right: Annotated[
        tuple[float, float], typer.Option(help="How often people in a band decide as labelled, at least and at most.")
    ] = (0.7, 1.0),
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the plan of the next audit, in the folder of the plan.")
    ] = None,
    take: Annotated[
        int | None, typer.Option(metavar="N", help="The remedy of --plan.  [the first confirmed; levelling down last]")
    ] = None,
    lang: Lang = None,
    as_json: OneDocument = False,
    sandbox: Where = Sandbox.AUTO,
    allow_pickle: AllowPickle = False,
) -> None:
    """Say what would bring the groups within the limits, and who pays. No verdict, exit code or public file changes.

    Chosen on one half of the cases, and judged on the other by the ordinary verdict at a fifth of alpha. Restricted.
    """
    with stages_on(sys.stderr):
        from audit.cli.outputs.audience import refuse_exact_among_public
        from audit.cli.outputs.named_folders import public_folder
        from audit.cli.outputs.output_folder import OutputFolder, write_file
        from audit.remedies.next_plan import chosen_remedy, next_plan
        from audit.remedies.remedy import asked_plan
        from audit.remedies.remedy import remedy as find
        from audit.result.reporters import find_reporters, languages_of, remedies_report

        languages_of(find_reporters(["html"]), lang)
        remedy_plan = asked_plan(of)
        beside = remedy_plan.audited.beside if remedy_plan.audited else of
        refuse_exact_among_public(public_folder(beside), [out, *([plan] if plan else [])])
        _check_place(plan, remedy_plan.loaded.folder)
        suggested = find(
            remedy_plan,
            ways=[name.strip() for name in ways.split(",")],
            per_group=per_group,
            review_right=review_right,
            sandbox=sandbox,
            allow_pickle=allow_pickle,
        )
    page, panel = remedies_report(suggested, lang)
    with OutputFolder(out, replaces=()) as folder:
        folder.publish_files({"remedy.json": suggested.to_json(), page.filename: page.content})
    if as_json:
        say_document(suggested.to_json())
    else:
        say(panel)
        note(f"Page: {out / page.filename} (restricted)")
    if plan is not None:
        write_file(plan, next_plan(remedy_plan.loaded, suggested, chosen_remedy(suggested, take)))
        note(f"Plan of the next audit: {plan}; its set has to be new")


def _check_place(plan: Path | None, folder: Path) -> None:
    if plan is not None and plan.absolute().parent != folder:
        raise ArgumentError(
            "--plan is not in the folder of the plan, and paths in a plan are relative to it", slug="remedy-plan-place"
        )
