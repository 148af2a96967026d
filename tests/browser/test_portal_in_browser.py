"""A portal opened from a disk: nothing is asked for, nothing scrolls sideways, links work, axe finds nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made.portal import LOGO, MINISTRY, made_audits, made_release, made_site, put, rendered

from audit.public.site import PublicPublisher

if TYPE_CHECKING:
    from browser.conftest import Axe, Heard
    from playwright.sync_api import Page

STARTS = ("index", "systems/advert", "ar/systems/hotline")
SIDEWAYS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portal in a folder whose name is no part of it."""
    folder = tmp_path_factory.mktemp("any folder")
    audits = made_audits(tmp_path_factory.mktemp("audits"), None)
    publisher = PublicPublisher(name=MINISTRY, contact="audits@labour.example", logo="logo.svg")
    files = rendered(made_site(audits, ("en", "ar"), publisher=publisher))
    for name, content in {**files, "logo.svg": LOGO.encode()}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def address(site: Path, start: str) -> str:
    (found,) = [path for path in site.rglob("*.html") if str(path.relative_to(site)).startswith(start)]
    return found.as_uri()


@pytest.mark.parametrize("start", STARTS)
def test_it_opens_without_an_error_and_fits(page: Page, heard: Heard, site: Path, start: str) -> None:
    page.goto(address(site, start))
    assert heard.asked == [address(site, start), (site / "logo.svg").as_uri()]
    assert page.evaluate("document.images[0].naturalWidth") > 0, "the policy lets the logo be seen"
    for width in (1280, 640, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        whole, seen = page.evaluate(SIDEWAYS)
        assert whole <= seen == width
    assert heard.said == []
    assert page.evaluate("getComputedStyle(document.querySelector('.page')).maxWidth") != "none"


def test_one_can_go_from_page_to_page(page: Page, site: Path) -> None:
    page.goto(address(site, "index"))
    page.get_by_role("link", name="Exceeds the limit (1)").click()
    assert page.get_by_role("heading", name="Exceeds the limit").is_visible()
    assert not page.get_by_role("heading", name="We cannot tell").is_visible()
    page.get_by_role("link", name="all (4)").click()
    assert page.get_by_role("heading", name="We cannot tell").is_visible()
    page.get_by_role("link", name="use", exact=True).click()
    page.wait_for_url("**/by-use.html")
    page.get_by_role("link", name="Hotline triage 1").click()
    page.get_by_role("link", name="Next: Advert screener").click()
    page.get_by_role("link", name="Previous audit: 20 November 2025").click()
    page.wait_for_url("**/systems/advert-*#*")
    assert page.evaluate("document.getElementById(location.hash.slice(1)).textContent") == (
        "20 November 2025: Advert screener 2.2"
    )
    page.get_by_role("link", name="العربية").click()
    page.wait_for_function("document.documentElement.dir === 'rtl'")
    page.get_by_role("link", name="English").click()
    page.get_by_role("link", name="Summary for reporting").click()
    page.wait_for_url("**/operators/ministry-of-labour-*")


@pytest.mark.parametrize(
    ("start", "widths"),
    [
        ("index", (1280, 320)),
        ("systems/advert", (390,)),
        ("operators/ministry", (390,)),
        ("by-use", (390,)),
        ("ar/index", (390,)),
    ],
)
def test_axe_finds_nothing(site: Path, axe: Axe, start: str, widths: tuple[int, ...]) -> None:
    assert axe(address(site, start), widths) == {}


def test_the_annex_is_printed_whole(page: Page, tmp_path: Path) -> None:
    """Of four systems and more the parts are folded on a screen, and open on paper."""
    for number in range(4):
        put(tmp_path / str(number), made_release("fail", title=f"System {number}", owner=MINISTRY), None)
    (annex,) = [content for name, content in rendered(made_site(tmp_path)).items() if name.startswith("operators/")]
    (tmp_path / "annex.html").write_bytes(annex)
    page.goto((tmp_path / "annex.html").as_uri())
    people = page.get_by_text("People in the test")
    assert people.count() == 4
    assert not people.first.is_visible()
    page.emulate_media(media="print")
    assert all(people.nth(place).is_visible() for place in range(4))
