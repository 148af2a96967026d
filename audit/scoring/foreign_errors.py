"""Guard calls of a detector, which is a third party's code: of an error only the name of its type is shown."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from audit.detectors.error_names import error_name
from audit.detectors.protocol import Detector, RunContext
from audit.errors import AuditError, DetectorError


@contextlib.contextmanager
def open_detector(detector: Detector, kind: str, context: RunContext) -> Iterator[None]:
    """Open a detector, and close it at the end. An error while closing never hides an earlier one."""
    try:
        with error_text_withheld(f"detector kind {kind}, while it was opened"):
            detector.open(context)
        yield
    except BaseException:
        with contextlib.suppress(Exception, SystemExit):
            detector.close()
        raise
    with error_text_withheld(f"detector kind {kind}, while it was closed"):
        detector.close()


@contextlib.contextmanager
def error_text_withheld(where: str) -> Iterator[None]:
    """Turn any error of a detector into one line that names its type, because its text can quote a row.

    SystemExit is included: a detector that leaves the process with code 0 would look like a pass.
    """
    try:
        yield
    except AuditError:
        raise
    except (Exception, SystemExit) as error:
        raise DetectorError(
            f"{where}: it raised {error_name(error)}",
            slug="detector-raised",
            hint="its text is withheld because it can quote a row",
        ) from None
