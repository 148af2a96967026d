"""Audit of the answers of a blind challenge, after they were found to hold together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from audit.cli.console.terminal import Style, say
from audit.cli.outputs.attempt import attempt as tried
from audit.cli.outputs.made_from import unmark
from audit.cli.outputs.one_run import run_into
from audit.cli.outputs.output_folder import write_file
from audit.cli.outputs.run_request import RunRequest
from audit.cli.outputs.signer import now
from audit.cli.outputs.waivers import exit_code_with_waivers
from audit.cli.pages.summary import summary
from audit.errors import ExitCode
from audit.evidence.blind.terms import TERMS, Terms, read_part
from audit.evidence.statement import sha256
from audit.result.json_text import result_to_json
from audit.stages import Scope

if TYPE_CHECKING:
    from audit.cli.outputs.attempt import Signed
    from audit.cli.outputs.audience import RequestedOutput
    from audit.plan.file.plan_file import LoadedPlan


def judge_answers(secret: Path, loaded: LoadedPlan, out: Path, signed: Signed, output: RequestedOutput) -> None:
    """Judge answers, say the verdict, and end with its exit code; before the last attempt only whether they pass."""
    terms = read_part(secret / TERMS, Terms)
    request = RunRequest(Path(loaded.file), loaded)
    if terms.attempt < terms.attempts and not _passes(secret, request, signed, terms.attempt):
        say("\nNot passed. Nothing else is said while attempts are left.")
        raise typer.Exit(ExitCode.INCONCLUSIVE)
    done = run_into(out, request, output, signed=signed)
    unmark(out)
    say(summary(done.result, Style.of(sys.stdout), report=str(done.first), next_command=f"audit7k verify {out}"))
    say(f"\nHow it decides: {done.result.system.decision}")
    raise typer.Exit(exit_code_with_waivers(done.result, None, quiet=False))


def _passes(secret: Path, request: RunRequest, signed: Signed, attempt: int) -> bool:
    """Whether an attempt passes. If not, the history says that and no more, with a commitment to the result."""
    result = request._replace(crosscheck=False, scope=Scope.RECORDS).audit(None)
    if result.overall.outcome == "pass":
        return True
    document = result_to_json(result)
    with tried(signed, request.loaded.plan) as begun:
        begun.begin()
        write_file(secret / f"attempt-{attempt}.json", document)
        opened = begun.file.opened({"result": sha256(document.encode())}, None)
        started = begun.started
        begun.file.append(signed.signer, "not_passed", now(), started.system, opened, answers=started.index)
    return False
