"""Which evidence stands in the rows of a release, for the safeguards of a public report: from the rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audit.public.release import PublicRelease, PublicRow
from audit.result.findings.safeguards import PublicState
from audit.safeguards import with_table_evidence
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED


def with_shown_evidence(release: PublicRelease, states: Mapping[str, PublicState]) -> PublicRelease:
    """Return the release with safeguards that name the evidence that stands in its table."""
    if not states:
        return release
    return release.model_copy(update={"about": with_table_evidence(release.about, states, shown_evidence(release))})


def shown_evidence(release: PublicRelease) -> frozenset[str]:
    """Return keys of evidence (`audit/safeguards/data/evidence.toml`) of which the release prints rows of groups."""
    limited = {rule.metric for rule in release.rules}
    printed = [(row, rate) for row in release.rows if row.parts for rate in row.rates if rate.value is not None]
    missed = [row for row, rate in printed if rate.metric in MISSED]
    decided = [row for row in release.rows if any(word.word in ("beyond", "within") for word in row.words)]
    genders, nationalities = _names(release, "gender"), _names(release, "nationality")
    sized = [row for row in release.rows if len(row.parts) == 1]
    unknown = {(feature, "unknown") for feature in genders | nationalities}
    children = {(feature.name, code) for feature in release.features for code in feature.children}
    forced = {(feature.name, code) for feature in release.features for code in feature.forced_criminality}
    women_and_children = {*((gender, "woman") for gender in genders), *children}
    is_shown = {
        "missed": any(rate.metric in limited for row, rate in printed if row in missed),
        "false_alarms": any(rate.metric in WRONGLY_FLAGGED for _, rate in printed),
        "gender": _is_by(missed, genders),
        "inequality": any(rate.metric in limited for _, rate in printed),
        "selection": any(rate.metric == "selection_rate" for _, rate in printed),
        "limits": bool(decided),
        "nationalities": _is_by(decided, nationalities),
        "children": _has_one_of(missed, children),
        "forced_criminality": _has_one_of(missed, forced),
        "forms": _is_by(missed, _names(release, "form")),
        "legal_status": _is_by(missed, _names(release, "legal_status")),
        "drift": _is_by(missed, _names(release, "period", "language", "site")),
        "present": _has_one_of(sized, women_and_children),
        "ratios_unknown": _has_one_of(sized, unknown),
        **_of_everyone(release),
    }
    return frozenset(key for key, shown in is_shown.items() if shown)


def _of_everyone(release: PublicRelease) -> dict[str, bool]:
    """What follows from both errors of everyone: how many flags are right, here and at the base rate of use."""
    everyone = [row for row in release.rows if not row.parts]
    known = {rate.metric for row in everyone for rate in row.rates if rate.value is not None}
    has_both = not known.isdisjoint(MISSED) and not known.isdisjoint(WRONGLY_FLAGGED)
    return {"above_chance": has_both, "at_work": has_both and "at_work" in release.about.asked}


def _names(release: PublicRelease, *kinds: str) -> set[str]:
    """Features whose coding, or whose meaning in the operator's words, is one of these."""
    return {feature.name for feature in release.features if feature.coding in kinds or feature.means in kinds}


def _is_by(rows: Sequence[PublicRow], features: set[str]) -> bool:
    return any(len(row.parts) == 1 and row.parts[0].feature in features for row in rows)


def _has_one_of(rows: Sequence[PublicRow], wanted: set[tuple[str, str]]) -> bool:
    named = (part for row in rows for part in row.parts if part.kind in ("level", "nearly"))
    return any((part.feature, part.codes[0]) in wanted for part in named)
