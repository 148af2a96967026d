"""Command `gate`: the verdict as the exit code.

Its output goes into a build log, which counts as public unless `--restricted` is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

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
) -> None:
    """Say only the verdict, by the exit code: 0 pass, 1 fail, 3 inconclusive.

    A result counts only as long as its plan, detector, set and answers are those that it was made from.
    It prints the verdict, and rules and groups as far as the public files beside the result name them: a build log is
    read by many. With --restricted it prints the exact ones. It writes no file but the state of --sequential, what
    --cache keeps, beside a result in which state a large file was read, and in the restricted folder which baseline
    was named.
    """
    from audit.cli.outputs import chosen_rules, gate_result, run_request, verdict_code
    from audit.cli.outputs.waivers import exit_code_with_waivers, with_named_waivers

    result_path = verdict_code.result_at(path)
    other = {"--baseline": baseline, "--only": only, "--waivers": waivers}
    switches = {"changed_only": changed_only, "elsewhere": inputs_elsewhere, "of_result": bool(result_path)}
    gate_result.check_gate(cache, sample, sequential, other, **switches)
    of_file = result_path and gate_result.ResultRequest(result_path, inputs_elsewhere, quiet)
    judged = of_file or run_request.RunRequest(
        path,
        run_request.plan_with(path, waivers=waivers),
        baseline=baseline,
        quiet=quiet,
        exact=restricted,
        scope=Scope.RECORDS,
        sandbox=sandbox,
        allow_pickle=allow_pickle,
    )
    if sequential is not None:
        from audit.cli.outputs.nights import result_of_all_nights

        result = result_of_all_nights(sequential, sample, judged, cache, quiet=quiet, as_json=as_json, exact=restricted)
        raise typer.Exit(verdict_code.result_exit_code(result, on_inconclusive, quiet=quiet))
    unless_changed = gate_result.request_unless_changed(on_inconclusive, as_json) if changed_only else None
    result, accepted = gate_result.result_of(judged, only or (), baseline, cache, restricted_folder, unless_changed)
    waived = with_named_waivers(result, waivers, exact=restricted) if result_path else result
    narrowed = chosen_rules.result_on_rules(waived, only or (), quiet=quiet)
    accepted.remember()
    if not quiet:
        from audit.cli.outputs.gate_lines import say_gate

        say_gate(result, waived, narrowed, result_path, restricted_folder, exact=restricted, as_json=as_json)
    raise typer.Exit(exit_code_with_waivers(narrowed, on_inconclusive, quiet=quiet, exact=restricted))
