"""What a search for evidence comes to: a state that cannot be had without what it stands on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audit.result.findings.safeguards import EvidenceState
from audit.safeguards.held import Held

__all__ = ["Finding", "Found", "declared", "measured", "not_shown"]


@dataclass(frozen=True, slots=True)
class Found:
    """A state, its evidence in words, and the fields of the result that hold it."""

    state: EvidenceState
    evidence: str
    rests_on: tuple[str, ...]
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A search for one kind of evidence, and the states that can come of it."""

    find: Callable[[Held], Found]
    states: tuple[EvidenceState, ...] = ("measured", "not_shown")


def measured(evidence: str, *rests_on: str) -> Found:
    """Measured: `rests_on` names the fields of the result that hold the numbers. There is no measuring without any."""
    if not rests_on:
        raise ValueError("measured, and on nothing")
    return Found("measured", evidence, rests_on)


def declared(evidence: str, *rests_on: str, date: str | None = None) -> Found:
    """Declared by the operator, in these fields of the plan, on a day that the operator gives."""
    if not rests_on or not all(field.startswith("plan.") for field in rests_on):
        raise ValueError("declared, and nowhere in the plan")
    return Found("declared", evidence, rests_on, date)


def not_shown(evidence: str) -> Found:
    """Neither measured nor declared."""
    return Found("not_shown", evidence, ())
