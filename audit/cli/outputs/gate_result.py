"""Result that `gate` judges, of a plan or in a file, and the options of `gate` that exclude one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audit.cli.console.terminal import note, say
from audit.cli.outputs.baselines import (
    BaselineInUse,
    accepted_releases,
    baseline_in_use,
    baseline_of_plan,
    gate_restricted_folder,
    with_accepted,
    with_change_from,
)
from audit.cli.outputs.chosen_rules import check_rules
from audit.cli.outputs.run_request import RunRequest
from audit.cli.outputs.verdict_code import OnInconclusive, note_open_network
from audit.errors import ArgumentError
from audit.plan.sections import BaselineSection
from audit.result.audit_result import AuditResult
from audit.result.file import ResultFile, read_result
from audit.stages import Scope

if TYPE_CHECKING:
    from audit.cli.outputs.kept_verdict import UnlessChanged
    from audit.verdicts.nights.state import Sample


class ResultRequest(NamedTuple):
    """A result in a file that is to be judged."""

    path: Path
    elsewhere: bool
    """Whether inputs that are not at hand, or not known, are taken to be unchanged."""
    quiet: bool

    def read(self) -> ResultFile:
        """Return the result if its inputs are what they were. Raises ResultError."""
        from audit.cli.outputs.stale_result import check_inputs

        file = read_result(self.path)
        check_inputs(file, elsewhere=self.elsewhere, quiet=self.quiet)
        return file


def check_gate(  # noqa: PLR0913 - a parameter for each option
    cache: Path | None,
    sample: Sample | None,
    state: Path | None,
    other: Mapping[str, object],
    words: Path | None,
    *,
    words_alone: bool,
    changed_only: bool,
    elsewhere: bool,
    of_result: bool,
) -> None:
    """Raise ArgumentError if options contradict each other.

    `words_alone` says that no other form of the verdict is asked for beside `words`. `other` holds the options that
    change a verdict. Many nights, whose `state` is named, have one verdict of their own, and the verdict that is kept
    for unchanged inputs covers all rules.
    """
    sequential = state is not None
    if elsewhere and not of_result:
        raise ArgumentError(
            "--inputs-elsewhere is for a result, and this is a plan", slug="elsewhere-of-plan", hint="leave it out"
        )
    if words is not None and not (of_result and words_alone and not sequential):
        raise ArgumentError(
            "--words is for a result, without --restricted, --json and --sequential",
            slug="words-arguments",
            hint="run the plan first: audit7k run PLAN --restricted",
        )
    _check_keeping(cache, changed_only=changed_only, of_result=of_result, sequential=sequential)
    if sample is not None and not sequential:
        raise ArgumentError("--sample says what nights are; name their state with --sequential", slug="sample-alone")
    options = [option for option, value in other.items() if value]
    if options and (sequential or changed_only):
        against = "--sequential" if sequential else "--changed-only"
        raise ArgumentError(
            f"{options[0]} cannot be asked together with {against}",
            slug="gate-arguments",
            hint="the nights have one verdict"
            if sequential
            else "only the whole verdict is kept; leave one of them out",
        )


def _check_keeping(cache: Path | None, *, changed_only: bool, of_result: bool, sequential: bool) -> None:
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


def request_unless_changed(on_inconclusive: OnInconclusive | None, as_json: bool) -> UnlessChanged:
    """Return the request of `--changed-only`: to say the verdict that is kept, where nothing has changed."""
    from audit.cli.outputs.kept_verdict import UnlessChanged

    return UnlessChanged(on_inconclusive, as_json)


def result_of(
    judged: RunRequest | ResultRequest,
    only: Sequence[str],
    baseline: Path | None,
    cache: Path | None,
    restricted_folder: Path | None,
    unless_changed: UnlessChanged | None,
) -> tuple[AuditResult, BaselineInUse]:
    """Return the result of a plan or in a file, compared with a baseline if there is one. Raises AuditError.

    With `unless_changed` it raises typer.Exit where the verdict of a plan is kept.
    """
    if isinstance(judged, ResultRequest):
        return _result_of_file(judged, baseline, restricted_folder)
    return _result_of_plan(judged, only, cache, restricted_folder, unless_changed)


def _result_of_plan(
    request: RunRequest,
    only: Sequence[str],
    cache: Path | None,
    restricted_folder: Path | None,
    unless_changed: UnlessChanged | None,
) -> tuple[AuditResult, BaselineInUse]:
    """Run a plan, and return its result, compared with a baseline if there is one, and that baseline.

    The verdict is kept, if it has a place. Raises AuditError, also if the plan has no rule that `only` names.
    """
    check_rules(request.loaded.plan.named_rules, request.loaded.plan.named_probe_rules, only)
    accepted = baseline_of_plan(request, None, restricted_folder)
    kept_place = None
    if unless_changed is not None and cache is not None:
        kept_place = unless_changed.place_of_gate(cache, request, accepted)
    # a public log has the verdict alone
    result = _audited(request if request.exact else request._replace(scope=Scope.VERDICTS), cache, accepted)
    accepted.tell_how_held(result, refuse=True)
    if kept_place is not None:
        kept_place.keep_result(result)
    return result, accepted


def _result_of_file(
    request: ResultRequest, baseline: Path | None, restricted_folder: Path | None
) -> tuple[AuditResult, BaselineInUse]:
    """Return the result in a file, compared with a baseline if there is one, and that baseline. Raises AuditError."""
    file, quiet = request.read(), request.quiet
    result = file.result
    section, folder = result.plan.disclosure, None
    if restricted_folder is None and section.folder is not None:
        from audit.verdicts.changes.baseline import plan_at_hand  # a relative folder begins where the plan lies

        loaded = plan_at_hand(result, None, request.path.parent)
        folder = None if loaded is None else loaded.folder
    restricted = gate_restricted_folder(request.path.parent, section, folder, restricted_folder)
    if baseline is None:
        releases = accepted_releases(result.plan, restricted)
        in_use = BaselineInUse(None, result.plan, restricted, releases)
        compared = result if releases is None else with_accepted(file, releases)
        if releases is None or compared.further.held_against is not None:  # the reference itself is held against none
            in_use.tell_how_held(compared, refuse=True)
        return compared, in_use
    from audit.verdicts.changes.baseline import load_named_baseline

    earlier = load_named_baseline(baseline)
    accepted = baseline_in_use(earlier, result.plan, restricted, quiet=quiet)
    return with_change_from(result, request.path, earlier), accepted


def write_words(
    file: Path, waived: AuditResult, narrowed: AuditResult, restricted: Path | None, *, quiet: bool
) -> None:
    """Write verdict, rules and words of a result without a number, as Markdown, and print the same lines.

    Raises
    ------
    ResultError, FolderInUseError, StorageError
        If the restricted folder cannot be read, or the file not be written.
    """
    from audit.cli.outputs.gate_lines import lines_of_words
    from audit.cli.outputs.output_folder import write_file

    lines = lines_of_words(waived, narrowed, restricted)
    # Indented lines are code: nothing that others wrote is markup in them.
    write_file(file, "".join(f"    {line}\n" for text in lines for line in text.splitlines()), private=False)
    if not quiet:
        say("\n".join(lines))


def night_result(judged: RunRequest | ResultRequest, cache: Path | None, *, quiet: bool) -> AuditResult:
    """Return the result of one night of many, of a plan or in a file. It is compared with no baseline."""
    if isinstance(judged, ResultRequest):
        result = judged.read().result
        _say_left_out(
            result.plan.warning_rules, change=result.change is not None, waivers=bool(result.waivers), quiet=quiet
        )
        return result
    loaded = judged.loaded
    named = loaded.plan.baseline.result is not None
    _say_left_out(loaded.plan.warning_rules, change=named, waivers=loaded.waivers_file is not None, quiet=quiet)
    without = loaded.plan.model_copy(update={"baseline": BaselineSection()})
    return _audited(judged._replace(loaded=loaded._replace(plan=without)), cache, BaselineInUse(None, without, None))


def _say_left_out(warning_rules: frozenset[str], *, change: bool, waivers: bool, quiet: bool) -> None:
    """Note what decides a single audit but plays no part in the verdict of many nights."""
    known = {"the change from a baseline": change, "waivers": waivers, 'on_fail = "warn"': bool(warning_rules)}
    left = [name for name, is_there in known.items() if is_there]
    if left and not quiet:
        note(f"note: left out of the verdict of many nights: {' and '.join(left)}")


def _audited(request: RunRequest, cache: Path | None, earlier: BaselineInUse) -> AuditResult:
    """Run a plan against what is in use, with answers from a cache."""
    answers = None
    if cache is not None:
        from audit.scoring.answer_cache import AnswerCache

        answers = AnswerCache(cache)
    result = request.audit(earlier.releases or earlier.baseline, answers)
    if answers is not None and result.too_many_failed:
        answers.forget()
    note_open_network(result, quiet=request.quiet)
    return result
