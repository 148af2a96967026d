"""Runs of a plan that is made again: as `run` does it, but that nothing is published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audit.evidence.replay import Run


def run_again(plan: dict[str, Any], folder: Path, work: Path) -> Run:
    """Run a plan whose files lie in `folder`; the detector's answers go into `work`. Raises AuditError."""
    from audit.detectors.isolation.options import Sandbox
    from audit.run import run_audit

    answers = work / "predictions.parquet"
    result = run_audit(plan, folder=folder, predictions_to=answers, crosscheck=False, sandbox=Sandbox.AUTO)
    return Run(result, answers)
