"""Drawings of a portal: a rate of everyone with its interval, alone in a row or beside the rates of earlier audits.

Drawings have presentation attributes, no ids and a title first, as in `reports.html.charts`. The axis is always 0 to
100 %, so that systems can be compared. Every coordinate of a mark is a number that the release of its audit prints. All
else that is drawn (places, widths, colours) stands outside the elements that name an audit, also where a rate is not
shown: the gate of the portal holds a mark's own numbers against its release.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from markupsafe import Markup, escape

from audit.public.figures import tenth, tenth_from_end
from audit.public.table import PublicRate
from audit.vocabulary.text import harmless
from reports.html import palette
from reports.numbers import Numbers

LAST: Final = 5
"""The number of audits that a trend shows."""
_SLOTS: Final = (24, 41, 58, 75, 92)
"""Their places, in per cent of the width. The latest is always in the last."""
_MARKS: Final = {
    "fail": f'<path d="M0-5 5.5 4.5H-5.5z" fill="{palette.BEYOND}"/>',
    "pass": f'<circle r="4.5" fill="{palette.WITHIN}"/>',
    "inconclusive": f'<circle r="3.75" fill="none" stroke="{palette.UNDECIDED}" stroke-width="1.75"/>',
}
_HEIGHT: Final = 64


def trend(audits: Sequence[tuple[str, str, PublicRate | None]], title: str, numbers: Numbers) -> Markup:
    """Draw name, verdict and rate of each audit, oldest first. A rate that is not shown leaves its place empty.

    The mark of its verdict stands under each audit.
    """
    last = list(audits)[-LAST:]
    slots = _SLOTS[-len(last) :]
    text = f'font-size="12" fill="{palette.MUTED}"'
    grid = "".join(f'<line x1="16%" x2="100%" y1="{y}%" y2="{y}%" stroke="{palette.RULE}"/>' for y in (0, 50, 100))
    bars = "".join(
        f'<svg x="{slot}%" overflow="visible" stroke="{palette.INK}">{_upright(name, rate)}</svg>'
        for slot, (name, _, rate) in zip(slots, last, strict=True)
    )
    marks = "".join(
        f'<svg x="{slot}%" y="{_HEIGHT + 21}" overflow="visible">{_MARKS[outcome]}</svg>'
        for slot, (_, outcome, _) in zip(slots, last, strict=True)
    )
    return Markup(  # noqa: S704 - numbers and colours of ours; the title is escaped
        f'<svg class="t" role="img" width="100%" height="{_HEIGHT + 28}"><title>{escape(harmless(title))}</title>'
        f'<text y="11" {text}>{numbers.percent(1.0)}</text><text y="{_HEIGHT + 9}" {text}>{numbers.percent(0.0)}</text>'
        f'<svg y="6" width="100%" height="{_HEIGHT}" overflow="visible">{grid}{bars}</svg>{marks}</svg>'
    )


def level(name: str, rate: PublicRate | None, title: str) -> Markup:
    """Draw one rate horizontally, for a cell of a table. The axis is empty where no rate is shown."""
    inside = _dot_and_bar(name, "x", *map(_per_cent, map(tenth, _ends(rate))))
    return Markup(  # noqa: S704 - numbers and colours of ours; the title is escaped
        f'<svg class="c" role="img" width="100%" height="20"><title>{escape(harmless(title))}</title>'
        f'<svg y="10" overflow="visible" stroke="{palette.INK}">{inside}</svg></svg>'
    )


def _ends(rate: PublicRate | None) -> tuple[float, ...]:
    """Return the ends of the interval and the rate, or nothing where one of them is not shown."""
    if rate is None or rate.value is None or rate.low is None or rate.high is None:
        return ()
    return rate.low, rate.high, rate.value


def _upright(name: str, rate: PublicRate | None) -> str:
    return _dot_and_bar(name, "y", *map(_per_cent, map(tenth_from_end, _ends(rate))))


def _dot_and_bar(name: str, axis: str, *ends: str) -> str:
    """Draw a bar from the first to the second end and a dot at the third, a line of length 0 with round ends."""
    bar = dot = ""
    if ends:
        low, high, value = ends
        bar = f'<line data-audit="{name}" {axis}1="{low}" {axis}2="{high}"/>'
        dot = f'<line data-audit="{name}" {axis}1="{value}" {axis}2="{value}"/>'
    return f'<g stroke-width="2">{bar}</g><g stroke-width="6.5" stroke-linecap="round">{dot}</g>'


def _per_cent(place: Decimal) -> str:
    return f"{place:f}".removesuffix(".0") + "%"
