"""What an audit has to say to the draft resolution, and what of it is relevant to laws and standards.

The text is a draft by Belarus, Nicaragua and the Syrian Arab Republic to the Commission on Crime Prevention and
Criminal Justice (thirty-third session, 12 April 2024, item 6 of the provisional agenda). It binds nobody. A clause
without evidence is `not_shown`, which is a state of its own and never a pass.

Clauses, questions, laws and standards are tables that a lawyer can edit (`data`); here is how evidence is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.findings.safeguards import EvidenceState, Framework, GivenBy, Safeguard
from audit.result import AuditResult
from audit.safeguards.catalogue import Catalogue, catalogue
from audit.safeguards.found import Finding, Found
from audit.safeguards.held import Held
from audit.safeguards.mapping import mapped
from audit.safeguards.of_changes import CHANGES
from audit.safeguards.of_declarations import DECLARATIONS
from audit.safeguards.of_patterns import PATTERNS
from audit.safeguards.of_people import PEOPLE
from audit.safeguards.of_the_run import RUN
from audit.safeguards.public import public_frameworks, public_governance, public_safeguards

__all__ = [
    "FINDINGS",
    "evidence_of",
    "public_frameworks",
    "public_governance",
    "public_safeguards",
    "safeguards",
    "with_safeguards",
]

FINDINGS: Final[Mapping[str, Finding]] = {**DECLARATIONS, **RUN, **PEOPLE, **PATTERNS, **CHANGES}
"""How each kind of evidence is looked for, by its key."""
_GIVEN_BY: Final[Mapping[EvidenceState, GivenBy]] = {
    "measured": "audit",
    "declared": "operator",
    "not_shown": "nobody",
}


def with_safeguards(result: AuditResult) -> AuditResult:
    """The same result with its safeguards, and with what of them is relevant to laws and standards.

    Raises
    ------
    DataError
        If the tables of clauses and instruments are not sound.
    """
    clauses, frameworks = safeguards(result, catalogue())
    return result.model_copy(update={"safeguards": clauses, "frameworks": frameworks})


def safeguards(result: AuditResult, tables: Catalogue) -> tuple[tuple[Safeguard, ...], tuple[Framework, ...]]:
    """Clause by clause and provision by provision: what this result holds that speaks to it, and its state."""
    found = evidence_of(result)
    states: dict[str, EvidenceState] = {key: found[key].state for key in tables.evidence}
    public: dict[str, EvidenceState] = {
        key: "not_shown" if one.small_groups else states[key] for key, one in tables.evidence.items()
    }
    rows = tuple(
        Safeguard(
            clause=clause.clause,
            words=clause.words,
            question=clause.question,
            evidence=found[clause.evidence].evidence,
            state=states[clause.evidence],
            key=clause.evidence,
            given_by=_GIVEN_BY[states[clause.evidence]],
            date=found[clause.evidence].date,
            rests_on=found[clause.evidence].rests_on,
            public_state=public[clause.evidence],
            public_evidence=tables.evidence[clause.evidence].public[public[clause.evidence]],
        )
        for clause in tables.clauses
    )
    return rows, tuple(mapped(tables, states, public))


def evidence_of(result: AuditResult) -> dict[str, Found]:
    """Every kind of evidence, by its key, as this result holds it."""
    held = Held(result)
    return {key: finding.find(held) for key, finding in FINDINGS.items()}
