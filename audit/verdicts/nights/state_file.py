"""The file of a history: written whole or not at all, for its owner alone, by one night at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from audit.errors import FolderInUseError, ResultError
from audit.storage import held, may_be_left, storage, write_durably
from audit.verdicts.nights.state import METHOD, State
from audit.vocabulary.text import shown

LARGEST: Final = 256 * 1024 * 1024
"""Largest size in bytes. A plan of a thousand groups and five rules has a state of two megabytes; a larger file is
another file.
"""
_CHECKSUM: Final = "checksum"
_SCHEMA: Final = 2


def read_state(path: Path) -> State | None:
    """Read the state in a file; None where there is no file yet.

    Raises
    ------
    ResultError
        If it is not as it was written, of another version, or its nights were added up by another method.
    StorageError
        If it cannot be read.
    """
    with _storing(path):
        if not path.exists():
            return None
        if path.is_dir() or path.stat().st_size > LARGEST:
            raise _damaged(path)
        content = path.read_bytes()
    try:
        fields = json.loads(content)
        checksum = fields.pop(_CHECKSUM)
        version = fields["schema_version"]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise _damaged(path) from None
    if checksum != _digest(fields):
        raise _damaged(path)
    if version != _SCHEMA:
        raise ResultError(
            f"{path.name} is of another version of this file than this audit7k reads", slug="sequential-version"
        )
    try:
        state = State.model_validate_json(json.dumps(fields))
    except ValidationError:
        raise _damaged(path) from None
    # no new history by itself: an upgrade would take back a FAIL that stands, and nobody would look
    if state.method != METHOD:
        raise ResultError(
            f"the nights of {path.name} were added up by method {state.method} of {shown(state.tool)}, and this "
            f"audit7k has method {METHOD}",
            slug="sequential-method",
        )
    return state


def write_state(path: Path, state: State) -> None:
    """Write a state (0600). Raises StorageError, and then the file is as it was."""
    fields = state.model_dump(mode="json")
    with _storing(path):
        write_durably(path, _text({**fields, _CHECKSUM: _digest(fields)}).encode())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a state against a second night at the same time, by an empty file beside it.

    Raises FolderInUseError where another holds it, StorageError where its folder cannot be written.
    """
    lock = path.with_name(f".{path.name}.lock")
    with ExitStack() as stack:
        with _storing(path):
            try:
                stack.enter_context(held(lock))
            except BlockingIOError:
                raise FolderInUseError(
                    f"{path.name} is in use by another night",
                    slug="folder-in-use",
                    hint=f"wait until it has ended{may_be_left(lock)}",
                ) from None
        yield


def _text(fields: dict[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(_text(fields).encode()).hexdigest()


def _damaged(path: Path) -> ResultError:
    return ResultError(f"{path.name} is not as it was written", slug="sequential-damaged")


def _storing(path: Path) -> AbstractContextManager[None]:
    return storage(path, hint="nothing was taken in; choose another place for the state, or free some space")
