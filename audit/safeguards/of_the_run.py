"""Evidence on the audit itself: what was audited, whether it was run here, and what is kept for whoever repeats it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.plan.services import ServiceDetector
from audit.safeguards.found import Finding, Found, declared, measured, not_shown
from audit.safeguards.held import Held
from audit.vocabulary.text import count_of

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


def _offline(held: Held) -> Found:
    if isinstance(held.plan.detector, ServiceDetector):
        return not_shown("The features of every case were sent to a service: that none is needed is not shown.")
    if not held.result.system.features:
        return not_shown("Answers were supplied, so what running the detector takes is not known.")
    return measured(
        "The detector was run on the machine of the audit and not as a service; the versions that it ran with are "
        "recorded, and whether it could reach a network.",
        "system.features",
        "provenance.packages",
    )


def _comparable(held: Held) -> Found:
    told = f"This result is of version {held.result.schema_version} of a published schema."
    if held.coded("nationality"):
        told += " Nationalities have codes of ISO 3166, and sub-regions and regions those of UN M49."
    return measured(told, "schema_version")


def _clusters(held: Held) -> Found:
    if held.plan.evaluation_set.cluster is None:
        return not_shown(
            "The plan does not say which cases belong together, so that groups are judged by single cases."
        )
    decided = held.decided()
    if not decided:
        return not_shown("No group could be judged.")
    told = f"{count_of(len(decided), 'verdict')} on groups take all cases that belong together as one."
    return measured(" ".join((told, "That these are of an organised group is not shown.")), "verdicts")


RUN: Final[Mapping[str, Finding]] = {
    "repeat": Finding(_repeat),
    "algorithms": Finding(_algorithms, ("measured", "declared")),
    "ran_here": Finding(_ran_here),
    "offline": Finding(_offline),
    "comparable": Finding(_comparable, ("measured",)),
    "clusters": Finding(_clusters),
}
"""By the key of the evidence."""
