"""Read texts with slots and fill them: only what stands in braces changes.

| In braces | Filled with | Changed by |
|---|---|---|
| `{a_person}` `{the_person}` `{person}` | a Nigerian woman; la femme nigériane; persona | demonym, gender |
| `{they}` `{them}` `{their}` | she, her, her (`them` and `their` in English alone) | gender |
| `{arrivé|arrivée}` | the masculine or feminine form, as the noun asks (French and Spanish) | gender |
| `{nationality}` | Nigerian; nigériane; "not stated" | demonym |
| `{from_country}` | from the Philippines; nothing, and no space before it | country |
| `{country}` | Philippines; "not stated" | country |
| `{name}` | a given name; N. N. | name |

A capital first letter in the braces (`{They}`) gives one in the text.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from audit.errors import PlanError
from audit.plan.probes import ProbeLanguage, TextProbe
from audit.scoring.probing.words import ANCHOR, NO_NAME, Words, read_toml
from audit.vocabulary.text import shown

_LANGUAGES: Final = get_args(ProbeLanguage)
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_FILLS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("a_person", "the_person", "person"), ("demonym", "gender")),
    **dict.fromkeys(("they", "them", "their"), ("gender",)),
    "nationality": ("demonym",),
    **dict.fromkeys(("from_country", "country"), ("country",)),
    "name": ("name",),
}
_ENGLISH_ONLY: Final = {"them", "their"}
_LONGEST: Final = 20_000
"""Most characters of a text."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text: fixed words, or a slot to be filled."""

    text: str
    """The fixed words, or the content of the braces."""
    filled: bool = False
    capital: bool = False
    """Whether the words that fill it begin with a capital."""

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots that change it."""
        if not self.filled:
            return ()
        return ("gender",) if "|" in self.text else _FILLS[self.text]


@dataclass(frozen=True, slots=True)
class Template:
    """A text in one or more languages."""

    id: str
    pieces: Mapping[str, tuple[Piece, ...]]
    """The pieces of the text, by language."""


@dataclass(frozen=True, slots=True)
class Templates:
    """All texts of a probe, and their source."""

    templates: tuple[Template, ...]
    source: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """The levels that fill the slots of one variant; each is the neutral form by default."""

    language: str
    demonym: str = ANCHOR
    country: str = ANCHOR
    gender: str = ANCHOR
    name: str = NO_NAME
    """The name itself."""


def read_templates(probe: TextProbe, folder: Path) -> Templates:
    """Read the texts of a probe, in their order. Raises PlanError, one line that names the text by its id."""
    if isinstance(probe.templates, Path):
        where = shown(probe.templates.as_posix())
        content, raw = read_toml(folder / probe.templates, where)
        digest: str | None = hashlib.sha256(content).hexdigest()
    else:
        where, digest = f"the package's {probe.templates}", None
        raw = _built_in(probe.templates)
    entries = raw.get("templates")
    if not isinstance(entries, list) or not entries or set(raw) != {"templates"}:
        raise _amiss(where, "it holds no list of texts", "write each under [[templates]] with an id")
    templates: dict[str, Template] = {}
    for number, entry in enumerate(entries, start=1):
        template = _template(entry, where, number)
        if template.id in templates:
            raise _amiss(where, f"two texts have the id {template.id}", "give each its own")
        templates[template.id] = template
    _check_different(templates.values(), probe.languages, where)
    return Templates(tuple(templates.values()), where, digest)


def _check_different(templates: Iterable[Template], languages: tuple[str, ...], where: str) -> None:
    """Refuse a copy of a text. Counted twice it would be false evidence; left out it would be missing from the
    count.
    """
    for language in languages:
        seen: dict[str, str] = {}
        for template in templates:
            pieces = template.pieces.get(language, ())
            text = "".join(f"{{{piece.text}}}" if piece.filled else piece.text for piece in pieces)
            first = seen.setdefault(" ".join(text.split()).casefold(), template.id)
            if pieces and first != template.id:
                raise _amiss(
                    where,
                    f"texts {first} and {template.id} are the same in {language}",
                    "a copy shows nothing more; write another text, or leave it out",
                )


@functools.cache
def _built_in(name: str) -> dict[str, Any]:
    text = (
        importlib.resources.files("audit.scoring.probing").joinpath("data", f"{name}.toml").read_text(encoding="utf-8")
    )
    return tomllib.loads(text)


def _template(entry: object, where: str, number: int) -> Template:
    if not isinstance(entry, dict):
        raise _amiss(where, f"text {number} is no table", "write each under [[templates]] with an id")
    name = entry.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise _amiss(where, f"text {number} has no id", "give it one of letters, digits, - and _, at most 64")
    texts = {key: value for key, value in entry.items() if key != "id"}
    for key, value in texts.items():
        if key not in _LANGUAGES:
            raise _amiss(where, f"text {name}: {shown(key)} is no language of a probe", "en, es and fr are")
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
            raise _amiss(where, f"text {name}: {key} is no text", f"write one in quotes, at most {_LONGEST} characters")
    if not texts:
        raise _amiss(where, f"text {name} is in no language", 'write en = "…", es = "…" or fr = "…"')
    return Template(name, {key: parse_text(value, key, f"{where}: text {name}, {key}") for key, value in texts.items()})


def parse_text(text: str, language: str, where: str) -> tuple[Piece, ...]:
    """Split a text into pieces. Raises PlanError where braces hold something else than a slot."""
    pieces: list[Piece] = []
    end = 0
    for match in _BRACES.finditer(text):
        pieces.append(Piece(text[end : match.start()]))
        pieces.append(_filled(match[1], language, where))
        end = match.end()
    pieces.append(Piece(text[end:]))
    if any("{" in piece.text or "}" in piece.text for piece in pieces if not piece.filled):
        raise _amiss(where, "a brace without its other half", "braces mark slots only")
    return tuple(piece for piece in pieces if piece.filled or piece.text)


def _filled(inside: str, language: str, where: str) -> Piece:
    if "|" in inside:
        if language == "en" or inside.count("|") != 1:
            raise _amiss(
                where,
                f"{{{shown(inside)}}} is no pair of a masculine and a feminine form",
                "write {form|form} in French and Spanish; English nouns ask for none",
            )
        return Piece(inside, filled=True)
    name = inside[:1].lower() + inside[1:]
    if name not in _FILLS or (name in _ENGLISH_ONLY and language != "en"):
        slots = ", ".join(name for name in _FILLS if language == "en" or name not in _ENGLISH_ONLY)
        raise _amiss(where, f"{{{shown(inside)}}} is no slot", f"the slots are {slots}")
    return Piece(name, filled=True, capital=inside[:1].isupper())


def slots_of(pieces: tuple[Piece, ...]) -> frozenset[str]:
    """The slots that change a text."""
    return frozenset(slot for piece in pieces for slot in piece.slots)


def render(pieces: tuple[Piece, ...], choice: Choice, words: Words) -> str:
    """Fill the slots of a text. A slot that is filled with nothing also removes the space before it."""
    out = ""
    for piece in pieces:
        if not piece.filled:
            out += piece.text
            continue
        fill = _fill(piece.text, choice, words)
        if not fill:
            out = out.removesuffix(" ")
        out += fill[:1].upper() + fill[1:] if piece.capital else fill
    return out


def _fill(name: str, choice: Choice, words: Words) -> str:
    person = words.forms["gender"][choice.gender][choice.language]
    if "|" in name:
        masculine, feminine = name.split("|")
        return feminine if person["agreement"] == "f" else masculine
    if name == "name":
        return choice.name
    if name in {"they", "them", "their"}:
        return person[name]
    if name in {"country", "from_country"}:
        return _country(name, choice, words)
    return _nationality(choice, words) if name == "nationality" else _person(name, choice, words, person)


def _country(name: str, choice: Choice, words: Words) -> str:
    if choice.country == ANCHOR:
        return words.not_stated("country", choice.language) if name == "country" else ""
    return words.forms["country"][choice.country][choice.language]["bare" if name == "country" else "from"]


def _nationality(choice: Choice, words: Words) -> str:
    """The nationality word by itself. In French and Spanish it is feminine, like the word for nationality."""
    if choice.demonym == ANCHOR:
        return words.not_stated("demonym", choice.language)
    forms = words.forms["demonym"][choice.demonym][choice.language]
    return forms["word"] if choice.language == "en" else forms["f"]


def _person(name: str, choice: Choice, words: Words, person: Mapping[str, str]) -> str:
    """The noun with its article, and the nationality word where the language puts it."""
    form = {"a_person": "a", "the_person": "the", "person": "noun"}[name]
    if choice.demonym == ANCHOR:
        return person[form]
    forms = words.forms["demonym"][choice.demonym][choice.language]
    if choice.language != "en":
        return f"{person[form]} {forms[person['agreement']]}"
    before = {"a": f"{forms['article']} ", "the": "the ", "noun": ""}[form]
    return f"{before}{forms['word']} {person['noun']}"


def _amiss(where: str, what: str, hint: str) -> PlanError:
    return PlanError(f"{where}: {what}", slug="probe-templates", hint=hint)
