"""What may be printed of a row, whether a number follows from it, and releases that are late, waived or hostile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from made.releases import made_release

from audit.public.cases import PublicCases
from audit.public.release import PublicRelease, PublicRow, PublicRule, PublicWaiver

NUMBER = re.compile(r"\d+(?:\.\d+)?")


def told_of(release: PublicRelease, row: PublicRow, rule: PublicRule | None) -> tuple[set[int], list[float]]:
    """Return the whole numbers and the shares that may be printed of a row, worked out here from its fields."""
    numbers = {row.people, release.method.floor, *([row.errors] if row.errors else []), row.fewer_than or 0}
    rates = [rate for rate in row.rates if rule is None or rate.metric == rule.metric]
    shares = [
        rate.model_dump()[end] for rate in rates for end in ("value", "low", "high", "at_least", "at_most", "rest")
    ]
    for rate in rates:
        if rule is not None and rate.rest is None:
            # the margin itself, in points, or so many times the rate of the rest, from below or from above
            shares += (rule.limit,) if rule.scale == "difference" else (rule.limit / 100, 1 / rule.limit / 100)
        elif rule is not None and rate.rest is not None:
            apart = (rate.rest - rule.limit, rate.rest + rule.limit)
            ends_of_limit = apart if rule.scale == "difference" else (rate.rest * rule.limit, rate.rest / rule.limit)
            shares += (min(max(round(end, 9), 0.0), 1.0) for end in ends_of_limit)
    return numbers, [share for share in shares if share is not None]


def follows(number: str, numbers: Iterable[int], shares: Iterable[float]) -> bool:
    """Tell whether a printed number is one of these, or one of these shares in per cent, rounded as it is written."""
    if "." not in number and int(number) in numbers:
        return True
    place = Decimal(1).scaleb(-len(number.partition(".")[2]))
    printed = Decimal(number)
    return any(
        (Decimal(str(share)) * 100).quantize(place, ROUND_HALF_UP) == printed
        or (number in ("0.1", "99.9") and (share < 0.001 or share > 0.999))  # "<0.1%" and ">99.9%"
        for share in shares
    )


def expired(release: PublicRelease) -> PublicRelease:
    return release.model_copy(update={"about": release.about.model_copy(update={"valid_until": "2020-01-31"})})


def waived(release: PublicRelease, expires: str) -> PublicRelease:
    case = next(case for case in PublicCases(release).failing if case.row.group is not None)
    named = PublicWaiver(rule=case.rule.rule, group=case.row.group, who="The owner", why="Mended soon", expires=expires)
    return release.model_copy(update={"waivers": (named, PublicWaiver(who="Somebody", expires="2099-01-01"))})


def hostile(payload: str) -> PublicRelease:
    """A release with a payload in the names that others wrote: of system, features without figures, levels, waivers.

    Of its rows there are those beyond a limit and a few of the others.
    """
    release = waived(made_release("fail"), "2099-12-31")
    beyond = {case.row.key for case in PublicCases(release).failing}
    rows = tuple(row for place, row in enumerate(release.rows) if place < 30 or row.key in beyond)
    features = tuple(
        feature.model_copy(
            update={
                "levels": tuple(
                    level.model_copy(update={"name": payload + level.name + payload}) for level in feature.levels
                )
            }
        )
        for feature in release.features
    )
    about = release.about.model_copy(update={"title": payload, "without_figures": (payload,), "tool": payload})
    waivers = tuple(
        waiver.model_copy(update={"who": payload, "why": waiver.why and payload}) for waiver in release.waivers
    )
    return release.model_copy(update={"features": features, "about": about, "rows": rows, "waivers": waivers})
