"""Know whether this process is the child that was started for a detector: some kinds are loaded nowhere else."""

from __future__ import annotations

from typing import Final

from audit.errors import DetectorError

_state: Final = {"child": False}


def enter_child() -> None:
    """Mark this process as the child. Only the program of the child calls it."""
    _state["child"] = True


def check_in_child(kind: str) -> None:
    """Raise DetectorError if a detector of this kind would be opened in the process of the audit itself."""
    if not _state["child"]:
        raise DetectorError(f'the detector kind "{kind}" is only run in a process of its own', slug="isolation-needed")
