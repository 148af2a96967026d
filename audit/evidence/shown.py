"""States of each thing that a bundle should show, what a reader has to see it with, and the exit code over all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from audit.errors import ExitCode
from audit.evidence.bundle import Bundle
from audit.evidence.checkpoint import HEAD
from audit.evidence.statement import Evidence
from audit.evidence.time_stamps import Stamps, stamps_among
from audit.evidence.trust import Trust


class State(StrEnum):
    """State of one claim about a bundle."""

    HOLDS = "holds"
    """It was checked, and is so."""
    NOT_SHOWN = "not shown"
    """It was asked for, and nothing here shows it."""
    CLAIMED = "claimed"
    """Somebody says so, and nothing here can check it."""
    CONTRADICTED = "contradicted"
    """It was checked, and is not so."""


class Shown(NamedTuple):
    """One thing that was looked at."""

    code: str
    state: State
    text: str
    signer: str = ""
    """Name of the signer, where it is about one who is trusted."""
    levels: tuple[str, ...] = ()
    """What that signer made again."""


@dataclass(frozen=True, slots=True)
class Verified:
    """All that a bundle shows."""

    shown: tuple[Shown, ...]
    evidence: Evidence | None
    """What the statement says; None where it cannot be read."""

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of `verify`: whether the evidence holds, whatever the verdict of the audit is."""
        states = {check.state for check in self.shown}
        if State.CONTRADICTED in states:
            return ExitCode.NOT_VERIFIED
        return ExitCode.INCONCLUSIVE if State.NOT_SHOWN in states else ExitCode.PASS


@dataclass(frozen=True, slots=True)
class Reading:
    """A bundle that was read, and what its reader trusts."""

    bundle: Bundle
    evidence: Evidence
    subjects: dict[str, str]
    trust: Trust
    today: dt.date
    beside: Callable[[str], bytes | None]
    history: bytes | None
    """A history that the reader got elsewhere."""
    strangers: tuple[str, ...] = ()
    """Names of what else lies in the folder of the bundle."""

    def stamps(self) -> Stamps:
        """Return what time stamps say of signatures and heads, the latter by their sizes."""
        anchors = self.bundle.anchors
        heads = {name.removesuffix(HEAD): content for name, content in anchors.items() if name.endswith(HEAD)}
        bodies = {name: content.partition(b"\n\n")[0] + b"\n" for name, content in heads.items()}
        return stamps_among(anchors, {**self.bundle.signatures, **bodies}, self.trust.time_authority)
