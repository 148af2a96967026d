"""Suggestions for labels that are not read: a golden list, and that nothing suggested is ever a reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.evaluation.column_codes import suggestions
from audit.evaluation.meaning import fold
from audit.evaluation.nationality_words import NameRow, meanings, name_rows, read

READ = [row for row in name_rows() if meanings()[fold(row.name)].code is not None and len(fold(row.name)) > 6]

GOLDEN = {
    "Ukranian": "UKR",
    "Phillipines": "PHL",
    "Philippino": "PHL",
    "Ghanian": "GHA",
    "Columbian": "COL",
    "Morrocan": "MAR",
    "Rumenian": "ROU",
    "Lybia": "LBY",
    "Camaroon": "CMR",
    "Georgain": "GEO",
    "Nigerin": "NGA NER",
    "Domincan": "DMA DOM",
    "Kosovarian": "XKX",
    "Nigeria?": "NGA NER",
    "Nigerian victims": "NGA",
    "Gobierno de Colombia": "COL",
    "Romanian and Bulgarian": "ROU BGR",
    "Afrikans": "",
    "Гражданам Украины": "UKR",
    "Other Asian countries": "",
    "Sexual exploitation": "",
    "xyzzy": "",
    "Ngr": "",
}


@pytest.mark.parametrize(("text", "codes"), GOLDEN.items())
def test_the_suggestions(text: str, codes: str) -> None:
    assert read(text).code is None
    assert suggestions(text) == tuple(codes.split())


def test_what_is_read_has_no_suggestion() -> None:
    assert [row for row in READ if suggestions(row.name)] == []


def _mistyped(draw: st.DrawFn) -> tuple[NameRow, str]:
    row = draw(st.sampled_from(READ))
    place = draw(st.integers(1, len(row.name) - 2))
    letters = list(row.name)
    if draw(st.booleans()):
        letters[place], letters[place - 1] = letters[place - 1], letters[place]
    else:
        del letters[place]
    return row, "".join(letters)


@given(st.composite(_mistyped)())
def test_one_error_of_typing_still_suggests_the_country(mistyped: tuple[NameRow, str]) -> None:
    row, text = mistyped
    meaning = read(text)
    if meaning.reason == "unknown_word" and len(suggestions(text)) < 4:
        assert row.code in suggestions(text)
