"""Sentences that a result holds: one table by key, in English, with names where values stand: `data/sentences.json`.

A notice, a safeguard or a decision rule keeps the keys and values of its sentences beside their English text. A report
writes them in its own language from these; a result without them is shown as its English text. The forms are messages
of the catalogs (`reports/locale`): after a change run `python -m tools.catalogs update`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from audit.vocabulary.groups import Part
from audit.vocabulary.numbers import percent
from audit.vocabulary.text import count_of


class Counted(Part):
    """A number of things."""

    count: int
    """How many."""
    noun: str
    """What they are: a key of `NOUNS`."""


class Share(Part):
    """A share, and how it is rounded for a reader."""

    share: float
    """Not rounded."""
    written: str
    """In English per cent, for example `<1%` or `79.5%`."""


class Word(Part):
    """A word that catalogs may know: one of `WORDS`, a slot of a probe, the name of a feature."""

    word: str
    """In English, or as the plan has it."""


Value = int | str | Counted | Share | Word
"""What stands in a place of a sentence: a count, the words of others, or one of the parts above."""


class Sentence(Part):
    """A sentence of `SENTENCES` with its values."""

    key: str
    """Its key in the table."""
    values: dict[str, Value]
    """What stands in its places, by name. Text is the words of others."""


def sentence(key: str, **values: Value) -> Sentence:
    """A sentence of the table."""
    return Sentence(key=key, values=values)


def counted(count: int, noun: str) -> Counted:
    """So many of a noun of `NOUNS`."""
    return Counted(count=count, noun=noun)


def share(value: float, written: Callable[[float], str] = percent) -> Share:
    """A share with its rounding: to whole per cent unless `written` rounds otherwise."""
    return Share(share=value, written=written(value))


def english(sentences: Iterable[Sentence]) -> str:
    """The English text of sentences, one after another. Raises KeyError for an unknown key or a missing value."""
    return " ".join(
        SENTENCES[one.key] % {name: _english(value, one.key in _PLAIN) for name, value in one.values.items()}
        for one in sentences
    )


def _english(value: Value, plain: bool) -> str:
    if isinstance(value, int):
        return str(value) if plain else f"{value:,}"
    if isinstance(value, Counted):
        return count_of(value.count, value.noun, NOUNS[value.noun])
    if isinstance(value, Share):
        return value.written
    return value.word if isinstance(value, Word) else value


_TABLES: Final[Mapping[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "sentences.json").read_text(encoding="utf-8")
)
SENTENCES: Final[Mapping[str, str]] = _TABLES["sentences"]
"""Every sentence by its key."""

_PLAIN: Final = frozenset(
    {"unscored", "unlabelled", "unknown_feature", "near_threshold", "ties_at_capacity", "held_back", "facilitate"}
    | {"like_cases", "changes_judged", "changes_within_judged", "swaps_judged", "patterns_judged", "comparable"}
    | {"threshold", "top_k_scores", "top_k_levels", "rank_says", "blind_supported", "blind_not_shown"}
    | {"blind_too_few"}
)
"""Sentences whose English text sets no thousands apart."""

SLOT_WORDS: Final[Mapping[str, str]] = _TABLES["slot_words"]
"""Words for the slots of a text in reports."""
NOUNS: Final[Mapping[str, str]] = _TABLES["nouns"]
"""What is counted in a sentence: one of it, and several."""
WORDS: Final[tuple[str, ...]] = tuple(_TABLES["words"]["known"])
"""What stands in the places of a sentence, where it is no number and nobody else's word."""
