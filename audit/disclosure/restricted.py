"""The restricted folder of a data set: its key, its parameters, and every release, from which public bytes come again.

It belongs to those who may see the evaluation set. The key never leaves it. The log is a chain: each release names the
digest of the one before, so that one that was changed, or taken out of the middle, is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from audit.disclosure.keys_file import KEY, KEY_BYTES, new_key
from audit.errors import ResultError
from audit.storage import locked, make_folder, storage, write_durably

PARAMETERS: Final = "parameters.json"

RELEASES: Final = "releases"

COUNTER: Final = "counter.json"
"""Says how many releases there were: a log whose newest ones are gone is noticed."""

_LARGEST: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One release of the log."""

    number: int
    """From 1."""
    told: Mapping[str, Any]
    """What was written of it."""


class RestrictedFolder:
    """An open folder: nobody else writes into it meanwhile. Made by `restricted_folder`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = list(self._read_log())
        self._refuse_rollback()
        self.made_key = not (path / KEY).exists()
        self.secret = self._read_key()

    @property
    def entries(self) -> Sequence[Entry]:
        """The releases so far, oldest first."""
        return self._entries

    def settle(self, parameters: Mapping[str, Any]) -> None:
        """Write the parameters down at the first release, and hold every later one to them.

        Raises
        ------
        ResultError
            If they are other ones than those of earlier releases: a second kind of noise over the same counts would
            let both be averaged.
        """
        path = self._path / PARAMETERS
        text = _text(parameters)
        if path.exists():
            if _read(path) != text.encode():
                raise _other_parameters(path, json.loads(text))
        elif self._entries:
            raise _damaged(path.name)
        else:
            write_durably(path, text.encode())

    def append(self, told: Mapping[str, Any]) -> Entry:
        """Write a release down, and the digest of the one before with it. Raises StorageError."""
        number = len(self._entries) + 1
        last = self._last_digest()
        entry = Entry(number, {**told, "number": number, "previous": last})
        with storage(self._path):
            make_folder(self._path / RELEASES)
            write_durably(self._file(number), _text(entry.told).encode())
            self._entries.append(entry)
            write_durably(self._path / COUNTER, _text({"releases": number, "last": self._last_digest()}).encode())
        return entry

    def refuse_older_than(self, number: int) -> None:
        """Raise ResultError if a release with this number is public, and the log does not know it."""
        if number > len(self._entries):
            raise _rolled_back(number, len(self._entries))

    def _refuse_rollback(self) -> None:
        path = self._path / COUNTER
        if not path.exists():
            return
        try:
            counted = json.loads(_read(path))
            releases, last = int(counted["releases"]), counted["last"]
        except (ValueError, TypeError, LookupError, RecursionError):
            raise _damaged(path.name) from None
        self.refuse_older_than(releases)
        if releases == len(self._entries) and last != self._last_digest():
            raise _damaged(path.name)

    def _file(self, number: int) -> Path:
        return self._path / RELEASES / f"{number:04}.json"

    def _last_digest(self) -> str | None:
        return None if not self._entries else _digest(_read(self._file(len(self._entries))))

    def _read_log(self) -> Iterator[Entry]:
        before: str | None = None
        folder = self._path / RELEASES
        names = sorted(path.name for path in folder.glob("*.json")) if folder.is_dir() else []
        for number, name in enumerate(names, start=1):
            path = self._file(number)
            if path.name != name:
                raise _damaged(path.name)
            content = _read(path)
            try:
                told = json.loads(content)
            except (ValueError, RecursionError):
                raise _damaged(path.name) from None
            if not isinstance(told, dict) or told.get("number") != number or told.get("previous") != before:
                raise _damaged(path.name)
            before = _digest(content)
            yield Entry(number, told)

    def _read_key(self) -> bytes:
        path = self._path / KEY
        if not path.exists():
            if self._entries or (self._path / PARAMETERS).exists():
                raise ResultError(
                    "the key of the restricted folder is missing",
                    slug="key-missing",
                    hint="put it back: a new key would draw new noise, and two releases could be averaged",
                )
            with storage(self._path):
                write_durably(path, new_key().hex().encode() + b"\n")
        if path.stat().st_mode & 0o077:
            raise ResultError(
                "others than the owner can read the key of the restricted folder",
                slug="key-not-private",
                hint="chmod 600 the file, and treat the public tables made with it as exact if somebody has read it",
            )
        try:
            secret = bytes.fromhex(_read(path).decode("ascii").strip())
        except ValueError:
            raise _damaged(KEY) from None
        if len(secret) != KEY_BYTES:
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


def _other_parameters(path: Path, now: Mapping[str, Any]) -> ResultError:
    """The error that this release has other parameters than those before, which names them."""
    try:
        before = json.loads(_read(path))
        other = sorted(name for name in {*before, *now} if before.get(name) != now.get(name) and name.isidentifier())
    except (ValueError, TypeError, AttributeError, RecursionError):
        return _damaged(path.name)
    hint = "floor, noise, features and levels stay as they are for all releases of a set"
    if "unit" in other and now.get("unit") is not None:
        hint = (
            'releases before counted rows: go on with [disclosure] unit = "row" where no two rows are of one person; '
            "else make no further public release of this set, for two kinds of noise can be averaged"
        )
    return ResultError(
        f"{path.name} holds other parameters than this release has ({', '.join(other)})",
        slug="other-parameters",
        hint=hint,
    )


def _read(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST:
        raise _damaged(path.name)
    return path.read_bytes()


def _text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _rolled_back(public: int, known: int) -> ResultError:
    return ResultError(
        f"the restricted folder knows {known} of {public} releases: it was put back from an older copy",
        slug="log-rolled-back",
        hint="put the newest copy back; without it the next release could tell on people of the one that is missing",
    )


def _damaged(name: str) -> ResultError:
    return ResultError(
        f"{name} of the restricted folder is not as it was written",
        slug="log-damaged",
        hint="put it back from a copy: without every earlier release none can be made safely",
    )
