from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.plain_text import harmless, without_unseen

DIRECTION_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("control", DIRECTION_CONTROLS)
def test_a_direction_control_is_shown_and_not_obeyed(control: str) -> None:
    assert harmless(f"a{control}b") == f"a[U+{ord(control):04X}]b"


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("Ghana, women", "Côte d’Ivoire", "نيجيريا", "尼日利亚", "می‌خواهم", "👩‍👩‍👧", "<b> & “quotes”"):
        assert harmless(text) == text


def test_a_text_has_one_line() -> None:
    assert harmless("one\r\n\ttwo\u2028three") == "one two three"


@given(st.text())
def test_nothing_unseen_is_left(text: str) -> None:
    told = harmless(text)
    assert not set(told) & set(DIRECTION_CONTROLS)
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in told)
    assert without_unseen(told) == told
