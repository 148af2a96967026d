"""Read the words that fill a slot: for every level and language the forms that grammar needs, as data and never by
rule.

    form_of = words.forms["demonym"]["NGA"]["fr"]      # {"m": "nigérian", "f": "nigériane"}

The words of the package are tables. The operator's own words come from a TOML file and replace those of the same level:

    [demonym.KUR]
    name = "Kurdish"
    en = { word = "Kurdish", article = "a" }
    fr = { m = "kurde", f = "kurde" }

    [name.village]
    name = "names of one village"
    woman = ["Amina", "Sara"]
    man = ["Yusuf", "Idris"]
"""

from __future__ import annotations

import csv
import functools
import hashlib
import importlib.resources
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from audit.errors import PlanError
from audit.evaluation.nationality import name_of
from audit.vocabulary.text import shown

ANCHOR: Final = ""
"""The level of the neutral form."""
GENDERS_OF_NAMES: Final = ("woman", "man")
NO_NAME: Final = "N. N."
"""The placeholder where no name is given, in all three languages."""

FORMS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("demonym", "en"): ("word", "article"),
    ("demonym", "fr"): ("m", "f"),
    ("demonym", "es"): ("m", "f"),
    ("country", "en"): ("bare", "from"),
    ("country", "fr"): ("bare", "from"),
    ("country", "es"): ("bare", "from"),
    ("gender", "en"): ("noun", "a", "the", "they", "them", "their"),
    ("gender", "fr"): ("noun", "a", "the", "they", "agreement"),
    ("gender", "es"): ("noun", "a", "the", "they", "agreement"),
}
"""The forms that a level of a slot needs in a language. A name needs none: it is the same in all languages."""

_NOT_STATED: Final = {"en": "not stated", "fr": "non précisé", "es": "no indicado"}
_NATIONALITY_NOT_STATED: Final = {"en": "not stated", "fr": "non précisée", "es": "no indicada"}


@dataclass(frozen=True, slots=True)
class Words:
    """Every level of every slot, in the order in which levels are offered."""

    forms: Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]
    """By slot, level, language and form. Only gender has words for the neutral level `ANCHOR`."""
    given_names: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Given names, by level of `name` and gender."""
    names: Mapping[str, Mapping[str, str]]
    """By slot and level: the name that reports use."""
    source: str = "the package's words"
    """The source of the words."""
    sha256: str | None = None
    """SHA-256 (hex) of the operator's own file."""
    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By slot: the levels of the operator's own file."""

    def levels(self, slot: str, languages: tuple[str, ...]) -> tuple[str, ...]:
        """The levels of a slot that have words in all of `languages`."""
        if slot == "name":
            return tuple(self.given_names)
        return tuple(
            level
            for level, by_language in self.forms[slot].items()
            if level != ANCHOR and all(language in by_language for language in languages)
        )

    def not_stated(self, slot: str, language: str) -> str:
        """The words for a country or nationality that is not given."""
        return (_NATIONALITY_NOT_STATED if slot == "demonym" else _NOT_STATED)[language]


@functools.cache
def built_in_words() -> Words:
    """The words of the package."""
    demonyms, countries, persons, given_names = (
        _table(f"{name}.csv") for name in ("demonyms", "countries", "persons", "given_names")
    )
    forms: dict[str, dict[str, dict[str, dict[str, str]]]] = {
        "demonym": {
            row["code"]: {
                "en": {"word": row["en"], "article": row["article"]},
                "fr": {"m": row["fr_m"], "f": row["fr_f"]},
                "es": {"m": row["es_m"], "f": row["es_f"]},
            }
            for row in demonyms
        },
        "country": {
            row["code"]: {
                language: {"bare": row[language], "from": row[f"{language}_from"]} for language in ("en", "fr", "es")
            }
            for row in countries
        },
        "gender": {},
    }
    for row in persons:
        level = ANCHOR if row["level"] == "anchor" else row["level"]
        language = row["language"]
        needed = FORMS["gender", language]
        forms["gender"].setdefault(level, {})[language] = {form: row[form] for form in needed}
    names: dict[str, dict[str, list[str]]] = {}
    for row in given_names:
        names.setdefault(row["locale"], {}).setdefault(row["gender"], []).append(row["name"])
    return Words(
        forms=forms,
        given_names={
            level: {gender: tuple(spellings) for gender, spellings in by.items()} for level, by in names.items()
        },
        names={
            "demonym": {level: forms["demonym"][level]["en"]["word"] for level in forms["demonym"]},
            "country": {level: name_of(level) for level in forms["country"]},
            "gender": {level: level for level in forms["gender"]},
            "name": {level: level for level in names},
        },
    )


def read_words(path: Path | None, folder: Path) -> Words:
    """Read the words of the package and of the operator's file, whose words come first. Raises PlanError, one line."""
    words = built_in_words()
    if path is None:
        return words
    where = shown(path.as_posix())
    content, raw = read_toml(folder / path, where)
    forms = {slot: dict(levels) for slot, levels in words.forms.items()}
    given_names, names = dict(words.given_names), {slot: dict(levels) for slot, levels in words.names.items()}
    added: dict[str, tuple[str, ...]] = {}
    for slot, levels in raw.items():
        if slot not in names or not isinstance(levels, dict):
            raise _amiss(
                where, f"{shown(slot)} is no table of words", "its tables are demonym, country, gender and name"
            )
        added[slot] = tuple(levels)
        for level, entry in levels.items():
            if not isinstance(entry, dict):
                raise _amiss(where, f"{slot}.{shown(level)} is no table", "see docs/how-to/probes.md")
            if not _is_text(level):
                raise _amiss(
                    where, f"{slot} has a level {shown(repr(level))}", "name it; the neutral form stays as it is"
                )
            names[slot][level] = _text(entry.get("name", level), where, f"{slot}.{level}.name")
            if slot == "name":
                given_names[level] = _own_names(entry, where, level)
            else:
                forms[slot] = {**forms[slot], level: _own_forms(entry, where, slot, level)}
    return Words(forms, given_names, names, where, hashlib.sha256(content).hexdigest(), added)


def read_toml(path: Path, where: str) -> tuple[bytes, dict[str, Any]]:
    """Read a TOML file of at most 4 MiB: its bytes and its content. Raises PlanError, one line."""
    try:
        with path.open("rb") as file:
            content = file.read(4 * 1024 * 1024 + 1)
    except OSError:
        raise _amiss(where, "it cannot be read", "check the path; it is relative to the folder of the plan") from None
    if len(content) > 4 * 1024 * 1024:
        raise _amiss(where, "it is larger than 4 MiB", "is it the right file?")
    try:
        return content, tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise _amiss(where, "it is no TOML in UTF-8", "see docs/how-to/probes.md for its form") from None


def _own_forms(entry: Mapping[str, Any], where: str, slot: str, level: str) -> dict[str, dict[str, str]]:
    by_language: dict[str, dict[str, str]] = {}
    for language, forms in entry.items():
        if language == "name":
            continue
        needed = FORMS.get((slot, language))
        if needed is None or not isinstance(forms, dict):
            raise _amiss(where, f"{slot}.{level}.{shown(language)} is no language of a probe", "en, es and fr are")
        if set(forms) != set(needed):
            raise _amiss(where, f"{slot}.{level}.{language} has not its forms", f"it needs {', '.join(needed)}")
        by_language[language] = {
            form: _text(forms[form], where, f"{slot}.{level}.{language}.{form}") for form in needed
        }
        if by_language[language].get("agreement", "m") not in {"m", "f"}:
            raise _amiss(where, f"{slot}.{level}.{language}.agreement is not m or f", 'write "m" or "f"')
    if not by_language:
        raise _amiss(where, f"{slot}.{level} has no words", "write en = { … }, es = { … } or fr = { … }")
    return by_language


def _own_names(entry: Mapping[str, Any], where: str, level: str) -> dict[str, tuple[str, ...]]:
    by_gender = {}
    for gender in GENDERS_OF_NAMES:
        names = entry.get(gender)
        if not isinstance(names, list) or not names or len(set(map(str, names))) < len(names):
            raise _amiss(
                where, f"name.{level}.{gender} is no list of different names", 'write woman = ["…"], man = ["…"]'
            )
        by_gender[gender] = tuple(_text(name, where, f"name.{level}.{gender}") for name in names)
    if set(by_gender["woman"]) & set(by_gender["man"]):
        raise _amiss(where, f"name.{level} has one name for both", "leave it out: it says no gender")
    return by_gender


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= 200 and value.isprintable()


def _text(value: Any, where: str, key: str) -> str:
    if not _is_text(value):
        raise _amiss(where, f"{shown(key)} is no text", "write one in quotes, at most 200 characters, on one line")
    return str(value)


def _amiss(where: str, what: str, hint: str) -> PlanError:
    return PlanError(f"{where}: {what}", slug="probe-words", hint=hint)


def _table(name: str) -> list[dict[str, str]]:
    text = importlib.resources.files("audit.scoring.probing").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
