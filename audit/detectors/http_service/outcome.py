"""Failures of a request to a service: why there is no usable reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.detectors.answers import NO_REASON, CheckedAnswers
from audit.detectors.protocol import REASONS, STATUSES, Reason, Status

TOO_MANY_REQUESTS: Final = 429
UNAVAILABLE: Final = 503
BUSY: Final = frozenset({TOO_MANY_REQUESTS, UNAVAILABLE})
"""HTTP status codes by which a service asks to be left alone for a while."""
PASSING: Final = BUSY | {502, 504}
"""HTTP status codes of a passing trouble: `BUSY`, and those of a gateway while the service behind it starts."""
UNAUTHORISED: Final = 401
REFUSED: Final = frozenset({UNAUTHORISED, 403})
"""HTTP status codes of a token that is missing, wrong or not enough."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason why a request, or a whole batch, has no usable reply."""

    status: Status
    reason: Reason | None
    again: bool = False
    """Whether another try could succeed."""
    code: int | None = None
    """The HTTP status code, if there was one."""
    wait: float = 0.0
    """Seconds for which the service asked to be left alone."""

    def rows(self, count: int) -> CheckedAnswers:
        """Make `count` failed rows with this reason."""
        reason = NO_REASON if self.reason is None else REASONS.index(self.reason)
        return CheckedAnswers(
            np.full(count, np.nan),
            np.full(count, STATUSES.index(self.status), dtype=np.int8),
            np.full(count, reason, dtype=np.int8),
        )


TIMEOUT: Final = Failure(Status.TIMEOUT, None, again=True)
NO_CONNECTION: Final = Failure(Status.ERROR, Reason.NO_CONNECTION, again=True)
CUT_OFF: Final = Failure(Status.INVALID_OUTPUT, Reason.UNREADABLE, again=True)
UNREADABLE: Final = Failure(Status.INVALID_OUTPUT, Reason.UNREADABLE)
TOO_LARGE: Final = Failure(Status.INVALID_OUTPUT, Reason.TOO_LARGE)
OUT_OF_ORDER: Final = Failure(Status.INVALID_OUTPUT, Reason.OUT_OF_ORDER)
NO_ANSWER: Final = Failure(Status.INVALID_OUTPUT, Reason.NO_ANSWER)


def failure_by_code(code: int, wait: float = 0.0) -> Failure | None:
    """The failure that a status code stands for; None if there is a reply to read."""
    if 200 <= code < 300:
        return None
    reason = Reason.HTTP_5XX
    if code == TOO_MANY_REQUESTS:
        reason = Reason.HTTP_429
    elif 300 <= code < 400:
        reason = Reason.HTTP_3XX
    elif 400 <= code < 500:
        reason = Reason.HTTP_4XX
    return Failure(Status.ERROR, reason, again=code in PASSING, code=code, wait=wait)
