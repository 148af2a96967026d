from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.vocabulary.text import harmless, without_unseen
from reports.plain_text import spreadsheet_text

DIRECTION_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("control", DIRECTION_CONTROLS)
def test_a_direction_control_is_shown_and_not_obeyed(control: str) -> None:
    assert harmless(f"a{control}b") == f"a[U+{ord(control):04X}]b"


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("Ghana, women", "Côte d’Ivoire", "نيجيريا", "尼日利亚", "می‌خواهم", "👩‍👩‍👧", "<b> & “quotes”"):
        assert harmless(text) == text


def test_a_text_has_one_line() -> None:
    assert harmless("one\r\n\ttwo\u2028three") == "one two three"


@pytest.mark.parametrize("code", [0xE0001, 0xE0041, 0xE007F, 0xFFFE, 0xFDD0, 0xFFF9, 0x85, 0x2060])
def test_what_nobody_sees_is_written_out(code: int) -> None:
    """Letters of the block of tags have no picture: a name could carry a second text in them."""
    shown = harmless(f"a{chr(code)}b")
    assert shown == ("a b" if code == 0x85 else f"a[U+{code:04X}]b")


@given(st.text())
def test_nothing_unseen_is_left(text: str) -> None:
    shown = harmless(text)
    assert not set(shown) & set(DIRECTION_CONTROLS)
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in shown)
    assert without_unseen(shown) == shown


BEFORE = ("", " ", "\t", "\r\n", "\u00a0", "\u3000", "\u2009 ", "\u00ad", "\ufe0f", "\u2028")


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe66", "\ufe62", "\ufe63"]
)
@pytest.mark.parametrize("before", BEFORE, ids=ascii)
def test_no_cell_is_a_formula(sign: str, before: str) -> None:
    shown = spreadsheet_text(f"{before}{sign}1+1")
    assert shown.startswith("'")
    assert shown.endswith(f"{sign}1+1")


@pytest.mark.parametrize("unseen", ["\ufeff", "\u200b", "\u200f", "\u202e", "\x00"])
def test_what_nobody_sees_does_not_hide_a_formula(unseen: str) -> None:
    assert spreadsheet_text(f"{unseen}=1+1") == f"[U+{ord(unseen):04X}]=1+1"


@pytest.mark.parametrize("text", ["everyone", "18-29", "a=b", "'=1", "Île-3", "½", "", "12.5", " north"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert spreadsheet_text(text) == text
