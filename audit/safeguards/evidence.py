"""Every kind of evidence, as a result holds it, and what the public may read of its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.findings.safeguards import EvidenceState
from audit.result import AuditResult
from audit.safeguards.catalogue import Evidence
from audit.safeguards.found import Finding, Found
from audit.safeguards.held import Held
from audit.safeguards.of_changes import CHANGES
from audit.safeguards.of_declarations import DECLARATIONS
from audit.safeguards.of_patterns import PATTERNS
from audit.safeguards.of_people import PEOPLE
from audit.safeguards.of_the_run import RUN

__all__ = ["FINDINGS", "evidence_of", "public_state"]

FINDINGS: Final[Mapping[str, Finding]] = {**DECLARATIONS, **RUN, **PEOPLE, **PATTERNS, **CHANGES}
"""How each kind of evidence is looked for, by its key."""


def public_state(evidence: Evidence, state: EvidenceState) -> EvidenceState:
    """What the public reads of a state before there is a protected table: nothing that follows from cases."""
    if evidence.small_groups or evidence.of_table:
        return "not_shown"
    return "declared" if evidence.only_declared and state == "measured" else state


def evidence_of(result: AuditResult) -> dict[str, Found]:
    """Every kind of evidence, by its key, as this result holds it."""
    held = Held(result)
    return {key: finding.find(held) for key, finding in FINDINGS.items()}
