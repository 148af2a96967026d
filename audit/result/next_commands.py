"""The whole commands that lead from a finding to an act: its rows, other ways to flag, and an earlier audit."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from audit.result.audit_result import AuditResult
from audit.result.finding_list import ExactFinding
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED


def commands_for(result: AuditResult, findings: Iterable[ExactFinding], out: str, plan: str) -> tuple[str, ...]:
    """Return commands for the first finding of a group beyond a limit; none where no group is.

    Parameters
    ----------
    out : str
        The output folder of the run, or its `result.json`.
    plan : str
        The plan file.
    """
    first = next((one for one in findings if one.word == "beyond" and isinstance(one.who, Group)), None)
    if first is None or not isinstance(first.who, Group):
        return ()
    cases = []
    nameable = not any(mark in level.code for level in first.who.levels for mark in ",=")  # they part a group
    if nameable and first.metric in (*MISSED, *WRONGLY_FLAGGED) and not result.plan.evaluation_set.is_counted:
        group = ",".join(f"{level.feature}={level.code}" for level in first.who.levels)
        errors = "wrongly-flagged" if first.metric in WRONGLY_FLAGGED else "missed"
        cases.append(_command("cases", out, "--group", group, "--errors", errors, "--out", "cases.csv"))
    remedies = [_command("remedy", plan)] if result.plan.detector.has_scores else []
    return (*cases, *remedies, _command("compare", "EARLIER", out))


def _command(*words: str) -> str:
    return " ".join(["audit7k", *map(shlex.quote, words)])
