"""Which words are numbers in the six languages, in every form that grammar gives them.

Words stand here as dictionaries write them; they are compared without marks, so that "zéro" is "zero" and "ثَلاثُمِئَة" is
"ثلاثمئة" (`plain_letters`). Left out: words for one, of which most are articles; "score", which is what a detector
gives; "both", "half", "pair" and ordinals; how many times over, but for "tenfold".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from audit.disclosure.plain_letters import plain

_ENGLISH: Final = (
    "0 zero; 2 two; 3 three; 4 four; 5 five; 6 six; 7 seven; 8 eight; 9 nine; 10 ten tens; 11 eleven; 12 twelve dozen"
    " dozens; 13 thirteen; 14 fourteen; 15 fifteen; 16 sixteen; 17 seventeen; 18 eighteen; 19 nineteen; 20 twenty;"
    "30 thirty; 40 forty twoscore; 50 fifty; 60 sixty threescore; 70 seventy; 80 eighty fourscore; 90 ninety;"
    "100 hundred hundreds; 1000 thousand thousands; 1000000 million millions; 1000000000 billion billions"
)
_FRENCH: Final = (
    "0 zéro; 2 deux; 3 trois; 4 quatre; 5 cinq; 6 six; 7 sept; 8 huit huitaine; 9 neuf; 10 dix dizaine dizaines;"
    "11 onze; 12 douze douzaine douzaines; 13 treize; 14 quatorze; 15 quinze quinzaine quinzaines; 16 seize;"
    "20 vingt vingts vingtaine vingtaines; 30 trente trentaine trentaines; 40 quarante quarantaine quarantaines;"
    "50 cinquante cinquantaine cinquantaines; 60 soixante soixantaine soixantaines; 70 septante; 80 huitante octante;"
    "90 nonante; 100 cent cents centaine centaines; 1000 mille millier milliers; 1000000 million millions;"
    "1000000000 milliard milliards"
)
_SPANISH: Final = (
    "0 cero; 2 dos; 3 tres; 4 cuatro; 5 cinco; 6 seis; 7 siete; 8 ocho; 9 nueve; 10 diez decena decenas; 11 once;"
    "12 doce docena docenas; 13 trece; 14 catorce; 15 quince quincena quincenas; 16 dieciséis; 17 diecisiete;"
    "18 dieciocho; 19 diecinueve; 20 veinte veintena veintenas veintitantos veintitantas;"
    "21 veintiún veintiuno veintiuna; 22 veintidós;"
    "23 veintitrés; 24 veinticuatro; 25 veinticinco; 26 veintiséis; 27 veintisiete; 28 veintiocho; 29 veintinueve;"
    "30 treinta treintena treintenas; 40 cuarenta cuarentena cuarentenas; 50 cincuenta cincuentena cincuentenas;"
    "60 sesenta; 70 setenta; 80 ochenta; 90 noventa; 100 cien ciento cientos cientas centena centenas centenar"
    " centenares; 200 doscientos doscientas; 300 trescientos trescientas; 400 cuatrocientos cuatrocientas;"
    "500 quinientos quinientas; 600 seiscientos seiscientas; 700 setecientos setecientas; 800 ochocientos ochocientas;"
    "900 novecientos novecientas; 1000 mil miles millar millares; 1000000 millón millones"
)
_RUSSIAN: Final = (
    "0 ноль ноля нолю нолём ноле нуль нуля нулю нулём нуле; 2 два две двух двум двумя двое двоих двоим двоими;"
    "3 три трёх трём тремя трое троих троим троими; 4 четыре четырёх четырём четырьмя четверо четверых четверым"
    " четверыми; 5 пятеро пятерых пятерым пятерыми; 6 шестеро шестерых шестерым шестерыми; 7 семеро семерых семерым"
    " семерыми; 8 восемь восьми восьмью восемью восьмеро восьмерых; 9 девятеро девятерых; 10 десятеро десятерых"
    " десяток десятка десятку десятком десятке десятки десятков десяткам десятками десятках; 12 дюжина дюжины дюжине"
    " дюжину дюжиной дюжин дюжинам дюжинами дюжинах; 40 сорок сорока; 50 полсотни; 90 девяносто девяноста; 100 сто ста"
    " сотня сотни сотне сотню сотней сотен сотням сотнями сотнях; 200 двести двухсот двумстам двумястами двухстах;"
    "300 триста трёхсот трёмстам тремястами трёхстах; 400 четыреста четырёхсот четырёмстам четырьмястами четырёхстах;"
    "800 восемьсот восьмисот восьмистам восьмьюстами восемьюстами восьмистах; 80 восемьдесят восьмидесяти"
    " восемьюдесятью восьмьюдесятью; 1000 тысяча тысячи тысяче тысячу тысячей тысячью тысяч тысячам тысячами тысячах"
)
_ARABIC: Final = (
    "0 صفر; 2 اثنان اثنين اثنتان اثنتين اثنا اثني اثنتا اثنتي; 3 ثلاث ثلاثة; 4 أربع أربعة; 5 خمس خمسة; 6 ست ستة;"
    "7 سبع سبعة; 8 ثمان ثماني ثمانيا ثمانية; 9 تسع تسعة; 10 عشر عشرة عشرات; 12 دزينة; 20 عشرون عشرين; 30 ثلاثون ثلاثين;"
    "40 أربعون أربعين; 50 خمسون خمسين; 60 ستون ستين; 70 سبعون سبعين; 80 ثمانون ثمانين; 90 تسعون تسعين;"
    "100 مئة مائة مئات; 300 ثلثمئة ثلثمائة; 200 مئتان مئتين مئتا مئتي مائتان مائتين مائتا مائتي;"
    "1000 ألف ألفا آلاف ألوف;"
    "2000 ألفان ألفين ألفي; 1000000 مليون مليونا ملايين; 2000000 مليونان مليونين; 1000000000 مليار مليارات"
)

_ONE: Final = "one un une uno una один одна одно одну одного одной одному одним одном واحد واحدة أحد إحدى الأحد الإحدى"
_BETWEEN: Final = "and et y e i и و"


def _pairs(said: str) -> Iterator[tuple[str, int]]:
    """`12 twelve dozen; 20 twenty` as words with their numbers."""
    for part in said.split(";"):
        number, *words = part.split()
        yield from ((plain(word), int(number)) for word in words)


def _declined() -> Iterator[tuple[str, int]]:
    """Russian numbers that are declined alike: five and its like, both halves of fifty, both of five hundred."""
    teens = ["один", "две", "три", "четыр", "пят", "шест", "сем", "восем", "девят"]
    regular = {5: "пят", 6: "шест", 7: "сем", 9: "девят", 10: "десят", 20: "двадцат", 30: "тридцат"}
    regular.update({number: f"{stem}надцат" for number, stem in enumerate(teens, start=11)})
    for number, stem in regular.items():
        yield from ((f"{stem}{ending}", number) for ending in ("ь", "и", "ью"))
    for number in (5, 6, 7):
        stem = regular[number]
        tens = (f"{stem}ьдесят", f"{stem}идесяти", f"{stem}ьюдесятью")
        yield from ((form, 10 * number) for form in tens)
    for number in (5, 6, 7, 9):
        stem = regular[number]
        forms = (f"{stem}ьсот", f"{stem}исот", f"{stem}истам", f"{stem}ьюстами", f"{stem}истах")
        yield from ((form, 100 * number) for form in forms)
    cards = {2: "двой", 3: "трой", 4: "четвёр", 5: "пятёр", 6: "шестёр", 7: "семёр", 8: "восьмёр", 9: "девят"}
    cards.update({20: "двадцат", 30: "тридцат"})
    for number, stem in cards.items():
        cases = ("ка", "ки", "ке", "ку", "кой", "кою", "кам", "ками", "ках")
        yield from ((f"{stem}{ending}", number) for ending in cases)
        yield f"{stem.removesuffix('й')}{'ек' if stem.endswith('й') else 'ок'}", number
    for number, stem in ((10**6, "миллион"), (10**9, "миллиард")):
        endings = ("", "а", "у", "ом", "е", "ы", "ов", "ам", "ами", "ах")
        yield from ((f"{stem}{ending}", number) for ending in endings)


def _derived() -> Iterator[tuple[str, int]]:
    """Words made of others: "tenfold", "treintaitantos", and "the three of them" as Arabic writes it."""
    yield from ((f"{word}fold", number) for word, number in _pairs(_ENGLISH) if number)
    tens = "30 treinta; 40 cuarenta; 50 cincuenta; 60 sesenta; 70 setenta; 80 ochenta; 90 noventa"
    for word, number in _pairs(tens):
        yield from ((f"{word}{between}tant{ending}", number) for between in "iy" for ending in ("os", "as"))
    counted = "3 ثلاثت; 4 أربعت; 5 خمست; 6 ستت; 7 سبعت; 8 ثمانيت; 9 تسعت; 10 عشرت"
    for word, number in _pairs(counted):
        yield from ((f"{word}{whose}", number) for whose in ("هم", "هن", "هما", "كم", "كن", "نا"))


NUMBERS: Final[Mapping[str, int]] = {
    **{plain(word): number for word, number in (*_declined(), *_derived())},
    **{word: number for said in (_ENGLISH, _FRENCH, _SPANISH, _RUSSIAN, _ARABIC) for word, number in _pairs(said)},
}
"""Every word of every language but Chinese. No word is two numbers in two languages."""
ONE: Final = frozenset(map(plain, _ONE.split()))
"""Words for one: read only as a part of another number, as in "twenty-one"."""
BETWEEN: Final = frozenset(map(plain, _BETWEEN.split()))
"""What may stand between the words of one number."""
