"""Languages of reports: the six of the United Nations.

The catalogs are the `.po` files of `reports/locale`, read as they are. So a clone needs no build step, and a wheel
holds the files that were reviewed. Numbers and dates follow Unicode CLDR (babel), with Western digits in every
language, so that figures match the data files. Babel is loaded only for languages other than English.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from functools import cache
from gettext import GNUTranslations
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from audit.vocabulary.text import LANGUAGES
from reports.language import ENGLISH, Language
from reports.numbers import Numbers

if TYPE_CHECKING:
    import datetime as dt

    from babel.core import Locale
    from babel.messages.catalog import Catalog

LOCALE: Final = Path(__file__).with_name("locale")
REVIEWED_BY: Final = "X-Reviewed-By"
"""The header of a catalog that names the native speaker who has read it."""

_TAGS: Final = {"zh": "zh-Hans"}
_OWN_NAMES: Final = {"fr": "Français", "es": "Español", "ar": "العربية", "ru": "Русский", "zh": "中文"}
_NAMES: Final = Path(__file__).with_name("data") / "names.csv"
_GROUP: Final = {"es": "\u202f"}
"""A point is the decimal sign in Mexico and Central America, so in Spanish a space sets thousands apart."""


@cache
def language(code: str) -> Language:
    """Return the language with this code. Raises KeyError for a code that is not in `LANGUAGES`."""
    if code == "en":
        return ENGLISH
    if code not in LANGUAGES:
        raise KeyError(code)
    from babel.core import Locale

    locale, catalog = Locale.parse(code), read_catalog(LOCALE / f"{code}.po")
    direction: Literal["ltr", "rtl"] = "rtl" if locale.text_direction == "rtl" else "ltr"
    return Language(
        code=_TAGS.get(code, code),
        direction=direction,
        translations=_translations(catalog),
        numbers=_numbers(locale),
        own_name=_OWN_NAMES[code],
        date_style=_date_style(locale),
        places=_places(code),
        reviewed_by=reviewer(LOCALE / f"{code}.po"),
        untranslated=sum(1 for message in catalog if message.id and not _is_complete(message.string)),
    )


def read_catalog(path: Path) -> Catalog:
    """Read a catalog from its file."""
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        return read_po(file, locale=path.stem, abort_invalid=True)


def reviewer(path: Path) -> str:
    """Return the native speaker who has read a catalog, or an empty text. (Babel leaves unknown headers out.)"""
    header = re.search(rf'^"{REVIEWED_BY}: *(.*?) *\\n"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    return header[1] if header else ""


def _is_complete(translation: str | Sequence[str] | None) -> bool:
    return bool(translation) and all(translation or "")


def _translations(catalog: Catalog) -> GNUTranslations:
    from babel.messages.mofile import write_mo

    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _numbers(locale: Locale) -> Numbers:
    symbols = locale.number_symbols
    western: Mapping[str, str] = symbols.get("latn", symbols)
    pattern = str(locale.percent_formats[None].pattern)
    return Numbers(
        decimal=western["decimal"],
        group=_GROUP.get(locale.language, western["group"]),
        percent_pattern=pattern.replace("#,##0", "{}"),
    )


class _date_style:  # noqa: N801 - stands where a function would, and can be compared
    def __init__(self, locale: Locale) -> None:
        self._locale = locale

    def __call__(self, day: dt.date) -> str:
        from babel.dates import format_date

        text = format_date(day, "long", locale=self._locale)
        if self._locale.language == "fr" and day.day == 1:
            # CLDR has no ordinal for it: French counts the first day of a month, and no other, by one.
            return text.replace("1 ", "1er ", 1)
        return text


def _places(code: str) -> dict[str, str]:
    with _NAMES.open(encoding="utf-8", newline="") as file:
        return {row["code"]: row[code] for row in csv.DictReader(file)}
