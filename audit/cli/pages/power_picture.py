"""Picture of `power`: what can be decided over the number of cases, as SVG of our own without script.

Presentation attributes only, generic fonts, a title and a description for those who cannot see it. Shapes distinguish
marks, so that a black-and-white print says the same. A triangle is a gap that would be named. A circle is a limit at
which an equal group would pass, filled where the limit of the rule is no narrower.

Panels of the picture of `power`: one for each rule and family, or one for sizes that are only planned.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from audit.cli.console.group_names import GroupNames
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from audit.cli.pages.power_flags import PowerFlags
    from audit.planning.power import Answer, PowerReport, RulePower

_SIZES: Final = 14


def set_panels(report: PowerReport) -> list[Panel]:
    """Make a panel for each rule, family and side."""
    names = GroupNames(report.features)
    return [
        Panel(
            heading=f"{rule.rule.id}: {rule.rule.rate.plain}{_of_side(rule, side)}",
            what=names.family(family.family),
            scale=rule.rule.scale,
            limit=rule.rule.limit,
            marks=tuple(
                Mark(
                    names.name(group.group),
                    group.cases,
                    group.fails_from[index].disparity,
                    group.passes_at[index].disparity,
                )
                for group in family.groups
                if group.cases
            ),
        )
        for rule in report.rules
        for family in rule.families
        for index, side in enumerate(rule.sides)
    ]


def _of_side(rule: RulePower, side: str) -> str:
    if len(rule.sides) == 1:
        return ""
    return ", rates below the rest" if side == "low" else ", rates above the rest"


def cases_panels(flags: PowerFlags, answers: Sequence[Answer]) -> list[Panel]:
    """Make one panel with groups of several sizes, up to somewhat more than is needed."""
    needed = [answer.cases for answer in answers if answer.cases is not None]
    last = max([2 * max(needed, default=0), 100])
    sizes = sorted({round(5 * (last / 5) ** (step / (_SIZES - 1))) for step in range(_SIZES)})
    return [
        Panel(
            heading=f"{flags.metric.name}: {flags.metric.plain}",
            what=f"{flags.asked.groups:,} groups of one size, by size",
            scale=flags.asked.limit.scale,
            limit=flags.asked.limit.limit,
            marks=tuple(Mark(f"{size:,} cases", size, *flags.asked.decidable_with(size)) for size in sizes),
        )
    ]


INK, MUTED, RULE, PAPER = "#16191d", "#4f585e", "#d5d9dc", "#ffffff"
BEYOND, WITHIN = "#801650", "#12436d"
_WIDTH, _PANEL, _HEAD = 760.0, 396.0, 92.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 20.0, 100.0, 52.0
_WIDE_RANGE: Final = 1.3
_WIDTHS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class Mark:
    """Marks of one group."""

    name: str
    cases: int
    fails_from: float | None
    """Smallest gap that would be named; None where none would."""
    passes_at: float | None
    """Smallest limit at which it would pass; None where it would at none."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Groups of one family under one rule."""

    heading: str
    what: str
    scale: Literal["difference", "ratio"]
    limit: float
    marks: Sequence[Mark]

    def width(self, disparity: float) -> float:
        """Return how wide a disparity is: 0 for none at all."""
        return disparity if self.scale == "difference" else 1.0 - disparity

    def words(self, disparity: float | None) -> str:
        """Write a disparity as it is read."""
        if disparity is None:
            return "none"
        return f"{disparity * 100:.1f} points" if self.scale == "difference" else f"ratio {disparity:.2f}"

    def limit_words(self) -> str:
        """Write the limit of the rule, with all its digits."""
        return f"{self.limit * 100:g} points" if self.scale == "difference" else f"ratio {self.limit:g}"


def draw_picture(panels: Sequence[Panel], *, restricted: bool) -> str:
    """Draw the whole picture, one panel under the other; `restricted` says that it shows how many cases groups of a set
    have.
    """
    template = Path(__file__).with_suffix(".template").read_text(encoding="utf-8")
    parts = (part for index, panel in enumerate(panels) for part in _panel(panel, _HEAD + index * _PANEL))
    return template.format(
        height=_HEAD + _PANEL * max(len(panels), 1),
        described=_text(" ".join(map(_about, panels)) or "Nothing can be said."),
        note="restricted, not for publication" if restricted else "",
        panels="".join(f"{part}\n" for part in parts),
    )


def _about(panel: Panel) -> str:
    named = [mark for mark in panel.marks if mark.fails_from is not None]
    passing = [mark for mark in panel.marks if _reaches(panel, mark)]
    lines = f"{panel.heading}, {panel.what}: {len(panel.marks)} groups, limit {panel.limit_words()}."
    if named:
        best = min(named, key=lambda mark: panel.width(mark.fails_from or 0.0))
        lines += f" The smallest gap that would be named is {panel.words(best.fails_from)}, with {best.cases:,} cases."
    return f"{lines} A gap would be named in {len(named)}; an equal group would pass in {len(passing)}."


def _reaches(panel: Panel, mark: Mark) -> bool:
    return mark.passes_at is not None and panel.width(mark.passes_at) <= panel.width(panel.limit)


def _panel(panel: Panel, top: float) -> Iterator[str]:
    plane = _Plane(panel, top)
    head = f'<text x="20" y="{top + 26:.0f}" font-size="15" font-weight="bold" fill="{INK}">'
    yield f"{head}{_text(panel.heading)}</text>"
    yield f'<text x="20" y="{top + 45:.0f}" font-size="13" fill="{MUTED}">{_text(panel.what)}</text>'
    yield from _axes(panel, plane)
    if any(mark.fails_from is None for mark in panel.marks):
        rail = f'x="{_LEFT - 8:.0f}" y="{plane.top - 12:.1f}" text-anchor="end"'
        yield f'<text {rail} font-size="13" fill="{MUTED}">none</text>'
    for mark in panel.marks:
        yield from _mark(panel, plane, mark)


class _Plane:
    """Position of cases and disparities in a panel."""

    def __init__(self, panel: Panel, top: float) -> None:
        sizes = [mark.cases for mark in panel.marks] or [1, 10]
        self.first, self.last = math.log10(min(sizes)) - 0.06, math.log10(max(sizes)) + 0.06
        if self.last - self.first < 0.6:
            middle = (self.first + self.last) / 2
            self.first, self.last = middle - 0.3, middle + 0.3
        values = [value for mark in panel.marks for value in (mark.fails_from, mark.passes_at) if value is not None]
        widest = max([panel.width(value) for value in (*values, panel.limit)])
        self.highest = next((width for width in _WIDTHS if widest <= width), 1.0)
        self.top, self.bottom = top + _TOP, top + _PANEL - _BOTTOM

    def x(self, cases: float) -> float:
        share = (math.log10(cases) - self.first) / (self.last - self.first)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, width: float) -> float:
        return self.bottom - min(width / self.highest, 1.0) * (self.bottom - self.top)


def _axes(panel: Panel, plane: _Plane) -> Iterator[str]:
    text = f'font-size="13" fill="{MUTED}"'
    right = _WIDTH - _RIGHT
    steps = 5 if round(plane.highest * 100) % 25 == 0 or plane.highest in (0.05, 0.1) else round(plane.highest * 10)
    for step in range(steps + 1):
        width = plane.highest * step / steps
        y = plane.y(width)
        label = f"{width * 100:.0f}" if panel.scale == "difference" else f"{1.0 - width:.2f}"
        yield f'<path d="M{_LEFT:.0f} {y:.1f}H{right:.0f}" stroke="{RULE}"/>'
        yield f'<text x="{_LEFT - 8:.0f}" y="{y + 4.5:.1f}" text-anchor="end" {text}>{label}</text>'
    digits = (1, 3) if plane.last - plane.first > _WIDE_RANGE else (1, 2, 3, 5)
    for size in (digit * 10**power for power in range(9) for digit in digits):
        if plane.first <= math.log10(size) <= plane.last:
            x = plane.x(size)
            yield f'<path d="M{x:.1f} {plane.bottom:.1f}v5" stroke="{MUTED}"/>'
            yield f'<text x="{x:.1f}" y="{plane.bottom + 20:.1f}" text-anchor="middle" {text}>{size:,}</text>'
    unit = "points from the rest" if panel.scale == "difference" else "ratio to the rest"
    yield f'<text x="20" y="{plane.top - 32:.1f}" {text}>{unit}</text>'
    yield f'<text x="{right:.0f}" y="{plane.bottom + 38:.1f}" text-anchor="end" {text}>cases of the group (log)</text>'
    at = plane.y(panel.width(panel.limit))
    yield f'<path d="M{_LEFT:.0f} {at:.1f}H{right:.0f}" stroke="{INK}" stroke-width="1.5" stroke-dasharray="7 4"/>'
    yield (
        f'<text x="{_LEFT + 6:.0f}" y="{at - 6:.1f}" font-size="13" fill="{INK}" stroke="{PAPER}"'
        f' stroke-width="4" paint-order="stroke">limit {panel.limit_words()}</text>'
    )


def _mark(panel: Panel, plane: _Plane, mark: Mark) -> Iterator[str]:
    x = plane.x(mark.cases)
    label = f"{mark.name}: {mark.cases:,} cases; FAIL from {panel.words(mark.fails_from)}"
    yield f"<g><title>{_text(label)}; PASS at {panel.words(mark.passes_at)}</title>"
    if mark.passes_at is not None:
        yield _circle(x, plane.y(panel.width(mark.passes_at)), filled=_reaches(panel, mark))
    named = mark.fails_from
    yield _triangle(x, plane.top - 16.0 if named is None else plane.y(panel.width(named)), filled=named is not None)
    yield "</g>"


def _circle(x: float, y: float, *, filled: bool) -> str:
    look = _look(WITHIN, filled=filled)
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{5 if filled else 4.25}" {look}/>'


def _triangle(x: float, y: float, *, filled: bool) -> str:
    look = _look(BEYOND, filled=filled)
    return f'<path d="M{x:.1f} {y - 6:.1f}l6 11h-12z" {look}/>'


def _look(colour: str, *, filled: bool) -> str:
    if filled:
        return f'fill="{colour}" stroke="{PAPER}" stroke-width="0.75"'
    return f'fill="{PAPER}" stroke="{colour}" stroke-width="1.75"'


def _text(words: str) -> str:
    """Escape words of the plan or the data to text on one line: nothing in them can draw, reorder or end anything."""
    return escape(printable(words))
