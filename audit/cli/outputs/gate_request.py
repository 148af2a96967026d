"""Request to `gate`, the options that exclude one another, and the result that it judges."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.console.guard import ArgumentError
from audit.cli.console.terminal import note
from audit.cli.outputs.baselines import BaselineInUse, baseline_in_use, gate_restricted_folder, with_change_from
from audit.cli.outputs.chosen_rules import check_rules
from audit.cli.outputs.nights import Sample, check_sequential
from audit.cli.outputs.reuse import answer_cache, check_keeping, too_many_failed
from audit.cli.outputs.verdict_code import note_open_network
from audit.cli.outputs.waivers import with_waivers_from
from audit.detectors.isolation.options import Sandbox

if TYPE_CHECKING:
    from audit.plan.file.plan_file import LoadedPlan
    from audit.result.audit_result import AuditResult
    from audit.verdicts.changes.baseline import Baseline


@dataclass(frozen=True, slots=True)
class GateRequest:
    """Options of one call of `gate`."""

    path: Path
    """Path of a plan, of a result, or of a folder with one."""
    result_path: Path | None
    """Path of the result; None for a plan."""
    cache: Path | None
    waivers: Path | None
    baseline: Path | None
    only: tuple[str, ...]
    quiet: bool
    restricted: bool
    restricted_folder: Path | None
    sandbox: Sandbox
    allow_pickle: bool


def check_gate(
    cache: Path | None,
    sample: Sample | None,
    *,
    changed_only: bool,
    of_result: bool,
    sequential: bool,
    other: Mapping[str, bool],
) -> None:
    """Raise ArgumentError if options contradict each other.

    `other` says which options that change a verdict are given. Many nights have one verdict of their own, and the
    verdict that is kept for unchanged inputs covers all rules.
    """
    check_keeping(cache, changed_only=changed_only, of_result=of_result, sequential=sequential)
    check_sequential(sample, sequential=sequential)
    given = [option for option, is_given in other.items() if is_given]
    if given and (sequential or changed_only):
        against = "--sequential" if sequential else "--changed-only"
        raise ArgumentError(
            f"{given[0]} cannot be asked together with {against}",
            slug="gate-arguments",
            hint="the nights have one verdict"
            if sequential
            else "only the whole verdict is kept; leave one of them out",
        )


def gate_result(asked: GateRequest) -> tuple[AuditResult, BaselineInUse]:
    """Return the given result or that of a plan, compared with a baseline if there is one, and that baseline."""
    if asked.result_path is not None:
        return _result_of_file(asked.result_path, asked)
    from audit.plan.file.plan_file import read_plan_file
    from audit.verdicts.changes.baseline import baseline_for

    loaded = with_waivers_from(read_plan_file(asked.path), asked.waivers)
    check_rules(loaded.plan, asked.only)
    earlier = baseline_for(loaded, asked.baseline)
    place = gate_restricted_folder(None, loaded.plan, loaded.folder, asked.restricted_folder)
    accepted = baseline_in_use(earlier, loaded.plan, place, quiet=asked.quiet)
    return _result_of_plan(loaded, asked, earlier), accepted


def night_result(asked: GateRequest) -> AuditResult:
    """Return the result of one night of many, which is compared with no baseline."""
    if asked.result_path is not None:
        from audit.result.file import load_result

        result = load_result(asked.result_path)
        _say_left_out(change=result.change is not None, waivers=bool(result.waivers), quiet=asked.quiet)
        return result
    from audit.plan.file.plan_file import read_plan_file
    from audit.plan.sections import BaselineSection

    loaded = read_plan_file(asked.path)
    named = loaded.plan.baseline.result is not None
    _say_left_out(change=named, waivers=loaded.waivers_file is not None, quiet=asked.quiet)
    without = loaded.plan.model_copy(update={"baseline": BaselineSection()})
    return _result_of_plan(dataclasses.replace(loaded, plan=without), asked, None)


def _say_left_out(*, change: bool, waivers: bool, quiet: bool) -> None:
    """Note what decides a single audit but plays no part in the verdict of many nights."""
    left = [name for name, is_there in (("the change from a baseline", change), ("waivers", waivers)) if is_there]
    if left and not quiet:
        note(f"note: left out of the verdict of many nights: {' and '.join(left)}")


def _result_of_file(path: Path, asked: GateRequest) -> tuple[AuditResult, BaselineInUse]:
    from audit.result.file import load_result

    result = load_result(path)
    if asked.baseline is None:
        return result, baseline_in_use(None, result.plan, None, quiet=asked.quiet)
    from audit.verdicts.changes.baseline import load_named_baseline

    earlier = load_named_baseline(asked.baseline)
    place = gate_restricted_folder(path.parent, result.plan, None, asked.restricted_folder)
    accepted = baseline_in_use(earlier, result.plan, place, quiet=asked.quiet)
    return with_change_from(result, path, earlier), accepted


def _result_of_plan(loaded: LoadedPlan, asked: GateRequest, earlier: Baseline | None) -> AuditResult:
    """Run a plan, without the parts that decide no verdict."""
    from audit.result.waivers_file import publishable_errors
    from audit.run import run_audit
    from audit.scoring.progress import progress_on_stderr

    answers = answer_cache(asked.cache)
    with publishable_errors(exact=asked.restricted):
        result = run_audit(
            loaded,
            baseline=earlier,
            # A line of progress counts rows and failures, which a log that many read must not show.
            progress=progress_on_stderr(quiet=asked.quiet or not asked.restricted),
            crosscheck=False,
            details=False,
            checkpoint=answers,
            sandbox=asked.sandbox,
            allow_pickle=asked.allow_pickle,
        )
    if answers is not None and too_many_failed(result):
        answers.forget()
    note_open_network(result, quiet=asked.quiet)
    return result
