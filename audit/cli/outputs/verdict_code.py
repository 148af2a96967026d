"""Exit code of a verdict, and the note of a command when something changes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from audit.cli.console.terminal import note
from audit.errors import ArgumentError, ExitCode, ResultError

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult

OnInconclusive = Literal["fail", "warn", "pass"]
"""Effect of an inconclusive verdict on the exit code."""


def result_at(path: Path) -> Path | None:
    """Return the result file that `path` names: the file itself, or the one in a folder; None for a plan."""
    if path.is_dir():
        if not (path / "result.json").exists():
            inside = sorted(path.glob("*/result.json"))
            if inside:
                raise ArgumentError(
                    f"no result.json in {path}", slug="no-result", hint=f"there is one in {inside[0].parent}"
                )
            raise ResultError(f"no result.json in {path}", slug="no-result-here")
        return path / "result.json"
    return path if path.suffix.lower() == ".json" else None


def note_open_network(result: AuditResult, *, quiet: bool) -> None:
    """Note that a model should have had no network, if this system could not prevent it."""
    ran = result.provenance.ran_in
    if ran is not None and ran.kind == "child" and ran.network == "open" and ran.memory_limit_mib and not quiet:
        note(f"note: {ran.sentence}")


def result_exit_code(
    result: AuditResult,
    on_inconclusive: OnInconclusive | None = None,
    *,
    quiet: bool = False,
    left: str | None = None,
) -> ExitCode:
    """Return the exit code of a verdict, or of what waivers leave of it. Notes a change by `on_inconclusive`.

    A pass by answers that are not shown to be the system's is inconclusive about the system.
    """
    name, outcome = "what is left" if left else "the verdict", left or result.overall.outcome
    if outcome == "pass" and result.is_not_shown:
        note(f"warning: {name} is pass; exit code 3 instead of 0 because the system at work is not shown to answer so")
        outcome = "inconclusive"
    return outcome_exit_code(outcome, on_inconclusive, quiet=quiet, name=name)


def outcome_exit_code(
    outcome: str, on_inconclusive: OnInconclusive | None = None, *, quiet: bool = False, name: str = "the verdict"
) -> ExitCode:
    """Return the exit code of an outcome. A note, which calls it `name`, says where `on_inconclusive` changes it."""
    code = ExitCode[outcome.upper()]
    if code is not ExitCode.INCONCLUSIVE or on_inconclusive is None:
        return code
    code = ExitCode.FAIL if on_inconclusive == "fail" else ExitCode.PASS
    if not quiet or on_inconclusive == "warn":
        level = "note" if on_inconclusive == "pass" else "warning"
        note(
            f"{level}: {name} is inconclusive; exit code {code.value} instead of {ExitCode.INCONCLUSIVE.value} "
            f"because of --on-inconclusive {on_inconclusive}"
        )
    return code
