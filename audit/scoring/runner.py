"""Runs the detector of a plan over its evaluation set, and leaves every row decided, abstained or failed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from audit.detectors.protocol import (
    Detector,
    DetectorInfo,
    Reason,
    RunContext,
    Status,
    TableDetector,
    table_detector,
)
from audit.detectors.registry import make_detector
from audit.errors import AuditError, DetectorError
from audit.evaluation.quoting import shown
from audit.scoring.progress import NoProgress, Progress
from audit.scoring.scored import Scored

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.plan import AuditPlan
    from audit.result import SystemDescription
    from audit.scoring.decisions import AnswerSource, Decided, DecisionRule


def score(
    plan: AuditPlan,
    evaluation_set: EvaluationSet,
    folder: Path,
    *,
    progress: Progress | None = None,
    predictions_to: Path | None = None,
) -> Scored:
    """Score a set and create the view `scored` in its connection; see `audit.scoring.decisions.decide`.

    Parameters
    ----------
    plan : AuditPlan
    evaluation_set : EvaluationSet
        Opened with the same plan.
    folder : Path
        The folder of the plan; paths in `[detector]` are relative to it.
    progress : Progress, optional
        Where progress is told.
    predictions_to : Path, optional
        Where to write `predictions.parquet`, for a detector that is run. Written whole or not at all.

    Raises
    ------
    AuditError
        The detector cannot be loaded, its answers cannot be used as a whole, or the file cannot be written.
    """
    detector = make_detector(plan.detector, folder)
    failures: Mapping[tuple[Status, Reason | None], int] = {}
    table = table_detector(detector)
    if table is not None:
        answers = _answers_in_table(table, evaluation_set, plan.evaluation_set.id)
        info = table.info
    else:
        run = cast("Detector", detector)
        answers, failures, info = _run(plan, run, evaluation_set, folder, progress or NoProgress())
    from audit.scoring.decisions import decide

    rule = decision_rule(plan.detector)
    decided = decide(evaluation_set, answers, rule)
    if predictions_to is not None and table is None:
        from audit.scoring.predictions_file import write_predictions

        write_predictions(evaluation_set, answers, decided.decision, predictions_to)
    return Scored(_describe(plan, info, rule, decided), info.artefact_sha256, decided.tally, failures)


def _answers_in_table(detector: TableDetector, evaluation_set: EvaluationSet, id_column: str) -> AnswerSource:
    from audit.scoring.decisions import AnswerSource

    found = detector.find_answers(evaluation_set, id_column)
    answer = found.score if found.decision is None else found.decision
    return AnswerSource(
        relation=found.relation,
        score="NULL::DOUBLE" if found.score is None else f"({found.score})",
        flagged="NULL::BOOLEAN" if found.decision is None else f"({found.decision})",
        abstained=f"({answer}) IS NULL",
    )


def _run(
    plan: AuditPlan, detector: Detector, evaluation_set: EvaluationSet, folder: Path, progress: Progress
) -> tuple[AnswerSource, Mapping[tuple[Status, Reason | None], int], DetectorInfo]:
    from audit.scoring.accept import accept_answer
    from audit.scoring.answer_table import AnswerTable
    from audit.scoring.batches import check_features, read_batches
    from audit.scoring.in_flight import InFlight, workers_of

    section: Any = plan.detector
    check_features(section.features)
    table = AnswerTable(evaluation_set, section.answers)
    context = RunContext(
        folder=folder,
        columns=section.features,
        answers=section.answers,
        score_range=section.score_range,
        batch_size=plan.scoring.batch_size,
    )
    with InFlight(detector) as flight, opened(detector, section.kind, context), told(progress, evaluation_set.rows):
        with withheld(f"detector kind {section.kind}"):
            workers = workers_of(detector)
        batches = flight.ask(read_batches(evaluation_set, section.features, plan.scoring), workers)
        for number, (rows, batch, answer) in enumerate(batches, start=1):
            where = f"detector kind {section.kind}, batch {number}"
            with withheld(where):
                answered = answer()
            row_ids = batch.column(0)
            table.add(rows, accept_answer(answered, row_ids, section.answers, section.score_range, where=where))
            progress.advance(batch.num_rows)
        with withheld(f"detector kind {section.kind}"):
            info = detector.info
    answers = table.create()
    return answers, table.failures, info


@contextlib.contextmanager
def opened(detector: Detector, kind: str, context: RunContext) -> Iterator[None]:
    """Open a detector, and close it whatever happens; an error while closing never hides an earlier one."""
    try:
        with withheld(f"detector kind {kind}, while it was opened"):
            detector.open(context)
        yield
    except BaseException:
        with contextlib.suppress(Exception, SystemExit):
            detector.close()
        raise
    with withheld(f"detector kind {kind}, while it was closed"):
        detector.close()


@contextlib.contextmanager
def told(progress: Progress, rows: int) -> Iterator[None]:
    """Tell of the beginning and of the end, whatever happens between them."""
    progress.begin(rows)
    try:
        yield
    finally:
        progress.end()


@contextlib.contextmanager
def withheld(where: str) -> Iterator[None]:
    """Turn what a detector raises into one line that names its type: its text can quote a row.

    SystemExit is among it. A detector that leaves the process with code 0 would look like a pass.
    """
    try:
        yield
    except AuditError:
        raise
    except (Exception, SystemExit) as error:
        raise DetectorError(
            f"{where}: it raised {type(error).__name__}",
            slug="detector-raised",
            hint="its text is withheld because it can quote a row",
        ) from None


def decision_rule(section: Any) -> DecisionRule:
    """When a case is flagged, by a `[detector]` section."""
    from audit.scoring.decisions import DecisionRule

    column = getattr(section, "decision", None)
    source = "the detector" if column is None else f"the column {shown(column)}"
    return DecisionRule(threshold=section.threshold, top_k=section.top_k, source=source)


def _describe(plan: AuditPlan, info: DetectorInfo, rule: DecisionRule, decided: Decided) -> SystemDescription:
    from audit.result import SystemDescription

    given = getattr(plan.detector, "features", ())
    sensitive = [name for name, feature in plan.groups.items() if feature.column in given]
    if plan.evaluation_set.label in given:
        sensitive.append("label")
    notes = [*info.notes, *decided.notes]
    if plan.evaluation_set.id in given:
        notes.append("The detector is given the column that names the cases.")
    return SystemDescription(
        kind=info.kind,
        name=info.name,
        decision=rule.words,
        features=given,
        sensitive_features_used=tuple(sensitive),
        near_threshold=decided.tally.near_threshold,
        ties_at_capacity=decided.ties_at_capacity,
        notes=tuple(notes),
    )
