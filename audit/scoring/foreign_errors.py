"""Stands between the harness and a detector, a third party's code: what it raises is named by its type and no more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from audit.detectors.error_names import name_of
from audit.detectors.protocol import Detector, RunContext
from audit.errors import AuditError, DetectorError
from audit.scoring.progress import Progress

if TYPE_CHECKING:
    from audit.detectors.answers import CheckedAnswers

__all__ = ["advance", "opened", "told", "withheld"]


@contextlib.contextmanager
def opened(detector: Detector, kind: str, context: RunContext) -> Iterator[None]:
    """Open a detector, and close it whatever happens; an error while closing never hides an earlier one."""
    try:
        with withheld(f"detector kind {kind}, while it was opened"):
            detector.open(context)
        yield
    except BaseException:
        with contextlib.suppress(Exception, SystemExit):
            detector.close()
        raise
    with withheld(f"detector kind {kind}, while it was closed"):
        detector.close()


@contextlib.contextmanager
def told(progress: Progress, rows: int) -> Iterator[None]:
    """Tell of the beginning and of the end, whatever happens between them."""
    progress.begin(rows)
    try:
        yield
    finally:
        progress.end()


def advance(progress: Progress, checked: CheckedAnswers, detector: Detector) -> None:
    """Tell of one more batch."""
    from audit.scoring.in_flight import retries_of

    with withheld("the detector's `retries`"):
        retries = retries_of(detector)
    progress.advance(len(checked.scores), checked.failed, retries)


@contextlib.contextmanager
def withheld(where: str) -> Iterator[None]:
    """Turn what a detector raises into one line that names its type: its text can quote a row.

    SystemExit is among it. A detector that leaves the process with code 0 would look like a pass.
    """
    try:
        yield
    except AuditError:
        raise
    except (Exception, SystemExit) as error:
        raise DetectorError(
            f"{where}: it raised {name_of(error)}",
            slug="detector-raised",
            hint="its text is withheld because it can quote a row",
        ) from None
