"""Every text of a public release may be someone's attempt: on the public page it stays text, where it stands."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from functools import cache
from itertools import cycle
from urllib.parse import unquote

import pytest
from made.pages import find_all, parsed, structure, text
from made.public import hostile, in_languages, made, page_files

from audit.disclosure.explain import blank, refuse_unexplained
from audit.public.table import group_key
from reports.public.csv_file import PublicCsvReporter
from reports.public.html import PublicHtmlReporter

PAYLOADS = (
    "<script>alert(1)</script>",
    "</style></title></svg><script>alert(1)</script>",
    "</table><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='",
    "javascript:alert(1)",
    "--><script>alert(1)</script><!--",
    "<![CDATA[<script>alert(1)</script>]]>",
    "&lt;script&gt;&#60;",
    "{{ 7*7 }}{% raw %}%(count)s %d {floor} {0}",
    "}body{display:none}\\3c script",
    "\u202ereversed\u202c\u2066isolated\u2069\u2069\u200f\u061c",
    "\x00\x01\x1b[31m\x7f\x9b\ufeff\uffff",
    "line\nbreak\r\u2028\u2029\t",
    "=HYPERLINK(1)",
    ' href="#x" id="y" data-g="everyone"',
    "\U000e0041\U000e007f",
    "data:text/csv,group,n%0Ax,1",
    "Аudіt оf pаypаl",
)
TOGETHER = tuple("".join(PAYLOADS[place : place + 6]) for place in range(0, len(PAYLOADS), 6))
"""Several at a time: a page is not made in no time. What one leaves open, the next would close in the same text."""
UNSEEN = re.compile(
    "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]"
)


@cache
def honest() -> list[tuple[str, tuple[str, ...]]]:
    return structure(parsed(PublicHtmlReporter().render(hostile(" and ordinary words"))))


@pytest.mark.parametrize("payload", TOGETHER, ids=range(len(TOGETHER)))
def test_it_makes_no_element_and_no_attribute(payload: str) -> None:
    html = PublicHtmlReporter().render(hostile(payload))
    root = parsed(html)
    assert structure(root) == honest()
    assert not UNSEEN.search(html)
    title = text(next(find_all(root, "h1")))
    assert title.startswith("Recruitment-advert screener 2.3")
    if payload.isprintable():
        assert title == " ".join(f"Recruitment-advert screener 2.3{payload}".split())


def test_the_same_from_right_to_left() -> None:
    payload = '</b><script>1</script>\u202egnp.exe href="#x" data-g="everyone"'
    html = PublicHtmlReporter().render(in_languages(hostile(payload), "ar"))
    ordinary = PublicHtmlReporter().render(in_languages(hostile(" and ordinary words"), "ar"))
    assert structure(parsed(html)) == structure(parsed(ordinary))
    assert re.findall("[\u202a-\u202e\u200e\u200f\u061c]", html) == []
    assert html.count("\u2066") == html.count("\u2069")


def test_what_others_wrote_is_isolated() -> None:
    """Each stands in an element that keeps its direction to itself."""
    root = parsed(PublicHtmlReporter().render(hostile("ZQX")))
    shown = [text(each) for each in find_all(root, "bdi")]
    for own in (
        "screener 2.3ZQX",
        "inspection unitZQX",
        "Example auditorsZQX",
        "double-codedZQX",
        "advertZQX",
        "genderZQX",
        "thresholdsZQX",
        "audit7k 0.0.0ZQX",
        "the data were seenZQX",
        "true_positive_rateZQX",
    ):
        assert any(own in each for each in shown), own


def test_numbers_in_what_others_wrote_are_the_furniture_of_the_page() -> None:
    """A title with a number is the title's business: it is the same with nothing in the table."""
    release = hostile(" 4711")
    refuse_unexplained(page_files(release), page_files(blank(release)), release)


FORMULAS = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\tx", "a,b", 'a"b', "\uff1d1+1", "\uff0b1", "\uff0d1",
            "\uff201", " =1", "\u00a0=1", "\u3000\uff1d1", "\n=1", "\ufeff=1", "\u200b=1", "\ufe661")  # fmt: skip


def test_no_cell_of_a_table_begins_a_formula() -> None:
    """Each is the name of a level; of countries there are as many as that."""
    release = made("undecided")
    features = tuple(
        feature.model_copy(
            update={
                "levels": tuple(
                    level.model_copy(update={"name": name})
                    for level, name in zip(feature.levels, cycle(FORMULAS), strict=False)
                )
            }
        )
        for feature in release.table.features
    )
    assert max(len(feature.levels) for feature in features) >= len(FORMULAS)
    about = release.about.model_copy(update={"codings": ()})
    table = release.table.model_copy(update={"features": features})
    changed = release.model_copy(update={"table": table, "about": about})
    html = PublicHtmlReporter().render(changed)
    link = next(
        str(each.get("href")) for each in find_all(parsed(html), "a") if each.get("download") == "protected.csv"
    )
    keys = {group_key(row.group) for row in table.groups}
    linked, file = unquote(link.partition(",")[2]), PublicCsvReporter().render(changed)
    for written in (linked, file):
        rows = list(csv.reader(io.StringIO(written)))
        if written is linked:  # a column for each feature, and everyone in the first row
            named = {
                ",".join(f"{head}:{cell}" for head, cell in zip(rows[0][:2], row, strict=False) if cell)
                for row in rows[2:]
            }
        else:
            named = {row[0] for row in rows[1:]}
        assert named <= keys
        cells = [unicodedata.normalize("NFKC", cell).lstrip(" \t\r\n\u200b\ufeff") for row in rows for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
        assert not [cell for row in rows for cell in row if cell.startswith(("\t", "\r", "\n"))]
