"""Options of the person who runs an audit on where the detector runs. The plan cannot set them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, TypedDict

from audit.errors import ArgumentError, check_choice


class Sandbox(enum.StrEnum):
    """The place where a detector that runs code, or reads a model file, is run."""

    AUTO = "auto"
    """In a child process that the kernel keeps in, as far as it can."""
    NONE = "none"
    """In the process of the audit, or for kinds that never run there in a child that keeps all rights of the user."""
    STRICT = "strict"
    """As `auto`, and refused where the kernel cannot keep the child in."""


class IsolationOptions(TypedDict, total=False):
    """The options of `run_audit` on where the detector runs."""

    sandbox: str
    """`auto` (the default), `none` or `strict`."""
    allow_pickle: bool
    """Whether a pickled model may be loaded, which runs any code in the file. False by default."""


@dataclass(frozen=True, slots=True)
class Isolating:
    """Checked options on where the detector runs. Raises ArgumentError if `sandbox` is none of the words."""

    sandbox: str = Sandbox.AUTO
    allow_pickle: bool = False

    def __post_init__(self) -> None:
        if self.sandbox == "bwrap":
            raise ArgumentError("the sandbox bwrap is gone", slug="no-choice", hint="write strict in its place")
        check_choice(self.sandbox, Sandbox, "sandbox")


IN_PROCESS: Final = Isolating(Sandbox.NONE)
"""Only kinds that always need a child run in one."""
