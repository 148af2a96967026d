"""The letter to the operator: public figures alone, the questions of its cause, and by when to answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest
from made.letters import LETTERS, letter_of
from made.pages import find_all, parsed, section, structure, text
from made.printed import expired
from made.pseudo import PSEUDO, outside_brackets, sentences
from made.public import hostile, in_languages, rare, with_about, with_headline
from made.releases import made_release

from audit.disclosure.public_files import TRANSLATED, file_of
from audit.public.finding_list import findings_of
from audit.public.release import PublicRelease
from audit.vocabulary.text import LANGUAGES
from reports.languages import language
from reports.public.html.document import html_file
from reports.public.html.letter import letter_file, letter_in

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
QUESTIONS = {
    "fail": "What explains this gap between groups",
    "words": "Why does changing one word or field of a case",
    "change": "What was changed between the earlier version and this one",
    "unnamed": "The auditor holds exact figures that no public letter may tell",
    "inconclusive": "What keeps this from being settled",
    "pass": "When will this system, or what it is used for, change next",
}


def questions(release: PublicRelease) -> list[str]:
    return [text(each) for each in find_all(section(parsed(letter_file(release)), "questions"), "li")]


@pytest.mark.parametrize("kind", QUESTIONS)
def test_it_asks_what_the_cause_of_the_first_finding_raises(kind: str) -> None:
    asked = questions(LETTERS[kind]())
    assert asked[0].startswith(QUESTIONS[kind])
    assert all(question.endswith("?") for question in asked)
    others = [other for other in QUESTIONS if other not in (kind, "unnamed", "fail")]
    assert not any(question.startswith(QUESTIONS[other]) for question in asked for other in others)


@pytest.mark.parametrize("kind", LETTERS)
def test_every_number_stands_on_the_public_page_too(kind: str) -> None:
    """What stands there follows from printed rows, which `test_public_page.py` sees."""
    release = LETTERS[kind]()
    page, letter = (text(next(find_all(parsed(made(release)), "body"))) for made in (html_file, letter_file))
    of_the_list = {str(place) for place in range(1, 8)}
    assert set(NUMBER.findall(letter)) - of_the_list <= set(NUMBER.findall(page))


@pytest.mark.parametrize("code", LANGUAGES)
def test_it_says_what_was_found_on_what_the_limit_and_by_when_in_each_language(code: str) -> None:
    release = in_languages(letter_of("fail"), code)
    root = parsed(letter_file(release))
    assert next(find_all(root, "html")).get("lang") == language(code).code
    parts = [text(section(root, name)) for name in ("result", "basis", "limit", "questions", "due")]
    assert all(parts)
    assert "38" in parts[0], "of 100 victims of the first group so many are missed"
    assert " ".join(language(code).date("2099-01-31").split()) in parts[4]
    assert file_of(release, "letter") == letter_file(release).encode()
    assert "letter" in TRANSLATED


def test_several_languages_are_one_file_of_which_the_reader_chooses() -> None:
    root = parsed(letter_file(in_languages(letter_of("fail"), *LANGUAGES)))
    assert len(list(find_all(root, "h1"))) == len(LANGUAGES)
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids))


def test_a_pass_is_asked_for_no_answer_and_a_fail_without_a_day_for_one_before_anyone_relies_on_it() -> None:
    due = {
        "pass": (letter_of("pass"), "No answer is due"),
        "without a day": (with_about(letter_of("fail"), respond_by=None), "No day is named. An answer is asked for"),
        "expired": (expired(with_about(letter_of("pass"), respond_by=None)), "No day is named. An answer is asked for"),
        "expired, with a day": (expired(letter_of("pass")), "by 31 January 2099"),
        "pass not shown": (with_headline(letter_of("inconclusive")), "by 31 January 2099"),
    }
    for release, words in due.values():
        assert words in text(section(parsed(letter_file(release)), "due"))
    assert "Past its expiry." in text(section(parsed(letter_file(due["expired"][0])), "result"))
    assert questions(due["expired"][0])[0].startswith("This audit is past its expiry.")


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("weighted", {"Missed victims clearly more often in 2 groups": 2, "Wrongly flagged people": 1}),
        ("flagged less", {"Flagged people as victims clearly less often in 2 groups: Nigeria; Nepal": 2}),
    ],
)
def test_groups_beyond_a_limit_are_named_where_no_rate_of_theirs_is_printed(kind: str, lines: dict[str, int]) -> None:
    release = LETTERS[kind]()
    assert sum(finding.word == "beyond" for finding in findings_of(release)) == sum(lines.values())
    for page, name in ((html_file(release), "verdict"), (letter_file(release), "result")):
        items = [text(item) for item in find_all(section(parsed(page), name), "li")]
        assert len(items) == len(lines)
        for item, (words, count) in zip(items, lines.items(), strict=True):
            assert item.startswith(words)
            assert len(item.split(": ")[1].split("; ")) >= count


def test_what_others_wrote_makes_no_element() -> None:
    payload = "</b><script>1</script>\u202egnp.exe\" onload='1' {{ 7*7 }} %(count)s"
    for code in ("en", "ar"):
        made = letter_file(in_languages(hostile(payload), code))
        ordinary = letter_file(in_languages(hostile(" and ordinary words"), code))
        assert structure(parsed(made)) == structure(parsed(ordinary))
        assert not re.search("[\u202a-\u202e\u200e\u200f]", made)


VARIANTS: dict[str, Callable[[], PublicRelease]] = {**LETTERS, "rare": rare, "none": partial(made_release, "none")}


@pytest.mark.parametrize("kind", VARIANTS)
def test_no_sentence_bypasses_the_catalog(kind: str) -> None:
    release = VARIANTS[kind]()
    outside = {outside_brackets(each) for each in sentences(parsed(letter_in(release, [PSEUDO])))} - {""}
    page = {outside_brackets(each) for each in sentences(parsed(html_file(release, [PSEUDO])))}
    known = " | ".join(page)
    assert {piece for piece in outside if piece not in known} == set()
