"""Every text of a public release may be someone's attempt: on the public page it stays text, where it stands."""

from __future__ import annotations

import re
from functools import cache

import pytest
from made.pages import find_all, parsed, structure, text
from made.public import hostile, in_languages

from reports.public.html.document import html_file

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
    ' href="#x" id="y" data-l="everyone"',
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
    return structure(parsed(html_file(hostile(" and ordinary words"))))


@pytest.mark.parametrize("payload", TOGETHER, ids=range(len(TOGETHER)))
def test_it_makes_no_element_and_no_attribute(payload: str) -> None:
    html = html_file(hostile(payload))
    root = parsed(html)
    assert structure(root) == honest()
    assert not UNSEEN.search(html)
    title = text(next(find_all(root, "h1")))
    assert title.startswith("Made-up screener (inconclusive)")


def test_the_same_from_right_to_left() -> None:
    payload = '</b><script>1</script>\u202egnp.exe href="#x" data-l="everyone"'
    html = html_file(in_languages(hostile(payload), "ar"))
    ordinary = html_file(in_languages(hostile(" and ordinary words"), "ar"))
    assert structure(parsed(html)) == structure(parsed(ordinary))
    assert re.findall("[\u202a-\u202e\u200e\u200f\u061c]", html) == []
    assert html.count("\u2066") == html.count("\u2069")


def test_what_others_wrote_is_isolated() -> None:
    """Each stands in an element that keeps its direction to itself."""
    root = parsed(html_file(hostile("ZQX")))
    shown = [text(each) for each in find_all(root, "bdi")]
    for own in ("screener (inconclusive)ZQX", "made by handZQX", "advertZQX", "genderZQX", "SomebodyZQX", "BecauseZQX",
                "By letterZQX", "FearedZQX", "Nobody read itZQX"):  # fmt: skip
        assert any(own in each for each in shown), own
