"""The words of the package: every level that is offered, in every language, with the grammar that it asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from audit.errors import PlanError
from audit.evaluation.meaning import fold
from audit.evaluation.nationality import countries
from audit.evaluation.nationality_words import meanings
from audit.scoring.probing.words import ANCHOR, FORMS, GENDERS_OF_NAMES, built_in_words, read_words

WORDS = built_in_words()
ALL = ("en", "es", "fr")
ENDINGS = {
    "es": (("o", "a"), ("s", "sa"), ("n", "na"), ("l", "la"), ("", "")),
    "fr": (("", "e"), ("en", "enne"), ("", ""), ("c", "que"), ("c", "cque"), ("k", "ke"), ("é", "ée"), ("ek", "èke")),
}
"""How a feminine form differs from its masculine one. A check of what was written, not a rule to write by."""
ODD = {("fr", "turc"): "turque", ("fr", "grec"): "grecque", ("fr", "ouzbek"): "ouzbèke"}
INDIO = ("IND", "indio")
"""The one word that the vocabulary of nationalities refuses: in Spanish also said of indigenous peoples."""


def test_each_slot_offers_its_levels_in_all_three_languages() -> None:
    assert len(WORDS.levels("demonym", ALL)) == 176
    assert len(WORDS.levels("country", ALL)) == 191
    assert WORDS.levels("gender", ALL) == ("woman", "man")
    assert len(WORDS.levels("name", ALL)) == 35
    assert set(WORDS.levels("demonym", ALL)) <= set(WORDS.levels("country", ALL))
    assert set(WORDS.levels("country", ALL)) <= set(countries())


@pytest.mark.parametrize("code", WORDS.levels("demonym", ALL))
def test_a_nationality_word_means_its_country_and_no_other(code: str) -> None:
    for forms in WORDS.forms["demonym"][code].values():
        for form, word in forms.items():
            if form == "article" or (code, word) == INDIO:
                continue
            meaning = meanings().get(fold(word))
            assert meaning is None or meaning.code == code, (code, word, meaning)
    english = meanings().get(fold(WORDS.forms["demonym"][code]["en"]["word"]))
    assert english is not None or code in {"DJI", "LUX", "SUR"}, "an English word that the vocabulary does not know"


@pytest.mark.parametrize("code", WORDS.levels("country", ALL))
def test_a_country_is_read_as_itself_and_stands_in_its_own_phrase(code: str) -> None:
    for language, forms in WORDS.forms["country"][code].items():
        meaning = meanings().get(fold(forms["bare"]))
        assert meaning is not None
        assert meaning.code == code
        assert forms["from"].endswith(forms["bare"])
        before = forms["from"].removesuffix(forms["bare"])
        vowel = fold(forms["bare"])[0] in "aeiou" or code == "HTI"  # its h is silent; that of Honduras is not
        match language:
            case "en":
                assert before in {"from ", "from the "}
            case "fr":
                assert before in ({"d’", "des ", "de l’"} if vowel else {"de ", "du ", "des ", "de la "}), forms
            case _:
                assert before in {"de ", "del ", "de la ", "de los ", "de las "}


@pytest.mark.parametrize("code", WORDS.levels("demonym", ALL))
def test_articles_and_agreement(code: str) -> None:
    forms = WORDS.forms["demonym"][code]
    english = forms["en"]
    # no nationality word begins with a vowel letter that is spoken as a consonant but these
    spoken_as_consonant = english["word"].startswith(("Eu", "Ukr", "Uru", "Uzb", "Uga")) and english["word"][:3] in {
        "Ukr", "Uru", "Uga",
    }  # fmt: skip
    wanted = "a" if spoken_as_consonant else "an" if english["word"][0] in "AEIOU" else "a"
    assert english["article"] == wanted, english
    for language in ("es", "fr"):
        masculine, feminine = forms[language]["m"], forms[language]["f"]
        plain = (_plain(masculine), _plain(feminine))
        fits = any(
            plain[0].endswith(own) and plain[0][: len(plain[0]) - len(own)] + other == plain[1]
            for own, other in ENDINGS[language]
        )
        assert fits or ODD.get((language, masculine)) == feminine, (masculine, feminine)
        assert masculine == masculine.lower()
        assert feminine == feminine.lower()


def _plain(word: str) -> str:
    """Without the accent that a Spanish feminine loses: alemán, alemana."""
    return word.translate(str.maketrans("áéíóú", "aeiou"))


def test_a_sentence_about_one_person_has_the_word_for_one() -> None:
    """Basotho are two or more: a sentence that says "a Basotho woman" is wrong, and a detector may see that."""
    assert WORDS.forms["demonym"]["LSO"]["en"] == {"word": "Mosotho", "article": "a"}


def test_persons_have_every_form_and_the_neutral_one_differs() -> None:
    for language in ALL:
        nouns = set()
        for level in (ANCHOR, "woman", "man"):
            forms = WORDS.forms["gender"][level][language]
            assert set(forms) == set(FORMS["gender", language])
            assert all(forms.values())
            assert forms["a"].endswith(forms["noun"])
            assert forms["the"].endswith(forms["noun"])
            nouns.add(forms["noun"])
        assert len(nouns) == 3
    assert WORDS.forms["gender"]["man"]["fr"]["the"] == "l’homme"


def test_given_names_are_ten_of_each_and_say_one_gender_in_their_locale() -> None:
    for locale, by_gender in WORDS.given_names.items():
        assert set(by_gender) == set(GENDERS_OF_NAMES)
        assert [len(set(names)) for names in by_gender.values()] == [10, 10]
        assert not set(by_gender["woman"]) & set(by_gender["man"]), locale
        assert all(re.fullmatch(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*", name) for of in by_gender.values() for name in of)


OWN = """
[demonym.KUR]
name = "Kurdish"
en = { word = "Kurdish", article = "a" }
fr = { m = "kurde", f = "kurde" }
[demonym.NGA]
en = { word = "Naija", article = "a" }
[name.village]
woman = ["Amina"]
man = ["Yusuf", "Idris"]
"""


def test_words_of_ones_own_come_beside_and_replace(tmp_path: Path) -> None:
    (tmp_path / "words.toml").write_text(OWN, encoding="utf-8")
    words = read_words(Path("words.toml"), tmp_path)
    assert "KUR" in words.levels("demonym", ("en", "fr"))
    assert "KUR" not in words.levels("demonym", ALL)
    assert words.forms["demonym"]["NGA"] == {"en": {"word": "Naija", "article": "a"}}
    assert words.names["demonym"]["KUR"] == "Kurdish"
    assert words.given_names["village"]["man"] == ("Yusuf", "Idris")
    assert words.sha256 is not None
    assert built_in_words().forms["demonym"]["NGA"]["en"]["word"] == "Nigerian"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x", "no TOML"),
        ("[religion.A]\nen = {}", "religion is no table of words"),
        ('[demonym.A]\nen = { word = "A" }', "demonym.A.en has not its forms"),
        ('[demonym.A]\nde = { m = "a", f = "a" }', "demonym.A.de is no language"),
        ("[demonym.A]", "demonym.A has no words"),
        ('[gender.x]\nfr = { noun = "x", a = "x", the = "x", they = "x", agreement = "n" }', "agreement is not m or f"),
        ('[name.a]\nwoman = ["B"]\nman = ["B"]', "one name for both"),
        ('[name.a]\nwoman = []\nman = ["B"]', "no list of different names"),
        ('[country.A]\nen = { bare = "", from = "x" }', "is no text"),
    ],
)
def test_words_that_cannot_be_used_get_one_line(tmp_path: Path, text: str, shown: str) -> None:
    (tmp_path / "words.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match=shown) as caught:
        read_words(Path("words.toml"), tmp_path)
    assert caught.value.slug == "probe-words"
    assert "\n" not in str(caught.value)
