"""Views of a portal for its templates: a row for each system, and its history audit by audit, already in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from audit.public.site import PublicAudit, State, site_row
from audit.public.table import group_key
from reports.harms import route_in_words, use_in_words
from reports.html.charts import mark
from reports.html.resolution import PARAGRAPH_7K, PARAGRAPH_10
from reports.portal.figures import Figures, changes
from reports.portal.systems import System, is_expired
from reports.portal.trend import LAST, level, trend
from reports.portal.words import PortalWords

_NAMED_FIRST = 10


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group below a limit."""

    row: str
    """The row whose numbers stand beside it."""
    name: str
    rate: str
    """The rate with its interval and its name, because groups are listed over all limits."""


@dataclass(frozen=True, slots=True)
class AuditView:
    """One audit in words."""

    audit: PublicAudit
    outcome: str
    """The verdict, or `expired` for a pass that is no longer valid."""
    word: str
    sentence: str
    day: str
    until: str
    """The last day of validity. Empty where nobody declared one."""
    expired: bool
    rate: str
    range: str
    chart: Markup
    tallies: list[tuple[str, str]]
    furthest: GroupView | None
    below: tuple[GroupView, ...]
    """The first of the groups below a limit."""
    below_more: int
    changes: list[str]
    """The changes since the audit before. Empty for the first."""
    notes: list[str]
    waivers: list[str]
    """The waivers: who answers for which finding, and until when."""
    folder: str
    """The place of the copies of its files, from the root of the site."""
    previous: AuditLink | None = None
    following: AuditLink | None = None


@dataclass(frozen=True, slots=True)
class AuditLink:
    """A link to the audit before or after."""

    name: str
    day: str
    title: str
    """The system and its version, to distinguish audits of one day."""


@dataclass(frozen=True, slots=True)
class Row:
    """A system in a list."""

    system: System
    state: State
    word: str
    latest: AuditView
    rate_name: str
    trend: Markup
    several: bool
    """Whether there are several audits, so that a trend is shown."""
    use: str
    route: str


class ViewWriter:
    """Writer of the views of systems, in one language."""

    def __init__(self, figures: Mapping[str, Figures], portal_words: PortalWords, today: str) -> None:
        self._figures = figures
        self._portal_words = portal_words
        self._today = today
        self._rows: dict[str, Row] = {}

    def constants(self) -> dict[str, Any]:
        """Return the values that every template may use."""
        return {"mark": mark, "paragraph_10": PARAGRAPH_10, "paragraph_7k": PARAGRAPH_7K}

    def row(self, system: System) -> Row:
        """Return a system as lists show it."""
        if system.page not in self._rows:
            latest = self._figures[system.latest.name]
            about = latest.release.about
            last = system.audits[-LAST:]
            shown = [
                (audit.name, audit.release.headline.outcome, self._figures[audit.name].everyone(latest.metric))
                for audit in last
            ]
            name = self._portal_words.rate_name(latest.metric, latest)
            title = self._portal_words.t.ngettext(
                "%(rate)s among everyone, in the latest audit",
                "%(rate)s among everyone, in the last %(count)s audits, the oldest first",
                len(last),
            ) % {"rate": name, "count": self._portal_words.n.count(len(last))}
            self._rows[system.page] = Row(
                system=system,
                state=system.state,
                word=self._portal_words.state(system.state),
                latest=self._view(system.latest, latest.metric),
                rate_name=name,
                trend=trend(shown, title, self._portal_words.n),
                several=len(last) > 1,
                use=use_in_words(about.use, self._portal_words.language),
                route=route_in_words(about.route, self._portal_words.language),
            )
        return self._rows[system.page]

    def history(self, system: System) -> list[AuditView]:
        """Return every audit of a system, the latest first. The rate shown is the latest audit's in each of them, so
        that they compare.
        """
        metric = self._figures[system.latest.name].metric
        links = [
            AuditLink(audit.name, self._portal_words.language.date(about.finished), about.title)
            for audit in system.audits
            for about in (audit.release.about,)
        ]
        around = [None, *links, None]
        before: list[PublicAudit | None] = [None, *system.audits]
        views = [
            self._view(audit, metric, before[place], (around[place], around[place + 2]))
            for place, audit in enumerate(system.audits)
        ]
        return views[::-1]

    def _view(
        self,
        audit: PublicAudit,
        metric: str,
        before: PublicAudit | None = None,
        beside: tuple[AuditLink | None, AuditLink | None] = (None, None),
    ) -> AuditView:
        figures, portal_words = self._figures[audit.name], self._portal_words
        release, rate = figures.release, figures.everyone(metric)
        until = release.about.valid_until
        expired = is_expired(audit, self._today)
        lapsed = expired and release.headline.outcome == "pass"
        named = tuple(self._group(figures, place) for place in range(min(len(figures.below), _NAMED_FIRST)))
        return AuditView(
            audit=audit,
            outcome="expired" if lapsed else release.headline.outcome,
            word=portal_words.state("expired" if lapsed else release.headline.outcome),
            sentence=portal_words.sentence(release),
            day=portal_words.language.date(release.about.finished),
            until="" if until is None else portal_words.language.date(until),
            expired=expired,
            rate=portal_words.rate(rate),
            range=portal_words.range(rate),
            chart=level(audit.name, rate, portal_words.rate_name(metric, figures)),
            tallies=portal_words.tallies(figures),
            furthest=named[0] if named else None,
            below=named,
            below_more=len(figures.below) - len(named),
            changes=[] if before is None else [portal_words.change(each) for each in changes(before.release, release)],
            notes=portal_words.notes(release),
            waivers=portal_words.waivers(figures),
            folder=f"reports/{audit.name}",
            previous=beside[0],
            following=beside[1],
        )

    def _group(self, figures: Figures, place: int) -> GroupView:
        word, rate = figures.below[place]
        return GroupView(
            row=site_row(figures.audit.name, group_key(word.group)),
            name=self._portal_words.names(figures).group(word.group),
            rate=self._portal_words.named_rate(rate, figures),
        )
