"""Carries out the audit of a plan for pytest: once, whoever asks, in silence, and with one line where it cannot."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.cli.testing.cases import Judged
from audit.errors import AuditError, RunInterruptedError
from audit.storage import held, write_durably

if TYPE_CHECKING:
    from audit.plan.file.plan_file import LoadedPlan
    from audit.result.audit_result import AuditResult

_RESTRICTED: Final = Path("audit-out", "restricted")
"""The restricted folder below the root of the tests: the one that `audit7k run` uses there."""
_LONG: Final = 600.0
"""Seconds that a worker waits for another of which nobody can tell whether it is still there."""


class NotJudgedError(Exception):
    """There is no verdict, and one line says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A plan to be audited."""

    plan: Path
    """Its file."""
    root: Path
    """The root of the tests."""
    restricted_folder: Path | None = None
    """Where the key and the log of public releases are, if the plan does not say it."""
    exact: bool = False
    """Whether exact counts may stand in the log."""
    allow_pickle: bool = False
    """Whether a pickled model may be loaded."""

    @property
    def name(self) -> str:
        """The plan as a log names it."""
        shown = self.plan.relative_to(self.root) if self.plan.is_relative_to(self.root) else Path(self.plan.name)
        return shown.as_posix()

    @property
    def key(self) -> str:
        """The same for the same question."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


def judge_plan_once(asked: Asked, shared: Path | None) -> Judged:
    """What an audit comes to. With a folder `shared`, the first process that asks carries it out for all of them.

    Raises
    ------
    NotJudgedError
        If nothing was judged.
    """
    if shared is None or not shared.is_dir():
        return judge_plan(asked)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(shared / f"{asked.key}.lock", patience=math.inf, most=_LONG))
        except BlockingIOError:
            # once too often, and to the same verdict
            return judge_plan(asked)
        return _judged_by_the_first(asked, shared / f"{asked.key}.json", shared / f"{asked.key}.error")


def _judged_by_the_first(asked: Asked, answer: Path, refused: Path) -> Judged:
    if answer.exists():
        return Judged.from_json(answer.read_text(encoding="utf-8"))
    if refused.exists():
        raise NotJudgedError(refused.read_text(encoding="utf-8"))
    try:
        found = judge_plan(asked)
    except NotJudgedError as error:
        write_durably(refused, str(error).encode())
        raise
    write_durably(answer, found.to_json().encode())
    return found


def judge_plan(asked: Asked) -> Judged:
    """Carry out the audit of a plan. Raises NotJudgedError: one line that quotes no data."""
    try:
        with quietly():
            return _exact(asked) if asked.exact else _public(asked)
    except RunInterruptedError:
        raise KeyboardInterrupt from None
    except AuditError as error:
        raise NotJudgedError(_error_line(error, asked)) from None
    except Exception as error:
        # Never the text of an unknown error: it may quote a row.
        raise NotJudgedError(
            f"{asked.name}: internal error ({type(error).__name__}); nothing was judged — `audit7k --debug gate "
            f"{asked.name}` says more"
        ) from None


def _error_line(error: AuditError, asked: Asked) -> str:
    """An error in one line, without the folder in which somebody's tests lie."""
    plan, folder = str(asked.plan), str(asked.plan.parent) + os.sep
    said = " ".join(str(error).replace(plan, asked.name).replace(folder, "").split())
    return said if said.startswith(asked.name) else f"{asked.name}: {said}"


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep warnings and log lines of other packages out of the report of the tests: they can quote cells."""
    import logging
    import warnings

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _public(asked: Asked) -> Judged:
    from audit.cli.testing.public_cases import public_cases
    from audit.cli.testing.waived_cases import public_waivers_by_case, with_waivers
    from audit.disclosure.publish import check_folder, publish
    from audit.plan.file.plan_file import read_plan_file

    loaded = read_plan_file(asked.plan)
    place = _place(asked, loaded)
    check_folder(loaded.plan, place)
    result = _audited(asked, loaded)
    published = publish(result, place, _nowhere, ("json",), ("en",))
    release = published.public
    notes = [f"{asked.name}: audited at collection: {release.headline.outcome.upper()}; groups in public words"]
    if release.about.valid_until is not None and release.about.finished > release.about.valid_until:
        notes.append(f"{asked.name}: past its expiry ({release.about.valid_until}), do not rely on it")
    if published.refusal is not None:
        notes.append(f"{asked.name}: no figures ({published.refusal.slug}): {published.refusal.message}")
    if published.new_key:
        notes.append(f"{asked.name}: a new key was made in {_shown(place, asked.root)}; keep that folder")
    cases = with_waivers(public_cases(release), result, public_waivers_by_case(release), _today())
    return Judged(cases, tuple(notes), asked.name)


def _nowhere(files: Mapping[str, bytes]) -> None:
    """Write no file: a release that nobody saw, and that the log remembers, does no harm."""


def _exact(asked: Asked) -> Judged:
    from audit.cli.testing.exact_cases import exact_cases
    from audit.cli.testing.waived_cases import waivers_by_case, with_waivers
    from audit.plan.file.plan_file import read_plan_file

    result = _audited(asked, read_plan_file(asked.plan))
    outcome = result.overall.outcome.upper()
    note = f"{asked.name}: audited at collection: {outcome}; exact counts, not for publication"
    return Judged(with_waivers(exact_cases(result), result, waivers_by_case(result), _today()), (note,), asked.name)


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


def _audited(asked: Asked, loaded: LoadedPlan) -> AuditResult:
    """The audit as `gate` carries it out: what decides no verdict is left out."""
    from audit.result.waivers_file import publishable_errors
    from audit.run import run_audit

    with publishable_errors(exact=asked.exact):
        return run_audit(loaded, crosscheck=False, details=False, sandbox="auto", allow_pickle=asked.allow_pickle)


def _place(asked: Asked, loaded: LoadedPlan) -> Path:
    """The restricted folder: the one that was named, else the plan's, else that of `audit7k run` in the root."""
    if asked.restricted_folder is not None:
        return asked.restricted_folder
    own = loaded.plan.disclosure.folder
    return asked.root / _RESTRICTED if own is None else loaded.folder / own


def _shown(place: Path, root: Path) -> str:
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else str(place)
