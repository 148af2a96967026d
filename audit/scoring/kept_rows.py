"""Let a detector that takes long over each row keep its answers one by one; see `audit.detectors.protocol`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from audit.detectors.answers import CheckedAnswers
from audit.scoring.foreign_errors import error_text_withheld

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.detectors.protocol import Detector

ROWS_AGAIN: Final = 8
"""Rows that are asked about again to see whether a detector is the same. Few, because each can cost money."""

_Remember = Callable[[Path | None], None]


def keeps_rows(detector: Detector) -> bool:
    """Whether a detector can keep single answers: its class has a method `remember`."""
    return callable(getattr(type(detector), "remember", None))


@contextlib.contextmanager
def rows_kept_in(file: Path, detector: Detector) -> Iterator[None]:
    """Let a detector keep single answers in `file`, and read them from there, within this context.

    Only here: a question that is repeated to see whether the detector is the same, or agrees with itself, must not be
    answered from memory.
    """
    if not keeps_rows(detector):
        yield
        return
    remember = cast("_Remember", cast("Any", detector).remember)
    with error_text_withheld("the detector, while it was told where to keep rows"):
        remember(file)
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception, SystemExit):
            remember(None)
        raise
    with error_text_withheld("the detector, while it was told to keep rows no more"):
        remember(None)


def first_rows(batch: pa.RecordBatch, answers: CheckedAnswers | None) -> tuple[pa.RecordBatch, CheckedAnswers | None]:
    """The first rows of a batch, and their answers where there are any."""
    if answers is None:
        return batch.slice(0, ROWS_AGAIN), None

    rows = slice(0, ROWS_AGAIN)
    return batch.slice(0, ROWS_AGAIN), CheckedAnswers(answers.scores[rows], answers.status[rows], answers.reason[rows])
