"""The program of the child. Its argument is the number of its socket to the harness.

It gives up its rights, opens the detector and answers batches until the harness asks it to close, or is gone. Its
standard input, output and error lead nowhere. Of an exception it sends only the name of the type, unless it is an error
of this project, whose text names no row.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.detectors.inside import shut_child_in
from audit.detectors.isolation.confinement import confine, leave_a_watcher
from audit.detectors.isolation.wire import Asked, Replied, as_json, read_message, write_message

if TYPE_CHECKING:
    from audit.detectors.protocol import Detector, RunContext

Reply = tuple[Replied, bytes]


class Server:
    """A server that holds the detector and answers one message after the other."""

    def __init__(self) -> None:
        self._detector: Detector | None = None
        self._context: RunContext | None = None
        self._kind = ""
        self._batches = 0

    def reply(self, request: Asked, content: bytearray) -> Reply:
        """Make the reply to a message. Any error of the detector becomes a reply."""
        from audit.detectors.error_names import error_name
        from audit.errors import AuditError

        try:
            return self._do(request, content)
        except AuditError as error:
            if _for_want_of_memory(error):
                return Replied.MEMORY, b""
            cause = error_name(error.__context__) if error.__context__ else ""
            refusal = {"slug": error.slug, "message": error.message, "hint": error.own_hint, "type": cause}
            return Replied.REFUSED, as_json(refusal)
        except BaseException as error:
            if _for_want_of_memory(error):
                return Replied.MEMORY, b""
            return Replied.RAISED, as_json({"type": error_name(error)})

    def _do(self, request: Asked, content: bytearray) -> Reply:
        if request is Asked.OPEN:
            opening = json.loads(content)
            # closed later even where it cannot be opened, as in the harness
            self._detector, self._context, self._kind = _made(opening), _context(opening), opening["kind"]
            self._detector.open(self._context)
            return self._info()
        if request is Asked.CLOSE and self._detector is None:  # it could not be made
            return Replied.DONE, as_json({})
        assert self._detector is not None  # noqa: S101 - the harness opens first
        assert self._context is not None  # noqa: S101
        if request is Asked.SCORE:
            self._batches += 1
            where = f"detector kind {self._kind}, batch {self._batches}"
            return Replied.ANSWERS, _scored(self._detector, self._context, where, content)
        if request is Asked.CLOSE:
            self._detector.close()
            return Replied.DONE, as_json({})
        return self._info()

    def _info(self) -> Reply:
        assert self._detector is not None  # noqa: S101
        info = self._detector.info
        description = {
            "name": info.name,
            "artefact_sha256": info.artefact_sha256,
            "deterministic": bool(info.deterministic),
            "digest_is_whole": bool(info.digest_is_whole),
            "notes": list(info.notes),
            "course": list(info.course),
        }
        return Replied.DONE, as_json(description)


def main(harness: int) -> None:
    """Serve until the harness closes its socket or is gone."""
    os.set_inheritable(harness, False)
    server = Server()
    while (message := read_message(harness)) is not None:
        kind, content = message
        request = Asked(kind)
        if request is Asked.CONFINE:
            write_message(harness, Replied.DONE, as_json(_confined(json.loads(content), harness)))
        else:
            write_message(harness, *server.reply(request, content))


def _confined(setup: Mapping[str, Any], harness: int) -> dict[str, Any]:
    process_files = ("/proc/self/maps", "/proc/self/status", "/proc/self/stat", "/proc/self/statm")
    if setup["shut_in"] and sys.platform.startswith("linux"):
        leave_a_watcher(harness)
    confined = confine(
        setup["memory_mib"],
        shut_in=setup["shut_in"],
        readable=[*setup["readable"], *process_files],
        writable=setup["writable"],
    )
    if confined["network"]:  # the same filter denies both
        shut_child_in()
    # the user's own folders only now: what lies there may be the model's
    sys.path[:] = setup["path"]
    os.environ.setdefault("PYTHONPATH", os.pathsep.join(setup["path"]))
    return confined


def _made(opening: Mapping[str, Any]) -> Detector:
    from typing import cast

    from audit.detectors.inside import enter_child
    from audit.detectors.protocol import table_detector
    from audit.detectors.registry import make_detector
    from audit.errors import DetectorError

    enter_child()
    home, _, name = opening["section"].partition(":")
    section = getattr(__import__(home, fromlist=[name]), name).model_validate(opening["values"])
    detector = make_detector(section, Path(opening["folder"]))
    if table_detector(detector) is not None:
        raise DetectorError(f"the detector kind {section.kind!r} reads answers beside the set", slug="detector-table")
    return cast("Detector", detector)


def _context(opening: Mapping[str, Any]) -> RunContext:
    from audit.detectors.protocol import RunContext

    context = opening["context"]
    return RunContext(
        folder=Path(opening["folder"]),
        columns=tuple(context["columns"]),
        answers=context["answers"],
        score_range=(context["score_range"][0], context["score_range"][1]),
        batch_size=context["batch_size"],
        classes=tuple(context["classes"]),
    )


def _scored(detector: Detector, context: RunContext, where: str, content: bytearray) -> bytes:
    import pyarrow as pa

    from audit.detectors.answer_check import accept_answer
    from audit.detectors.isolation.packed import pack

    with pa.ipc.open_stream(pa.py_buffer(content)) as batches:
        batch = batches.read_next_batch()
    answer = detector.score(batch)
    return pack(accept_answer(answer, batch.column(0), context.answers, context.score_range, where=where))


def _for_want_of_memory(error: BaseException) -> bool:
    """Whether an error was caused by a lack of memory."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, MemoryError):
            return True
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return False


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(int(sys.argv[1]))
    # no cleaning up: a thread or an exit handler of the model could block the end of the process
    os._exit(0)
