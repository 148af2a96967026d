"""Suggestions for a label that is not read: the countries of the names that are spelt most like it.

They are for a person who decides, and never a reading: Niger and Nigeria differ by less than most errors of typing.
"""

from __future__ import annotations

import functools
import re

from audit.evaluation.nationality import UNKNOWN
from audit.evaluation.nationality_words import meanings, without_around
from audit.evaluation.spelling import fold

_MOST = 4
_SHORTEST = 4
_LEAST_ALIKE = 0.75
_BEHIND_THE_BEST = 0.1
_BETWEEN_WORDS = re.compile(r"[^\w'’-]+")


def suggestions(text: str) -> tuple[str, ...]:
    """Find the codes that an unread label may stand for, the likeliest first; at most four, often none.

    Names that are spelt like the label come before names that stand within it. Likeness is the normalised distance of
    optimal string alignment, which counts a swap of two neighbours as one error, over folded names.
    """
    folded = fold(text)
    if len(folded) < _SHORTEST or folded in meanings():
        return ()
    alike = [code for part in (folded, *without_around(folded)) for code in _spelt_alike(part)]
    return tuple(dict.fromkeys([*alike, *_named_within(text)]))[:_MOST]


def _named_within(text: str) -> tuple[str, ...]:
    words = [word for word in _BETWEEN_WORDS.split(text) if word]
    found: dict[str, None] = {}
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length + 1):
            name = fold("".join(words[start : start + length]))
            if len(name) >= _SHORTEST:
                found |= dict.fromkeys(_codes(name))
        if found:
            break
    return tuple(found)


def _spelt_alike(folded: str) -> tuple[str, ...]:
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract

    alike = extract(folded, _names(), scorer=OSA.normalized_similarity, score_cutoff=_LEAST_ALIKE, limit=50)
    best = max((score for _, score, _ in alike), default=0.0)
    near = [name for name, score, _ in alike if score >= best - _BEHIND_THE_BEST]
    return tuple(dict.fromkeys(code for name in near for code in _codes(name)))


@functools.cache
def _names() -> tuple[str, ...]:
    """Folded words with a meaning, sorted, so that equals come in one order. Some, as `Africans`, are no country's."""
    return tuple(sorted(name for name in meanings() if len(name) >= _SHORTEST))


def _codes(name: str) -> tuple[str, ...]:
    meaning = meanings().get(name)
    if meaning is None or meaning.code == UNKNOWN:
        return ()
    if meaning.code is not None:
        return (meaning.code,)
    return meaning.candidates if meaning.reason in ("ambiguous", "part", "no_iso_code") else ()
