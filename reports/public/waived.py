"""Waivers of a public release in words. A waiver changes no verdict and no word."""

from __future__ import annotations

from typing import Final

from audit.public.release import PublicRelease, PublicRow, PublicWaiver, row_key
from audit.vocabulary.groups import Group
from audit.vocabulary.text import harmless

NOT_NAMED: Final = "a finding that the public figures do not name"
"""What stands in the place of a group that is not named."""


class PublicWaived:
    """Waivers of one release, found by rule and row."""

    def __init__(self, release: PublicRelease) -> None:
        self._finished = release.about.finished
        self.all = release.waivers
        self._keys = {row.group: row.key for row in release.rows if row.group is not None}
        self._by_finding = {(waiver.rule, waiver.group): waiver for waiver in release.waivers if waiver.group}

    def of(self, rule: str, row: PublicRow) -> PublicWaiver | None:
        """Return the waiver of a finding, expired or not; None where it has none that is named."""
        return None if row.group is None else self._by_finding.get((rule, row.group))

    def has_expired(self, waiver: PublicWaiver) -> bool:
        """Tell whether its last day was over when the audit ended."""
        return waiver.expires < self._finished

    def mark(self, rule: str, row: PublicRow) -> str:
        """Return what stands beside a finding that has a waiver: whether it is waived, or was until a day that is
        over.
        """
        waiver = self.of(rule, row)
        if waiver is None:
            return ""
        return " (its waiver has expired)" if self.has_expired(waiver) else " (waived)"

    def words(self, waiver: PublicWaiver) -> str:
        """Return by whom and until when, and on what ground where that is named: "waived by WHO until DATE: WHY"."""
        expired = ", expired when the audit was run" if self.has_expired(waiver) else ""
        why = f": {harmless(waiver.why)}" if waiver.why else ""
        return f"waived by {harmless(waiver.who)} until {harmless(waiver.expires)}{expired}{why}"

    def before(self, rule: str, row: PublicRow) -> str:
        """Return the words to stand before what is said of a finding; empty where it is not waived."""
        waiver = self.of(rule, row)
        return "" if waiver is None else f"{self.words(waiver)}; "

    def sentences(self) -> list[str]:
        """Return each waiver in a sentence of its own, with its group and rule."""
        return [f"{self.place_of(waiver)}: {self.words(waiver)}" for waiver in self.all]

    def place_of(self, waiver: PublicWaiver) -> str:
        """Return which finding a waiver is about, by the key of its row and its rule."""
        if waiver.group is None:
            return NOT_NAMED
        return f"{self.key_of(waiver.group)} under {harmless(waiver.rule)}"

    def key_of(self, group: Group) -> str:
        """Return the key of the row of a group."""
        return self._keys.get(group) or row_key(())
