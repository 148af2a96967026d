"""Every string of a result may be someone's attempt: it stays text, in the order and on the line where it stands."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from made_pages import find_all, parsed, structure, text
from made_results import UNDECIDED, hostile_result, sample_result
from made_second_looks import further_result

from audit.result import AuditResult
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
)
SMALL = replace(UNDECIDED, rows=200, countries=("GHA", "NPL"))
UNSEEN = re.compile(
    "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]"
)


def hostile(payload: str) -> AuditResult:
    return further_result(hostile_result(payload, SMALL), lambda told: f"{told}{payload}")


@pytest.fixture(scope="module")
def honest() -> list[tuple[str, tuple[str, ...]]]:
    return structure(parsed(HtmlReporter().render(hostile(" and ordinary words"))))


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_it_makes_no_element_and_no_attribute(payload: str, honest: list[tuple[str, tuple[str, ...]]]) -> None:
    html = HtmlReporter().render(hostile(payload))
    root = parsed(html)
    assert structure(root) == honest
    assert not UNSEEN.search(html)
    title = text(next(find_all(root, "h1")))
    assert title.startswith("Recruitment-advert screener 2.3")
    if payload.isprintable():
        assert " ".join(f"Recruitment-advert screener 2.3{payload}".split()) == title


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_it_stays_text_in_xml(payload: str) -> None:
    sample = replace(SMALL, code=lambda code: f"{code}{payload}", text=lambda told: f"{told}{payload}")
    xml = JunitReporter().render(sample_result(sample))
    root = ET.fromstring(xml)
    calm = ET.fromstring(JunitReporter().render(sample_result(SMALL)))
    assert [(element.tag, sorted(element.attrib)) for element in root.iter()] == [
        (element.tag, sorted(element.attrib)) for element in calm.iter()
    ]
    assert not UNSEEN.search(xml)


def test_every_text_a_result_holds_reaches_the_page() -> None:
    """So that the payloads above have been where they can do harm."""
    html = HtmlReporter().render(
        further_result(
            hostile_result("ZQX", replace(SMALL, rows=4_000, gaps={("woman", "GHA"): (0.1, 0.1)}, found=0.9)),
            lambda told: f"{told}ZQX",
        )
    )
    page = text(parsed(html))
    for told in (
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
        "a limit is not metZQX”.ZQX",
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
        "victims of traffickingZQX",
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
        "without positivesZQX",
    ):
        assert told in page, told
