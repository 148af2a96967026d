"""What `gate` is asked, which of its options exclude one another, and the result that it judges by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.chosen_rules import check_rules
from audit.cli.guard import ArgumentError
from audit.cli.judging import say_if_network_stayed
from audit.cli.keeping import answer_cache, check_keeping, too_many_failed
from audit.cli.nightly import Sample, check_sequential
from audit.cli.waiving import with_waivers_from
from audit.isolation.options import Sandbox

if TYPE_CHECKING:
    from audit.result import AuditResult

__all__ = ["Gated", "check_gate", "judged"]


@dataclass(frozen=True, slots=True)
class Gated:
    """What was asked of a gate."""

    path: Path
    """A plan, a result or a folder with one."""
    result_path: Path | None
    """The result; None for a plan."""
    cache: Path | None
    waivers: Path | None
    only: tuple[str, ...]
    quiet: bool
    restricted: bool
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
    """Raise ArgumentError where options ask for what cannot be.

    `other` says of options that change what a verdict comes to whether they are given: nights have a verdict of their
    own, and what is kept of unchanged inputs is the verdict of all rules.
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


def judged(asked: Gated) -> AuditResult:
    """The result that is there, or that of a plan, without what decides no verdict."""
    if asked.result_path is not None:
        from audit.result_file import load_result

        return load_result(asked.result_path)
    from audit.plan_file import read_plan_file
    from audit.run import run_audit
    from audit.scoring.progress import progress_on_stderr

    loaded = with_waivers_from(read_plan_file(asked.path), asked.waivers)
    check_rules(loaded.plan, asked.only)
    answers = answer_cache(asked.cache)
    result = run_audit(
        loaded,
        # a line of progress counts rows, and those that failed: no line of a log that many read
        progress=progress_on_stderr(quiet=asked.quiet or not asked.restricted),
        crosscheck=False,
        details=False,
        checkpoint=answers,
        sandbox=asked.sandbox,
        allow_pickle=asked.allow_pickle,
    )
    if answers is not None and too_many_failed(result):
        answers.forget()
    say_if_network_stayed(result, quiet=asked.quiet)
    return result
