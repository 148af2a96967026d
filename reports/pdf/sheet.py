"""A page laid out for paper: its contents first, its title at the head of each sheet.

Everything that is folded is open on a restricted sheet. A public sheet opens rows of groups and the method; what else
is folded stands in the page and in `release.json`, which is attached.

Drawings that stand alone. The PDF engine does not apply the page's style inside a drawing, and finds no shape of
another drawing.

Styles that the page sets for a drawing become attributes of the drawing, and a shape replaces the reference to it.
"""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any, Final

from reports.html import palette
from reports.html.environment import css_string
from reports.pdf.engine import selectors, style_parser

SVG: Final = "{http://www.w3.org/2000/svg}"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_DRAWN: Final = frozenset(
    ("fill", "stroke", "stroke-width", "stroke-dasharray", "x", "y", "cy", "r", "width", "height", "color", "opacity")
)
"""Style properties that change a drawing."""


def self_contained(root: Any) -> None:
    """Write styles and shapes into the drawings of a page, in place."""
    drawings = list(_outermost(root))
    _write_styles(root)
    shapes = {shape.get("id"): shape for drawing in drawings for shape in drawing.iter() if shape.get("id")}
    for drawing in drawings:
        _put_shapes(drawing, shapes)
        _name_colours(drawing, palette.INK)


def _outermost(element: Any) -> Iterator[Any]:
    for child in element:
        if child.tag == f"{SVG}svg":
            yield child
        else:
            yield from _outermost(child)


def _write_styles(root: Any) -> None:
    matcher = selectors().Matcher()
    for style in root.iter("style"):
        for rule in style_parser().parse_stylesheet(style.text or "", skip_comments=True, skip_whitespace=True):
            if rule.type != "qualified-rule":
                continue
            drawn = {
                declaration.lower_name: style_parser().serialize(declaration.value).strip()
                for declaration in style_parser().parse_blocks_contents(rule.content)
                if declaration.type == "declaration" and declaration.lower_name in _DRAWN
            }
            if drawn:
                for selector in selectors().compile_selector_list(rule.prelude):
                    if selector.pseudo_element is None:
                        matcher.add_selector(selector, drawn)
    for wrapper in selectors().ElementWrapper.from_html_root(root, content_language=None).iter_subtree():
        element = wrapper.etree_element
        if str(element.tag).startswith(SVG):
            outermost = wrapper.parent is not None and not str(wrapper.parent.etree_element.tag).startswith(SVG)
            for *_, drawn in sorted(matcher.match(wrapper), key=lambda match: match[:2]):
                for name, value in drawn.items():
                    # The page itself sets the size of a whole drawing, in units that a drawing does not know.
                    if not (outermost and name in ("width", "height")):
                        element.set(name, value)


def _put_shapes(element: Any, shapes: dict[str, Any]) -> None:
    for index, child in enumerate(list(element)):
        name = (child.get("href") or child.get(_LINK) or "").removeprefix("#")
        if child.tag == f"{SVG}use" and name in shapes:
            element[index] = _copied(child, shapes[name])
        else:
            _put_shapes(child, shapes)


def _copied(use: Any, shape: Any) -> Any:
    """Return a copy of the shape where it is used. A symbol has a frame of its own, so it fills the drawing."""
    attributes = {name: value for name, value in use.attrib.items() if name not in ("href", _LINK)}
    drawing = use.makeelement(f"{SVG}svg", {**attributes, "overflow": "visible"})
    inside = copy.deepcopy(shape)
    inside.attrib.pop("id", None)
    if shape.tag == f"{SVG}symbol":
        drawing.attrib.update({"viewBox": shape.get("viewBox", ""), "width": "100%", "height": "100%"})
        drawing.extend(list(inside))
    else:
        drawing.append(inside)
    return drawing


def _name_colours(element: Any, colour: str) -> None:
    colour = element.get("color", colour)
    for name in ("fill", "stroke"):
        if element.get(name, "").lower() == "currentcolor":
            element.set(name, colour)
    for child in element:
        _name_colours(child, colour)


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
    return any("public" in _classes(element) for element in root.iter())


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
    notices = (element for element in root.iter() if {"restricted", "public", "audience"} & set(_classes(element)))
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
    element = next(root.iter(tag), None)
    return "" if element is None else _text_of(element)


def _text_of(element: Any) -> str:
    """Return the text of an element, without the text of drawings in it."""
    inside = element.text or ""
    for child in element:
        inside += ("" if str(child.tag).startswith(SVG) else _text_of(child)) + (child.tail or "")
    return " ".join(inside.split())
