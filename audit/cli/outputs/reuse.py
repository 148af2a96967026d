"""Work that `gate` and `run` keep and reuse: answers in a cache, and the verdict of unchanged inputs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from audit.cli.console.guard import ArgumentError
from audit.cli.console.terminal import Style, say, say_document

if TYPE_CHECKING:
    from audit.cli.outputs.kept_verdict import VerdictPlace
    from audit.cli.outputs.run_request import RunRequest
    from audit.result.audit_result import AuditResult
    from audit.scoring.answer_cache import AnswerCache

CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache", metavar="FOLDER", help="Keep answers of the detector here: the same set and detector score nothing."
    ),
]
ChangedOnly = Annotated[
    bool,
    typer.Option(
        "--changed-only", help="Give the verdict that was kept where plan, detector and set are byte for byte the same."
    ),
]
_INPUTS: Final = ".inputs.json"
_SAID: Final = "kept: plan, detector, set and versions are as they were; nothing was scored or judged"


def check_keeping(cache: Path | None, *, changed_only: bool, of_result: bool = False, sequential: bool = False) -> None:
    """Raise ArgumentError if options of `gate` contradict each other."""
    if of_result and (cache is not None or changed_only):
        raise ArgumentError(
            "--cache and --changed-only are for a plan, and this is a result",
            slug="cache-arguments",
            hint="leave them out",
        )
    if changed_only and (cache is None or sequential):
        raise ArgumentError(
            "--changed-only needs the --cache in which the verdict is kept, and is of no use with --sequential",
            slug="cache-arguments",
            hint="a set that a state has taken in is not tested again either",
        )


def check_changed_only_run(*, fresh: bool, against: str | None) -> None:
    """Raise ArgumentError if `--fresh`, or the option `against`, is given beside `run --changed-only`."""
    if against is not None:
        raise ArgumentError(
            f"{against} cannot be asked together with --changed-only",
            slug="gate-arguments",
            hint="only the whole verdict is kept; leave one of them out",
        )
    if fresh:
        raise ArgumentError(
            "--fresh scores everything, and --changed-only nothing that is unchanged", slug="changed-only-fresh"
        )


def verdict_place_of_gate(cache: Path | None, judged: RunRequest | Path) -> VerdictPlace | None:
    """Return the place of a plan's verdict in a cache; None without a cache, and for a result."""
    if cache is None or isinstance(judged, Path):
        return None
    from audit.cli.outputs.kept_verdict import VerdictPlace, inputs_digest
    from audit.scoring.answer_cache import private_folder

    private_folder(cache)
    inputs = inputs_digest(judged)
    return VerdictPlace(cache / f"verdict-{inputs}.json", judged, inputs)


def verdict_place_of_run(out: Path, request: RunRequest, options: Sequence[object]) -> VerdictPlace:
    """Return the place of a plan's verdict in an output folder."""
    from audit.cli.outputs.kept_verdict import VerdictPlace, inputs_digest

    return VerdictPlace(out / _INPUTS, request, inputs_digest(request, options), options, out / "result.json")


def kept_outcome(kept: VerdictPlace | None) -> str | None:
    """Return the outcome that was kept for the same inputs, if any."""
    if kept is None:
        return None
    from audit.cli.outputs.kept_verdict import kept_verdict

    return kept_verdict(kept)


def keep_result(kept: VerdictPlace | None, result: AuditResult) -> None:
    """Keep the verdict of a result, unless the detector failed on too many rows."""
    if kept is None or too_many_failed(result):
        return
    from audit.cli.outputs.kept_verdict import keep_verdict

    keep_verdict(kept, result.overall.outcome)


def answer_cache(cache: Path | None) -> AnswerCache | None:
    """Return the cache of answers in a folder; None without a folder."""
    if cache is None:
        return None
    from audit.scoring.answer_cache import AnswerCache

    return AnswerCache(cache)


def too_many_failed(result: AuditResult) -> bool:
    """Say whether the detector failed on more rows than the plan allows."""
    return any(rule.because == "too_many_failed" for rule in result.rules)


def say_kept_verdict(outcome: str, *, quiet: bool, as_json: bool, document: Path | None = None) -> None:
    """Print a kept verdict; as JSON, print the document that is there, or else the headline."""
    if quiet:
        return
    if as_json:
        alone = json.dumps({"headline": {"outcome": outcome}, "kept": True}) + "\n"
        say_document(alone if document is None else document.read_bytes())
        return
    style = Style.of(sys.stdout)
    shape = style.shape("pass" if outcome == "pass" else "fail" if outcome == "fail" else "inconclusive")
    say(f"{style.paint(f'{shape} {outcome.upper()}', outcome)}  {_SAID}")
