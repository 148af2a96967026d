"""A history on the disk: one process at a time writes into it, and an entry is there whole or not at all.

Beside `history.a7h`, which is for everybody, lie `history.a7h.openings`, which is restricted, and the folder
`history.a7h.heads` with what other parties signed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from audit.errors import ArgumentError, EvidenceError, FolderInUseError, StorageError
from audit.evidence.bundle import ANCHOR_ENDS, are_plain
from audit.evidence.checkpoint import HEAD, Checkpoint, parse_checkpoint
from audit.evidence.commitments import Opening, commitments_of, open_anew
from audit.evidence.history import MAX_BYTES, Entry, History, Kind, read_history
from audit.evidence.keys import PublicKey, Signer, parse_public_key
from audit.evidence.registration import QUESTION
from audit.evidence.statement import System
from audit.storage import bytes_of_result, held, make_folder, may_be_left, storage, write_durably
from audit.vocabulary.text import printable

_Openings = dict[int, dict[str, Opening]]
_read_openings: Final = TypeAdapter(_Openings)


class HistoryFile:
    """An open history. Made by `open_history`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.history = read_history(bytes_of_result(path, MAX_BYTES), path.name) if path.exists() else History()
        self.openings = _openings_in(_beside(path, "openings"))

    def append(
        self,
        signer: Signer,
        kind: Kind,
        at: str,
        system: System,
        opened: Mapping[str, Opening] | None = None,
        **more: Any,
    ) -> Entry:
        """Add an entry, with commitments of what is opened to nobody else.

        Raises
        ------
        EvidenceError
            If such an entry cannot stand there.
        StorageError
            If it cannot be written, or brought to the disk. The history is then as its file is.
        """
        commitments = commitments_of(opened or {})
        longer = self.history.with_entry(signer, kind, at, system, commitments=commitments, **more)
        entry = longer.entries[-1]
        try:
            if opened:
                # first: a commitment that nobody can open says nothing, an opening without one does no harm
                openings = {**self.openings, entry.index: dict(opened)}
                text = _read_openings.dump_json(openings, indent=1)
                write_durably(_beside(self.path, "openings"), text + b"\n")
                self.openings = openings
            write_durably(self.path, longer.content)
            self.path.chmod(0o644)
        except OSError as error:
            if self.path.exists() and self.path.read_bytes() == longer.content:  # it was the folder that failed
                self.history = longer
            raise StorageError(
                f"{self.path.name} could not be written ({error.strerror or 'storage error'})",
                slug="storage-failed",
                hint="free some space; audit7k history shows what is in it",
            ) from None
        self.history = longer
        return entry

    def adopt(self, content: bytes, name: str, *kinds: Kind) -> None:
        """Take over the entries, of these kinds or of any, that another party added to a copy of this history.

        Raises
        ------
        EvidenceError
            If it is no history, neither of the two is the beginning of the other, or one added is of another kind.
            Errors call it `name`.
        StorageError
            If it cannot be written.
        """
        copy = read_history(content, name)
        longer = max(copy, self.history, key=lambda history: len(history.entries))
        shared = min(len(copy.entries), len(self.history.entries))
        if copy.payloads[:shared] != self.history.payloads[:shared]:
            raise EvidenceError(f"{name} is another history than {self.path.name}", slug="other-history")
        foreign = [entry for entry in longer.entries[len(self.history.entries) :] if kinds and entry.kind not in kinds]
        if foreign:
            raise EvidenceError(
                f'{name} adds entry {foreign[0].index}, "{foreign[0].kind}", which is not for its sender to write',
                slug="foreign-entry",
            )
        with storage(self.path):
            write_durably(self.path, longer.content)
            self.path.chmod(0o644)
        self.history = longer

    def opened(self, digests: Mapping[str, str | None], as_in: int | None) -> dict[str, Opening]:
        """Return openings of things; as an earlier entry has them, where they are still the same things."""
        return open_anew(digests, self.openings.get(as_in) if as_in is not None else None)

    def registration_for(self, system: System, question: str) -> int | None:
        """Return the registration that an audit answers: an open one of this question, or else the first one open."""
        waiting = self.history.open_registrations(system)
        same = [entry for entry in waiting if self._question(entry.index) == question]
        return next((entry.index for entry in (*same, *waiting)), None)

    def _question(self, index: int) -> str | None:
        opening = self.openings.get(index, {}).get(QUESTION)
        return None if opening is None else opening.sha256

    def end_what_was_killed(self, signer: Signer, at: str, system: System) -> int:
        """Write `aborted` for audits of a system that were started and never ended. Returns how many there were."""
        killed = [attempt.started for attempt in self.history.attempts(system) if attempt.end is None]
        for started in killed:
            self.append(signer, "aborted", at, system, answers=started.index)
        return len(killed)

    def anchors(self) -> dict[str, bytes]:
        """Return what other parties signed, by the name of its file. Raises EvidenceError if no bundle can hold it."""
        folder = _beside(self.path, "heads")
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        contents = {file.name: bytes_of_result(file, MAX_BYTES) for file in files if file.name.endswith(ANCHOR_ENDS)}
        if not are_plain(contents):
            raise EvidenceError(f"a file in {folder.name} has a name that a bundle cannot hold", slug="other-name")
        return contents

    def heads(self) -> dict[str, Checkpoint]:
        """Return the heads beside the history, by name. Raises EvidenceError if one is of another history."""
        heads, payloads = heads_among(self.anchors()), self.history.payloads
        for name, head in heads.items():
            if not head.is_of(payloads):
                raise EvidenceError(
                    f"{printable(name)} is no head of {self.path.name}: an entry was changed, or there are two",
                    slug="broken-history",
                    hint="ask for the history again; move the head away if it is of another one",
                )
        return heads

    def keep_anchor(self, name: str, content: bytes) -> None:
        """Write down what another party signed. Raises StorageError."""
        folder = _beside(self.path, "heads")
        with storage(folder):
            make_folder(folder)
            write_durably(folder / name, content)


@contextmanager
def open_history(path: Path) -> Iterator[HistoryFile]:
    """Hold a history, which is made when its first entry is.

    Raises
    ------
    FolderInUseError
        If another process holds it: two audits of one history have an order.
    EvidenceError
        If it is not as it was written.
    ArgumentError
        If it is a folder.
    """
    if path.is_dir():
        raise ArgumentError(f"{path} is a folder", slug="not-a-history", hint="name a file, such as history.a7h")
    lock = _beside(path, "lock")
    try:
        with held(lock):
            yield HistoryFile(path)
    except BlockingIOError:
        raise FolderInUseError(
            f"{path.name} is in use by another audit",
            slug="history-in-use",
            hint=f"wait until it has ended{may_be_left(lock)}",
        ) from None


def heads_among(anchors: Mapping[str, bytes]) -> dict[str, Checkpoint]:
    """Return the heads among what other parties signed. Raises EvidenceError if one is none."""
    return {name: parse_checkpoint(content, name) for name, content in anchors.items() if name.endswith(HEAD)}


def keys_among(anchors: Mapping[str, bytes]) -> list[PublicKey]:
    """Return the keys that lie beside heads. That they do says nothing about whose they are."""
    return [parse_public_key(content, name) for name, content in anchors.items() if name.endswith(".pem")]


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")


def _openings_in(path: Path) -> _Openings:
    if not path.exists():
        return {}
    try:
        return _read_openings.validate_python(
            {int(index): opened for index, opened in json.loads(bytes_of_result(path, MAX_BYTES)).items()}
        )
    except (ValueError, ValidationError, AttributeError, RecursionError):
        raise EvidenceError(
            f"{path.name} is not as it was written", slug="broken-history", hint="put it back from a copy"
        ) from None
