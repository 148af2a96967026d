"""Pair the batches of a set with their answers, for one or more rounds: kept from before, or given now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from audit.detectors.answer_check import accept_answer
from audit.detectors.protocol import Detector
from audit.errors import DetectorGoneError
from audit.scoring.breaker import Breaker, why_gone
from audit.scoring.foreign_errors import error_text_withheld
from audit.scoring.kept_rows import first_rows, keeps_rows, rows_kept_in
from audit.scoring.parts import same_answers, says_anything

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.detectors.answers import CheckedAnswers
    from audit.detectors.in_flight import InFlight
    from audit.plan.audit_plan import AuditPlan
    from audit.scoring.checkpoint import Checkpoint

    _Asked = tuple[int, pa.Array, CheckedAnswers | None]

_MOST_SILENT: Final = 3
"""Kept batches that get no answer now before a detector counts as gone."""


class Source(Protocol):
    """The rows that a detector is asked about: an evaluation set, or the variants of a probe."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def sha256(self) -> str | None:
        """A digest of all rows. None if there is no digest; then no answers can be kept."""

    @property
    def name(self) -> str:
        """The name of the source in errors; empty for the evaluation set."""

    def batches(self, first: int) -> Iterator[tuple[pa.Array, pa.RecordBatch]]:
        """Yield the numbers of the rows and the rows, batch by batch; `first` is the `row_id` of the first row."""


def silent_detector_error(where: str) -> DetectorGoneError:
    """Make the error of a detector that says nothing of what it said in an earlier run."""
    return DetectorGoneError(
        f"{where}: it answers nothing of what it answered in an earlier run",
        slug="detector-gone",
        hint="see that what answers is running, and run the same command again; or score anew with --fresh",
    )


class Rounds:
    """The batches of a source with their answers, kept or new."""

    def __init__(self, plan: AuditPlan, detector: Detector, source: Source, rounds: int = 1) -> None:
        self.plan = plan
        self.section: Any = plan.detector
        self.detector = detector
        self.source = source
        self.rounds = rounds
        """How often the detector is asked about all rows."""
        self.rows = rounds * source.rows
        """Number of answers in all rounds."""
        self._a_round = -(-source.rows // plan.scoring.batch_size)
        self._flight: InFlight[pa.RecordBatch, pa.RecordBatch] | None = None
        self._workers = 1
        self._last: pa.RecordBatch | None = None

    def answer_by(self, flight: InFlight[pa.RecordBatch, pa.RecordBatch], workers: int) -> None:
        """Ask through `flight`, `workers` batches at once."""
        self._flight, self._workers = flight, workers

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that the detector may answer with; empty for any other kind of answer."""
        return tuple(self.section.classes) if self.section.answers == "class" else ()

    @property
    def where(self) -> str:
        """Name of detector and source, to begin an error with."""
        return f"detector kind {self.section.kind}" + (f", {self.source.name}" if self.source.name else "")

    def scored(self) -> Iterator[tuple[int, pa.Array, CheckedAnswers]]:
        """Yield for each batch its round from 0, the numbers of its rows, and the answers of the detector."""
        requests = (((number, rows, None), batch) for number, rows, batch in self._read())
        for (number, rows), answers, _ in self._counted_batches(requests, lambda: False):
            yield number // self._a_round, rows, answers

    def kept_or_scored(
        self, checkpoint: Checkpoint, stopping: Callable[[], bool]
    ) -> Iterator[tuple[int, pa.Array, CheckedAnswers, bool]]:
        """Yield as `scored` does, and whether the batch was scored just now. Uses and keeps answers in `checkpoint`.

        Raises KeyboardInterrupt after a batch if `stopping` returns True.
        """
        for (number, rows), answers, scored in self._counted_batches(self._unless_kept(checkpoint), stopping):
            if scored:
                checkpoint.keep(number, answers)
            yield number // self._a_round, rows, answers, scored

    def _counted_batches(
        self, requests: Iterable[tuple[_Asked, pa.RecordBatch | None]], stopping: Callable[[], bool]
    ) -> Iterator[tuple[tuple[int, pa.Array], CheckedAnswers, bool]]:
        """Yield every batch, kept or new, in order, once it is known that it counts."""
        assert self._flight is not None  # noqa: S101 - it is open
        breaker: Breaker[tuple[int, pa.Array]] = Breaker(self.plan.scoring.most_failed_batches, self.where)
        before = set()
        for (number, rows, kept_answers), batch, answer in self._flight.ask(requests, self._workers):
            if batch is None:
                assert kept_answers is not None  # noqa: S101 - as `_unless_kept` says
                before.add(number)
                counted = breaker.kept((number, rows), kept_answers)
            else:
                counted = breaker.take((number, rows), self._remembered(batch, self._checked(number, batch, answer)))
            yield from ((key, answers, key[0] not in before) for key, answers in counted)
            if stopping():
                # also while nothing answers, and one batch after the other is held back
                raise KeyboardInterrupt
        yield from ((key, answers, key[0] not in before) for key, answers in breaker.rest(self._answers_still))

    def _remembered(self, batch: pa.RecordBatch, answers: CheckedAnswers) -> CheckedAnswers:
        """Return the answers, and remember a batch that got any: it is asked about again if the last batches get
        none.
        """
        if why_gone(answers) is None:
            self._last = batch
        return answers

    def _answers_still(self) -> bool:
        """Whether the detector still answers a batch that it answered before."""
        if self._last is None:
            return False
        batch, _ = first_rows(self._last, None) if keeps_rows(self.detector) else (self._last, None)
        return why_gone(self._answer(0, batch)) is None

    def _unless_kept(self, checkpoint: Checkpoint) -> Iterator[tuple[_Asked, pa.RecordBatch | None]]:
        """Yield number, rows and kept answers of each batch; and the batch itself if it has to be asked about."""
        for number, rows, batch in self._read():
            answers = checkpoint.answers(number, batch.num_rows)
            yield (number, rows, answers), (batch if answers is None else None)

    def check_kept_answers(self, checkpoint: Checkpoint) -> None:
        """Ask about one of the kept batches again, if no digest says that the detector is the same.

        A detector that keeps single rows is asked about the first rows of a batch only, even if no whole batch was
        kept. If it says nothing now, the next batches are tried.

        Raises
        ------
        ResumeError
            The detector is another one, and the run is not complete. The answers of a complete run are thrown away.
        DetectorGoneError
            The detector answers none of these batches.
        """
        if self.detector.info.digest_is_whole or not (checkpoint.rows_kept or checkpoint.row_file.exists()):
            return
        if checkpoint.only_by_digest and checkpoint.was_complete:
            checkpoint.discard_answers()
            return
        silent = 0
        for number, _, full_batch in self._read():
            answers = checkpoint.answers(number, full_batch.num_rows)
            batch, answers = first_rows(full_batch, answers) if keeps_rows(self.detector) else (full_batch, answers)
            if answers is None and not checkpoint.rows_kept:
                with rows_kept_in(checkpoint.row_file, self.detector):
                    answers = self._answer(number, batch)
            if answers is None or not says_anything(answers):
                continue
            otherwise = self._has_changed(answers, number, batch)
            if otherwise:
                checkpoint.discard_answers()
            if otherwise is not None:
                return
            silent += 1
            if silent == _MOST_SILENT:
                break
        if silent:
            raise silent_detector_error(self.where)

    def _has_changed(self, earlier: CheckedAnswers, number: int, batch: pa.RecordBatch) -> bool | None:
        """Whether the detector is another one than when it gave the kept answers.

        None if it now answers no row that it answered then. A detector that never answers twice in the same way cannot
        be recognised, and is believed to be the same.
        """
        first = self._remembered(batch, self._answer(number, batch))
        if not says_anything(first, earlier):
            return None
        return not same_answers(first, earlier) and same_answers(first, self._answer(number, batch))

    def _read(self) -> Iterator[tuple[int, pa.Array, pa.RecordBatch]]:
        for index in range(self.rounds):
            pieces = self.source.batches(index * self.source.rows)
            for number, (rows, batch) in enumerate(pieces, start=index * self._a_round):
                yield number, rows, batch

    def _answer(self, number: int, batch: pa.RecordBatch) -> CheckedAnswers:
        return self._checked(number, batch, lambda: self.detector.score(batch))

    def _checked(self, number: int, batch: pa.RecordBatch, answer: Callable[[], pa.RecordBatch]) -> CheckedAnswers:
        section = self.section
        where = f"{self.where}, batch {number + 1}"
        with error_text_withheld(where):
            answered = answer()
        return accept_answer(answered, batch.column(0), section.answers, section.answer_range, where=where)
