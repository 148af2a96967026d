"""`gate`: the verdict by the exit code. What it prints goes into a build log, which is public unless it is said not."""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from audit.cli.judging import (
    AllowPickle,
    AsJson,
    Quiet,
    WhenInconclusive,
    Where,
    code_for,
    give_kept,
    result_at,
    say_if_network_stayed,
)
from audit.cli.keeping import (
    GATE,
    CacheFolder,
    ChangedOnly,
    answer_cache,
    check_keeping,
    keep,
    kept_by_gate,
    too_many_failed,
)
from audit.cli.nightly import SampleKind, StateFile, check_sequential, judged_tonight
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
    sandbox: Where = Sandbox.AUTO,
    allow_pickle: AllowPickle = False,
    sequential: StateFile = None,
    sample: SampleKind = None,
    cache: CacheFolder = None,
    changed_only: ChangedOnly = False,
) -> None:
    """Say only the verdict, by the exit code: 0 pass, 1 fail, 3 inconclusive.

    It prints the verdict, and rules and groups as far as the public files beside the result name them: a build log is
    read by many. With --restricted it prints the exact ones. It writes no file but the state of --sequential and what
    --cache keeps.
    """
    result_path = result_at(path)
    check_keeping(
        cache, changed_only=changed_only, of_result=result_path is not None, sequential=sequential is not None
    )
    said = {"quiet": quiet, "restricted": restricted, "allow_pickle": allow_pickle}
    judged = partial(_judged, path, result_path, cache, sandbox=sandbox, **said)
    check_sequential(sequential, sample)
    if sequential is not None:
        result = judged_tonight(
            sequential, sample, None if result_path else path, judged, quiet=quiet, as_json=as_json, exact=restricted
        )
        raise typer.Exit(code_for(result, on_inconclusive, quiet=quiet))
    kept = kept_by_gate(cache, path, changed_only=changed_only)
    give_kept(kept, on_inconclusive, quiet=quiet, as_json=as_json)
    result = judged()
    keep(kept, path, GATE, result, details=False)
    if not quiet and restricted:
        _say_exact(result, as_json=as_json)
    elif not quiet:
        _say_public(result, _release(result, result_path, restricted_folder), as_json=as_json)
    raise typer.Exit(code_for(result, on_inconclusive, quiet=quiet))


def _judged(
    path: Path,
    result_path: Path | None,
    cache: Path | None,
    *,
    quiet: bool,
    restricted: bool,
    sandbox: Sandbox,
    allow_pickle: bool,
) -> AuditResult:
    """The result that is there, or that of a plan."""
    if result_path is not None:
        from audit.result_file import load_result

        return load_result(result_path)
    from audit.run import run_audit
    from audit.scoring.progress import progress_on_stderr

    answers = answer_cache(cache)
    result = run_audit(
        path,
        # a line of progress counts rows, and those that failed: no line of a log that many read
        progress=progress_on_stderr(quiet=quiet or not restricted),
        crosscheck=False,
        details=False,
        checkpoint=answers,
        sandbox=sandbox,
        allow_pickle=allow_pickle,
    )
    if answers is not None and too_many_failed(result):
        answers.forget()
    say_if_network_stayed(result, quiet=quiet)
    return result


def _say_exact(result: AuditResult, *, as_json: bool) -> None:
    from audit.cli.summary import rule_lines, verdict_words
    from audit.result_file import result_to_json

    if as_json:
        say_document(result_to_json(result))
        return
    style = Style.of(sys.stdout)
    say("\n".join([*rule_lines(result, style), verdict_words(result, style)]))


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
    from audit.cli.summary import verdict_words

    if as_json:
        from audit.public_table import public_json

        alone = {"headline": {"outcome": result.overall.outcome}}
        say_document(json.dumps(alone) + "\n" if release is None else public_json(release))
        return
    if release is None:
        note("note: the verdict alone: no public release of this result is at hand, or not the key that says so")
    lines = [] if release is None else _public_lines(release)
    say("\n".join([*lines, verdict_words(result, Style.of(sys.stdout))]))


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
    from audit.public_figures import each_people_once
    from audit.public_table import group_key

    words = [word for word in each_people_once(release.words) if word.rule == rule.rule]
    counted = Counter(word.word for word in words)
    limit = f"{rule.scale} {rule.limit:g} from the rest"
    said = (
        f"in the protected figures {counted['below']:,} beyond the limit ({limit}), {counted['meets']:,} within it, "
        f"{counted['cannot_tell']:,} cannot tell"
    )
    below = [printable(group_key(word.group)) for word in words if word.word == "below"]
    named = "; ".join(below[:_MOST]) + (f" and {len(below) - _MOST:,} more" if len(below) > _MOST else "")
    return f"{rule.rule}: {said}{f': {named}' if named else ''}"
