"""Reading and writing `result.json`: equal results have equal bytes, and nothing is read that is not understood."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError

from audit.errors import ResultError, path_of
from audit.result.audit_result import SCHEMA_VERSION, AuditResult
from audit.result.consistency import contradiction, unfounded_safeguard
from audit.result.findings.further import Further
from audit.vocabulary.strict_json import strict_decoder

MAX_BYTES = 512 * 1024 * 1024

_FIRST: Final = f'{{\n "schema_version": {SCHEMA_VERSION},\n'.encode()
_ELSEWHERE: Final = (b"\\", b"\t", b"\r", b" :", b"\n:")
"""What is in no text of ours but by way of a plan's own words: where they are, the text is read step by step."""


def load_result(path: str | Path) -> AuditResult:
    """Read a `result.json`.

    Raises
    ------
    ResultError
        If it is no result, is damaged, contradicts itself, or was written by a newer version of this tool.
    """
    return read_result(path_of(path)).result


class ResultFile(NamedTuple):
    """A result, and the file that it was read from."""

    result: AuditResult
    path: Path
    content: bytes
    sha256: str
    """SHA-256 of the content."""


def read_result(path: Path) -> ResultFile:
    """Read a `result.json`, once for all that is asked of it. Raises ResultError as `load_result` does."""
    content = result_bytes(path)
    return ResultFile(parse_result(content, path.name), path, content, hashlib.sha256(content).hexdigest())


def result_bytes(path: Path) -> bytes:
    """Read the bytes of a `result.json`. Raises ResultError where there are none, or more than a result can have."""
    try:
        if path.exists() and not path.is_file():
            raise ResultError(f"{path.name} is no file", slug="no-result")
        if path.stat().st_size > MAX_BYTES:
            raise ResultError(f"{path.name} is larger than a result can be", slug="not-a-result")
        return path.read_bytes()
    except OSError as error:
        raise ResultError(
            f"{path.name} cannot be read ({error.strerror or 'storage error'})", slug="no-result"
        ) from None


def parse_result(text: str | bytes, name: str = "result") -> AuditResult:
    """Read a result from JSON text; errors call it `name`. Raises ResultError as `load_result` does."""
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    result = _at_once(content)
    if result is None:
        try:
            result = _step_by_step(text.decode("utf-8") if isinstance(text, bytes) else text, name)
        except UnicodeDecodeError:
            raise ResultError(f"{name} is not UTF-8 text", slug="not-a-result") from None
    return _sound(result, name)


def _at_once(text: bytes) -> AuditResult | None:
    """Read what this version wrote, in two thirds of the time; None if the text may have another reading or an error.

    Pydantic takes the last of two equal keys. So keys are counted, which a quote and a colon end in a text without
    backslashes: where none stands twice, the result has as many.
    """
    # from the end on, two bytes are found in half the time
    if not text.startswith(_FIRST) or any(text.rfind(sign) >= 0 for sign in _ELSEWHERE):
        return None
    try:
        result = AuditResult.model_validate_json(text)
    except ValidationError:
        return None
    return result if text.count(b'":') == _keys(result) else None


def _keys(value: object) -> float:
    """Count the keys of the JSON that a value was read from; fewer than any where it holds a number that is not finite,
    which models refuse and free values do not.
    """
    if isinstance(value, BaseModel):
        key_count = 0 if isinstance(value, RootModel) else len(value.model_fields_set)
        return key_count + sum(_keys(getattr(value, name)) for name in _holding(type(value)))
    if isinstance(value, dict):
        return len(value) + sum(map(_keys, value.values()))
    if not isinstance(value, tuple | list):
        return 0 if not isinstance(value, float) or math.isfinite(value) else -math.inf
    kinds = set(map(type, value))
    if len(kinds) == 1 and issubclass(kind := kinds.pop(), BaseModel) and not _holding(kind):
        return sum(len(model.model_fields_set) for model in value)
    return sum(map(_keys, value))


@cache
def _holding(model: type[BaseModel]) -> tuple[str, ...]:
    """Fields of a model that can hold keys of their own."""
    return tuple(name for name, field in model.model_fields.items() if _may_hold(field.annotation))


def _may_hold(kind: Any) -> bool:
    if inside := get_args(kind):
        return get_origin(kind) in (dict, Mapping) or any(map(_may_hold, inside))
    if kind is Any:
        return True
    return isinstance(kind, type) and issubclass(kind, BaseModel) and not issubclass(kind, RootModel)


def _step_by_step(text: str, name: str) -> AuditResult:
    document = _strict_json(text, name)
    version = document.get("schema_version")
    if type(version) is int and version > SCHEMA_VERSION:
        raise ResultError(
            f"{name} has schema version {version}; this audit7k reads up to version {SCHEMA_VERSION}",
            slug="newer-result",
        )
    if type(version) is not int or version < 1:
        raise ResultError(f"{name} has no schema version that is known", slug="not-a-result")
    try:
        return _of_version_1(document) if version == 1 else AuditResult.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        if version == 1:
            where = where.removeprefix("further.")
        raise ResultError(f"{name} does not follow schema version {version} at {where}", slug="not-a-result") from None


def _sound(result: AuditResult, name: str) -> AuditResult:
    """Return a result that holds together. Raises ResultError."""
    if not all(map(_is_moment, (result.provenance.started, result.provenance.finished))):
        raise ResultError(f"{name} does not follow schema version {SCHEMA_VERSION} at provenance", slug="not-a-result")
    contradicted = contradiction(result)
    if contradicted is not None:
        raise ResultError(
            f"{name} contradicts itself: {contradicted} does not follow from the verdicts", slug="contradictory-result"
        )
    unfounded = unfounded_safeguard(result)
    if unfounded is not None:
        raise ResultError(
            f"{name} contradicts itself: {unfounded} does not follow from what it holds", slug="contradictory-result"
        )
    return result


def _number_unnamed(document: dict[str, Any]) -> None:
    """Read a FAIL without a name as one of one group or more: version 1 states no number."""
    for rule in document["rules"] if isinstance(document.get("rules"), list) else ():
        families = rule.get("families") if isinstance(rule, dict) else None
        for family in families if isinstance(families, list) else ():
            if isinstance(family, dict) and family.get("unnamed_beyond") is True:
                family.setdefault("unnamed_at_least", 1)


def _of_version_1(document: dict[str, Any]) -> AuditResult:
    """Read a result of schema version 1, in which the findings of `further` stand beside the verdicts."""
    fields = Further.model_fields
    grouped = {name: value for name, value in document.items() if name not in fields}
    further = None if "further" in document else {name: document[name] for name in fields if name in document}
    _number_unnamed(document)
    doubts = document.get("sensitivity")
    for rule in doubts if isinstance(doubts, list) else ():
        for gone in ("max_missing_share", "missing_share_for_half") if isinstance(rule, dict) else ():
            rule.pop(gone, None)
    # a PASS then held wherever the people of unknown feature belong
    supposed = {"unknown_share_factor": "worst", "unknown_odds_factor": "worst"}
    plan = document.get("plan")
    if isinstance(plan, dict) and isinstance(sensitivity := plan.get("sensitivity", {}), dict):
        grouped["plan"] = {**plan, "sensitivity": {**supposed, **sensitivity}}
    result = AuditResult.model_validate({**grouped, "schema_version": SCHEMA_VERSION, "further": further})
    safeguards = [
        safeguard.model_copy(
            update={"rests_on": tuple(f"further.{at}" if at in fields else at for at in safeguard.rests_on)}
        )
        for safeguard in result.safeguards
    ]
    return result.model_copy(update={"safeguards": tuple(safeguards)})


def _is_moment(stamp: str) -> bool:
    """Say whether a stamp is a moment of a known zone: baselines are ordered by it, and waivers end by it."""
    try:
        return datetime.fromisoformat(stamp).tzinfo is not None
    except ValueError:
        return False


def _strict_json(text: str, name: str) -> dict[str, Any]:
    try:
        document = strict_decoder().decode(text)
    except (ValueError, RecursionError):
        raise ResultError(
            f"{name} is not the JSON of a result", slug="not-a-result", hint="it may be cut short; run the audit again"
        ) from None
    if not isinstance(document, dict):
        raise ResultError(f"{name} is not the JSON of a result", slug="not-a-result")
    return document
