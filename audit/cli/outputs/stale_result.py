"""Whether a result is still that of its plan, its detector, its set and its answers, before a gate takes its word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.cli.console.terminal import note
from audit.cli.outputs.made_from import (
    is_answers_state,
    is_marked,
    is_taken_by_state,
    keep_states,
    known_digests,
    named_files,
    path_sha256,
    read_anew,
    read_record,
    recorded_files,
)
from audit.errors import AuditError, ResultError
from audit.plan.detectors import is_of_numbers
from audit.storage import file_sha256
from audit.vocabulary.text import first_of, shown

if TYPE_CHECKING:
    from audit.plan.detectors import Detector
    from audit.result.audit_result import AuditResult
    from audit.result.file import ResultFile

_UNNAMED: Final = {
    "pickle": "a pickle does not say which code answered",
    "python": "a function does not say which model answered",
    "command": "a program does not say which model answered",
    "http": "a service does not say which model answered",
    "chat": "a service does not say which model answered",
    "predictions": "answers that exist already do not say which model gave them",
    "blind": "answers that exist already do not say which model gave them",
}
"""What keeps a gate from knowing the model, by the kind of detector."""
_MOST: Final = 4
"""Inputs that a line names."""
_ROLES: Final = {"evaluation_set": "the evaluation set", "detector": "the detector"}


def check_inputs(file: ResultFile, *, elsewhere: bool, quiet: bool) -> None:
    """Check that the inputs of a result, as far as they are at hand, are those that it was made from.

    Parameters
    ----------
    file : ResultFile
        The result; the record of its inputs lies beside its file.
    elsewhere : bool
        Whether somebody says that what is not at hand, or not known, is the same. A note says what that is.
    quiet : bool
        Whether that note is left out, and the one that names large files which were not read again.

    Raises
    ------
    ResultError
        If one of them differs or a later run has ended without a verdict; without `elsewhere` also if one is not at
        hand, or if nothing says which model answered.
    """
    result, path = file.result, file.path
    if is_marked(path.parent, file.sha256):
        raise ResultError(
            f"{shown(str(path))} is of an earlier run: the last one has not ended with a verdict; nothing was judged",
            slug="result-of-earlier-run",
        )
    record = read_record(path.parent, file.sha256)
    plan = _plan_of_record(record, result, path) if record else _plan_by_name(result, path)
    _check_answers(result, path.parent, record)
    missing, unread = _at_hand(result, path.parent, plan, record)
    if unread and not quiet:
        by = "size, times and inode are those of the digest that is kept"
        note(f"note: not read again, as {by}: {first_of(unread, _MOST)}")
    unnamed = (
        None
        if is_of_numbers(result.plan.detector)
        else _UNNAMED.get(result.plan.detector.kind, _other(result.plan.detector))
    )
    if elsewhere:
        if missing and not quiet:
            note(f"note: taken on your word (--inputs-elsewhere): {first_of(missing, _MOST)}")
    elif missing:
        raise ResultError(
            f"not at hand of what this result was made from: {first_of(missing, _MOST)}; nothing was judged",
            slug="inputs-not-at-hand",
        )
    elif unnamed is not None:
        raise ResultError(f"{unnamed}; nothing was judged", slug="model-not-known")


def report_stale(file: ResultFile) -> None:
    """Note where a result that is reported again is no longer that of its inputs, as far as they are at hand."""
    try:
        check_inputs(file, elsewhere=True, quiet=True)
    except ResultError as error:
        note(f"note: {error.message}: what is written is the verdict of before")


def _other(detector: Detector) -> str:
    return f"a detector of the kind {shown(detector.kind)} does not say which model answered"


def _beside_plan(detector: Detector) -> list[str]:
    return ["the evaluation set", *(["the detector"] if is_of_numbers(detector) else [])]


def _differs(what: str, name: str) -> ResultError:
    return ResultError(
        f"{what} is not what this result was made from: {shown(name)} differs; nothing was judged", slug="stale-result"
    )


def _plan_of_record(record: Mapping[str, Any], result: AuditResult, path: Path) -> Path | None:
    """Return the plan that a record names, where it lies there still. Raises ResultError if it differs."""
    if record["plan"] is None:
        return None
    plan_path = path.parent.resolve() / str(record["plan"])
    try:
        if file_sha256(plan_path) == record["plan_sha256"]:
            return plan_path
    except FileNotFoundError:
        return None
    except OSError:
        raise _differs("the plan", plan_path.name) from None
    if not _is_plan_of(result, plan_path):
        raise _differs("the plan", plan_path.name)
    return plan_path


def _plan_by_name(result: AuditResult, path: Path) -> Path | None:
    """Return the plan of a result without a record: beside it, one folder up, or in the working folder.

    Raises ResultError if a plan of that name lies there, and none is that of the result.
    """
    name = result.provenance.plan_file
    if not name:
        return None
    folder = path.parent.resolve()
    places = [candidate / name for candidate in (folder, folder.parent, Path.cwd())]
    there = list(dict.fromkeys(candidate for candidate in places if candidate.is_file()))
    for candidate in there:
        if _is_plan_of(result, candidate):
            return candidate
    if there:
        raise _differs("the plan", there[0].name)
    return None


def _is_plan_of(result: AuditResult, candidate: Path) -> bool:
    """Say whether a plan means what that of the result did: comments and the order of keys do not count."""
    from audit.plan.file.plan_file import canonical_plan_sha256, read_plan_file

    try:
        return canonical_plan_sha256(read_plan_file(candidate).plan) == result.provenance.plan_sha256
    except AuditError:
        return False


def _at_hand(
    result: AuditResult, out: Path, plan: Path | None, record: Mapping[str, Any] | None
) -> tuple[list[str], list[str]]:
    """Return what is not at hand of what a result was made from, and which large files were not read again.

    Raises ResultError for the first file that differs.
    """
    if plan is None:
        return ["the plan", *_beside_plan(result.plan.detector)], []
    section = result.plan.evaluation_set
    nowhere = section.path is None and section.counts is None and section.version is None
    tables = ["the evaluation set"] if nowhere else []
    if record is None:
        return [*_missing_by_digest(result, plan.parent), *tables], []
    missing, unread, here = [], [], recorded_files(record)
    for key, file in recorded_files(record).items():
        input_path = plan.parent / file.path
        try:
            if not input_path.exists():
                missing.append(_role(key))
            elif is_taken_by_state(file, input_path):
                unread.append(_role(key))
            else:
                again = read_anew(file, input_path)
                if again is None:
                    raise _differs(_role(key), file.path)
                here[key] = again
        except OSError:
            raise _differs(_role(key), file.path) from None
    keep_states(out, record, here)
    return [*missing, *tables], unread


def _role(key: str) -> str:
    return _ROLES.get(key.partition(":")[0].partition(".")[0], f"`{key}` of the plan")


def _missing_by_digest(result: AuditResult, folder: Path) -> Iterator[str]:
    """Yield what is not at hand of a result without a record. Raises ResultError for the first file that differs."""
    known = known_digests(result)
    for key, path in named_files(result.plan).items():
        file, digest = folder / path, known.get(key)
        try:
            if digest is None or not file.exists():
                yield _role(key)
            elif not _has_digest(result, key, file, digest):
                raise _differs(_role(key), path.as_posix())
        except OSError:
            raise _differs(_role(key), path.as_posix()) from None


def _has_digest(result: AuditResult, key: str, file: Path, digest: str) -> bool:
    """Say whether a file has the digest in the result, which leaves files out of a folder of Parquet."""
    if key.startswith("evaluation_set") and result.provenance.evaluation_set_digest_of == "manifest":
        from audit.evaluation.parquet_folder import folder_parts

        try:
            return folder_parts(file).sha256 == digest
        except AuditError:
            return False
    return path_sha256(file) == digest


def _check_answers(result: AuditResult, out: Path, record: Mapping[str, Any] | None) -> None:
    """Raise ResultError if the answers that lie beside a result are others. Where they are gone, nothing is said."""
    answers, digest = out / "predictions.parquet", result.provenance.predictions_sha256
    if digest is None or not answers.is_file():
        return
    if record is not None and is_answers_state(record["answers"], answers):
        return
    try:
        same = file_sha256(answers) == digest
    except OSError:
        same = False
    if not same:
        raise _differs("the file of answers", answers.name)
