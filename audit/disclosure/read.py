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
from typing import Any, Final

from pydantic import ValidationError

from audit.disclosure.rates import public_rates
from audit.disclosure.words import public_words
from audit.errors import ResultError
from audit.public_table import METHOD_VERSION, PublicGroup, PublicMethod, PublicRelease, PublicSide

__all__ = ["load_release", "parse_release"]

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
    if len(content) > MAX_BYTES:
        raise ResultError(f"{path} is larger than a public release can be", slug="not-a-release")
    return parse_release(content, str(path)), content


def parse_release(content: bytes, name: str = "release.json") -> PublicRelease:
    """Read a release from its bytes; `name` is what errors call it. Raises ResultError as `load_release` does."""
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
    if not all(day is None or _is_day(day) for day in (release.about.finished, release.about.valid_until)):
        yield "a date is none"
    rows = release.table.groups
    if not rows or rows[0].group.levels or len({row.group for row in rows}) < len(rows):
        yield "its groups"
    if not all(_is_shown_rightly(row, release.table.method) for row in rows):
        yield "a number below the floor"
    if not _rates_follow(release):
        yield "a rate or an interval does not follow from the counts"
    if not _words_follow(release):
        yield "a word on a group does not follow from the counts"


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


def _rates_follow(release: PublicRelease) -> bool:
    metrics = list(dict.fromkeys(rate.metric for rate in release.rates))
    levels = {rate.level for rate in release.rates}
    if len(levels) != 1 or not 0.5 <= min(levels) < 1.0:
        return not release.rates and not release.words
    return public_rates(release.table, metrics, levels.pop()) == release.rates


def _words_follow(release: PublicRelease) -> bool:
    """Whether each word is that of the strictest or of the loosest error that a plan may allow."""
    told = [(word.rule, word.group, word.word, word.why) for word in release.words]
    strict, loose = (list(_words(release, alpha)) for alpha in _ALPHAS)
    if not len(told) == len(strict) == len(loose):
        return False
    for said, least, most in zip(told, strict, loose, strict=True):
        if said[:2] != least[:2] or said[2:] not in (least[2:], most[2:]):
            return False
    named = any(word.word == "below" for word in release.words)
    return release.headline.no_group_named == (release.headline.outcome == "fail" and not named)


def _words(release: PublicRelease, alpha: float) -> Iterator[tuple[str, object, str, str]]:
    for rule in release.rules:
        for word in public_words(release.table, rule, alpha=alpha):
            yield word.rule, word.group, word.word, word.why
