"""Existing answers: of `kind = "predictions"`, in a file joined by id or in columns of the evaluation set, or of
`kind = "blind"`, in the file that a vendor's answers to a challenge were brought into.

Every cell is checked before anything is compared. A score that is not finite or out of range, or a decision that is
none of the declared words, is refused with its row number. An empty cell is an abstention.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from audit.detectors.protocol import API_VERSION, DetectorInfo, TableAnswers
from audit.engines.protocol import ROW, Found, Where
from audit.engines.read_errors import reading
from audit.errors import DataError, PlanError
from audit.evaluation.checks import Check, alongside, ask, run_check
from audit.evaluation.labels import check_decisions
from audit.evaluation.relation import Relation, check_text_type
from audit.evaluation.scores import check_levels, check_ranks, check_scores
from audit.plan.answers import BlindDetector
from audit.plan.answers import PredictionsDetector as PredictionsSection
from audit.vocabulary.text import count_of, rows_text, shown

if TYPE_CHECKING:
    import duckdb

    from audit.engines.duckdb import DuckDBEngine
    from audit.evaluation.evaluation_set import EvaluationSet

_ATTACHED: Final = "predictions"
"""Name of the relation with the predictions file."""
_JOINED: Final = "__predictions__"
"""Name of the table with `__row__` of the set and `answer`."""


class PredictionsDetector:
    """A detector known by its answers in a file or in columns; it is never run."""

    api_version = API_VERSION

    def __init__(self, section: PredictionsSection, folder: Path, joined: str = _JOINED) -> None:
        self._section = section
        self._joined = joined
        self._folder = folder
        self._sha256: str | None = None

    @property
    def info(self) -> DetectorInfo:
        """Name of the file, or of the column of the evaluation set."""
        section = self._section
        where = "the evaluation set" if section.path is None else shown(section.path.as_posix())
        if isinstance(section, BlindDetector):
            where = "the vendor's answers"
        return DetectorInfo(
            name=f"column {shown(section.answer)} of {where}",
            kind=section.kind,
            artefact_sha256=self._sha256,
            deterministic=True,
            needs=(),
        )

    def find_answers(self, evaluation_set: EvaluationSet, id_column: str) -> TableAnswers:
        """Check the answers, and join those of a file by id.

        Answers in the set itself are read in place, without a copy.

        Raises
        ------
        DataError
            A cell cannot be used; or ids are missing, surplus or repeated, and the message counts them.
        """
        section = self._section
        if section.stands_in_set:
            relation = evaluation_set.source
            name, answer = relation.name, checked_answer(evaluation_set, relation, section)
        elif section.path is None:
            raise PlanError("the vendor has not answered yet", slug="not-answered")
        else:
            identity = section.id or id_column
            _detach(evaluation_set.connection)
            relation = attached_answers(evaluation_set, _ATTACHED, self._folder / section.path, section, identity)
            self._sha256 = relation.sha256
            key = evaluation_set.text_expression(relation, identity)
            checks = alongside(_check_answer(relation, section), _check_ids(relation, identity, key))
            answered, _ = run_check(evaluation_set.engine, relation, checks)
            _join(evaluation_set, relation, key, answered, self._joined)
            name, answer = self._joined, "answer"
        if section.has_scores:
            return TableAnswers(name, score=answer, decision=None)
        return TableAnswers(name, score=None, decision=answer)


def attached_answers(
    evaluation_set: EvaluationSet, name: str, path: Path, section: PredictionsSection, identity: str
) -> Relation:
    """Attach a file of answers under a name, with the column of ids and that of answers. Raises DataError."""
    return evaluation_set.attach(
        name,
        path.absolute(),
        list(dict.fromkeys((identity, section.answer))),
        encoding=section.encoding,
        delimiter=section.delimiter,
        decimal=section.decimal,
        keys={section.answer: f"detector.{section.answer_key}", identity: "detector.id"},
    )


def checked_answer(evaluation_set: EvaluationSet, relation: Relation, section: PredictionsSection) -> str:
    """SQL of the answer over `relation`: a score or level, or a decision as a truth value; NULL is an abstention.

    Raises DataError if a cell cannot be used.
    """
    return run_check(evaluation_set.engine, relation, _check_answer(relation, section))


def _check_answer(relation: Relation, section: PredictionsSection) -> Check[str]:
    column = section.answer
    if section.decision is not None:
        check = check_decisions(relation, column, section)
    elif section.rank is not None:
        check = check_ranks(relation, column)
    elif section.answers == "ordinal":
        check = check_levels(relation, column, section.score_range)
    else:
        check = check_scores(relation, column, section.score_range)
    answer = yield from check
    return answer if section.rank is None else f"({answer} <= {section.top_k})"


def _check_ids(relation: Relation, identity: str, key: str) -> Check[None]:
    check_text_type(relation.source_name, identity, relation.types[identity], "the id")
    missing: Found = yield from ask(Where(f"{key} IS NULL"))
    if missing.number:
        name = shown(relation.source_name)
        raise DataError(
            f"{name}: no id in {rows_text(*missing)}",
            slug="predictions-ids",
            hint="every prediction names its case",
        )


def _detach(connection: duckdb.DuckDBPyConnection) -> None:
    """Detach a predictions file that was attached before, so that a set can be scored again."""
    import duckdb

    try:
        connection.execute(f"DROP VIEW IF EXISTS {_ATTACHED}")
    except duckdb.CatalogException:  # a table; to ask which it is takes as long as to read a file
        connection.execute(f"DROP TABLE {_ATTACHED}")


def _join(evaluation_set: EvaluationSet, relation: Relation, key: str, answer: str, joined_as: str) -> None:
    """Create the table of answers by row of the set. Raises DataError with counts of the ids that do not match."""
    engine, source = evaluation_set.local_engine, evaluation_set.source
    name = shown(relation.source_name)
    case_id = evaluation_set.expressions["case_id"]
    # built from quoted identifiers and checked expressions; nothing of a cell stands in it
    create = (
        f"CREATE OR REPLACE TEMP TABLE {joined_as} AS SELECT {ROW}, answer"  # noqa: S608
        f" FROM (SELECT {ROW}, {case_id} AS case_id FROM {source.name})"
        f" JOIN (SELECT {key} AS case_id, {answer} AS answer FROM {relation.name}) USING (case_id)"
    )
    with reading(relation.source_name):
        engine.with_little_memory(lambda: engine.execute(create))
        joined, matched = _rows_joined(engine, source.rows, joined_as)
    missing, surplus, repeated = source.rows - matched, relation.rows - joined, joined - matched
    if missing or surplus or repeated:
        raise DataError(
            f"{name}: the ids are not those of the evaluation set: {count_of(missing, 'case')} without a prediction, "
            f"{count_of(surplus, 'prediction')} for no case of the set, {count_of(repeated, 'prediction')} repeating "
            "an id",
            slug="predictions-ids",
            hint="give exactly one prediction for each case; leave its cell empty where the detector abstained",
        )


def _rows_joined(engine: DuckDBEngine, rows: int, name: str) -> tuple[int, int]:
    """Number of rows in the table of answers, and of rows of the set in it. A byte for each row, where DuckDB takes
    40.
    """
    joined, matched = 0, np.zeros(rows + 1, dtype=np.bool_)
    for piece in engine.stream(f"SELECT {ROW} FROM {name}", 1 << 16):  # noqa: S608 - our own names
        matched[np.from_dlpack(piece.column(0))] = True  # `to_numpy` would load pandas, which a gate can do without
        joined += piece.num_rows
    return joined, int(np.count_nonzero(matched))
