"""Reading a `release.json` that somebody hands on: what it says is worked out again, what does not follow is refused.

Rates and ranges follow from printed numbers, so that a file that was changed by hand contradicts itself. Words and the
verdict come from the exact audit and cannot be checked here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from audit.disclosure.rates import NOBODY, Printed, no_rate, rate_of
from audit.disclosure.waived import named_groups
from audit.errors import ResultError
from audit.public.release import METHOD_VERSION, PublicRelease, PublicRow, public_json
from audit.storage import bytes_of_result

MAX_BYTES: Final = 64 * 1024 * 1024


def load_release(path: Path) -> tuple[PublicRelease, bytes]:
    """Read a `release.json`: what it says, and its bytes. A link is not followed.

    Raises
    ------
    ResultError
        If it cannot be read, is none, is of another version, or contradicts itself.
    """
    content = bytes_of_result(path, MAX_BYTES)
    return parse_release(content, str(path)), content


def parse_release(content: bytes, name: str = "release.json") -> PublicRelease:
    """Read a release from its bytes; `name` is what errors call it. Raises ResultError as `load_release` does."""
    if len(content) > MAX_BYTES:
        raise ResultError(f"{name} is larger than a public release can be", slug="not-a-release")
    _refuse_other_version(_version(content, name), name)
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


def _refuse_other_version(version: int | None, name: str) -> None:
    if version == METHOD_VERSION:
        return
    if version is None:
        raise ResultError(f"{name} has no version that is known", slug="not-a-release")
    if version > METHOD_VERSION:
        raise ResultError(
            f"{name} was protected by version {version} of the method; this audit7k reads version {METHOD_VERSION}",
            slug="newer-release",
            hint="update audit7k",
        )
    raise ResultError(
        f"{name} was protected by version {version} of the method, which could tell on people",
        slug="older-release",
        hint="take it down, and publish the audit again: audit7k report",
    )


def _version(content: bytes, name: str) -> int | None:
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise ResultError(
            f"{name} is not the JSON of a public release", slug="not-a-release", hint="it may be cut short"
        ) from None
    for path in (("method", "version"), ("table", "method", "version")):
        found = document
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, int) and not isinstance(found, bool):
            return found
    return None


def _contradictions(release: PublicRelease, content: bytes) -> Iterator[str]:
    """What does not follow, worst first; what comes after the first may not be asked."""
    if public_json(release).encode() != content:
        yield "its bytes are not those that audit7k writes"
    if not all(day is None or _is_day(day) for day in _days(release)):
        yield "a date is none"
    keys = [(row.side, row.key) for row in release.rows]
    if len(set(keys)) < len(keys) or (release.figures == "none") != (not release.rows):
        yield "its rows"
    if not all(_is_printed_rightly(row, release) for row in release.rows):
        yield "a number below the floor"
    failing = release.headline.fails_on
    named = any(word.word == "beyond" or word.smaller_beyond for row in release.rows for word in row.words)
    if bool(failing) != (release.headline.outcome == "fail") or release.headline.no_group_named != (
        "groups" in failing and not named
    ):
        yield "its verdict and what fails"
    beyond = named_groups(release)
    if not all(
        (waiver.rule, waiver.group) in beyond if waiver.group is not None else not waiver.rule and not waiver.why
        for waiver in release.waivers
    ):
        yield "a waiver names what no word names"
    if not all(_rates_follow(release)):
        yield "a rate or a range does not follow from the numbers"


def _is_printed_rightly(row: PublicRow, release: PublicRelease) -> bool:
    method = release.method
    if row.people < method.floor + method.largest_change or (row.few is None) != (row.fewer_than is None):
        return False
    if row.errors is None:
        return True
    return row.few is None and method.floor <= row.errors <= row.people - method.floor


def _rates_follow(release: PublicRelease) -> Iterator[bool]:
    everyone = {row.side: _printed(row) for row in release.rows if not row.parts}
    numbers = {(row.side, row.key): _printed(row) for row in release.rows}
    for row in release.rows:
        pair = {side: numbers.get((side, row.key), NOBODY) for side in ("positives", "negatives")}
        whole = {side: everyone.get(side, NOBODY) for side in ("positives", "negatives")}
        if row.side != "both":
            pair = {side: own if side == row.side else NOBODY for side, own in pair.items()}
            whole = {side: own if side == row.side else NOBODY for side, own in whole.items()}
        rest = (whole["positives"], whole["negatives"]) if row.parts else None
        for rate in row.rates:
            if release.about.weighted or release.about.clustered:
                yield rate == no_rate(rate.metric)
            else:
                yield rate == rate_of(
                    rate.metric, pair["positives"], pair["negatives"], rest, release.method, release.level
                )


def _printed(row: PublicRow) -> Printed:
    return Printed(row.people, row.errors, row.few, row.fewer_than)


def _days(release: PublicRelease) -> Iterator[str | None]:
    about = release.about
    yield from (about.finished, about.valid_until)
    yield from (one.date for one in about.safeguards)
    if about.governance is not None:
        yield from (about.governance.declared_on, about.governance.limits_set_on)
    if release.headline.change is not None:
        yield release.headline.change.baseline_finished
    yield from (waiver.expires for waiver in release.waivers)
    yield from (row.as_of for row in release.rows)


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
