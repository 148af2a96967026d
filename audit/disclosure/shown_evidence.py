"""Which evidence stands in a protected table, for the safeguards of a public report: from the table alone.

Two audits with one table have one answer, whatever their exact counts are.
"""

from __future__ import annotations

from collections.abc import Mapping

from audit.findings.safeguards import EvidenceState
from audit.public_table import PublicRate, PublicRelease
from audit.safeguards import seen_in_table

__all__ = ["shown_evidence", "with_shown_evidence"]

_FOUND = ("true_positive_rate", "false_negative_rate")
_WRONGLY_FLAGGED = ("false_positive_rate", "true_negative_rate")


def with_shown_evidence(release: PublicRelease, states: Mapping[str, EvidenceState]) -> PublicRelease:
    """The same release whose safeguards name the evidence that stands in its table."""
    if not states:
        return release
    return release.model_copy(update={"about": seen_in_table(release.about, states, shown_evidence(release))})


def shown_evidence(release: PublicRelease) -> frozenset[str]:
    """Keys of evidence (`audit/safeguards/data/evidence.toml`) of which the release prints figures of groups."""
    limited = {rule.metric for rule in release.rules}
    genders = {coding.name for coding in release.about.codings if coding.coding == "gender"}
    nationalities = {coding.name for coding in release.about.codings if coding.coding == "nationality"}
    printed = [rate for rate in release.rates if rate.value is not None and rate.group.levels]
    decided = [word.group for word in release.words if word.word != "cannot_tell"]
    found = {
        "missed": any(rate.metric in _FOUND and rate.metric in limited for rate in printed),
        "false_alarms": any(rate.metric in _WRONGLY_FLAGGED for rate in printed),
        "gender": any(rate.metric in _FOUND and _is_by(rate, genders) for rate in printed),
        "inequality": any(rate.metric in limited for rate in printed),
        "selection": any(rate.metric == "selection_rate" for rate in printed),
        "limits": bool(decided),
        "nationalities": any(len(group.levels) == 1 and group.levels[0].feature in nationalities for group in decided),
    }
    return frozenset(key for key, shown in found.items() if shown)


def _is_by(rate: PublicRate, features: set[str]) -> bool:
    return len(rate.group.levels) == 1 and rate.group.levels[0].feature in features
