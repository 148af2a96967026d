"""Reading and writing `result.json`: equal results have equal bytes, and nothing is read that is not understood."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from audit.errors import ResultError
from audit.result.audit_result import SCHEMA_VERSION, AuditResult
from audit.result.consistency import contradiction, unfounded_safeguard
from audit.result.json_text import result_sha256, result_to_json
from audit.vocabulary.strict_json import strict_decoder

__all__ = ["load_result", "parse_result", "result_schema", "result_sha256", "result_to_json"]

MAX_BYTES = 512 * 1024 * 1024


def load_result(path: str | Path) -> AuditResult:
    """Read a `result.json`.

    Raises
    ------
    ResultError
        If it is no result, is damaged, contradicts itself, or was written by a newer version of this tool.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise ResultError(f"{path.name} is no file", slug="no-result", hint="check the path")
        if path.stat().st_size > MAX_BYTES:
            raise ResultError(f"{path.name} is larger than a result can be", slug="not-a-result")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultError(
            f"{path.name} cannot be read ({error.strerror or 'storage error'})", slug="no-result", hint="check the path"
        ) from None
    except UnicodeDecodeError:
        raise ResultError(f"{path.name} is not UTF-8 text", slug="not-a-result") from None
    return parse_result(text, path.name)


def parse_result(text: str, name: str = "result") -> AuditResult:
    """Read a result from JSON text; errors call it `name`. Raises ResultError as `load_result` does."""
    document = _strict_json(text, name)
    version = document.get("schema_version")
    if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
        raise ResultError(
            f"{name} has schema version {version}; this audit7k reads up to version {SCHEMA_VERSION}",
            slug="newer-result",
            hint="update audit7k",
        )
    if version != SCHEMA_VERSION:
        raise ResultError(f"{name} has no schema version that is known", slug="not-a-result")
    try:
        result = AuditResult.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ResultError(
            f"{name} does not follow schema version {SCHEMA_VERSION} at {where}", slug="not-a-result"
        ) from None
    if not all(map(_is_moment, (result.provenance.started, result.provenance.finished))):
        raise ResultError(f"{name} does not follow schema version {SCHEMA_VERSION} at provenance", slug="not-a-result")
    contradicted = contradiction(result)
    if contradicted is not None:
        raise ResultError(
            f"{name} contradicts itself: {contradicted} does not follow from the verdicts",
            slug="contradictory-result",
            hint="it was changed after the audit; run the audit again",
        )
    unfounded = unfounded_safeguard(result)
    if unfounded is not None:
        raise ResultError(
            f"{name} contradicts itself: {unfounded} does not follow from what it holds",
            slug="contradictory-result",
            hint="it was changed after the audit; run the audit again",
        )
    return result


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


def result_schema() -> dict[str, Any]:
    """Return the JSON Schema of `result.json`."""
    schema = AuditResult.model_json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
