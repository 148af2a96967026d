"""The two bundles in an output folder: there together, whenever a process is killed; and the rows for one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.outputs.named_folders import public_folder
from audit.cli.outputs.output_folder import write_file
from audit.errors import ArgumentError
from audit.evidence.seal import Bundles
from audit.plan.answers import PredictionsDetector
from audit.storage import bytes_of_result, storage, write_durably
from audit.vocabulary.file_names import EVIDENCE, RESTRICTED_EVIDENCE

if TYPE_CHECKING:
    from audit.plan.file.plan_file import LoadedPlan
    from audit.result.audit_result import AuditResult

_WAITING = f".{RESTRICTED_EVIDENCE}.waiting"
"""The restricted bundle before the history says that the audit was sealed: the public one follows from it."""


@contextmanager
def write_bundles(out: Path, bundles: Bundles) -> Iterator[None]:
    """Write both bundles around what makes them valid: before it they wait, after it they are there."""
    waiting = out / _WAITING
    hint = "nothing is sealed; free some space, and run or seal it again"
    with storage(waiting, "the evidence could not be written", hint=hint):
        write_durably(waiting, bundles.restricted.content)
    yield
    write_file(public_folder(out) / EVIDENCE, bundles.public.content, private=False)
    with storage(waiting):
        waiting.replace(out / RESTRICTED_EVIDENCE)


def finish_bundles(out: Path, known: Collection[str]) -> bool:
    """Put bundles into place that wait since a process was killed.

    Returns whether there are some, of the public files that lie there, with a statement among those of a history.
    """
    from audit.evidence.bundle import MAX_BYTES, read_bundle

    waiting = out / _WAITING
    if not waiting.exists():
        return False
    restricted = read_bundle(bytes_of_result(waiting, MAX_BYTES), waiting.name)
    bundles = Bundles(restricted.for_everybody, restricted)
    lie = {file.name: file for file in public_folder(out).iterdir()}
    same = all(name in lie and lie[name].read_bytes() == content for name, content in bundles.public.public.items())
    if not same or bundles.statement_sha256 not in known:
        return False
    with write_bundles(out, bundles):
        pass
    return True


def rows_of(result: AuditResult, loaded: LoadedPlan | None, folder: Path) -> dict[str, bytes]:
    """Return the files of set, detector and answers by their names in a bundle, so that all can be made again; `loaded`
    is the plan.

    Raises
    ------
    ArgumentError
        If the plan is not at hand, or the set is no single file: then whoever replays brings it.
    ResultError
        If one of them lies no longer where the plan says.
    """
    from audit.evidence.bundle import MAX_BYTES
    from audit.evidence.replay import DETECTOR, PREDICTIONS, SET

    if loaded is None:
        raise ArgumentError("the plan of this result is not at hand, and it says where the set is", slug="no-plan")
    section, detector, beside = loaded.plan.evaluation_set, result.plan.detector, loaded.folder
    named = section.path or section.counts
    if named is None or (beside / named).is_dir():
        raise ArgumentError("the set is no single file, and a bundle takes no folder or table", slug="set-not-a-file")
    answers = f"{PREDICTIONS}.parquet"
    files = {f"{SET}{named.suffix}": beside / named}
    path = getattr(detector, "path", None)
    if isinstance(path, Path) and (beside / path).is_file():
        files[f"{DETECTOR}{path.suffix}"] = beside / path
    if not isinstance(detector, PredictionsDetector) and (folder / answers).exists():
        files[answers] = folder / answers
    return {name: bytes_of_result(row_file, MAX_BYTES) for name, row_file in files.items()}
