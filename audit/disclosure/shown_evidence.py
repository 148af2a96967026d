"""Which evidence stands in a protected table, for the safeguards of a public report: from the table alone.

Two audits with one table have one answer, whatever their exact counts are.
"""

from __future__ import annotations

from collections.abc import Mapping

from audit.public.table import PublicGroup, PublicRelease
from audit.result.findings.safeguards import PublicState
from audit.safeguards import with_table_evidence
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED


def with_shown_evidence(release: PublicRelease, states: Mapping[str, PublicState]) -> PublicRelease:
    """Return the release with safeguards that name the evidence that stands in its table."""
    if not states:
        return release
    return release.model_copy(update={"about": with_table_evidence(release.about, states, shown_evidence(release))})


def shown_evidence(release: PublicRelease) -> frozenset[str]:
    """Keys of evidence (`audit/safeguards/data/evidence.toml`) of which the release prints figures of groups."""
    limited = {rule.metric for rule in release.rules}
    printed = [rate for rate in release.rates if rate.value is not None and rate.group.levels]
    by_group = [rate for rate in printed if rate.metric in MISSED]
    decided = [word.group for word in release.words if word.word != "cannot_tell"]
    genders, nationalities = _coded(release, "gender"), _coded(release, "nationality")
    found = {
        "missed": any(rate.metric in limited for rate in by_group),
        "false_alarms": any(rate.metric in WRONGLY_FLAGGED for rate in printed),
        "gender": any(_is_by(rate.group, genders) for rate in by_group),
        "inequality": any(rate.metric in limited for rate in printed),
        "selection": any(rate.metric == "selection_rate" for rate in printed),
        "limits": bool(decided),
        "nationalities": any(_is_by(group, nationalities) for group in decided),
        "children": any(_has_one_of(rate.group, _children(release)) for rate in by_group),
        "forced_criminality": any(_has_one_of(rate.group, _forced(release)) for rate in by_group),
        "forms": any(_is_by(rate.group, _meaning(release, "form")) for rate in by_group),
        "legal_status": any(_is_by(rate.group, _meaning(release, "legal_status")) for rate in by_group),
        "drift": any(_is_by(rate.group, _meaning(release, "period", "language", "site")) for rate in by_group),
        "present": _shows_present(release, genders),
        "ratios_unknown": _shows_unknown(release, genders | nationalities),
        **_of_everyone(release),
    }
    return frozenset(key for key, shown in found.items() if shown)


def _of_everyone(release: PublicRelease) -> dict[str, bool]:
    """What follows from both errors of everyone: how many flags are right, here and at the base rate of use."""
    known = {rate.metric for rate in release.rates if rate.value is not None and not rate.group.levels}
    both = not known.isdisjoint(MISSED) and not known.isdisjoint(WRONGLY_FLAGGED)
    asked = {look.name for look in release.about.looks if look.asked}
    return {"above_chance": both, "at_work": both and "at_work" in asked}


def _shows_present(release: PublicRelease, genders: set[str]) -> bool:
    wanted = {*((gender, "woman") for gender in genders), *_children(release)}
    return any(
        _has_one_of(row.group, wanted) and _has_size(row) for row in release.table.groups if len(row.group.levels) == 1
    )


def _shows_unknown(release: PublicRelease, features: set[str]) -> bool:
    wanted = {(feature, "unknown") for feature in features}
    return any(
        _has_one_of(row.group, wanted) and _has_size(row) for row in release.table.groups if len(row.group.levels) == 1
    )


def _has_size(row: PublicGroup) -> bool:
    return row.positives.cases is not None or row.negatives.cases is not None


def _coded(release: PublicRelease, coding: str) -> set[str]:
    return {one.name for one in release.about.codings if one.coding == coding}


def _meaning(release: PublicRelease, *meanings: str) -> set[str]:
    return {one.name for one in release.about.codings if one.means in meanings}


def _children(release: PublicRelease) -> set[tuple[str, str]]:
    return {(one.name, code) for one in release.about.codings for code in one.children}


def _forced(release: PublicRelease) -> set[tuple[str, str]]:
    return {(one.name, code) for one in release.about.codings for code in one.forced_criminality}


def _is_by(group: Group, features: set[str]) -> bool:
    return len(group.levels) == 1 and group.levels[0].feature in features


def _has_one_of(group: Group, wanted: set[tuple[str, str]]) -> bool:
    return any((level.feature, level.code) in wanted for level in group.levels)
