"""Reading a `release.json` that somebody hands on: what it says is worked out again, what does not follow is refused.

A release holds everything that follows from its table, so that a file that was changed by hand contradicts itself: a
rate, an interval or a word is other than the arithmetic gives, or a number stands below the floor. What only the exact
figures tell, the verdict, cannot be checked here.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import ValidationError

from audit.disclosure.waived import named_rightly
from audit.disclosure.words import follow, headline_of, sizes_alone
from audit.errors import RefusedReleaseError, ResultError
from audit.public.table import (
    METHOD_VERSION,
    FailsOn,
    PublicGroup,
    PublicHeadline,
    PublicMethod,
    PublicRelease,
    PublicSide,
    public_json,
)

MAX_BYTES: Final = 64 * 1024 * 1024
_ALPHAS: Final = (0.005, 0.2)
"""The least and the most that a plan may let verdicts err; a release does not say which it was."""


def load_release(path: Path) -> tuple[PublicRelease, bytes]:
    """Read a `release.json`: what it says, and its bytes. A link is not followed.

    Raises
    ------
    ResultError
        If it cannot be read, is none, is of a newer version, or does not follow from its own table.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ResultError(
            f"{path} cannot be read ({error.strerror or 'storage error'})", slug="no-release", hint="check the path"
        ) from None
    return parse_release(content, str(path)), content


def parse_release(content: bytes, name: str = "release.json") -> PublicRelease:
    """Read a release from its bytes; `name` is what errors call it. Raises ResultError as `load_release` does."""
    if len(content) > MAX_BYTES:
        raise ResultError(f"{name} is larger than a public release can be", slug="not-a-release")
    version = _version(content, name)
    if version is not None and version > METHOD_VERSION:
        raise ResultError(
            f"{name} was protected by version {version} of the method; this audit7k reads up to {METHOD_VERSION}",
            slug="newer-release",
            hint="update audit7k",
        )
    if version != METHOD_VERSION:
        raise ResultError(f"{name} has no version that is known", slug="not-a-release")
    try:
        release = PublicRelease.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ResultError(
            f"{name} does not have the form of a public release at {where}", slug="not-a-release"
        ) from None
    wrong = next(_contradictions(release, content), None)
    if wrong is not None:
        raise ResultError(
            f"{name} is not as it was written: {wrong}",
            slug="changed-release",
            hint="take the file from the folder of the audit again",
        )
    return release


def refuse_unless_read_back(release: PublicRelease) -> None:
    """The last look before a release is written: whoever reads it must not take it for one that was changed.

    Raises
    ------
    RefusedReleaseError
        If `parse_release` refuses its bytes, or reads something else.
    """
    try:
        read = parse_release(public_json(release).encode())
    except ResultError as error:
        raise RefusedReleaseError(
            f"the release would not be read back ({error.message})",
            slug="not-read-back",
            hint="nothing was released; this is a fault of audit7k: please report it",
        ) from None
    if read != release:
        raise RefusedReleaseError(
            "the release would be read back as another one",
            slug="not-read-back",
            hint="nothing was released; this is a fault of audit7k: please report it",
        )


def _version(content: bytes, name: str) -> int | None:
    try:
        document = json.loads(content)
        found: Any = document["table"]["method"]["version"] if isinstance(document, dict) else None
    except (ValueError, RecursionError):
        raise ResultError(
            f"{name} is not the JSON of a public release", slug="not-a-release", hint="it may be cut short"
        ) from None
    except (KeyError, TypeError):
        return None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _contradictions(release: PublicRelease, content: bytes) -> Iterator[str]:
    """What does not follow, worst first; what comes after the first may not be asked."""
    if (release.model_dump_json(exclude_unset=True) + "\n").encode() != content:
        yield "its bytes are not those that audit7k writes"
    if not all(day is None or _is_day(day) for day in _days(release)):
        yield "a date is none"
    rows = release.table.groups
    if not rows or rows[0].group.levels or len({row.group for row in rows}) < len(rows):
        yield "its groups"
    if not all(_is_shown_rightly(row, release.table.method) for row in rows):
        yield "a number below the floor"
    if release.about.unit == "cluster" and not release.about.clustered:
        yield "it counts what cases belong to and says that they stand alone"
    if release.about.unit == "cluster" and sizes_alone(release.table) != release.table:
        yield "it counts what cases belong to and shows errors of them"
    if release.figures != "shown" and not all(map(_is_empty, rows)):
        yield "it holds figures and says that it has none"
    if not named_rightly(release.waivers, release.words):
        yield "a waiver names what its words do not"
    yield from _not_following(release)


def _not_following(release: PublicRelease) -> Iterator[str]:
    """What is other than `follow` makes it. Words are those of the strictest or of the loosest error of a plan."""
    headline, levels = release.headline, {rate.level for rate in release.rates} or {0.95}
    failing = headline.fails_on
    if "fails_on" not in headline.model_fields_set and headline.outcome == "fail":
        failing = ("groups",)  # the releases of the first versions do not say it
    if not _may_fail_on(headline, failing) or not _is_held_to_change(headline):
        yield "its verdict and what fails"
    if len(levels) != 1 or not 0.5 <= min(levels) < 1.0:
        yield "a rate or an interval does not follow from the counts"
        return
    verdict = headline.model_copy(update={"fails_on": failing})
    strict, loose = (
        follow(release.table, release.rules, release.about, verdict, release.figures, level=min(levels), alpha=alpha)
        for alpha in _ALPHAS
    )
    if strict.rates != release.rates:
        yield "a rate or an interval does not follow from the counts"
    words = release.words
    ends = zip(words, strict.words, loose.words, strict=False)
    if len(words) != len(strict.words) or not all(word in (least, most) for word, least, most in ends):
        yield "a word on a group does not follow from the counts"
    if headline_of(verdict, words, release.figures) != verdict:
        yield "a word on a group does not follow from the counts"


def _may_fail_on(headline: PublicHeadline, failing: tuple[FailsOn, ...]) -> bool:
    """Whether something fails where the headline does, and each kind is told once and in its order."""
    ordered = tuple(kind for kind in get_args(FailsOn) if kind in failing)
    return failing == ordered and bool(failing) == (headline.outcome == "fail")


def _is_held_to_change(headline: PublicHeadline) -> bool:
    """Whether the headline is no better than the change from an earlier audit, and fails on it where that fails."""
    change = headline.change
    if change is None:
        return "change" not in headline.fails_on
    order = ("pass", "inconclusive", "fail")
    if change.not_judged is not None and (change.outcome != "inconclusive" or change.paired):
        return False
    fails = ("change" in headline.fails_on) == (change.outcome == "fail")
    return fails and order.index(headline.outcome) >= order.index(change.outcome) and _is_day(change.baseline_finished)


def _is_empty(row: PublicGroup) -> bool:
    sides = (row.positives, row.negatives)
    counts = [row.unscored, row.unlabelled, *(count for side in sides for count in (side.cases, side.errors))]
    return all(count is None for count in counts) and all(side.shown == "not_shown" for side in sides)


def _days(release: PublicRelease) -> Iterator[str | None]:
    yield from (release.about.finished, release.about.valid_until)
    yield from (waiver.expires for waiver in release.waivers)


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_shown_rightly(row: PublicGroup, method: PublicMethod) -> bool:
    totals = [row.positives.cases, row.negatives.cases, row.unscored, row.unlabelled]
    if any(total is not None and total < method.floor for total in totals):
        return False
    return all(_errors_shown_rightly(side, method.floor) for side in (row.positives, row.negatives))


def _errors_shown_rightly(side: PublicSide, floor: int) -> bool:
    if side.shown != "value":
        return side.errors is None and (side.shown == "not_shown" or side.cases is not None)
    if side.cases is None or side.errors is None:
        return False
    return side.errors >= floor and side.cases - side.errors >= floor
