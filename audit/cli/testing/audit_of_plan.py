"""Audit of a plan for pytest: run once for all processes, and with one line if it cannot run."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.cli.outputs.audience import new_key_words
from audit.cli.outputs.baselines import baseline_of_plan
from audit.cli.outputs.named_folders import find_restricted_folder
from audit.cli.outputs.run_request import RunRequest, plan_with
from audit.cli.outputs.waivers import today
from audit.cli.testing.cases import JudgedPlan
from audit.cli.testing.exact_cases import exact_cases
from audit.cli.testing.public_cases import public_cases
from audit.cli.testing.waived_cases import public_waivers_by_case, waivers_by_case, with_waivers
from audit.disclosure.publish import check_folder, publish
from audit.errors import AuditError, RunInterruptedError
from audit.public.cases import relied_on
from audit.result.audit_result import AuditResult
from audit.stages import Scope
from audit.storage import held, write_durably

_OUT: Final = "audit-out"
"""Output folder of `audit7k run` in the root of the tests."""
_LONG: Final = 600.0
"""Seconds that a worker waits for another one that may no longer be alive."""


class NotJudgedError(Exception):
    """Missing verdict, with one line that says why."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Plan to be audited, with its options."""

    plan: Path
    """File of the plan."""
    root: Path
    """Root of the tests."""
    restricted_folder: Path | None = None
    """Folder of the key and the log of public releases, if the plan names none."""
    exact: bool = False
    """Whether exact counts may stand in the log."""
    allow_pickle: bool = False
    """Whether a pickled model may be loaded."""

    @property
    def name(self) -> str:
        """Name of the plan in a log."""
        shown = self.plan.relative_to(self.root) if self.plan.is_relative_to(self.root) else Path(self.plan.name)
        return shown.as_posix()

    @property
    def key(self) -> str:
        """Digest of the question: equal for equal plans, folders and options."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


def judge_plan_once(request: PlanRequest, shared: Path | None) -> JudgedPlan:
    """Judge a plan. With a folder `shared`, the first process that asks runs the audit for all of them.

    Raises
    ------
    NotJudgedError
        If nothing was judged.
    """
    if shared is None or not shared.is_dir():
        return judge_plan(request)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(shared / f"{request.key}.lock", patience=math.inf, most=_LONG))
        except BlockingIOError:
            # The audit runs once too often, with the same verdict.
            return judge_plan(request)
        return _judged_by_the_first(request, shared / f"{request.key}.json", shared / f"{request.key}.error")


def _judged_by_the_first(request: PlanRequest, answer: Path, refused: Path) -> JudgedPlan:
    if answer.exists():
        return JudgedPlan.from_json(answer.read_text(encoding="utf-8"))
    if refused.exists():
        raise NotJudgedError(refused.read_text(encoding="utf-8"))
    try:
        judged = judge_plan(request)
    except NotJudgedError as error:
        write_durably(refused, str(error).encode())
        raise
    write_durably(answer, judged.to_json().encode())
    return judged


def judge_plan(request: PlanRequest) -> JudgedPlan:
    """Run the audit of a plan. Raises NotJudgedError, with one line that quotes no data."""
    try:
        return _judge_exactly(request) if request.exact else _judge_for_public(request)
    except RunInterruptedError:
        raise KeyboardInterrupt from None
    except AuditError as error:
        raise NotJudgedError(_error_line(error, request)) from None
    except Exception as error:
        # Never the text of an unknown error: it may quote a row.
        raise NotJudgedError(
            f"{request.name}: internal error ({type(error).__name__}); nothing was judged — `audit7k --debug gate "
            f"{request.name}` says more"
        ) from None


def _error_line(error: AuditError, request: PlanRequest) -> str:
    """Write an error in one line, without the path of the folder of the tests."""
    plan, folder = str(request.plan), str(request.plan.parent) + os.sep
    message = " ".join(str(error).replace(plan, request.name).replace(folder, "").split())
    return message if message.startswith(request.name) else f"{request.name}: {message}"


def _judge_for_public(plan_request: PlanRequest) -> JudgedPlan:
    request = _run_request(plan_request)
    loaded = request.loaded
    restricted = find_restricted_folder(
        plan_request.root / _OUT, loaded.plan.disclosure, loaded.folder, plan_request.restricted_folder
    )
    check_folder(loaded.plan.groups, loaded.plan.evaluation_set, loaded.plan.disclosure, restricted)
    result = _audited(request, restricted)
    published = publish(result, restricted, _write_nothing, ("json",), ("en",))
    release = published.public
    notes = [f"{plan_request.name}: audited at collection: {relied_on(release).upper()}; rows of the public release"]
    if release.about.valid_until is not None and release.about.finished > release.about.valid_until:
        notes.append(f"{plan_request.name}: past its expiry ({release.about.valid_until}), do not rely on it")
    if published.new_key:
        notes.append(
            f"{plan_request.name}: {new_key_words(release.set_id, _shown_path(restricted, plan_request.root))}"
        )
    cases = with_waivers(public_cases(release), result, public_waivers_by_case(release), today())
    return JudgedPlan(cases, tuple(notes), plan_request.name)


def _write_nothing(files: Mapping[str, bytes]) -> None:
    """Write no file: a release that nobody sees does no harm, even though the log records it."""


def _judge_exactly(plan_request: PlanRequest) -> JudgedPlan:
    request = _run_request(plan_request)
    section, folder = request.loaded.plan.disclosure, request.loaded.folder
    restricted = find_restricted_folder(plan_request.root / _OUT, section, folder, plan_request.restricted_folder)
    result = _audited(request, restricted)
    outcome = result.relied_on.upper()
    notes = [f"{plan_request.name}: audited at collection: {outcome}; exact counts, not for publication"]
    cases = with_waivers(exact_cases(result), result, waivers_by_case(result), today())
    return JudgedPlan(cases, tuple(notes), plan_request.name)


def _audited(request: RunRequest, restricted: Path) -> AuditResult:
    """Audit a plan against the accepted versions of its system, or its baseline. Raises AuditError."""
    in_use = baseline_of_plan(request, None, restricted)
    result = request.audit(in_use.releases or in_use.baseline)
    in_use.tell_how_held(result, refuse=True)
    in_use.remember()
    return result


def _run_request(request: PlanRequest) -> RunRequest:
    """Read the plan, to be run as `gate` does: without the parts that decide no verdict."""
    return RunRequest(
        request.plan,
        plan_with(request.plan),
        quiet=True,
        exact=request.exact,
        scope=Scope.RECORDS,
        allow_pickle=request.allow_pickle,
    )


def _shown_path(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
