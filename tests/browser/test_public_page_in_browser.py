"""The public page in Chromium: on a desk, on a phone, on paper, by keyboard, in forced colours, and to axe."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made.pages import Written
from made.public import hostile, in_languages, made, sizes_alone

from audit.public.table import PublicRelease
from reports.public.html import PublicHtmlReporter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ATTACK = "</style></title></svg><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
KINDS = ("small", "unnamed", "undecided", "passing", "refused")
SIDEWAYS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
OPEN_ALL = "document.querySelectorAll('details').forEach(part => part.open = true)"


def public_page(made_so: Callable[[], PublicRelease], *codes: str) -> Callable[[], str]:
    return lambda: PublicHtmlReporter().render(in_languages(made_so(), *codes) if codes else made_so())


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Public pages of each kind, by their name."""
    renders = {kind: public_page(partial(made, kind)) for kind in (*KINDS, "tiny")}
    renders |= {
        "arabic": public_page(partial(made, "small"), "ar"),
        "russian": public_page(partial(made, "small"), "ru"),
        "spanish": public_page(partial(made, "small"), "es"),
        "several": public_page(partial(made, "passing"), "fr", "ar", "en"),
        "tiny-arabic": public_page(partial(made, "tiny"), "ar"),
        "tiny-chinese": public_page(partial(made, "tiny"), "zh"),
        "hostile": public_page(partial(hostile, ATTACK, "small")),
    }
    return Written(tmp_path_factory.mktemp("public"), renders)


@pytest.fixture(scope="module")
def small(browser: Browser, public: dict[str, Path]) -> Iterator[Page]:
    """The page that names groups, opened once for tests that only look at it."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.goto(public["small"].as_uri())
    yield opened
    opened.close()


BROKEN = """() => [...document.querySelectorAll("td")].flatMap(cell => {
  const head = getComputedStyle(cell, "::before"), pen = document.createElement("canvas").getContext("2d");
  if (head.content === "none" || head.content === "normal" || !cell.clientWidth) return [];
  pen.font = `${head.fontWeight} ${head.fontSize} ${head.fontFamily}`;
  return head.content.slice(1, -1).split(/\\s+/).filter(word => pen.measureText(word).width > cell.clientWidth + 1);
})"""
"""Words of heads of columns that are wider than their cell, on a phone."""


@pytest.mark.parametrize("kind", ["russian", "spanish"])
def test_no_head_of_a_column_is_broken_within_a_word(page: Page, public: dict[str, Path], kind: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(public[kind].as_uri())
    page.evaluate(OPEN_ALL)
    assert set(page.evaluate(BROKEN)) == set()


@pytest.mark.parametrize("kind", ["small", "arabic"])
def test_the_bar_of_states_begins_where_its_words_begin(page: Page, public: dict[str, Path], kind: str) -> None:
    page.goto(public[kind].as_uri())
    first, bar, shape = page.evaluate(
        "['.b rect', '.b', '.states li .m'].map(part => document.querySelector(part).getBoundingClientRect().toJSON())"
    )
    side = "right" if kind == "arabic" else "left"
    assert abs(first[side] - bar[side]) < 1
    assert abs(first[side] - shape[side]) < 10


@pytest.mark.parametrize("kind", ["small", "refused", "arabic", "russian", "several", "hostile"])
def test_it_opens_without_an_error_asks_for_nothing_and_never_scrolls_sideways(
    page: Page, public: dict[str, Path], kind: str
) -> None:
    """At a desk and twice as large (a window of 640) the first, and each on two phones."""
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    widths = (1280, 640, 390, 320) if kind == "small" else (390, 320)
    page.set_viewport_size({"width": widths[0], "height": 844})
    page.goto(public[kind].as_uri())
    page.evaluate(OPEN_ALL)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 844})
        whole, seen = page.evaluate(SIDEWAYS)
        assert whole <= seen == width, width
    page.wait_for_timeout(50)
    assert asked == [public[kind].as_uri()]
    assert said == []
    assert page.title() != "owned"


def test_what_was_audited_the_verdict_and_what_comes_next_are_seen_at_once_in_every_state(page: Page) -> None:
    """On a desk and on a phone; what is named without figures, and what has sizes alone, too.

    Each state is shown in one language, and each language has a state; in English three numbers are seen as well.
    """
    states = {kind: made(kind) for kind in KINDS}
    states |= {"sizes": sizes_alone("fail", "weighted"), "sizes, within": sizes_alone("pass", "clustered")}
    codes = ("ru", "en", "ar", "en", "zh", "es", "fr")
    for code, (kind, release) in zip(codes, states.items(), strict=True):
        page.set_content(PublicHtmlReporter().render(in_languages(release, code)))
        for width, height in ((1280, 900), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            for selector in ("h1", "#verdict", ".lead", ".next", *([".three"] if code == "en" else [])):
                bottom = page.evaluate(f"document.querySelector('{selector}').getBoundingClientRect().bottom")
                assert bottom <= height, f"{kind}, {code}: {selector} at {width}"


def test_every_shape_that_a_row_refers_to_is_drawn(page: Page, public: dict[str, Path]) -> None:
    """Shapes are drawn once and referred to: each has a size on the screen, in every language of a file."""
    page.goto(public["several"].as_uri())
    for code in ("fr", "ar", "en"):
        page.locator(f"#in-{code}").check()
        missing = page.evaluate(
            """code => [...document.querySelectorAll(`.in-${code} use`)].filter(use => {
                if (use.closest('marker')) return !document.querySelector(use.getAttribute('href'));
                const target = document.querySelector(use.getAttribute('href'));
                return !target || (use.checkVisibility() && use.getBoundingClientRect().width === 0
                                   && !use.getAttribute('href').endsWith('p-n'));
            }).length""",
            code,
        )
        assert missing == 0, code
        at_points = page.evaluate(
            """code => [...document.querySelectorAll(`.in-${code} path[marker-mid]`)].map(path =>
                document.querySelectorAll(path.getAttribute('marker-mid').slice(4, -1)).length)""",
            code,
        )
        assert at_points
        assert set(at_points) == {1}, code


def test_an_interval_is_drawn_where_its_numbers_say(small: Page) -> None:
    drawn = small.evaluate(
        """() => [...document.querySelectorAll('.findings tbody tr')].filter(row => row.querySelector('.i')
                  && /^\\d+–\\d+%$/.test(row.cells[4].textContent.trim())).map(row => {
            const whole = row.querySelector('.c').getBoundingClientRect();
            const bar = row.querySelector('.i').getBoundingClientRect();
            return [row.cells[4].textContent.trim(), 100 * (bar.left - whole.left) / whole.width,
                    100 * (bar.right - whole.left) / whole.width, bar.height];
        })"""
    )
    assert len(drawn) > 30
    for shown, start, end, height in drawn:
        low, high = shown.removesuffix("%").split("–")
        assert abs(start - int(low)) < 0.6
        assert abs(end - int(high)) < 0.6
        assert height > 1


def test_a_state_is_never_told_by_colour_alone(small: Page) -> None:
    """Each mark in a table has its word beside it or as its name; squares differ in their border and have a word."""
    silent = small.evaluate(
        """() => [...document.querySelectorAll('td svg.m')].filter(mark =>
              !mark.getAttribute('aria-label') && !mark.parentElement.textContent.trim()).length"""
    )
    assert silent == 0
    borders = small.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.squares li')].map(li => {
              const style = getComputedStyle(li);
              return [li.parentElement.className,
                      [style.borderTopStyle, style.borderTopWidth, style.backgroundColor].join()];
        }))"""
    )
    assert len(set(borders.values())) == len(borders) >= 3
    assert small.evaluate(
        "[...document.querySelectorAll('.squares > div')].every(row => row.querySelector('b').innerText)"
    )


def test_it_can_be_read_by_keyboard(page: Page, public: dict[str, Path]) -> None:
    page.goto(public["small"].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/small.html#figures")
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


def test_the_download_is_saved_from_the_file_itself(page: Page, public: dict[str, Path], tmp_path: Path) -> None:
    page.goto(public["small"].as_uri())
    with page.expect_download() as saved:
        page.locator("a[download='protected.csv']").click()
    saved.value.save_as(tmp_path / "protected.csv")
    lines = (tmp_path / "protected.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("gender,nationality,victims,")
    assert lines[1].startswith("everyone,,")


def test_drawings_keep_their_ground_in_forced_colours(small: Page) -> None:
    small.emulate_media(color_scheme="dark", forced_colors="active")
    assert small.evaluate("matchMedia('(forced-colors: active)').matches")
    for drawing in (".c", ".b", ".m", ".f"):
        ground = f"getComputedStyle(document.querySelector('{drawing}')).backgroundColor"
        assert small.evaluate(ground) == "rgb(255, 255, 255)", drawing
    small.emulate_media(color_scheme="null", forced_colors="null")


def test_screen_and_paper_say_that_it_is_public_and_no_table_is_restricted(small: Page) -> None:
    assert small.locator("aside.public").inner_text().strip() == "Public: protected figures"
    assert small.locator(".restricted").count() == 0


@pytest.mark.parametrize("kind", ["small", "refused"])
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
    assert len(sheets) > 2
    notice = "Public: without figures" if kind == "refused" else "Public: protected figures"
    for sheet in sheets:
        assert f"{notice}. Recruitment-advert screener 2.3" in sheet


@pytest.fixture(scope="module")
def axe() -> str:
    path = Path(os.environ.get("AUDIT7K_AXE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
    if not path.exists():
        pytest.skip("axe-core is not installed (npm install axe-core, or AUDIT7K_AXE=path/to/axe.min.js)")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["tiny", "tiny-arabic", "tiny-chinese", "refused"])
def test_axe_finds_nothing(browser: Browser, public: dict[str, Path], axe: str, kind: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 844}, bypass_csp=True)
    page = context.new_page()
    page.goto(public[kind].as_uri())
    page.evaluate(OPEN_ALL)
    page.evaluate(axe)
    for width in (1280, 390, 320) if kind != "refused" else (390,):
        page.set_viewport_size({"width": width, "height": 844})
        found = page.evaluate(
            "tags => axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'tag', values: tags}})", TAGS
        )
        assert [(rule["id"], len(rule["nodes"])) for rule in found["violations"]] == [], width
    context.close()
