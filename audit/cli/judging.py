"""Commands that judge: `run` and, without scoring, `check`; and what `gate` has in common with them."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.baselines import BaselineResult
from audit.cli.keeping import ChangedOnly, keep, kept_by_run, kept_outcome, say_kept
from audit.cli.showing import ExactCounts, RestrictedFolder
from audit.cli.telling import Lang
from audit.cli.terminal import Style, note, say, say_document
from audit.cli.waiving import WaiversFile, code_with_waivers
from audit.detectors.isolation.options import Sandbox
from audit.errors import ExitCode

if TYPE_CHECKING:
    from audit.cli.one_run import OneRun
    from audit.cli.unchanged import Kept
    from audit.result.audit_result import AuditResult

PlanPath = Annotated[Path, typer.Argument(help="The plan file (TOML).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing: the exit code alone.")]
QuietButWaived = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print nothing: the exit code alone, and one line where waivers change it."),
]


Where = Annotated[
    Sandbox,
    typer.Option("--sandbox", help="Where a model runs: shut in as far as it can be, in this process, in bubblewrap."),
]
AllowPickle = Annotated[
    bool, typer.Option("--allow-pickle", help="Load a pickled model: that runs whatever code stands in the file.")
]


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


class OnInconclusive(enum.StrEnum):
    """What an inconclusive verdict does to the exit code."""

    FAIL = "fail"
    WARN = "warn"
    PASS = "pass"  # noqa: S105 - a verdict


WhenInconclusive = Annotated[
    OnInconclusive | None,
    typer.Option(help="Exit 1 (fail) or 0 (warn, pass) instead of 3 when the verdict is inconclusive."),
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
    baseline: BaselineResult = None,
    sandbox: Where = Sandbox.AUTO,
    allow_pickle: AllowPickle = False,
    waivers: WaiversFile = None,
    changed_only: ChangedOnly = False,
) -> None:
    """Run the detector over the evaluation set, judge it, and write the result and public files of it.

    Public files go into the folder `public`, the only one that may leave the house; everything else holds exact counts.
    A run that is interrupted keeps what was scored: the same command goes on where it stopped.
    """
    from audit.cli.one_run import run_into
    from audit.cli.showing import showing

    asked = showing(report or (), lang, restricted=restricted, folder=restricted_folder)
    options = {"asked": [*(report or ()), lang, restricted, str(restricted_folder), crosscheck, repeat]}
    against = "--waivers" if waivers else "--baseline" if baseline else None
    kept = kept_by_run(out, plan, options, changed_only=changed_only, fresh=fresh, against=against)
    give_kept(kept, on_inconclusive, quiet=quiet, as_json=as_json)
    done = run_into(
        out,
        plan,
        asked,
        quiet=quiet,
        crosscheck=crosscheck,
        fresh=fresh,
        repeat=repeat,
        waivers=waivers,
        baseline=baseline,
        sandbox=sandbox,
        allow_pickle=allow_pickle,
    )
    keep(kept, plan, options, done.result, details=True)
    say_if_network_stayed(done.result, quiet=quiet)
    if as_json and not quiet:
        say_document(done.document)
    elif not quiet:
        _summarise(done, _next_command(done.result, plan, out))
    raise typer.Exit(code_with_waivers(done.result, on_inconclusive, quiet=quiet))


def _summarise(done: OneRun, following: str) -> None:
    from audit.cli.summary import summary

    say(summary(done.result, Style.of(sys.stdout), report=str(done.first), next_command=following))


def check(
    plan: PlanPath,
    every_group: Annotated[bool, typer.Option("--all", help="Name every group that is too small.")] = False,
    digest: Annotated[
        bool, typer.Option("--digest", help="Print the digest of the plan as reports do; read no data.")
    ] = False,
) -> None:
    """Read plan and data and say what would be judged, and which groups are too small. Scores nothing."""
    if digest:
        from audit.plan.file.reading import canonical_plan_sha256, load_plan

        say(f"{canonical_plan_sha256(load_plan(plan))}\n")
        return
    from audit.cli.check_summary import check_summary
    from audit.planning.check import check_plan

    say(check_summary(check_plan(plan), Style.of(sys.stdout), every_group=every_group))


def result_at(path: Path) -> Path | None:
    """The result file that `path` names: itself, or the one in a folder; None where it is a plan."""
    if path.is_dir():
        return path / "result.json"
    return path if path.suffix.lower() == ".json" else None


def _next_command(result: AuditResult, plan: Path, out: Path) -> str:
    import shlex

    if any(rule.because == "too_many_failed" for rule in result.rules):
        return f"audit7k run {shlex.quote(str(plan))} --fresh  (once what failed is mended; it asks about every row)"
    if result.overall.outcome == "inconclusive":
        return f"audit7k check {shlex.quote(str(plan))}  (how many more cases each group needs)"
    if result.overall.outcome == "fail":
        return f"audit7k gate {shlex.quote(str(out))}  (the failing rules, one a line)"
    return f"audit7k gate {shlex.quote(str(out))}  (for a build: exit code 0, 1 or 3)"


def say_if_network_stayed(result: AuditResult, *, quiet: bool) -> None:
    """Say so where a model was to be kept from the network, and this system could not."""
    ran = result.provenance.ran_in
    if ran is not None and ran.kind == "child" and ran.network == "open" and ran.memory_limit_mib and not quiet:
        note(f"note: {ran.sentence}")


def code_for(
    result: AuditResult,
    on_inconclusive: OnInconclusive | None = None,
    *,
    quiet: bool = False,
    left: str | None = None,
) -> ExitCode:
    """The exit code of a verdict, or of what waivers leave of it. Says where `on_inconclusive` changes it."""
    told = "what is left" if left else "the verdict"
    return code_of(left or result.overall.outcome, on_inconclusive, quiet=quiet, told=told)


def give_kept(kept: Kept | None, on_inconclusive: OnInconclusive | None, *, quiet: bool, as_json: bool) -> None:
    """End with the verdict that was kept, where there is one. Raises typer.Exit then."""
    outcome = kept_outcome(kept)
    if kept is not None and outcome is not None:
        say_kept(outcome, quiet=quiet, as_json=as_json, document=kept.document)
        raise typer.Exit(code_of(outcome, on_inconclusive, quiet=quiet))


def code_of(
    outcome: str, on_inconclusive: OnInconclusive | None = None, *, quiet: bool = False, told: str = "the verdict"
) -> ExitCode:
    """The exit code of an outcome, which is called `told`. Says where `on_inconclusive` changes it."""
    code = ExitCode[outcome.upper()]
    if code is not ExitCode.INCONCLUSIVE or on_inconclusive is None:
        return code
    code = ExitCode.FAIL if on_inconclusive is OnInconclusive.FAIL else ExitCode.PASS
    if not quiet:
        level = "note" if on_inconclusive is OnInconclusive.PASS else "warning"
        note(
            f"{level}: {told} is inconclusive; exit code {code.value} instead of {ExitCode.INCONCLUSIVE.value} "
            f"because of --on-inconclusive {on_inconclusive.value}"
        )
    return code
