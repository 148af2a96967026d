"""Drawings: a mark for each state, an interval in a table cell, a bar of states. Other drawings of a report are in
`funnel`.

SVG with `<title>` first, percent coordinates rounded to 0.1 so that a cell can have any width, no ids. Each number
drawn also stands beside the drawing as text. A page holds some hundred intervals and marks: colours and strokes of
intervals stand once in the style sheet, and marks once in `shapes` (`reports.pdf.sheet` writes both onto each
drawing for an engine that sees neither there).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from audit.vocabulary.numbers import half_up, hundredfold
from audit.vocabulary.text import harmless
from reports.html import palette
from reports.language import Language

LOOKS = {"fail": "f", "pass": "p", "inconclusive": "i", "not_evaluable": "n", "smaller": "s", "": "o"}
"""Short names of looks, as the style sheet knows them."""
_TRIANGLE = "M0-5.5 6 5H-6z"
_OFF_THE_AXIS = "M0-5 7 0 0 5z"
_LEAST_LENGTH = 0.012
_SHIFT_ENDS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_AXIS_ENDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval to draw, in shares."""

    value: float | None
    """The rate; None where only a bound is known, and the interval is all that it can be."""
    low: float
    high: float
    outcome: str
    lower_limit: float | None = None
    upper_limit: float | None = None
    rest: float | None = None


def axis_end(needed: Iterable[float]) -> float:
    """Return the end of an axis from 0 that holds every value in `needed`."""
    largest = max(needed, default=1.0)
    return next((end for end in _AXIS_ENDS if largest <= end * 0.985), 1.0)


def mark(outcome: str) -> Markup:
    """Return the shape of an outcome: triangle, circle, each full or hollow, or dash. Its word stands beside it."""
    colour = palette.STATE[outcome]
    shape = {
        "fail": f'<path d="{_TRIANGLE}" fill="{colour}"/>',
        "pass": f'<circle r="5" fill="{colour}"/>',
        "inconclusive": f'<circle r="4.25" fill="none" stroke="{colour}" stroke-width="1.75"/>',
        "smaller": f'<path d="{_TRIANGLE}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
    }.get(outcome, f'<path d="M-5.5 0H5.5" stroke="{colour}" stroke-width="2"/>')
    return _markup(f'<svg class="m" viewBox="-7 -7 14 14" width="14" height="14" aria-hidden="true">{shape}</svg>')


def shapes() -> Markup:
    """Return the shapes that `row_mark` refers to. A page draws them once."""
    symbols = "".join(
        f'<symbol id="m-{short}" viewBox="-7 -7 14 14">{inside(str(mark(look)))}</symbol>'
        for look, short in LOOKS.items()
    )
    return _markup(f'<svg class="defs" width="0" height="0" aria-hidden="true"><defs>{symbols}</defs></svg>')


def inside(svg: str) -> str:
    """Return the content of a drawing, without its frame."""
    return svg[svg.index(">") + 1 : svg.rindex("</svg>")]


def row_mark(outcome: str) -> Markup:
    """Return the shape of an outcome by reference, because a page holds some hundred of them. Its word stands beside
    it.
    """
    return _markup(f'<svg class="m" aria-hidden="true"><use href="#m-{LOOKS[outcome]}"/></svg>')


def interval(bar: Bar, end: float, title: str) -> Markup:
    """Draw an interval with its mark, the zone beyond the limit behind it, and a line for everyone else. The axis goes
    from 0 to `end`.
    """
    parts = [*_zones(bar, end)]
    if bar.rest is not None:
        parts.append(f'<rect class="e" x="{_place(bar.rest, end)}"/>')
    length = _percent(_number(bar.high, end) - _number(bar.low, end))
    parts.append(f'<rect class="r" x="{_place(bar.low, end)}" width="{length}"/>')
    if bar.value is not None and bar.value > end:
        parts.append(f'<svg x="100%" y="10" overflow="visible"><path d="{_OFF_THE_AXIS}"/></svg>')
    elif bar.value is not None:
        parts.append(_point(bar.outcome, _place(bar.value, end)))
    return _titled(f'class="c v k-{LOOKS[bar.outcome]}"', title, parts)


def _zones(bar: Bar, end: float) -> list[str]:
    parts = []
    if bar.lower_limit is not None and bar.lower_limit > 0:
        at = _place(bar.lower_limit, end)
        parts += [f'<rect width="{at}"/>', f'<rect class="l" x="{at}"/>']
    if bar.upper_limit is not None and bar.upper_limit < end:
        at, width = _place(bar.upper_limit, end), _percent(100 - _number(bar.upper_limit, end))
        parts += [f'<rect x="{at}" width="{width}"/>', f'<rect class="l" x="{at}"/>']
    return parts


def _point(outcome: str, at: str) -> str:
    if outcome == "fail":
        return f'<svg x="{at}" y="10" overflow="visible"><path d="{_TRIANGLE}"/></svg>'
    if outcome in ("pass", ""):
        return f'<circle cx="{at}"/>'
    return f'<circle class="h" cx="{at}"/>'


def shift_axis(ends: Iterable[float]) -> float:
    """Return the end of an axis from minus to plus that holds shifts of a score, in shares of its range."""
    furthest = max(map(abs, ends), default=0.0)
    return next((end for end in _SHIFT_ENDS if furthest <= end * 0.985), 1.0)


def shift_chart(
    shift: tuple[float, float, float], margin: float | None, outcome: str, end: float, title: str
) -> Markup:
    """Draw a shift of the score, its lower and its upper end, on an axis from -`end` to `end`; beyond the margin in
    both directions lies the zone, and the line is no shift.
    """

    def place(value: float) -> float:
        return (value + end) / (2 * end)

    value, low, high = map(place, shift)
    lower, upper = (None, None) if margin is None else (place(-margin), place(margin))
    return interval(Bar(value, low, high, outcome, lower, upper, rest=0.5), 1.0, title)


def slope(then: float, now: float, outcome: str, ends: tuple[float, float], title: str) -> Markup:
    """Draw a line from a rate then to the rate now, on a scale between two ends, with the mark of the outcome."""
    colour, (low, high) = palette.STATE[outcome], ends
    first, last = (round(30 - 24 * (share - low) / max(high - low, 0.01), 1) for share in (then, now))
    shape = inside(str(mark(outcome)))
    parts = [
        f'<path d="M6 {first}L66 {last}" fill="none" stroke="{colour}" stroke-width="1.75"/>',
        f'<circle cx="6" cy="{first}" r="2.5" fill="{palette.PAPER}" stroke="{colour}" stroke-width="1.5"/>',
        f'<svg x="66" y="{last}" overflow="visible">{shape}</svg>',
    ]
    return _titled('class="s" viewBox="0 0 74 36" width="74" height="36"', title, parts)


def states(counts: Sequence[tuple[str, int]]) -> Markup:
    """Draw a bar of states: one segment for each outcome, as wide as its share. Its words and counts stand under it."""
    shown = [(outcome, count) for outcome, count in counts if count]
    parts, start = [], 0.0
    for (outcome, _), share in zip(shown, _lengths([count for _, count in shown]), strict=True):
        width = 100 * share
        look = {
            "fail": f'fill="{palette.BEYOND}"',
            "pass": f'fill="{palette.WITHIN_AREA}"',
            "inconclusive": f'fill="{palette.PAPER}" stroke="{palette.UNDECIDED}"',
        }.get(outcome, f'fill="{palette.PAPER}" stroke="{palette.UNDECIDED}" stroke-dasharray="3 3"')
        parts.append(f'<rect x="{_percent(start)}" width="{_percent(width)}" y="1" height="16" {look}/>')
        start += width
    return _markup(f'<svg class="b" width="100%" height="18" aria-hidden="true">{"".join(parts)}</svg>')


@dataclass(frozen=True, slots=True)
class Hundred:
    """A hundred people of a group beside a hundred others, or beside a hundred then: those an error met are marked."""

    title: str
    people: tuple[tuple[str, str, Markup], ...]
    """Name, number of marked people, and drawing."""


def hundred_people(
    language: Language, metric: str, name: str, error: float, rest: float, other: str = ""
) -> Hundred | None:
    """Return the picture of a share of errors beside that of everyone else, or of `other`.

    None where the rate is about neither error, where both shares are the same number of 100, or where one rounds to
    nobody or to everybody and is neither.
    """
    kind = "missed" if metric in MISSED else "wrongly_flagged" if metric in WRONGLY_FLAGGED else ""
    marked = [int(half_up(hundredfold(share), 0)) for share in (error, rest)]
    is_rounded_away = any(
        round(share, 9) not in (0, 1) and count in (0, 100) for share, count in zip((error, rest), marked, strict=True)
    )
    if not kind or marked[0] == marked[1] or is_rounded_away:
        return None
    names = (name, other or language.translations.gettext("everyone else"))
    counts = [language.numbers.count(count) for count in marked]
    return Hundred(
        language.word("hundred", kind),
        tuple((group_name, text, _grid(count)) for group_name, text, count in zip(names, counts, marked, strict=True)),
    )


def _grid(marked: int) -> Markup:
    """Draw ten rows of ten: a square for each marked person, and a dot for each other one. Words stand beside it."""
    squares = "".join(f"M1 {10 * row + 5}h{10 * min(marked - 10 * row, 10)}" for row in range(-(-marked // 10)))
    dots = "".join(
        f"M{10 * first + 5} {10 * row + 5}H96"
        for row in range(10)
        if (first := min(max(marked - 10 * row, 0), 10)) < 10
    )
    others = f'stroke="{palette.RULE_STRONG}" stroke-width="3.5" stroke-dasharray="0.01 9.99" stroke-linecap="round"'
    parts = [
        f'<path d="{squares}" fill="none" stroke="{palette.BEYOND}" stroke-width="8" stroke-dasharray="8 2"/>',
        f'<path d="{dots}" fill="none" {others}/>',
    ]
    size = 'class="h" viewBox="0 0 100 100" width="120" height="120"'
    return _markup(f'<svg {size} aria-hidden="true">{"".join(parts)}</svg>')


def _titled(attributes: str, title: str, parts: Iterable[str]) -> Markup:
    head = f'<svg {attributes} role="img"><title>{escape(harmless(title))}</title>'
    return _markup(head + "".join(parts) + "</svg>")


def _markup(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - numbers and colours of ours; the one text in it is escaped


def _number(value: float, end: float) -> float:
    return round(100 * min(max(value / end, 0.0), 1.0), 1)


def _place(value: float, end: float) -> str:
    return _percent(_number(value, end))


def _percent(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") + "%"


def _lengths(counts: Sequence[int]) -> list[float]:
    """Return the parts of a bar for these counts, as shares of it. Parts too short to be seen are made longer."""
    total = sum(counts)
    is_short = [count < total * _LEAST_LENGTH for count in counts]
    room = 1.0 - _LEAST_LENGTH * sum(is_short)
    long = sum(count for count, short in zip(counts, is_short, strict=True) if not short)
    return [_LEAST_LENGTH if short else room * count / long for count, short in zip(counts, is_short, strict=True)]
