"""The same evidence set beside laws and standards: what is there that is relevant to a provision, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from audit.findings.safeguards import EvidenceState, Framework, FrameworkEvidence, MappingState
from audit.safeguards.catalogue import Catalogue, Provision

__all__ = ["mapped"]


def mapped(
    tables: Catalogue, states: Mapping[str, EvidenceState], public: Mapping[str, EvidenceState]
) -> Iterator[Framework]:
    """Law by law and standard by standard, a row for each provision.

    Parameters
    ----------
    states, public : mapping of str to state
        The state of each kind of evidence by its key, exactly and as a public report may tell it.
    """
    for instrument in tables.instruments:
        rows = tuple(_row(tables, provision, states, public) for provision in instrument.provisions)
        yield Framework(instrument=instrument.name, title=instrument.title, checked=instrument.checked, provisions=rows)


def _row(
    tables: Catalogue,
    provision: Provision,
    states: Mapping[str, EvidenceState],
    public: Mapping[str, EvidenceState],
) -> FrameworkEvidence:
    names: dict[EvidenceState, list[str]] = {"measured": [], "declared": [], "not_shown": []}
    keys = (*provision.measured, *provision.declared)
    for key in keys:
        names[states[key]].append(tables.evidence[key].name)
    told = {public[key] for key in keys}
    return FrameworkEvidence(
        article=provision.article,
        about=provision.about,
        state=_state(provision, states),
        measured=tuple(names["measured"]),
        declared=tuple(names["declared"]),
        not_shown=tuple(names["not_shown"]),
        public_state=_state(provision, public),
        public_declared_only="declared" in told and "measured" not in told,
    )


def _state(provision: Provision, states: Mapping[str, EvidenceState]) -> MappingState:
    """Present only where everything is there in the way that it is asked for: a declaration measures nothing."""
    full = [states[key] == "measured" for key in provision.measured]
    full += [states[key] != "not_shown" for key in provision.declared]
    if all(full):
        return "present"
    some = any(states[key] != "not_shown" for key in (*provision.measured, *provision.declared))
    return "partial" if some else "absent"
