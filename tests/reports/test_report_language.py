"""Every sentence of the page comes through the catalog, so that a catalog is all that a further language needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from gettext import NullTranslations
from xml.etree.ElementTree import Element

from made_pages import parsed, tag

from audit.result import AuditResult
from reports.html import render_page
from reports.language import ENGLISH, Language

INLINE = ("b", "strong", "small", "a", "sub")
NOT_SENTENCES = ("style", "bdi", "code", "blockquote", "svg")


class Bracketed(NullTranslations):
    """A language in which every message stands in brackets: text outside of them came from nowhere."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


def sentences(element: Element) -> Iterator[str]:
    """The text of each block of the page, without what others wrote (`bdi`), code, quotes and drawings."""
    own: list[str] = []

    def inline(part: Element) -> Iterator[str]:
        own.append(part.text or "")
        for child in part:
            name = tag(child)
            if name in INLINE:
                yield from inline(child)
            elif name not in NOT_SENTENCES and child.get("class") != "math":
                yield from sentences(child)
                own.append("\n")
            own.append(child.tail or "")

    yield from inline(element)
    yield from "".join(own).split("\n")


def data(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for value in part.values():
            yield from data(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from data(value)
    elif isinstance(part, str):
        yield part


def letters(text: str) -> str:
    return " ".join(re.findall(r"[^\W\d_]+", text)).casefold()


def outside_brackets(text: str) -> str:
    before = ""
    while before != text:
        before, text = text, re.sub("⟦[^⟦⟧]*⟧", "", text)
    return letters(text)


def test_no_sentence_bypasses_the_catalog(further: AuditResult) -> None:
    failing = further
    page = parsed(render_page(failing, Language("qps", "ltr", Bracketed())))
    told = {outside_brackets(sentence) for sentence in sentences(page)} - {""}
    known = " | ".join({letters(text) for text in data(failing.model_dump(mode="json"))})
    made = failing.provenance
    known += " | " + letters(f"{made.tool}, Python {made.python}, {made.platform}")
    known += " | " + letters(" ".join(sorted(made.packages)))
    known += " | gender nationality | november | d | ρ ρ | none"
    assert {piece for piece in told if piece not in known} == set()
    assert len(told) > 100, "names of groups are data and stand outside"


def test_direction_and_language_stand_on_the_root(failing: AuditResult) -> None:
    root = parsed(render_page(failing, Language("ar", "rtl")))
    assert (root.get("lang"), root.get("dir")) == ("ar", "rtl")


def test_dates_are_written_out_and_nonsense_is_left_alone() -> None:
    assert ENGLISH.date("2026-11-04T09:00:00Z") == "4 November 2026"
    assert ENGLISH.date("soon") == "soon"


def test_the_style_sheet_uses_logical_directions_only(failing_html: str) -> None:
    style = failing_html[failing_html.index("<style>") : failing_html.index("</style>")]
    physical = (
        r"(?:margin|padding|border|inset)-(?:left|right|top|bottom)|text-align:(?:left|right)|[;{](?:left|right):"
    )
    assert not re.findall(physical, style)
