"""Count everything that an audit needs, scan by scan. Beyond this point there are only numbers.

Count the cases that were drawn at random: they check whom the labels of the other cases are about.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from audit.counting.answer_tallies import count_disagreement, count_failures
from audit.counting.controls import count_controls
from audit.counting.count import (
    SCORED,
    Second,
    count_abstentions,
    count_cases,
    count_moments,
    count_text,
    counts_by_group,
)
from audit.counting.scan_cells import count_scan_cells
from audit.counting.score_table import count_cases_and_scores
from audit.counting.table import FAILED, CountsTable
from audit.evaluation.reference_table import read_reference_table
from audit.plan.audit_plan import AuditPlan
from audit.stages import Scope
from audit.vocabulary.statuses import Reason, Status

if TYPE_CHECKING:
    from audit.counting.answer_tallies import GroupTallies
    from audit.counting.moments import Moments
    from audit.counting.scan_cells import ScanCells
    from audit.counting.score_table import ScoreTable
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.evaluation.reference_table import ReferenceTable


IN_CONTROL_SAMPLE: Final = "in_control_sample"
"""Column of the scored set: whether a row is in the control sample."""


def count_control_sample(evaluation_set: EvaluationSet) -> CountsTable | None:
    """Count the rows of the scored set that are in the control sample; None if the plan names none.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring: it has the columns for `audit.counting.count.count_cases`, and
        `in_control_sample` (BOOLEAN) if the plan has a control sample.

    Raises
    ------
    DataError
        The file cannot be read any more.
    AssertionError
        A row has no decision: a defect of this tool.
    """
    if IN_CONTROL_SAMPLE not in evaluation_set.expressions:
        return None
    features = [feature.name for feature in evaluation_set.features]
    text = count_text(SCORED, [f"group_{name}" for name in features], only=IN_CONTROL_SAMPLE)
    counted = evaluation_set.rows_of(text)
    return counts_by_group(features, counted, [evaluation_set.codes[name] for name in features])


class Counted(NamedTuple):
    """All counts of a scored set."""

    table: CountsTable
    """Group x label x decision: the basis of every verdict."""
    moments: Moments | None = None
    """Sums of weights and over clusters; None if the plan has neither."""
    scores: ScoreTable | None = None
    """Group x label x score bin; None if the detector gives decisions only."""
    controls: CountsTable | None = None
    """Group x control features x label x decision; None if the plan has no control features."""
    control_sample: CountsTable | None = None
    """Group x label x decision of the control sample; None if the plan names none."""
    control_moments: Moments | None = None
    """Sums of weights and over clusters of the control sample."""
    scan: ScanCells | None = None
    """Cells of the subgroup search; None if the plan asks for none."""
    reference: ReferenceTable | None = None
    """The reference table of the plan; None if it names none."""
    failures: tuple[tuple[tuple[Status, Reason | None], ...], GroupTallies] | None = None
    """Rows without a usable answer, by status and reason; None if no row failed or the detector was not run."""
    disagreement: GroupTallies | None = None
    """Rows on which the detector contradicts itself; None if it was asked once."""
    second: Second = Second()
    """The set counted again for questions beside that of the detector's flag."""
    abstained: CountsTable | None = None
    """Rows on which the detector abstained; None if the plan does not say what they count as."""
    added_over: tuple[str, ...] = ()
    """Columns of a table of counts over which its rows were added up, because the plan does not name them."""


def count_everything(
    evaluation_set: EvaluationSet, plan: AuditPlan, folder: Path, scope: Scope = Scope.DETAILS, *, rounds: int = 0
) -> Counted:
    """Count the scored set for every question that `plan` asks.

    Parameters
    ----------
    scope
        Counts that no verdict needs are made with details alone.
    rounds
        How often the detector was asked about the set; 0 if its answers were there already.

    Raises
    ------
    DataError
        The file cannot be read any more, or the reference table cannot be used.
    """
    counted = evaluation_set.engine.with_little_memory(
        lambda: _count(evaluation_set, plan, folder, scope, rounds=rounds)
    )
    return counted._replace(added_over=evaluation_set.source.added_over)


def _count(evaluation_set: EvaluationSet, plan: AuditPlan, folder: Path, scope: Scope, *, rounds: int) -> Counted:
    if not scope.has_details:
        return Counted(
            count_cases(evaluation_set), _moments(evaluation_set), abstained=_abstained(evaluation_set, plan)
        )
    scores: ScoreTable | None = None
    if plan.detector.has_scores:
        table, scores = count_cases_and_scores(evaluation_set, plan.detector.score_range, plan.detector.threshold)
    else:
        table = count_cases(evaluation_set)
    moments = _moments(evaluation_set)
    return Counted(
        table=table,
        moments=moments,
        scores=scores,
        controls=count_controls(evaluation_set, plan.control_features),
        control_sample=(drawn := count_control_sample(evaluation_set)),
        control_moments=None if drawn is None else _control_moments(evaluation_set),
        scan=count_scan_cells(evaluation_set, plan.evaluation_set, plan.scan),
        reference=read_reference_table(evaluation_set, plan.groups, plan.reference_table, folder),
        failures=count_failures(evaluation_set) if rounds and table.cells[:, :, FAILED].any() else None,
        disagreement=count_disagreement(evaluation_set, rounds),
        abstained=_abstained(evaluation_set, plan),
    )


def _abstained(evaluation_set: EvaluationSet, plan: AuditPlan) -> CountsTable | None:
    return None if plan.detector.abstention_means is None else count_abstentions(evaluation_set)


def _moments(evaluation_set: EvaluationSet, relation: str = SCORED) -> Moments | None:
    if evaluation_set.counts_alike:
        return None
    return count_moments(evaluation_set, relation)


def _control_moments(evaluation_set: EvaluationSet) -> Moments | None:
    evaluation_set.engine.execute(
        f"CREATE OR REPLACE TEMP VIEW drawn_at_random AS SELECT * FROM {SCORED} WHERE {IN_CONTROL_SAMPLE}"  # noqa: S608
    )
    return _moments(evaluation_set, "drawn_at_random")
