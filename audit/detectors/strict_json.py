"""JSON that has one reading: no key twice in a table, and no NaN or infinity that goes unnoticed."""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = ["ABSENT", "Constant", "parsed"]

ABSENT: Final = object()
"""Stands for a value that is not there; null is one that is."""


class Constant(float):
    """A NaN or an infinity that was written out: no JSON, and as a score a failure with a name of its own."""


class _NotJsonError(ValueError):
    """Text that other readers could take in another way."""


def parsed(body: bytes | str) -> tuple[Any, int]:
    """The document, and how many NaN and infinities are written out in it; `ABSENT` where it is no JSON.

    Bytes are UTF-8. A number too large for a float, 1e999 say, is infinite and not counted: it is JSON.
    """
    constants = 0

    def constant(text: str) -> Constant:
        nonlocal constants
        constants += 1
        return Constant(text)

    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        document = json.loads(text, object_pairs_hook=_table, parse_constant=constant)
    except (ValueError, RecursionError):
        return ABSENT, 0
    return document, constants


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise _NotJsonError
    return table
