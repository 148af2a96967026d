"""Numbers as words are read by the gate as digits are, in six languages and in every kind of numeral."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from made_disclosure import changed_text
from made_public import CODES, in_languages, made, page_files

from audit.disclosure.explain import blank, unexplained
from audit.disclosure.number_words import numbers_said
from audit.disclosure.printed import numbers_in
from audit.public_table import group_key
from reports.languages import LOCALE
from tools import catalogs

SMALL = made("small")

WRITTEN = {
    "en": "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen",
    "fr": "deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete",
    "ru": "два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать",
    "ar": "اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة",
}


@pytest.mark.parametrize("code", sorted(WRITTEN))
def test_the_first_numbers_are_read_in_order(code: str) -> None:
    words = WRITTEN[code].split()
    assert [number for _, number in numbers_said(WRITTEN[code], code)] == list(range(2, 2 + len(words)))
    assert [number for _, number in numbers_said(WRITTEN[code].upper(), code)] == list(range(2, 2 + len(words)))


@pytest.mark.parametrize(
    ("text", "language", "numbers"),
    [
        ("Of twenty-three women none was found", "en", [20, 3]),
        ("two of the twelve", "", [2, 12]),
        ("douze femmes sur vingt", "", [12, 20]),
        ("one person, at once; 60 per cent", "en", []),
        ("ten", "fr", []),  # no word of theirs
        ("soixante pour cent", "fr", [60]),
        ("once mujeres y el 40 por ciento", "es", [11]),
        ("at once", "", []),
        ("из двадцати трёх", "en", [20, 3]),
        ("والثلاثين", "ar", [30]),
        ("للخمسة من العشرين في المئة", "ar", [5, 20]),
        ("找到三名女性，其中二十三例，占百分之六", "zh", [3, 23]),
        ("一个群体，十分一致，统一", "zh", []),
        ("三四五", "zh", [345]),
        ("一百零五万二千", "zh", [1_052_000]),
    ],
)
def test_words_in_sentences(text: str, language: str, numbers: list[int]) -> None:
    assert [number for _, number in numbers_said(text, language)] == numbers


def in_chinese(number: int) -> str:
    """A number below 10,000 as it is written, with zeros told once."""
    digits = [int(digit) for digit in f"{number:04}"]
    said, pending = "", False
    for digit, unit in zip(digits, ("千", "百", "十", ""), strict=True):
        if digit == 0:
            pending = bool(said)
            continue
        said += ("零" if pending else "") + "零一二三四五六七八九"[digit] + unit
        pending = False
    return said


@given(st.integers(11, 9_999))
def test_chinese_numerals_are_read_as_they_are_written(number: int) -> None:
    assert [value for _, value in numbers_said(f"共{in_chinese(number)}", "zh")] == [number]


@pytest.mark.parametrize("numeral", ["12", "١٢", "۱۲", "१२", "１２", "⑫", "Ⅻ", "𝟏𝟐"])
def test_numerals_of_other_scripts_are_digits(numeral: str) -> None:
    assert [number.value for number in numbers_in(f"of {numeral} women")] == [12]


def test_fractions_are_numbers() -> None:
    assert [float(number.value) for number in numbers_in("½ of them, and Ⅳ")] == [0.5, 4]


WORDS = {"en": "seventeen", "fr": "dix-sept", "es": "diecisiete", "ar": "سبعة عشر", "ru": "семнадцать", "zh": "十七"}


@pytest.mark.parametrize("code", CODES)
def test_a_number_in_words_is_refused_in_a_row_and_outside_of_all(code: str) -> None:
    release = in_languages(SMALL, code)
    files, furniture = page_files(release), page_files(blank(release))
    assert unexplained(files, furniture, release) == []
    key = next(group_key(row.group) for row in release.table.groups if row.positives.cases is None)
    for planted in (
        f"<p>{WORDS[code]}</p>",
        f'<p data-g="{key}">{WORDS[code]}</p>',
        f'<p data-g="{key}" title="{WORDS[code]}">-</p>',
        f"<!-- {WORDS[code]} -->",
    ):
        found = unexplained(changed_text(files, "report.html", "</main>", f"{planted}</main>"), furniture, release)
        assert found, planted
        assert all(number.is_word for number in found)


def test_a_word_that_is_furniture_makes_no_digit_known() -> None:
    files = {"a.txt": b"thirty of them, and 30 of them"}
    found = unexplained(files, {"a.txt": b"thirty of them"}, SMALL)
    assert [(number.text, number.is_word) for number in found] == [("30", False)]


def plural_forms(template: Catalog) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every plural message with each of its forms, in English and in each catalog."""
    for message in template:
        if isinstance(message.id, tuple):
            yield from ((message.id, form) for form in message.id)
    for code in catalogs.TRANSLATED:
        with (LOCALE / f"{code}.po").open("rb") as file:
            catalog = read_po(file)
        for message in catalog:
            if isinstance(message.id, tuple):
                yield from ((message.id, form) for form in message.string or ())


def test_a_public_form_that_leaves_its_number_out_counts_groups_and_never_people() -> None:
    """In Arabic one form is for 0, one for 1 and one for 2: "two groups" is one word. Such a word can be no number of
    people. (That such a form is for one number alone is held by `tools.catalogs`.)"""
    template = catalogs.extracted()
    public = {
        message.id
        for message in template
        if isinstance(message.id, tuple) and any("public" in place for place, _ in message.locations)
    }
    wordless = {of for of, form in plural_forms(template) if "%(" not in form} & public
    assert len(wordless) > 5
    assert all("group" in of[0] for of in wordless)
