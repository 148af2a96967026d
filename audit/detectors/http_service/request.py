"""Write the request to a service: the rows of a batch, in the shape of the plan, as strict JSON in UTF-8."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from audit.detectors.protocol import ROW_ID
from audit.errors import DetectorError
from audit.plan.http import ROWS
from audit.plan.services import HttpDetector
from audit.vocabulary.text import shown


class RequestTemplate:
    """A writer of the body for a batch."""

    def __init__(self, section: HttpDetector) -> None:
        self._request = section.request
        self._row = section.row

    def body(self, batch: pa.RecordBatch) -> bytes:
        """Write the body for n rows. Raises DetectorError if JSON cannot carry a value, which is withheld."""
        names = batch.schema.names
        columns = [json_column(name, batch.column(name)) for name in names]
        rows: list[Any]
        if self._row is None:
            rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
        else:
            words = [f"${name}" for name in names]
            rows = [_filled(self._row, dict(zip(words, values, strict=True))) for values in zip(*columns, strict=True)]
        body = _filled(self._request, {ROWS: rows})
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _filled(template: Any, values: dict[str, Any]) -> Any:
    """Replace the "$words" of a template by values; "$$" at the beginning of a text is one $."""
    match template:
        case str():
            if template.startswith("$$"):
                return template[1:]
            return values[template] if template.startswith("$") else template
        case dict():
            return {key: _filled(value, values) for key, value in template.items()}
        case list():
            return [_filled(value, values) for value in template]
        case _:
            return template


def json_column(name: str, column: pa.Array) -> list[Any]:
    """Convert a column to JSON values. Raises DetectorError for a value without a form in JSON, which is withheld."""
    values: list[Any] = column.to_pylist()
    kind = column.type
    if name == ROW_ID or pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return values
    if pa.types.is_floating(kind) and pc.all(pc.is_finite(column), min_count=0).as_py():
        return values
    try:
        return [_plain(value) for value in values]
    except ValueError:
        raise DetectorError(
            f"column {shown(name)} holds values that JSON cannot carry ({kind}, or infinity)", slug="detector-request"
        ) from None


def _plain(value: Any) -> Any:
    """Convert a value to JSON. A missing value or NaN is null; dates and times are ISO 8601."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            if math.isinf(value):
                raise ValueError
            return None if math.isnan(value) else value
        case decimal.Decimal():
            return _plain(float(value))
        case dt.date() | dt.time():
            return value.isoformat()
        case list():
            return [_plain(nested) for nested in value]
        case dict():
            return {str(key): _plain(nested) for key, nested in value.items()}
        case _:
            raise ValueError
