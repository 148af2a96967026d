"""Answers of an earlier audit, case by case: from the file beside its result, or read again with its plan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.counting.count import SCORED
from audit.errors import ResultError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.answers import PredictionsDetector
from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import AuditResult
from audit.scoring.predictions_file import DECISIONS
from audit.scoring.provenance import sha256_of

if TYPE_CHECKING:
    import pyarrow as pa

PREDICTIONS: Final = "predictions.parquet"


def answers_of(result: AuditResult, beside: Path, plan: AuditPlan, folder: Path) -> pa.Table | None:
    """Return `case_id` and `decision` (a code) of every case of an audit; None where they are not at hand.

    If a detector was run, they stand in `predictions.parquet` beside the result. Answers that existed already are read
    again: from the evaluation set, or from the predictions file beside the result or where its plan says, if it is
    still the file that was audited.

    Parameters
    ----------
    beside : Path
        The folder of the result.
    plan, folder
        A plan of the same set, and what its paths are relative to.

    Raises
    ------
    ResultError
        If there is a file and it is no file of answers.
    """
    if plan.evaluation_set.is_counted:
        return None
    if not isinstance(result.plan.detector, PredictionsDetector):
        return _predictions_beside(beside / PREDICTIONS, result.provenance.predictions_sha256)
    for detector in _possible_detectors(result.plan.detector, beside, folder):
        found = _read_again(result, plan.model_copy(update={"detector": detector}), folder)
        if found is not None:
            return found
    return None


def _predictions_beside(path: Path, digest: str | None) -> pa.Table | None:
    found = sha256_of(path)
    if found is None:
        return None
    if digest is not None and found != digest:
        raise of_another_run("are not the file that was written with it")
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


def of_another_run(why: str) -> ResultError:
    """Make the error of predictions that lie beside the result of another run."""
    return ResultError(f"the predictions beside a result {why}", slug="predictions-of-another-run")


def _unreadable(path: Path) -> ResultError:
    return ResultError(f"{path.name} holds no answers as a run writes them", slug="predictions-unreadable")


def _possible_detectors(detector: PredictionsDetector, beside: Path, folder: Path) -> Iterator[PredictionsDetector]:
    """Yield the detector with every place where its answers may be."""
    if detector.path is None:
        yield detector
        return
    for path in (beside / detector.path.name, folder / detector.path):
        if path.is_file():
            yield detector.model_copy(update={"path": path.absolute()})


def _read_again(result: AuditResult, plan: AuditPlan, folder: Path) -> pa.Table | None:
    """Decide the answers of a table again; None where the file is another one, or cannot be read as it was."""
    from audit.errors import DataError, PlanError
    from audit.scoring import score

    try:
        with open_evaluation_set(plan, folder) as evaluation_set:
            if evaluation_set.sha256 != result.provenance.evaluation_set_sha256:
                return None
            scored = score(plan, evaluation_set, folder)
            if scored.detector_sha256 != result.provenance.detector_sha256:
                return None
            query = f"SELECT case_id, decision FROM {SCORED}"  # noqa: S608 - names of our own
            return evaluation_set.table_of(query)
    except (DataError, PlanError):
        return None
