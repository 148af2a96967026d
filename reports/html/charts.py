"""The drawings: a mark for each state, an interval in a table cell, a bar of states. Nothing else in a report is drawn.

SVG with presentation attributes only (a PDF engine that ignores page styles inside SVG draws the same), `<title>`
first, percent coordinates rounded to 0.1 so that a cell can have any width, no ids. Each number drawn also stands
beside the drawing as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from audit.public_figures import lengths_of
from reports.html import palette
from reports.plain_text import harmless

_TRIANGLE = "M0-5.5 6 5H-6z"
_OFF_THE_AXIS = "M0-5 7 0 0 5z"
_AXIS_ENDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval to draw, in shares."""

    value: float
    low: float
    high: float
    outcome: str
    lower_limit: float | None = None
    upper_limit: float | None = None
    rest: float | None = None


def axis_end(needed: Iterable[float]) -> float:
    """The end of an axis from 0 that holds every value in `needed`."""
    largest = max(needed, default=1.0)
    return next((end for end in _AXIS_ENDS if largest <= end * 0.985), 1.0)


def mark(outcome: str) -> Markup:
    """The shape of an outcome: triangle, filled circle, hollow circle, dash. Its word always stands beside it."""
    colour = palette.STATE[outcome]
    shape = {
        "fail": f'<path d="{_TRIANGLE}" fill="{colour}"/>',
        "pass": f'<circle r="5" fill="{colour}"/>',
        "inconclusive": f'<circle r="4.25" fill="none" stroke="{colour}" stroke-width="1.75"/>',
    }.get(outcome, f'<path d="M-5.5 0H5.5" stroke="{colour}" stroke-width="2"/>')
    return _markup(f'<svg class="m" viewBox="-7 -7 14 14" width="14" height="14" aria-hidden="true">{shape}</svg>')


def interval(bar: Bar, end: float, title: str) -> Markup:
    """An interval with its mark, the zone beyond the limit behind it, and a line for everyone else; axis 0 to `end`."""
    colour = palette.STATE[bar.outcome]
    parts = [*_zones(bar, end)]
    if bar.rest is not None:
        at = _place(bar.rest, end)
        parts.append(f'<line x1="{at}" x2="{at}" y2="20" stroke="{palette.INK}" stroke-width="1.5"/>')
    thick = 3 if bar.outcome == "fail" else 2
    parts.append(
        f'<line x1="{_place(bar.low, end)}" x2="{_place(bar.high, end)}" y1="10" y2="10" stroke="{colour}"'
        f' stroke-width="{thick}"/>'
    )
    if bar.value > end:
        parts.append(f'<svg x="100%" y="10" overflow="visible"><path d="{_OFF_THE_AXIS}" fill="{colour}"/></svg>')
    else:
        parts.append(_point(bar.outcome, _place(bar.value, end), colour))
    return _svg("c", title, parts)


def _zones(bar: Bar, end: float) -> list[str]:
    parts = []
    edge = f'y2="20" stroke="{palette.BEYOND}" stroke-dasharray="2 2"/>'
    if bar.lower_limit is not None and bar.lower_limit > 0:
        at = _place(bar.lower_limit, end)
        parts += [f'<rect width="{at}" height="20" fill="{palette.ZONE}"/>', f'<line x1="{at}" x2="{at}" {edge}']
    if bar.upper_limit is not None and bar.upper_limit < end:
        at, width = _place(bar.upper_limit, end), _percent(100 - _number(bar.upper_limit, end))
        parts += [
            f'<rect x="{at}" width="{width}" height="20" fill="{palette.ZONE}"/>',
            f'<line x1="{at}" x2="{at}" {edge}',
        ]
    return parts


def _point(outcome: str, at: str, colour: str) -> str:
    if outcome == "fail":
        return f'<svg x="{at}" y="10" overflow="visible"><path d="{_TRIANGLE}" fill="{colour}"/></svg>'
    if outcome in ("pass", ""):
        return f'<circle cx="{at}" cy="10" r="4.5" fill="{colour}"/>'
    return f'<circle cx="{at}" cy="10" r="4" fill="#fff" stroke="{colour}" stroke-width="2"/>'


def states(counts: Sequence[tuple[str, int]], title: str) -> Markup:
    """A bar of states: one segment an outcome, as wide as its share; the words and counts stand under it."""
    told = [(outcome, count) for outcome, count in counts if count]
    parts, start = [], 0.0
    for (outcome, _), share in zip(told, lengths_of([count for _, count in told]), strict=True):
        width = 100 * share
        look = {
            "fail": f'fill="{palette.BEYOND}"',
            "pass": f'fill="{palette.WITHIN_AREA}"',
            "inconclusive": f'fill="{palette.PAPER}" stroke="{palette.UNDECIDED}"',
        }.get(outcome, f'fill="{palette.PAPER}" stroke="{palette.UNDECIDED}" stroke-dasharray="3 3"')
        parts.append(f'<rect x="{_percent(start)}" width="{_percent(width)}" y="1" height="16" {look}/>')
        start += width
    return _svg("b", title, parts)


def _svg(name: str, title: str, parts: Iterable[str]) -> Markup:
    height = 20 if name == "c" else 18
    head = f'<svg class="{name}" role="img" width="100%" height="{height}"><title>{escape(harmless(title))}</title>'
    return _markup(head + "".join(parts) + "</svg>")


def _markup(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - numbers and colours of ours; the one text in it is escaped


def _number(value: float, end: float) -> float:
    return round(100 * min(max(value / end, 0.0), 1.0), 1)


def _place(value: float, end: float) -> str:
    return _percent(_number(value, end))


def _percent(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") + "%"
