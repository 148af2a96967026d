"""Funnel drawings: the rate of each group over its number of cases, between the lines on which its verdict changes.

SVG as in `charts`: presentation attributes, no ids, `<title>` first. Sizes stand on a logarithmic axis. Every number of
the lines stands in a table beside the drawing; every mark stands in the tables of findings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from audit.result.findings.many_groups import Funnel
from audit.vocabulary.text import harmless
from reports.html import palette
from reports.numbers import Numbers

_WIDTH, _HEIGHT = 640.0, 300.0
_LEFT, _TOP, _BOTTOM = 54.0, 14.0, 28.0
_SIZES = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class Mark:
    """One group."""

    cases: int
    rate: float
    outcome: str


class _Plane:
    """The plane of the drawing, which places cases and rates."""

    def __init__(self, cases: Sequence[float], rates: Sequence[float]) -> None:
        self.first, self.last = math.log10(max(min(cases), 1)), math.log10(max(*cases, 10))
        if self.last - self.first < 0.5:
            self.last = self.first + 0.5
        self.low = max(math.floor(min(rates) * 10) / 10, 0.0)
        self.high = min(max(math.ceil(max(rates) * 10) / 10, self.low + 0.1), 1.0)

    def x(self, cases: float) -> float:
        share = (math.log10(max(cases, 1)) - self.first) / (self.last - self.first)
        return _LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - 8)

    def y(self, rate: float) -> float:
        share = (rate - self.low) / (self.high - self.low)
        return _TOP + (1 - min(max(share, 0.0), 1.0)) * (_HEIGHT - _TOP - _BOTTOM)


def limits_of_a_pass(funnel: Funnel, alone_from: int | None) -> list[tuple[int, float]]:
    """Return sizes and the rates from which a group passes. Only sizes that are judged alone ever pass."""
    if alone_from is None:
        return []
    return [
        (point.cases, point.pass_rate)
        for point in funnel.points
        if point.pass_rate is not None and point.cases >= alone_from
    ]


def funnel_chart(funnel: Funnel, marks: Sequence[Mark], alone_from: int | None, title: str, numbers: Numbers) -> Markup:
    """Draw the funnel, or return an empty text where nothing can be drawn. `alone_from` is the smallest size that is
    judged alone.
    """
    if not marks:
        return Markup("")
    fails = [(point.cases, point.fail_rate) for point in funnel.points if point.fail_rate is not None]
    passes = limits_of_a_pass(funnel, alone_from)
    sure = [rate for cases, rate in (*fails, *passes) if cases >= (alone_from or max(mark.cases for mark in marks))]
    sizes = [*(mark.cases for mark in marks), *(point.cases for point in funnel.points)]
    plane = _Plane(sizes, [*(mark.rate for mark in marks), *sure])
    parts = [
        *_axes(plane, numbers),
        _line(plane, fails, palette.BEYOND, ""),
        _line(plane, passes, palette.WITHIN, ' stroke-dasharray="6 4"'),
        *_marks(plane, marks),
    ]
    head = (
        f'<svg class="f" role="img" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}"><title>{escape(harmless(title))}</title>'
    )
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - numbers and colours of ours; the title is escaped


def _axes(plane: _Plane, numbers: Numbers) -> Iterable[str]:
    text = f'font-size="15" fill="{palette.MUTED}"'
    for share in _SHARES:
        if plane.low - 1e-9 <= share <= plane.high + 1e-9:
            y = plane.y(share)
            yield f'<path d="M{_LEFT:.0f} {y:.1f}H{_WIDTH:.0f}" stroke="{palette.RULE}"/>'
            yield f'<text x="{_LEFT - 6:.0f}" y="{y + 5:.1f}" text-anchor="end" {text}>{numbers.percent(share)}</text>'
    for size in _SIZES:
        if plane.first - 1e-9 <= math.log10(size) <= plane.last + 1e-9:
            x = plane.x(size)
            yield f'<text x="{x:.1f}" y="{_HEIGHT - 6:.0f}" text-anchor="middle" {text}>{numbers.count(size)}</text>'


def _line(plane: _Plane, points: Sequence[tuple[int, float]], colour: str, dashes: str) -> str:
    inside = [(plane.x(cases), plane.y(rate)) for cases, rate in points if plane.low <= rate <= plane.high]
    if len(inside) < 2:
        return ""
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in inside)
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.75"{dashes}/>'


def _marks(plane: _Plane, marks: Sequence[Mark]) -> Iterable[str]:
    """Draw groups that pass or are undecided below, and groups beyond the limit on top of them. Each look is written
    once.
    """
    for outcomes, look in (
        (("inconclusive", "not_evaluable"), f'class="u" fill="none" stroke="{palette.UNDECIDED}" stroke-width="1.25"'),
        (("pass",), f'fill="{palette.WITHIN}"'),
    ):
        circles = (
            f'<circle cx="{plane.x(mark.cases):.0f}" cy="{plane.y(mark.rate):.0f}"/>'  # their size: in the style sheet
            for mark in marks
            if mark.outcome in outcomes
        )
        yield f"<g {look}>{''.join(circles)}</g>"
    for mark in marks:
        if mark.outcome == "fail":
            top = f"M{plane.x(mark.cases):.1f} {plane.y(mark.rate) - 6:.1f}"
            yield f'<path d="{top}l6 11h-12z" fill="{palette.BEYOND}"/>'
