"""Options of the person who runs an audit on where the detector runs. The plan cannot set them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, TypedDict

from audit.errors import check_choice


class Sandbox(enum.StrEnum):
    """The place where a detector that runs code, or reads a model file, is run."""

    AUTO = "auto"
    """In a child process, without network if the kernel allows that."""
    NONE = "none"
    """In the process of the audit itself."""
    BWRAP = "bwrap"
    """In bubblewrap: without network, all files read-only."""


class IsolationOptions(TypedDict, total=False):
    """The options of `run_audit` on where the detector runs."""

    sandbox: str
    """`auto`, `none` (the default) or `bwrap`."""
    allow_pickle: bool
    """Whether a pickled model may be loaded, which runs any code in the file. False by default."""


@dataclass(frozen=True, slots=True)
class Isolating:
    """Checked options on where the detector runs. Raises ArgumentError if `sandbox` is none of the words."""

    sandbox: str = Sandbox.NONE
    allow_pickle: bool = False

    def __post_init__(self) -> None:
        check_choice(self.sandbox, Sandbox, "sandbox")


IN_PROCESS: Final = Isolating()
"""The default: only kinds that always need a child run in one."""
