"""Ends a run when what answers is gone, so that a dead service or program never becomes a property of a group.

A batch in which every row failed for a reason of that sort is held back. When a later batch has any other outcome, the
service was there, and the batch counts as failed. When too many follow each other, the run ends: those held back are
neither counted nor kept, and a run that goes on asks about them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import numpy as np

from audit.detectors.answers import ABSTAIN, NO_REASON, OK, CheckedAnswers
from audit.detectors.protocol import REASONS, STATUSES, Reason, Status
from audit.errors import DetectorGoneError

__all__ = ["GONE", "Breaker", "why_gone"]

GONE: Final = frozenset(
    {
        (Status.TIMEOUT, None),
        (Status.ERROR, Reason.CRASHED),
        (Status.ERROR, Reason.NO_CONNECTION),
        (Status.ERROR, Reason.HTTP_3XX),
        (Status.ERROR, Reason.HTTP_429),
        (Status.ERROR, Reason.HTTP_5XX),
    }
)
"""How a row fails where nothing answers. Not `http_4xx`: a service can refuse a row for what it says."""

Key = TypeVar("Key")


class Breaker(Generic[Key]):
    """Takes the answers to batches in their order, and gives those back that count.

    Parameters
    ----------
    most : int
        So many batches without any answer may not follow each other; 0 lets any number.
    where : str
        Who answers, to begin the error with.
    """

    def __init__(self, most: int, where: str) -> None:
        self._most = most
        self._where = where
        self._held: list[tuple[Key, CheckedAnswers]] = []
        self._why: Counter[str] = Counter()
        self._batches = 0

    def kept(self, key: Key, answers: CheckedAnswers) -> list[tuple[Key, CheckedAnswers]]:
        """Take answers of an earlier run, which say nothing of the detector as it is now; they keep their turn."""
        self._held.append((key, answers))
        return [] if self._batches else self._released()

    def take(self, key: Key, answers: CheckedAnswers) -> list[tuple[Key, CheckedAnswers]]:
        """Take answers that were just given. Raises DetectorGoneError where nothing has answered for too long."""
        self._held.append((key, answers))
        why = why_gone(answers) if self._most else None
        if why is None:
            return self._released()
        self._why[why] += 1
        self._batches += 1
        if self._batches >= self._most:
            raise self._gone()
        return []

    def rest(self, answers_still: Callable[[], bool]) -> list[tuple[Key, CheckedAnswers]]:
        """What is held back at the end.

        Where the last batches got no answer, `answers_still` is asked whether the detector answers at all: if it does,
        these count as failed, since a last row that always takes too long must not keep a run from its end. If not,
        DetectorGoneError is raised.
        """
        if self._batches and not answers_still():
            raise self._gone()
        return self._released()

    def _released(self) -> list[tuple[Key, CheckedAnswers]]:
        held, self._held, self._batches = self._held, [], 0
        self._why.clear()
        return held

    def _gone(self) -> DetectorGoneError:
        reasons = ", ".join(f"{why} {count}" for why, count in sorted(self._why.items()))
        batches = "the only batch" if self._batches == 1 else f"{self._batches} batches in a row"
        return DetectorGoneError(
            f"{self._where}: {batches} got no answer to any row ({reasons})",
            slug="detector-gone",
            hint="see that what answers is running, and run the same command again: what was scored before these is "
            "kept, and they are asked about again; [scoring] most_failed_batches sets how many",
        )


def why_gone(answers: CheckedAnswers) -> str | None:
    """The most frequent reason where every row failed because nothing answers; None where any row did not."""
    if np.isin(answers.status, (OK, ABSTAIN)).any():
        return None
    pairs = Counter(zip(answers.status.tolist(), answers.reason.tolist(), strict=True))
    words = {
        (STATUSES[status], None if reason == NO_REASON else REASONS[reason]): count
        for (status, reason), count in pairs.items()
    }
    if not words or not set(words) <= GONE:
        return None
    status, reason = max(words, key=lambda pair: (words[pair], pair[0], pair[1] or ""))
    return str(reason or status)
