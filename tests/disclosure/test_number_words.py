"""Numbers as words are read by the gate as digits are, in six languages and in every kind of numeral."""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from made.disclosure import changed_text
from made.public import in_languages, made, page_files

from audit.disclosure.explain import blank, unexplained
from audit.disclosure.number_words import numbers_said
from audit.disclosure.plain_letters import visible
from audit.disclosure.printed import numbers_in
from audit.public.table import group_key
from audit.vocabulary.text import LANGUAGES
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
        ("ten", "fr", [10]),  # a text need not be in the language that it says it is in
        ("dix-sept femmes", "en", [10, 7]),
        ("семнадцатью и tres", "en-GB", [17, 3]),
        ("soixante pour cent", "fr", [60]),
        ("once mujeres y el 40 por ciento", "es", [11]),
        ("at once", "", []),
        ("из двадцати трёх", "en", [20, 3]),
        ("والثلاثين", "ar", [30]),
        ("للخمسة من العشرين في المئة", "ar", [5, 20]),
        ("找到三名女性，其中二十三例，占百分之六", "zh", [3, 23, 6]),
        ("漏掉七", "zh", [7]),
        ("一个群体，十分一致，统一，非二元性别，百慕大", "zh", []),
        ("叁佰陆拾", "zh", [360]),
        ("四億", "zh", [400_000_000]),
        ("三四五", "zh", [345]),
        ("一百零五万二千", "zh", [1_052_000]),
    ],
)
def test_words_in_sentences(text: str, language: str, numbers: list[int]) -> None:
    assert [number for _, number in numbers_said(text, language)] == numbers


FORMS = [
    (17, "ru", "семнадцать семнадцати семнадцатью"),
    (2, "ru", "два две двух двум двумя двое двоих"),
    (3, "ru", "три трёх трех трём тремя трое троих"),
    (4, "ru", "четыре четырёх четырём четырьмя четверо"),
    (8, "ru", "восемь восьми восьмью восемью"),
    (50, "ru", "пятьдесят пятидесяти пятьюдесятью полсотни"),
    (80, "ru", "восемьдесят восьмидесяти восемьюдесятью восьмьюдесятью"),
    (200, "ru", "двести двухсот двумстам двумястами двухстах"),
    (300, "ru", "триста трёхсот трёмстам тремястами трёхстах"),
    (700, "ru", "семьсот семисот семистам семьюстами семистах"),
    (1000, "ru", "тысяча тысячи тысяче тысячу тысячей тысяч тысячам тысячами тысячах"),
    (10, "ru", "десяток десятка десятком десятки"),
    (100, "ru", "сто ста сотня сотней сотни сотен"),
    (10, "fr", "dix dizaine dizaines"),
    (15, "fr", "quinze quinzaine"),
    (20, "fr", "vingt vingtaine vingtaines"),
    (100, "fr", "cent cents centaine centaines"),
    (1000, "fr", "mille millier milliers"),
    (10, "es", "diez decena decenas"),
    (12, "es", "doce docena docenas"),
    (22, "es", "veintidós veintidos"),
    (100, "es", "cien ciento centena centenar centenares"),
    (1000, "es", "mil miles millar millares"),
    (12, "en", "twelve dozen dozens"),
    (60, "en", "sixty threescore"),
    (24, "en", "twentyfour"),
    (10, "en", "tenfold"),
    (100, "en", "hundredfold"),
    (500, "en", "fivehundred"),
    (97, "fr", "quatrevingtdixsept"),
    (32, "es", "treintaydos"),
    (23, "ru", "двадцатьтри"),
    (100, "ar", "مئة مائة مائةً مئات ومائة بالمئات"),
    (200, "ar", "مئتان مئتين مئتَيْن مائتان مائتين مائتا ومئتي"),
    (300, "ar", "ثلاثمائة ثلاثمئة ثَلاثُمِئَةٍ وثلاثمائة الثلاثمئة"),
    (800, "ar", "ثمانمائة ثمانيمئة"),
    (1000, "ar", "ألف ألفًا الف آلاف والآلاف ألوف بألف"),
    (2000, "ar", "ألفان ألفين للألفين"),
    (2, "ru", "двойка двойки двойкой двоек"),
    (7, "ru", "семёрка семерка семёрки семёркой семёрок"),
    (20, "ru", "двадцатка двадцатку двадцаток"),
    (20, "es", "veintitantos veintitantas"),
    (30, "es", "treintaitantos treintaytantas"),
    (300, "ar", "ثلثمائة ثلثمئة وثلثمائة"),
    (3, "ar", "ثلاثتهم ثلاثتهن وثلاثتهما"),
    (8, "ar", "ثمانيتهم"),
    (7, "ar", "سبع سبعة سبعةً سبعـــة سبعه"),
]


@pytest.mark.parametrize(("number", "code", "forms"), FORMS, ids=[f"{code}-{number}" for number, code, _ in FORMS])
def test_every_form_of_a_number_is_read(number: int, code: str, forms: str) -> None:
    for form in forms.split():
        for language in (code, "en", ""):
            assert [said for _, said in numbers_said(form, language)] == [number], form


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("twenty-one of them", [20, 21]),
        ("twentyone of them", [21]),
        ("vingt et une femmes", [20, 21]),
        ("treinta y una", [30, 31]),
        ("двадцатью одной", [20, 21]),
        ("أحد عشر", [10, 11]),
        ("واحد وعشرون", [20, 21]),
        ("one woman in twenty, and a man", [20]),
        ("одного из одних", []),
        ("Estados Unidos", []),  # it is written as "un y dos" would be
        ("كميات كبيرة، ميتا", []),  # without a hamza they would be hundreds
        ("scores, seconds, often, listen, weight, canine", []),
    ],
)
def test_one_is_read_as_a_part_of_another_number_alone(text: str, numbers: list[int]) -> None:
    assert [number for _, number in numbers_said(text)] == numbers


def test_the_one_homograph_is_kept_back_in_english_alone() -> None:
    assert [len(numbers_said("at once", code)) for code in ("", "en", "en-GB", "es", "fr", "ar", "ru", "zh")] == [
        0, 0, 0, 1, 1, 1, 1, 1
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("seventeenWomen", [17]),
        ("womenSeventeen and girlsTWELVE", [17, 12]),
        ("WOMENSeventeen", [17]),
        ("SEVENTEENwomen", [17]),
        ("ofSeventeenWomen", [17]),
        ("DouzeFemmes, СемнадцатьЖенщин", [12, 17]),
        ("séptWömen", [7]),
        ("𝐒𝐞𝐯𝐞𝐧𝐭𝐞𝐞𝐧𝐖𝐨𝐦𝐞𝐧", [17]),
        ("seven\u00adteenWo\u200bmen", [17]),
        ("SevenTeen", [17]),  # one word, however it is written
        ("viewBox, textLength, McIntosh, startLine", []),
        ("seventeenwomen", []),  # not read: docs/disclosure.md
    ],
)
def test_words_that_a_capital_sets_apart_are_words(text: str, numbers: list[int]) -> None:
    assert [number for _, number in numbers_said(text)] == numbers


HIDDEN = {
    "soft hyphen": "seven\u00adteen",
    "zero width": "s\u200be\u200cv\u200de\u2060n\ufeffteen",
    "direction": "\u2067seven\u2069\u200eteen",
    "fillers": "se\u034fven\u3164te\U000e0101en",
    "full width": "ｓｅｖｅｎｔｅｅｎ",
    "bold": "𝐒𝐞𝐯𝐞𝐧𝐭𝐞𝐞𝐧",
    "marks": "séve\u0323nte\u20ddën",
    "Chinese": "十\u200b七",
    "radicals": "\u2f17七",
    "circled": "㈩七",
}


@pytest.mark.parametrize("way", sorted(HIDDEN))
def test_what_looks_like_a_number_is_one(way: str) -> None:
    numbers = {number.value for number in numbers_in(HIDDEN[way]) if number.is_word}
    assert numbers == ({10, 7} if way == "circled" else {17})


@pytest.mark.parametrize("between", ["\u00ad", "\u200b", "\u2060", "\u2066", "\u200f", "\ufe0f"])
def test_digits_that_stand_together_are_one_number(between: str) -> None:
    assert [number.text for number in numbers_in(f"of 1{between}7 women")] == ["17"]
    assert [number.text for number in numbers_in(f"of １{between}٧ women")] == ["17"]


def test_isolates_of_a_page_join_no_numbers() -> None:
    assert [number.text for number in numbers_in("\u206812\u2069–\u206834\u2069, \u20681\u202f234\u2069")] == [
        "12", "34", "1\u202f234"
    ]  # fmt: skip


def test_no_character_of_format_is_left() -> None:
    left = [code for code in range(sys.maxunicode) if unicodedata.category(chr(code)) == "Cf" and visible(chr(code))]
    assert left == []


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


@pytest.mark.parametrize("code", ["en", "ar", "zh"])
def test_a_number_in_words_is_refused_in_a_row_and_outside_of_all(code: str) -> None:
    release = in_languages(SMALL, code)
    files, furniture = page_files(release), page_files(blank(release))
    assert unexplained(files, furniture, release) == []
    key = next(group_key(row.group) for row in release.table.groups if row.positives.cases is None)
    planted = [
        f"<p>{WORDS[code]}</p>",
        f'<p data-g="{key}">{WORDS[code]}</p>',
        f'<p data-g="{key}" title="{WORDS[code]}">-</p>',
        f"<!-- {WORDS[code]} -->",
        *(f'<p lang="{other}">{WORDS[code]}</p>' for other in LANGUAGES),
    ]
    leak = changed_text(files, "report.html", "</main>", f"{''.join(planted)}</main>")
    found = unexplained(leak, furniture, release)
    assert all(number.is_word for number in found)
    times = Counter(number.value for number in found)  # one part of the number may be a word of the page itself
    assert max(times.values()) == len(planted)


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
