"""Know whether this process is the child that was started for a detector: some kinds are loaded nowhere else."""

from __future__ import annotations

from typing import Final

from audit.errors import DetectorError

_state: Final = {"child": False, "shut in": False}


def enter_child() -> None:
    """Mark this process as the child. Only the program of the child calls it."""
    _state["child"] = True


def shut_child_in() -> None:
    """Mark this process as one that can lead no group of processes. Only the program of the child calls it."""
    _state["shut in"] = True


def is_shut_in() -> bool:
    """Whether all that this process starts stays in its own group of processes."""
    return _state["shut in"]


def check_in_child(kind: str) -> None:
    """Raise DetectorError if a detector of this kind would be opened in the process of the audit itself."""
    if not _state["child"]:
        raise DetectorError(f'the detector kind "{kind}" is only run in a process of its own', slug="isolation-needed")
