"""Bytes of a file as text: decompressed, decoded as declared, with the line of the first byte that fails."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from audit.errors import DataError
from audit.vocabulary.text import shown

DAMAGED = (OSError, EOFError, zlib.error)
"""Errors raised by reading a file that is cut short or damaged."""

_GZIP = b"\x1f\x8b"

_ZSTD = b"\x28\xb5\x2f\xfd"

_PIECE = 1 << 16

MOST_UNPACKED_GIB = 2
"""Most GiB that a compressed file may unpack to."""
MOST_PACKED_ROWS = 25_000_000
"""Most rows of a file that is much smaller than its content: a few bytes can unpack to work for hours."""


def compression(path: Path) -> str | None:
    """`gzip`, `zstd` or None, from the first bytes and not from the name: no usable encoding of text begins so."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(_GZIP):
        return "gzip"
    return "zstd" if start == _ZSTD else None


def open_bytes(path: Path) -> BinaryIO:
    """Open the decompressed bytes. Reading a damaged or cut stream raises OSError or EOFError."""
    kind = compression(path)
    if kind == "gzip":
        return cast("BinaryIO", gzip.open(path, "rb"))
    if kind == "zstd":
        return cast("BinaryIO", io.BufferedReader(pa.input_stream(str(path), compression="zstd")))
    return path.open("rb")


def check_unpacked(path: Path) -> None:
    """Raise DataError if a compressed file unpacks to too many bytes or lines. Damage raises OSError or EOFError."""
    unpacked = lines = 0
    with open_bytes(path) as file:
        while piece := file.read(1 << 20):
            unpacked += len(piece)
            lines += piece.count(b"\n")
            if unpacked > MOST_UNPACKED_GIB << 30 or lines > MOST_PACKED_ROWS:
                raise unpacks_too_far(path.name)


def unpacks_too_far(source_name: str) -> DataError:
    """Make the error for a small file with a large content."""
    return DataError(
        f"{shown(source_name)} is compressed, and holds more than {MOST_UNPACKED_GIB} GiB or {MOST_PACKED_ROWS:,} rows",
        slug="unpacked-size",
    )


def open_text(path: Path, encoding: str, newline: str) -> io.TextIOWrapper:
    """Open the decompressed text; a byte outside the encoding raises UnicodeError, see `not_in_encoding`."""
    codec = _codec(path.name, encoding)
    return io.TextIOWrapper(open_bytes(path), encoding=codec, errors="strict", newline=newline)


def not_in_encoding(path: Path, encoding: str) -> DataError:
    """Make the error for a byte outside the encoding: read the file again, piece by piece, to find the line."""
    codec = _codec(path.name, encoding)
    decoder = codecs.getincrementaldecoder(codec)(errors="strict")
    lines = 1
    with open_bytes(path) as file:
        while True:
            piece = file.read(_PIECE)
            before = decoder.getstate()
            try:
                lines += decoder.decode(piece, final=not piece).count("\n")
            except UnicodeError:  # its child UnicodeDecodeError, or UTF-16 without a byte order mark
                decoder.setstate(before)
                lines += _lines_before_error(decoder, piece)
                break
            if not piece:
                break
    return DataError(
        f"{shown(path.name)}: line {lines} has a byte that is not {shown(encoding)}",
        slug="encoding",
    )


def _lines_before_error(decoder: codecs.IncrementalDecoder, piece: bytes) -> int:
    lines = 0
    try:
        for index in range(len(piece)):
            lines += decoder.decode(piece[index : index + 1]).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeError:
        pass
    return lines


def _codec(source_name: str, encoding: str) -> str:
    """Codec of a declared encoding. UTF-8 is read with or without a byte order mark."""
    try:
        name = codecs.lookup(encoding).name
        io.TextIOWrapper(io.BytesIO(), encoding=name).close()  # refuses codecs between bytes and bytes: base64
    except (LookupError, ValueError):
        raise DataError(
            f'{shown(source_name)}: there is no encoding "{shown(encoding)}"', slug="encoding-name"
        ) from None
    return "utf-8-sig" if name == "utf-8" else name
