"""The restricted folder of a data set: its key, and every release, from which public bytes come again.

It belongs to those who may see the evaluation set. The key never leaves it. The log is a chain: each release names the
digest of the one before. The counter says how many there were, so that a log that lost its newest ones is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from audit.disclosure.digests import KEY, new_key, read_key
from audit.errors import ResultError
from audit.operating_system import is_open_to_others
from audit.storage import locked, make_folder, storage, write_durably

RELEASES: Final = "releases"
COUNTER: Final = "counter.json"
_LARGEST: Final = 256 * 1024 * 1024

Entry = Mapping[str, Any]
"""One release of the log: `parameters`, what it printed, and what all releases up to it must remember. The line above
it in its file has its `number`, from 1, and the digest of the `previous` file: the chain is checked without the rest.
"""


class RestrictedFolder:
    """An open folder: nobody else writes into it meanwhile. Made by `restricted_folder`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: str | None = None
        self.releases = self._checked_log()
        self.made_key = self._check_counter()
        self.secret = self._read_key()
        self.last: Entry = self.entry(self.releases) if self.releases else {}

    def entry(self, number: int) -> Entry:
        """Return a release of the log. Raises ResultError where it is not as it was written."""
        name = f"{number:04}.json"
        try:
            return _document(self._bytes(name).partition(b"\n")[2], name)
        except OSError:
            raise _damaged(name) from None

    def refuse_other_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Hold a release to the parameters of those before it.

        Raises
        ------
        ResultError
            If they are other ones: a second kind of change of the same numbers would let both be averaged.
        """
        before = self.last.get("parameters", {}) if self.releases else parameters
        other = sorted(name for name in {*before, *parameters} if before.get(name) != parameters.get(name))
        if other:
            raise ResultError(
                f"the releases before have other parameters than this one ({', '.join(other)})", slug="other-parameters"
            )

    def append(self, parameters: Mapping[str, Any], remembered: Mapping[str, Any]) -> None:
        """Write a release down, and the digest of the one before with it. Raises StorageError."""
        number = self.releases + 1
        entry = {**remembered, "parameters": parameters}
        content = _text({"number": number, "previous": self._last}) + _text(entry)
        with storage(self._path):
            make_folder(self._path / RELEASES)
            write_durably(self._path / RELEASES / f"{number:04}.json", content)
            self._last = _digest(content)
            self._count(number)
        self.releases, self.last = number, entry

    def refuse_older_than(self, number: int) -> None:
        """Raise ResultError if a release with this number is public, and the log does not know it."""
        if number > self.releases:
            raise ResultError(
                f"the restricted folder knows {self.releases} of {number} releases: an older copy was put back",
                slug="log-rolled-back",
            )

    def _count(self, number: int) -> None:
        write_durably(self._path / COUNTER, _text({"releases": number, "last": self._last}))

    def _check_counter(self) -> bool:
        """Return whether the folder is a new one, without releases and key."""
        path, has_key = self._path / COUNTER, (self._path / KEY).exists()
        if not path.exists():
            if has_key or self.releases:
                raise _damaged(COUNTER)
            return True
        counted = _document(self._bytes(COUNTER), COUNTER)
        releases = counted.get("releases")
        if not isinstance(releases, int):
            raise _damaged(COUNTER)
        self.refuse_older_than(releases)
        if releases == self.releases and counted.get("last") != self._last:
            raise _damaged(COUNTER)
        if not has_key and self.releases:
            raise ResultError(
                "the key of the restricted folder is missing",
                slug="key-missing",
                hint="put it back: a new key would draw new numbers, and two releases could be averaged",
            )
        return not has_key

    def _checked_log(self) -> int:
        """Return how many releases the chain has."""
        folder = self._path / RELEASES
        names = sorted(path.name for path in folder.glob("*.json")) if folder.is_dir() else []
        for number, name in enumerate(names, start=1):
            content = self._bytes(name) if name == f"{number:04}.json" else b""
            if _document(content.partition(b"\n")[0], name) != {"number": number, "previous": self._last}:
                raise _damaged(name)
            self._last = _digest(content)
        return len(names)

    def _bytes(self, name: str) -> bytes:
        path = self._path / (COUNTER if name == COUNTER else f"{RELEASES}/{name}")
        return path.read_bytes() if path.stat().st_size <= _LARGEST else b""

    def _read_key(self) -> bytes:
        path = self._path / KEY
        if self.made_key:
            _begin(self._path, new_key())
        if is_open_to_others(path.stat()):
            raise ResultError("others than the owner can read the key of the restricted folder", slug="key-not-private")
        secret = read_key(self._path)
        if secret is None:
            raise _damaged(KEY)
        return secret


@contextmanager
def restricted_folder(path: Path) -> Iterator[RestrictedFolder]:
    """Open the restricted folder of a data set, or make it (0700), with a new key (0600).

    Raises
    ------
    FolderInUseError
        If somebody else has it open, and for longer than `patience` waits.
    ResultError
        If the key is missing where there were releases, can be read by others, or the log is not as it was written.
    StorageError
        If it cannot be read or written.
    """
    with locked(path):
        with storage(path):
            folder = RestrictedFolder(path)
        yield folder


def begin_folder(path: Path, secret: bytes) -> None:
    """Make a restricted folder without releases (0700), with this key (0600).

    Parameters
    ----------
    secret : bytes
        The 32 bytes of the key.

    Raises
    ------
    FolderInUseError
        If somebody else has it open.
    StorageError
        If it cannot be written.
    """
    with locked(path), storage(path):
        _begin(path, secret)


def _begin(path: Path, secret: bytes) -> None:
    # The counter comes first: a key without a counter has lost its log.
    write_durably(path / COUNTER, _text({"releases": 0, "last": None}))
    write_durably(path / KEY, secret.hex().encode() + b"\n")


def _document(content: bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _damaged(name)
    return document


def _text(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n").encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _damaged(name: str) -> ResultError:
    return ResultError(f"{name} of the restricted folder is not as it was written", slug="log-damaged")
