"""The waivers of a public release in words. They are the same in a file that is made without figures.

So the numbers in them, days above all, are what the gate calls furniture: they must stand in a group's row whether or
not that group is named as failing there.
"""

from __future__ import annotations

from audit.public.table import PublicRelease, PublicWaiver, group_key
from audit.vocabulary.groups import Group
from audit.vocabulary.text import harmless

People = frozenset[tuple[str, str]]

NOT_NAMED = "a finding that the protected figures do not name"
"""What stands in the place of a group that is not named."""


class PublicWaived:
    """The waivers of one release, found by rule and group.

    A file tells of the same people once a rule, and a waiver is of a group on one rung. As a gate does it, people are
    waived where they are on every rung on which they are beyond the limit, here in the protected figures.
    """

    def __init__(self, release: PublicRelease) -> None:
        self._finished = release.about.finished
        self.all = release.waivers
        self.named = tuple(waiver for waiver in release.waivers if waiver.group is not None)
        self._by_finding = {(waiver.rule, waiver.group): waiver for waiver in self.named}
        self._rungs: dict[tuple[str, People], list[Group]] = {}
        for word in release.words:
            if word.word == "below":
                self._rungs.setdefault((word.rule, word.group.people), []).append(word.group)

    def of(self, rule: str, group: Group) -> PublicWaiver | None:
        """The waiver of a finding; None where it has none that is named, or another rung leaves it without effect.

        One that has expired is found too: it is told of with that.
        """
        waiver = self._by_finding.get((rule, group))
        return waiver if waiver is None or self.has_expired(waiver) or self.covers(rule, group) else None

    def mark(self, rule: str, group: Group) -> str:
        """What stands beside a finding that has a waiver: whether it is waived, or was until a day that is over."""
        waiver = self.of(rule, group)
        if waiver is None:
            return ""
        return " (its waiver has expired)" if self.has_expired(waiver) else " (waived)"

    def about(self, rule: str, group: Group) -> list[PublicWaiver]:
        """The waivers of these people, on whatever rung they were written."""
        found = (self._by_finding.get((rule, each)) for each in self._rungs.get((rule, group.people), ()))
        return [waiver for waiver in found if waiver is not None]

    def covers(self, rule: str, group: Group) -> bool:
        """Whether these people have a waiver that holds on every rung on which they are beyond the limit."""
        holding = [waiver for waiver in self.about(rule, group) if not self.has_expired(waiver)]
        return len(holding) == len(self._rungs.get((rule, group.people), ()))

    def has_expired(self, waiver: PublicWaiver) -> bool:
        """Whether its last day was over when the audit ended."""
        return waiver.expires < self._finished

    def words(self, waiver: PublicWaiver) -> str:
        """By whom and until when, and on what ground where that stands here: "waived by WHO until DATE: WHY"."""
        expired = ", expired when the audit was run" if self.has_expired(waiver) else ""
        why = f": {harmless(waiver.why)}" if waiver.why else ""
        return f"waived by {harmless(waiver.who)} until {harmless(waiver.expires)}{expired}{why}"

    def before(self, rule: str, group: Group) -> str:
        """Return the words to stand before what is said of a finding; empty where it is not waived."""
        waiver = self.of(rule, group)
        return "" if waiver is None else f"{self.words(waiver)}; "

    def sentences(self) -> list[str]:
        """Each waiver in a sentence of its own, with its group and rule."""
        return [f"{place_of(waiver)}: {self.words(waiver)}" for waiver in self.all]


def place_of(waiver: PublicWaiver) -> str:
    """Which finding a waiver is about."""
    if waiver.group is None:
        return NOT_NAMED
    return f"{harmless(group_key(waiver.group))} under {harmless(waiver.rule)}"
