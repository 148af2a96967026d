"""The messages between the harness and the child: one byte of kind, eight of length, and the content.

Only the standard library: the child reads its first message before it may load anything else.
"""

from __future__ import annotations

import enum
import json
import os
import struct
from typing import Any, Final

HEADER: Final = struct.Struct(">cQ")
"""Kind and length of the content."""
AT_ONCE: Final = 1 << 20
"""Bytes that are read or written at a time."""


class Asked(enum.Enum):
    """What the harness asks for."""

    CONFINE = b"C"
    OPEN = b"O"
    SCORE = b"S"
    INFO = b"I"
    CLOSE = b"Z"


class Replied(enum.Enum):
    """What the child replies with."""

    DONE = b"D"
    """JSON."""
    ANSWERS = b"A"
    """The answers to a batch; see `packed`."""
    REFUSED = b"E"
    """JSON: the slug, message and hint of an error of this project."""
    RAISED = b"R"
    """JSON: the name of the type of any other error."""
    MEMORY = b"M"
    """Nothing: there was not enough memory."""


def as_json(content: Any) -> bytes:
    """JSON in ASCII: a folder's name need not be text, and its lone surrogates come through so."""
    return json.dumps(content, allow_nan=False).encode("ascii")


def read_message(descriptor: int) -> tuple[bytes, bytearray] | None:
    """Wait for a message; None when the other side has gone."""
    header = _read_exactly(descriptor, HEADER.size)
    if header is None:
        return None
    kind, length = HEADER.unpack(header)
    content = _read_exactly(descriptor, length)
    return None if content is None else (kind, content)


def write_message(descriptor: int, kind: Replied, content: bytes) -> None:
    """Write a message whole, however long it takes."""
    left = memoryview(HEADER.pack(kind.value, len(content)) + content)
    while left:
        left = left[os.write(descriptor, left[:AT_ONCE]) :]


def _read_exactly(descriptor: int, length: int) -> bytearray | None:
    content = bytearray(length)
    place = memoryview(content)
    while place:
        found = os.readv(descriptor, [place[:AT_ONCE]])
        if not found:
            return None
        place = place[found:]
    return content
