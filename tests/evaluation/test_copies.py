"""What copies of a text share: exactly what the documentation says, and the same however it is computed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.evaluation.meaning import fold
from audit.planning.pool import copy_text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Work in a hotel!", "WORK in  a Hotel"),
        ("Call +39 06 123-45 now", "call +44 7700 900 111, NOW"),
        ("Pay: 1,500.00 EUR", "pay 900 eur"),
        ("Pay 1500–2000", "pay 7"),
        ("Ｗｏｒｋ ａｂｒｏａｄ", "work abroad"),
        ("𝗪𝗼𝗿𝗸 𝗮𝗯𝗿𝗼𝗮𝗱 🍒🍒", "work abroad"),
        ("Se busca niñera", "se busca ninera"),
        ("STRASSE", "straße"),
        ("a_b", "ab"),
    ],
)
def test_copies_share_their_letters(one: str, other: str) -> None:
    assert copy_text(one) == copy_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("massage wanted", "m4ssage wanted"),
        ("girls wanted", "women wanted"),
        ("work in a hotel", "work in the hotel"),
        ("no experience", "experience no"),
        ("room 1", "room"),
        ("работа", "pabota"),
    ],
)
def test_other_letters_make_another_text(one: str, other: str) -> None:
    assert copy_text(one) != copy_text(other)


@pytest.mark.parametrize(("text", "key"), [("", ""), ("🍒 !!", ""), ("+39 06", "#"), ("a 1 b 22", "a#b#")])
def test_the_key_is_letters_and_a_mark_for_each_number(text: str, key: str) -> None:
    assert copy_text(text) == key


@given(st.text())
def test_the_folding_of_names_changes_nothing(text: str) -> None:
    """One rule for spellings in the whole project: what `fold` takes for one name is one text here."""
    assert copy_text(fold(text)) == copy_text(text)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_short_way_for_ascii_gives_the_same(text: str) -> None:
    assert copy_text(text) == copy_text(f"{text}\u200b")
