"""End a run when its detector is gone, so that a dead service or program never becomes a property of a group.

A batch is held back when all of its rows failed because nothing answered. When a later batch has any other outcome, the
detector was there, and the held batch counts as failed. When too many such batches follow each other, the run ends. The
held batches are then neither counted nor kept, and a run that goes on asks about them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from audit.detectors.answers import CheckedAnswers
from audit.detectors.protocol import Reason, Status
from audit.errors import DetectorGoneError

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
"""Failures that mean that nothing answers. Not `http_4xx`: a service can refuse a row for what it says."""

Key = TypeVar("Key")


class Breaker(Generic[Key]):
    """Take the answers to batches in their order, and return the ones that count.

    Parameters
    ----------
    most : int
        The run ends when so many batches in a row get no answer; 0 sets no limit.
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
        """Take answers of an earlier run in their turn. They say nothing about the detector of today."""
        self._held.append((key, answers))
        return [] if self._batches else self._released()

    def take(self, key: Key, answers: CheckedAnswers) -> list[tuple[Key, CheckedAnswers]]:
        """Take answers that were just given. Raises DetectorGoneError when nothing has answered for too long."""
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
        """Return the batches that are still held back at the end.

        If the last batches got no answer, `answers_still` says whether the detector answers at all. If it does, these
        batches count as failed: a last row that always takes too long must not keep a run from its end. If not,
        DetectorGoneError is raised.
        """
        if self._batches and not answers_still():
            raise self._gone()
        return self._released()

    def _released(self) -> list[tuple[Key, CheckedAnswers]]:
        answered, self._held, self._batches = self._held, [], 0
        self._why.clear()
        return answered

    def _gone(self) -> DetectorGoneError:
        reasons = ", ".join(f"{why} {count}" for why, count in sorted(self._why.items()))
        batches = "the only batch" if self._batches == 1 else f"{self._batches} batches in a row"
        of_files = "; one that ends by itself may lack a file: name its own in `files` of [detector]"
        return DetectorGoneError(
            f"{self._where}: {batches} got no answer to any row ({reasons})",
            slug="detector-gone",
            hint="see that what answers is running, and run the same command again: what was scored before these is "
            "kept, and they are asked about again; [scoring] most_failed_batches sets how many"
            + (of_files if "crashed" in self._why else ""),
        )


def why_gone(answers: CheckedAnswers) -> str | None:
    """The most frequent reason if every row failed because nothing answers; None if any row did not."""
    failures = answers.failures
    if not failures or failures.total() < len(answers.status) or not failures.keys() <= GONE:
        return None
    status, reason = max(failures, key=lambda pair: (failures[pair], pair[0], pair[1] or ""))
    return str(reason or status)
