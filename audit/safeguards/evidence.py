"""Evidence of every kind in a result, and the part of it that the public may read.

Limits on made-up texts in which one word is changed are a case of their own. The texts are about nobody. So a limit on
them, and the fact that they were scored, say nothing about a person. The answers of the detector stay in the restricted
report. Whether such a limit is kept is public as far as the headline says it.

Evidence on the audit itself: what was audited, whether it was run here, and what is kept for anyone who repeats
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from audit.plan.answers import BlindDetector
from audit.plan.probes import NamedProbeRule, Probe
from audit.plan.services import ServiceDetector
from audit.result.audit_result import AuditResult
from audit.result.findings.safeguards import EvidenceState, PublicState
from audit.result.findings.swaps import SwapProbe
from audit.safeguards.catalogue import Evidence, catalogue
from audit.safeguards.of_changes import CHANGES
from audit.safeguards.of_declarations import DECLARATIONS
from audit.safeguards.of_patterns import PATTERNS
from audit.safeguards.of_people import PEOPLE
from audit.safeguards.plan_scope import NATIONALITY_SLOTS, asks_for, changes_nationality
from audit.safeguards.result_view import ResultView
from audit.safeguards.searches import FoundEvidence, Search, declared, measured, not_shown
from audit.vocabulary.sentences import counted, english, sentence
from audit.vocabulary.statuses import is_shown


def _repeat(view: ResultView) -> FoundEvidence:
    if view.result.provenance.evaluation_set_sha256 is None:
        return not_shown("no_repeat")
    return measured("repeat", "plan", "counts", "provenance.evaluation_set_sha256", "provenance.packages")


def _algorithms(view: ResultView) -> FoundEvidence:
    if view.was_run:
        return measured("algorithms", "system.features", "system.decision")
    section = view.plan.detector
    if not isinstance(section, BlindDetector):
        return declared("answers_supplied", "plan.detector", date=view.governance.declared_on)
    if not is_shown(section.deployed):
        return not_shown("answers_not_shown")
    return declared("answers_of_vendor", "plan.detector")


def _ran_here(view: ResultView) -> FoundEvidence:
    if not view.was_run:
        return not_shown("answers_supplied_what_it_takes")
    return measured("ran_here", "provenance.started", "provenance.finished")


def _offline(view: ResultView) -> FoundEvidence:
    if isinstance(view.plan.detector, ServiceDetector):
        return not_shown("no_offline")
    if not view.was_run:
        return not_shown("answers_supplied_what_it_takes")
    return measured("offline", "system.features", "provenance.packages")


def _comparable(view: ResultView) -> FoundEvidence:
    statement = sentence("comparable", version=view.result.schema_version)
    return measured(
        (statement, "codes_of_standards") if view.features_coded("nationality") else statement, "schema_version"
    )


def _clusters(view: ResultView) -> FoundEvidence:
    if view.plan.evaluation_set.cluster is None:
        return not_shown("no_clusters")
    decided = view.decided_verdicts()
    if not decided:
        return not_shown("nobody_judged")
    statement = sentence("clusters", verdicts=counted(len(decided), "verdict"))
    return measured((statement, "not_an_organised_group"), "verdicts")


RUN: Final[Mapping[str, Search]] = {
    "repeat": Search(_repeat),
    "algorithms": Search(_algorithms, ("measured", "declared", "not_shown")),
    "ran_here": Search(_ran_here),
    "offline": Search(_offline),
    "comparable": Search(_comparable, ("measured",)),
    "clusters": Search(_clusters),
}
"""Searches by the key of the evidence."""


SEARCHES: Final[Mapping[str, Search]] = {**DECLARATIONS, **RUN, **PEOPLE, **PATTERNS, **CHANGES}
"""The search for each kind of evidence, by its key."""


def public_states(result: AuditResult) -> dict[str, PublicState]:
    """Return the public state of each kind of evidence, by its key, before there are printed rows."""
    evidence = evidence_of(result)
    return {key: public_state(kind, evidence[key].state, result) for key, kind in catalogue().evidence.items()}


def public_state(evidence: Evidence, state: EvidenceState, result: AuditResult) -> PublicState:
    """Return the public state before there are printed rows. It never follows from cases."""
    if not asks_for(result.plan, evidence.key):
        return "not_shown"
    if evidence.of_rules and _limits_changed_word(result, evidence.key):
        return "measured"
    if evidence.small_groups or evidence.of_table or evidence.of_rules:
        return "elsewhere"
    return "declared" if evidence.only_declared and state == "measured" else state


def public_evidence(evidence: Evidence, state: PublicState, result: AuditResult) -> str:
    """Return the sentence of a public report for this state."""
    if evidence.key == "algorithms" and state == "declared" and isinstance(result.plan.detector, BlindDetector):
        return english([sentence("answers_of_vendor")])
    settled = _headline_key(result, evidence.key) if evidence.of_rules and state == "measured" else None
    return evidence.public[state] if settled is None else evidence.headline[settled]


def evidence_of(result: AuditResult) -> dict[str, FoundEvidence]:
    """Search a result for every kind of evidence. Returns what is found, by key."""
    view = ResultView(result)
    return {key: search.find(view) for key, search in SEARCHES.items()}


def _limits_changed_word(result: AuditResult, key: str) -> bool:
    """Say whether a rule of the plan limits texts that change such a word, and whether these texts were scored."""
    limited = {
        probe
        for probe, kind, slot in _limited(result.plan.probes, result.plan.named_probe_rules)
        if kind == "text" and _is_of(key, slot)
    }
    return any(probe.probe in limited and _scored(probe, key) for probe in result.probes)


def _headline_key(result: AuditResult, key: str) -> str | None:
    """Return the key in `headline` of the table for what the headline says of such a limit, or None where it says
    nothing.
    """
    if result.overall.outcome == "pass":
        return "kept"
    if all(rule.outcome != "fail" for rule in result.probe_rules):
        return None
    probes = {probe.id: probe for probe in result.plan.probes}
    alone = key == "swaps" or all(
        kind == "text" and changes_nationality(result.plan, probes[probe], slot)
        for probe, kind, slot in _limited(result.plan.probes, result.plan.named_probe_rules)
    )
    return "exceeded" if alone else "exceeded_among"


def _limited(probes: Sequence[Probe], probe_rules: Sequence[NamedProbeRule]) -> Iterator[tuple[str, str, str]]:
    """Yield each probe that a rule limits: its id, its kind, and one slot or column that it changes."""
    for rule in probe_rules:
        for probe in probes:
            if not rule.probes or probe.id in rule.probes:
                yield from ((probe.id, probe.kind, slot) for slot in probe.changed)


def _is_of(key: str, slot: str) -> bool:
    return key == "swaps" or slot in NATIONALITY_SLOTS


def _scored(probe: SwapProbe, key: str) -> bool:
    """Say whether this probe holds measured evidence, by the test that `of_changes` uses."""
    if key == "swaps":
        return any(slot.pairs for slot in probe.slots)
    return any(
        _is_of(key, shift.slot) and shift.given_slot is None and shift.shift is not None and shift.reason is None
        for shift in probe.shifts
    )
