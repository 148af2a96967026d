"""Everything that rows become for one audit, scan by scan. Below this line there are only numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit.counting.answer_tallies import GroupTallies, count_disagreement, count_failures
from audit.counting.control_sample import IN_CONTROL_SAMPLE, count_control_sample
from audit.counting.controls import count_controls
from audit.counting.count import SCORED, count_cases
from audit.counting.count_moments import count_moments
from audit.counting.moments import Moments
from audit.counting.scan_cells import ScanCells, count_scan_cells
from audit.counting.score_table import ScoreTable, count_scored
from audit.counting.table import FAILED, CountsTable
from audit.evaluation.connection import sparingly
from audit.evaluation.reference_table import ReferenceTable, read_reference_table
from audit.plan.audit_plan import AuditPlan
from audit.vocabulary.statuses import Reason, Status

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

__all__ = ["Counted", "count_everything"]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a scored set was reduced to."""

    table: CountsTable
    """Group x label x decision: the ground of every verdict."""
    moments: Moments | None = None
    """Sums of weights, and over clusters; None where the plan has neither."""
    scores: ScoreTable | None = None
    """Group x label x score bin; None where the detector gives decisions only."""
    controls: CountsTable | None = None
    """The table by control features as well; None where the plan has none."""
    control_sample: CountsTable | None = None
    """The table of the cases drawn at random; None where the plan names none."""
    control_moments: Moments | None = None
    """Their sums of weights, and over clusters."""
    scan: ScanCells | None = None
    """Cells of the subgroup search; None where the plan asks for none."""
    reference: ReferenceTable | None = None
    """What is known from elsewhere; None where the plan names no table."""
    failures: tuple[tuple[tuple[Status, Reason | None], ...], GroupTallies] | None = None
    """Rows without a usable answer, by what went wrong; None for answers that were there already."""
    disagreement: GroupTallies | None = None
    """Rows on which the detector contradicts itself; None where it was asked once."""


def count_everything(
    evaluation_set: EvaluationSet, plan: AuditPlan, folder: Path, *, details: bool = True, rounds: int = 0
) -> Counted:
    """Count the scored set for every question that `plan` asks.

    Parameters
    ----------
    details
        Whether to count what no verdict needs.
    rounds
        How often a detector was asked about the set; 0 where its answers were there already.

    Raises
    ------
    DataError
        If the file cannot be read any more, or the reference table cannot be used.
    """
    return sparingly(
        evaluation_set.connection, lambda: _count(evaluation_set, plan, folder, details=details, rounds=rounds)
    )


def _count(evaluation_set: EvaluationSet, plan: AuditPlan, folder: Path, *, details: bool, rounds: int) -> Counted:
    scores: ScoreTable | None = None
    if details and plan.detector.has_scores:
        table, scores = count_scored(evaluation_set, plan.detector.score_range, plan.detector.threshold)
    else:
        table = count_cases(evaluation_set)
    moments = count_moments(evaluation_set)
    if not details:
        return Counted(table, moments)
    return Counted(
        table=table,
        moments=moments,
        scores=scores,
        controls=count_controls(evaluation_set, plan),
        control_sample=(drawn := count_control_sample(evaluation_set)),
        control_moments=None if drawn is None else _control_moments(evaluation_set),
        scan=count_scan_cells(evaluation_set, plan),
        reference=read_reference_table(evaluation_set, plan, folder),
        failures=count_failures(evaluation_set) if rounds and _any_failed(table) else None,
        disagreement=count_disagreement(evaluation_set, rounds),
    )


def _any_failed(table: CountsTable) -> bool:
    return bool(table.cells[:, :, FAILED].any())


def _control_moments(evaluation_set: EvaluationSet) -> Moments | None:
    evaluation_set.connection.execute(
        f"CREATE OR REPLACE TEMP VIEW drawn_at_random AS SELECT * FROM {SCORED} WHERE {IN_CONTROL_SAMPLE}"  # noqa: S608
    )
    return count_moments(evaluation_set, "drawn_at_random")
