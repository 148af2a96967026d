"""The public page in Chromium: on a desk, on a phone, on paper, by keyboard, in forced colours, and to axe."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made.pages import Written
from made.public import UNITED, hostile, in_languages, rare
from made.releases import made_release

from audit.public.release import PublicRelease
from reports.public.html.document import html_file

if TYPE_CHECKING:
    from browser.conftest import Axe, Heard
    from playwright.sync_api import Browser, Page

ATTACK = "</style></title></svg><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
SIDEWAYS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
OPEN_ALL = "document.querySelectorAll('details').forEach(part => part.open = true)"
WORDS = "document.body.innerText.split(/\\s+/).filter(word => /[\\p{L}\\p{N}]/u.test(word)).length"
DESK, PHONE = (1280, 800), (390, 844)


def page_of(release: Callable[[], PublicRelease], *codes: str) -> Callable[[], str]:
    return lambda: html_file(in_languages(release(), *codes or ("en",)))


def top_of(render: Callable[[], str]) -> str:
    """A page down to its first section after the verdict, for tests of what is seen first."""
    return render().partition('<section aria-labelledby="affected">')[0]


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Public pages by their name: `rare-ar` is the one with every state in Arabic."""
    renders = {f"rare-{code}": page_of(rare, code) for code in UNITED}
    for kind in ("fail", "pass", "inconclusive", "none", "good"):
        renders |= {f"{kind}-{code}": page_of(partial(made_release, kind), code) for code in UNITED}
    renders["several"] = page_of(rare, "fr", "ar", "en")
    renders["arabic-first"] = page_of(rare, "ar", "fr")
    renders["hostile"] = page_of(lambda: hostile(ATTACK))
    renders |= {f"{name}-top": partial(top_of, render) for name, render in renders.items()}
    return Written(tmp_path_factory.mktemp("public"), renders)


@pytest.fixture(scope="module")
def small(browser: Browser, public: dict[str, Path]) -> Iterator[Page]:
    """The page with every state, opened once for tests that only look at it."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.goto(public["rare-en"].as_uri())
    yield opened
    opened.close()


@pytest.mark.parametrize("kind", ["fail", "good"])
def test_a_page_has_two_thousand_words_and_eight_screens_at_most(
    page: Page, public: dict[str, Path], kind: str
) -> None:
    """With folds closed; about a hundred rows of a side, of which the first are shown."""
    page.goto(public[f"{kind}-en"].as_uri())
    for (width, height), most in ((DESK, 8), (PHONE, 18)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollHeight") <= most * height, width
        assert 500 < page.evaluate(WORDS) <= 2000


def test_an_audit_that_shows_nothing_has_a_thousand_words_at_most(page: Page, public: dict[str, Path]) -> None:
    page.goto(public["none-en"].as_uri())
    assert 300 < page.evaluate(WORDS) <= 1000


@pytest.mark.parametrize("code", UNITED)
def test_no_page_is_wider_than_its_screen(page: Page, public: dict[str, Path], code: str) -> None:
    """On two phones and at a desk, with every fold open: every state, and in the longest words a hundred rows."""
    for kind in ("rare", *(["inconclusive"] if code in {"es", "ru"} else [])):
        page.set_viewport_size({"width": 1280, "height": 844})
        page.goto(public[f"{kind}-{code}"].as_uri())
        page.evaluate(OPEN_ALL)
        for width in (1280, 640, 390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            whole, seen = page.evaluate(SIDEWAYS)
            assert whole <= seen == width, (kind, width)


CUT = """() => [...document.querySelectorAll("main td, main th, .picture td, .picture th")].filter(cell => {
  const box = cell.getBoundingClientRect();
  return box.width > 2 && cell.scrollWidth > cell.clientWidth + 1 && !cell.querySelector("svg");
}).map(cell => cell.textContent)"""
BROKEN = """() => [...document.querySelectorAll("td[data-l]")].flatMap(cell => {
  const head = getComputedStyle(cell, "::before"), pen = document.createElement("canvas").getContext("2d");
  if (head.content === "none" || head.content === "normal" || !cell.clientWidth) return [];
  pen.font = `${head.fontWeight} ${head.fontSize} ${head.fontFamily}`;
  return head.content.slice(1, -1).split(/\\s+/).filter(word => pen.measureText(word).width > cell.clientWidth + 1);
})"""
"""Words of heads of columns that are wider than their cell, on a phone."""


@pytest.mark.parametrize("code", ["ru", "es"])
def test_no_cell_is_wider_than_its_column_and_no_head_is_broken(page: Page, public: dict[str, Path], code: str) -> None:
    page.goto(public[f"rare-{code}"].as_uri())
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(CUT) == [], width
        assert set(page.evaluate(BROKEN)) == set(), width


@pytest.mark.parametrize("kind", ["several", "hostile"])
def test_it_opens_without_an_error_and_asks_for_nothing(
    page: Page, heard: Heard, public: dict[str, Path], kind: str
) -> None:
    page.goto(public[kind].as_uri())
    page.evaluate(OPEN_ALL)
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        whole, seen = page.evaluate(SIDEWAYS)
        assert whole <= seen == width, width
    page.wait_for_timeout(50)
    assert heard.asked == [public[kind].as_uri()]
    assert heard.said == []
    assert page.title() != "owned"


def test_what_was_audited_whom_it_fails_and_what_comes_next_are_seen_at_once(
    page: Page, public: dict[str, Path]
) -> None:
    """On a desk and on a phone, in every verdict."""
    for kind in ("fail", "pass", "inconclusive", "none"):
        page.goto(public[f"{kind}-en"].as_uri())
        for width, height in (DESK, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            for selector in ("h1", "#verdict", ".lead", *([".picture"] if kind != "none" else []), ".next"):
                bottom = page.evaluate(f"document.querySelector('{selector}').getBoundingClientRect().bottom")
                assert bottom <= height, f"{kind}: {selector} at {width}"


def test_what_comes_next_is_on_the_first_screen_of_a_phone_in_every_language(
    page: Page, public: dict[str, Path]
) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    for kind in ("fail", "pass", "inconclusive", "none"):
        for code in UNITED:
            page.goto(public[f"{kind}-{code}-top"].as_uri())
            bottom = page.evaluate("document.querySelector('.next').getBoundingClientRect().bottom")
            assert bottom <= PHONE[1], f"{kind} in {code}"


def test_every_shape_that_a_row_refers_to_is_drawn(page: Page, public: dict[str, Path]) -> None:
    """Shapes are drawn once and referred to: each has a size on the screen, in every language of a file."""
    page.goto(public["several"].as_uri())
    for code in ("fr", "ar", "en"):
        page.locator(f"#in-{code}").check()
        seen, missing = page.evaluate(
            """code => { const uses = [...document.querySelectorAll(`.in-${code} use`)].filter(
                use => use.checkVisibility());
                return [uses.length, uses.filter(use => !document.querySelector(use.getAttribute('href'))
                    || use.getBoundingClientRect().width === 0).length] }""",
            code,
        )
        assert seen > 20, code
        assert missing == 0, code


def test_on_a_phone_every_cell_of_a_row_says_which_error_it_is_of(page: Page, public: dict[str, Path]) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.goto(public["inconclusive-fr"].as_uri())
    alone = page.evaluate(
        """() => [...document.querySelectorAll('.rows tbody tr')].filter(row => row.checkVisibility()).flatMap(
            row => [0, 3].map(at => [...row.querySelectorAll('td')].slice(at, at + 2)).filter(pair => pair.some(
                td => td.textContent.trim()) && !pair.some(
                td => !/none|normal/.test(getComputedStyle(td, '::before').content))).length)"""
    )
    assert sum(alone) == 0
    assert page.get_by_text("compté avec d’autres").count() > 0


def test_a_scale_begins_where_its_drawings_do_also_beside_arabic(page: Page, public: dict[str, Path]) -> None:
    """The 0 above a column of drawings is at their left end, in every language of a file that begins with Arabic."""
    page.goto(public["arabic-first"].as_uri())
    for code in ("ar", "fr"):
        page.locator(f"#in-{code}").check()
        off = page.evaluate(
            """code => [...document.querySelectorAll(`.in-${code} table:has(.ch)`)].filter(
                t => t.checkVisibility()).map(
                table => table.querySelector('.ch span').getBoundingClientRect().left
                    - table.querySelector('tbody .c').getBoundingClientRect().left)""",
            code,
        )
        assert off, code
        assert max(map(abs, off)) < 1, code


def test_an_interval_is_drawn_where_its_numbers_say_with_the_rows_own_limit(small: Page) -> None:
    drawn = small.evaluate(
        """() => [...document.querySelectorAll('.picture tbody tr')].map(row => {
            const whole = row.querySelector('.c').getBoundingClientRect();
            const at = part => 100 * (part - whole.left) / whole.width;
            const bar = row.querySelector('.r').getBoundingClientRect();
            const zone = row.querySelector('.c rect:not([class])').getBoundingClientRect();
            const rest = row.querySelector('.e').getBoundingClientRect();
            const wording = row.querySelector('td small').textContent;
            return [wording, at(bar.left), at(bar.right), at(zone.left), at(rest.left)];
        })"""
    )
    end = int(small.locator(".picture .ch span").last.inner_text().split()[0])
    assert len(drawn) == 3
    limits = set()
    for wording, *places in drawn:
        rest, limit, low, high = map(int, re.findall(r"(\d+)(?=;|–|$)", wording))
        for place, number in zip(places, (low, high, limit, rest), strict=True):
            assert abs(place * end / 100 - number) < 0.8, wording
        limits.add(limit)
    assert len(limits) > 1


def test_a_state_is_never_told_by_colour_alone(small: Page) -> None:
    """Each mark in a table has its word beside it, and marks of different states differ in their shape."""
    marks = small.evaluate(
        """() => [...document.querySelectorAll('.rows td svg.m use')].map(use => [use.getAttribute('href'),
            use.closest('b').textContent.trim()])"""
    )
    words = {word for _, word in marks}
    assert words >= {"beyond the limit", "within the limit", "cannot tell", "not judged alone",
                     "a smaller group within it is beyond the limit"}  # fmt: skip
    assert len({shape for shape, _ in marks}) == len(words)


def test_it_can_be_read_by_keyboard(page: Page, public: dict[str, Path]) -> None:
    page.goto(public["rare-en"].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/rare-en.html#figures")
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('details').open")


def test_a_language_is_chosen_by_keyboard_alone(page: Page, public: dict[str, Path]) -> None:
    seen = "[...document.querySelectorAll('.in')].filter(part => part.offsetHeight > 0).map(part => part.lang)"
    page.goto(public["several"].as_uri())
    assert page.evaluate(seen) == ["fr"]
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"({seen}).join() === 'ar'")
    assert page.evaluate("getComputedStyle(document.querySelector('#ar-verdict')).direction") == "rtl"


def test_drawings_keep_their_ground_in_forced_colours(small: Page) -> None:
    small.emulate_media(color_scheme="dark", forced_colors="active")
    assert small.evaluate("matchMedia('(forced-colors: active)').matches")
    for drawing in (".c", ".m"):
        ground = f"getComputedStyle(document.querySelector('{drawing}')).backgroundColor"
        assert small.evaluate(ground) == "rgb(255, 255, 255)", drawing
    small.emulate_media(color_scheme="null", forced_colors="null")


@pytest.mark.parametrize("kind", ["rare-en", "none-en"])
def test_on_paper_the_verdict_is_on_page_one_and_the_notice_on_each(
    page: Page, public: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    reader = shutil.which("pdftotext")
    if not reader:
        pytest.skip("no pdftotext on this machine (package poppler-utils)")
    page.goto(public[kind].as_uri())
    heading = " ".join(page.locator("#verdict").inner_text().split())
    lead = " ".join(page.locator(".lead").inner_text().split())
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, tagged=True)
    done = subprocess.run([reader, "-layout", tmp_path / "report.pdf", "-"], capture_output=True, text=True, check=True)
    sheets = done.stdout.split("\f")[:-1]
    first = " ".join(sheets[0].split())
    assert heading in first
    assert lead in first
    assert "What comes next." in first
    notice = (
        "Public version: "
        + ("without numbers" if kind == "none-en" else "numbers changed slightly")
        + ", to protect people"
    )
    for sheet in sheets:
        assert f"{notice}. Made-up screener" in sheet


@pytest.mark.parametrize(
    ("kind", "widths"),
    [("rare-en", (1280, 390, 320)), ("rare-ar", (1280, 320)), ("inconclusive-zh", (1280, 320)), ("none-ru", (390,))],
)
def test_axe_finds_nothing(public: dict[str, Path], axe: Axe, kind: str, widths: tuple[int, ...]) -> None:
    """Between the two phones the page changes nothing but the lengths of its lines."""
    assert axe(public[kind].as_uri(), widths) == {}
