"""A detector that stands for one in a child process, with the protocol, answers and errors of that detector."""

from __future__ import annotations

import contextlib
import json
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeGuard

import pyarrow as pa

from audit.detectors.error_names import OWN, RaisedThereError, is_builtin
from audit.detectors.isolation.packed import BYTES_A_ROW, unpack
from audit.detectors.isolation.process import (
    MOST_PROCESSES,
    Child,
    ChildGoneError,
    GarbledError,
    TooLargeError,
    TooLateError,
    TooManyError,
)
from audit.detectors.isolation.wire import Asked, Replied, as_json
from audit.detectors.own_files import OwnFiles, module_beside
from audit.detectors.protocol import API_VERSION, DetectorInfo, RunContext
from audit.engines.private_folder import PrivateFolder
from audit.errors import DetectorError, hints
from audit.plan.detectors import is_of_numbers
from audit.storage import file_sha256
from audit.vocabulary.text import printable, shown

if TYPE_CHECKING:
    from audit.plan.sections import SandboxSection

_MOST_REPLY: Final = 1 << 20
"""Most bytes of any reply that holds no answers."""
_FOR_ANSWERS: Final = 1 << 16
"""Most bytes of answers, beside the bytes for twice as many rows as were asked about."""
_CONFINED: Final = 60.0
"""Seconds for Python to start in the child and to give up its rights."""
_REPLY: Final = 60.0
_CLOSED: Final = 15.0
"""Seconds to close; a program may use five of them to end by itself."""
_NAME_FILES: Final = "it can read no file of yours that the plan does not name: write `files` in [detector]"
_INSTALL: Final = "install the library that it imports; a module of yours is found where `files` in [detector] names it"
_OF_A_FILE: Final = ("PermissionError", "FileNotFoundError")
"""Errors that a file may cause that the plan does not name."""
_WITHHELD: Final = "what it says is withheld because it can quote a row; --sandbox none shows it if you trust the model"
_OF_ANSWERS: Final = frozenset({"answers-shape", "answers-type", "detector-cell-type", "detector-rounding"})
"""Names of errors that a detector which has seen rows may end with, beside those for which errors.toml has a hint."""
_NO_MODULE: Final = re.compile(r"no module named ([\w.]+)")
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+){0,9}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MOST_NOTES, _LONGEST = 100, 1000


@dataclass(frozen=True, slots=True)
class ChildSettings:
    """The limits and surroundings of a child."""

    limits: SandboxSection
    environment: dict[str, str]
    path: Sequence[str]
    """Folders in which it finds modules."""
    detector_files: OwnFiles
    readable: Sequence[str] = ()
    """Files and folders that it may read."""
    is_exposed: bool = False
    """Whether a file of the audit lies in what it may read."""
    shut_in: bool = False
    """Whether it gives up all other files, the network and other processes."""
    must_be_shut_in: bool = False
    """Whether it is refused where the kernel cannot keep it in."""
    memory_mib: int | None = None
    """Most MiB of address space."""


class ContainedDetector:
    """The detector of a section, run in a child process.

    It answers one batch at a time, even if the detector in the child has `workers`.
    """

    api_version = API_VERSION

    def __init__(self, section: Any, folder: Path, settings: ChildSettings) -> None:
        self._section = section
        self._folder = folder
        self._settings = settings
        self._child: Child | None = None
        self._file_sha256: str | None = None
        self._patience = settings.limits.batch_timeout + float(getattr(section, "start_timeout", 0.0))
        if section.kind == "command":
            # the program has limits of its own, and rows that exceed them are counted as failures
            self._patience += section.timeout
        self._info: DetectorInfo | None = None
        self._stale = False
        self._batches = 0
        self.network: str = "open"
        """`blocked` or `open`, as the child found it; valid once the detector is open."""
        self.is_shut_in = False
        """Whether files, network and processes of others are out of its reach, likewise."""
        self._room = contextlib.ExitStack()

    @property
    def settings(self) -> ChildSettings:
        """The limits and surroundings of the child."""
        return self._settings

    @property
    def pid(self) -> int | None:
        """Id of the process that was started; None if there is none."""
        return None if self._child is None else self._child.pid

    @property
    def info(self) -> DetectorInfo:
        """Description of the detector in the child, after checks."""
        if self._stale and self._child is not None and self._child.can_be_asked:
            now = self._checked_info(self._reply_object(Asked.INFO, b"", _REPLY))
            # what it said before it saw a row stays
            self._info, self._stale = now if self._info is None else replace(self._info, course=now.course), False
        assert self._info is not None  # noqa: S101 - read when it is open
        return self._info

    def open(self, ctx: RunContext) -> None:
        """Start the child and open the detector in it. Raises DetectorError."""
        settings = self._settings
        self._file_sha256 = _file_digest(self._section, self._folder)
        try:
            room = self._room.enter_context(PrivateFolder())
            scratch = room / "scratch"
            scratch.mkdir()
            folder = settings.detector_files.link_into(room) if settings.shut_in else self._folder.absolute()
            homes = {"TMPDIR": str(scratch), "HOME": str(scratch)} if settings.shut_in else {}
            self._child = Child(settings.environment | homes, memory_mib=settings.memory_mib)
        except OSError as error:
            raise DetectorError(
                f"no process can be started for the detector ({type(error).__name__})", slug="isolation-start"
            ) from None
        self._confine(room)
        section = self._section
        opening = {
            "kind": section.kind,
            "section": f"{type(section).__module__}:{type(section).__qualname__}",
            # only keys that were set: some detectors check which keys the plan leaves out
            "values": section.model_dump(mode="json", by_alias=True, exclude_unset=True),
            "folder": str(folder),
            "context": {
                "columns": ctx.columns,
                "answers": ctx.answers,
                "score_range": ctx.score_range,
                "batch_size": ctx.batch_size,
                "classes": ctx.classes,
            },
        }
        self._info = self._checked_info(self._reply_object(Asked.OPEN, as_json(opening), settings.limits.open_timeout))

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask the child for one batch. Raises DetectorError, or an error with the name of the error in the child."""
        self._batches += 1
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writing:
            writing.write_batch(batch)
        most = _FOR_ANSWERS + 2 * BYTES_A_ROW * batch.num_rows
        self._stale = True
        kind, content = self._ask(Asked.SCORE, memoryview(sink.getvalue()), self._patience, most)
        answer = unpack(content, batch.column(0)) if kind is Replied.ANSWERS else None
        if answer is None:
            self._raise_garbled()
        return answer

    def close(self) -> None:
        """Close the detector in the child, and end the child with all that it started."""
        child, self._child = self._child, None
        if child is None:
            self._room.close()
            return
        try:
            if child.can_be_asked:
                self._reply_of(child, Asked.CLOSE, b"", _CLOSED, _MOST_REPLY)
        finally:
            child.end()
            self._room.close()

    def _confine(self, room: Path) -> None:
        settings = self._settings
        setup = {
            "memory_mib": settings.memory_mib,
            "shut_in": settings.shut_in,
            "readable": [*settings.readable, str(room / "beside"), str(room / "packages")],
            "writable": [str(room / "scratch"), *_DEVICES],
            "path": [*settings.path, str(room / "packages")],
        }
        reply = self._reply_object(Asked.CONFINE, as_json(setup), _CONFINED)
        self.network = "blocked" if reply.get("network") is True else "open"
        self.is_shut_in = not settings.is_exposed and all(
            reply.get(what) is True for what in ("files", "network", "processes")
        )
        if settings.must_be_shut_in and settings.is_exposed:
            self._end()
            raise DetectorError("a file of the audit lies among those of the libraries", slug="sandbox-exposed")
        if settings.must_be_shut_in and not self.is_shut_in:
            self._end()
            raise DetectorError("this system cannot keep the detector in", slug="sandbox-strict")

    def _reply_object(self, request: Asked, content: bytes, patience: float) -> dict[str, Any]:
        kind, reply_content = self._ask(request, content, patience, _MOST_REPLY)
        reply = _object(reply_content) if kind is Replied.DONE else None
        if reply is None:
            self._raise_garbled()
        return reply

    def _ask(
        self, request: Asked, content: bytes | memoryview, patience: float, most: int
    ) -> tuple[Replied, bytearray]:
        child = self._child
        assert child is not None  # noqa: S101 - the harness opens before it scores
        try:
            return self._reply_of(child, request, content, patience, max(most, _FOR_ANSWERS))
        except BaseException:
            if not child.can_be_asked:
                child.end()
            raise

    def _reply_of(
        self, child: Child, request: Asked, content: bytes | memoryview, patience: float, most: int
    ) -> tuple[Replied, bytearray]:
        """Ask, and raise the error of the child, or an error on the end of the child."""
        try:
            kind, reply_content = child.ask(request, content, patience, most)
        except ChildGoneError as gone:
            raise self._ended_error(gone.returncode) from None
        except TooLateError:
            raise self._timeout_error(request, patience) from None
        except TooManyError:
            raise DetectorError(
                f"the detector started more than {MOST_PROCESSES} processes ({self._when()})",
                slug="isolation-processes",
            ) from None
        except TooLargeError:
            raise self._memory_error() from None
        except GarbledError:
            self._raise_garbled()
        if kind is Replied.MEMORY:
            raise self._memory_error()
        if kind is Replied.REFUSED:
            self._raise_refusal_of_child(_object(reply_content))
        if kind is Replied.RAISED:
            self._raise_error_of_child(_object(reply_content))
        return kind, reply_content

    def _raise_refusal_of_child(self, reply: dict[str, Any] | None) -> NoReturn:
        slug, message, hint = ((reply or {}).get(key) for key in ("slug", "message", "hint"))
        if not (isinstance(slug, str) and isinstance(message, str) and isinstance(hint, str) and _SLUG.fullmatch(slug)):
            self._raise_garbled()
        if self._batches and self._settings.shut_in:
            # it has seen rows, and could quote one
            slug = slug if slug in hints() or slug in _OF_ANSWERS else "detector-raised"
            name = (reply or {}).get("type")
            what = f"ended with {slug}"
            if slug == "detector-raised":
                what = f"raised {name if isinstance(name, str) and is_builtin(name) else OWN}"
            hint = self._hint_on_files(what) or "; ".join(filter(None, (hints().get(slug), _WITHHELD)))
            raise DetectorError(f"the detector {what} ({self._when()})", slug=slug, hint=hint)
        raise DetectorError(_line(message), slug=slug, hint=_line(self._hint_on_files(message) or hint))

    def _raise_error_of_child(self, reply: dict[str, Any] | None) -> NoReturn:
        """Raise an error that stands for the error in the child, so that both are handled in the same way.

        Only an error of Python itself keeps its name: the child could write a row into any other name.
        """
        name = (reply or {}).get("type")
        if not isinstance(name, str):
            self._raise_garbled()
        if is_builtin(name) and (hint := self._hint_on_files(name)):
            raise DetectorError(
                f"the detector raised {name} ({self._when()})", slug="detector-raised", hint=hint
            ) from None
        raise RaisedThereError(name if is_builtin(name) else OWN) from None

    def _hint_on_files(self, message: str) -> str | None:
        """Say what to do about an error that may have its cause in what the detector cannot read; None for another."""
        if not self._settings.shut_in:
            return None
        if any(name in message for name in _OF_A_FILE):
            return _NAME_FILES
        if missing := _NO_MODULE.search(message):
            return _NAME_FILES if module_beside(missing[1], self._folder) else None
        return _INSTALL if "ModuleNotFoundError" in message else None

    def _ended_error(self, returncode: int) -> DetectorError:
        hint = "what it wrote is withheld because it can quote a row; run the model on the same columns yourself"
        if self._settings.memory_mib is not None:
            hint += f"; if it needs more than {self._settings.memory_mib:,} MiB, raise `memory_mib` in [sandbox]"
        return DetectorError(
            f"the process of the detector {_how(returncode)} ({self._when()})", slug="isolation-ended", hint=hint
        )

    def _timeout_error(self, request: Asked, patience: float) -> DetectorError:
        what = {Asked.SCORE: "did not answer", Asked.OPEN: "was not open"}.get(request, "did not reply")
        key = {Asked.SCORE: "batch_timeout", Asked.OPEN: "open_timeout"}.get(request)
        return DetectorError(
            f"the detector {what} within {patience:g} s ({self._when()})",
            slug="isolation-timeout",
            hint=f"raise `{key}` in [sandbox], or choose a smaller batch_size in [scoring]"
            if key
            else "run again; where it happens again the model keeps its process from answering",
        )

    def _memory_error(self) -> DetectorError:
        limit = self._settings.memory_mib
        if limit is None:
            return DetectorError(
                f"there was not enough memory for the detector ({self._when()})", slug="isolation-no-memory"
            )
        return DetectorError(
            f"the detector needs more memory than its limit of {limit:,} MiB ({self._when()})", slug="isolation-memory"
        )

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()

    def _raise_garbled(self) -> NoReturn:
        self._end()
        raise DetectorError(
            f"the process of the detector wrote something that is no answer ({self._when()})", slug="isolation-garbled"
        )

    def _when(self) -> str:
        return f"in batch {self._batches}" if self._batches else "while it was opened"

    def _checked_info(self, reply: dict[str, Any]) -> DetectorInfo:
        """Check the description that the child sent, and make the information from it."""
        name, sha256, notes, course = (reply.get(key) for key in ("name", "artefact_sha256", "notes", "course"))
        if not (
            isinstance(name, str)
            and (sha256 is None or (isinstance(sha256, str) and _SHA256.fullmatch(sha256)))
            and _are_lines(notes)
            and _are_lines(course)
        ):
            self._raise_garbled()
        if self._file_sha256 is not None and sha256 != self._file_sha256:
            raise DetectorError(
                "the model file that was loaded is not the one that was there before", slug="isolation-file-changed"
            )
        return DetectorInfo(
            name=shown(name),
            kind=self._section.kind,
            artefact_sha256=self._settings.detector_files.sha256(sha256),
            deterministic=reply.get("deterministic") is True,
            needs=tuple(self._section.features),
            digest_is_whole=reply.get("digest_is_whole") is True and is_of_numbers(self._section),
            notes=tuple(_line(note) for note in notes),
            course=tuple(_line(note) for note in course),
        )


def _object(content: bytearray) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError, RecursionError):
        reply = json.loads(content)
        if isinstance(reply, dict):
            return reply
    return None


def _are_lines(reply: Any) -> TypeGuard[list[str]]:
    return isinstance(reply, list) and len(reply) <= _MOST_NOTES and all(isinstance(line, str) for line in reply)


def _line(text: str) -> str:
    """Make one printable line of bounded length from a text of the child."""
    return printable(" ".join(text.split()))[:_LONGEST]


def _how(returncode: int) -> str:
    number = -returncode if returncode < 0 else returncode - 128
    if returncode < 0 or number in set(signal.Signals):
        with contextlib.suppress(ValueError):
            return f"was ended by the signal {signal.Signals(number).name}"
        return f"was ended by the signal {number}"
    return f"ended with exit code {returncode}"


def _file_digest(section: Any, folder: Path) -> str | None:
    """Digest of the model file before the child reads it, for the kinds whose digest is that of one file."""
    if section.kind not in {"skops", "onnx", "pickle"}:
        return None
    path = folder / section.path
    try:
        if not path.is_file():
            return None
        return file_sha256(path)
    except OSError:
        return None
