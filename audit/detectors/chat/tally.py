"""How asking went, counted from several threads: apart for each file in which answers are kept, and for none."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from audit.detectors.chat.models_seen import notes_on_models

__all__ = ["Tally"]

_MOST: Final = 200
"""Different names that are kept apart: a service could make up one for each reply."""
_OTHERS: Final = "others"


class Tally:
    """Counts rows; begins with those of which nothing is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: dict[Path | None, Counter[str]] = {None: Counter()}
        self._failed: dict[Path | None, Counter[str]] = {None: Counter()}
        self._now: Path | None = None

    def turn_to(self, file: Path | None, before: Mapping[str, int]) -> None:
        """Count for `file` from now on. `before` are the answers that were in it when it was first turned to.

        What was asked before answers were kept at all served to see whether the detector is the same: it is dropped.
        """
        with self._lock:
            if file is not None:
                self._sources[None], self._failed[None] = Counter(), Counter()
            if file not in self._sources:
                self._sources[file], self._failed[file] = Counter(), Counter()
                for source, count in before.items():
                    self._add(self._sources[file], source, count)
            self._now = file

    def answered(self, source: str) -> None:
        """Count an answer that can be used."""
        with self._lock:
            self._add(self._sources[self._now], source, 1)

    def failed(self, why: str) -> None:
        """Count a row without one."""
        with self._lock:
            self._failed[self._now][why] += 1

    def notes(self) -> list[str]:
        """What a reader of the report must know."""
        with self._lock:
            sources = sum(self._sources.values(), Counter[str]())
            failed = sum(self._failed.values(), Counter[str]())
        notes = notes_on_models(sources)
        if failed:
            kinds = ", ".join(f"{name} {count}" for name, count in sorted(failed.items()))
            asked = sources.total() + failed.total()
            notes.append(f"{failed.total()} of {asked} rows asked about got no answer that can be used: {kinds}.")
        return notes

    def _add(self, counts: Counter[str], source: str, count: int) -> None:
        known = source in counts or len(counts) < _MOST
        counts[source if known else _OTHERS] += count
