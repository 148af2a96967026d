"""Files of rows, model and answers that a restricted bundle takes along, so that all can be made again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import ArgumentError
from audit.evidence.bundle import MAX_BYTES
from audit.evidence.replay import DETECTOR, PREDICTIONS, SET
from audit.plan.answers import PredictionsDetector
from audit.storage import bytes_of_result

if TYPE_CHECKING:
    from audit.plan.file.plan_file import LoadedPlan
    from audit.result.audit_result import AuditResult

_ANSWERS = f"{PREDICTIONS}.parquet"


def rows_of(result: AuditResult, loaded: LoadedPlan | None, folder: Path) -> dict[str, bytes]:
    """Return the set, the detector and its answers by the name that they have in a bundle; `loaded` is the plan.

    Raises
    ------
    ArgumentError
        If the plan is not at hand, or the set is no single file: then whoever replays brings it.
    ResultError
        If one of them lies no longer where the plan says.
    """
    if loaded is None:
        raise ArgumentError("the plan of this result is not at hand, and it says where the set is", slug="no-plan")
    section, detector, beside = loaded.plan.evaluation_set, result.plan.detector, loaded.folder
    named = section.path or section.counts
    if named is None or (beside / named).is_dir():
        raise ArgumentError("the set is no single file, and a bundle takes no folder or table", slug="set-not-a-file")
    files = {f"{SET}{named.suffix}": beside / named}
    path = getattr(detector, "path", None)
    if isinstance(path, Path) and (beside / path).is_file():
        files[f"{DETECTOR}{path.suffix}"] = beside / path
    if not isinstance(detector, PredictionsDetector) and (folder / _ANSWERS).exists():
        files[_ANSWERS] = folder / _ANSWERS
    return {name: bytes_of_result(place, MAX_BYTES) for name, place in files.items()}
