"""Text of `result.json`: equal results have equal bytes."""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from audit.result.audit_result import AuditResult
from audit.result.findings.further import Further

_SHA256: Final[dict[int, tuple[weakref.ref[AuditResult], str]]] = {}
"""Digest of the result that was rendered last, by its identity: who writes a result publishes it too."""


def result_to_json(result: AuditResult) -> str:
    """Render the result as JSON: fixed key order, one record of a list a line, no NaN, one line feed at the end."""
    texts = {name: field_text(getattr(result, name)) for name in AuditResult.model_fields}
    _SHA256.clear()
    _SHA256[id(result)] = weakref.ref(result), _sha256(texts)
    return _object_text(texts, "") + "\n"


def result_sha256(result: AuditResult) -> str:
    """Return the SHA-256 of all that a result says but its provenance: equal for two runs on the same input."""
    known, digest = _SHA256.get(id(result), (None, ""))
    if known is not None and known() is result:
        return digest
    return _sha256({name: field_text(getattr(result, name)) for name in AuditResult.model_fields})


def _sha256(texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in texts.items():
        if name != "provenance":
            digest.update(f"{name}: {text}\n".encode())
    return digest.hexdigest()


def written_sha256(text: str) -> str:
    """Return `result_sha256` of the result in a text of `result_to_json`, without making its records again.

    Raises ValueError if the text is none.
    """
    digest, names, at = hashlib.sha256(), list(AuditResult.model_fields), 1
    for name, following in zip(names, [*names[1:], None], strict=True):
        begin = f'\n "{name}": '
        end = len(text) - 3 if following is None else text.index(f',\n "{following}": ', at)
        if not text.startswith(begin, at):
            raise ValueError(name)
        if name != "provenance":
            digest.update(f"{name}: {text[at + len(begin) : end]}\n".encode())
        at = end + 1
    return digest.hexdigest()


def _object_text(texts: Mapping[str, str], indent: str) -> str:
    return "{\n" + ",\n".join(f'{indent} "{name}": {text}' for name, text in texts.items()) + f"\n{indent}}}"


def field_text(value: object, indent: str = "") -> str:
    """Render one field of a result as its file has it."""
    if isinstance(value, Further):
        further = f"{indent} "
        texts = {name: field_text(getattr(value, name), further) for name in Further.model_fields}
        return _object_text(texts, further)
    if isinstance(value, tuple) and value:
        return "[\n" + ",\n".join(f"{indent}  {_value_text(item)}" for item in value) + f"\n{indent} ]"
    return _value_text(value)


def _value_text(value: object) -> str:
    # pydantic writes a record several times faster than the standard library writes the dict made of it
    if isinstance(value, BaseModel):
        return value.__pydantic_serializer__.to_json(value, by_alias=True).decode()
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
