"""Command `gate`: the verdict as the exit code.

Its output goes into a build log, which counts as public unless `--restricted` is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from audit.cli.commands.shared_options import (
    AllowPickle,
    AsJson,
    BaselineResult,
    ChangedOnly,
    ExactCounts,
    QuietButWaived,
    RestrictedFolder,
    WaiversFile,
    WhenInconclusive,
    Where,
)
from audit.detectors.isolation.options import Sandbox
from audit.stages import Scope

if TYPE_CHECKING:
    from audit.cli.outputs.run_request import RunRequest

OnlyRules = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="RULE",
        help="Exit code and lines of this rule alone, by its id; may be repeated. The budget of false alarms stays "
        "that of the whole plan.",
    ),
]
StateFile = Annotated[
    Path | None,
    typer.Option(
        metavar="STATE", help="Judge all nights so far, remembered in this file; for sets with new cases every night."
    ),
]
SampleKind = Annotated[
    Literal["fresh", "growing"] | None,
    typer.Option(
        help="With --sequential: all rows of each night are new, or new ones are added to the earlier.  "
        "[as in the state; fresh at first]"
    ),
]
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache", metavar="FOLDER", help="Keep answers of the detector here: the same set and detector score nothing."
    ),
]
InputsElsewhere = Annotated[
    bool,
    typer.Option(
        "--inputs-elsewhere",
        help="Of a result: take what is not here, or not known, of its plan, model and set on your word.",
    ),
]
WordsFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Of a result: say rules and words without a number, as for a version that is not published, and write "
        "them into this file as Markdown.",
    ),
]


def gate(  # noqa: PLR0913, PLR0917 - a parameter for each option
    path: Annotated[Path, typer.Argument(metavar="PLAN|RESULT", help="A plan, a result.json or a folder with one.")],
    as_json: AsJson = False,
    quiet: QuietButWaived = False,
    on_inconclusive: WhenInconclusive = None,
    restricted: ExactCounts = False,
    restricted_folder: RestrictedFolder = None,
    baseline: BaselineResult = None,
    sandbox: Where = Sandbox.AUTO,
    allow_pickle: AllowPickle = False,
    waivers: WaiversFile = None,
    only: OnlyRules = None,
    sequential: StateFile = None,
    sample: SampleKind = None,
    cache: CacheFolder = None,
    changed_only: ChangedOnly = False,
    inputs_elsewhere: InputsElsewhere = False,
    words: WordsFile = None,
) -> None:
    """Say only the verdict, by the exit code: 0 pass, 1 fail, 3 inconclusive.

    A result counts only as long as its plan, detector, set and answers are those that it was made from. It prints the
    verdict, and rules and groups as far as the public files beside the result name them; with --restricted the exact
    ones. It writes no file but the state of --sequential, what --cache keeps, the file of --words, beside a result in
    which state a large file was read, and in the restricted folder which baseline was named.
    """
    from audit.cli.outputs import chosen_rules, gate_result, verdict_code
    from audit.cli.outputs.waivers import exit_code_with_waivers, with_named_waivers

    result_path = verdict_code.result_at(path)
    other = {"--baseline": baseline, "--only": only, "--waivers": waivers}
    switches = {"changed_only": changed_only, "elsewhere": inputs_elsewhere, "of_result": bool(result_path)}
    gate_result.check_gate(cache, sample, sequential, other, words, words_alone=not (restricted or as_json), **switches)
    judged: RunRequest | gate_result.ResultRequest
    if result_path is not None:
        judged = gate_result.ResultRequest(result_path, inputs_elsewhere, quiet)
    else:
        judged = _run_request(
            path, baseline, waivers, sandbox, quiet=quiet, exact=restricted, allow_pickle=allow_pickle
        )
    if sequential is not None:
        from audit.cli.outputs import nights

        shown = {"quiet": quiet, "as_json": as_json, "exact": restricted}
        raise typer.Exit(nights.code_of_all_nights(sequential, sample, judged, cache, on_inconclusive, **shown))
    unless_changed = gate_result.request_unless_changed(on_inconclusive, as_json) if changed_only else None
    result, accepted = gate_result.result_of(judged, only or (), baseline, cache, restricted_folder, unless_changed)
    waived = with_named_waivers(result, waivers, exact=restricted) if result_path else result
    narrowed = chosen_rules.result_on_rules(waived, only or (), quiet=quiet)
    accepted.remember()
    if words is not None:
        gate_result.write_words(words, waived, narrowed, accepted.place, quiet=quiet)
    elif not quiet:
        from audit.cli.outputs.gate_lines import say_gate

        say_gate(result, waived, narrowed, result_path, restricted_folder, exact=restricted, as_json=as_json)
    raise typer.Exit(exit_code_with_waivers(narrowed, on_inconclusive, quiet=quiet, exact=restricted))


def _run_request(
    plan: Path,
    baseline: Path | None,
    waivers: Path | None,
    sandbox: Sandbox,
    *,
    quiet: bool,
    exact: bool,
    allow_pickle: bool,
) -> RunRequest:
    """Return the request to audit a plan without writing a file. Raises PlanError."""
    from audit.cli.outputs.run_request import RunRequest, plan_with

    return RunRequest(
        plan,
        plan_with(plan, waivers=waivers),
        baseline=baseline,
        quiet=quiet,
        exact=exact,
        scope=Scope.RECORDS,
        sandbox=sandbox,
        allow_pickle=allow_pickle,
    )
