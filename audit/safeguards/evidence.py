"""Evidence of every kind in a result, and the part of it that the public may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.result.audit_result import AuditResult
from audit.result.findings.safeguards import EvidenceState, PublicState
from audit.safeguards.catalogue import Evidence, catalogue
from audit.safeguards.changed_word_limits import headline_key, is_limited
from audit.safeguards.of_changes import CHANGES
from audit.safeguards.of_declarations import DECLARATIONS
from audit.safeguards.of_patterns import PATTERNS
from audit.safeguards.of_people import PEOPLE
from audit.safeguards.of_the_run import RUN
from audit.safeguards.plan_scope import asks_for
from audit.safeguards.result_view import ResultView
from audit.safeguards.searches import FoundEvidence, Search

SEARCHES: Final[Mapping[str, Search]] = {**DECLARATIONS, **RUN, **PEOPLE, **PATTERNS, **CHANGES}
"""The search for each kind of evidence, by its key."""


def public_states(result: AuditResult) -> dict[str, PublicState]:
    """Return the public state of each kind of evidence, by its key, before there is a protected table."""
    found = evidence_of(result)
    return {key: public_state(one, found[key].state, result) for key, one in catalogue().evidence.items()}


def public_state(evidence: Evidence, state: EvidenceState, result: AuditResult) -> PublicState:
    """Return the public state before there is a protected table. It never follows from cases."""
    if not asks_for(result.plan, evidence.key):
        return "not_shown"
    if evidence.of_rules and is_limited(result, evidence.key):
        return "measured"
    if evidence.small_groups or evidence.of_table or evidence.of_rules:
        return "elsewhere"
    return "declared" if evidence.only_declared and state == "measured" else state


def public_evidence(evidence: Evidence, state: PublicState, result: AuditResult) -> str:
    """Return the sentence of a public report for this state."""
    settled = headline_key(result, evidence.key) if evidence.of_rules and state == "measured" else None
    return evidence.public[state] if settled is None else evidence.headline[settled]


def evidence_of(result: AuditResult) -> dict[str, FoundEvidence]:
    """Search a result for every kind of evidence. Returns what is found, by key."""
    view = ResultView(result)
    return {key: finding.find(view) for key, finding in SEARCHES.items()}
