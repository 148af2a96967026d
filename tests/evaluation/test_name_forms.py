"""Genders and numbers of demonyms: every form is its own country's or nobody's, and the traps stay refused."""

from __future__ import annotations

import pytest

from audit.evaluation.meaning import fold
from audit.evaluation.nationality import canonical, countries, data_rows
from audit.evaluation.nationality_words import DemonymRow, meanings, read
from tools.name_forms import demonyms, endings, forms, inverted, variants, written_otherwise

ROWS = [DemonymRow(*row) for row in data_rows("demonyms.csv")]


def test_the_package_holds_what_the_tool_writes() -> None:
    assert demonyms() == ROWS
    assert [list(row) for row in variants()] == data_rows("variants.csv")


def test_every_form_is_read_as_its_country_or_as_none() -> None:
    read_forms = 0
    for codes, _, words in ROWS:
        for form in words.split("|"):
            code = read(form).code
            assert code in ({codes, None} if codes in countries() else {None}), (codes, form)
            read_forms += code is not None
    assert read_forms > 7000


def test_every_abbreviated_name_is_read_as_its_country_or_as_none() -> None:
    found = [(row.code, row.name, read(row.name).code) for row in variants()]
    assert [(code, name, got) for code, name, got in found if got not in (code, None)] == []
    assert sum(got is not None for _, _, got in found) > 450


def test_words_of_a_name_are_abbreviated_whole() -> None:
    rules = [("Republic", "Rep."), ("of the", "of")]
    assert written_otherwise("Republic of the Congo", rules) == {
        "Rep. of the Congo", "Republic of Congo", "Rep. of Congo",
    }  # fmt: skip
    assert written_otherwise("Republics", rules) == set()


@pytest.mark.parametrize(
    ("name", "turned"),
    [
        ("Republic of Kenya", "Kenya, Republic of"),
        ("Federal Democratic Republic of Ethiopia", "Ethiopia, Federal Democratic Republic of"),
        ("Republic of the Congo", "Congo, Republic of the"),
        ("République du Bénin", "Bénin, République du"),
        ("United Mexican States", None),
        ("Republic", None),
    ],
)
def test_official_names_are_inverted_as_lists_sort_them(name: str, turned: str | None) -> None:
    assert inverted(name) == turned


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("argentino/a", "ARG"), ("Béninois(e)", "BEN"), ("Nigérien(ne)", "NER"), ("Nigerianer/-in", "NGA"),
        ("dominicano/a", None), ("Congolais(e)", None), ("Guinéen(ne)", None), ("Nigeria/in", None),
        ("Ghana/NE", None), ("Togo/es", None), ("Roemeense", "ROU"), ("rumuńskie", "ROU"), ("Congolees", None),
        ("Afghanistan, Islamic Rep. of", "AFG"), ("Phillipines", None), ("Holland", None),
    ],
)  # fmt: skip
def test_both_genders_in_one_word_and_names_of_reports(text: str, code: str | None) -> None:
    assert read(text).code == code


def test_no_form_belongs_to_two_countries() -> None:
    owners: dict[str, set[str]] = {}
    for codes, _, words in ROWS:
        for form in words.split("|"):
            owners.setdefault(fold(form), set()).update(codes.split())
    for form, claimed in owners.items():
        meaning = meanings()[form]
        assert meaning.code is None or claimed == {meaning.code}, form


def test_no_form_is_spelt_like_a_code_of_another_country() -> None:
    for codes, _, words in ROWS:
        for form in words.split("|"):
            assert canonical(form) in (None, codes), form


@pytest.mark.parametrize(
    ("language", "word", "expected"),
    [
        ("en", "Nigerian", "Nigerian Nigerians"),
        ("en", "Chinese", "Chinese"),
        ("en", "Irishman", "Irishman Irishmen"),
        ("en", "=German", "German"),
        ("es", "colombiano", "colombiano colombiana colombianos colombianas"),
        ("es", "francés", "francés francesa franceses francesas"),
        ("es", "marroquí", "marroquí marroquíes marroquís"),
        ("fr", "Nigérian", "Nigérian Nigériane Nigérians Nigérianes"),
        ("fr", "Roumain", "Roumain Roumaine Roumains Roumaines"),
        ("it", "polacco", "polacco polacca polacci polacchi polacche"),
        ("it", "cinese", "cinese cinesi"),
        ("pt", "alemão", "alemão alemã alemãos alemães alemões alemãs"),
        ("de", "Pole", "Pole Polin Polen Polinnen"),
        ("de", "rumänisch", "rumänisch rumänische rumänischer rumänisches rumänischen"),
        ("ru", "украинец", "украинец украинка украинцы"),
        ("ru", "молдаванин", "молдаванин молдаванка молдаване"),
        ("ar", "سوري", "سوري سورية سوريون سوريين سوريات"),
    ],
)
def test_forms_are_those_of_the_language(language: str, word: str, expected: str) -> None:
    assert forms(word, endings()[language]) == expected.split()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Nigerians", "NGA"), ("Nigériane", "NGA"), ("nigeriana", "NGA"), ("Nigérienne", "NER"), ("nigerina", "NER"),
        ("Colombiana", "COL"), ("rumena", "ROU"), ("Uzbek", "UZB"), ("Kazakh", "KAZ"), ("Azeri", "AZE"),
        ("Macau", "MAC"), ("Rep. Dominicana", "DOM"), ("The Ukraine", "UKR"), ("China, Hong Kong SAR", "HKG"),
        ("China, Taiwan Province of China", "TWN"), ("Georgians", "GEO"), ("South Koreans", "KOR"),
        ("Burma/Myanmar", "MMR"), ("Nigeria (NGA)", "NGA"), ("citizens of Nigeria", "NGA"), ("US citizens", "USA"),
        ("Гражданин Украины", "UKR"), ("граждане России", "RUS"), ("Гражданка Нигера", "NER"),
        ("越南人", "VNM"), ("Hrvatska", "HRV"), ("украинки", None), ("Republic of Congo", "COG"),
        ("St. Vincent and the Grenadines", "VCT"), ("Congolese (DRC)", "COD"), ("Rép. démocratique du Congo", "COD"),
        ("узбечка", "UZB"), ("日本", "JPN"),
    ],
)  # fmt: skip
def test_words_that_were_missing(text: str, code: str | None) -> None:
    assert read(text).code == code


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("Dominicans", "DMA DOM"), ("dominicanas", "DMA DOM"), ("Dominican nationals", "DMA DOM"),
        ("Congoleses", "COD COG"), ("congolesi", "COD COG"), ("citizens of the Congo", "COD COG"),
        ("Guineans", "GIN GNB GNQ PNG"), ("guineanas", "GIN GNB GNQ PNG"), ("Koreans", "KOR PRK"),
        ("корейцы", "KOR PRK"), ("朝鲜人", "KOR PRK"), ("Central Africans", "017 CAF"), ("Samoans", "ASM WSM"),
        ("guianenses", "GUF GUY SUR"),
    ],
)  # fmt: skip
def test_a_form_that_two_countries_share_is_refused_with_both(text: str, candidates: str) -> None:
    meaning = read(text)
    assert (meaning.code, meaning.reason, " ".join(meaning.candidates)) == (None, "ambiguous", candidates)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Niger/Nigeria", "several"), ("Chinese (Taiwan)", "several"), ("Congo/DRC", "unknown_word"),
        ("African nationals", "region"), ("multinational", "unknown_word"), ("non-Chinese citizens", "unknown_word"),
        ("indios", "unknown_word"), ("the other", "not_known"), ("nationals", "relative"), ("外国人", "relative"),
        ("Kosovars", "no_iso_code"), ("Bengalis", "unknown_word"), ("русские", "unknown_word"),
        ("индианка", "unknown_word"), ("Africans", "region"),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_name_stays_refused(text: str, reason: str) -> None:
    assert (read(text).code, read(text).reason) == (None, reason)


def test_a_name_of_a_country_in_any_language_of_cldr_is_never_read_as_another() -> None:
    """Someone else's answer: the names that CLDR has in all its languages, of which the tables hold a part."""
    from babel import Locale, localedata

    alpha3 = {country.alpha2: country.alpha3 for country in countries().values()}
    locales = [Locale.parse(locale) for locale in localedata.locale_identifiers() if "_" not in locale]
    names = {(alpha2, name) for locale in locales for alpha2, name in locale.territories.items() if alpha2 in alpha3}
    assert len(names) > 20_000
    found = {(name, alpha3[alpha2], read(name).code) for alpha2, name in names}
    wrong = {(name, theirs, ours) for name, theirs, ours in found if ours not in (None, theirs)}
    assert wrong <= {
        ("Guyane", "GUY", "GUF"),
        ("Nga", "RUS", "NGA"),
        ("ma Lawi", "LVA", "MWI"),
    }  # Kirundi; a code; Toki Pona
