"""The letter to the operator in Chromium: one sheet of A4 in every language, no line that runs out, and to axe."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made.letters import LETTERS
from made.pages import Written
from made.public import UNITED, in_languages

from reports.public.html.letter import letter_file

if TYPE_CHECKING:
    from browser.conftest import Axe
    from playwright.sync_api import Page
    from pypdf import PdfReader

A4 = (595, 842)
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def letter(kind: str, *codes: str) -> str:
    return letter_file(in_languages(LETTERS[kind](), *codes))


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    renders = {f"{kind}-{code}": partial(letter, kind, code) for kind in LETTERS for code in UNITED}
    renders["several"] = partial(letter, "fail", *UNITED)
    return Written(tmp_path_factory.mktemp("letters"), renders)


def printed(page: Page, place: Path) -> PdfReader:
    pypdf = pytest.importorskip("pypdf", reason="the package pypdf is not installed")
    page.pdf(path=place, prefer_css_page_size=True)
    made: PdfReader = pypdf.PdfReader(place)
    return made


@pytest.mark.parametrize("code", UNITED)
def test_it_is_one_sheet_of_a4(page: Page, letters: dict[str, Path], tmp_path: Path, code: str) -> None:
    for kind in LETTERS:
        page.goto(letters[f"{kind}-{code}"].as_uri())
        made = printed(page, tmp_path / "letter.pdf")
        assert len(made.pages) == 1, kind
        assert tuple(round(float(end)) for end in made.pages[0].mediabox[2:]) == A4


def test_of_several_languages_the_chosen_one_is_printed(page: Page, letters: dict[str, Path], tmp_path: Path) -> None:
    page.goto(letters["several"].as_uri())
    page.get_by_label("Français").check()
    (sheet,) = printed(page, tmp_path / "letter.pdf").pages
    assert "Ce qui vous est demandé" in sheet.extract_text()


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_no_line_runs_out(page: Page, letters: dict[str, Path], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    for name in ("fail-en", "pass-ru", "words-ar", "change-fr", "several"):
        page.goto(letters[name].as_uri())
        assert page.evaluate(SIDEWAYS) == 0, name


@pytest.mark.parametrize("name", ["fail-en", "words-ar", "several"])
def test_axe_finds_nothing(letters: dict[str, Path], axe: Axe, name: str) -> None:
    assert axe(letters[name].as_uri(), (1280, 390)) == {}
