"""Run the detector of a plan over batches of rows, from its opening to its end, and keep the answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from audit.detectors.in_flight import InFlight, retries_of, workers_of
from audit.detectors.protocol import Detector, DetectorInfo, RunContext
from audit.errors import DetectorGoneError, RunInterruptedError
from audit.plan.answers import ModelDetector
from audit.result.findings.system import SystemDescription
from audit.scoring.foreign_errors import error_text_withheld, open_detector
from audit.scoring.kept_rows import rows_kept_in
from audit.scoring.progress import Progress
from audit.scoring.rounds import Rounds
from audit.vocabulary.sentences import SENTENCES

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.detectors.answers import CheckedAnswers
    from audit.plan.detectors import Detector as DetectorSection
    from audit.plan.evaluation_set import EvaluationSetSection
    from audit.plan.sections import Groups, ScoringSection
    from audit.scoring.checkpoint import Checkpoint, Leg
    from audit.scoring.decisions import Decided
    from audit.scoring.rules import DecisionRule


class Keeping(NamedTuple):
    """The checkpoint of a run, and the identity of the run."""

    checkpoint: Checkpoint
    identity: Mapping[str, Any]
    """The identity for `Checkpoint.begin`, without the keys that are known only when set and detector are open."""


class Taker(Protocol):
    """A receiver of the answers of a round, batch by batch."""

    def add(self, rows: pa.Array, checked: CheckedAnswers) -> None:
        """Take the answers to one batch; `rows` holds the numbers of its rows."""


def run_rounds(
    batches: Rounds, takers: Sequence[Taker], folder: Path, progress: Progress, keeping: Keeping | None
) -> tuple[DetectorInfo, tuple[Leg, ...]]:
    """Open the detector, ask it about every batch as often as `batches` says, and close it.

    Parameters
    ----------
    batches : Rounds
    takers : sequence of Taker
        One for each round.
    folder : Path
        The folder of the plan.
    progress : Progress
    keeping : Keeping, optional
        Where answers are kept; not used for a source without a digest.

    Returns
    -------
    info : DetectorInfo
        The description of the detector after the last batch.
    legs : tuple of (str, str)
        The stretches of work, if answers were kept.

    Raises
    ------
    AuditError
        The detector cannot be opened or cannot go on; or the run was interrupted, and can go on.
    """
    kind, detector = batches.section.kind, batches.detector
    legs: tuple[Leg, ...] = ()
    with (
        InFlight(detector.score) as flight,
        open_detector(detector, kind, run_context(batches.plan.detector, batches.plan.scoring, folder)),
    ):
        with error_text_withheld(f"detector kind {kind}"):
            batches.answer_by(flight, workers_of(detector))
        if keeping is None or batches.source.sha256 is None:
            with progress_shown(progress, batches.rows):
                for index, rows, checked in batches.scored():
                    takers[index].add(rows, checked)
                    _advance(progress, checked, detector)
                    if progress.stop_asked():
                        raise KeyboardInterrupt
            with error_text_withheld(f"detector kind {kind}"):
                info = detector.info
        else:
            info, legs = _run_keeping(keeping, takers, progress, batches)
    return info, legs


def _run_keeping(
    keeping: Keeping, takers: Sequence[Taker], progress: Progress, batches: Rounds
) -> tuple[DetectorInfo, tuple[Leg, ...]]:
    """Score and keep the answers. The run ends after the current batch if somebody asks for it."""
    with keeping.checkpoint as checkpoint:
        identity = {
            **keeping.identity,
            "evaluation_set": batches.source.sha256,
            "detector": batches.detector.info.artefact_sha256,
            "rows": batches.rows,
        }
        checkpoint.begin(identity)
        try:
            batches.check_kept_answers(checkpoint)
            before = checkpoint.rows_kept
            if before:
                progress.kept(before)
            with rows_kept_in(checkpoint.row_file, batches.detector), progress_shown(progress, batches.rows - before):
                for index, rows, checked, scored in batches.kept_or_scored(checkpoint, progress.stop_asked):
                    takers[index].add(rows, checked)
                    if scored:
                        _advance(progress, checked, batches.detector)
        except KeyboardInterrupt:
            checkpoint.flush()
            _info_with_course(checkpoint, batches)
            if not checkpoint.rows_kept and not checkpoint.row_file.exists():
                raise
            raise interrupted(checkpoint.rows_kept, batches.rows) from None
        except DetectorGoneError:
            checkpoint.flush()
            _info_with_course(checkpoint, batches)
            raise
        info = _info_with_course(checkpoint, batches)
        checkpoint.complete()
        return info, checkpoint.legs


@contextlib.contextmanager
def progress_shown(progress: Progress, rows: int) -> Iterator[None]:
    """Show within this context that so many rows are scored."""
    progress.begin(rows)
    try:
        yield
    finally:
        progress.end()


def _advance(progress: Progress, checked: CheckedAnswers, detector: Detector) -> None:
    with error_text_withheld("the detector's `retries`"):
        retries = retries_of(detector)
    progress.advance(len(checked.scores), checked.failed, retries)


def _info_with_course(checkpoint: Checkpoint, batches: Rounds) -> DetectorInfo:
    """The description of the detector, with the notes on every stretch of work."""
    with error_text_withheld(f"detector kind {batches.section.kind}"):
        info = batches.detector.info
    checkpoint.keep_course(info.course)
    return replace(info, course=checkpoint.course)


def interrupted(rows_kept: int, rows: int) -> RunInterruptedError:
    """Make the error of a run that somebody asked to stop."""
    state = (
        f"{rows_kept:,} of {rows:,} rows are scored and kept"
        if rows_kept
        else "answers to rows of the first batch are kept"
    )
    return RunInterruptedError(f"interrupted: {state}", slug="interrupted")


def describe(
    group_features: Groups,
    set_section: EvaluationSetSection,
    detector: DetectorSection,
    info: DetectorInfo,
    rule: DecisionRule,
    decided: Decided,
) -> SystemDescription:
    """Describe the audited system."""
    features = getattr(detector, "features", ())
    sensitive = [name for name, feature in group_features.items() if feature.column in features]
    if set_section.label in features:
        sensitive.append("label")
    notes = [*info.notes, *decided.notes]
    if set_section.id in features:
        notes.append(SENTENCES["id_given"])
    return SystemDescription(
        kind=info.kind,
        name=info.name,
        decision=rule.words,
        decision_sentence=rule.sentence,
        features=features,
        sensitive_features_used=tuple(sensitive),
        near_threshold=decided.tally.near_threshold,
        ties_at_capacity=decided.ties_at_capacity,
        notes=tuple(notes),
    )


def run_context(detector: DetectorSection, scoring: ScoringSection, folder: Path) -> RunContext:
    """Make the context of a detector that is run. `folder` is the folder of the plan."""
    section = detector
    assert isinstance(section, ModelDetector)  # noqa: S101 - a table is never opened
    return RunContext(
        folder=folder,
        columns=section.features,
        answers=section.answers,
        score_range=section.answer_range,
        batch_size=scoring.batch_size,
        classes=section.classes if section.answers == "class" else (),
    )
