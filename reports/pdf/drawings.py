"""Drawings that stand alone. The PDF engine does not apply the page's style inside a drawing, and finds no shape of
another drawing.

Styles that the page sets for a drawing become attributes of the drawing, and a shape replaces the reference to it. The
engine also reads a percentage of a frame as one of the whole drawing, and stretches a line together with its frame.
Both are computed here, so that a page may draw in whichever way suits it.
"""

from __future__ import annotations

import copy
import re
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
_ACROSS: Final = ("x", "width")
_DOWN: Final = ("y", "height")
_STEPS: Final = re.compile(r"([A-Za-z])|(-?(?:\d+\.?\d*|\.\d+))|[\s,]+")
_SCALED: Final = {"M": (0, 1), "L": (0, 1), "H": (0,), "V": (1,)}
"""Commands of a path that can be stretched, and the axis of each of their numbers."""


def self_contained(root: Any) -> None:
    """Write styles and shapes into the drawings of a page, in place."""
    drawings = list(_outermost(root))
    _write_styles(root)
    shapes = {each.get("id"): each for drawing in drawings for each in drawing.iter() if each.get("id")}
    # Marks come first, in all drawings: a shape that replaces a reference has no name left to refer to.
    for drawing in drawings:
        _put_marks(drawing, shapes)
    for drawing in drawings:
        _put_shapes(drawing, shapes)
        _name_colours(drawing, palette.INK)
        for frame in list(drawing.iter(f"{SVG}svg")):
            if frame is not drawing:
                _lay_out_frame(frame)


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


def _put_marks(drawing: Any, shapes: dict[str, Any]) -> None:
    """Draw a shape for each point of a path that has markers. The frame is a plane in per cent."""
    for frame in list(drawing.iter(f"{SVG}svg")):
        for place, path in reversed(list(enumerate(frame))):
            marker = shapes.get((path.get("marker-start") or "").removeprefix("url(#").removesuffix(")"))
            if marker is not None:
                points = [tuple(point.split()) for point in re.split("[ML]", path.get("d", "").lstrip("M"))]
                frame[place : place + 1] = [
                    path.makeelement(f"{SVG}use", {"href": marker[0].get("href"), "x": f"{x}%", "y": f"{y}%"})
                    for x, y in dict.fromkeys(points)
                ]
                frame.attrib.pop("viewBox", None)
                frame.attrib.pop("preserveAspectRatio", None)


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


def _lay_out_frame(frame: Any) -> None:
    """Turn the content of a frame with its own size into units of the drawing."""
    try:
        size = float(frame.get("width", "")), float(frame.get("height", ""))
    except ValueError:
        return
    if frame.get("viewBox") is None:
        for child in frame:
            for names, whole in zip((_ACROSS, _DOWN), size, strict=True):
                for name in names:
                    share = child.get(name, "")
                    if share.endswith("%"):
                        child.set(name, _short(float(share[:-1]) * whole / 100))
    elif frame.get("preserveAspectRatio") == "none":
        _unstretched(frame, size)


def _unstretched(frame: Any, size: tuple[float, float]) -> None:
    left, top, *box = map(float, frame.get("viewBox").split())
    if (left, top) != (0, 0) or any(child.tag != f"{SVG}path" for child in frame):
        return
    for child in frame:
        child.set("d", _stretched(child.get("d", ""), (size[0] / box[0], size[1] / box[1])))
    del frame.attrib["viewBox"], frame.attrib["preserveAspectRatio"]


def _stretched(path: str, factors: tuple[float, float]) -> str:
    """Return a path of straight lines with its numbers multiplied, across and down. Raises KeyError for other
    commands.
    """
    stretched, place = "", 0
    axes: tuple[int, ...] = (0,)
    for command, number in _STEPS.findall(path):
        if command:
            stretched, axes, place = stretched + command, _SCALED[command], 0
        elif number:
            stretched += f"{_short(float(number) * factors[axes[place % len(axes)]])} "
            place += 1
    return stretched.rstrip()


def _short(number: float) -> str:
    return f"{number:.2f}"


def _name_colours(element: Any, colour: str) -> None:
    colour = element.get("color", colour)
    for name in ("fill", "stroke"):
        if element.get(name, "").lower() == "currentcolor":
            element.set(name, colour)
    for child in element:
        _name_colours(child, colour)
