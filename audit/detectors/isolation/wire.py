"""Read and write messages between the harness and the child: one byte of kind, eight of length, and the content.

It uses only the standard library: the child reads its first message before it may load anything else.
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
    """Kinds of messages from the harness."""

    CONFINE = b"C"
    OPEN = b"O"
    SCORE = b"S"
    INFO = b"I"
    CLOSE = b"Z"


class Replied(enum.Enum):
    """Kinds of replies from the child."""

    DONE = b"D"
    """JSON."""
    ANSWERS = b"A"
    """The answers to a batch; see `packed`."""
    REFUSED = b"E"
    """JSON: the slug, message and hint of an error of this project."""
    RAISED = b"R"
    """JSON: the name of the type of any other error."""
    MEMORY = b"M"
    """No content: there was not enough memory."""


def as_json(content: Any) -> bytes:
    """Write JSON in ASCII, so that lone surrogates in the name of a folder are preserved."""
    return json.dumps(content, allow_nan=False).encode("ascii")


def read_message(descriptor: int) -> tuple[bytes, bytearray] | None:
    """Wait for a message; None if the other side is gone."""
    header = _read_exactly(descriptor, HEADER.size)
    if header is None:
        return None
    kind, length = HEADER.unpack(header)
    content = _read_exactly(descriptor, length)
    return None if content is None else (kind, content)


def write_message(descriptor: int, kind: Replied, content: bytes) -> None:
    """Write a whole message, however long it takes."""
    left = memoryview(HEADER.pack(kind.value, len(content)) + content)
    while left:
        left = left[os.write(descriptor, left[:AT_ONCE]) :]


def _read_exactly(descriptor: int, length: int) -> bytearray | None:
    content = bytearray(length)
    remaining = memoryview(content)
    while remaining:
        count = os.readv(descriptor, [remaining[:AT_ONCE]])
        if not count:
            return None
        remaining = remaining[count:]
    return content
