"""Waivers in a public release: by name where the word of its group is printed as beyond, and without a name elsewhere.

A waiver is written for a group that the exact audit fails, so that naming one would name a group that has no word. What
is left of it then is who answers for it, and until when.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from audit.public.release import PublicRelease, PublicWaiver
from audit.result.audit_result import Waiver


def with_waivers(release: PublicRelease, waivers: Collection[Waiver]) -> PublicRelease:
    """Return the release with its waivers: first those that are named, the others in an order of their own."""
    beyond = {(word.rule, row.group) for row in release.rows for word in row.words if word.word == "beyond"}
    named = [waiver for waiver in waivers if (waiver.rule, waiver.group) in beyond]
    public = [PublicWaiver(**waiver.model_dump(exclude={"group"}), group=waiver.group) for waiver in named]
    others = unnamed(waiver for waiver in waivers if (waiver.rule, waiver.group) not in beyond)
    return release.model_copy(update={"waivers": (*public, *others)})


def unnamed(waivers: Iterable[Waiver]) -> list[PublicWaiver]:
    """Waivers without rule, group and reason, the first to expire first."""
    told = [PublicWaiver(rule="", group=None, who=one.who, why="", expires=one.expires) for one in waivers]
    # not in the order of the file, which may be that of groups
    return sorted(told, key=lambda waiver: (waiver.expires, waiver.who))
