"""What of the safeguards a public report may say: fixed sentences, words of the plan, and no number of anybody.

A state that follows from cases would tell of small groups: whether a rate could be stated is whether there were enough
people for it. So it comes from the protected table of the release (`of_table` in `data/evidence.toml`), or reads "not
shown" whatever the result holds (`small_groups`). All others follow from the plan and from how the detector was run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from audit.findings.safeguards import EvidenceState, Safeguard
from audit.plan import AuditPlan
from audit.public_about import PublicAbout, PublicFramework, PublicGovernance, PublicSafeguard
from audit.result import AuditResult
from audit.safeguards.catalogue import catalogue
from audit.safeguards.evidence import evidence_of, public_state
from audit.safeguards.mapping import mapped

__all__ = ["public_frameworks", "public_governance", "public_safeguards", "public_states", "seen_in_table"]

_OF_AN_OLD_RESULT: Final = "This result is of a version that kept no words for the public."


def public_safeguards(result: AuditResult) -> tuple[PublicSafeguard, ...]:
    """Clause by clause, with the day of the audit for what is measured and the operator's for what is declared.

    Nothing that follows from a table is in it yet: see `seen_in_table`. What the file of a result says of the public is
    not asked: an earlier version may have written what this one holds back.
    """
    return tuple(_public(one, result) for one in result.safeguards)


def _public(one: Safeguard, result: AuditResult) -> PublicSafeguard:
    known = catalogue().evidence.get(one.key)
    state: EvidenceState = "not_shown" if known is None else public_state(known, one.state)
    day = result.provenance.finished[:10] if state == "measured" else None
    if state == "declared":  # also where something was measured on its ground
        day = one.date if one.state == "declared" else result.plan.governance.declared_on
    return PublicSafeguard(
        clause=one.clause,
        words=one.words,
        question=one.question,
        evidence=_OF_AN_OLD_RESULT if known is None else known.public[state],
        state=state,
        date=day,
        key=one.key,
    )


def public_frameworks(states: Mapping[str, EvidenceState]) -> tuple[PublicFramework, ...]:
    """Provision by provision, by the public state of each kind of evidence."""
    return tuple(
        PublicFramework(
            instrument=one.instrument,
            article=row.article,
            evidence=row.about,
            state=row.public_state,
            declared_only=row.public_declared_only,
        )
        for one in mapped(catalogue(), states, states)
        for row in one.provisions
    )


def public_states(result: AuditResult) -> dict[str, EvidenceState]:
    """The public state of each kind of evidence by its key, before there is a table."""
    found = evidence_of(result)
    return {key: public_state(one, found[key].state) for key, one in catalogue().evidence.items()}


def seen_in_table(about: PublicAbout, states: Mapping[str, EvidenceState], seen: Collection[str]) -> PublicAbout:
    """The same with what a protected table shows: `seen` are keys of evidence that is `of_table` and stands in it."""
    known = catalogue().evidence
    told: dict[str, EvidenceState] = {**states, **{key: "measured" for key in seen if known[key].of_table}}
    safeguards = tuple(
        one.model_copy(
            update={"state": "measured", "evidence": known[one.key].public["measured"], "date": about.finished}
        )
        if one.key in known and known[one.key].of_table and one.key in seen
        else one
        for one in about.safeguards
    )
    return about.model_copy(update={"safeguards": safeguards, "frameworks": public_frameworks(told)})


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
