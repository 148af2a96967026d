"""The drawings of the public report: an interval in a table cell, a bar of states, the funnel.

Coordinates are whole per cents of a protected rate's interval, or what a function of `audit.public.figures` gives, and
stand in the row of their group. Nothing else in a row is a number: heights, widths of strokes and colours come from the
style sheet and from shapes that are drawn once, so that the gate need not tell them from counts. The axis is 0 to 100%
everywhere: an axis fitted to the data would tell of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from markupsafe import Markup, escape

from audit.public.figures import (
    FUNNEL_SIZES,
    Place,
    Span,
    funnel_place,
    limits_beside,
    tenth,
    tenth_from_end,
    whole_per_cent,
)
from audit.public.table import PublicRate, PublicRule
from audit.vocabulary.text import harmless
from reports.html import palette
from reports.html.charts import LOOKS, inside, mark
from reports.numbers import Numbers
from reports.public.reading import PublicFinding

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 640, 320, 54, 14, 30
_PLANE: Final = (_WIDTH - _LEFT - 8, _HEIGHT - _TOP - _BOTTOM)
_SIZES: Final = tuple(10**power for power in range(1, 6))
_SHARES: Final = tuple(share / 10 for share in range(0, 11, 2))


def shapes() -> Markup:
    """The shapes that rows refer to, drawn once: marks of states, points of intervals, marks of the funnel."""
    marks = "".join(
        f'<symbol id="m-{short}" viewBox="-7 -7 14 14">{inside(str(mark(look)))}</symbol>'
        for look, short in LOOKS.items()
        if look
    )
    points = (
        '<path id="p-f" d="M0 4.5 6 15H-6z"/><circle id="p-p" cy="10" r="4.5"/>'
        f'<circle id="p-i" cy="10" r="4" fill="{palette.PAPER}" stroke-width="2"/>'
        '<circle id="p-o" cy="10" r="4.5"/><path id="p-n" d="M0 10z"/>'
    )
    in_funnel = (
        f'<path id="f-f" d="M0-6 6 5H-6z" fill="{palette.BEYOND}"/>'
        f'<circle id="f-p" r="4" fill="{palette.WITHIN}"/>'
        f'<circle id="f-i" r="3.5" fill="none" stroke="{palette.UNDECIDED}" stroke-width="1.25"/>'
    )
    # On a plane that is stretched a mark is drawn by its vertex, and stretched back.
    back = f'transform="scale({100 / _PLANE[0]:.4f} {100 / _PLANE[1]:.4f})"'
    at_vertices = "".join(
        f'<marker id="v-{look}" markerUnits="userSpaceOnUse" overflow="visible"><use href="#f-{look}" {back}/></marker>'
        for look in "fpi"
    )
    return _markup(
        '<svg class="defs" width="0" height="0" aria-hidden="true">'
        f"<defs>{marks}{points}{in_funnel}{at_vertices}</defs></svg>"
    )


def row_mark(outcome: str, word: str = "") -> Markup:
    """The shape of an outcome in a row, by reference: its word stands beside it, or is said with it."""
    if not outcome:
        return Markup("")
    said = f'role="img" aria-label="{escape(harmless(word))}"' if word else 'aria-hidden="true"'
    return _markup(f'<svg class="m" {said}><use href="#m-{LOOKS[outcome]}"/></svg>')


def interval(finding: PublicFinding, title: str) -> Markup:
    """An interval with its mark, the zone beyond the limit behind it, and a line for everyone else; axis 0 to 100%."""
    rate = finding.rate
    low = rate.low if rate.low is not None else rate.at_least
    high = rate.high if rate.high is not None else rate.at_most
    if low is None and high is None:
        return Markup("")
    start, end = (0 if low is None else whole_per_cent(low)), (100 if high is None else whole_per_cent(high))
    parts = [*_zones(finding.limits)]
    if finding.rest is not None:
        parts.append(f'<rect class="e" x="{_plain(tenth(finding.rest))}%"/>')
    # An end that is not known lies at the end of the axis: it is left out, and the style sheet has it.
    at = f' x="{start}%"' if low is not None else ""
    length = f' width="{end - start}%"'
    parts.append(f'<rect class="i"{at}{length}/>')
    if rate.value is not None:
        parts.append(f'<use href="#p-{LOOKS[finding.outcome]}" x="{_plain(tenth(rate.value))}%"/>')
    return _markup(
        f'<svg class="c k-{LOOKS[finding.outcome]}" role="img"><title>{escape(harmless(title))}</title>'
        + "".join(parts)
        + "</svg>"
    )


def _zones(limits: tuple[float | None, float | None]) -> Iterable[str]:
    low, high = limits
    if low is not None and low > 0:
        yield f'<rect class="z" width="{_plain(tenth(low))}%"/>'
    if high is not None and high < 1:
        yield f'<rect class="z" x="{_plain(tenth(high))}%" width="{_plain(tenth_from_end(high))}%"/>'


def bar_of_states(spans: Mapping[str, Span], title: str) -> Markup:
    """A bar of states: one segment a state, as long as its share of the groups."""
    parts = [
        f'<rect class="s-{outcome}" x="{_plain(span.start)}%" width="{_plain(span.length)}%"/>'
        for outcome, span in spans.items()
    ]
    if not parts:
        return Markup("")
    return _markup(f'<svg class="b" role="img"><title>{escape(harmless(title))}</title>{"".join(parts)}</svg>')


def funnel(
    findings: Sequence[PublicFinding],
    everyone: PublicRate,
    rule: PublicRule,
    curves: Sequence[Sequence[Place]],
    title: str,
    numbers: Numbers,
    short: Mapping[str, str],
) -> Markup:
    """The rate of each group over its protected number of cases, with the curves of chance round everyone's rate."""
    shown = [each for each in findings if each.rate.value is not None and each.cases is not None]
    plane = (
        f'x="{_LEFT}" y="{_TOP}" width="{_PLANE[0]}" height="{_PLANE[1]}"'
        ' viewBox="0 0 100 100" preserveAspectRatio="none"'
    )
    lines = "" if everyone.value is None else "".join(_lines(everyone.value, rule, curves))
    marks = "".join(_marks(shown, short))
    return _markup(
        f'<svg class="f" role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}"><title>{escape(harmless(title))}</title>'
        f"{''.join(_axes(numbers))}"
        f'<svg {plane} overflow="hidden">{lines}</svg>'
        f'<svg {plane} overflow="visible">{marks}</svg></svg>'
    )


def _axes(numbers: Numbers) -> Iterable[str]:
    text = f'font-size="15" fill="{palette.MUTED}"'
    width, height = _PLANE
    for share in _SHARES:
        y = _TOP + height * (1 - share)
        yield f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - 8}" stroke="{palette.RULE}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 5:.1f}" text-anchor="end" {text}>{numbers.percent(share)}</text>'
    for size in _SIZES:
        place = funnel_place(size, 0.0)
        x = _LEFT + width * float(place.x) / 100
        anchor = "end" if size == FUNNEL_SIZES[1] else "middle"
        x += 8 if anchor == "end" else 0
        yield f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}" {text}>{numbers.count(size)}</text>'


def _lines(value: float, rule: PublicRule, curves: Sequence[Sequence[Place]]) -> Iterable[str]:
    """Everyone's rate, the limit beside it, and the curves, in the row of everyone."""
    attributes = 'data-g="everyone" fill="none" vector-effect="non-scaling-stroke"'
    for curve in curves:
        path = "L".join(f"{_plain(place.x)} {_plain(place.y)}" for place in curve)
        yield f'<path class="curve" {attributes} d="M{path}"/>'
    if curves and curves[0]:
        ends = f"{_plain(curves[0][0].x)}", f"{_plain(curves[0][-1].x)}"
        for kind, share in (("all", value), *(("limit", end) for end in limits_beside(value, rule) if end is not None)):
            y = _plain(tenth_from_end(share))
            yield f'<path class="{kind}" {attributes} d="M{ends[0]} {y}H{ends[1]}"/>'


def _marks(findings: Sequence[PublicFinding], short: Mapping[str, str]) -> Iterable[str]:
    """Those that cannot be told at the back, those beyond the limit in front: a path each, with a mark at each point.

    The rows of the points stand in `data-g`, in the order of the points: the gate reads them so.
    """
    for look in "ipf":
        members = sorted((each for each in findings if _mark_of(each) == look), key=lambda each: each.key)
        points = [
            f"{_plain(place.x)} {_plain(place.y)}"
            for place in (funnel_place(each.cases or 0, each.rate.value or 0.0) for each in members)
        ]
        if points:
            ends = "".join(f' marker-{place}="url(#v-{look})"' for place in ("start", "mid", "end"))
            path = "L".join(points if len(points) > 1 else points * 2)  # a point alone has no length, and no mark
            rows = " ".join(short[each.key] for each in members)
            yield f'<path{ends} fill="none" data-g="{rows}" d="M{path}"/>'


def _mark_of(finding: PublicFinding) -> str:
    return LOOKS[finding.outcome if finding.outcome in ("fail", "pass") else "inconclusive"]


def _plain(number: Decimal) -> str:
    return f"{number:f}".removesuffix(".0")


def _markup(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - numbers and shapes of ours; every text in it is escaped
