"""Evidence of an audit, clause by clause of the draft resolution, and beside laws and standards.

The text is a draft by Belarus, Nicaragua and the Syrian Arab Republic to the Commission on Crime Prevention and
Criminal Justice (thirty-third session, 12 April 2024, item 6 of the provisional agenda). It binds nobody. A clause
without evidence is `not_shown`, which is a state of its own and never a pass.

Clauses, questions, laws and standards are tables that a lawyer can edit (`data`). The modules here find the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.result.audit_result import AuditResult
from audit.result.findings.safeguards import EvidenceState, Framework, GivenBy, Safeguard
from audit.safeguards.catalogue import Catalogue, catalogue
from audit.safeguards.evidence import SEARCHES, evidence_of, public_evidence, public_state, public_states
from audit.safeguards.public import (
    clause_state,
    framework_rows,
    public_governance,
    public_safeguards,
    with_table_evidence,
)

__all__ = [
    "SEARCHES",
    "evidence_of",
    "public_governance",
    "public_safeguards",
    "public_states",
    "safeguards",
    "with_safeguards",
    "with_table_evidence",
]

_GIVEN_BY: Final[Mapping[EvidenceState, GivenBy]] = {
    "measured": "audit",
    "declared": "operator",
    "not_shown": "nobody",
}


def with_safeguards(result: AuditResult) -> AuditResult:
    """Add the safeguards to a result, and the evidence that is relevant to laws and standards.

    Raises
    ------
    DataError
        If the tables of clauses and instruments are not sound.
    """
    clauses, frameworks = safeguards(result, catalogue())
    return result.model_copy(update={"safeguards": clauses, "frameworks": frameworks})


def safeguards(result: AuditResult, tables: Catalogue) -> tuple[tuple[Safeguard, ...], tuple[Framework, ...]]:
    """State the evidence of this result clause by clause and provision by provision."""
    evidence = evidence_of(result)
    states: dict[str, EvidenceState] = {key: evidence[key].state for key in tables.evidence}
    public = {key: public_state(kind, states[key], result) for key, kind in tables.evidence.items()}
    rows = tuple(
        Safeguard(
            clause=clause.clause,
            words=clause.words,
            question=clause.question,
            evidence=evidence[clause.evidence].evidence,
            sentences=evidence[clause.evidence].sentences,
            state=states[clause.evidence],
            key=clause.evidence,
            given_by=_GIVEN_BY[states[clause.evidence]],
            date=evidence[clause.evidence].date,
            rests_on=evidence[clause.evidence].rests_on,
            public_state=clause_state(public[clause.evidence]),
            public_evidence=public_evidence(tables.evidence[clause.evidence], public[clause.evidence], result),
        )
        for clause in tables.clauses
    )
    return rows, tuple(framework_rows(tables, states, public))
