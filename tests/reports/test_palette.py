"""Contrast by WCAG 2.2: 4.5 for text, 3 for marks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reports.html import palette

STYLES = sorted((Path(__file__).parents[2] / "reports").glob("*/**/*.css"))

BACKGROUNDS = {
    "paper": palette.PAPER,
    "wash": palette.WASH,
    "beyond": palette.BEYOND_TINT,
    "within": palette.WITHIN_TINT,
    "undecided": palette.UNDECIDED_TINT,
}


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("text", [palette.INK, palette.MUTED, palette.LINK, palette.BEYOND, palette.WITHIN])
def test_text_can_be_read(text: str, background: str) -> None:
    assert contrast(text, BACKGROUNDS[background]) >= 4.5


@pytest.mark.parametrize("background", [palette.PAPER, palette.ZONE, palette.BEYOND_TINT, palette.WASH])
@pytest.mark.parametrize("mark", [*palette.STATE.values(), palette.INK])
def test_marks_stand_out(mark: str, background: str) -> None:
    assert contrast(mark, background) >= 3


@pytest.mark.parametrize(
    "background", [palette.BEYOND_TINT, palette.WITHIN_TINT, palette.UNDECIDED_TINT, palette.PAPER]
)
def test_areas_of_the_bar_of_states_stand_out(background: str) -> None:
    for area in (palette.BEYOND, palette.UNDECIDED, palette.WITHIN_AREA):
        assert contrast(area, background) >= 3
    assert contrast(palette.BEYOND, palette.WITHIN_AREA) >= 2.5, "two areas must differ in a grey print"


def test_the_contrast_formula_knows_black_on_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_no_width_has_colours_of_its_own(style: Path) -> None:
    """So the contrast of a page is that of any width; what stands before a cell on a phone has a colour of above."""
    css = re.sub(r"{{.*?}}|{%.*?%}", "x", style.read_text(encoding="utf-8"), flags=re.DOTALL)
    for block in re.findall(r"@media [^{]*width[^{]*{((?:[^{}]*{[^{}]*})*)", css):
        for selectors, declared in re.findall(r"([^{}]*){([^{}]*)}", block):
            drawn = re.search(r"(?<![\w-])(?:color|background|opacity|filter)\b", declared)
            assert drawn is None or all(each.endswith("::before") for each in selectors.split(",")), selectors


def test_styles_that_a_width_chooses_are_looked_at() -> None:
    assert {"heads.css", "public.css", "site.css", "style.css"} <= {style.name for style in STYLES}
