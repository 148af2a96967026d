"""What a page of 800 strata weighs and costs: real names, every text, two limits, a million people (0031)."""

from __future__ import annotations

import sys
from types import FrameType

import pytest
from made.heavy import FEWER, NATIONALITIES, PEOPLE, heavy_release, heavy_result
from made.public import in_languages

from reports.html import HtmlReporter
from reports.public.html.document import html_file

LARGEST = 500_000
LARGEST_PUBLIC = 200_000
CALLS = 1_000_000
PUBLIC_CALLS = 250_000


@pytest.mark.parametrize("code", ["ar", "ru"])
def test_a_public_page_has_a_fifth_of_a_megabyte_at_most(code: str) -> None:
    """In the two languages that are heaviest by a tenth, and of as many people as are heaviest."""
    page = html_file(in_languages(heavy_release(), code))
    assert len(page.encode()) <= LARGEST_PUBLIC


@pytest.mark.parametrize(("code", "people"), [("ar", FEWER), ("ru", FEWER), ("ru", PEOPLE)])
def test_a_restricted_page_has_half_a_megabyte_at_most(code: str, people: int) -> None:
    page = HtmlReporter().render(heavy_result(people), [code])
    assert len(page.encode()) <= LARGEST


def test_the_set_is_as_heavy_as_is_promised() -> None:
    """Somebody in each of 800 strata, and among a million people a row for most of them."""
    result, release = heavy_result(), heavy_release()
    strata = [counts for counts in result.counts if len(counts.group.levels) == 2]
    finest = [counts for counts in strata if counts.group.levels[1].rung == "country"]
    assert len(finest) == 4 * NATIONALITIES
    assert len([row for row in release.rows if row.side == "positives" and len(row.parts) == 2]) > 500
    assert len(release.rules) == 2


@pytest.mark.parametrize(("side", "most"), [("public", PUBLIC_CALLS), ("restricted", CALLS)])
def test_a_language_costs_few_calls(side: str, most: int) -> None:
    """Of functions written in Python, for a second page: .07 s and .56 s when 192,000 and 686,000 were counted."""
    release, result = in_languages(heavy_release(), "ar"), heavy_result(FEWER)

    def page() -> str:
        return html_file(release) if side == "public" else HtmlReporter().render(result, ["ar"])

    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    page()
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        page()
    finally:
        sys.setprofile(before)
    assert 20_000 < calls <= most
