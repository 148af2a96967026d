"""The batches of a set with their answers, as often as the detector is asked: kept from before, or given now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from audit.detectors.protocol import Detector
from audit.scoring.kept_rows import first_rows, keeps_rows, rows_kept_in
from audit.scoring.withholding import withheld

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.detectors.answers import CheckedAnswers
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.plan import AuditPlan
    from audit.scoring.breaker import Breaker
    from audit.scoring.checkpoint import Checkpoint
    from audit.scoring.in_flight import InFlight

__all__ = ["Rounds"]


class Rounds:
    """The batches of a set with their answers: those that were kept, or the detector's."""

    def __init__(self, plan: AuditPlan, detector: Detector, evaluation_set: EvaluationSet, rounds: int) -> None:
        self.plan = plan
        self.section: Any = plan.detector
        self.detector = detector
        self.set = evaluation_set
        self.rounds = rounds
        """How often the detector is asked about the set."""
        self.rows = rounds * evaluation_set.rows
        """Answers that there will be."""
        self._a_round = -(-evaluation_set.rows // plan.scoring.batch_size)
        self._flight: InFlight | None = None
        self._workers = 1
        self._answered = False

    def answer_by(self, flight: InFlight, workers: int) -> None:
        """Ask through this, so many batches at once."""
        self._flight, self._workers = flight, workers

    def scored(self) -> Iterator[tuple[int, pa.Array, CheckedAnswers]]:
        """The round from 0, numbers of rows, and what the detector answers, batch by batch."""
        assert self._flight is not None  # noqa: S101 - it is open
        asked = (((number, rows), batch) for number, rows, batch in self._read())
        breaker = self._breaker()
        for (number, rows), batch, answer in self._flight.ask(asked, self._workers):
            assert batch is not None  # noqa: S101 - as it was asked
            for (counted, numbers), answers in breaker.take((number, rows), self._checked(number, batch, answer)):
                yield counted // self._a_round, numbers, answers
        for (counted, numbers), answers in breaker.rest():
            yield counted // self._a_round, numbers, answers

    def kept_or_scored(self, checkpoint: Checkpoint) -> Iterator[tuple[int, pa.Array, CheckedAnswers, bool]]:
        """The same with what a checkpoint has, and whether it was scored just now; and there it is kept."""
        for (number, rows), answers, scored in self._that_count(checkpoint):
            if scored:
                checkpoint.keep(number, answers)
            yield number // self._a_round, rows, answers, scored

    def _that_count(self, checkpoint: Checkpoint) -> Iterator[tuple[tuple[int, pa.Array], CheckedAnswers, bool]]:
        """Every batch once it is known that it counts, in their order; those that were kept among them."""
        assert self._flight is not None  # noqa: S101 - it is open
        breaker, before = self._breaker(), set()
        for (number, rows, kept), batch, answer in self._flight.ask(self._unless_kept(checkpoint), self._workers):
            if batch is None:
                assert kept is not None  # noqa: S101 - as `_unless_kept` says
                before.add(number)
                counted = breaker.kept((number, rows), kept)
            else:
                counted = breaker.take((number, rows), self._checked(number, batch, answer))
            yield from ((key, answers, key[0] not in before) for key, answers in counted)
        yield from ((key, answers, key[0] not in before) for key, answers in breaker.rest())

    def _breaker(self) -> Breaker[tuple[int, pa.Array]]:
        from audit.scoring.breaker import Breaker

        most = self.plan.scoring.most_failed_batches
        return Breaker(most, f"detector kind {self.section.kind}", answered=self._answered)

    def _unless_kept(
        self, checkpoint: Checkpoint
    ) -> Iterator[tuple[tuple[int, pa.Array, CheckedAnswers | None], pa.RecordBatch | None]]:
        """Number, rows and kept answers of each batch; and the batch itself where it has to be asked about."""
        for number, rows, batch in self._read():
            kept = checkpoint.answers(number, batch.num_rows)
            yield (number, rows, kept), (batch if kept is None else None)

    def believe(self, checkpoint: Checkpoint) -> None:
        """Ask for one of the batches again that were kept, where no digest says that the detector is the same.

        Of a detector that keeps its rows one by one, only for the first rows of it; and also where no batch was kept
        as a whole.

        Raises
        ------
        ResumeError
            It is another one, and the run is not complete. Of a complete run the answers are thrown away.
        """
        self._answered = bool(checkpoint.rows_kept) or checkpoint.row_file.exists()
        if self.detector.info.digest_is_whole or not self._answered:
            return
        for number, _, whole in self._read():
            kept = checkpoint.answers(number, whole.num_rows)
            batch, kept = first_rows(whole, kept) if keeps_rows(self.detector) else (whole, kept)
            if kept is None and not checkpoint.rows_kept:
                with rows_kept_in(checkpoint.row_file, self.detector):
                    kept = self._answer(number, batch)
            if kept is not None:
                if self._answers_otherwise(kept, number, batch):
                    checkpoint.disbelieve()
                return

    def _answers_otherwise(self, kept: CheckedAnswers, number: int, batch: pa.RecordBatch) -> bool:
        """Whether the detector is seen to be another one than when it gave the answers that were kept.

        One that never answers twice in the same way cannot be told from another, and is taken at its word.
        """
        from audit.scoring.breaker import why_gone
        from audit.scoring.parts import same_answers

        first = self._answer(number, batch)
        self._answered = why_gone(first) is None
        return not same_answers(first, kept) and same_answers(first, self._answer(number, batch))

    def _read(self) -> Iterator[tuple[int, pa.Array, pa.RecordBatch]]:
        from audit.scoring.batches import read_batches

        for place in range(self.rounds):
            first = place * self.set.rows
            pieces = read_batches(self.set, self.section.features, self.plan.scoring, first=first)
            for number, (rows, batch) in enumerate(pieces, start=place * self._a_round):
                yield number, rows, batch

    def _answer(self, number: int, batch: pa.RecordBatch) -> CheckedAnswers:
        return self._checked(number, batch, lambda: self.detector.score(batch))

    def _checked(self, number: int, batch: pa.RecordBatch, answer: Callable[[], pa.RecordBatch]) -> CheckedAnswers:
        from audit.scoring.accept import accept_answer

        section = self.section
        where = f"detector kind {section.kind}, batch {number + 1}"
        with withheld(where):
            answered = answer()
        return accept_answer(answered, batch.column(0), section.answers, section.answer_range, where=where)
