"""Run a detector on the executors of Spark: piece by piece, each sealed once it is whole, and joined by id.

A piece is some neighbouring files of the set. Its answers are written by Spark into a folder of their own, where a task
that is tried again leaves nothing twice. Only then is it sealed, as a part of a run on this machine is: a folder
without a seal counts for nothing. So rows are asked about once or, after a loss, again, and their answers kept once.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.detectors.answers import ABSTAIN, OK
from audit.detectors.protocol import Reason, Status
from audit.engines.spark import SparkEngine
from audit.errors import StorageError
from audit.evaluation.parquet import checked_files
from audit.result.findings.system import RanIn
from audit.scoring.answer_table import TABLE, answer_source
from audit.scoring.batches import check_features
from audit.scoring.checkpoint import Checkpoint
from audit.scoring.decisions import create_round_views, create_scored_view
from audit.scoring.on_executors import SAID, SCHEMA, Task, check_same, raise_error
from audit.scoring.provenance import scoring_identity
from audit.scoring.rounds import silent_detector_error
from audit.scoring.rules import decision_rule
from audit.scoring.runner import Keeping, describe, interrupted, progress_shown
from audit.scoring.scored import AnswerSource, Scored
from audit.vocabulary.statuses import REASONS, STATUSES

if TYPE_CHECKING:
    from audit.detectors.isolation.options import Isolating
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.plan.answers import ModelDetector
    from audit.plan.audit_plan import AuditPlan
    from audit.scoring.progress import Progress

ROWS_OF_A_PIECE: Final = 2_000_000
"""Rows of a piece, about: so many are asked about again where a run is killed. A larger file is a piece by itself."""
_PIECE: Final = "__piece__"
_AGAIN: Final = "__again__"
_SAYS: Final = f"status IN ({OK}, {ABSTAIN})"


def score_on_spark(
    plan: AuditPlan,
    evaluation_set: EvaluationSet,
    folder: Path,
    progress: Progress,
    keeping: Keeping | None,
    isolating: Isolating,
) -> Scored:
    """Score a set on the executors; see `audit.scoring.score_set.score`."""
    engine, section = evaluation_set.engine, plan.detector
    assert isinstance(engine, SparkEngine)  # noqa: S101 - the caller has looked
    rule = decision_rule(section)
    check_features(getattr(section, "features", ()))
    here = Task(plan, folder, isolating)
    with here.open(detector := here.placed()):
        info = detector.info
        task = replace(here, expected=here.describe(detector))
    where = _looked_at(engine, task)
    keeping = keeping or Keeping(Checkpoint(engine.private.path / "answers"), scoring_identity(plan))
    with keeping.checkpoint as checkpoint:
        checkpoint.begin(
            {
                **keeping.identity,
                "evaluation_set": evaluation_set.sha256,
                "detector": info.artefact_sha256,
                "rows": evaluation_set.rows,
                "engine": "spark",
            }
        )
        pieces = _Pieces(engine, evaluation_set, task, checkpoint)
        pieces.check_kept(digest_is_whole=info.digest_is_whole)
        if checkpoint.rows_kept:
            progress.kept(checkpoint.rows_kept)
        with progress_shown(progress, evaluation_set.rows - checkpoint.rows_kept):
            try:
                for number in pieces.missing():
                    if progress.stop_asked():
                        raise KeyboardInterrupt
                    progress.advance(*pieces.score(number))
            except KeyboardInterrupt:
                if not checkpoint.rows_kept:
                    raise
                raise interrupted(checkpoint.rows_kept, evaluation_set.rows) from None
        checkpoint.complete()
        answers = pieces.answers()
    decided = create_scored_view(evaluation_set, answers, rule)
    rounds = create_round_views(evaluation_set, [answers], decided, rule)
    system, failures = describe(plan.groups, plan.evaluation_set, plan.detector, info, rule, decided), _failures(engine)
    return Scored(
        system, info.artefact_sha256, decided.tally, failures, checkpoint.legs, rounds, where, answers=answers
    )


def _looked_at(engine: SparkEngine, task: Task) -> RanIn | None:
    """Return where the detector runs on the executors, after a look at each of them. Raises DetectorError."""
    reports = [json.loads(text) for text in sorted(set(engine.run_on_executors(task.look, SAID)))]
    for report in reports:
        if "error" in report:
            raise_error(report["error"])
        check_same(task.expected, report["known"])
    where = reports[0]["where"]
    return None if where is None else RanIn.model_validate(where)


class _Pieces:
    """The pieces of a set, and their answers in a checkpoint that has begun."""

    def __init__(self, engine: SparkEngine, evaluation_set: EvaluationSet, task: Task, checkpoint: Checkpoint) -> None:
        self._engine, self._set, self._task, self._checkpoint = engine, evaluation_set, task, checkpoint
        source = evaluation_set.source
        self._files, self._folder = engine.files[source.name]
        _, rows = checked_files(source.source_name, self._files)
        self._pieces = pieces_of(rows, ROWS_OF_A_PIECE)
        self._rows = [sum(rows[piece]) for piece in self._pieces]
        self._kind, self._section = task.plan.detector.kind, cast("ModelDetector", task.plan.detector)
        features = self._section.features
        columns = [evaluation_set.expressions["case_id"], *map(evaluation_set.feature_expression, features)]
        named = ", ".join(f"{column} AS c{index}" for index, column in enumerate(columns))
        self._query = f"SELECT {named} FROM {_PIECE}"  # noqa: S608 - quoted identifiers
        self._asked = (task.plan.evaluation_set.id, *features)

    def missing(self) -> list[int]:
        """Numbers of the pieces that are not kept."""
        return [number for number in range(len(self._pieces)) if number not in self._checkpoint.pieces]

    def score(self, number: int) -> tuple[int, int]:
        """Score a piece and seal its answers. Returns its rows, and how many failed."""
        folder = self._checkpoint.new_piece(number)
        try:
            failed = self._answer(number, folder, self._rows[number])
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._checkpoint.keep_piece(number, folder, self._rows[number])
        return self._rows[number], failed

    def _answer(self, number: int, folder: Path, rows: int, more: str = "") -> int:
        self._engine.open(_PIECE, self._files[self._pieces[number]], self._folder, self._asked)
        self._engine.map_rows(self._query + more, self._task.answer, SCHEMA, folder)
        return _failed(folder, rows)

    def answers(self) -> AnswerSource:
        """Make one table of the answers to all pieces."""
        files = [file for part in self._checkpoint.pieces.values() for file in self._checkpoint.files_of(part)]
        self._engine.open(TABLE, files, files[0].parent.parent, None)
        return answer_source(self._section, TABLE)

    def check_kept(self, *, digest_is_whole: bool) -> None:
        """Ask about some rows of a kept piece again, if no digest says that the detector is the same.

        Raises as `audit.scoring.rounds.Rounds.check_kept_answers`.
        """
        checkpoint = self._checkpoint
        if digest_is_whole or not checkpoint.pieces:
            return
        if checkpoint.only_by_digest and checkpoint.was_complete:
            checkpoint.discard_answers()
            return
        number, part = next(iter(checkpoint.pieces.items()))
        kept_files = checkpoint.files_of(part)
        again = self._asked_again(number)
        comparable, otherwise = self._compared(kept_files, again)
        if not comparable:
            raise silent_detector_error(f"detector kind {self._kind}")
        if otherwise and self._compared(again, self._asked_again(number)) == (comparable, 0):
            checkpoint.discard_answers()

    def _asked_again(self, number: int) -> list[Path]:
        folder = self._engine.private.path / f"again-{len(list(self._engine.private.path.iterdir()))}"
        rows = min(self._rows[number], self._task.plan.scoring.batch_size)
        self._answer(number, folder, rows, f" LIMIT {rows}")
        return sorted(folder.glob("*.parquet"))

    def _compared(self, earlier: Sequence[Path], later: Sequence[Path]) -> tuple[int, int]:
        """Rows of which both say anything, and how many of these have another score or status."""
        for name, files in ((TABLE, earlier), (_AGAIN, later)):
            self._engine.open(name, files, files[0].parent, None)
        sides = [
            f"(SELECT __id__, status AS t{index}, coalesce(score, -1) AS s{index} FROM {name} WHERE {_SAYS})"  # noqa: S608
            for index, name in enumerate((TABLE, _AGAIN))
        ]
        ((comparable, otherwise),) = self._engine.sql(
            "SELECT count(*) AS said, count(*) FILTER (NOT (t0 = t1 AND s0 = s1)) AS otherwise "  # noqa: S608
            f"FROM {sides[0]} JOIN {sides[1]} USING (__id__)"
        ).fetchall()
        return int(comparable), int(otherwise)


def pieces_of(rows: Sequence[int], most: int) -> list[slice]:
    """Put neighbouring files together, as many as have `most` rows at most, or one."""
    pieces, start, row_count = [], 0, 0
    for index, file_rows in enumerate(rows):
        if row_count and row_count + file_rows > most:
            pieces.append(slice(start, index))
            start, row_count = index, 0
        row_count += file_rows
    return [*pieces, slice(start, len(rows))]


def _failed(folder: Path, rows: int) -> int:
    """Count the rows without a usable answer that Spark has written.

    Raises the error of a task, and StorageError where it has not written as many rows as it was asked about.
    """
    failed, answered = 0, 0
    try:
        for file in sorted(folder.glob("*.parquet")):
            with pq.ParquetFile(file) as written:
                table = written.read(columns=["status", "error"])
            for text in table["error"].drop_null().to_pylist():
                raise_error(text)
            answered += table.num_rows
            failed += pc.sum(pc.invert(pc.is_in(table["status"], pa.array([OK, ABSTAIN], pa.int8())))).as_py() or 0
    except (OSError, pa.ArrowException):
        answered = -1
    if answered != rows:
        raise StorageError("the answers that Spark has written are not there", slug="engine-answers")
    return failed


def _failures(engine: SparkEngine) -> Mapping[tuple[Status, Reason | None], int]:
    rows = engine.sql(
        f"SELECT status, reason, count(*) AS cases FROM {TABLE} WHERE NOT {_SAYS} GROUP BY 1, 2 ORDER BY 1, 2"  # noqa: S608
    ).fetchall()
    named: dict[tuple[Status, Reason | None], int] = {
        (STATUSES[status], None if reason < 0 else REASONS[reason]): int(cases) for status, reason, cases in rows
    }
    return dict(sorted(named.items(), key=lambda item: (item[0][0], item[0][1] or "")))
