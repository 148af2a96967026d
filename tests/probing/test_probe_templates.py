"""Texts with slots: what stands in braces is filled, and nothing else of a text ever changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import PlanError
from audit.plan.probes import TextProbe
from audit.scoring.probing.templates import Choice, Piece, parse_text, read_templates, render, slots_of
from audit.scoring.probing.text_design import write_probe_texts
from audit.scoring.probing.words import ANCHOR, NO_NAME, built_in_words

WORDS = built_in_words()
LANGUAGES = ("en", "es", "fr")


def probe(**changes: object) -> TextProbe:
    return TextProbe.model_validate(
        {"id": "p", "kind": "text", "column": "text", "slots": ("demonym",), **changes}, strict=False
    )


def filled(text: str, language: str, **choice: str) -> str:
    return render(parse_text(text, language, "here"), Choice(language, **choice), WORDS)


@pytest.mark.parametrize(
    ("language", "text", "choice", "shown"),
    [
        ("en", "{A_person} came.", {}, "A person came."),
        ("en", "{a_person}", {"demonym": "ALB"}, "an Albanian person"),
        ("en", "{A_person}", {"demonym": "ALB", "gender": "man"}, "An Albanian man"),
        ("en", "{a_person} {from_country}, {they}", {"country": "PHL"}, "a person from the Philippines, they"),
        ("en", "{a_person} {from_country}, {they}", {"gender": "woman"}, "a woman, she"),
        ("en", "{Their} papers, {them}", {"gender": "man"}, "His papers, him"),
        ("en", "Nationality: {nationality}; country: {country}", {}, "Nationality: not stated; country: not stated"),
        ("en", "{the_person} {name}", {"demonym": "NGA", "name": "Grace"}, "the Nigerian person Grace"),
        ("fr", "{a_person} {arrivé|arrivée}", {"demonym": "NGA"}, "une personne nigériane arrivée"),
        ("fr", "{the_person} {arrivé|arrivée}", {"demonym": "NGA", "gender": "man"}, "l’homme nigérian arrivé"),
        ("fr", "{A_person} {from_country}.", {"gender": "woman", "country": "USA"}, "Une femme des États-Unis."),
        ("fr", "Nationalité : {nationality}", {"demonym": "FRA"}, "Nationalité : française"),
        ("es", "{a_person} {from_country}", {"demonym": "DEU", "country": "IND"}, "una persona alemana de la India"),
        ("es", "{the_person} {llegado|llegada}", {"demonym": "DEU", "gender": "man"}, "el hombre alemán llegado"),
    ],
)
def test_slots_are_filled_as_grammar_asks(language: str, text: str, choice: dict[str, str], shown: str) -> None:
    assert filled(text, language, **choice) == shown


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "{people}"),
        ("en", "{he|she}"),
        ("fr", "{their}"),
        ("es", "{a|b|c}"),
        ("en", "a { b"),
        ("en", "}{name}"),
        ("en", "{}"),
        ("en", "{{name}}"),
    ],
)
def test_braces_that_mean_nothing_are_refused(language: str, text: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_text(text, language, "here")
    assert caught.value.slug == "probe-templates"


LEVELS = {
    "demonym": st.sampled_from((ANCHOR, *WORDS.levels("demonym", LANGUAGES))),
    "country": st.sampled_from((ANCHOR, *WORDS.levels("country", LANGUAGES))),
    "gender": st.sampled_from((ANCHOR, "woman", "man")),
    "name": st.sampled_from((NO_NAME, "Grace", "José", "Sa’diya")),
}
FIXED = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=12)


@st.composite
def made_pieces(draw: st.DrawFn) -> tuple[str, str]:
    language = draw(st.sampled_from(LANGUAGES))
    names = ["a_person", "The_person", "person", "They", "nationality", "from_country", "country", "name"]
    names += ["them", "Their"] if language == "en" else ["venu|venue"]
    parts = draw(st.lists(st.tuples(FIXED, st.sampled_from(names)), min_size=1, max_size=6))
    return language, "".join(f"{text}{{{name}}}" for text, name in parts) + draw(FIXED)


@given(made_pieces(), st.fixed_dictionaries(LEVELS))
def test_a_variant_differs_from_its_template_only_in_slots(made: tuple[str, str], choice: dict[str, str]) -> None:
    """Whatever fills the slots, the fixed pieces stand in their order, but for one space before a slot left empty."""
    language, text = made
    pieces = parse_text(text, language, "here")
    assert "".join(piece.text for piece in pieces if not piece.filled) == re.sub(r"\{[^{}]*\}", "", text)
    shown = render(pieces, Choice(language, **choice), WORDS)
    left = shown
    for place, piece in enumerate(pieces):
        if piece.filled:
            fill = render((Piece(piece.text, filled=True, capital=piece.capital),), Choice(language, **choice), WORDS)
            assert left.startswith(fill)
            left = left[len(fill) :]
        else:
            follows = pieces[place + 1] if place + 1 < len(pieces) else None
            empty = follows is not None and follows.text == "from_country" and choice["country"] == ANCHOR
            fixed = piece.text.removesuffix(" ") if empty else piece.text
            assert left.startswith(fixed)
            left = left[len(fixed) :]
    assert not left


@given(made_pieces(), st.fixed_dictionaries(LEVELS), st.sampled_from(tuple(LEVELS)), st.data())
def test_a_slot_changes_only_what_is_its_own(
    made: tuple[str, str], choice: dict[str, str], slot: str, data: st.DataObject
) -> None:
    language, text = made
    pieces = parse_text(text, language, "here")
    changed = {**choice, slot: data.draw(LEVELS[slot])}
    before = [render((piece,), Choice(language, **choice), WORDS) for piece in pieces]
    after = [render((piece,), Choice(language, **changed), WORDS) for piece in pieces]
    for piece, was, became in zip(pieces, before, after, strict=True):
        assert was == became or slot in piece.slots


@pytest.mark.parametrize("name", ["adverts", "case-notes"])
def test_the_package_s_texts_read_as_texts_in_every_language(name: str) -> None:
    found = read_templates(probe(templates=name), Path())
    assert len(found.templates) == 100
    for template in found.templates:
        assert set(template.pieces) == set(LANGUAGES), template.id
        for language, pieces in template.pieces.items():
            assert {"demonym", "country", "gender"} <= slots_of(pieces), (template.id, language)
            assert ("name" in slots_of(pieces)) == (name == "case-notes")
            for choice in (Choice(language), Choice(language, demonym="ALB", country="PHL", gender="man", name="Ana")):
                shown = render(pieces, choice, WORDS)
                assert not re.search(r"[{}|]|  | [,.]", shown.replace(" ;", "").replace(" :", "")), shown
                assert shown[0].isupper()
                assert shown.endswith(".")


def test_no_french_text_needs_an_elision_before_a_name() -> None:
    """A name may begin with a vowel: que, de, le and their like would lose theirs."""
    for template in read_templates(probe(templates="case-notes"), Path()).templates:
        for before, piece in zip(template.pieces["fr"], template.pieces["fr"][1:], strict=False):
            if piece.text == "name":
                assert not re.search(r"\b(?:que|de|le|la|je|ne|se|ce|me|te|jusque|lorsque|puisque) $", before.text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "no list of texts"),
        ("templates = []", "no list of texts"),
        ("[[templates]]\nen = 'x'", "text 1 has no id"),
        ("[[templates]]\nid = 'a'\nde = 'x'", "text a: de is no language"),
        ("[[templates]]\nid = 'a'\nen = ''", "text a: en is no text"),
        ("[[templates]]\nid = 'a'", "text a is in no language"),
        ("[[templates]]\nid = 'a'\nen = 'x'\n[[templates]]\nid = 'a'\nen = 'y'", "two texts have the id a"),
        (
            "[[templates]]\nid = 'a'\nen = 'On {a_person}.'\n[[templates]]\nid = 'b'\nen = 'on  {A_person}.'",
            "texts a and b are the same in en",
        ),
        ("[[templates]]\nid = 'a'\nen = '{x}'", "text a, en: {x} is no slot"),
        ("[[templates]]\nid = 'a'\nen = 'no slot at all'", "has the slots demonym"),
    ],
)
def test_templates_that_cannot_be_used_get_one_line(tmp_path: Path, text: str, shown: str) -> None:
    (tmp_path / "texts.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        write_probe_texts(probe(templates=Path("texts.toml")), tmp_path)
    assert shown in str(caught.value)
    assert "\n" not in str(caught.value)
