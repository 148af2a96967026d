"""The language of a report: its words, numbers and direction. English is here; `reports.languages` has the others.

Every sentence of a report goes through `translations` (in Python as `translations.gettext("…")` and `ngettext`, in
templates as `{% trans %}`), so that a catalog holds all its words. CONTRIBUTING.md names the few other places.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from gettext import NullTranslations
from pathlib import Path
from typing import Final, Literal

from reports.numbers import Numbers

WORDS: Final[Mapping[str, Mapping[str, str | list[str]]]] = tomllib.loads(
    (Path(__file__).parent / "data" / "words.toml").read_text(encoding="utf-8")
)
"""Words for what has a name in a result or a plan, by table and key. A pair is for one and for many."""
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _english(day: dt.date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


@dataclass(frozen=True, slots=True)
class Language:
    """A language of reports."""

    code: str
    """BCP 47, for the `lang` attribute."""
    direction: Literal["ltr", "rtl"]
    translations: NullTranslations = field(default_factory=NullTranslations)
    numbers: Numbers = field(default_factory=Numbers)
    own_name: str = "English"
    """The language's name for itself."""
    date_style: Callable[[dt.date], str] = _english
    """The style in which a day is written out."""
    places: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Names of countries and regions by ISO 3166-1 alpha-3 and UN M49 code; the names in a result where empty."""
    reviewed_by: str = ""
    """The native speaker who has read the translation. Empty where nobody has."""
    untranslated: int = 0
    """Messages without a translation. They stand in English."""

    @property
    def is_english(self) -> bool:
        """Whether texts of a result need no translation, because they are English."""
        return self.code == "en"

    @property
    def short(self) -> str:
        """The code without a script, as a user names it."""
        return self.code.partition("-")[0]

    def word(self, table: str, key: str, form: int = 1, /, **values: str) -> str:
        """Return the words for a key of a table in `data/words.toml`, or for `otherwise` where it has no such key.

        Raises KeyError where it has neither. Of a pair, `form` says which.
        """
        text = WORDS[table].get(key) or WORDS[table]["otherwise"]
        t = self.translations
        words = t.gettext(text) if isinstance(text, str) else t.ngettext(text[0], text[1], form)
        return words % values if values else words

    def counted(self, table: str, key: str, count: int, /, **values: str) -> str:
        """Return the words for a key of a table for so many."""
        return self.word(table, key, count, **{"count": self.numbers.count(count), **values})

    def joined(self, parts: Iterable[str], how: str = "sentences") -> str:
        """Return parts one after the other, by a key of the table `joined`."""
        return reduce(lambda first, other: self.word("joined", how, first=first, other=other, more=other), parts)

    def date(self, moment: str) -> str:
        """Return the day of an ISO 8601 moment: "24 November 2026". A text that is no moment is returned as it is."""
        try:
            day = dt.date.fromisoformat(moment[:10])
        except ValueError:
            return moment
        return self.date_style(day)


class Wording:
    """Words on one subject, in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._t = language.translations
        self._n = language.numbers


ENGLISH = Language(code="en", direction="ltr")
