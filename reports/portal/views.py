"""Views of a portal for its templates: a row for each system, and its history audit by audit, already in words.

Drawings of a portal: by how much the group that is named was worse off in the last audits, its range, and the limit.

Drawings have presentation attributes, no ids and a title first, as in `reports.html.charts`. One drawing has one axis,
in percentage points from 0 or the lowest range to the highest. The verdict is not drawn: a mark would read as a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup, escape

from audit.public.cases import relied_on
from audit.public.release import PublicRule
from audit.public.site import State
from audit.vocabulary.numbers import half_up
from audit.vocabulary.text import harmless
from reports.harms import route_in_words, use_in_words
from reports.html import palette
from reports.language import Language
from reports.portal.gaps import Figures, Gap, gap_of
from reports.portal.systems import System, is_expired
from reports.portal.words import PortalWords

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
        f'<line x1="{left}%" y1="{y(earlier.gap.value)}%" x2="{right}%" y2="{y(later.gap.value)}%"/>'
        for (left, earlier), (right, later) in pairwise(zip(slots, last, strict=True))
        if earlier.gap is not None and later.gap is not None and earlier.set_id == later.set_id != ""
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


_NAMED_FIRST = 6


class AuditView:
    """One audit, as pages show it beside the gap of a rule like `rule`."""

    def __init__(self, figures: Figures, rule: PublicRule | None, language: Language, today: str) -> None:
        about, outcome = figures.release.about, relied_on(figures.release)
        self.figures, self.audit, self.release = figures, figures.audit, figures.release
        self.expired = is_expired(figures.audit, today)
        self.outcome: State = "expired" if self.expired and outcome == "pass" else outcome
        """The verdict, or `expired` for a pass that is no longer valid."""
        self.day = language.date(about.finished)
        self.until = "" if about.valid_until is None else language.date(about.valid_until)
        """The last day of validity. Empty where nobody declared one."""
        audit_rule = None if rule is None else figures.rule_like(rule)
        self.first = figures.first if outcome == "fail" else None
        """The finding that a fail names; None where no row says who is beyond a limit."""
        named = figures.furthest(audit_rule) if audit_rule is not None and outcome != "fail" else None
        self.gap = named if self.first is None else gap_of(self.first)
        """The gap of that finding; where nothing fails, of the furthest group. None where no rate is known."""
        beyond = (*figures.reading.beyond, *figures.reading.smaller_beyond)
        self.beyond, self.beyond_more = beyond[:_NAMED_FIRST], max(len(beyond) - _NAMED_FIRST, 0)
        """The first groups beyond a limit, or within which a smaller group is; the number of others."""
        self.rules = figures.reading.rules
        self.people = {row.side: row.people for row in figures.release.rows if not row.parts}
        """About how many people of each side were in the test."""


@dataclass(frozen=True, slots=True)
class Row:
    """A system in a list."""

    system: System
    latest: AuditView
    trend: Markup
    """The drawing; empty where no audit has a gap."""
    trend_said: str
    """What the drawing shows, and whether its audits compare."""
    use: str
    route: str


class ViewWriter:
    """Writer of the views of systems, in one language."""

    def __init__(self, figures: Mapping[str, Figures], portal_words: PortalWords, today: str) -> None:
        self._figures = figures
        self._words = portal_words
        self._t = portal_words.t
        self._today = today
        self._rows: dict[str, Row] = {}
        self._histories: dict[str, list[AuditView]] = {}

    def row(self, system: System) -> Row:
        """Return a system as lists show it."""
        if system.page not in self._rows:
            about = system.latest.release.about
            rule = self._rule(system)
            drawn, trend_words = ("", "") if rule is None else self._trend(system, rule)
            self._rows[system.page] = Row(
                system=system,
                latest=self.history(system)[0],
                trend=Markup(drawn),  # noqa: S704 - a drawing, or nothing
                trend_said=trend_words,
                use=use_in_words(about.use, self._words.language),
                route=route_in_words(about.route, self._words.language),
            )
        return self._rows[system.page]

    def history(self, system: System) -> list[AuditView]:
        """Return every audit of a system, the latest first."""
        if system.page not in self._histories:
            rule, language = self._rule(system), self._words.language
            self._histories[system.page] = [
                AuditView(self._figures[audit.name], rule, language, self._today) for audit in system.audits[::-1]
            ]
        return self._histories[system.page]

    def _rule(self, system: System) -> PublicRule | None:
        """Return the rule whose gap is shown of each audit of a system: that of the latest audit's finding, else its
        first.
        """
        latest = self._figures[system.latest.name]
        named = latest.first.rule if latest.first is not None else None
        return named or next(iter(latest.reading.rules), None)

    def _trend(self, system: System, rule: PublicRule) -> tuple[str, str]:
        last = system.audits[-LAST:]
        points = []
        for audit in last:
            figures = self._figures[audit.name]
            audit_rule = figures.rule_like(rule)
            points.append(Point(audit.release.set_id, None if audit_rule is None else figures.furthest(audit_rule)))
        if not any(point.gap for point in points):
            return "", ""
        name = self._words.rate_name(rule.metric, self._figures[system.latest.name])
        text = self._words.language.counted("portal", "trend", len(last), rate=name)
        if any(earlier.set_id != later.set_id for earlier, later in pairwise(points)):
            text += " " + self._t.gettext("Audits that are not joined were of different sets and do not compare.")
        return trend(points, text), text


def counted(states: Sequence[str]) -> dict[str, int]:
    """Count the safeguards in each state, in the order of the states."""
    return {state: states.count(state) for state in ("measured", "declared", "not_shown")}
