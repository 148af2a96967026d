"""Which cases were asked before: a case whose outcome a vendor was told something of is spent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from audit.errors import EvidenceError
from audit.evidence.blind.terms import sha256
from audit.storage import bytes_of_result, storage, write_durably

_LARGEST: Final = 4 * 1024**3


class Ledger:
    """The cases that challenges of a history asked; a restricted file beside it."""

    def __init__(self, history: Path) -> None:
        self.path = history.with_name(f"{history.name}.used")
        self.salt = secrets.token_hex(32)
        self.digests = set[str]()
        """SHA-256 of salt and id of each."""
        self.cells = set[str]()
        """SHA-256 of salt and cells of each, as the vendor was given them."""
        if self.path.exists():
            try:
                document = json.loads(bytes_of_result(self.path, _LARGEST))
                self.salt = str(document["salt"])
                self.digests, self.cells = (set(map(str, document[name])) for name in ("used", "cells"))
            except (ValueError, TypeError, KeyError, RecursionError):
                raise EvidenceError(
                    f"{self.path.name} is not as it was written", slug="broken-history", hint="put it back from a copy"
                ) from None

    def used(self, ids: Iterable[str]) -> list[str]:
        """Return those of these ids that were asked."""
        return [one for one in ids if self._digest(one) in self.digests]

    def alike(self, cells: Iterable[str]) -> int:
        """Return how many have the cells of one that was asked: the same cases under other ids, or their twins."""
        return sum(self._digest(one) in self.cells for one in cells)

    def add(self, ids: Iterable[str], cells: Iterable[str]) -> None:
        """Write down that these were asked. Raises StorageError."""
        self.digests.update(map(self._digest, ids))
        self.cells.update(map(self._digest, cells))
        kept = {"salt": self.salt, "used": sorted(self.digests), "cells": sorted(self.cells)}
        with storage(self.path):
            write_durably(self.path, json.dumps(kept).encode())

    def _digest(self, one: str) -> str:
        return sha256((self.salt + one).encode())
