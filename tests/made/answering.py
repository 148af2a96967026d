"""Made-up accounts of how a detector answered, put into the made-up results of `made.results`."""

from __future__ import annotations

from typing import Any

from audit.plan.sections import ScoringSection
from audit.result.audit_result import AuditResult
from audit.result.findings.further import FailedRows, SelfDisagreement
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.statuses import Reason, Status

WOMEN = Group((Level("gender", "level", "woman"),))


def answering(base: AuditResult) -> dict[str, Any]:
    """Failures that add up to those of everyone, and a second round."""
    failed = base.rows[0].failed
    return {
        "failures": (
            _failed(Group(()), Status.TIMEOUT, None, failed - 4),
            _failed(Group(()), Status.INVALID_OUTPUT, Reason.OUT_OF_RANGE, 4),
            _failed(WOMEN, Status.TIMEOUT, None, 9),
        ),
        "self_disagreement": (
            _again(Group(()), base.rows[0].scored, 130),
            _again(WOMEN, 20_000, 70),
        ),
        "plan": base.plan.model_copy(update={"scoring": ScoringSection(repeat=2)}),
    }


def _failed(group: Group, status: Status, reason: Reason | None, rows: int) -> FailedRows:
    return FailedRows(group=group, status=status, reason=reason, rows=rows)


def _again(group: Group, answered: int, differ: int) -> SelfDisagreement:
    return SelfDisagreement(
        group=group,
        answered=answered,
        decisions_differ=differ,
        share=differ / answered,
        low=0.9 * differ / answered,
        high=1.1 * differ / answered,
        level=0.95,
        scores_differ=4 * differ,
        largest_difference=0.25,
        answered_sometimes=7,
    )
