"""Logo of a portal: a PNG without anything but the picture, or an SVG without scripts, styles of elsewhere and links.

What is written is made anew from what was understood, so that nothing else of the file gets into a site.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal
from xml.etree import ElementTree as ET

from audit.errors import DataError

MAX_BYTES: Final = 256 * 1024
_MAX_SIDE: Final = 4096
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_CHUNKS: Final = frozenset((b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"IDAT", b"IEND"))
"""Parts of a PNG that are kept: no text, no time, no place."""
_SVG: Final = "{http://www.w3.org/2000/svg}"
_XLINK: Final = "{http://www.w3.org/1999/xlink}href"
_ELEMENTS: Final = frozenset(
    (
        "svg", "g", "defs", "symbol", "use", "title", "desc", "style", "path", "rect", "circle", "ellipse", "line",
        "polyline", "polygon", "text", "tspan", "linearGradient", "radialGradient", "stop", "pattern", "clipPath",
        "mask",
    )
)  # fmt: skip
_REACHES_OUT: Final = re.compile(
    r"url\s*\(\s*(?!['\"]?#)|@|\\|expression|javascript:|src\s*\(|image(?:-set)?\s*\(", re.IGNORECASE
)
"""Text of a style or an attribute that could load something, or hide that it does."""

LogoName = Literal["logo.png", "logo.svg"]


def read_logo(path: Path) -> tuple[LogoName, bytes]:
    """Read a logo: its name in the site, and the bytes that are written there.

    Raises
    ------
    DataError
        If it cannot be read, is larger than 256 KiB or 4,096 pixels, is neither PNG nor SVG, or an SVG that could run
        or load something.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror or 'storage error'})") from None
    if len(content) > MAX_BYTES:
        raise _refused(path, f"is larger than {MAX_BYTES // 1024} KiB")
    if content.startswith(_PNG):
        return "logo.png", _png(path, content)
    return "logo.svg", _svg(path, content)


def _png(path: Path, content: bytes) -> bytes:
    chunks, names = [_PNG], []
    for name, data in _chunks(path, content):
        names.append(name)
        if name in _CHUNKS:
            chunks.append(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))
        elif name[0:1].isupper():
            raise _refused(path, "is no PNG that every browser shows")
        if name == b"IHDR" and (len(data) != 13 or max(struct.unpack(">II", data[:8])) > _MAX_SIDE):
            raise _refused(path, f"is larger than {_MAX_SIDE} pixels")
    if names[:1] != [b"IHDR"] or names[-1:] != [b"IEND"] or b"IDAT" not in names:
        raise _refused(path, "is no whole PNG")
    return b"".join(chunks)


def _chunks(path: Path, content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the parts of a PNG up to its end; what follows it is left out."""
    offset = len(_PNG)
    while offset + 12 <= len(content):
        (size,) = struct.unpack(">I", content[offset : offset + 4])
        name, data = content[offset + 4 : offset + 8], content[offset + 8 : offset + 8 + size]
        check = content[offset + 8 + size : offset + 12 + size]
        if check != struct.pack(">I", zlib.crc32(name + data)):
            raise _refused(path, "is damaged")
        yield name, data
        if name == b"IEND":
            return
        offset += 12 + size


def _svg(path: Path, content: bytes) -> bytes:
    try:
        text = content.decode("utf-8-sig")
        if re.search(r"<!(?!--)", text):  # entities, which could grow without end, need a declaration
            raise _refused(path, "holds a declaration (<!DOCTYPE or <!ENTITY)")
        root = ET.fromstring(text)  # noqa: S314 - small, and without entities
    except (UnicodeDecodeError, ET.ParseError, ValueError):
        raise _refused(path, "is neither PNG nor SVG") from None
    if root.tag != f"{_SVG}svg":
        raise _refused(path, "is neither PNG nor SVG")
    _keep_shapes(path, root)
    ET.register_namespace("", _SVG[1:-1])
    ET.register_namespace("xlink", _XLINK[1:].partition("}")[0])
    return (ET.tostring(root, encoding="unicode") + "\n").encode()


def _keep_shapes(path: Path, element: ET.Element) -> None:
    """Drop what belongs to drawing programs, in place, and refuse what could run or load something."""
    for name, value in list(element.attrib.items()):
        if name in (_XLINK, "href"):
            if not value.startswith("#"):
                raise _refused(path, "names something outside of itself")
        elif "}" in name:
            del element.attrib[name]
        elif name.lower().startswith("on"):
            raise _refused(path, f'holds a script ("{name[:20]}")')
        elif _REACHES_OUT.search(value):
            raise _refused(path, f'may load something ("{name[:20]}")')
    if element.tag == f"{_SVG}style" and _REACHES_OUT.search("".join(element.itertext())):
        raise _refused(path, "has a style that may load something")
    for child in list(element):
        if not child.tag.startswith(_SVG) or child.tag == f"{_SVG}metadata":
            element.remove(child)
        elif child.tag.removeprefix(_SVG) not in _ELEMENTS:
            raise _refused(path, f"holds <{child.tag.removeprefix(_SVG)[:30]}>")
        else:
            _keep_shapes(path, child)


def _refused(path: Path, why: str) -> DataError:
    return DataError(f"the logo {path} {why}", slug="portal-logo")
