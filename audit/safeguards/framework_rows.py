"""Evidence set beside laws and standards. It says what is there for a provision, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from audit.result.findings.safeguards import (
    EvidenceState,
    Framework,
    FrameworkEvidence,
    MappingState,
    PublicMappingState,
    PublicState,
)
from audit.safeguards.catalogue import Catalogue, Provision


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
    return {state: tuple(found) for state, found in names.items()}


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
