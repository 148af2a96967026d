"""The batches of a set with their answers, as often as the detector is asked: kept from before, or given now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from audit.detectors.protocol import Detector
from audit.errors import DetectorGoneError
from audit.scoring.foreign_errors import withheld
from audit.scoring.kept_rows import first_rows, keeps_rows, rows_kept_in

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.detectors.answers import CheckedAnswers
    from audit.plan.audit_plan import AuditPlan
    from audit.scoring.breaker import Breaker
    from audit.scoring.checkpoint import Checkpoint
    from audit.scoring.in_flight import InFlight

    _Asked = tuple[int, pa.Array, CheckedAnswers | None]

__all__ = ["Rounds", "Source"]

_MOST_SILENT: Final = 3
"""Kept batches that are asked about in vain before a detector counts as gone."""


class Source(Protocol):
    """What a detector is asked about: an evaluation set, or the variants of a probe."""

    @property
    def rows(self) -> int:
        """How many rows it has."""

    @property
    def sha256(self) -> str | None:
        """A digest of all of them; None where there is none, and then no answers can be kept."""

    @property
    def name(self) -> str:
        """What errors call it; empty for the evaluation set."""

    def batches(self, first: int) -> Iterator[tuple[pa.Array, pa.RecordBatch]]:
        """The numbers of the rows and the rows, batch by batch; `first` is the `row_id` of the first."""


class Rounds:
    """The batches of a source with their answers: those that were kept, or the detector's."""

    def __init__(self, plan: AuditPlan, detector: Detector, source: Source, rounds: int = 1) -> None:
        self.plan = plan
        self.section: Any = plan.detector
        self.detector = detector
        self.source = source
        self.rounds = rounds
        """How often the detector is asked about all of it."""
        self.rows = rounds * source.rows
        """Answers that there will be."""
        self._a_round = -(-source.rows // plan.scoring.batch_size)
        self._flight: InFlight | None = None
        self._workers = 1
        self._last: pa.RecordBatch | None = None

    def answer_by(self, flight: InFlight, workers: int) -> None:
        """Ask through this, so many batches at once."""
        self._flight, self._workers = flight, workers

    @property
    def classes(self) -> tuple[str, ...]:
        """What the detector may answer with, where that is classes; else none."""
        return tuple(self.section.classes) if self.section.answers == "class" else ()

    @property
    def where(self) -> str:
        """Who answers what, to begin an error with."""
        return f"detector kind {self.section.kind}" + (f", {self.source.name}" if self.source.name else "")

    def scored(self) -> Iterator[tuple[int, pa.Array, CheckedAnswers]]:
        """The round from 0, numbers of rows, and what the detector answers, batch by batch."""
        asked = (((number, rows, None), batch) for number, rows, batch in self._read())
        for (number, rows), answers, _ in self._that_count(asked, lambda: False):
            yield number // self._a_round, rows, answers

    def kept_or_scored(
        self, checkpoint: Checkpoint, stopping: Callable[[], bool]
    ) -> Iterator[tuple[int, pa.Array, CheckedAnswers, bool]]:
        """The same with what a checkpoint has, and whether it was scored just now; and there it is kept.

        Raises KeyboardInterrupt after a batch where `stopping` says so.
        """
        for (number, rows), answers, scored in self._that_count(self._unless_kept(checkpoint), stopping):
            if scored:
                checkpoint.keep(number, answers)
            yield number // self._a_round, rows, answers, scored

    def _that_count(
        self, asked: Iterable[tuple[_Asked, pa.RecordBatch | None]], stopping: Callable[[], bool]
    ) -> Iterator[tuple[tuple[int, pa.Array], CheckedAnswers, bool]]:
        """Every batch once it is known that it counts, in their order; those that were kept among them."""
        assert self._flight is not None  # noqa: S101 - it is open
        breaker, before = self._breaker(), set()
        for (number, rows, kept), batch, answer in self._flight.ask(asked, self._workers):
            if batch is None:
                assert kept is not None  # noqa: S101 - as `_unless_kept` says
                before.add(number)
                counted = breaker.kept((number, rows), kept)
            else:
                counted = breaker.take((number, rows), self._noted(batch, self._checked(number, batch, answer)))
            yield from ((key, answers, key[0] not in before) for key, answers in counted)
            if stopping():
                # also while what answers is gone, and batches are held back one after the other
                raise KeyboardInterrupt
        yield from ((key, answers, key[0] not in before) for key, answers in breaker.rest(self._answers_still))

    def _noted(self, batch: pa.RecordBatch, answers: CheckedAnswers) -> CheckedAnswers:
        """The same answers; a batch that got any is remembered, to be asked about again if the last ones get none."""
        from audit.scoring.breaker import why_gone

        if why_gone(answers) is None:
            self._last = batch
        return answers

    def _answers_still(self) -> bool:
        """Whether the detector still answers what it has answered before."""
        from audit.scoring.breaker import why_gone

        if self._last is None:
            return False
        batch, _ = first_rows(self._last, None) if keeps_rows(self.detector) else (self._last, None)
        return why_gone(self._answer(0, batch)) is None

    def _breaker(self) -> Breaker[tuple[int, pa.Array]]:
        from audit.scoring.breaker import Breaker

        most = self.plan.scoring.most_failed_batches
        return Breaker(most, self.where)

    def _unless_kept(self, checkpoint: Checkpoint) -> Iterator[tuple[_Asked, pa.RecordBatch | None]]:
        """Number, rows and kept answers of each batch; and the batch itself where it has to be asked about."""
        for number, rows, batch in self._read():
            kept = checkpoint.answers(number, batch.num_rows)
            yield (number, rows, kept), (batch if kept is None else None)

    def believe(self, checkpoint: Checkpoint) -> None:
        """Ask for one of the batches again that were kept, where no digest says that the detector is the same.

        Of a detector that keeps its rows one by one, only for the first rows of it; and also where no batch was kept
        as a whole. Where it says nothing now, the next ones are asked about.

        Raises
        ------
        ResumeError
            It is another one, and the run is not complete. Of a complete run the answers are thrown away.
        DetectorGoneError
            It says nothing to any of them.
        """
        from audit.scoring.parts import says_anything

        if self.detector.info.digest_is_whole or not (checkpoint.rows_kept or checkpoint.row_file.exists()):
            return
        if checkpoint.only_by_digest and checkpoint.was_complete:
            checkpoint.disbelieve()
            return
        silent = 0
        for number, _, whole in self._read():
            kept = checkpoint.answers(number, whole.num_rows)
            batch, kept = first_rows(whole, kept) if keeps_rows(self.detector) else (whole, kept)
            if kept is None and not checkpoint.rows_kept:
                with rows_kept_in(checkpoint.row_file, self.detector):
                    kept = self._answer(number, batch)
            if kept is None or not says_anything(kept):
                continue
            otherwise = self._answers_otherwise(kept, number, batch)
            if otherwise:
                checkpoint.disbelieve()
            if otherwise is not None:
                return
            silent += 1
            if silent == _MOST_SILENT:
                break
        if silent:
            raise DetectorGoneError(
                f"{self.where}: it answers nothing of what it answered in an earlier run",
                slug="detector-gone",
                hint="see that what answers is running, and run the same command again; or score anew with --fresh",
            )

    def _answers_otherwise(self, kept: CheckedAnswers, number: int, batch: pa.RecordBatch) -> bool | None:
        """Whether the detector is seen to be another one than when it gave the answers that were kept.

        None where it says nothing to any row that it answered then. One that never answers twice in the same way cannot
        be told from another, and is taken at its word.
        """
        from audit.scoring.parts import same_answers, says_anything

        first = self._noted(batch, self._answer(number, batch))
        if not says_anything(first, kept):
            return None
        return not same_answers(first, kept) and same_answers(first, self._answer(number, batch))

    def _read(self) -> Iterator[tuple[int, pa.Array, pa.RecordBatch]]:
        for place in range(self.rounds):
            pieces = self.source.batches(place * self.source.rows)
            for number, (rows, batch) in enumerate(pieces, start=place * self._a_round):
                yield number, rows, batch

    def _answer(self, number: int, batch: pa.RecordBatch) -> CheckedAnswers:
        return self._checked(number, batch, lambda: self.detector.score(batch))

    def _checked(self, number: int, batch: pa.RecordBatch, answer: Callable[[], pa.RecordBatch]) -> CheckedAnswers:
        from audit.scoring.answer_check import accept_answer

        section = self.section
        where = f"{self.where}, batch {number + 1}"
        with withheld(where):
            answered = answer()
        return accept_answer(answered, batch.column(0), section.answers, section.answer_range, where=where)
