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
        if self.path.exists():
            try:
                document = json.loads(bytes_of_result(self.path, _LARGEST))
                self.salt, self.digests = str(document["salt"]), set(map(str, document["used"]))
            except (ValueError, TypeError, KeyError, RecursionError):
                raise EvidenceError(
                    f"{self.path.name} is not as it was written", slug="broken-history", hint="put it back from a copy"
                ) from None

    def used(self, ids: Iterable[str]) -> list[str]:
        """Return those of these ids that were asked."""
        return [one for one in ids if self._digest(one) in self.digests]

    def add(self, ids: Iterable[str]) -> None:
        """Write down that these were asked. Raises StorageError."""
        self.digests.update(map(self._digest, ids))
        with storage(self.path):
            write_durably(self.path, json.dumps({"salt": self.salt, "used": sorted(self.digests)}).encode())

    def _digest(self, one: str) -> str:
        return sha256((self.salt + one).encode())
