"""The texts of the synthetic adverts, and the detector that reads them."""

from __future__ import annotations

import math
import re

import pyarrow as pa
import pytest
from made.worlds import detector, mechanism, scored

from audit.worlds.phrases import (
    ADDRESSED_TO,
    CONTACTS,
    GREETINGS,
    JOBS,
    LANGUAGES,
    NATIONALITY_WORDS,
    ORDINARY_SENTENCES,
    PAY,
    PLACES,
    SIGN_SENTENCES,
)
from audit.worlds.set_file import nationality_sentence
from audit.worlds.strengths import WORLDS

ADVERTS = WORLDS["adverts"]
WITHOUT, LEAKING = detector(mechanism("adverts")), detector(mechanism("adverts", "word-leak=1.2"))
POINTS = {sign.name: sign.points for sign in ADVERTS.signs}
SENTENCES = [
    (name, language, one) for name in SIGN_SENTENCES for language in LANGUAGES for one in SIGN_SENTENCES[name][language]
]


def logit(text: str, score: object = WITHOUT) -> float:
    assert callable(score)
    (value,) = score(pa.RecordBatch.from_pydict({"text": [text]}))
    return math.log(value / (1.0 - value))


NOTHING = logit("")


@pytest.mark.parametrize(("name", "language", "sentence"), SENTENCES)
def test_every_wording_of_a_sign_is_found_and_is_worth_its_points(name: str, language: str, sentence: str) -> None:
    del language
    assert 10.0 * (logit(sentence) - NOTHING) == pytest.approx(POINTS[name], abs=0.05)


def test_every_sign_has_wordings_in_each_language_and_something_ordinary_beside_it() -> None:
    assert list(SIGN_SENTENCES) == list(ORDINARY_SENTENCES) == [sign.name for sign in ADVERTS.signs]
    assert all(len(set(SIGN_SENTENCES[name][language])) == 3 for name in SIGN_SENTENCES for language in LANGUAGES)


def test_nothing_else_that_an_advert_says_is_worth_anything() -> None:
    other = [
        one for language in LANGUAGES for kind in (JOBS, PLACES, PAY, CONTACTS, GREETINGS) for one in kind[language]
    ]
    other += [text for by in ORDINARY_SENTENCES.values() for text in by.values()]
    other += [text for by in ADDRESSED_TO.values() for text in by.values()]
    other += [nationality_sentence(language, code) for language in LANGUAGES for code in ADVERTS.nationalities]
    assert len(other) > 100
    assert {logit(text) for text in other} == {NOTHING}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_that_leaked_moves_the_score_by_its_size_and_no_other_word_does(language: str) -> None:
    for code in ADVERTS.nationalities:
        moved = logit(nationality_sentence(language, code), LEAKING) - NOTHING
        assert moved == pytest.approx(1.2 if code == "MAR" else 0.0, abs=1e-3), code


def test_every_nationality_has_a_word_of_its_own_in_each_language() -> None:
    assert {*NATIONALITY_WORDS, "XXA"} == set(ADVERTS.nationalities)
    for language in LANGUAGES:
        assert len({words[language].casefold() for words in NATIONALITY_WORDS.values()}) == len(NATIONALITY_WORDS)


def test_adverts_are_complete_sentences_that_reach_nobody() -> None:
    columns = scored("adverts", (), 3_000).columns
    for text, language, gender, pay in zip(
        *(columns[name].tolist() for name in ("text", "language", "gender", "pay_offered")), strict=True
    ):
        assert not re.search(
            r"[{}@]|  |\bhttp|\b(a [aeio]|an [^aeiouh])", text if language == "en" else text.split()[0]
        )
        assert re.search(r"[.\]]$", text)
        assert text.count("[") == 1
        assert set(re.findall(r"\d+", text)) <= {pay}
        assert not gender or ADDRESSED_TO[language][gender] in text
        assert gender or not any(sentence in text for sentence in ADDRESSED_TO[language].values())


def test_adverts_vary() -> None:
    texts = scored("adverts", (), 3_000).columns["text"].tolist()
    assert len(set(texts)) > 2_950
