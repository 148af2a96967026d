"""What a language model is sent about a row: the plan's words with the row's values in them.

A value is put into the prompt as it stands. A text that tells the model what to answer is a text like any other; what
it brings about is what an audit has to show.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from audit.detectors.http_service.request import json_column
from audit.plan.audit_plan import ChatDetector
from audit.plan.services import pieces_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ANSWER_KEYS", "Asking", "Writer"]

ANSWER_KEYS: Final = {"score": "score", "decision": "decision", "ordinal": "level", "class": "label"}
"""The one key of an answer, by what the plan says under `answers`."""
_VERSION: Final = 1
"""Of the way in which a plan becomes a request. Another version would be another detector."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked about one row."""

    row_id: int
    body: bytes
    """The request: strict JSON in UTF-8."""


class Writer:
    """Writes the request for each row."""

    def __init__(self, section: ChatDetector) -> None:
        self._section = section
        self._pieces = pieces_of(section.prompt)
        self._before: list[dict[str, str]] = []
        if section.system is not None:
            self._before.append({"role": "system", "content": section.system})
        self._rest = _parameters(section)

    def askings(self, batch: pa.RecordBatch) -> list[Asking]:
        """What is asked about n rows. Raises DetectorError where a column holds what has no form in text."""
        ids, *columns = (json_column(name, batch.column(name)) for name in batch.schema.names)
        names = batch.schema.names[1:]
        rows = zip(*columns, strict=True)
        return [self._asking(row_id, names, row) for row_id, row in zip(ids, rows, strict=True)]

    def _asking(self, row_id: int, names: Sequence[str], row: Sequence[Any]) -> Asking:
        values = {name: self._text(value) for name, value in zip(names, row, strict=True)}
        prompt = "".join(piece if isinstance(piece, str) else values[piece.feature] for piece in self._pieces)
        messages = [*self._before, {"role": "user", "content": prompt}]
        body = _json({"model": self._section.model, "messages": messages, **self._rest})
        return Asking(row_id, body.encode())

    def _text(self, value: Any) -> str:
        match value:
            case None:
                return self._section.missing
            case str():
                return value
            case _:
                return _json(value)

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of all that answers depend on by the plan; the weights behind the service are not in it."""
        section = self._section
        told = {
            "version": _VERSION,
            "url": section.url,
            "headers": section.headers,
            "model": section.model,
            "system": section.system,
            "prompt": section.prompt,
            "missing": section.missing,
            "features": section.features,
            "answers": section.answers,
            "score_range": section.score_range,
            "classes": section.classes,
            "parameters": self._rest,
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _parameters(section: ChatDetector) -> dict[str, Any]:
    """The keys of a request that are the same for every row."""
    found: dict[str, Any] = {**section.extra, "temperature": section.temperature}
    if section.seed is not None:
        found["seed"] = section.seed
    if section.max_tokens is not None:
        found["max_tokens"] = section.max_tokens
    if section.structured == "json_object":
        found["response_format"] = {"type": "json_object"}
    elif section.structured == "json_schema":
        form = {"name": "answer", "strict": True, "schema": _schema(section)}
        found["response_format"] = {"type": "json_schema", "json_schema": form}
    return found


def _schema(section: ChatDetector) -> dict[str, Any]:
    """The schema of an answer. Null is an abstention.

    The lowest and highest score are not in it: several services refuse such a schema, and a model that is held to a
    range by force would answer out of it unseen.
    """
    key = ANSWER_KEYS[section.answers]
    forms: dict[str, dict[str, Any]] = {
        "score": {"type": ["number", "null"]},
        "decision": {"type": ["boolean", "null"]},
        "ordinal": {"type": ["integer", "null"]},
        "class": {"type": ["string", "null"], "enum": [*section.classes, None]},
    }
    value = forms[section.answers]
    return {"type": "object", "properties": {key: value}, "required": [key], "additionalProperties": False}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
