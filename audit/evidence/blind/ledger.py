"""Cases that were asked before: a case is spent once a vendor knows anything of its outcome."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import Final

from audit.errors import EvidenceError
from audit.evidence.blind.terms import LABELS
from audit.evidence.commitments import Opening
from audit.evidence.history_file import HistoryFile
from audit.evidence.statement import sha256
from audit.storage import bytes_of_result, storage, write_durably

_LARGEST: Final = 4 * 1024**3
_ALWAYS: Final = -1
"""Number of what an older ledger holds, which did not say in which entries its cases were asked."""


class Ledger:
    """The cases that challenges of a history asked; a restricted file beside it.

    It is written before the entries of a challenge, and counts once they stand: nobody is asked before.
    """

    def __init__(self, file: HistoryFile) -> None:
        self.path = file.path.with_name(f"{file.path.name}.used")
        self.salt = secrets.token_hex(32)
        self._file = file
        self._kept = dict[int, tuple[set[str], set[str]]]()
        """By the number of a registration: SHA-256 of salt and id of each case, and of another salt and its cells."""
        if self.path.exists():
            try:
                document = json.loads(bytes_of_result(self.path, _LARGEST))
                self.salt = str(document["salt"])
                # cells of an older ledger had the salt that lies beside them
                digest_sets = document["asked"] if "asked" in document else {_ALWAYS: (document["used"], ())}
                self._kept = {
                    int(at): (set(map(str, ids)), set(map(str, cells))) for at, (ids, cells) in digest_sets.items()
                }
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                raise EvidenceError(
                    f"{self.path.name} is not as it was written", slug="broken-history", hint="put it back from a copy"
                ) from None

    @property
    def digests(self) -> set[str]:
        """SHA-256 of salt and id of each case that was asked."""
        return set[str]().union(*(ids for at, (ids, _) in self._kept.items() if self._counts(at)))

    def used(self, ids: Iterable[str]) -> list[str]:
        """Return those of these ids that were asked."""
        used_digests = self.digests
        return [case_id for case_id in ids if sha256((self.salt + case_id).encode()) in used_digests]

    def count_alike(self, cells: Iterable[str]) -> int:
        """Return how many have the cells of one that was asked: the same cases under other ids, or their twins."""
        opened = {at: self._file.openings.get(at, {}).get(LABELS) for at in self._kept if self._counts(at)}
        known = [(opening.salt, self._kept[at][1]) for at, opening in opened.items() if opening is not None]
        return sum(
            any(sha256((salt + cell).encode()) in cell_digests for salt, cell_digests in known) for cell in cells
        )

    def add(self, at: int, ids: Iterable[str], cells: Iterable[str], opened: Opening) -> None:
        """Write down what the entry of number `at` is about to ask. Raises StorageError.

        Cells can be guessed, so their salt is not in this file: it is that of `opened`, which `.openings` will hold.
        """
        self._kept[at] = (
            {sha256((self.salt + case_id).encode()) for case_id in ids},
            {sha256((opened.salt + cell).encode()) for cell in cells},
        )
        document = {number: [sorted(digests) for digests in digest_sets] for number, digest_sets in self._kept.items()}
        with storage(self.path):
            write_durably(self.path, json.dumps({"salt": self.salt, "asked": document}).encode())

    def _counts(self, at: int) -> bool:
        """Whether a challenge was asked: its entries stand, or were lost with others."""
        entries = self._file.history.entries
        return (
            at == _ALWAYS
            or at > len(entries)
            or any(entry.kind == "challenged" and entry.answers == at for entry in entries)
        )
