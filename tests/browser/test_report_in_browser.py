"""The HTML report in Chromium: on a desk, on a phone, on paper."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browser.conftest import Heard
    from playwright.sync_api import Browser, Page

SIDEWAYS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
OPEN_ALL = "document.querySelectorAll('details').forEach(part => part.open = true)"
CLOSE_ALL = OPEN_ALL.replace("true", "false")


@pytest.fixture(scope="module")
def failing(browser: Browser, pages: dict[str, Path]) -> Iterator[Page]:
    """The report of a system that fails, opened once for tests that change nothing of it but the size of its window."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.goto(pages["few-failing"].as_uri())
    yield opened
    opened.close()


@pytest.mark.parametrize("kind", ["failing", "hostile", "unnamed", "arabic", "russian", "spanish", "several"])
def test_it_opens_without_an_error_asks_for_nothing_and_never_scrolls_sideways(
    page: Page, heard: Heard, pages: dict[str, Path], kind: str
) -> None:
    """Those that differ most: on two phones, and the widest words on desks and a tablet too. Folds are open, and closed
    at the first and last width: what is seen then is seen with them open, but for how a fold says that it is closed.
    """
    widths = {"failing": (1280, 390, 320), "spanish": (1280, 1120, 864, 768, 390, 320)}.get(kind, (390, 320))
    page.set_viewport_size({"width": widths[0], "height": 844})
    page.goto(pages[kind].as_uri())
    page.evaluate(OPEN_ALL)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 844})
        whole, seen = page.evaluate(SIDEWAYS)
        assert whole <= seen == width
    page.evaluate(CLOSE_ALL)
    for width in (widths[-1], widths[0]):
        page.set_viewport_size({"width": width, "height": 844})
        whole, seen = page.evaluate(SIDEWAYS)
        assert whole <= seen == width
    page.wait_for_timeout(50)
    assert heard.asked == [pages[kind].as_uri()]
    assert heard.said == []
    assert page.title() != "owned"


def test_the_policy_stops_a_script_that_got_in(
    page: Page, heard: Heard, pages: dict[str, Path], tmp_path: Path
) -> None:
    """The second wall, should the first one (escaping) ever fall."""
    html = pages["passing"].read_text(encoding="utf-8")
    breach = "<script>document.title = 'owned'</script><p style='position:fixed' id='styled'>x</p>"
    breach += "<img src='pixel.png' onerror=\"document.title = 'owned'\">"
    (tmp_path / "breached.html").write_text(html.replace("</main>", f"{breach}</main>"), encoding="utf-8")
    page.goto((tmp_path / "breached.html").as_uri())
    for _ in range(100):
        page.wait_for_timeout(100)
        if len([message for message in heard.said if "Content Security Policy" in message]) >= 3:
            break
    assert page.title() != "owned"
    assert page.evaluate("getComputedStyle(document.getElementById('styled')).position") == "static"
    assert len([message for message in heard.said if "Content Security Policy" in message]) >= 3


def test_its_own_style_is_allowed(failing: Page) -> None:
    ground = "getComputedStyle(document.querySelector('.restricted')).backgroundColor"
    assert failing.evaluate(ground) == "rgb(22, 25, 29)"


def test_screen_one_holds_the_verdict_and_its_numbers(failing: Page) -> None:
    for width, height in ((1280, 900), (390, 844)):
        failing.set_viewport_size({"width": width, "height": height})
        for selector in ("#verdict", ".lead", ".three"):
            bottom = failing.evaluate(f"document.querySelector('{selector}').getBoundingClientRect().bottom")
            assert bottom <= height, f"{selector} at {width}"


def test_a_link_opens_what_is_folded(page: Page, pages: dict[str, Path]) -> None:
    for anchor in ("safeguards", "part-2-1-more"):
        page.goto(f"{pages['few-failing'].as_uri()}#{anchor}")
        top = page.evaluate(f"document.getElementById('{anchor}').getBoundingClientRect().top")
        assert 0 <= top < 900, anchor
        assert not page.evaluate(f"document.getElementById('{anchor}').closest('details').open"), anchor
        page.locator(f"#{anchor}").click()
        page.wait_for_function(f"document.getElementById('{anchor}').closest('details').open")


def test_it_can_be_read_by_keyboard(page: Page, pages: dict[str, Path]) -> None:
    page.goto(pages["few-failing"].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/few-failing.html#findings")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName"))
    assert {"A", "SUMMARY"} <= reached


def test_tables_keep_their_meaning_on_a_phone(failing: Page) -> None:
    """Stacked rows are still a table to a screen reader, and each number carries its label."""
    failing.set_viewport_size({"width": 390, "height": 844})
    table = failing.locator("table.findings").first
    assert failing.get_by_role("table", name="Share of victims found, by gender").count() == 1
    assert table.get_by_role("rowheader").count() == 4
    labels = table.evaluate(
        "table => [...table.querySelectorAll('tbody tr:first-child td')]"
        ".map(cell => getComputedStyle(cell, '::before').content)"
    )
    assert labels[-4:] == ['"Found"', '"Likely range"', '"Everyone else"', '"Cases"']


def test_twice_as_large_text_still_fits(failing: Page) -> None:
    """200% zoom of a 1280 px window is a 640 px one."""
    failing.set_viewport_size({"width": 640, "height": 450})
    whole, seen = failing.evaluate(SIDEWAYS)
    assert whole <= seen


def test_it_stays_light_where_the_reader_prefers_dark(failing: Page) -> None:
    failing.emulate_media(color_scheme="dark")
    assert failing.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert failing.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light only"
    assert failing.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    failing.emulate_media(color_scheme="null")


def test_drawings_keep_their_ground_in_forced_colours(failing: Page) -> None:
    failing.emulate_media(color_scheme="dark", forced_colors="active")
    assert failing.evaluate("matchMedia('(forced-colors: active)').matches")
    for drawing in (".c", ".b", ".m"):
        ground = f"getComputedStyle(document.querySelector('{drawing}')).backgroundColor"
        assert failing.evaluate(ground) == "rgb(255, 255, 255)"
    failing.emulate_media(color_scheme="null", forced_colors="null")


@pytest.mark.parametrize("kind", ["few-failing", "passing"])
def test_on_paper_the_verdict_is_on_page_one_and_the_notice_on_each(
    page: Page, pages: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    reader = shutil.which("pdftotext")
    if not reader:
        pytest.skip("no pdftotext on this machine (package poppler-utils)")
    page.goto(pages[kind].as_uri())
    heading = " ".join(page.locator("#verdict").inner_text().split())
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, tagged=True)
    done = subprocess.run([reader, "-layout", tmp_path / "report.pdf", "-"], capture_output=True, text=True, check=True)
    sheets = done.stdout.split("\f")[:-1]
    assert heading in " ".join(sheets[0].split())  # it breaks where the font at hand is wide
    assert "likely range" in " ".join(sheets[0].split())
    assert len(sheets) > 3
    for sheet in sheets:
        assert "Restricted, not for publication: exact counts" in sheet


SEEN = "[...document.querySelectorAll('.in')].filter(part => part.offsetHeight > 0).map(part => part.lang)"


def test_a_language_is_chosen_by_keyboard_alone(page: Page, pages: dict[str, Path]) -> None:
    page.goto(pages["several"].as_uri())
    assert page.evaluate(SEEN) == ["fr"]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "in-fr"
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"({SEEN}).join() === 'ar'")
    assert page.evaluate("getComputedStyle(document.querySelector('.in-ar #ar-verdict')).direction") == "rtl"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/several.html#ar-findings")
    page.get_by_role("radio", name="English").check()
    page.wait_for_function(f"({SEEN}).join() === 'en'")
    assert page.get_by_role("heading", level=2, name="Within the limit in every group we could judge").count() == 1


def test_a_bar_begins_where_its_language_begins_to_read(page: Page, pages: dict[str, Path]) -> None:
    """In a file that begins with Arabic the bars of the other languages are not turned round."""
    page.goto(pages["arabic-first"].as_uri())
    for code, first_of_bar in (("ar", "right"), ("fr", "left")):
        page.locator(f"#in-{code}").check()
        gap = page.evaluate(
            """([code, side]) => { const bar = document.querySelector(`.in-${code} svg.b`);
                return bar.querySelector('rect').getBoundingClientRect()[side]
                    - bar.getBoundingClientRect()[side]; }""",
            [code, first_of_bar],
        )
        assert abs(gap) < 1, code


def test_paper_shows_the_language_that_was_chosen(page: Page, pages: dict[str, Path], tmp_path: Path) -> None:
    page.goto(pages["several"].as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("[...document.querySelectorAll('.switch')].every(part => part.offsetHeight === 0)")
    assert page.evaluate(SEEN) == ["fr"]
    reader = shutil.which("pdftotext")
    if reader:
        page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, tagged=True)
        done = subprocess.run([reader, tmp_path / "report.pdf", "-"], capture_output=True, text=True, check=True)
        sheets = done.stdout.split("\f")[:-1]
        assert len(sheets) < 40
        assert all("Diffusion restreinte" in sheet for sheet in sheets)


def test_a_range_reads_from_left_to_right_in_arabic(page: Page, pages: dict[str, Path]) -> None:
    """Where the two ends of a range stand on the screen: the lower one to the left."""
    page.goto(pages["arabic"].as_uri())
    ends = page.evaluate(
        """() => {
            const cells = [...document.querySelectorAll('.findings td:nth-child(5)')];
            const cell = cells.find(td => /\\d–\\d/.test(td.textContent));
            const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
            const text = walk.nextNode(), dash = text.data.indexOf('–');
            const at = (from, to) => { const r = document.createRange(); r.setStart(text, from); r.setEnd(text, to);
                                       return r.getBoundingClientRect().left; };
            return [at(dash - 1, dash), at(dash + 1, dash + 2)];
        }"""
    )
    assert ends[0] < ends[1]
