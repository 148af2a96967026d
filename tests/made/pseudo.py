"""A language in which every message stands in brackets, and what a page says outside of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from gettext import NullTranslations
from xml.etree.ElementTree import Element

from made.pages import tag

from reports.language import Language

INLINE = ("b", "strong", "small", "a", "sub")
NOT_SENTENCES = ("style", "bdi", "code", "blockquote", "svg")


class Bracketed(NullTranslations):
    """A language in which every message stands in brackets: text outside of them came from nowhere."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"

    def pgettext(self, context: str, message: str) -> str:
        return f"⟦{message}⟧"


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


PSEUDO = Language("qps", "ltr", Bracketed())
