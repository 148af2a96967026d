"""The whole commands that lead from a finding to an act: its cases, other ways to flag, and the next audit."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from audit.plan.answers import BlindDetector
from audit.result.audit_result import AuditResult
from audit.result.finding_list import ExactFinding
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED

BESIDE_THE_RESULT: Final = Path("result.json")
"""Place of a result for a reader who stands in its folder."""


def commands_for(
    result: AuditResult, findings: Iterable[ExactFinding], path: Path, plan: Path | None = None
) -> tuple[str, ...]:
    """Return commands for the first finding beyond a limit; none where no finding is, or a
    table in memory was audited.

    Parameters
    ----------
    path : Path
        The output folder of the run, or its `result.json`, as the reader names it.
    plan : Path or None
        The plan file, as the reader names it; by default one folder above that of the result.
    """
    first = next((finding for finding in findings if finding.word == "beyond"), None)
    if first is None or not _can_be_opened_again(result):
        return ()
    folder = path.parent if path.suffix == ".json" else path
    above = Path("..") if folder == Path() else folder.parent
    plan = plan or above / Path(result.provenance.plan_file or "plan.toml").name
    is_of_people = first.subject == "people"  # their cases and cures are not those of the detector
    remedies = [_command("remedy", str(path))] if _has_remedies(result, first) and not is_of_people else []
    cases = [] if is_of_people else _cases(result, first, str(path))
    # a chain says itself what the next version is held against
    against = ["--baseline", str(path)] if result.further.held_against is None else []
    next_audit = _command("run", str(plan), "--restricted", *against, "--out", str(above / "audit-next"))
    return (*cases, *remedies, next_audit)


def _can_be_opened_again(result: AuditResult) -> bool:
    """Say whether its plan names all that was audited; the answers of a blind audit travel apart from it."""
    in_memory = result.provenance.evaluation_set_sha256 is None and result.plan.evaluation_set.table is None
    return not in_memory and not isinstance(result.plan.detector, BlindDetector)


def _has_remedies(result: AuditResult, finding: ExactFinding) -> bool:
    return finding.metric is not None and result.plan.detector.has_scores and not result.plan.evaluation_set.is_counted


def _cases(result: AuditResult, finding: ExactFinding, path: str) -> list[str]:
    """Return the command for the cases of a finding; none where its group cannot be named, or has no rows."""
    without_rows = result.plan.evaluation_set.is_counted or result.plan.engine.kind == "spark"
    if without_rows or not isinstance(finding.who, Group) or finding.metric not in (*MISSED, *WRONGLY_FLAGGED):
        return []
    if any(mark in level.code for level in finding.who.levels for mark in ",="):  # the marks of --group
        return []
    group = ",".join(f"{level.feature}={level.code}" for level in finding.who.levels)
    errors = "wrongly-flagged" if finding.metric in WRONGLY_FLAGGED else "missed"
    return [_command("cases", path, "--group", group, "--errors", errors, "--out", "cases.csv")]


def _command(*words: str) -> str:
    return " ".join(["audit7k", *map(shlex.quote, words)])
