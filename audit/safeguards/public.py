"""Safeguards in a public report: fixed sentences, words of the plan, and no number about anybody.

A state that follows from cases would reveal small groups, because a rate can be stated only where there are enough
people. So such a state comes from the printed rows of the release (`of_table` in `data/evidence.toml`), or the
public report says that the restricted report has the evidence, or may have it (`small_groups`). Evidence that a plan
does not ask for is in no report. All other states follow from the plan, from how the detector was run and how it
scored texts that are about nobody (`of_rules`), and from the headline.

Evidence set beside laws and standards. It says what is there for a provision, and nothing more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from audit.plan.governance import NOT_TESTED, GovernanceSection
from audit.public.about import PublicAbout, PublicFramework, PublicGovernance, PublicSafeguard
from audit.result.audit_result import AuditResult
from audit.result.findings.safeguards import (
    EvidenceState,
    Framework,
    FrameworkEvidence,
    MappingState,
    PublicMappingState,
    PublicState,
    Safeguard,
)
from audit.safeguards.catalogue import Catalogue, Provision, catalogue
from audit.safeguards.evidence import SEARCHES, public_evidence, public_state

_NEVER: Final = frozenset(key for key, search in SEARCHES.items() if search.states == ("not_shown",))
"""Evidence that no audit of this kind can give: docs/how-to/governance.md names it, and no public report."""
_OF_AN_OLD_RESULT: Final = "This result is of a version that kept no words for the public."


def clause_state(state: PublicState) -> EvidenceState:
    """Return the state as a table of clauses shows it. Such a table has three states: evidence that stands elsewhere is
    not shown.
    """
    return "not_shown" if state == "elsewhere" else state


def public_safeguards(result: AuditResult) -> tuple[PublicSafeguard, ...]:
    """Return the public safeguards, clause by clause. A measured one has the day of the audit, a declared one the
    operator's day.

    Rows that no audit of this kind can ever show are left out. Nothing that follows from a table is in them yet: see
    `with_table_evidence`. The public sentences in a result file
    are not used, because an earlier version may have written what this version holds back.
    """
    return tuple(_public(safeguard, result) for safeguard in result.safeguards if safeguard.key not in _NEVER)


def _public(safeguard: Safeguard, result: AuditResult) -> PublicSafeguard:
    known = catalogue().evidence.get(safeguard.key)
    state: PublicState = "not_shown" if known is None else public_state(known, safeguard.state, result)
    day = result.provenance.finished[:10] if state == "measured" else None
    if state == "declared":  # also where something was measured because of the declaration
        day = safeguard.date if safeguard.state == "declared" else result.plan.governance.declared_on
    return PublicSafeguard(
        clause=safeguard.clause,
        words=safeguard.words,
        question=safeguard.question,
        evidence=_OF_AN_OLD_RESULT if known is None else public_evidence(known, state, result),
        state=clause_state(state),
        date=day,
        key=safeguard.key,
    )


def public_frameworks(states: Mapping[str, PublicState]) -> tuple[PublicFramework, ...]:
    """Return the rows of laws and standards, provision by provision, from the public state of each kind of evidence."""
    return tuple(_frameworks(catalogue(), states))


def _frameworks(tables: Catalogue, states: Mapping[str, PublicState]) -> Iterator[PublicFramework]:
    for instrument in tables.instruments:
        for row in instrument.provisions:
            names = names_by_state(tables, row, states)
            yield PublicFramework(
                instrument=instrument.name,
                article=row.article,
                evidence=row.about,
                state=public_mapping_state(row, states),
                measured=names["measured"],
                declared=names["declared"],
                not_shown=names["elsewhere"],
                absent=names["not_shown"],
                checked=instrument.checked,
            )


def with_table_evidence(about: PublicAbout, states: Mapping[str, PublicState], seen: Collection[str]) -> PublicAbout:
    """Add what printed rows show. `seen` holds keys of evidence; those that are `of_table` change."""
    known = catalogue().evidence
    states_now: dict[str, PublicState] = {**states, **{key: "measured" for key in seen if known[key].of_table}}
    safeguards = tuple(
        safeguard.model_copy(
            update={"state": "measured", "evidence": known[safeguard.key].public["measured"], "date": about.finished}
        )
        if safeguard.key in known and known[safeguard.key].of_table and safeguard.key in seen
        else safeguard
        for safeguard in about.safeguards
    )
    return about.model_copy(update={"safeguards": safeguards, "frameworks": public_frameworks(states_now)})


def public_governance(governance: GovernanceSection) -> PublicGovernance | None:
    """Return what the operator declares, or None. Shares are left out, because shares of few flags are counts."""
    section = governance
    if not section.says_something:
        return None
    return PublicGovernance(
        declared_on=section.declared_on,
        office=section.office or "",
        role=section.role or "",
        oversight=section.oversight or "",
        reviewed=section.review_rate is not None or section.override_rate is not None,
        contact=section.contact or "",
        appeal=section.appeal or "",
        consulted=section.consulted,
        downstream=section.downstream or "",
        group_data=section.group_data or "",
        named_patterns=tuple(section.named_patterns),
        patterns_not_tested=tuple(pattern for pattern, rule in section.named_patterns.items() if rule == NOT_TESTED),
        limits_set_on=section.limits_set_on,
        baseline=section.baseline or "",
        previous_audit=section.previous_audit or "",
    )


def framework_rows(
    tables: Catalogue, states: Mapping[str, EvidenceState], public: Mapping[str, PublicState]
) -> Iterator[Framework]:
    """Yield each law and standard with a row for each of its provisions.

    Parameters
    ----------
    states, public : mapping of str to state
        The state of each kind of evidence by its key, exactly and in public reports.
    """
    for instrument in tables.instruments:
        rows = tuple(_row(tables, provision, states, public) for provision in instrument.provisions)
        yield Framework(instrument=instrument.name, title=instrument.title, checked=instrument.checked, provisions=rows)


def _row(
    tables: Catalogue,
    provision: Provision,
    states: Mapping[str, EvidenceState],
    public: Mapping[str, PublicState],
) -> FrameworkEvidence:
    names = names_by_state(tables, provision, states)
    shown = {public[key] for key in provision.evidence}
    return FrameworkEvidence(
        article=provision.article,
        about=provision.about,
        state=_state(provision, states),
        measured=names["measured"],
        declared=names["declared"],
        not_shown=names["not_shown"],
        public_state=public_mapping_state(provision, public),
        public_declared_only="declared" in shown and "measured" not in shown,
    )


def names_by_state(
    tables: Catalogue, provision: Provision, states: Mapping[str, PublicState] | Mapping[str, EvidenceState]
) -> dict[PublicState, tuple[str, ...]]:
    """Return the names of the evidence that is relevant to a provision, by state."""
    names: dict[PublicState, list[str]] = {"measured": [], "declared": [], "elsewhere": [], "not_shown": []}
    for key in provision.evidence:
        names[states[key]].append(tables.evidence[key].name)
    return {state: tuple(names_in_state) for state, names_in_state in names.items()}


def public_mapping_state(provision: Provision, public: Mapping[str, PublicState]) -> PublicMappingState:
    """Return the state of a provision in a public report. It is absent only where no report holds any of it."""
    shown: dict[str, EvidenceState] = {
        key: "not_shown" if state == "elsewhere" else state for key, state in public.items()
    }
    state = _state(provision, shown)
    return "not_shown" if state == "absent" and "elsewhere" in {public[key] for key in provision.evidence} else state


def _state(provision: Provision, states: Mapping[str, EvidenceState]) -> MappingState:
    """Return "present" only where all evidence is there in the form that the provision asks for. A declaration does not
    replace a measurement.
    """
    full = [states[key] == "measured" for key in provision.measured]
    full += [states[key] != "not_shown" for key in provision.declared]
    if all(full):
        return "present"
    some = any(states[key] != "not_shown" for key in provision.evidence)
    return "partial" if some else "absent"
