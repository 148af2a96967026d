"""JSON that has one reading: no key twice in a table, and no NaN or infinity that goes unnoticed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, Final

ABSENT: Final = object()
"""Stands for a value that is not there; null is one that is."""


class Constant(float):
    """A NaN or an infinity that was written out: no JSON, and as a score a failure with a name of its own."""


class KeyTwiceError(ValueError):
    """A table has a key twice: two readers could take it in two ways."""


class NotFiniteError(ValueError):
    """NaN, an infinity, or a number beyond all floats where none may be."""


def strict_decoder(constant: Callable[[str], Any] | None = None, *, finite: bool = False) -> json.JSONDecoder:
    """Make a decoder that raises ValueError for a key that stands twice.

    Parameters
    ----------
    constant : callable, optional
        What NaN, Infinity and -Infinity become; without it they raise NotFiniteError.
    finite : bool
        Whether a number such as 1e999, which is JSON and no float, raises NotFiniteError as well.
    """
    return json.JSONDecoder(
        object_pairs_hook=_table, parse_constant=constant or _finite, parse_float=_finite if finite else None
    )


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
        document = strict_decoder(constant).decode(text)
    except (ValueError, RecursionError):
        return ABSENT, 0
    return document, constants


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise KeyTwiceError
    return table


def _finite(written: str) -> float:
    value = float(written)
    if not math.isfinite(value):
        raise NotFiniteError
    return value
