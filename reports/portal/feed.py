"""`feed.xml`: an Atom feed of the audits, latest first. Ids come from digests and name no host; the time is the day."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from audit.public.site import PublicAudit, PublicSite
from reports.plain_text import xml_text
from reports.portal.systems import System
from reports.portal.words import PortalWords

_ATOM: Final = "http://www.w3.org/2005/Atom"


def feed(site: PublicSite, systems: Sequence[System], title: str, portal_words: PortalWords) -> bytes:
    """Return the feed. Its id is the id of the oldest audit, so that it stays while others are added."""
    pages = {audit.name: system for system in systems for audit in system.audits}
    latest_first = sorted(site.audits, key=lambda audit: (audit.release.about.finished, audit.name), reverse=True)
    root = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": portal_words.language.code})
    _add(root, "title", title)
    _add(root, "id", _urn("feed", latest_first[-1].sha256))
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
    verdict = portal_words.state(audit.release.headline.outcome)
    _add(entry, "title", f"{about.title}: {verdict}")
    _add(entry, "id", _urn("audit", audit.sha256))
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
