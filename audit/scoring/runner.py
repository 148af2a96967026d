"""Runs the detector of a plan over its evaluation set, and leaves every row decided, abstained or failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from audit.detectors.protocol import (
    Detector,
    DetectorInfo,
    TableDetector,
    table_detector,
)
from audit.errors import DetectorGoneError, RunInterruptedError
from audit.isolation.choosing import contained, ran_in
from audit.isolation.options import IN_PROCESS, Isolating
from audit.scoring.interrupts import finishing_batches
from audit.scoring.kept_rows import rows_kept_in
from audit.scoring.progress import NoProgress, Progress
from audit.scoring.rounds import Rounds
from audit.scoring.scored import Scored
from audit.scoring.withholding import advance, opened, told, withheld

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.plan import AuditPlan
    from audit.result import SystemDescription
    from audit.scoring.answer_table import AnswerTable
    from audit.scoring.checkpoint import Checkpoint, Leg
    from audit.scoring.decisions import AnswerSource, Decided
    from audit.scoring.rules import DecisionRule


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
    keeping : Keeping, optional
        Where answers are kept, so that a run that is interrupted can go on; of no use for a table in memory.
    rounds : int, optional
        How often the detector is asked about every row; as the plan says by default.
    isolating : Isolating, optional
        Where the detector is run.

    Raises
    ------
    AuditError
        The detector cannot be loaded, its answers cannot be used as a whole, or the file cannot be written; or the run
        was interrupted, and can go on.
    """
    from audit.scoring.decisions import decide, keep_rounds
    from audit.scoring.predictions_file import write_predictions
    from audit.scoring.rules import decision_rule

    rule = decision_rule(plan.detector)
    detector = contained(plan, folder, isolating)
    table = table_detector(detector)
    if table is not None:
        source = _answers_in_table(table, evaluation_set, plan.evaluation_set.id)
        decided = decide(evaluation_set, source, rule)
        return Scored(_describe(plan, table.info, rule, decided), table.info.artefact_sha256, decided.tally, {})
    run = cast("Detector", detector)
    kept = None if evaluation_set.sha256 is None else keeping
    batches = Rounds(plan, run, evaluation_set, plan.scoring.repeat if rounds is None else rounds)
    tables, info, legs = _run(batches, folder, progress or NoProgress(), kept)
    sources = [each.create() for each in tables]
    decided = decide(evaluation_set, sources[0], rule)
    asked = keep_rounds(evaluation_set, sources, decided, rule)
    if predictions_to is not None:
        write_predictions(evaluation_set, sources[0], decided.decision, predictions_to)
    facts = info.artefact_sha256, decided.tally, tables[0].failures, legs, asked, ran_in(detector)
    return Scored(_describe(plan, info, rule, decided), *facts)


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


class Keeping(NamedTuple):
    """Where the answers of a run are kept, and what the run is."""

    checkpoint: Checkpoint
    identity: Mapping[str, Any]
    """As for `Checkpoint.begin`, without what is known only when set and detector are open."""


def _run(
    batches: Rounds, folder: Path, progress: Progress, keeping: Keeping | None
) -> tuple[list[AnswerTable], DetectorInfo, tuple[Leg, ...]]:
    from audit.scoring.answer_table import AnswerTable, table_name
    from audit.scoring.batches import check_features
    from audit.scoring.context import run_context
    from audit.scoring.in_flight import InFlight, workers_of

    section, detector, evaluation_set = batches.section, batches.detector, batches.set
    check_features(section.features)
    tables = [AnswerTable(evaluation_set, section, table_name(place)) for place in range(batches.rounds)]
    legs: tuple[Leg, ...] = ()
    with InFlight(detector) as flight, opened(detector, section.kind, run_context(batches.plan, folder)):
        with withheld(f"detector kind {section.kind}"):
            batches.answer_by(flight, workers_of(detector))
        if keeping is None:
            with told(progress, batches.rows):
                for place, rows, checked in batches.scored():
                    tables[place].add(rows, checked)
                    advance(progress, checked, detector)
        else:
            legs = _run_keeping(keeping, tables, progress, batches)
        with withheld(f"detector kind {section.kind}"):
            info = detector.info
    return tables, info, legs


def _run_keeping(
    keeping: Keeping, tables: Sequence[AnswerTable], progress: Progress, batches: Rounds
) -> tuple[Leg, ...]:
    """Score with answers kept; ends after the batch where somebody asks for it."""
    with keeping.checkpoint as checkpoint, finishing_batches(progress.stopping) as stop:
        identity = {
            **keeping.identity,
            "evaluation_set": batches.set.sha256,
            "detector": batches.detector.info.artefact_sha256,
            "rows": batches.rows,
        }
        checkpoint.begin(identity)
        try:
            batches.believe(checkpoint)
            before = checkpoint.rows_kept
            if before:
                progress.kept(before)
            with rows_kept_in(checkpoint.row_file, batches.detector), told(progress, batches.rows - before):
                for place, rows, checked, scored in batches.kept_or_scored(checkpoint):
                    tables[place].add(rows, checked)
                    if scored:
                        advance(progress, checked, batches.detector)
                    if stop.asked:
                        raise KeyboardInterrupt
        except KeyboardInterrupt:
            checkpoint.flush()
            if not checkpoint.rows_kept and not checkpoint.row_file.exists():
                raise
            raise _interrupted(checkpoint.rows_kept, batches.rows) from None
        except DetectorGoneError:
            checkpoint.flush()
            raise
        checkpoint.complete()
        return checkpoint.legs


def _interrupted(kept: int, rows: int) -> RunInterruptedError:
    said = f"{kept:,} of {rows:,} rows are scored and kept" if kept else "answers to rows of the first batch are kept"
    return RunInterruptedError(
        f"interrupted: {said}",
        slug="interrupted",
        hint="run the same command again: it goes on where it stopped",
    )


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
