"""Names of nationalities: what is read, by the same rule in every spelling, and what is refused and why."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.sets import made_cells, made_plan, write_set

from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.meaning import REASONS, Meaning, Reason, fold
from audit.evaluation.nationality import TRAVEL_DOCUMENT_CODES, canonical, countries, data_rows
from audit.evaluation.nationality_words import NameRow, claims, historic_codes, meanings, name_rows, read

UN_LANGUAGES = {"ar", "en", "es", "fr", "ru", "zh"}
READ = sorted(
    (row for row in name_rows() if meanings()[fold(row.name)].code is not None), key=lambda row: (row.code, row.name)
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Nigeria", "NGA"),
        ("Nigerian", "NGA"),
        ("Nigerien", "NER"),
        ("nigérien", "NER"),
        ("the Federal Republic of Nigeria", "NGA"),
        ("République fédérale du Nigeria", "NGA"),
        ("Нигерия", "NGA"),
        ("尼日利亚", "NGA"),
        ("نيجيريا", "NGA"),
        ("  COTE D’IVOIRE ", "CIV"),
        ("Côte-d'Ivoire", "CIV"),
        ("Ｇｈａｎａ", "GHA"),
        ("Viet\u00a0Nam", "VNM"),
        ("Bosnia & Herzegovina", "BIH"),
        ("Korea, Republic of", "KOR"),
        ("Congo (Democratic Republic of the)", "COD"),
        ("Republic of the Congo", "COG"),
        ("Guinea-Bissau", "GNB"),
        ("Equatorial Guinea", "GNQ"),
        ("Dominica", "DMA"),
        ("Dominican Republic", "DOM"),
        ("Indian", "IND"),
        ("American", "USA"),
        ("French", "FRA"),
        ("Dutch", "NLD"),
        ("Norwegian", "NOR"),
        ("Georgia", "GEO"),
        ("U.K.", "GBR"),
        ("stateless", "XXA"),
        ("apatride", "XXA"),
        ("无国籍", "XXA"),
        ("ZAR", "COD"),
        ("Zaire", "COD"),
        ("DDR", "DEU"),
        ("278", "DEU"),
        ("Burma", "MMR"),
        ("Filipina", "PHL"),
        ("Guinea (Conakry)", "GIN"),
        ("Maldivian", "MDV"),
        ("NA", "NAM"),
        (" nga", "NGA"),
        ("ＮＧＡ", "NGA"),
        ("unknown ", "unknown"),
    ],
)
def test_names_are_read_in_every_spelling_of_them(text: str, code: str) -> None:
    assert read(text) == Meaning(code)


@pytest.mark.parametrize(
    ("text", "reason", "candidates"),
    [
        ("Dominican", "ambiguous", "DMA DOM"),
        ("dominicano", "ambiguous", "DMA DOM"),
        ("Congolese", "ambiguous", "COD COG"),
        ("Congo", "ambiguous", "COD COG"),
        ("Guinea", "ambiguous", "GIN GNB GNQ PNG"),
        ("guinéen", "ambiguous", "GIN GNB GNQ PNG"),
        ("Korea", "ambiguous", "KOR PRK"),
        ("Корея", "ambiguous", "KOR PRK"),
        ("Virgin Islander", "ambiguous", "VGB VIR"),
        ("Samoan", "ambiguous", "ASM WSM"),
        ("Micronesia", "ambiguous", "057 FSM"),
        ("Micronésienne", "ambiguous", "057 FSM"),
        ("Central African", "ambiguous", "017 CAF"),
        ("Papuan", "ambiguous", "IDN PNG"),
        ("refugee", "ambiguous", "XXB XXC"),
        ("BUR", "other_code", "BFA MMR"),
        ("D", "other_code", "DEU"),
        ("SUN", "historic", "ARM AZE BLR EST GEO KAZ KGZ LTU LVA MDA RUS TJK TKM UKR UZB"),
        ("810", "historic", "ARM AZE BLR EST GEO KAZ KGZ LTU LVA MDA RUS TJK TKM UKR UZB"),
        ("Yugoslavia", "historic", "BIH HRV MKD MNE SRB SVN"),
        ("SCG", "historic", "MNE SRB"),
        ("CS", "historic", "CZE MNE SRB SVK"),
        ("ZR", "historic", "COD"),
        ("ANT", "historic", "ABW BES CUW SXM"),
        ("Kosovo", "no_iso_code", "XKX"),
        ("XKX", "no_iso_code", "XKX"),
        ("Scottish", "part", "GBR"),
        ("Nationals", "relative", ""),
        ("foreigner", "relative", ""),
        ("Rohingya", "not_a_nationality", ""),
        ("Roma", "not_a_nationality", ""),
        ("TOTAL", "total", ""),
        ("Итого", "total", ""),
        ("Western Africa", "region", "011"),
        ("011", "region", "011"),
        ("African", "region", ""),
        ("N/A", "not_known", ""),
        ("n.a.", "not_known", ""),
        ("other", "not_known", ""),
        ("-", "not_known", ""),
        ("12", "number", ""),
        ("4", "number", ""),
        ("-99", "number", ""),
        ("1,234", "number", ""),
        ("<5", "suppressed", ""),
        ("＜ 5", "suppressed", ""),
        ("*", "suppressed", ""),
        ("Nigeria/Ghana", "several", "GHA NGA"),
        ("Nigerian; GHA", "several", "GHA NGA"),
        ("Nigeria?", "unknown_word", ""),
        ("Nigeria*", "unknown_word", ""),
        ("not Nigeria", "unknown_word", ""),
        ("Nigera", "unknown_word", ""),
        ("²04", "unknown_word", ""),
    ],
)
def test_what_could_be_read_wrongly_is_refused_with_a_reason(text: str, reason: Reason, candidates: str) -> None:
    assert read(text) == Meaning(None, reason, tuple(candidates.split()))


def test_every_reason_is_in_words_and_no_other_is_used() -> None:
    assert set(REASONS) == set(get_args(Reason))
    assert {meaning.reason for meaning in meanings().values() if meaning.reason} <= set(REASONS)


def test_a_reading_is_a_code_or_a_reason_and_never_both() -> None:
    known = {*countries(), *TRAVEL_DOCUMENT_CODES}
    for spelling, meaning in meanings().items():
        assert (meaning.code is None) != (meaning.reason is None), spelling
        assert meaning.code is None or meaning.code in known, spelling
        assert list(meaning.candidates) == sorted(meaning.candidates)


def test_no_name_is_spelt_like_the_code_of_another_country() -> None:
    for spelling, meaning in meanings().items():
        code = canonical(spelling)
        assert code is None or meaning.code in (code, None), spelling


def test_no_name_of_two_countries_is_read() -> None:
    for spelling, codes in claims(name_rows()).items():
        if len(codes) > 1:
            assert meanings()[spelling].code is None, spelling


def test_collisions_are_listed_where_the_sources_are_refreshed() -> None:
    listed = {spelling: set(codes.split()) for spelling, codes, _ in data_rows("collisions.csv")}
    assert listed == {spelling: codes for spelling, codes in claims(name_rows()).items() if len(codes) > 1}
    assert {"congolese", "dominican", "samoan", "micronesia"} <= set(listed)


def test_what_people_decided_contradicts_no_source_and_itself_neither() -> None:
    claimed = claims(name_rows())
    seen: dict[str, str] = {}
    for reading, codes, words in data_rows("words.csv"):
        for word in words.split("|"):
            spelling = fold(word)
            assert spelling
            assert seen.setdefault(spelling, reading + codes) == reading + codes, word
            if reading == "name":
                assert claimed.get(spelling, {codes}) == {codes}, word


@pytest.mark.parametrize(("code", "sources"), [("COG", {"OCHA"}), ("GIN", {"OCHA", "CLDR", "world-countries"})])
def test_the_short_name_that_others_share_is_refused_in_every_language(code: str, sources: set[str]) -> None:
    shared = [row for row in name_rows() if row.code == code and row.kind != "official" and row.source in sources]
    assert len(shared) > 5
    for row in shared:
        assert meanings()[fold(row.name)].reason == "ambiguous", row


def test_every_country_has_a_name_in_every_language_of_the_united_nations() -> None:
    for code in countries():
        spoken = {
            language for row in READ if row.code == code and row.kind != "demonym" for language in row.languages.split()
        }
        assert spoken >= UN_LANGUAGES, code


def test_the_names_of_pycountry_are_read_as_its_codes_or_refused() -> None:
    import pycountry

    refused = set()
    for entry in pycountry.countries:
        for name in {getattr(entry, field, entry.name) for field in ("name", "official_name", "common_name")}:
            meaning = read(name)
            assert meaning.code in (entry.alpha_3, None), name
            if meaning.code is None:
                refused.add(name)
    assert {"Congo", "Guinea"} <= refused
    assert len(refused) <= 12, refused


def test_the_names_of_cldr_are_read_as_its_codes_or_refused() -> None:
    from babel import Locale

    alpha3 = {country.alpha2: country.alpha3 for country in countries().values()}
    for language in ("ar", "en", "es", "fr", "ru", "zh", "zh_Hant", "de", "it", "nl", "pl", "pt", "ro", "tr", "uk"):
        for territory, name in Locale.parse(language).territories.items():
            if territory in alpha3:
                meaning = read(name)
                assert meaning.code in (alpha3[territory], None), (language, name)
                assert meaning.code or meaning.reason == "ambiguous", (language, name, meaning)


def test_withdrawn_codes_are_those_of_iso_3166_3() -> None:
    import pycountry

    withdrawn = {entry.alpha_3 for entry in pycountry.historic_countries} - set(countries())
    assert {entry.alpha3 for entry in historic_codes() if entry.alpha3} == withdrawn
    for entry in historic_codes():
        assert set(entry.successors.split()) <= set(countries())


def _typed(draw: st.DrawFn) -> tuple[NameRow, str]:
    row = draw(st.sampled_from(READ))
    name = row.name
    if draw(st.booleans()):
        name = draw(st.sampled_from([str.upper, str.lower, str.title, str.casefold]))(name)
    if draw(st.booleans()):
        name = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"])), name)
    if draw(st.booleans()):
        plain = unicodedata.normalize("NFD", name)
        name = "".join(one for one in plain if unicodedata.category(one) != "Mn")
    if draw(st.booleans()):
        name = "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in name)
    if draw(st.booleans()):
        name = name.replace(" ", draw(st.sampled_from(["  ", "\u00a0", "-", "\t", "\u3000", ""])))
    return row, draw(st.sampled_from(["", " ", "\ufeff", "\u200b"])) + name + draw(st.sampled_from(["", " ", "\u00a0"]))


@given(st.composite(_typed)())
def test_a_name_in_any_case_accents_width_and_spacing_reads_as_the_same_code(typed: tuple[NameRow, str]) -> None:
    row, text = typed
    assert read(text).code == row.code


@given(st.text(max_size=20))
def test_reading_never_fails_and_folding_twice_changes_nothing(text: str) -> None:
    meaning = read(text)
    assert (meaning.code is None) == (meaning.reason is not None)
    assert fold(fold(text)) == fold(text)


@given(st.permutations(["Nigerian", "NA", "Côte d'Ivoire", "004", "Korea, Republic of", "ZAR", "stateless"]))
def test_reading_never_depends_on_the_order(values: list[str]) -> None:
    expected = {
        "Nigerian": "NGA", "NA": "NAM", "Côte d'Ivoire": "CIV", "004": "AFG", "Korea, Republic of": "KOR", "ZAR": "COD",
        "stateless": "XXA",
    }  # fmt: skip
    assert {value: read(value).code for value in values} == expected


def test_a_set_with_names_is_read_and_a_map_comes_first(tmp_path: Path) -> None:
    flags = ["Nigerian", "尼日利亚", "Congolese", "NA", "UK", "Samoa"]
    write_set(tmp_path / "set.csv", {**made_cells(6), "nationality": flags})
    groups = {"nationality": {"column": "nationality", "map": {"Congolese": "COD", "Samoa": "ASM"}}}
    with open_evaluation_set(made_plan(groups=groups), tmp_path) as opened:
        assert opened.codes["nationality"] == dict(zip(flags, ["NGA", "NGA", "COD", "NAM", "GBR", "ASM"], strict=True))


@pytest.mark.parametrize(
    "name",
    [
        "names.csv",
        "names_odbl.csv",
        "demonyms.csv",
        "variants.csv",
        "around.csv",
        "historic.csv",
        "collisions.csv",
        "words.csv",
    ],
)
def test_the_tables_are_sorted_utf_8_with_line_feeds(name: str) -> None:
    import audit.evaluation

    content = (Path(audit.evaluation.__file__).parent / "data" / name).read_bytes()
    assert b"\r" not in content
    assert content.endswith(b"\n")
    rows = list(csv.reader(content.decode("utf-8").splitlines()))
    assert len({len(row) for row in rows}) == 1
    if name != "words.csv":
        assert rows[1:] == sorted(rows[1:])
