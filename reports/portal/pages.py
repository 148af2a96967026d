"""Pages of a portal: the ones in each language, and the values that their templates get.

`feed.xml`: an Atom feed of the audits, latest first. Ids come from digests and name no host; the time is the day.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from jinja2 import Environment

from audit.public.cases import relied_on
from audit.public.site import PublicAudit, PublicPublisher, PublicSite
from reports.html.charts import mark
from reports.html.environment import Finished, environment, isolated, spaced
from reports.html.resolution import PARAGRAPH_7K, PARAGRAPH_10
from reports.language import Language
from reports.languages import language as language_of
from reports.plain_text import capital, xml_text
from reports.portal.gaps import Figures
from reports.portal.index import index_document
from reports.portal.systems import STATES, Operator, System, operators
from reports.portal.views import Row, ViewWriter, counted
from reports.portal.words import PortalWords

_HERE: Final = Path(__file__).with_name("templates")
_MAIL: Final = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SITE: Final = re.compile(r"https://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/-]*)?")


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


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a list: the systems of one verdict, operator or use."""

    anchor: str
    title: str
    outcome: str
    """The verdict whose shape stands beside the title; empty for none."""
    link: str
    """The page of the operator; empty for none."""
    rows: list[Row]


def pages(site: PublicSite) -> dict[str, bytes]:
    """Return every file of the portal, except the copies of releases and reports, and the logo."""
    listed = operators(site)
    systems = tuple(system for operator in listed for system in operator.systems)
    figures = {audit.name: Figures(audit) for audit in site.audits}
    files: dict[str, bytes] = {"index.json": index_document(site, systems, figures)}
    for code in site.languages:
        files |= _Writer(site, listed, figures, language_of(code), code).write()
    first = PortalWords(language_of(site.languages[0]))
    files["feed.xml"] = feed(site, systems, _portal_title(site, first), first)
    return files


def _portal_title(site: PublicSite, words: PortalWords) -> str:
    title = words.t.gettext("Audits published here")
    return f"{title}: {site.publisher.name}" if site.publisher else title


@cache
def _environment(language: Language) -> Environment:
    return environment(language, _HERE)


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
        self._systems = [system for operator in listed for system in operator.systems]
        self._language = language
        self._code = code
        self._words = PortalWords(language)
        self._views = ViewWriter(figures, self._words, site.today)
        self._templates = _environment(language)
        style = self._templates.get_template("style.css").render(notice="")
        self._style = style + self._templates.get_template("site.css").render()
        self._digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()

    def write(self) -> dict[str, bytes]:
        """Return each page by its path in the site."""
        return {address.file: text.encode() for address, text in self._pages()}

    def _pages(self) -> Iterator[tuple[_Place, str]]:
        t = self._words.t
        for path, parts in (
            ("index.html", self._by_verdict()),
            ("by-operator.html", self._by_operator()),
            ("by-use.html", self._by_use()),
        ):
            yield self._page(path, "list.html", t.gettext("Audits published here"), parts=[p for p in parts if p.rows])
        for operator in self._listed:
            title = t.gettext("Summary for reporting")
            yield self._page(
                operator.page,
                "operator.html",
                f"{title}: {operator.name}",
                operator=operator,
                rows=self._rows(operator.systems),
                counted=counted,
                paragraph_7k=PARAGRAPH_7K,
                paragraph_10=PARAGRAPH_10,
            )
        around = [None, *self._systems, None]
        for index, system in enumerate(self._systems):
            yield self._page(
                system.page,
                "system.html",
                system.name,
                system=system,
                row=self._views.row(system),
                history=self._views.history(system),
                owner_page=next(operator.page for operator in self._listed if operator.name == system.owner),
                beside=(around[index], around[index + 2]),
            )

    def _rows(self, systems: tuple[System, ...] | list[System]) -> list[Row]:
        return [self._views.row(system) for system in systems]

    def _by_verdict(self) -> list[_Part]:
        return [
            _Part(
                state, self._words.state(state), state, "", self._rows([s for s in self._systems if s.state == state])
            )
            for state in STATES
        ]

    def _by_operator(self) -> list[_Part]:
        named = sorted(self._listed, key=lambda operator: operator.name)
        return [
            _Part(operator.anchor, operator.name, "", operator.page, self._rows(operator.systems)) for operator in named
        ]

    def _by_use(self) -> list[_Part]:
        ordered = sorted(self._systems, key=lambda system: (system.use, STATES.index(system.state), system.name))
        uses: dict[str, list[Row]] = {}
        for row in self._rows(ordered):
            uses.setdefault(row.system.use_anchor, []).append(row)
        return [_Part(anchor, capital(rows[0].use), "", "", rows) for anchor, rows in uses.items()]

    def _page(self, path: str, template: str, title: str, **values: Any) -> tuple[_Place, str]:
        address = _Place(path, self._code, self._site.languages[0])
        methods = [audit.release.method for audit in self._site.audits]
        publisher = self._site.publisher
        body = self._templates.get_template(template).render(
            title=title,
            place=address,
            site=self._site,
            publisher=publisher,
            own_text=publisher and _own_text(publisher, self._code),
            contact_link=_contact_link(publisher),
            systems=len(self._systems),
            language=self._language,
            words=self._words,
            mark=mark,
            largest_change=max(method.largest_change for method in methods),
            row_of=min(method.row for method in methods),
            **values,
        )
        body = spaced(body, self._language)
        body = isolated(body) if self._language.direction == "rtl" else body
        if not self._language.is_english:
            body = body.replace("<bdi>", '<bdi lang="">')  # in a language that nobody has named
        others = [(language_of(code), address.other(code)) for code in self._site.languages]
        page = self._templates.get_template("site.html").render(
            title=title,
            body=Finished(body.rstrip("\n")),
            place=address,
            language=self._language,
            others=others if len(others) > 1 else [],
            has_logo=publisher is not None and bool(publisher.logo),
            style=Finished(self._style),
            style_digest=self._digest,
        )
        return address, page.rstrip("\n") + "\n"


def _own_text(publisher: PublicPublisher, code: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the publisher's text in a language, else the one in no named language, else the first; and which it is."""
    texts = publisher.texts
    return next(((text_code, texts[text_code]) for text_code in (code, "", *texts) if text_code in texts), None)


def _contact_link(publisher: PublicPublisher | None) -> str:
    """Return the address of a contact that is one; an empty text where it is words."""
    contact = publisher.contact if publisher else ""
    if _MAIL.fullmatch(contact):
        return f"mailto:{contact}"
    return contact if _SITE.fullmatch(contact) else ""


_ATOM: Final = "http://www.w3.org/2005/Atom"


def feed(site: PublicSite, systems: Sequence[System], title: str, portal_words: PortalWords) -> bytes:
    """Return the feed. Its id is the id of the oldest audit, so that it stays while others are added."""
    pages = {audit.name: system for system in systems for audit in system.audits}
    latest_first = sorted(site.audits, key=lambda audit: (audit.release.about.finished, audit.name), reverse=True)
    root = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": portal_words.language.code})
    _add(root, "title", title)
    _add(root, "id", _urn("feed", latest_first[-1].audit))
    _add(root, "updated", _moment(latest_first[0]))
    ET.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": "index.html"})
    ET.SubElement(root, "link", {"rel": "self", "type": "application/atom+xml", "href": "feed.xml"})
    for audit in latest_first:
        root.append(_entry(audit, pages[audit.name], portal_words))
    ET.indent(root, " ")
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _entry(audit: PublicAudit, system: System, portal_words: PortalWords) -> ET.Element:
    about = audit.release.about
    entry = ET.Element("entry", {"xml:id": audit.name})
    verdict = portal_words.state(relied_on(audit.release))
    _add(entry, "title", f"{about.title}: {verdict}")
    _add(entry, "id", _urn("audit", audit.audit))
    _add(entry, "updated", _moment(audit))
    author = ET.SubElement(entry, "author")
    _add(author, "name", about.auditor or about.owner)
    ET.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": f"{system.page}#{audit.name}"})
    until = "" if about.valid_until is None else portal_words.language.date(about.valid_until)
    _add(
        entry,
        "summary",
        f"{portal_words.sentence(audit.release)} {portal_words.valid_until(until)}",
    )
    return entry


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = xml_text(text)


def _moment(audit: PublicAudit) -> str:
    return f"{audit.release.about.finished}T00:00:00Z"


def _urn(kind: str, digest: str) -> str:
    """Return a name-based UUID: the same for the same audit in every portal."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"audit7k {kind} {digest}").urn
