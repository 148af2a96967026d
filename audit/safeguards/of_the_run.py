"""Evidence on the audit itself: what was audited, whether it was run here, and what is kept for anyone who repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.plan.services import ServiceDetector
from audit.safeguards.found import Finding, Found, declared, measured, not_shown
from audit.safeguards.held import Held
from audit.vocabulary.sentences import counted, sentence

__all__ = ["RUN"]


def _repeat(held: Held) -> Found:
    if held.result.provenance.evaluation_set_sha256 is None:
        return not_shown("no_repeat")
    return measured("repeat", "plan", "counts", "provenance.evaluation_set_sha256", "provenance.packages")


def _algorithms(held: Held) -> Found:
    if held.result.system.features:
        return measured("algorithms", "system.features", "system.decision")
    return declared("answers_supplied", "plan.detector", date=held.governance.declared_on)


def _ran_here(held: Held) -> Found:
    if not held.result.system.features:
        return not_shown("answers_supplied_what_it_takes")
    return measured("ran_here", "provenance.started", "provenance.finished")


def _offline(held: Held) -> Found:
    if isinstance(held.plan.detector, ServiceDetector):
        return not_shown("no_offline")
    if not held.result.system.features:
        return not_shown("answers_supplied_what_it_takes")
    return measured("offline", "system.features", "provenance.packages")


def _comparable(held: Held) -> Found:
    said = sentence("comparable", version=held.result.schema_version)
    return measured((said, "codes_of_standards") if held.coded("nationality") else said, "schema_version")


def _clusters(held: Held) -> Found:
    if held.plan.evaluation_set.cluster is None:
        return not_shown("no_clusters")
    decided = held.decided()
    if not decided:
        return not_shown("nobody_judged")
    said = sentence("clusters", verdicts=counted(len(decided), "verdict"))
    return measured((said, "not_an_organised_group"), "verdicts")


RUN: Final[Mapping[str, Finding]] = {
    "repeat": Finding(_repeat),
    "algorithms": Finding(_algorithms, ("measured", "declared")),
    "ran_here": Finding(_ran_here),
    "offline": Finding(_offline),
    "comparable": Finding(_comparable, ("measured",)),
    "clusters": Finding(_clusters),
}
"""Searches by the key of the evidence."""
