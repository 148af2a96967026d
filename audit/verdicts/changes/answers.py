"""Answers of an earlier audit, case by case: from the file beside its result, or read again with its plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.counting.count import SCORED
from audit.detectors.predictions import PredictionsDetector as Predictions
from audit.engines.protocol import identifier
from audit.engines.read_errors import reading
from audit.errors import DataError, PlanError, ResultError
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.plan.answers import PredictionsDetector
from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import AuditResult
from audit.scoring import score
from audit.scoring.decisions import create_scored_view
from audit.scoring.predictions_file import DECISIONS
from audit.scoring.provenance import sha256_of
from audit.scoring.rules import decision_rule
from audit.scoring.scored import AnswerSource

if TYPE_CHECKING:
    import pyarrow as pa

PREDICTIONS: Final = "predictions.parquet"


def answer_files(result: AuditResult, beside: Path, folder: Path) -> list[Path]:
    """Return the files in which the answers of an audit may lie, for whoever opens its set; see `answers_of`."""
    section = result.plan.detector
    if not isinstance(section, PredictionsDetector) or section.path is None:
        return []
    places = (beside / section.path.name, folder / section.path)
    return [path.absolute() for path in places if path.is_file()]


def answers_of(
    result: AuditResult, beside: Path, evaluation_set: EvaluationSet, plan: AuditPlan, folder: Path, view: str
) -> bool:
    """Create a view of the set as an audit scored it: the set's expressions and `decision`. False where the answers are
    not at hand.

    If a detector was run, they stand in `predictions.parquet` beside the result. Answers that existed already are read
    again: from the evaluation set, or from the predictions file beside the result or where its plan says, if it is
    still the file that was audited.

    Parameters
    ----------
    beside : Path
        The folder of the result.
    evaluation_set
        The set that was audited, opened with `answer_files`.
    plan, folder
        Its plan, and what paths are relative to.

    Raises
    ------
    ResultError
        If there is a file and it is no file of answers.
    """
    section = result.plan.detector
    if plan.evaluation_set.is_counted:
        return False
    if not isinstance(section, PredictionsDetector):
        table = _predictions_beside(beside / PREDICTIONS, result.provenance.predictions_sha256)
    elif section.stands_in_set and section.answer not in evaluation_set.source.types:
        table = _read_again(result, plan.model_copy(update={"detector": section}), folder)
    else:
        places = answer_files(result, beside, folder) if section.path is not None else [None]
        return any(
            _decided_again(result, section.model_copy(update={"path": path}), evaluation_set, plan, view)
            for path in places
        )
    if table is not None:
        _view_of_table(evaluation_set, table, view)
    return table is not None


def _view_of_table(evaluation_set: EvaluationSet, answers: pa.Table, view: str) -> None:
    if answers.num_rows != evaluation_set.rows:
        raise another_run_error("are not of the cases of its evaluation set, each once")
    expressions = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in evaluation_set.expressions.items())
    evaluation_set.engine.register(f"{view}_answers", answers)
    with reading(evaluation_set.source_name):
        evaluation_set.engine.execute(
            f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT cases.*, decision"  # noqa: S608 - names of our own
            f" FROM (SELECT {expressions} FROM {evaluation_set.source.name}) cases"
            f" LEFT JOIN {view}_answers USING (case_id)"
        )


def _decided_again(
    result: AuditResult, section: PredictionsDetector, evaluation_set: EvaluationSet, plan: AuditPlan, view: str
) -> bool:
    """Decide the answers of a table again; False where the file is another one, or cannot be read as it was."""
    detector = Predictions(section, Path(), joined=f"{view}_answers")
    try:
        answers = AnswerSource.of_table(detector.find_answers(evaluation_set, plan.evaluation_set.id))
        if detector.info.artefact_sha256 != result.provenance.detector_sha256:
            return False
        evaluation_set.engine.with_little_memory(
            lambda: create_scored_view(evaluation_set, answers, decision_rule(section), view)
        )
    except (DataError, PlanError):
        return False
    return True


def _read_again(result: AuditResult, plan: AuditPlan, folder: Path) -> pa.Table | None:
    """Read answers in a column of the set that its own plan does not name; None where they cannot be read as they
    were.
    """
    try:
        with open_evaluation_set(plan, folder) as evaluation_set:
            if evaluation_set.sha256 != result.provenance.evaluation_set_sha256:
                return None
            score(plan, evaluation_set, folder)
            return evaluation_set.table_of(f"SELECT case_id, decision FROM {SCORED}")  # noqa: S608 - names of our own
    except (DataError, PlanError):
        return None


def _predictions_beside(path: Path, digest: str | None) -> pa.Table | None:
    found = sha256_of(path)
    if found is None:
        return None
    if digest is not None and found != digest:
        raise another_run_error("are not the file that was written with it")
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=["case_id", "decision"])
        words = table["decision"].cast(pa.string())
        codes = pc.index_in(words, value_set=pa.array(DECISIONS)).cast(pa.int8())
        ids = table["case_id"].cast(pa.string())
    except (OSError, pa.ArrowException, KeyError):
        raise _unreadable(path) from None
    if codes.null_count or ids.null_count:
        raise _unreadable(path)
    return pa.table({"case_id": ids, "decision": codes})


def another_run_error(why: str) -> ResultError:
    """Make the error of predictions that lie beside the result of another run."""
    return ResultError(f"the predictions beside a result {why}", slug="predictions-of-another-run")


def _unreadable(path: Path) -> ResultError:
    return ResultError(f"{path.name} holds no answers as a run writes them", slug="predictions-unreadable")
