"""`gate`: the verdict by the exit code. What it prints goes into a build log, which is public unless it is said not."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from audit.cli.baselines import Accepting, BaselineResult, accepting, compared, gate_place
from audit.cli.judging import (
    AllowPickle,
    AsJson,
    Quiet,
    WhenInconclusive,
    Where,
    code_for,
    result_at,
    say_if_network_stayed,
)
from audit.cli.showing import ExactCounts, RestrictedFolder, public_folder, restricted_place
from audit.cli.terminal import Style, note, say, say_document
from audit.isolation.options import Sandbox

if TYPE_CHECKING:
    from audit.public_table import PublicRelease, PublicRule
    from audit.result import AuditResult

_MOST: Final = 3
"""Groups that are named under a rule."""


def gate(  # noqa: PLR0913, PLR0917 - a parameter for each option
    path: Annotated[Path, typer.Argument(metavar="PLAN|RESULT", help="A plan, a result.json or a folder with one.")],
    as_json: AsJson = False,
    quiet: Quiet = False,
    on_inconclusive: WhenInconclusive = None,
    restricted: ExactCounts = False,
    restricted_folder: RestrictedFolder = None,
    baseline: BaselineResult = None,
    sandbox: Where = Sandbox.AUTO,
    allow_pickle: AllowPickle = False,
) -> None:
    """Say only the verdict, by the exit code: 0 pass, 1 fail, 3 inconclusive. Writes no file.

    It prints the verdict, and rules and groups as far as the public files beside the result name them: a build log is
    read by many. With --restricted it prints the exact ones.
    """
    result_path = result_at(path)
    if result_path is not None:
        result, accepted = _as_judged(result_path, baseline, restricted_folder, quiet=quiet)
    else:
        from audit.changes.baseline import baseline_for
        from audit.plan_file import read_plan_file
        from audit.run import run_audit
        from audit.scoring.progress import progress_on_stderr

        loaded = read_plan_file(path)
        earlier = baseline_for(loaded, baseline)
        place = gate_place(None, loaded.plan, loaded.folder, restricted_folder)
        accepted = accepting(earlier, loaded.plan, place, quiet=quiet)
        result = run_audit(
            loaded,
            baseline=earlier,
            # a line of progress counts rows, and those that failed: no line of a log that many read
            progress=progress_on_stderr(quiet=quiet or not restricted),
            crosscheck=False,
            details=False,
            sandbox=sandbox,
            allow_pickle=allow_pickle,
        )
        say_if_network_stayed(result, quiet=quiet)
    if not quiet and restricted:
        _say_exact(result, as_json=as_json)
    elif not quiet:
        _say_public(result, _release(result, result_path, restricted_folder), as_json=as_json)
    accepted.remember()
    raise typer.Exit(code_for(result, on_inconclusive, quiet=quiet))


def _as_judged(path: Path, baseline: Path | None, folder: Path | None, *, quiet: bool) -> tuple[AuditResult, Accepting]:
    """A result that is there already, held against a baseline where one is named."""
    from audit.result_file import load_result

    result = load_result(path)
    if baseline is None:
        return result, accepting(None, result.plan, None, quiet=quiet)
    from audit.changes.baseline import load_baseline

    earlier = load_baseline(baseline)
    accepted = accepting(earlier, result.plan, gate_place(path.parent, result.plan, None, folder), quiet=quiet)
    return compared(result, path, earlier), accepted


def _say_exact(result: AuditResult, *, as_json: bool) -> None:
    from audit.cli.change_words import exact_change
    from audit.cli.summary import rule_lines, verdict_words
    from audit.result_file import result_to_json

    if as_json:
        say_document(result_to_json(result))
        return
    style = Style.of(sys.stdout)
    say("\n".join([*rule_lines(result, style), *exact_change(result, style), verdict_words(result, style)]))


def _release(result: AuditResult, result_path: Path | None, named: Path | None) -> PublicRelease | None:
    """The public release of this result that lies beside it, if the key says so."""
    if result_path is None:
        return None
    from audit.cli.guard import ArgumentError
    from audit.disclosure.digests import release_of

    out = result_path.parent
    try:
        place = restricted_place(out, result.plan, None, named)
    except ArgumentError:
        return None
    return release_of(result, public_folder(out) / "release.json", place)


def _say_public(result: AuditResult, release: PublicRelease | None, *, as_json: bool) -> None:
    from audit.cli.change_words import headline_alone, public_change
    from audit.cli.summary import verdict_words

    if as_json:
        from audit.public_table import public_json

        alone = {"headline": headline_alone(result)}
        say_document(json.dumps(alone) + "\n" if release is None else public_json(release))
        return
    if release is None:
        note("note: the verdict alone: no public release of this result is at hand, or not the key that says so")
    lines = [] if release is None else _public_lines(release)
    say("\n".join([*lines, *public_change(result), verdict_words(result, Style.of(sys.stdout))]))


def _public_lines(release: PublicRelease) -> list[str]:
    """A line for each rule, and one where the protected figures do not name who fails."""
    from audit.public_table import SENTENCES

    if release.figures != "shown":
        return [SENTENCES[f"figures_{release.figures}"]]
    lines = [_rule_line(release, rule) for rule in release.rules]
    if release.headline.no_group_named:
        lines.append(SENTENCES["no_group_named"])
    if "probes" in release.headline.fails_on:
        lines.append(SENTENCES["fails_on_probes"])
    return lines


def _rule_line(release: PublicRelease, rule: PublicRule) -> str:
    from audit.cli.group_names import printable
    from audit.public_table import group_key

    words = [word for word in release.words if word.rule == rule.rule]
    counted = Counter(word.word for word in words)
    limit = f"{rule.scale} {rule.limit:g} from the rest"
    said = (
        f"in the protected figures {counted['below']:,} beyond the limit ({limit}), {counted['meets']:,} within it, "
        f"{counted['cannot_tell']:,} cannot tell"
    )
    below = [printable(group_key(word.group)) for word in words if word.word == "below"]
    named = "; ".join(below[:_MOST]) + (f" and {len(below) - _MOST:,} more" if len(below) > _MOST else "")
    return f"{rule.rule}: {said}{f': {named}' if named else ''}"
