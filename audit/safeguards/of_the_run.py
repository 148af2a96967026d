"""Evidence on the audit itself: what was audited, whether it was run here, and what is kept for whoever repeats it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.safeguards.found import Finding, Found, declared, measured, not_shown
from audit.safeguards.held import Held

__all__ = ["RUN"]


def _repeat(held: Held) -> Found:
    if held.result.provenance.evaluation_set_sha256 is None:
        return not_shown("The evaluation set has no digest, so nobody else can know that theirs is the same.")
    return measured(
        "This result holds the plan, the digests of its inputs, every count and the versions used.",
        "plan",
        "counts",
        "provenance.evaluation_set_sha256",
        "provenance.packages",
    )


def _algorithms(held: Held) -> Found:
    if held.result.system.features:
        return measured(
            "The detector was run in this audit; its inputs and its decision rule are recorded.",
            "system.features",
            "system.decision",
        )
    return declared(
        "The detector's answers were supplied; that they are its answers is declared by the operator.",
        "plan.detector",
        date=held.governance.declared_on,
    )


def _ran_here(held: Held) -> Found:
    if not held.result.system.features:
        return not_shown("Answers were supplied, so what running the detector takes is not known.")
    return measured(
        "The detector was run here; when the run began and ended is recorded.",
        "provenance.started",
        "provenance.finished",
    )


RUN: Final[Mapping[str, Finding]] = {
    "repeat": Finding(_repeat),
    "algorithms": Finding(_algorithms, ("measured", "declared")),
    "ran_here": Finding(_ran_here),
}
"""By the key of the evidence."""
