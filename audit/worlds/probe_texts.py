"""Write the probe of the adverts' plan, in which only the nationality word changes, and compute its truth.

Each text holds one or two of the signs, so that the detector is near its threshold and a word can visibly move it.
Every choice of signs is worded three times, since a verdict on a word takes a hundred texts and more. Templates and
scores are the same for every seed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from audit.worlds.phrases import (
    CONTACTS,
    LANGUAGES,
    NATIONALITY_WORDS,
    ORDINARY_SENTENCES,
    PLACES,
    PROBE_OPENING,
    SIGN_SENTENCES,
)
from audit.worlds.world import World, template

TEXTS: Final = "texts.toml"
"""The file with the templates, beside the plan."""
MARGIN: Final = 0.05
"""Limit of the plan's rule on probes: how far the mean score may move."""
PROBED: Final = tuple(NATIONALITY_WORDS)
"""Nationalities whose words are probed. Stateless people have a sentence and no nationality word."""
_WORDINGS: Final = 3

_PLAN: Final = template("probes.template")


def template_file(world: World) -> str:
    """Write the templates as the text of a TOML file."""
    parts = [template("texts.template")]
    for wording in range(_WORDINGS):
        for number, signs in enumerate(_signs(world), start=1):
            parts.append(f'\n[[templates]]\nid = "text-{number:02d}-{wording + 1}"\n')
            texts = {language: _text(world, signs, language, number + wording) for language in LANGUAGES}
            parts += [f"{language} = {json.dumps(text, ensure_ascii=False)}\n" for language, text in texts.items()]
    return "".join(parts)


def probe_sections() -> str:
    """Write the sections of the plan with the probe and its rule."""
    levels = ", ".join(f'"{code}"' for code in PROBED)
    return _PLAN.format(texts=TEXTS, levels=levels, margin=f"{MARGIN:.2f}")


def mean_shift(world: World, tenths: float) -> float:
    """Mean, over the texts, of the score with the word minus the score without it; the word adds `tenths` of a
    logit.
    """
    points = {sign.name: sign.points for sign in world.signs}
    shifts = []
    for signs in _signs(world):
        without = sum(points[name] for name in signs) - world.threshold + 0.5
        shifts.append(_score(without + tenths) - _score(without))
    return math.fsum(shifts) / len(shifts)


def _signs(world: World) -> list[tuple[str, ...]]:
    names = [sign.name for sign in world.signs]
    return [*((name,) for name in names), *combinations(names, 2)]


def _text(world: World, signs: Sequence[str], language: str, number: int) -> str:
    def one_of(wordings: Sequence[str]) -> str:
        return wordings[number % len(wordings)]

    sentences = [one_of(SIGN_SENTENCES[name][language]) for name in signs]
    instead = [sign.name for sign in world.signs if sign.name not in signs]
    sentences.append(ORDINARY_SENTENCES[one_of(instead)][language])
    opening = PROBE_OPENING[language].format(place=one_of(PLACES[language]))
    return " ".join([opening, *sentences, one_of(CONTACTS[language])])


def _score(tenths: float) -> float:
    return 1.0 / (1.0 + math.exp(-tenths / 10.0))
