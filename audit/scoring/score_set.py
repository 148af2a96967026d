"""Score a set: by answers that exist already, by a detector that runs here, or on Spark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from audit.detectors.isolation.options import IN_PROCESS, Isolating
from audit.detectors.isolation.placement import place_restartable_detector, where_it_ran
from audit.detectors.protocol import Detector, TableDetector, table_detector
from audit.engines.duckdb import DuckDBEngine
from audit.scoring.answer_table import AnswerTable, table_name
from audit.scoring.batches import SetRows
from audit.scoring.decisions import create_round_views, create_scored_view
from audit.scoring.on_spark import score_on_spark
from audit.scoring.predictions_file import write_predictions
from audit.scoring.progress import NoProgress, Progress
from audit.scoring.rounds import Rounds
from audit.scoring.rules import decision_rule
from audit.scoring.runner import Keeping, describe, run_rounds
from audit.scoring.scored import AnswerSource, Scored

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.plan.answers import ModelDetector
    from audit.plan.audit_plan import AuditPlan
    from audit.plan.detectors import Detector as DetectorSection
    from audit.plan.evaluation_set import EvaluationSetSection
    from audit.plan.sections import Groups


def score(
    plan: AuditPlan,
    evaluation_set: EvaluationSet,
    folder: Path,
    *,
    progress: Progress | None = None,
    predictions_to: Path | None = None,
    keeping: Keeping | None = None,
    rounds: int | None = None,
    isolating: Isolating = IN_PROCESS,
) -> Scored:
    """Score a set and create the view `scored` in its connection; see `audit.scoring.decisions.create_scored_view`.

    Parameters
    ----------
    plan, evaluation_set
        The set is opened with the same plan.
    folder : Path
        The folder of the plan; paths in `[detector]` are relative to it.
    progress, predictions_to : optional
        Where progress is shown, and where to write `predictions.parquet`, whole or not at all, if the detector is run.
    keeping : Keeping, optional
        Where answers are kept, so that an interrupted run can go on; not used for a table in memory.
    rounds, isolating : optional
        How often the detector is asked about every row, by default as often as the plan says; and where it is run.

    Raises
    ------
    AuditError
        The detector cannot be loaded or used, the file cannot be written, or the run was interrupted and can go on.
    """
    detector = place_restartable_detector(plan, folder, isolating)
    table = table_detector(detector)
    if table is not None:
        return _answered_already(plan.groups, plan.evaluation_set, plan.detector, evaluation_set, table)

    progress = progress or NoProgress()
    if not isinstance(evaluation_set.engine, DuckDBEngine):
        return score_on_spark(plan, evaluation_set, folder, progress, keeping, isolating)
    rule = decision_rule(plan.detector)
    run, section = cast("Detector", detector), cast("ModelDetector", plan.detector)
    batches = Rounds(plan, run, SetRows(evaluation_set, section.features, plan.scoring), rounds or plan.scoring.repeat)
    tables = [AnswerTable(evaluation_set, section, table_name(index)) for index in range(batches.rounds)]
    info, legs = run_rounds(batches, tables, folder, progress, keeping)
    sources = [answer_table.create() for answer_table in tables]
    decided = create_scored_view(evaluation_set, sources[0], rule)
    if predictions_to is not None:
        write_predictions(evaluation_set, sources[0], decided.decision, predictions_to, batches.classes)
    round_count, where = create_round_views(evaluation_set, sources, decided, rule), where_it_ran(detector)
    system = describe(plan.groups, plan.evaluation_set, plan.detector, info, rule, decided)
    more = (info.course, sources[0], info.digest_is_whole)
    return Scored(system, info.artefact_sha256, decided.tally, tables[0].failures, legs, round_count, where, *more)


def _answered_already(
    group_features: Groups,
    set_section: EvaluationSetSection,
    detector_section: DetectorSection,
    evaluation_set: EvaluationSet,
    detector: TableDetector,
) -> Scored:
    answers = AnswerSource.of_table(detector.find_answers(evaluation_set, set_section.id))
    rule, info = decision_rule(detector_section), detector.info
    decided = evaluation_set.engine.with_little_memory(lambda: create_scored_view(evaluation_set, answers, rule))
    return Scored(
        describe(group_features, set_section, detector_section, info, rule, decided),
        info.artefact_sha256,
        decided.tally,
        {},
        answers=answers,
    )
