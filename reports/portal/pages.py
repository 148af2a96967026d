"""Pages of a portal: the ones in each language, and the values that their templates get."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader

from audit.public.site import PublicSite
from reports.html.environment import Finished, environment, isolated
from reports.html.spaces import spaced
from reports.language import Language
from reports.languages import language as language_of
from reports.portal.feed import feed
from reports.portal.figures import Figures
from reports.portal.index import index_document
from reports.portal.systems import STATES, Operator, operators
from reports.portal.views import ViewWriter
from reports.portal.words import PortalWords

_HERE: Final = Path(__file__).with_name("templates")
_REPORTS: Final = Path(__file__).parents[1] / "html" / "templates"


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of a page, and how the other pages are reached from it."""

    path: str
    """The path within its language."""
    language: str
    first: str
    """The language at the root."""

    @property
    def file(self) -> str:
        """The path of the page in the site."""
        return self.path if self.language == self.first else f"{self.language}/{self.path}"

    @property
    def up(self) -> str:
        """The way to the first page of its language."""
        return "../" * self.path.count("/")

    @property
    def root(self) -> str:
        """The way to the root of the site."""
        return "../" * self.file.count("/")

    def other(self, code: str) -> str:
        """Return the way to the same page in another language."""
        return self.root + _Place(self.path, code, self.first).file


def pages(site: PublicSite) -> dict[str, bytes]:
    """Return every file of the portal, except the copies of releases and reports."""
    listed = operators(site)
    figures = {audit.name: Figures(audit) for audit in site.audits}
    made: dict[str, bytes] = {"index.json": index_document(site, listed, figures)}
    for code in site.languages:
        made |= _Writer(site, listed, figures, language_of(code), code).write()
    first = PortalWords(language_of(site.languages[0]))
    systems = [system for operator in listed for system in operator.systems]
    made["feed.xml"] = feed(site, systems, first.t.gettext("Audits published here"), first)
    return made


@cache
def _environment(language: Language) -> Environment:
    return environment(language).overlay(loader=FileSystemLoader([_HERE, _REPORTS]))


class _Writer:
    """Writer of the pages of one language."""

    def __init__(
        self,
        site: PublicSite,
        listed: tuple[Operator, ...],
        figures: Mapping[str, Figures],
        language: Language,
        code: str,
    ) -> None:
        self._site = site
        self._listed = listed
        self._language = language
        self._code = code
        self._portal_words = PortalWords(language)
        self._views = ViewWriter(figures, self._portal_words, site.today)
        self._templates = _environment(language)
        running = self._portal_words.t.gettext("Protected figures: none is an exact count")
        style = self._templates.get_template("style.css").render(notice=running)
        self._style = style + self._templates.get_template("site.css").render()
        self._digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()

    def write(self) -> dict[str, bytes]:
        """Return each page by its path in the site."""
        return {place.file: text.encode() for place, text in self._pages()}

    def _pages(self) -> Iterator[tuple[_Place, str]]:
        t = self._portal_words.t
        yield self._list("index.html", None, t.gettext("Audits published here"))
        for state in STATES:
            yield self._list(f"state-{state}.html", state, self._portal_words.state(state))
        for operator in self._listed:
            title = t.gettext("Summary for reporting")
            yield self._page(
                operator.page,
                "operator.html",
                f"{title}: {operator.name}",
                operator=operator,
                rows=[self._views.row(system) for system in operator.systems],
                by_state=self._by_state([operator]),
            )
        systems = [system for operator in self._listed for system in operator.systems]
        around = [None, *systems, None]
        for place, system in enumerate(systems):
            yield self._page(
                system.page,
                "system.html",
                system.name,
                system=system,
                row=self._views.row(system),
                history=self._views.history(system),
                owner_page=next(operator.page for operator in self._listed if operator.name == system.owner),
                beside=(around[place], around[place + 2]),
            )

    def _list(self, path: str, state: str | None, title: str) -> tuple[_Place, str]:
        shown = [
            (operator, [self._views.row(system) for system in operator.systems if state in (None, system.state)])
            for operator in self._listed
        ]
        return self._page(
            path,
            "list.html",
            title,
            state=state,
            shown=[(operator, rows) for operator, rows in shown if rows],
            by_state=self._by_state(self._listed),
        )

    def _by_state(self, listed: tuple[Operator, ...] | list[Operator]) -> list[tuple[str, str, int]]:
        systems = [system for operator in listed for system in operator.systems]
        return [
            (state, self._portal_words.state_in_short(state), sum(system.state == state for system in systems))
            for state in STATES
        ]

    def _page(self, path: str, template: str, title: str, **values: Any) -> tuple[_Place, str]:
        place = _Place(path, self._code, self._site.languages[0])
        methods = [audit.release.table.method for audit in self._site.audits]
        body = self._templates.get_template(template).render(
            title=title,
            place=place,
            site=self._site,
            audits=len(self._site.audits),
            systems=sum(len(operator.systems) for operator in self._listed),
            language=self._language,
            portal_words=self._portal_words,
            largest_change=max(method.largest_change for method in methods),
            floor=min(method.floor for method in methods),
            **self._views.constants(),
            **values,
        )
        body = spaced(body, self._language)
        body = isolated(body) if self._language.direction == "rtl" else body
        if not self._language.is_english:
            body = body.replace("<bdi>", '<bdi lang="">')  # in a language that nobody has named
        others = [(language_of(code), place.other(code)) for code in self._site.languages]
        page = self._templates.get_template("site.html").render(
            title=title,
            body=Finished(body.rstrip("\n")),
            place=place,
            language=self._language,
            others=others if len(others) > 1 else [],
            style=Finished(self._style),
            style_digest=self._digest,
        )
        return place, page.rstrip("\n") + "\n"
