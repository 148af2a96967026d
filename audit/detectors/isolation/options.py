"""What the person who runs an audit says about where the detector runs. The plan has no say in it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, TypedDict


class Sandbox(enum.StrEnum):
    """Where a detector that runs code, or reads a model file, is run."""

    AUTO = "auto"
    """In a child process, without network where the kernel allows that."""
    NONE = "none"
    """In the process of the audit itself."""
    BWRAP = "bwrap"
    """In bubblewrap: without network, all files read-only."""


class IsolationOptions(TypedDict, total=False):
    """The options of `run_audit` on where the detector runs."""

    sandbox: str
    """`auto`, `none` (the default) or `bwrap`."""
    allow_pickle: bool
    """Whether a pickled model may be loaded, which runs whatever code stands in the file. False by default."""


@dataclass(frozen=True, slots=True)
class Isolating:
    """The same, checked. Raises ValueError where `sandbox` is none of the words."""

    sandbox: str = Sandbox.NONE
    allow_pickle: bool = False

    def __post_init__(self) -> None:
        Sandbox(self.sandbox)


IN_PROCESS: Final = Isolating()
"""Nothing is contained but what always is."""
