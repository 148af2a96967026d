"""Tables that a lawyer can edit: evidence, clauses of the draft, laws and standards. See `data/README.md`.

The error for a mistake is one line: which file, which entry, what to do. A table that is not sound is not used at all.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

from audit.errors import DataError
from audit.result.findings.safeguards import PublicState

DATA: Final = Path(__file__).with_name("data")
_STATES: Final[tuple[PublicState, ...]] = get_args(PublicState)
_FLAGS: Final = ("small_groups", "of_table", "of_rules", "only_declared")
_HIDING: Final = ("small_groups", "of_table", "of_rules")
_HEADLINES: Final = ("kept", "exceeded", "exceeded_among")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A kind of evidence."""

    key: str
    """The name of the kind, by which the function that looks for it is found."""
    name: str
    """The name that tables show."""
    public: Mapping[PublicState, str]
    """The sentence of a public report for each state that can come out."""
    headline: Mapping[str, str]
    """The sentences that replace `public.measured` where the headline settles the matter: `kept`, `exceeded`, or
    `exceeded_among` others.
    """
    small_groups: bool = False
    """Whether the state alone would reveal how large a small group is."""
    of_table: bool = False
    """Whether the public state follows from the printed rows of a release."""
    of_rules: bool = False
    """Whether the public state follows from the plan's rules on made-up texts, which are about nobody."""
    only_declared: bool = False
    """Whether the public reads only what is declared, even where something was measured because of it."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A question that an auditor asks about words of the draft."""

    clause: str
    words: str
    question: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Provision:
    """A provision of a law or standard, and the evidence that is relevant to it."""

    article: str
    about: str
    measured: tuple[str, ...]
    """Keys of evidence that counts only where it is measured."""
    declared: tuple[str, ...]
    """Keys of evidence for which a declaration is enough."""

    @property
    def evidence(self) -> tuple[str, ...]:
        """The keys of all evidence that is relevant, measured or declared."""
        return (*self.measured, *self.declared)


@dataclass(frozen=True, slots=True)
class Instrument:
    """A law or standard."""

    name: str
    title: str
    checked: str
    """The sources that its file was checked against, in the words of its author."""
    provisions: tuple[Provision, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Tables of evidence, of clauses, and of laws and standards."""

    evidence: Mapping[str, Evidence]
    clauses: tuple[Clause, ...]
    instruments: tuple[Instrument, ...]


@cache
def catalogue() -> Catalogue:
    """Read the tables that are shipped. Raises DataError where one of them is not sound."""
    return read_catalogue(DATA)


def read_catalogue(folder: Path) -> Catalogue:
    """Read the tables in a folder.

    Raises
    ------
    DataError
        If a file is missing, is no TOML, or an entry lacks a text, repeats a key or names evidence that is not there.
    """
    evidence = dict(_evidence(folder / "evidence.toml"))
    clauses = tuple(_clauses(folder / "clauses.toml", evidence))
    files = sorted((folder / "instruments").glob("*.toml"))
    instruments = tuple(_instrument(path, evidence) for path in files)
    if not instruments:
        raise _broken(folder / "instruments", "", "holds no law or standard", "put one file there for each")
    names = [instrument.name for instrument in instruments]
    for path, name in zip(files, names, strict=True):
        if names.count(name) > 1:
            raise _broken(path, name, "has the name of another file's instrument", "give it a name of its own")
    return Catalogue(evidence, clauses, instruments)


def _evidence(path: Path) -> Iterator[tuple[str, Evidence]]:
    seen: set[str] = set()
    for position, entry in _entries(_read(path), "evidence", path):
        key = _text(entry, "key", path, position)
        where = f"{position} ({key})"
        if key in seen:
            raise _broken(path, where, "has a key that stands there already", "each kind of evidence stands once")
        seen.add(key)
        _only(entry, {"key", "name", "public", "headline", *_FLAGS}, path, where)
        public, flags = entry.get("public"), {name: entry.get(name, False) for name in _FLAGS}
        if not isinstance(public, dict) or not public or not set(public) <= set(_STATES):
            raise _broken(path, where, "has no sentences in `public`", f"write one for each of {', '.join(_STATES)}")
        if not all(isinstance(flag, bool) for flag in flags.values()) or sum(flags.values()) > 1:
            raise _broken(path, where, f"has {', '.join(_FLAGS)} that are not read", "write one of them, as true")
        if ("elsewhere" in public) != any(flags[name] for name in _HIDING):
            raise _broken(path, where, "has a sentence too many or too few for what the public does not see",
                          f"public.elsewhere goes with {', '.join(_HIDING)}")  # fmt: skip
        sentences = {state: _text(public, state, path, where) for state in _STATES if state in public}
        headline = dict(_headline(entry, flags["of_rules"], path, where))
        if any(character.isdigit() for text in (*sentences.values(), *headline.values()) for character in text):
            raise _broken(path, where, "has a digit in a public sentence", "a public sentence holds no number")
        yield key, Evidence(key, _text(entry, "name", path, where), sentences, headline, **flags)


def _headline(entry: Mapping[str, Any], of_rules: bool, path: Path, where: str) -> Iterator[tuple[str, str]]:
    written = entry.get("headline", {})
    if not isinstance(written, dict) or bool(written) != of_rules:
        raise _broken(path, where, "has a `headline` that is not read", "it goes with of_rules")
    if of_rules:
        _only(written, set(_HEADLINES), path, where)
        yield from ((name, _text(written, name, path, where)) for name in _HEADLINES)


def _clauses(path: Path, evidence: Mapping[str, Evidence]) -> Iterator[Clause]:
    for position, entry in _entries(_read(path), "clauses", path, beside={"source"}):
        _only(entry, {"clause", "words", "question", "evidence"}, path, position)
        clause, words, question, key = (_text(entry, field, path, position) for field in Clause.__slots__)
        if not question.endswith("?"):
            raise _broken(path, f"{position} ({clause})", "has no question", "end `question` with a question mark")
        _known(key, evidence, path, f"{position} ({clause})")
        yield Clause(clause, words, question, key)


def _instrument(path: Path, evidence: Mapping[str, Evidence]) -> Instrument:
    read = _read(path)
    name, title, checked = (_text(read, field, path, "the file") for field in ("name", "title", "checked"))
    provisions = []
    for position, entry in _entries(read, "provisions", path, beside={"name", "title", "checked"}):
        article = _text(entry, "article", path, position)
        where = f"{position} ({article})"
        _only(entry, set(Provision.__slots__), path, where)
        keys = {kind: _keys(entry, kind, path, where) for kind in ("measured", "declared")}
        every = (*keys["measured"], *keys["declared"])
        if not every or len(set(every)) < len(every):
            raise _broken(path, where, "names no evidence, or one twice", "write keys of evidence.toml, each once")
        for key in every:
            _known(key, evidence, path, where)
        provisions.append(Provision(article, _text(entry, "about", path, where), keys["measured"], keys["declared"]))
    return Instrument(name, title, checked, tuple(provisions))


def _keys(entry: Mapping[str, Any], kind: str, path: Path, where: str) -> tuple[str, ...]:
    keys = entry.get(kind, [])
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise _broken(path, where, f"has a `{kind}` that is no list of keys", 'write them as ["missed", "gender"]')
    return tuple(keys)


def _known(key: str, evidence: Mapping[str, Evidence], path: Path, where: str) -> None:
    if key not in evidence:
        raise _broken(
            path, where, f'names evidence "{key[:60]}", which is not in evidence.toml', "write one of its keys"
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _broken(path, "", "is missing", "put it back") from None
    except OSError as error:
        raise _broken(path, "", f"cannot be read ({error.strerror or 'storage error'})", "check the file") from None
    except UnicodeDecodeError:
        raise _broken(path, "", "is not UTF-8 text", "save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        message = " ".join(str(error).split())[:120]
        raise _broken(path, "", f"is not valid TOML: {message}", "texts stand in quotes, entries under [[ ]]") from None


def _entries(
    read: Mapping[str, Any], name: str, path: Path, beside: set[str] | None = None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    _only(read, {name, *(beside or ())}, path, "the file")
    entries = read.get(name)
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise _broken(path, "", f"has no [[{name}]]", f"write each entry under [[{name}]]")
    for number, entry in enumerate(entries, start=1):
        yield f"[[{name}]] number {number}", entry


def _only(entry: Mapping[str, Any], known: set[str], path: Path, where: str) -> None:
    for key in entry:
        if key not in known:
            raise _broken(path, where, f"has an unknown key {key[:60]}", f"it takes {', '.join(sorted(known))}")


def _text(entry: Mapping[str, Any], key: str, path: Path, where: str) -> str:
    text = entry.get(key)
    if not isinstance(text, str) or not text.strip():
        raise _broken(path, where, f"has no text in `{key}`", f'write {key} = "…"')
    return " ".join(text.split())


def _broken(path: Path, where: str, what: str, hint: str) -> DataError:
    position = f"{path.name}, {where}" if where else path.name
    return DataError(f"{position} {what}", slug="broken-table-of-safeguards", hint=hint)
