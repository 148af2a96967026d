"""Write the request about a row to a language model: the words of the plan with the values of the row in them.

A value is put into the prompt unchanged. A text that instructs the model is a text like any other: an audit has to show
its effect.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from audit.detectors.http_service.request import json_column
from audit.plan.services import ChatDetector, pieces_of

if TYPE_CHECKING:
    import pyarrow as pa

ANSWER_KEYS: Final = {"score": "score", "decision": "decision", "ordinal": "level", "class": "label"}
"""The one key of an answer, by the kind of `answers` in the plan."""
_VERSION: Final = 1
"""Version of the way in which a plan becomes a request. Another version would be another detector."""


@dataclass(frozen=True, slots=True)
class RowRequest:
    """The request about one row."""

    row_id: int
    body: bytes
    """Body of the request: strict JSON in UTF-8."""


class RequestWriter:
    """A writer of the request for each row."""

    def __init__(self, section: ChatDetector) -> None:
        self._section = section
        self._pieces = pieces_of(section.prompt)
        self._before: list[dict[str, str]] = []
        if section.system is not None:
            self._before.append({"role": "system", "content": section.system})
        self._rest = _parameters(section)

    def requests(self, batch: pa.RecordBatch) -> list[RowRequest]:
        """Write the requests about n rows. Raises DetectorError if a column holds values without a text form."""
        ids, *columns = (json_column(name, batch.column(name)) for name in batch.schema.names)
        names = batch.schema.names[1:]
        rows = zip(*columns, strict=True)
        return [self._request(row_id, names, row) for row_id, row in zip(ids, rows, strict=True)]

    def _request(self, row_id: int, names: Sequence[str], row: Sequence[Any]) -> RowRequest:
        values = {name: self._text(value) for name, value in zip(names, row, strict=True)}
        prompt = "".join(piece if isinstance(piece, str) else values[piece.feature] for piece in self._pieces)
        messages = [*self._before, {"role": "user", "content": prompt}]
        body = _json({"model": self._section.model, "messages": messages, **self._rest})
        return RowRequest(row_id, body.encode())

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
        """SHA-256 (hex) of everything in the plan that answers depend on. It does not cover the model's weights."""
        section = self._section
        content = {
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
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _parameters(section: ChatDetector) -> dict[str, Any]:
    """The keys of a request that are the same for every row."""
    parameters: dict[str, Any] = {**section.extra, "temperature": section.temperature}
    if section.seed is not None:
        parameters["seed"] = section.seed
    if section.max_tokens is not None:
        parameters["max_tokens"] = section.max_tokens
    if section.structured == "json_object":
        parameters["response_format"] = {"type": "json_object"}
    elif section.structured == "json_schema":
        form = {"name": "answer", "strict": True, "schema": _schema(section)}
        parameters["response_format"] = {"type": "json_schema", "json_schema": form}
    return parameters


def _schema(section: ChatDetector) -> dict[str, Any]:
    """The JSON schema of an answer. Null is an abstention.

    The schema has no lowest and highest score. Several services refuse such a schema, and a model that is forced into a
    range would hide its answers outside the range.
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
