"""Text of `result.json`: equal results have equal bytes."""

from __future__ import annotations

import hashlib
import json

from pydantic import BaseModel

from audit.result.audit_result import AuditResult
from audit.result.findings.further import Further


def result_to_json(result: AuditResult) -> str:
    """Render the result as JSON: fixed key order, one record of a list a line, no NaN, one line feed at the end."""
    return _object_text(result, "") + "\n"


def result_sha256(result: AuditResult) -> str:
    """Return the SHA-256 of all that a result says but its provenance: equal for two runs on the same input."""
    digest = hashlib.sha256()
    for name in AuditResult.model_fields:
        if name != "provenance":
            digest.update(f"{name}: {field_text(getattr(result, name), '')}\n".encode())
    return digest.hexdigest()


def _object_text(part: AuditResult | Further, indent: str) -> str:
    fields = [f'{indent} "{name}": {field_text(getattr(part, name), indent)}' for name in type(part).model_fields]
    return "{\n" + ",\n".join(fields) + f"\n{indent}}}"


def field_text(value: object, indent: str = "") -> str:
    """Render one field of a result as its file has it."""
    if isinstance(value, Further):
        return _object_text(value, f"{indent} ")
    if isinstance(value, tuple) and value:
        return "[\n" + ",\n".join(f"{indent}  {_value_text(item)}" for item in value) + f"\n{indent} ]"
    return _value_text(value)


def _value_text(value: object) -> str:
    # pydantic writes a record several times faster than the standard library writes the dict made of it
    if isinstance(value, BaseModel):
        return value.model_dump_json(by_alias=True)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
