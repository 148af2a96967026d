"""What of the safeguards a public report may say: fixed sentences, words of the plan, and no number of anybody.

The states follow from the whole set, as the headline verdict does. Where already a state would tell how large a small
group is, it reads "not shown" whatever the result holds (`small_groups` in `data/evidence.toml`).
"""

from __future__ import annotations

from typing import Final

from audit.plan import AuditPlan
from audit.public_about import PublicFramework, PublicGovernance, PublicSafeguard
from audit.result import AuditResult

__all__ = ["public_frameworks", "public_governance", "public_safeguards"]

_OF_AN_OLD_RESULT: Final = "This result is of a version that kept no words for the public."


def public_safeguards(result: AuditResult) -> tuple[PublicSafeguard, ...]:
    """Clause by clause, with the day of the audit for what is measured and the operator's for what is declared."""
    finished = result.provenance.finished[:10]
    return tuple(
        PublicSafeguard(
            clause=one.clause,
            words=one.words,
            question=one.question,
            evidence=one.public_evidence or _OF_AN_OLD_RESULT,
            state=one.public_state,
            date=finished if one.public_state == "measured" else one.date if one.public_state == "declared" else None,
        )
        for one in result.safeguards
    )


def public_frameworks(result: AuditResult) -> tuple[PublicFramework, ...]:
    """Provision by provision, by the states that are public."""
    return tuple(
        PublicFramework(
            instrument=one.instrument,
            article=row.article,
            evidence=row.about,
            state=row.public_state,
            declared_only=row.public_declared_only,
        )
        for one in result.frameworks
        for row in one.provisions
    )


def public_governance(plan: AuditPlan) -> PublicGovernance | None:
    """What the operator declares; None where nothing is declared. Shares are left out: of few flags they are counts."""
    told = plan.governance
    if not told.says_something:
        return None
    return PublicGovernance(
        declared_on=told.declared_on,
        office=told.office or "",
        role=told.role or "",
        oversight=told.oversight or "",
        reviewed=told.review_rate is not None or told.override_rate is not None,
        contact=told.contact or "",
        appeal=told.appeal or "",
        consulted=told.consulted,
        downstream=told.downstream or "",
        group_data=told.group_data or "",
        named_patterns=tuple(told.named_patterns),
        limits_set_on=told.limits_set_on,
        baseline=told.baseline or "",
        previous_audit=told.previous_audit or "",
    )
