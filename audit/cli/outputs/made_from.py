"""What a result was made from, as recorded beside it: `gate` and `--changed-only` ask whether it is still the same.

The record holds a SHA-256 of the plan and of every file that the plan names, and the state of each: size, times and
inode. A large file in the same state is not read again. The state counts only where the system keeps a time of change
that nobody can set (POSIX), and where the file was two seconds old when it was read: within the grain of a clock, a
second change would look like the first. Otherwise the file is hashed, and so is every small one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import typer

from audit.operating_system import POSIX
from audit.storage import file_sha256, read_sealed, write_durably, write_sealed

if TYPE_CHECKING:
    from audit.plan.audit_plan import AuditPlan
    from audit.plan.file.plan_file import LoadedPlan
    from audit.result.audit_result import AuditResult

RECORD: Final = ".inputs.json"
"""Record in an output folder."""
MARK: Final = ".not-judged"
"""File in an output folder that names the result which a later run has left there without a verdict of its own."""
SCHEMA: Final = 2
SET: Final = "evaluation_set.path"
MODEL: Final = "detector.path"
_SET_OF_COUNTS: Final = "evaluation_set.counts"
_NO_INPUTS: Final = ("disclosure", "waivers", "baseline")
"""Sections of a plan whose files decide nothing that the gate of a result reads from it."""
_GRAIN: Final = 2_000_000_000
"""Nanoseconds by which a file must be older than its reading for its state to count: the coarsest clock of a file
system.
"""
SMALL: Final = 32 * 2**20
"""Bytes up to which a file is always read again: that takes a fiftieth of a second."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """File or folder that a plan names, as it was when a run read it."""

    path: str
    """As the plan names it: relative to its folder, or absolute."""
    sha256: str | None
    """None where it changed meanwhile: then it is never the same."""
    state: str | None = None
    """Digest of sizes, times and inodes; None where these do not show a change."""


@dataclass(frozen=True, slots=True)
class InputsSeen:
    """Files that a plan names, in the state in which a run found them."""

    began: int
    """When, in nanoseconds."""
    states: Mapping[str, tuple[str, str | None, bool]]
    """By key of the plan: path, state, and whether the state is old enough to count."""

    @classmethod
    def now(cls, loaded: LoadedPlan) -> InputsSeen:
        """Look at all files of a plan."""
        began = time.time_ns()
        states = {}
        for key, path in {**named_files(loaded.plan), **_code_files(loaded)}.items():
            state = _state(loaded.folder / path)
            states[key] = (path.as_posix(), state.digest, state.counts(began))
        return cls(began, states)

    def files(self, loaded: LoadedPlan, known: Mapping[str, str]) -> dict[str, InputFile]:
        """Return the files with their digests: those `known` to the run itself, and the others read again."""
        input_files = {}
        for key, (path, before, counts) in self.states.items():
            file = loaded.folder / path
            same = before is not None and _state(file).digest == before
            digest = known.get(key) or (path_sha256(file) if same else None)
            input_files[key] = InputFile(path, digest, before if same and counts else None)
        return input_files


def named_files(plan: AuditPlan) -> dict[str, Path]:
    """Return the files and folders that decide a verdict, by the key of the plan that names each."""
    paths: dict[str, Path] = {}
    for section, value in plan:
        if section not in _NO_INPUTS:
            paths.update(_paths(section, value))
    return paths


def _paths(key: str, value: Any) -> Iterator[tuple[str, Path]]:
    if isinstance(value, Path):
        yield key, value
    elif isinstance(value, tuple | list):
        for index, inner in enumerate(value):
            yield from _paths(f"{key}.{index}", inner)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _paths(f"{key}.{name}", inner)
    elif hasattr(type(value), "model_fields"):
        for name, inner in value:
            yield from _paths(f"{key}.{name}", inner)


def _code_files(loaded: LoadedPlan) -> dict[str, Path]:
    """Return the module of a function, or the files that the call of a program names, where they lie by the plan."""
    detector: Any = loaded.plan.detector
    words: tuple[str, ...] = ()
    if detector.kind == "python":
        words = (f"{detector.entry.partition(':')[0].replace('.', '/')}.py",)
    elif detector.kind == "command":
        words = tuple(detector.command)
    with contextlib.suppress(OSError, ValueError):
        return {f"detector: {word}": Path(word) for word in words if (loaded.folder / word).is_file()}
    return {}


def known_digests(result: AuditResult) -> dict[str, str]:
    """Return the digests that a result itself has of the files of its plan, by key."""
    about, plan = result.provenance, result.plan
    digests = {}
    if about.evaluation_set_sha256 is not None and about.evaluation_set_digest_of != "snapshot":
        key = SET if plan.evaluation_set.path is not None else _SET_OF_COUNTS
        digests[key] = about.evaluation_set_sha256
    if about.detector_sha256 is not None and getattr(plan.detector, "path", None) is not None:
        digests[MODEL] = about.detector_sha256
    return digests


def write_record(
    out: Path, seen: InputsSeen, loaded: LoadedPlan, plan: Path, result: AuditResult, document: bytes
) -> None:
    """Write beside a result what it was made from. Where that fails, a gate reads every file again."""
    digests = known_digests(result)
    if result.provenance.evaluation_set_digest_of == "manifest":
        digests.pop(SET, None)  # it covers fewer files than lie in the folder
    with contextlib.suppress(OSError):
        files = seen.files(loaded, digests)
        answers = out / "predictions.parquet"
        state = _state(answers).digest
        record = {
            "schema": SCHEMA,
            "document": hashlib.sha256(document).hexdigest(),
            "plan": None if not loaded.sha256 else _relative(loaded.folder / plan.name, out),
            "plan_sha256": loaded.sha256,
            "files": {key: [file.path, file.sha256, file.state] for key, file in files.items()},
            "answers": state if POSIX and result.provenance.predictions_sha256 is not None else None,
        }
        write_sealed(out / RECORD, record)


def read_record(out: Path, document_sha256: str) -> dict[str, Any] | None:
    """Return the record beside the result with this digest; None where there is none."""
    with contextlib.suppress(OSError):
        record = read_sealed(out / RECORD) or {}
        is_complete = record.get("schema") == SCHEMA and {"plan", "plan_sha256", "files", "answers"} <= record.keys()
        if is_complete and record.get("document") == document_sha256:
            return record
    return None


def recorded_files(record: Mapping[str, Any]) -> dict[str, InputFile]:
    """Return the files of a record."""
    return {key: InputFile(*values) for key, values in record["files"].items()}


def digest_now(path: Path, recorded: InputFile | None) -> str:
    """Return the digest of a file or folder: the recorded one where it need not be read again. Raises OSError."""
    if recorded is not None and recorded.sha256 is not None and is_taken_by_state(recorded, path):
        return recorded.sha256
    return path_sha256(path)


def is_taken_by_state(file: InputFile, path: Path) -> bool:
    """Say whether a file is large and in the recorded state, so that its recorded digest is taken for its own."""
    if file.sha256 is None or file.state is None:
        return False
    state = _state(path)
    return state.size > SMALL and state.digest == file.state


def read_anew(file: InputFile, current_path: Path) -> InputFile | None:
    """Return the record of a file that was read again and is what it was; None if it differs. Raises OSError.

    A large one is recorded in the state in which it lies here, so that the next gate need not read it.
    """
    began, before = time.time_ns(), _state(current_path)
    if file.sha256 is None or path_sha256(current_path) != file.sha256:
        return None
    counts = before.size > SMALL and before.counts(began) and _state(current_path) == before
    return InputFile(file.path, file.sha256, before.digest if counts else file.state)


def keep_states(out: Path, record: Mapping[str, Any], files: Mapping[str, InputFile]) -> None:
    """Record the states in which files lie here. Where the folder cannot be written, they are read again next time."""
    listed = {key: [file.path, file.sha256, file.state] for key, file in files.items()}
    if listed != record["files"]:
        with contextlib.suppress(OSError):
            write_sealed(out / RECORD, {**record, "files": listed})


def path_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of a list of all files in a folder, as `sha256sum` writes it. Raises OSError."""
    if path.is_dir():
        names = sorted((name for name in _names(path)), key=os.fsencode)
        lines = "".join(f"{file_sha256(path / name)}  {name}\n" for name in names)
        return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()
    return file_sha256(path)


def _names(folder: Path) -> list[str]:
    paths = list(folder.rglob("*"))
    if any(path.is_symlink() and path.is_dir() for path in paths):
        raise OSError("a link to a folder, whose files are not among them")
    return [path.relative_to(folder).as_posix() for path in paths if not path.is_dir()]


class _State(NamedTuple):
    """State of a file, or of all files in a folder."""

    digest: str | None
    """Digest of names, sizes, times and inodes; None where there is no file."""
    newest: int
    """Latest time, in nanoseconds."""
    size: int
    """Bytes."""

    def counts(self, began: int) -> bool:
        """Say whether a change after `began` would show in the state."""
        return POSIX and self.digest is not None and self.newest < began - _GRAIN


def _state(path: Path) -> _State:
    """Return the state of what lies at a path."""
    try:
        names = sorted(_names(path)) if path.is_dir() else [""]
        stats = [(name, os.stat(path / name)) for name in names]  # noqa: PTH116 - a link's target is what is read
    except OSError:
        return _State(None, 0, 0)
    lines = [[name, at.st_size, at.st_mtime_ns, at.st_ino, at.st_ctime_ns] for name, at in stats]
    newest = max((max(at.st_mtime_ns, at.st_ctime_ns) for _, at in stats), default=0)
    size = sum(at.st_size for _, at in stats)
    return _State(hashlib.sha256(json.dumps(lines).encode()).hexdigest(), newest, size)


def is_answers_state(state: object, path: Path) -> bool:
    """Say whether the answers beside a result are in the state that was recorded."""
    return state is not None and _state(path).digest == state


def _relative(path: Path, out: Path) -> str:
    """Path from an output folder, so that both can be moved together; absolute on another drive."""
    try:
        return Path(os.path.relpath(path, out.resolve())).as_posix()
    except ValueError:
        return str(path)


def mark(out: Path) -> bool:
    """Mark the result in an output folder as one that a later run has left there without a verdict of its own.

    Nothing is taken away. Returns whether there is one that had no mark yet.
    """
    earlier = out / "result.json"
    with contextlib.suppress(OSError):  # where nothing can be written, no run ends with a verdict either
        if earlier.is_file() and not is_marked(out, digest := file_sha256(earlier)):
            write_durably(out / MARK, f"{digest}\n".encode())
            return True
    return False


def unmark(out: Path) -> None:
    """Take the mark away: what lies in the output folder is the verdict of the last run."""
    with contextlib.suppress(OSError):
        (out / MARK).unlink(missing_ok=True)


@contextlib.contextmanager
def marked_until_judged(out: Path) -> Iterator[None]:
    """Mark the result in an output folder until a run ends with a verdict, and for ever where it does not.

    A verdict is a `typer.Exit`. A run that is killed leaves the mark too.
    """
    mark(out)
    try:
        yield
    except typer.Exit:
        unmark(out)
        raise


def is_marked(out: Path, document_sha256: str) -> bool:
    """Say whether a later run into this folder has ended without a verdict, or has not ended."""
    with contextlib.suppress(OSError):
        return (out / MARK).read_bytes()[:64].decode("ascii", "replace") == document_sha256
    return False
