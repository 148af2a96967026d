"""Command `run`: an audit into an output folder, with the verdict as exit code."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.commands.shared_options import (
    AllowPickle,
    AsJson,
    BaselineResult,
    ChangedOnly,
    ExactCounts,
    Lang,
    NewKey,
    PlanPath,
    QuietButWaived,
    RestrictedFolder,
    SigningKey,
    WaiversFile,
    WhenInconclusive,
    Where,
)
from audit.cli.console.terminal import Style, say, say_document
from audit.cli.outputs.made_from import marked_until_judged
from audit.cli.outputs.run_request import RunRequest, plan_with
from audit.cli.outputs.verdict_code import note_open_network
from audit.detectors.isolation.options import Sandbox

if TYPE_CHECKING:
    from audit.cli.outputs.one_run import OneRun
    from audit.result.audit_result import AuditResult

ToWrite = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A report to write; may be repeated.  [html, json, csv, junit]"),
]

AskOthers = Annotated[
    bool, typer.Option("--crosscheck/--no-crosscheck", help="Ask fairlearn and AIF360 for the same numbers.")
]

Anew = Annotated[
    bool, typer.Option("--fresh", help="Score everything anew, whatever an earlier run has kept in the folder.")
]

Repeats = Annotated[
    int | None,
    typer.Option(
        metavar="TIMES", min=1, max=5, help="Ask about every row so often, and show how often the answers differ."
    ),
]

HistoryOfAudits = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write start and end of the audit into a history, and seal it.")
]


def run(  # noqa: PLR0913, PLR0917 - a parameter for each option
    plan: PlanPath,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where outputs go.")] = Path("audit-out"),
    report: ToWrite = None,
    as_json: AsJson = False,
    quiet: QuietButWaived = False,
    on_inconclusive: WhenInconclusive = None,
    crosscheck: AskOthers = True,
    fresh: Anew = False,
    repeat: Repeats = None,
    lang: Lang = None,
    restricted: ExactCounts = False,
    restricted_folder: RestrictedFolder = None,
    new_key: NewKey = False,
    baseline: BaselineResult = None,
    sandbox: Where = Sandbox.AUTO,
    allow_pickle: AllowPickle = False,
    waivers: WaiversFile = None,
    changed_only: ChangedOnly = False,
    history: HistoryOfAudits = None,
    key: SigningKey = None,
) -> None:
    """Run the detector over the evaluation set, judge it, and write the result and public files of it.

    Public files go into the folder `public`, the only one that may leave the house; everything else holds exact counts.
    A run that is interrupted keeps what was scored: the same command goes on where it stopped.
    """
    from audit.cli.outputs import kept_verdict
    from audit.cli.outputs.attempt import history_and_signer
    from audit.cli.outputs.audience import requested_output
    from audit.cli.outputs.one_run import run_into
    from audit.cli.outputs.waivers import exit_code_with_waivers

    with marked_until_judged(out):
        output = requested_output(report or (), lang, restricted=restricted, folder=restricted_folder, new_key=new_key)
        if changed_only:
            kept_verdict.check_changed_only_run({"--waivers": waivers, "--baseline": baseline}, fresh=fresh)
        request = RunRequest(
            plan,
            plan_with(plan, waivers=waivers, repeat=repeat),
            baseline=baseline,
            quiet=quiet,
            # A quiet run writes for a log that many read.
            exact=restricted or not quiet,
            crosscheck=crosscheck,
            sandbox=sandbox,
            allow_pickle=allow_pickle,
        )
        written = (*(report or ()), lang, restricted, str(restricted_folder))
        options = (*written, crosscheck, repeat, *["new_key"] * new_key)
        unless_changed = kept_verdict.UnlessChanged(on_inconclusive, as_json, options) if changed_only else None
        signed = history_and_signer(history, key, restricted=restricted)
        done = run_into(out, request, output, fresh=fresh, signed=signed, unless_changed=unless_changed)
        _show(done, plan, out, quiet=quiet, as_json=as_json)
        raise typer.Exit(exit_code_with_waivers(done.result, on_inconclusive, quiet=quiet))


def _show(done: OneRun, plan: Path, out: Path, *, quiet: bool, as_json: bool) -> None:
    from audit.cli.pages.summary import summary
    from audit.result.finding_list import findings_of
    from audit.result.next_commands import commands_for
    from audit.result.reading import Reading

    note_open_network(done.result, quiet=quiet)
    if quiet:
        return
    if as_json:
        say_document(done.document)
        return
    result = done.result
    acts = commands_for(result, findings_of(Reading(result)), out, plan)
    following = _next_command(result, plan, out)
    say(summary(result, Style.of(sys.stdout), report=str(done.first), next_command=following, acts=acts))


def _next_command(result: AuditResult, plan: Path, out: Path) -> str:
    from audit.plan.detectors import is_of_numbers

    gate = f"audit7k gate {shlex.quote(str(out))}{'' if is_of_numbers(result.plan.detector) else ' --inputs-elsewhere'}"
    if result.too_many_failed:
        return f"audit7k run {shlex.quote(str(plan))} --fresh  (once what failed is mended; it asks about every row)"
    if result.overall.outcome == "inconclusive":
        from audit.result.reasons import open_cures

        cures = open_cures(result.rules, result.verdicts)
        check = f"audit7k check {shlex.quote(str(plan))}"
        if cures["find_out_who"] > cures["more_cases"]:
            return f"{check}  (whom people of unknown group keep from a pass)"
        if cures["more_cases"] or cures["more_of_others"]:
            return f"{check}  (how many more cases each group needs)"
        return f"{gate} --restricted  (the reasons)"
    if result.overall.outcome == "fail":
        return f"{gate}  (failing rules, one a line)"
    return f"{gate}  (exit code 0, 1 or 3)"
