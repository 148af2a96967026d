"""Text of `result.json`: equal results have equal bytes."""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from audit.result.findings.further import Further

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult

_SHA256: Final[dict[int, tuple[weakref.ref[AuditResult], str]]] = {}
"""Digests of the results that are in use, by their identity: who writes a result publishes it too."""


def result_to_json(result: AuditResult) -> str:
    """Render the result as JSON: fixed key order, one record of a list a line, no NaN, one line feed at the end."""
    fields = _fields(result)
    _remember(result, _sha256(fields))
    return (_object(fields, b"") + b"\n").decode()


def result_sha256(result: AuditResult) -> str:
    """Return the SHA-256 of all that a result says but its provenance: equal for two runs on the same input."""
    known, digest = _SHA256.get(id(result), (None, ""))
    if known is not None and known() is result:
        return digest
    digest = _sha256(_fields(result))
    _remember(result, digest)
    return digest


def _remember(result: AuditResult, digest: str) -> None:
    key = id(result)
    _SHA256[key] = weakref.ref(result, lambda _: _SHA256.pop(key, None)), digest


def _fields(result: AuditResult) -> dict[str, bytes]:
    return {name: field_json(getattr(result, name)) for name in type(result).model_fields}


def _sha256(fields: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, text in fields.items():
        if name != "provenance":
            for part in (name.encode(), b": ", text, b"\n"):
                digest.update(part)
    return digest.hexdigest()


def written_sha256(text: str, names: Sequence[str]) -> str:
    """Return `result_sha256` of the result in a text of `result_to_json`, without making its records again.

    `names` are the fields of a result. Raises ValueError if the text is none.
    """
    digest, at = hashlib.sha256(), 1
    for name, following in zip(names, [*names[1:], None], strict=True):
        begin = f'\n "{name}": '
        end = len(text) - 3 if following is None else text.index(f',\n "{following}": ', at)
        if not text.startswith(begin, at):
            raise ValueError(name)
        if name != "provenance":
            digest.update(f"{name}: {text[at + len(begin) : end]}\n".encode())
        at = end + 1
    return digest.hexdigest()


def _object(fields: Mapping[str, bytes], indent: bytes) -> bytes:
    lines = (b'%s "%s": %s' % (indent, name.encode(), text) for name, text in fields.items())
    return b"{\n" + b",\n".join(lines) + b"\n" + indent + b"}"


def field_json(value: object, indent: bytes = b"") -> bytes:
    """Render one field of a result as its file has it."""
    if isinstance(value, Further):
        further = indent + b" "
        written = {}
        for name, field in Further.model_fields.items():
            part = getattr(value, name)
            if field.exclude_if is None or not field.exclude_if(part):
                written[name] = field_json(part, further)
        return _object(written, further)
    if isinstance(value, tuple) and value:
        record = b"\n" + indent + b"  "
        return b"[" + record + (b"," + record).join(map(_value_json, value)) + b"\n" + indent + b" ]"
    return _value_json(value)


def _value_json(value: object) -> bytes:
    # pydantic writes a record several times faster than the standard library writes the dict made of it
    if isinstance(value, BaseModel):
        return value.model_dump_json(by_alias=True).encode()
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
