"""What a detector is told when it is opened, out of the plan."""

from __future__ import annotations

from pathlib import Path

from audit.detectors.protocol import RunContext
from audit.plan.audit_plan import AuditPlan, ModelDetector

__all__ = ["run_context"]


def run_context(plan: AuditPlan, folder: Path) -> RunContext:
    """The context of a detector that is run, and so no table of predictions; `folder` is that of the plan."""
    section = plan.detector
    assert isinstance(section, ModelDetector)  # noqa: S101 - a table is never opened
    return RunContext(
        folder=folder,
        columns=section.features,
        answers=section.answers,
        score_range=section.answer_range,
        batch_size=plan.scoring.batch_size,
        classes=section.classes if section.answers == "class" else (),
    )
