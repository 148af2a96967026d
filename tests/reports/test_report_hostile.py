"""Every string of a result may be someone's attempt: it stays text, in the order and on the line where it stands."""

from __future__ import annotations

import csv
import io
import re
from functools import cache
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.hostile import KEPT, Field, everything, everywhere, open_fields, rewritten
from made.pages import find_all, parsed, structure, text
from made.replaced import replaced

from audit.result.audit_result import AuditResult
from audit.result.findings.further import Further
from reports.group_counts import counts_csv
from reports.html import HtmlReporter
from reports.junit import JunitReporter

PAYLOADS = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</svg><script>alert(1)</script>",
    "</table><img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='",
    "` onload=alert(1) `",
    " onclick=alert(1) ",
    "javascript:alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<base href=//example.org/>",
    "<meta http-equiv=refresh content='0;url=//example.org'>",
    "<link rel=stylesheet href=//example.org>",
    "<style>*{display:none}</style>",
    "<details open ontoggle=alert(1)>",
    "<!--",
    "--><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?>",
    "&lt;script&gt;",
    "&#60;script&#62;",
    "{{ 7*7 }}{% raw %}",
    "%(count)s %s %d %",
    "}body{display:none}",
    "\\3c script",
    "<plaintext>",
    "<textarea><noscript>",
    "\u202ereversed\u202c",
    "\u2066isolated",
    "\u2067\u2069\u2069\u2069",
    "\u200e\u200f\u061c",
    "\x00\x01\x08\x0b\x1b[31m\x7f\x9b",
    "\ufeff\ufffe\uffff",
    "line\nbreak\r\u2028\u2029",
    "=HYPERLINK(1)",
    "]]>",
    "\U000e0041\U000e007f",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1",
    "-1",
    "\t=1+1",
    "\uff1d1\uff0b1",
    "\u0430\u0440\u0440l\u0435",
    "\u200b\u2060\ufeffunseen",
    "long" * 75,  # more than any form shows of a text
    "a\u0301" * 120,
)
TOGETHER = tuple("".join(PAYLOADS[place : place + 12]) for place in range(0, len(PAYLOADS), 12))
"""Several at a time: a page is not made in no time. What one leaves open, the next would close in the same text."""
UNSEEN = re.compile(
    "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]"
)


@cache
def hostile(payload: str) -> AuditResult:
    return everywhere(lambda shown: f"{shown}{payload}")


@pytest.fixture(scope="module")
def honest() -> list[tuple[str, tuple[str, ...]]]:
    return structure(parsed(HtmlReporter().render(hostile(" and ordinary words"))))


@pytest.mark.parametrize("payload", TOGETHER, ids=range(len(TOGETHER)))
def test_it_makes_no_element_and_no_attribute(payload: str, honest: list[tuple[str, tuple[str, ...]]]) -> None:
    html = HtmlReporter().render(hostile(payload))
    root = parsed(html)
    assert structure(root) == honest
    assert not UNSEEN.search(html)
    title = text(next(find_all(root, "h1")))
    assert title.startswith("Recruitment-advert screener 2.3")
    if payload.isprintable():
        assert " ".join(f"Recruitment-advert screener 2.3{payload}".split()) == title


def elements(xml: str) -> list[tuple[str, list[str]]]:
    return [(element.tag, sorted(element.attrib)) for element in ET.fromstring(xml).iter()]


@pytest.fixture(scope="module")
def calm() -> list[tuple[str, list[str]]]:
    return elements(JunitReporter().render(hostile(" and ordinary words")))


@pytest.mark.parametrize("payload", TOGETHER, ids=range(len(TOGETHER)))
def test_it_stays_text_in_xml(payload: str, calm: list[tuple[str, list[str]]]) -> None:
    xml = JunitReporter().render(hostile(payload))
    assert elements(xml) == calm
    assert not UNSEEN.search(xml)


STARTS = tuple(payload for payload in PAYLOADS if not payload[0].isalnum() and payload[0] not in "<&{`'")
"""What may be taken for a formula where a cell begins with it."""


@pytest.fixture(scope="module")
def counted() -> AuditResult:
    """The counts of `everything`, and nothing else that is many."""
    return replaced(everything(), verdicts=(), rows=(), estimates=(), disparities=(), further=Further())


@pytest.mark.parametrize("payload", [*STARTS, *TOGETHER], ids=range(len(STARTS) + len(TOGETHER)))
def test_no_cell_of_the_counts_starts_a_formula(payload: str, counted: AuditResult) -> None:
    written = counts_csv(rewritten(counted, lambda shown: f"{payload}{shown}", set()))
    rows = list(csv.reader(io.StringIO(written), strict=True))
    assert len(rows) > 10
    assert {len(row) for row in rows} == {len(rows[0])}
    for cell in {cell for row in rows for cell in row}:
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
        assert cell.isprintable()
        assert not UNSEEN.search(cell)


def test_nothing_turns_the_direction_of_an_arabic_page() -> None:
    """What a page from right to left isolates is its own, and each begins and ends within one text."""
    payload = "\u202e\u2066x\u2067\u2068\u2069\u200f"
    for page in HtmlReporter().render(hostile(payload), ["ar"]).split("<"):
        assert not re.search("[\u061c\u200e\u200f\u202a-\u202e\u2067\u2068]", page)
        assert page.count("\u2066") == page.count("\u2069")


@given(
    st.text(
        alphabet=st.one_of(
            st.sampled_from("<>&\"'`=+-@\t\r\n\0%{}#/!?[];:()\\\u202e\u2066\u2069\u200f\u200b\ufeff\uffff\U000e0041"),
            st.characters(exclude_categories=["Cs"]),
        ),
        max_size=60,
    )
)
@settings(max_examples=4)  # each a second: a result with every finding is made, rendered and read
def test_any_text_in_any_field_stays_text(honest: list[tuple[str, tuple[str, ...]]], payload: str) -> None:
    made = hostile(f"~{payload}")
    html = HtmlReporter().render(made)
    assert structure(parsed(html)) == honest
    assert not UNSEEN.search(html)
    xml = JunitReporter().render(made)
    assert not UNSEEN.search(xml)
    ET.fromstring(xml)


def test_every_text_of_every_field_took_part() -> None:
    """A field that is added to a plan or a result takes part by itself, or this says that nothing reaches it."""
    reached: set[Field] = set()
    rewritten(everything(), str, reached)
    assert set(open_fields(AuditResult)) - reached - set(KEPT) == set()


def test_every_text_a_result_holds_reaches_the_page() -> None:
    """So that the payloads above have been where they can do harm."""
    html = HtmlReporter().render(hostile("ZQX"))
    page = text(parsed(html))
    for shown in (
        "screener 2.3ZQX",
        "inspection unitZQX",
        "Migration and WorkZQX",
        "June 2026ZQX",
        "officers disagree on.ZQX",
        "GhanaZQX, women",
        "Western AfricaZQX",
        "double-codedZQX",
        "personsZQX",
        "citizenshipZQX",
        "exploitedZQX",
        "yesZQX",
        "noZQX",
        "model.skopsZQX",
        "at least 0.5ZQX",
        "advert_textZQX",
        "nationalityZQX",
        "4,096 rows.ZQX",
        "NGO case files.ZQX",
        "versions used.ZQX",
        "a limit is not met”.ZQX",
        "The head of the unit, at once, on a complaint or where a limit is not metZQX",
        "Head of the unitZQX",
        "September 2026ZQX",
        "unionZQX",
        "found less oftenZQX",
        "does not decideZQX",
        "Audit desk of the inspection unitZQX",
        "without consentZQX",
        "when it endsZQX",
        "at randomZQX",
        "EU AI ActZQX",
        "Article 27(1)(c)ZQX",
        "likely to be affectedZQX",
        "by a lawyer before it is relied on.ZQX",
        "Who is missed?ZQX",
        "fairlearn 0.15.0ZQX",
        "numpyZQX 2.4.6ZQX",
        "x86_64ZQX",
        "The ownerZQX",
        "Being correctedZQX",
        "the same formZQX",
        "channelZQX: messagingZQX",
        "UNODC, 2024ZQX",
        "Inspections of 2023ZQX",
        "Youden’s indexZQX",
    ):
        assert shown in page, shown
