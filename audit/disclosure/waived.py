"""Which waivers a public release names: those of groups that its own words name, and of the others nobody's name.

A waiver is written for a group that fails by its exact counts, so that naming one would say what protected figures may
not. What is left of it then is who answers for it, and until when.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audit.public.table import PublicRelease, PublicWaiver, PublicWord
from audit.result.audit_result import Waiver


def with_waivers(release: PublicRelease, waivers: Iterable[Waiver]) -> PublicRelease:
    """The release with its waivers, those that are named first; the others in an order of their own."""
    below = {(word.rule, word.group) for word in release.words if word.word == "below"}
    named: list[PublicWaiver] = []
    others: list[Waiver] = []
    for waiver in waivers:
        if (waiver.rule, waiver.group) in below:
            named.append(PublicWaiver(**waiver.model_dump(exclude={"group"}), group=waiver.group))
        else:
            others.append(waiver)
    return release.model_copy(update={"waivers": (*named, *unnamed(others))})


def unnamed(waivers: Iterable[Waiver]) -> list[PublicWaiver]:
    """Waivers without rule, group and reason, the first to expire first."""
    told = [PublicWaiver(rule="", group=None, who=one.who, why="", expires=one.expires) for one in waivers]
    # not in the order of the file, which may be that of groups
    return sorted(told, key=lambda waiver: (waiver.expires, waiver.who))


def named_rightly(waivers: Iterable[PublicWaiver], words: Sequence[PublicWord]) -> bool:
    """Whether none of these names what the words do not, and none says half a name."""
    below = {(word.rule, word.group) for word in words if word.word == "below"}
    return all(
        (waiver.rule, waiver.group) in below if waiver.group is not None else not waiver.rule and not waiver.why
        for waiver in waivers
    )
