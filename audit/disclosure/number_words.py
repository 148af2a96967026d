"""Numbers that are written as words, in the languages of the reports: "twelve", "douze", "двенадцать", "十二".

Each word is a number by itself, so that "twenty-three" is 20 and 3, and both must be explained. Read together are
Chinese numerals, words that are written as one ("twentythree") and words for one behind a number ("twenty-one" is 21).
By themselves words for one are not read: in five of the six languages they are articles, pronouns and parts of other
words. Nor are "none", "both", "half" and ordinals: what may stand there is held to the catalogs by a test, and to the
release by the gate that renders every file again.

Words of all languages are read in every text. A text says itself which language it is in, and need not tell the truth.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Final

from audit.disclosure.number_tables import BETWEEN, NUMBERS, ONE
from audit.disclosure.plain_letters import plain, visible

_WORD: Final = re.compile(r"[^\W\d_]+")
_PER_CENT: Final = re.compile(
    r"\b(?:per|pour|por) ?cento?s?\b|\bpor ciento\b|(?:في |ب)الما?ئه\b|百分[之点點比率]?|百慕[大達达]|十分(?!之)|非二元"
)
"""Per cents, and three Chinese words with a numeral that counts nothing: Bermuda, "very" and "non-binary"."""
_ARABIC_PREFIXES: Final = tuple(
    "".join(parts) for parts in product(("", "و", "ف"), ("", "ال", "بال", "كال", "لل", "ب", "ل", "ك"))
)[1:]
_CHINESE: Final = re.compile(
    r"[〇零一二两兩三四五六七八九十百千万萬亿億廿卅卌壹贰貳叁參肆伍陆陸柒捌玖拾佰仟]{2,}|[〇零二两兩俩仨三四五六七八九十百千万萬亿億廿卅卌]"
)
_CHINESE_DIGITS: Final = {
    **{sign: value for value, sign in enumerate("零一二三四五六七八九")},
    **{sign: value for value, sign in enumerate("壹贰叁肆伍陆柒捌玖", start=1)},
    "〇": 0,
    "两": 2,
    "兩": 2,
    "俩": 2,
    "仨": 3,
    "貳": 2,
    "參": 3,
    "陸": 6,
}
_CHINESE_UNITS: Final = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
_CHINESE_TENS: Final = {"廿": 20, "卅": 30, "卌": 40}
_CHINESE_GROUPS: Final = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_SMALL, _LARGE = "[a-zß-öø-ÿа-яё]", "[A-ZÀ-ÖØ-ÞА-ЯЁ]"
_CAPITAL_WITHIN: Final = re.compile(f"{_SMALL}{_LARGE}|{_LARGE}{{2}}{_SMALL}")
_BREAKS: Final = (
    re.compile(f"(?<={_SMALL})(?={_LARGE})|(?<={_LARGE})(?={_LARGE}{_SMALL})"),
    re.compile(f"(?<={_SMALL})(?={_LARGE})|(?<={_LARGE}{_LARGE})(?={_SMALL})"),
)
"""Where words that were written together come apart: "seventeenWomen", "WOMENSeventeen"; "SEVENTEENwomen"."""
_HOMOGRAPH: Final = "once"
"""Spanish for 11. English has the word too, and English pages use it; no other word is kept back anywhere."""
_KEPT: Final = 200
"""Texts up to so many characters repeat in a page, as names of classes and of states do."""
_LONGEST: Final = 120
"""Letters of the longest word that is taken apart."""


def numbers_said(text: str, language: str = "") -> Sequence[tuple[str, int]]:
    """Words of a text that are numbers, with these.

    Parameters
    ----------
    language : str
        The language that the text is marked with, as `fr` or `fr-FR`; empty where it is not. It decides about "once"
        and about nothing else.
    """
    english = language.partition("-")[0].casefold() in ("", "en")
    return _short(text, english) if len(text) <= _KEPT else tuple(_said(text, english))


@lru_cache(maxsize=1 << 14)
def _short(text: str, english: bool) -> Sequence[tuple[str, int]]:
    return tuple(_said(text, english))


def _said(text: str, english: bool) -> Iterator[tuple[str, int]]:
    letters = plain(_apart(text))
    if not letters.isascii():
        for run in _CHINESE.finditer(_PER_CENT.sub(" ", letters)):
            yield run[0], _chinese(run[0])
    if all(_of_word(word) is None for word in set(_WORD.findall(letters))):
        return
    words = _WORD.findall(_PER_CENT.sub(" ", letters))
    for place, word in enumerate(words):
        number = _of_word(word)
        if number is None or (english and word == _HOMOGRAPH):
            continue
        yield word, number
        yield from _with_one(words, place, number)


def _apart(text: str) -> str:
    """A text with spaces where a capital within a word begins or ends a number: "seventeenWomen", not "sevenTeen"."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", visible(text))
    return text if _CAPITAL_WITHIN.search(text) is None else _WORD.sub(lambda found: _parted(found[0]), text)


def _parted(word: str) -> str:
    if _CAPITAL_WITHIN.search(word) is None or _of_word(plain(word)) is not None:
        return word
    ways = (way.sub(" ", word) for way in _BREAKS)
    return next((way for way in ways if any(_of_word(plain(part)) for part in way.split())), word)


def _with_one(words: Sequence[str], place: int, number: int) -> Iterator[tuple[str, int]]:
    """The number that a word for one makes of another one: "twenty and one", and in Arabic "one and twenty"."""
    after = place + 1
    if words[after : after + 1] and words[after] in BETWEEN:
        after += 1
    if number >= 20 and words[after : after + 1] and words[after] in ONE:
        yield words[after], number + 1
    if 10 <= number < 100 and place and not words[place].isascii() and words[place - 1] in ONE:
        yield words[place - 1], number + 1


@lru_cache(maxsize=1 << 15)
def _of_word(word: str) -> int | None:
    found = _whole(word)
    if found is not None or word.isascii():
        return found
    bare = (word.removeprefix(prefix) for prefix in _ARABIC_PREFIXES if word.startswith(prefix))
    return next((number for number in map(_whole, bare) if number is not None), None)


def _whole(word: str) -> int | None:
    """The number of a word; of one that was written together from words of numbers, what they make."""
    if word in NUMBERS:
        return NUMBERS[word]
    parts = _parts(word) if 5 < len(word) <= _LONGEST else None
    return None if parts is None or len(parts) < 2 else _together(parts)


def _parts(word: str) -> list[int] | None:
    """The numbers that a word is made of, all of it; None if there is a letter too many."""
    for end in range(len(word), 1, -1):
        number = 1 if word[:end] in ONE else NUMBERS.get(word[:end])
        if number is None:
            continue
        if end == len(word):
            return [number]
        rests = [word[end:], *(word[end:].removeprefix(each) for each in BETWEEN if word.startswith(each, end))]
        rest = next((parts for parts in map(_parts, rests) if parts is not None), None)
        # One stands last, or before hundreds: "Unidos" is no "un y dos".
        if rest is not None and (number > 1 or rest[0] >= 100):
            return [number, *rest]
    return None


def _together(parts: Sequence[int]) -> int:
    """Hundreds and more multiply what stands before them, as twenty does in French fourscore; others are added."""
    total = section = 0
    for part in parts:
        if part >= 1000:
            total, section = total + (section or 1) * part, 0
        elif (part >= 100 and 0 < section < 100) or (part == 20 and section == 4):
            section *= part
        else:
            section += part
    return total + section


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
