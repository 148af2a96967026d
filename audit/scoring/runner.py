"""Runs the detector of a plan over its evaluation set, and leaves every row decided, abstained or failed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from audit.detectors.protocol import (
    Detector,
    DetectorInfo,
    Reason,
    RunContext,
    Status,
    TableDetector,
    table_detector,
)
from audit.errors import AuditError, DetectorError, RunInterruptedError
from audit.evaluation.quoting import shown
from audit.isolation.choosing import contained, ran_in
from audit.isolation.options import IN_PROCESS, Isolating
from audit.scoring.interrupts import finishing_batches
from audit.scoring.progress import NoProgress, Progress
from audit.scoring.scored import Scored

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.detectors.answers import CheckedAnswers
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.plan import AuditPlan
    from audit.result import SystemDescription
    from audit.scoring.answer_table import AnswerTable
    from audit.scoring.checkpoint import Checkpoint, Leg
    from audit.scoring.decisions import AnswerSource, Decided, DecisionRule
    from audit.scoring.in_flight import InFlight


def score(
    plan: AuditPlan,
    evaluation_set: EvaluationSet,
    folder: Path,
    *,
    progress: Progress | None = None,
    predictions_to: Path | None = None,
    keeping: Keeping | None = None,
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
    isolating : Isolating, optional
        Where the detector is run.

    Raises
    ------
    AuditError
        The detector cannot be loaded, its answers cannot be used as a whole, or the file cannot be written; or the run
        was interrupted, and can go on.
    """
    detector = contained(plan, folder, isolating)
    failures: Mapping[tuple[Status, Reason | None], int] = {}
    legs: tuple[Leg, ...] = ()
    table = table_detector(detector)
    if table is not None:
        answers = _answers_in_table(table, evaluation_set, plan.evaluation_set.id)
        info = table.info
    else:
        run = cast("Detector", detector)
        kept = None if evaluation_set.sha256 is None else keeping
        answers, failures, info, legs = _run(plan, run, evaluation_set, folder, progress or NoProgress(), kept)
    from audit.scoring.decisions import decide

    rule = decision_rule(plan.detector)
    decided = decide(evaluation_set, answers, rule)
    if predictions_to is not None and table is None:
        from audit.scoring.predictions_file import write_predictions

        write_predictions(evaluation_set, answers, decided.decision, predictions_to)
    system = _describe(plan, info, rule, decided)
    return Scored(system, info.artefact_sha256, decided.tally, failures, legs, ran_in(detector))


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
    plan: AuditPlan,
    detector: Detector,
    evaluation_set: EvaluationSet,
    folder: Path,
    progress: Progress,
    keeping: Keeping | None,
) -> tuple[AnswerSource, Mapping[tuple[Status, Reason | None], int], DetectorInfo, tuple[Leg, ...]]:
    from audit.scoring.answer_table import AnswerTable
    from audit.scoring.batches import check_features
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
    with InFlight(detector) as flight, opened(detector, section.kind, context):
        with withheld(f"detector kind {section.kind}"):
            workers = workers_of(detector)
        batches = _Batches(plan, detector, evaluation_set, flight, workers)
        if keeping is None:
            with told(progress, evaluation_set.rows):
                for rows, checked in batches.scored():
                    table.add(rows, checked)
                    progress.advance(len(rows))
            legs: tuple[Leg, ...] = ()
        else:
            legs = _run_keeping(keeping, detector, evaluation_set, table, progress, batches)
        with withheld(f"detector kind {section.kind}"):
            info = detector.info
    answers = table.create()
    return answers, table.failures, info, legs


class _Batches:
    """The batches of a set with their answers: those that were kept, or the detector's."""

    def __init__(
        self, plan: AuditPlan, detector: Detector, evaluation_set: EvaluationSet, flight: InFlight, workers: int
    ) -> None:
        self._plan = plan
        self._section: Any = plan.detector
        self._detector = detector
        self._set = evaluation_set
        self._flight = flight
        self._workers = workers

    def scored(self) -> Iterator[tuple[pa.Array, CheckedAnswers]]:
        """Numbers of rows, and what the detector answers, batch by batch."""
        asked = (((number, rows), batch) for number, rows, batch in self._read())
        for (number, rows), batch, answer in self._flight.ask(asked, self._workers):
            assert batch is not None  # noqa: S101 - as it was asked
            yield rows, self._checked(number, batch, answer)

    def kept_or_scored(self, checkpoint: Checkpoint) -> Iterator[tuple[pa.Array, CheckedAnswers, bool]]:
        """The same with what a checkpoint has, and whether it was scored just now; and there it is kept."""
        asked = self._unless_kept(checkpoint)
        for (number, rows, kept), batch, answer in self._flight.ask(asked, self._workers):
            if batch is None:
                assert kept is not None  # noqa: S101 - as `_unless_kept` says
                yield rows, kept, False
            else:
                answers = self._checked(number, batch, answer)
                checkpoint.keep(number, answers)
                yield rows, answers, True

    def _unless_kept(
        self, checkpoint: Checkpoint
    ) -> Iterator[tuple[tuple[int, pa.Array, CheckedAnswers | None], pa.RecordBatch | None]]:
        """Number, rows and kept answers of each batch; and the batch itself where it has to be asked about."""
        for number, rows, batch in self._read():
            kept = checkpoint.answers(number, batch.num_rows)
            yield (number, rows, kept), (batch if kept is None else None)

    def believe(self, checkpoint: Checkpoint) -> None:
        """Ask for one of the batches again that were kept, where no digest says that the detector is the same.

        Raises
        ------
        ResumeError
            It is another one, and the run is not complete. Of a complete run the answers are thrown away.
        """
        if self._detector.info.digest_is_whole or not checkpoint.rows_kept:
            return
        for number, _, batch in self._read():
            kept = checkpoint.answers(number, batch.num_rows)
            if kept is not None:
                if self._answers_otherwise(kept, number, batch):
                    checkpoint.disbelieve()
                return

    def _answers_otherwise(self, kept: CheckedAnswers, number: int, batch: pa.RecordBatch) -> bool:
        """Whether the detector is seen to be another one than when it gave the answers that were kept.

        One that never answers twice in the same way cannot be told from another, and is taken at its word.
        """
        from audit.scoring.parts import same_answers

        first = self._answer(number, batch)
        return not same_answers(first, kept) and same_answers(first, self._answer(number, batch))

    def _read(self) -> Iterator[tuple[int, pa.Array, pa.RecordBatch]]:
        from audit.scoring.batches import read_batches

        pieces = read_batches(self._set, self._section.features, self._plan.scoring)
        return ((number, rows, batch) for number, (rows, batch) in enumerate(pieces))

    def _answer(self, number: int, batch: pa.RecordBatch) -> CheckedAnswers:
        return self._checked(number, batch, lambda: self._detector.score(batch))

    def _checked(self, number: int, batch: pa.RecordBatch, answer: Callable[[], pa.RecordBatch]) -> CheckedAnswers:
        from audit.scoring.accept import accept_answer

        section = self._section
        where = f"detector kind {section.kind}, batch {number + 1}"
        with withheld(where):
            answered = answer()
        return accept_answer(answered, batch.column(0), section.answers, section.score_range, where=where)


def _run_keeping(
    keeping: Keeping,
    detector: Detector,
    evaluation_set: EvaluationSet,
    table: AnswerTable,
    progress: Progress,
    batches: _Batches,
) -> tuple[Leg, ...]:
    """Score with answers kept; ends after the batch where somebody asks for it."""
    with keeping.checkpoint as checkpoint, finishing_batches(progress.stopping) as stop:
        identity = {
            **keeping.identity,
            "evaluation_set": evaluation_set.sha256,
            "detector": detector.info.artefact_sha256,
            "rows": evaluation_set.rows,
        }
        checkpoint.begin(identity)
        try:
            batches.believe(checkpoint)
            before = checkpoint.rows_kept
            if before:
                progress.kept(before)
            with told(progress, evaluation_set.rows - before):
                for rows, checked, scored in batches.kept_or_scored(checkpoint):
                    table.add(rows, checked)
                    if scored:
                        progress.advance(len(rows))
                    if stop.asked:
                        raise KeyboardInterrupt
        except KeyboardInterrupt:
            checkpoint.flush()
            if not checkpoint.rows_kept:
                raise
            raise _interrupted(checkpoint.rows_kept, evaluation_set.rows) from None
        checkpoint.complete()
        return checkpoint.legs


def _interrupted(kept: int, rows: int) -> RunInterruptedError:
    return RunInterruptedError(
        f"interrupted: {kept:,} of {rows:,} rows are scored and kept",
        slug="interrupted",
        hint="run the same command again: it goes on where it stopped",
    )


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
