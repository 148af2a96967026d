"""Sentences of a result are written in the language of the report, or marked as English."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.plan.answers import BlindDetector, PredictionsDetector
from audit.result.findings.system import Notice
from audit.scoring.rules import decision_rule
from audit.vocabulary.sentences import (
    NOUNS,
    SENTENCES,
    SLOT_WORDS,
    WORDS,
    Counted,
    Sentence,
    Word,
    counted,
    english,
    sentence,
    share,
)
from audit.vocabulary.text import LANGUAGES
from reports.language import ENGLISH
from reports.languages import language
from reports.sentences import SentenceWriter

ROOT = Path(__file__).parents[2]
WRITERS = {
    "analyses/records.py": None,
    "safeguards/of_changes.py": None,
    "safeguards/evidence.py": None,
    "safeguards/of_declarations.py": None,
    "safeguards/of_patterns.py": None,
    "safeguards/of_people.py": None,
    "analyses/crosscheck/agreement.py": "_notices",
    "analyses/sensitivity.py": "sensitivity_notices",  # its other words are in no report: tables say the same by code
    "detectors/isolation/placement.py": "where_it_ran",
    "scoring/rules.py": None,
}


def written(code: str, *sentences: Sentence) -> str:
    """The sentences in a language."""
    return SentenceWriter(language(code)).written(english(sentences), sentences)


def fragments(path: Path, function: str | None) -> Iterator[str]:
    """Every piece of text between two places, of three words or more, that a module or one function of it writes."""
    tree: ast.AST = ast.parse(path.read_text(encoding="utf-8"))
    if function is not None:
        tree = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function)
    skipped = {id(part) for part in _not_sentences(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            piece = " ".join(node.value.split())
            if " " in piece and len(re.findall("[A-Za-z]{2,}", piece)) >= 3:
                yield piece


def _not_sentences(tree: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, and what is raised."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield node.value
        if isinstance(node, ast.Raise):
            yield from ast.walk(node)


@pytest.mark.parametrize("writer", WRITERS)
def test_no_sentence_stands_outside_the_table(writer: str) -> None:
    """If this fails: put it into audit/vocabulary/data/sentences.json, then python -m tools.catalogs update."""
    place = ROOT / "audit" / writer
    assert "sentence" in place.read_text(encoding="utf-8")
    pieces = set(fragments(place, WRITERS[writer]))
    assert {piece for piece in pieces if piece.strip(" .;,:(") not in " | ".join(WORDS)} == set()


def test_sentences_are_different() -> None:
    assert len(set(SENTENCES.values())) == len(SENTENCES)


@pytest.mark.parametrize("key", SENTENCES)
def test_each_value_of_a_sentence_stands_where_it_belongs(key: str) -> None:
    """In French, whatever the order."""
    places = re.findall(r"%\((\w+)\)s", SENTENCES[key])
    assert len(set(places)) == len(places)
    values = {place: f"value{number}" for number, place in enumerate(places)}
    french = written("fr", Sentence(key=key, values=dict(values)))
    assert 'lang="en"' not in french
    assert language("fr").translations.gettext(SENTENCES[key]) != SENTENCES[key]
    for place, value in values.items():
        assert f"<bdi>{value}</bdi>" in french, place


def test_numbers_in_a_sentence_are_written_as_in_the_language() -> None:
    said = sentence("unlabelled", unlabelled=1234, read=20_000, share=share(0.0617))
    assert english([said]).startswith("1234 of 20000 rows have no label (6%).")
    french = written("fr", said)
    assert french.startswith("1\u202f234 lignes sur 20\u202f000 n’ont pas d’étiquette (6\xa0%).")
    assert "(&lt;0,1\xa0%)" in written("fr", sentence("unlabelled", unlabelled=1, read=20_000, share=share(1 / 20_000)))


def test_several_sentences_are_written_one_after_another() -> None:
    spanish = written(
        "es",
        sentence("held_back", rule="missed", groups=27),
        sentence("missing_share_for_all", share=share(0.002, lambda _: "0.2%")),
    )
    assert spanish.startswith("Regla <bdi>missed</bdi>: 27 grupos que obtendrían un resultado favorable")
    assert "en ningún grupo se desconociera más de 0,2\xa0% de sus propios casos." in spanish


def test_words_of_others_hold_no_sentence_of_ours() -> None:
    """Neither full stops nor a sentence of the table in them are taken for anything but their words."""
    french = written("fr", sentence("owner", owner="Ministry of X. No group could be judged"))
    assert "<bdi>Ministry of X. No group could be judged</bdi>" in french
    assert "<bdi>score</bdi>" in written("fr", sentence("owner", owner="score"))


def test_a_text_of_the_tables_is_written_whole_or_marked_as_english() -> None:
    assert SentenceWriter(language("fr")).known("Who is missed?") == "Qui n’est pas repéré\xa0?"
    assert SentenceWriter(language("ar")).known("Whose <i>?") == '<bdi lang="en" dir="ltr">Whose &lt;i&gt;?</bdi>'
    assert SentenceWriter(ENGLISH).known("Who is <missed>?") == "<bdi>Who is &lt;missed&gt;?</bdi>"


def test_counted_nouns_and_known_words_in_a_sentence_are_translated() -> None:
    assert "2 правила" in written("ru", sentence("inequality", rules=counted(2, "rule")))
    harm = sentence("no_limit_on_harm", harm=Word(word="victims missed"), route=Word(word="services"))
    assert "невыявление жертв" in written("ru", harm)
    several = sentence("several_first", feature=Word(word="nationality"), cases=counted(1, "case has"))
    assert english([several]).startswith("nationality: 1 case has several in one cell, counted under the first")
    assert "1 случай" in written("ru", several)
    for noun, plural in NOUNS.items():
        said = sentence("doubts", rules=counted(3, noun))
        assert english([said]).endswith(f" 3 {plural}.")
        assert plural not in written("ru", said)


@pytest.mark.parametrize("word", [*SLOT_WORDS.values(), *WORDS])
def test_every_word_of_ours_is_a_message(word: str) -> None:
    assert language("ru").translations.gettext(word) != word


@pytest.mark.parametrize(
    ("section", "rule"),
    [
        ({"score": "s", "threshold": 0.5}, "flagged when the score is at least 0.5"),
        ({"score": "s", "threshold": 1}, "flagged when the score is at least 1"),
        ({"score": "s", "top_k": 4000}, "flagged when its score is among the 4000 highest; equal scores in the order"),
        (
            {"decision": "f", "decision_positive": ["1"], "decision_negative": ["0"]},
            "flagged when the column f says so",
        ),
    ],
)
def test_a_decision_rule_is_read_in_public_as_in_the_restricted_report(section: dict[str, object], rule: str) -> None:
    made = decision_rule(PredictionsDetector.model_validate({"kind": "predictions", **section}))
    assert made.words.startswith(rule)
    for code in LANGUAGES:
        writer = SentenceWriter(language(code))
        public, restricted = writer.decision(made.words), writer.written(made.words, [made.sentence])
        assert public == restricted
        assert 'lang="en"' not in public


@pytest.mark.parametrize(
    ("deployed", "production"),
    [("declared", 0), ("supported", 200), ("supported", 1_234), ("too_few", 1), ("not_shown", 40)],
)
def test_that_a_vendor_answered_is_read_in_every_language(deployed: str, production: int) -> None:
    section = {"kind": "blind", "features": ["age"], "deployed": deployed, "production": production, "differ": 1}
    made = decision_rule(BlindDetector.model_validate(section))
    for code in LANGUAGES:
        writer = SentenceWriter(language(code))
        public, restricted = writer.decision(made.words), writer.written(made.words, [made.sentence])
        assert public == restricted
        assert 'lang="en"' not in public
        assert ("vendor" in public) == (code == "en")


def test_a_text_without_its_sentences_stays_english_and_says_so() -> None:
    arabic = SentenceWriter(language("ar"))
    marked = '<bdi lang="en" dir="ltr">A &lt;new&gt; note.</bdi>'
    old = Notice.model_validate_json('{"code": "new", "text": "A <new> note."}')
    assert arabic.written(old.text, old.sentences) == marked
    for other in (
        sentence("no_gender"),
        Sentence(key="of_a_later_version", values={}),
        Sentence(key="owner", values={}),
        Sentence(key="limits", values={"rules": Counted(count=2, noun="elephant"), "verdicts": 3}),
    ):
        assert arabic.written(old.text, [other]) == marked
    assert arabic.decision("score at least 0.5") == '<bdi lang="en" dir="ltr">score at least 0.5</bdi>'


def test_in_english_the_text_stands_as_it_is() -> None:
    assert SentenceWriter(ENGLISH).written("Somebody's <b>", ()) == "<bdi>Somebody&#39;s &lt;b&gt;</bdi>"


def test_words_of_others_in_a_sentence_are_escaped_and_set_apart() -> None:
    arabic = written("ar", sentence("columns_given", columns="<script>\u202e, age"))
    assert "<bdi>&lt;script&gt;[U+202E], age</bdi>" in arabic


def test_a_notice_is_read_back_with_every_kind_of_value() -> None:
    notice = Notice.of(
        "some",
        sentence("unknown_feature", feature=Word(word="gender"), unknown=3, total=1234, share=share(3 / 1234)),
        sentence("ratios_unknown", cases=counted(1234, "case"), groups=counted(1, "group")),
        sentence("owner", owner="12"),
    )
    assert Notice.model_validate_json(notice.model_dump_json()) == notice
    assert "1,234 cases of unknown" in notice.text
