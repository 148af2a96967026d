"""Drawings of a portal: by how much the furthest group was worse off in the last audits, its range, and the limit.

Drawings have presentation attributes, no ids and a title first, as in `reports.html.charts`. One drawing has one axis,
in percentage points from 0 or the lowest range to the highest. The verdict is not drawn: a mark would read as a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup, escape

from audit.vocabulary.numbers import half_up
from audit.vocabulary.text import harmless
from reports.html import palette
from reports.portal.gaps import Gap

LAST: Final = 5
"""The number of audits that a trend shows."""
_SLOTS: Final = (24, 41, 58, 75, 92)
"""Their places, in per cent of the width. The latest is always in the last."""
_HEIGHT: Final = 72
_STEP: Final = 0.1
_HALF: Final = 6
"""Half the width of the mark of a limit, in per cent."""


@dataclass(frozen=True, slots=True)
class Point:
    """One audit of a trend."""

    set_id: str
    """Points are joined where it is the same."""
    gap: Gap | None
    """None leaves the place empty."""


def trend(points: Sequence[Point], title: str) -> Markup:
    """Draw the gaps of audits, oldest first."""
    last = list(points)[-LAST:]
    slots = _SLOTS[-len(last) :]
    gaps = [point.gap for point in last if point.gap is not None]
    low = min([0.0, *(_tenth_down(gap.low) for gap in gaps)])
    high = max([_STEP, *(_tenth_up(max(gap.high, gap.limit)) for gap in gaps)])

    def y(share: float) -> str:
        return f"{100 * (high - share) / (high - low):.1f}"

    text = f'font-size="12" fill="{palette.MUTED}"'
    marks = "".join(_slot(slot, point.gap, y) for slot, point in zip(slots, last, strict=True) if point.gap is not None)
    lines = "".join(
        f'<line x1="{left}%" y1="{y(one.gap.value)}%" x2="{right}%" y2="{y(other.gap.value)}%"/>'
        for (left, one), (right, other) in pairwise(zip(slots, last, strict=True))
        if one.gap is not None and other.gap is not None and one.set_id == other.set_id != ""
    )
    axis = "".join(
        f'<line x1="16%" x2="100%" y1="{y(share)}%" y2="{y(share)}%" stroke="{palette.RULE}"/>'
        for share in sorted({low, 0.0, high})
    )
    ends = "".join(
        f'<text y="{11 + _HEIGHT * (high - share) / (high - low):.1f}" {text}>{half_up(100 * share, 0)}</text>'.replace(
            ">-", ">−"
        )
        for share in sorted({low, 0.0, high})
    )
    return Markup(  # noqa: S704 - numbers and colours of ours; the title is escaped
        f'<svg class="t" role="img" width="100%" height="{_HEIGHT + 16}"><title>{escape(harmless(title))}</title>{ends}'
        f'<svg y="7" width="100%" height="{_HEIGHT}" overflow="visible">{axis}'
        f'<g stroke="{palette.MUTED}">{lines}</g>{marks}</svg></svg>'
    )


def _slot(slot: int, gap: Gap, y: Callable[[float], str]) -> str:
    """Draw a bar over the range, a dot at the gap (a line of length 0 with round ends) and a dashed limit."""
    left, right = slot - _HALF, slot + _HALF
    return (
        f'<line class="l" x1="{left}%" x2="{right}%" y1="{y(gap.limit)}%" y2="{y(gap.limit)}%" '
        f'stroke="{palette.BEYOND}" stroke-width="1.5" stroke-dasharray="4 3"/>'
        f'<line class="r" x1="{slot}%" x2="{slot}%" y1="{y(gap.low)}%" y2="{y(gap.high)}%" stroke="{palette.INK}" '
        f'stroke-width="2"/><line class="p" x1="{slot}%" x2="{slot}%" y1="{y(gap.value)}%" y2="{y(gap.value)}%" '
        f'stroke="{palette.INK}" stroke-width="7" stroke-linecap="round"/>'
    )


def _tenth_up(share: float) -> float:
    return math.ceil(half_up(share / _STEP, 6)) * _STEP


def _tenth_down(share: float) -> float:
    return math.floor(half_up(share / _STEP, 6)) * _STEP
