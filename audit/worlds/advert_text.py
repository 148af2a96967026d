"""Turn drawn rows into adverts: a text in one of three languages, and the people whom it addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from audit.worlds import phrases
from audit.worlds.draws import Draws
from audit.worlds.mechanism import GENDERS
from audit.worlds.rows import Rows
from audit.worlds.tabular import Columns, people_columns
from audit.worlds.world import World

_CHOICES: Final = 12
"""Random numbers for the wording of an advert, beside two for each sign."""
_PAY_UNKNOWN: Final = 0.2


def advert_columns(world: World, rows: Rows, draws: Draws) -> Columns:
    """The columns of adverts: those about people, the language, the pay that is offered, and the text."""
    columns = people_columns(world, rows)
    size = len(rows.number)
    language = [phrases.LANGUAGES[place] for place in draws.pick(phrases.LANGUAGE_SHARES, size).tolist()]
    euros = (900 + 50 * draws.below(30, size)).tolist()
    said = (~draws.happens(_PAY_UNKNOWN, size)).tolist()
    choices = np.column_stack([draws.below(60, size) for _ in range(_CHOICES + 2 * len(world.signs))]).tolist()
    shown = rows.shown.tolist()
    columns["language"] = language
    columns["pay_offered"] = [str(pay) if known else None for pay, known in zip(euros, said, strict=True)]
    columns["text"] = [_text(world, language[row], columns, row, shown[row], choices[row]) for row in range(size)]
    return columns


def nationality_sentence(language: str, code: str) -> str:
    """The sentence by which an advert addresses a nationality."""
    if code == "XXA":
        return phrases.STATELESS[language]
    return phrases.NATIONALITY_SENTENCE[language].format(word=phrases.NATIONALITY_WORDS[code][language])


def _text(
    world: World, language: str, columns: Columns, row: int, shown: Sequence[bool], choices: Sequence[int]
) -> str:
    def one_of(wordings: Sequence[str], place: int) -> str:
        return wordings[choices[place] % len(wordings)]

    job, place = one_of(phrases.JOBS[language], 0), one_of(phrases.PLACES[language], 1)
    parts = [one_of(phrases.GREETINGS[language], 2).format(job=job, place=place)]
    gender, nationality, pay = (columns[name][row] for name in ("gender", "nationality", "pay_offered"))
    about = [phrases.ADDRESSED_TO[language][gender]] if gender in GENDERS else []
    if nationality is not None:
        about.append(nationality_sentence(language, nationality))
    said = [one_of(phrases.PAY[language], 3).format(pay=pay)] if pay is not None else []
    for number, sign in enumerate(world.signs):
        wording, instead = _CHOICES + 2 * number, _CHOICES + 2 * number + 1
        if shown[number]:
            said.append(one_of(phrases.SIGN_SENTENCES[sign.name][language], wording))
        elif choices[instead] < 30:
            said.append(phrases.ORDINARY_SENTENCES[sign.name][language])
    # the order of the sentences varies, and depends on nothing that matters
    turn = choices[4] % max(len(said), 1)
    said = said[turn:] + said[:turn]
    parts += about + said if choices[5] < 40 else said + about
    return " ".join(part for part in [*parts, one_of(phrases.CONTACTS[language], 6)] if part)
