"""A page laid out for paper: its contents first, its title at the head of each sheet.

Everything that is folded is open on a restricted sheet. A public sheet opens rows of groups and the method; what else
is folded stands in the page and in `release.json`, which is attached.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from string import Template
from typing import Any, Final

from reports.html import palette
from reports.html.environment import css_string
from reports.pdf.drawings import SVG, self_contained

_STYLE: Final = Template(Path(__file__).with_name("paper.css").read_text(encoding="utf-8"))
_HEAD: Final = 56
"""The most letters of a title at the head of a sheet."""
_OPEN: Final = frozenset(("check",))
"""Sections of a public page whose folds are open on paper."""


def lay_out(root: Any) -> None:
    """Open what is folded, in place, and remove what only a screen can use.

    Parameters
    ----------
    root : xml.etree.ElementTree.Element
        The page, in one language.
    """
    if _is_public(root):
        _fold(root)
    self_contained(root)
    for element in list(root.iter()):
        _made_for_paper(element)
    style = root.makeelement("style", {})
    style.text = _style(root)
    root.find("head").append(style)


def _is_public(root: Any) -> bool:
    return any("public" in _classes(each) for each in root.iter())


def _fold(root: Any) -> None:
    """Leave only the summary of folds that hold neither rows of groups nor the method."""
    for section in root.iter("section"):
        for fold in section.iter("details"):
            rows = any({"rows", "affected"} & set(_classes(table)) for table in fold.iter("table"))
            if not rows and section.get("aria-labelledby") not in _OPEN:
                del fold[1:]


def _style(root: Any) -> str:
    """Return the style of the sheets, after the style of the page. Each sheet says at its head who may read it, as the
    page does.
    """
    notices = (each for each in root.iter() if {"restricted", "public", "audience"} & set(_classes(each)))
    start, end = ("right", "left") if root.get("dir") == "rtl" else ("left", "right")
    return _STYLE.substitute(
        palette.NAMES,
        start=start,
        end=end,
        title=css_string(f"\u2068{_shortened(_text(root, 'h1'))}\u2069"),
        audience=css_string(next(map(_text_of, notices), "")),
    )


def _made_for_paper(element: Any) -> None:
    if element.tag == "details" and len(element) > 1:
        element.set("open", "")
    elif element.tag == "bdi" and "dir" not in element.attrib:
        # The engine takes the direction of the line where a browser takes the direction of the text.
        element.set("dir", _direction(_text_of(element)))
    elif element.tag == "a" and element.get("href", "").startswith("data:"):
        # The file is attached; a link that holds it would be an address of a hundred thousand letters.
        del element.attrib["href"]
        element.attrib.pop("download", None)
    elif element.tag == f"{SVG}svg" and "c" in _classes(element):
        # The page draws the axis as the background of the cell.
        axis = element.makeelement(
            f"{SVG}line", {"x2": "100%", "y1": "10", "y2": "10", "stroke": palette.RULE, "stroke-width": "1"}
        )
        element.insert(1, axis)


def _direction(text: str) -> str:
    """Return the direction of a text: the direction of its first letter that has one."""
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in ("L", "R", "AL"):
            return "ltr" if kind == "L" else "rtl"
    return "ltr"


def _shortened(text: str) -> str:
    return text if len(text) <= _HEAD else f"{text[: _HEAD - 1].rstrip()}…"


def _classes(element: Any) -> list[str]:
    return str(element.get("class", "")).split()


def _text(root: Any, tag: str) -> str:
    found = next(root.iter(tag), None)
    return "" if found is None else _text_of(found)


def _text_of(element: Any) -> str:
    """Return the text of an element, without the text of drawings in it."""
    inside = element.text or ""
    for child in element:
        inside += ("" if str(child.tag).startswith(SVG) else _text_of(child)) + (child.tail or "")
    return " ".join(inside.split())
