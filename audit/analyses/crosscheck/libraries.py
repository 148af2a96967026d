"""The libraries that are asked, where possible in a second process: beside what this one works out meanwhile.

It is split off before this one has threads that compute, loads the libraries, and ends with the block that began it.
Whatever else takes long and can be done apart is given to it too.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from types import ModuleType
from typing import Any, BinaryIO, Final, NamedTuple, TypeVar

import numpy as np

from audit.analyses.crosscheck import rates_aif360, rates_fairlearn
from audit.analyses.crosscheck.questions import Answers, Rows, Tables
from audit.vocabulary.metrics import MetricName

LIBRARIES: Final[tuple[ModuleType, ...]] = (rates_fairlearn, rates_aif360)
"""The opinions asked, each a module with `DISTRIBUTION`, `answers` and `row_rates`; libraries load when asked."""

_PATIENCE: Final = 60.0
"""Seconds that an answer of the second process is waited for, before this one does the task itself."""
_T = TypeVar("_T")


class Question(NamedTuple):
    """What every library is asked."""

    tables: Tables
    metrics: Sequence[MetricName]
    rows: Sequence[Rows]
    """Single cases of some groups."""


class Answer(NamedTuple):
    """What one library answers."""

    name: str
    """Its name with its version."""
    of_tables: Answers
    of_rows: list[dict[MetricName, float]]


NO_TABLES: Final = Tables(np.zeros((0, 3, 2)), np.zeros((0, 3, 2)))


class _Second(NamedTuple):
    """The second process."""

    pid: int
    questions: BinaryIO
    answers: BinaryIO
    turn: Lock
    """Held from a task to its answer."""


_SECOND: ContextVar[_Second | None] = ContextVar("second process", default=None)


def ask(question: Question) -> Callable[[], list[Answer | None]]:
    """Ask every library. Returns what waits for their answers: None of a library that cannot be loaded or breaks."""
    return beside(partial(_answers, question))


def beside(task: Callable[[], _T]) -> Callable[[], _T]:
    """Have the second process do a task that can be pickled. Returns what waits for its answer.

    This process does it when asked, where there is no second one or that one breaks off or says nothing.
    """
    second = _SECOND.get()
    if second is None:
        return task
    results: list[_T] = []
    # In a thread, because a pipe that nobody empties takes no more, and no pipe has a limit of time.
    exchange = Thread(target=_exchange, args=(second, task, results), daemon=True)
    exchange.start()
    return partial(_received, exchange, results, task)


@contextmanager
def libraries_beside(*, wanted: bool) -> Iterator[None]:
    """Let a second process answer whatever is asked within a block, where there is a processor for it."""
    second, keeps = None, None
    can_fork = sys.platform == "linux" and hasattr(os, "fork") and "duckdb" not in sys.modules
    if wanted and can_fork and len(os.sched_getaffinity(0)) > 1:
        with suppress(OSError):
            keeps = TemporaryDirectory(prefix="audit7k-libraries-")
            second = _split_off(keeps.name)
    token = _SECOND.set(second)
    try:
        yield
    finally:
        _SECOND.reset(token)
        if second is not None:
            with suppress(ProcessLookupError, ChildProcessError):  # somebody else may have waited for it
                os.kill(second.pid, signal.SIGKILL)
                os.waitpid(second.pid, 0)
            for pipe in (second.questions, second.answers):
                with suppress(OSError):
                    pipe.close()
        if keeps is not None:
            keeps.cleanup()


def _split_off(keeps: str) -> _Second:
    """Split it off; `keeps` is the folder of what libraries write, because a process that is killed removes nothing."""
    (questions_end, ours), (theirs, answered) = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.environ["MPLCONFIGDIR"] = keeps
            _serve(questions_end, answered)
        finally:
            os._exit(0)
    os.close(questions_end)
    os.close(answered)
    return _Second(pid, os.fdopen(ours, "wb"), os.fdopen(theirs, "rb"), Lock())


def _serve(questions_end: int, answered: int) -> None:
    """Do what is asked, silently, and only as long as somebody waits. No lock of theirs is held meanwhile."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    # those that are open, not all up to the limit: a container's can be a thousand million
    for handle in {int(path.name) for path in Path("/proc/self/fd").iterdir()} - {0, 1, 2, questions_end, answered}:
        with suppress(OSError):  # that of the listing is closed already
            os.close(handle)
    _answers(Question(NO_TABLES, (), ()))
    with os.fdopen(questions_end, "rb") as questions, os.fdopen(answered, "wb") as answers:
        while True:
            pickle.dump(pickle.load(questions)(), answers)  # noqa: S301 - the process that split this one off
            answers.flush()


def _exchange(second: _Second, task: Callable[[], Any], results: list[Any]) -> None:
    with suppress(Exception), second.turn:  # whatever breaks here, nothing is found and this process does it
        second.questions.write(pickle.dumps(task))
        second.questions.flush()
        results.append(pickle.load(second.answers))  # noqa: S301 - split off from this process


def _received(exchange: Thread, results: list[_T], task: Callable[[], _T]) -> _T:
    exchange.join(_PATIENCE)
    return results[0] if results else task()


def _answers(question: Question) -> list[Answer | None]:
    return [_answer(library, question) for library in LIBRARIES]


def _answer(library: ModuleType, question: Question) -> Answer | None:
    try:
        name = f"{library.DISTRIBUTION} {version(library.DISTRIBUTION)}"
        of_tables = library.answers(question.tables, question.metrics)
        return Answer(name, of_tables, library.row_rates(question.rows, question.metrics))
    except Exception:
        # Whatever is missing or breaks in another library, the audit stands on its own numbers, and says so.
        return None
