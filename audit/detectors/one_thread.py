"""Keep a model on one thread while it is audited.

Sums of doubles depend on how many threads share them: a random forest with two threads gave 12 different bit patterns
in 12 runs on the same rows, and with one thread one. A score that moves in its last bits can cross a threshold.
"""

from __future__ import annotations

from audit.vocabulary.sentences import SENTENCES

NOTE = SENTENCES["one_thread_model"]


class OneThread:
    """A limit of one thread for the numerical libraries that are loaded now (BLAS, OpenMP), until `release`."""

    def __init__(self) -> None:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        self._limits = threadpool_limits(limits=1)

    def release(self) -> None:
        """Restore the former limits."""
        self._limits.restore_original_limits()
