"""Drawings that stand alone. The PDF engine does not apply the page's style inside a drawing, and finds no shape of
another drawing.

Styles that the page sets for a drawing become attributes of the drawing, and a shape replaces the reference to it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

from reports.html import palette
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
    shapes = {each.get("id"): each for drawing in drawings for each in drawing.iter() if each.get("id")}
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
                each.lower_name: style_parser().serialize(each.value).strip()
                for each in style_parser().parse_blocks_contents(rule.content)
                if each.type == "declaration" and each.lower_name in _DRAWN
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
    for place, child in enumerate(list(element)):
        name = (child.get("href") or child.get(_LINK) or "").removeprefix("#")
        if child.tag == f"{SVG}use" and name in shapes:
            element[place] = _copied(child, shapes[name])
        else:
            _put_shapes(child, shapes)


def _copied(use: Any, shape: Any) -> Any:
    """Return a copy of the shape where it is used. A symbol has a frame of its own, so it fills the drawing."""
    attributes = {name: value for name, value in use.attrib.items() if name not in ("href", _LINK)}
    made = use.makeelement(f"{SVG}svg", {**attributes, "overflow": "visible"})
    inside = copy.deepcopy(shape)
    inside.attrib.pop("id", None)
    if shape.tag == f"{SVG}symbol":
        made.attrib.update({"viewBox": shape.get("viewBox", ""), "width": "100%", "height": "100%"})
        made.extend(list(inside))
    else:
        made.append(inside)
    return made


def _name_colours(element: Any, colour: str) -> None:
    colour = element.get("color", colour)
    for name in ("fill", "stroke"):
        if element.get(name, "").lower() == "currentcolor":
            element.set(name, colour)
    for child in element:
        _name_colours(child, colour)
