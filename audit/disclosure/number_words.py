"""Numbers that are written as words, in the languages of the reports: "twelve", "douze", "двенадцать", "十二".

Each word is a number by itself, so that "twenty-three" is 20 and 3, and both must be explained. Only Chinese numerals
are read together. Words for one are not read: in five of the six languages they are articles, pronouns and parts of
other words. Nor are "none", "both", "half" and endings such as the Arabic dual: what may stand there is held to the
catalogs by a test, and to the release by the gate that renders every file again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

__all__ = ["numbers_said"]


def _table(said: str) -> dict[str, int]:
    """`12 twelve dozen; 20 twenty` as a mapping from word to number."""
    pairs = [part.split() for part in said.split(";")]
    return {word: int(number) for number, *words in pairs for word in words}


_ENGLISH: Final = _table(
    "0 zero; 2 two; 3 three; 4 four; 5 five; 6 six; 7 seven; 8 eight; 9 nine; 10 ten; 11 eleven; 12 twelve dozen;"
    "13 thirteen; 14 fourteen; 15 fifteen; 16 sixteen; 17 seventeen; 18 eighteen; 19 nineteen; 20 twenty; 30 thirty;"
    "40 forty; 50 fifty; 60 sixty; 70 seventy; 80 eighty; 90 ninety; 100 hundred hundreds; 1000 thousand thousands;"
    "1000000 million millions"
)
_FRENCH: Final = _table(
    "0 zéro; 2 deux; 3 trois; 4 quatre; 5 cinq; 6 six; 7 sept; 8 huit; 9 neuf; 10 dix dizaine; 11 onze;"
    "12 douze douzaine; 13 treize; 14 quatorze; 15 quinze; 16 seize; 20 vingt vingts; 30 trente; 40 quarante;"
    "50 cinquante; 60 soixante; 70 septante; 80 huitante octante; 90 nonante; 100 cent cents; 1000 mille;"
    "1000000 million millions"
)
_SPANISH: Final = _table(
    "0 cero; 2 dos; 3 tres; 4 cuatro; 5 cinco; 6 seis; 7 siete; 8 ocho; 9 nueve; 10 diez; 11 once; 12 doce docena;"
    "13 trece; 14 catorce; 15 quince; 16 dieciséis; 17 diecisiete; 18 dieciocho; 19 diecinueve; 20 veinte;"
    "21 veintiún veintiuno veintiuna; 22 veintidós; 23 veintitrés; 24 veinticuatro; 25 veinticinco; 26 veintiséis;"
    "27 veintisiete; 28 veintiocho; 29 veintinueve; 30 treinta; 40 cuarenta; 50 cincuenta; 60 sesenta; 70 setenta;"
    "80 ochenta; 90 noventa; 100 cien ciento cientos cientas; 200 doscientos doscientas; 300 trescientos trescientas;"
    "400 cuatrocientos cuatrocientas; 500 quinientos quinientas; 600 seiscientos seiscientas;"
    "700 setecientos setecientas; 800 ochocientos ochocientas; 900 novecientos novecientas; 1000 mil miles;"
    "1000000 millón millones"
)
_RUSSIAN: Final = _table(
    "0 ноль нуль ноля нуля; 2 два две двух двум двумя двое двоих; 3 три трёх трех трём трем тремя трое троих;"
    "4 четыре четырёх четырех четырём четырем четырьмя четверо; 5 пять пяти пятью; 6 шесть шести шестью;"
    "7 семь семи семью; 8 восемь восьми восемью; 9 девять девяти девятью; 10 десять десяти десятью;"
    "11 одиннадцать одиннадцати; 12 двенадцать двенадцати дюжина; 13 тринадцать тринадцати;"
    "14 четырнадцать четырнадцати; 15 пятнадцать пятнадцати; 16 шестнадцать шестнадцати; 17 семнадцать семнадцати;"
    "18 восемнадцать восемнадцати; 19 девятнадцать девятнадцати; 20 двадцать двадцати; 30 тридцать тридцати;"
    "40 сорок сорока; 50 пятьдесят пятидесяти; 60 шестьдесят шестидесяти; 70 семьдесят семидесяти;"
    "80 восемьдесят восьмидесяти; 90 девяносто девяноста; 100 сто ста сотня; 200 двести двухсот; 300 триста трёхсот;"
    "400 четыреста четырёхсот; 500 пятьсот пятисот; 600 шестьсот шестисот; 700 семьсот семисот;"
    "800 восемьсот восьмисот; 900 девятьсот девятисот; 1000 тысяча тысячи тысяч; 1000000 миллион миллиона миллионов"
)
_ARABIC: Final = _table(
    "0 صفر; 2 اثنان اثنين اثنتان اثنتين اثنا اثني اثنتا اثنتي; 3 ثلاث ثلاثة; 4 أربع أربعة; 5 خمس خمسة; 6 ست ستة;"
    "7 سبع سبعة; 8 ثمان ثماني ثمانية; 9 تسع تسعة; 10 عشر عشرة; 20 عشرون عشرين; 30 ثلاثون ثلاثين; 40 أربعون أربعين;"
    "50 خمسون خمسين; 60 ستون ستين; 70 سبعون سبعين; 80 ثمانون ثمانين; 90 تسعون تسعين; 100 مئة مائة;"
    "200 مئتان مئتين مائتان مائتين; 1000 ألف آلاف; 1000000 مليون ملايين"
)
_SCRIPTS: Final[Mapping[str, int]] = {**_RUSSIAN, **_ARABIC}
"""Words of scripts that no other of the languages has: they are read whatever a text says of its language."""
_LATIN: Final[Mapping[str, Mapping[str, int]]] = {"en": _ENGLISH, "fr": _FRENCH, "es": _SPANISH}
_OF_OTHERS: Final = frozenset(("once", "six", "cent", "cents", "dos", "million", "millions", "miles"))
"""French and Spanish words that are read in their own texts alone: elsewhere they mean something else, or the same."""
_UNMARKED: Final[Mapping[str, int]] = {
    **{word: number for table in (_FRENCH, _SPANISH) for word, number in table.items() if word not in _OF_OTHERS},
    **_ENGLISH,
}

_WORD: Final = re.compile(r"[^\W\d_]+")
_PER_CENT: Final = re.compile(r"\b(?:per|pour|por) ?cento?s?\b|\bpor ciento\b|(?:في |ب)الم(?:ئ|ائ)ة|百分[之点點比率]?")
_ARABIC_PREFIX: Final = re.compile(r"[وف]?(?:[بك]?ال|لل|[بلك])?(?=[^\W\d_]{2})")
_CHINESE: Final = re.compile(
    r"[〇零一二两兩三四五六七八九十百千万萬亿廿卅]{2,}|[〇零二两兩三四五六七八九十百千](?=[个個名人例组組项項次位起宗])"
)
_CHINESE_DIGITS: Final = {
    **{sign: value for value, sign in enumerate("零一二三四五六七八九")},
    "〇": 0,
    "两": 2,
    "兩": 2,
}
_CHINESE_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_CHINESE_TENS: Final = {"廿": 20, "卅": 30}
_CHINESE_GROUPS: Final = {"万": 10**4, "萬": 10**4, "亿": 10**8}


def numbers_said(text: str, language: str = "") -> Iterator[tuple[str, int]]:
    """Words of a text that are numbers, with these.

    Parameters
    ----------
    language : str
        The language that the text is marked with, as `fr` or `fr-FR`; empty where it is not. Words in Arabic, Cyrillic
        and Chinese letters are read in every text.
    """
    if not text.isascii():
        for run in _CHINESE.finditer(_PER_CENT.sub(" ", text)):
            yield run[0], _chinese(run[0])
    code = language.partition("-")[0].casefold()
    latin = _LATIN.get(code, _UNMARKED if not code else _ENGLISH)
    words = [word for word in _WORD.findall(text) if len(word) > 1]
    if not any(word.casefold() in latin or not word.isascii() for word in words):
        return
    for word in _WORD.findall(_PER_CENT.sub(" ", text)):
        number = _of_word(word.casefold(), latin)
        if number is not None:
            yield word, number


def _of_word(word: str, latin: Mapping[str, int]) -> int | None:
    found = latin.get(word, _SCRIPTS.get(word))
    if found is not None or word.isascii():
        return found
    bare = _ARABIC_PREFIX.sub("", word, count=1)
    return _SCRIPTS.get(bare)


def _chinese(run: str) -> int:
    """The value of numerals: with units, `二百三十四`, or digit by digit, `二三四`."""
    if all(sign in _CHINESE_DIGITS for sign in run):
        return int("".join(str(_CHINESE_DIGITS[sign]) for sign in run))
    total = section = digit = 0
    for sign in run:
        if sign in _CHINESE_DIGITS:
            digit = _CHINESE_DIGITS[sign]
        elif sign in _CHINESE_TENS:
            section, digit = section + _CHINESE_TENS[sign], 0
        elif sign in _CHINESE_UNITS:
            section, digit = section + (digit or 1) * _CHINESE_UNITS[sign], 0
        else:
            total, section, digit = (total + section + digit or 1) * _CHINESE_GROUPS[sign], 0, 0
    return total + section + digit
