"""Reading a `release.json` that somebody hands on: another version, another form, and what no release has are refused.

Whoever changes a number can change what follows from it. So no more is asked than whether its parts agree: verdict,
rules and words, and each rate with the people and errors of its row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from audit.errors import ResultError
from audit.public.release import METHOD_VERSION, PublicMethod, PublicRelease, PublicRow, public_json
from audit.storage import bytes_of_result
from audit.vocabulary.file_names import RELEASE
from audit.vocabulary.metrics import Cell, Metric, MetricName, Worse
from audit.vocabulary.text import day_in

MAX_BYTES: Final = 64 * 1024 * 1024
_ROUNDING: Final = 1e-9
"""By which a rate may differ from the quotient of its numbers."""


def load_release(path: Path) -> tuple[PublicRelease, bytes]:
    """Read a `release.json`: what it says, and its bytes. A link is not followed.

    Raises
    ------
    ResultError
        If it cannot be read, is none, is of another version, or contradicts itself.
    """
    content = bytes_of_result(path, MAX_BYTES)
    return parse_release(content, str(path)), content


def parse_release(content: bytes, name: str = RELEASE) -> PublicRelease:
    """Read a release from its bytes; `name` is what errors call it. Raises ResultError as `load_release` does."""
    if len(content) > MAX_BYTES:
        raise ResultError(f"{name} is larger than a public release can be", slug="not-a-release")
    _refuse_other_version(content, name)
    try:
        release = PublicRelease.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ResultError(
            f"{name} does not have the form of a public release at {where}", slug="not-a-release"
        ) from None
    wrong = _unlike_written(release, content)
    if wrong is not None:
        raise ResultError(f"{name} is not as it was written: {wrong}", slug="changed-release")
    return release


def _refuse_other_version(content: bytes, name: str) -> None:
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise ResultError(
            f"{name} is not the JSON of a public release", slug="not-a-release", hint="it may be cut short"
        ) from None
    fields = document if isinstance(document, dict) else {}
    method = fields.get("method", fields["table"].get("method") if isinstance(fields.get("table"), dict) else None)
    version = method.get("version") if isinstance(method, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise ResultError(f"{name} has no version that is known", slug="not-a-release")
    if version > METHOD_VERSION:
        raise ResultError(
            f"{name} was protected by version {version} of the method; this audit7k reads version {METHOD_VERSION}",
            slug="newer-release",
        )
    if version < METHOD_VERSION:
        raise ResultError(
            f"{name} was protected by version {version} of the method, which could tell on people", slug="older-release"
        )


def _unlike_written(release: PublicRelease, content: bytes) -> str | None:
    """What no release has: bytes of another writer, and what a portal would sort, add up or call a pass wrongly."""
    keys = [(row.side, row.key) for row in release.rows]
    headline, method, rates = release.headline, release.method, release.rates
    outcomes = {rule.rule: rule.outcome for rule in release.rules}
    shares = [
        share for row in release.rows for rate in row.rates for share in rate.model_dump(exclude={"metric"}).values()
    ]
    faults = {
        "its bytes are not those that audit7k writes": public_json(release).encode() != content,
        "a date is none": not all(map(day_in, _days(release))),
        "its rows": len(set(keys)) < len(keys),
        "a number below the floor": not all(_can_be(row, method) for row in release.rows),
        "its verdict and what fails": bool(headline.fails_on) != (headline.outcome == "fail"),
        "its verdict and what people decided": ("people" in headline.fails_on) != (headline.people_outcome == "fail"),
        "its verdict and a rule that fails": headline.outcome != "fail"
        and any(rule.outcome == "fail" for rule in release.rules),
        "a row beyond the limit of a rule that does not fail": any(
            word.word == "beyond" and word.rule in outcomes and outcomes[word.rule] != "fail"
            for row in release.rows
            for word in row.words
        ),
        "a rule on what the system does not do": any(
            rule.metric not in rates or rates[rule.metric].worse is Worse.NOT_JUDGED for rule in release.rules
        ),
        "a rate that nobody knows": any(rate.metric not in rates for row in release.rows for rate in row.rates),
        "a rate is none": not all(share is None or 0.0 <= share <= 1.0 for share in shares),
        "a rate that its people and errors do not give": not all(_gives_its_rates(row, rates) for row in release.rows),
    }
    return next((wrong for wrong, is_so in faults.items() if is_so), None)


def _can_be(row: PublicRow, method: PublicMethod) -> bool:
    if row.people < method.floor + method.largest_change or (row.few is None) != (row.fewer_than is None):
        return False
    return row.errors is None or (row.few is None and method.floor <= row.errors <= row.people - method.floor)


def _gives_its_rates(row: PublicRow, rates: Mapping[MetricName, Metric]) -> bool:
    """Say whether each rate of a row of one side is the quotient of its printed numbers."""
    if row.errors is None or row.side == "both":
        return True
    right, wrong = (Cell.TP, Cell.FN) if row.side == "positives" else (Cell.TN, Cell.FP)
    counts = {right: row.people - row.errors, wrong: row.errors}
    for rate in row.rates:
        if rate.metric not in rates or rate.value is None:
            continue
        metric = rates[rate.metric]
        cases = sum(counts.get(cell, 0) for cell in metric.denominator)
        if not cases or abs(rate.value - sum(counts.get(cell, 0) for cell in metric.numerator) / cases) > _ROUNDING:
            return False
    return True


def _days(release: PublicRelease) -> list[str]:
    """Days by which audits and waivers are compared."""
    about = release.about
    days = [waiver.expires for waiver in release.waivers] + [row.as_of for row in release.rows]
    return [about.finished, *filter(None, (about.valid_until, about.respond_by)), *days]
