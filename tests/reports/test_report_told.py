"""Sentences that a result holds in English are told in the language of the report, or marked as English."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.scoring.rules import DecisionRule
from audit.vocabulary.terms import SLOT_WORDS
from reports.language import ENGLISH
from reports.languages import language
from reports.told import Told
from reports.told_forms import PHRASES, SENTENCES

ROOT = Path(__file__).parents[2]
WRITERS = {
    "notices.py": None,
    "safeguards/of_changes.py": None,
    "safeguards/of_declarations.py": None,
    "safeguards/of_patterns.py": None,
    "safeguards/of_people.py": None,
    "safeguards/of_the_run.py": None,
    "analyses/sensitivity.py": "sensitivity_notices",  # its other words are in no report: tables say the same by code
    "isolation/choosing.py": "ran_in",
    "scoring/rules.py": None,
}


def fragments(path: Path, function: str | None) -> Iterator[str]:
    """Every piece of text between two places, of three words or more, that a module or one function of it writes."""
    tree: ast.AST = ast.parse(path.read_text(encoding="utf-8"))
    if function is not None:
        tree = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function)
    skipped = {id(part) for part in _not_sentences(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            told = " ".join(node.value.split())
            if " " in told and len(re.findall("[A-Za-z]{2,}", told)) >= 3:
                yield told


def _not_sentences(tree: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, the words of the draft resolution, and what is raised."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield node.value
        if isinstance(node, ast.keyword) and node.arg in ("words", "hint"):
            yield from ast.walk(node.value)
        if isinstance(node, ast.Raise):
            yield from ast.walk(node)


@pytest.mark.parametrize("writer", WRITERS)
def test_every_sentence_that_audit_writes_has_a_form(writer: str) -> None:
    """If this fails: put the sentence into reports/told_forms.py, then python -m tools.catalogs update."""
    known = " | ".join(re.sub(r"%\(\w+\)s", "…", form) for form in (*SENTENCES, *PHRASES))
    written = set(fragments(ROOT / "audit" / writer, WRITERS[writer]))
    assert written
    assert {piece for piece in written if piece.strip(" .;,:(") not in known} == set()


def test_forms_are_different_and_their_places_can_be_told_apart() -> None:
    assert len(set(SENTENCES)) == len(SENTENCES)
    for form in SENTENCES:
        assert ")s%(" not in form
        places = re.findall(r"%\((\w+)\)s", form)
        assert len(set(places)) == len(places)


@pytest.mark.parametrize("form", SENTENCES)
def test_a_sentence_is_taken_apart_and_put_together_again(form: str) -> None:
    """In French each value stands where it belongs, whatever the order."""
    places = re.findall(r"%\((\w+)\)s", form)
    values = {place: f"value{number}" for number, place in enumerate(places)}
    told = Told(language("fr")).tell(form % values)
    assert 'lang="en"' not in told
    expected = language("fr").translations.gettext(form)
    if expected == form:
        assert form in ("score", "level")
    for place, value in values.items():
        assert f"<bdi>{value}</bdi>" in told, place


def test_numbers_in_a_sentence_are_written_as_in_the_language() -> None:
    told = Told(language("fr")).tell(
        "1234 of 20000 rows have no label (6.2%). They are in the share flagged and in no other rate."
    )
    assert told.startswith("1\u202f234 lignes sur 20\u202f000 n’ont pas d’étiquette (6,2\xa0%).")


def test_several_sentences_are_told_one_after_another() -> None:
    text = (
        "Rule missed: 27 groups that would pass by the records cannot, because people whose group is unknown may "
        "belong there. All of them would pass if in no group more than 0.2% of its own cases were unknown."
    )
    told = Told(language("es")).tell(text)
    assert told.startswith("Regla <bdi>missed</bdi>: 27 grupos que aprobarían")
    assert told.endswith("Todos aprobarían si en ningún grupo se desconociera más de 0,2\xa0% de sus propios casos.")


def test_no_sentence_hides_in_a_place_of_another() -> None:
    text = (
        "Flags against labels, for 98 groups: the gap is added to or turned round for 24, repeated for 2, "
        "narrowed for 3; the cases do not say for 69. What it would do without gender and nationality was not tested."
    )
    told = Told(language("fr")).tell(text)
    assert told.endswith(
        "pour 69, les cas ne le disent pas. Ce qu’il ferait sans genre ni nationalité n’a pas été testé."
    )
    owner = "The plan names an owner: Ministry of X. Unit Y. The role that answers for the system: “Head. Of Y”."
    told = Told(language("fr")).tell(owner)
    assert "<bdi>Ministry of X. Unit Y</bdi>" in told
    assert "<bdi>Head. Of Y</bdi>" in told
    unknown = "No group could be judged. 12 of 40 rows have no label (30%). Something else. They are elsewhere."
    assert Told(language("fr")).tell(unknown).startswith('<bdi lang="en"')


def test_words_that_end_like_sentences_a_hundred_times_are_read_in_no_time() -> None:
    """Each place is looked at once: else the work would double with every sentence in someone's words."""
    text = "The plan names an owner: " + "A. No group could be judged. The plan names an owner: x. " * 20 + "<end>"
    begun = time.process_time()
    assert Told(language("fr")).tell(text).startswith('<bdi lang="en"')
    assert time.process_time() - begun < 2


def test_a_text_of_the_tables_is_told_whole_or_marked_as_english() -> None:
    assert Told(language("fr")).known("Who is missed?") == "Qui n’est pas repéré\xa0?"
    assert Told(language("ar")).known("Whose <i>?") == '<bdi lang="en" dir="ltr">Whose &lt;i&gt;?</bdi>'
    assert Told(ENGLISH).known("Who is <missed>?") == "<bdi>Who is &lt;missed&gt;?</bdi>"


def test_counted_nouns_and_known_phrases_in_a_sentence_are_told_too() -> None:
    russian = Told(language("ru"))
    assert "2 правила" in russian.tell("Differences and ratios with intervals for every group; 2 rules.")
    assert "невыявление жертв" in russian.tell(
        "No rule of this plan limits victims missed, which is the primary harm where flags go to services. The verdict "
        "says nothing about it."
    )
    for rule in (DecisionRule(0.5, None, ""), DecisionRule(None, 40, "", what="level")):
        assert 'lang="en"' not in russian.tell(rule.words)


@pytest.mark.parametrize("word", SLOT_WORDS.values())
def test_every_slot_word_is_a_message(word: str) -> None:
    assert language("ru").translations.gettext(word) != word


def test_what_has_no_form_stays_english_and_says_so() -> None:
    arabic = Told(language("ar"))
    assert arabic.tell("A <new> note.") == '<bdi lang="en" dir="ltr">A &lt;new&gt; note.</bdi>'
    assert arabic.tell("No group could be judged. And a <new> one.").startswith('<bdi lang="en"')


def test_in_english_nothing_is_taken_apart() -> None:
    assert Told(ENGLISH).tell("No group could be judged. <b>") == "<bdi>No group could be judged. &lt;b&gt;</bdi>"


def test_words_of_others_in_a_sentence_are_escaped_and_set_apart() -> None:
    told = Told(language("ar")).tell("The detector is given: <script>\u202e, age.")
    assert "<bdi>&lt;script&gt;[U+202E], age</bdi>" in told
