"""Pages written for a browser; and read as one would: html5lib's tree, and a few questions to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

import html5lib


class Written(dict[str, Path]):
    """Reports by their name, each rendered and written into a folder when it is first asked for."""

    def __init__(self, folder: Path, renders: Mapping[str, Callable[[], str]]) -> None:
        super().__init__()
        self.folder, self.renders = folder, renders

    def __missing__(self, name: str) -> Path:
        self[name] = self.folder / f"{name}.html"
        self[name].write_text(self.renders[name](), encoding="utf-8")
        return self[name]


def parsed(html: str) -> Element:
    """The document as a tree, to be read only; a parse error is an error."""
    return _many_small(html) if len(html) < 30_000 else _few_large(html)


def _parsed(html: str) -> Element:
    parser = html5lib.HTMLParser(namespaceHTMLElements=False, strict=False)
    document: Element = parser.parse(html)
    assert not parser.errors, parser.errors[:3]
    return document


_few_large, _many_small = lru_cache(maxsize=8)(_parsed), lru_cache(maxsize=128)(_parsed)


def tag(element: Element) -> str:
    """The name of an element without its namespace; empty for a comment."""
    name: object = element.tag
    return name.rpartition("}")[2] if isinstance(name, str) else ""


def find_all(root: Element, *names: str) -> Iterator[Element]:
    """All elements with one of these names, in the order of the document."""
    return (element for element in root.iter() if tag(element) in names)


def text(element: Element) -> str:
    """The text of an element with its spaces collapsed, as a reader sees it; what a drawing is titled left out."""
    return " ".join("".join(_visible(element)).split())


def _visible(element: Element) -> Iterator[str]:
    if tag(element) in ("title", "style"):
        return
    yield element.text or ""
    for child in element:
        yield from _visible(child)
        if tag(child) in ("td", "th", "li", "p", "dt", "dd", "tr", "small", "span"):
            yield " "
        yield child.tail or ""


def section(root: Element, name: str) -> Element:
    """The section that is labelled by the heading with this id."""
    return next(element for element in root.iter() if element.get("aria-labelledby") == name)


def part_of(html: str, name: str) -> Element:
    """The same, read alone: a tenth of the work of a whole page. No section holds another."""
    start = re.search(rf'<section [^>]*aria-labelledby="?{re.escape(name)}"?[ >]', html)
    assert start, name
    part = html[start.start() : html.index("</section>", start.end())]
    assert "<section" not in part[1:], "it would end with the first that it holds"
    return section(parsed(f"<!doctype html><title></title>{part}</section>"), name)


def structure(root: Element) -> list[tuple[str, tuple[str, ...]]]:
    """Every element with the names of its attributes: what markup there is, without what it says."""
    return [(tag(element), tuple(sorted(map(str, element.attrib)))) for element in root.iter()]


WORD_OF = r"(?:^|; |, )%s(?:, [^;:]+)?: ([^:;(]+)"
"""The word of a rate in a head of rows, as in: Found: cannot tell: too few cases; Wrongly flagged: within the limit."""


class Judged(NamedTuple):
    """A verdict on a page: the head of its rate, whom it is on, its word, and the cells that it stands in."""

    rate: str
    group: str
    word: str
    cells: list[str]
    row: Element


def verdicts_on(root: Element) -> list[Judged]:
    """Every verdict on a restricted page: those of rows in full, then of rates side by side that are not among them."""
    shown: list[Judged] = []
    in_full: set[tuple[str, str]] = set()
    for table in find_all(root, "table"):
        kinds = (table.get("class") or "").split()
        if "findings" in kinds:
            rows = list(_in_full(table))
            in_full |= {(each.rate, each.group) for each in rows}
            shown += rows
        elif "rates" in kinds:
            shown += [each for each in _side_by_side(table) if (each.rate, each.group) not in in_full]
            in_full = set()
    return shown


def _in_full(table: Element) -> Iterator[Judged]:
    rate = [text(cell) for cell in find_all(next(find_all(table, "thead")), "th")][3]
    for row in find_all(next(find_all(table, "tbody")), "tr"):
        cells = [text(cell) for cell in row]
        word = next((text(each) for each in find_all(row, "b")), "")
        yield Judged(rate, cells[0].partition(" (in this set")[0], word, cells, row)


def _side_by_side(table: Element) -> Iterator[Judged]:
    rates = [text(cell) for cell in find_all(next(find_all(table, "thead")), "th")][1::3]
    for body in find_all(table, "tbody"):
        head, *rows = find_all(body, "tr")
        title = text(head) if head[0].get("scope") == "rowgroup" else ""
        for row in rows if title else [head, *rows]:
            cells = [text(cell) for cell in row]
            for place, rate in enumerate(rates):
                word = re.search(WORD_OF % re.escape(rate), title)
                beside = [cells[0], *cells[1 + 3 * place : 4 + 3 * place], title]
                yield Judged(rate, cells[0], word[1].strip() if word else "", beside, row)
