"""Evidence on the audit itself: what was audited, whether it was run here, and what is kept for anyone who repeats
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.plan.services import ServiceDetector
from audit.safeguards.result_view import ResultView
from audit.safeguards.searches import FoundEvidence, Search, declared, measured, not_shown
from audit.vocabulary.sentences import counted, sentence


def _repeat(view: ResultView) -> FoundEvidence:
    if view.result.provenance.evaluation_set_sha256 is None:
        return not_shown("no_repeat")
    return measured("repeat", "plan", "counts", "provenance.evaluation_set_sha256", "provenance.packages")


def _algorithms(view: ResultView) -> FoundEvidence:
    if view.result.system.features:
        return measured("algorithms", "system.features", "system.decision")
    return declared("answers_supplied", "plan.detector", date=view.governance.declared_on)


def _ran_here(view: ResultView) -> FoundEvidence:
    if not view.result.system.features:
        return not_shown("answers_supplied_what_it_takes")
    return measured("ran_here", "provenance.started", "provenance.finished")


def _offline(view: ResultView) -> FoundEvidence:
    if isinstance(view.plan.detector, ServiceDetector):
        return not_shown("no_offline")
    if not view.result.system.features:
        return not_shown("answers_supplied_what_it_takes")
    return measured("offline", "system.features", "provenance.packages")


def _comparable(view: ResultView) -> FoundEvidence:
    said = sentence("comparable", version=view.result.schema_version)
    return measured((said, "codes_of_standards") if view.features_coded("nationality") else said, "schema_version")


def _clusters(view: ResultView) -> FoundEvidence:
    if view.plan.evaluation_set.cluster is None:
        return not_shown("no_clusters")
    decided = view.decided_verdicts()
    if not decided:
        return not_shown("nobody_judged")
    said = sentence("clusters", verdicts=counted(len(decided), "verdict"))
    return measured((said, "not_an_organised_group"), "verdicts")


RUN: Final[Mapping[str, Search]] = {
    "repeat": Search(_repeat),
    "algorithms": Search(_algorithms, ("measured", "declared")),
    "ran_here": Search(_ran_here),
    "offline": Search(_offline),
    "comparable": Search(_comparable, ("measured",)),
    "clusters": Search(_clusters),
}
"""Searches by the key of the evidence."""
