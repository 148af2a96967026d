"""Gaps of a plan that `audit7k init` began: values that a person must still write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Final

from audit.plan.file.lines import Where

WRITE_HERE: Final = "write here"
"""Beginning of a value that a person must still write."""


def unfinished(raw: object) -> Iterator[Where]:
    """Yield the places in a plan that still say "write here"."""
    for where, value in leaves(raw):
        if isinstance(value, str) and value.strip().casefold().startswith(WRITE_HERE):
            yield where


def leaves(raw: object) -> Iterator[tuple[Where, object]]:
    """Yield every value in `raw` that is neither a table nor a list, with the path to it."""
    pending: list[tuple[Where, object]] = [((), raw)]
    while pending:
        where, value = pending.pop()
        if isinstance(value, dict):
            pending.extend(((*where, key), inner) for key, inner in value.items())
        elif isinstance(value, list | tuple):
            pending.extend(((*where, index), inner) for index, inner in enumerate(value))
        else:
            yield where, value


def any_of(words: Sequence[str]) -> str:
    """Join two words or more: "male, female or other"."""
    return f"{', '.join(words[:-1])} or {words[-1]}"


def toml_text(value: str) -> str:
    """Write `value` as a basic string of TOML, on one line and without invisible characters."""
    plain = (
        character if character.isprintable() and character not in '"\\' else f"\\U{ord(character):08X}"
        for character in value
    )
    return '"' + "".join(plain) + '"'


def toml_key(name: str) -> str:
    """Write the name of a key as TOML, in quotes where it needs them."""
    return name if name.isascii() and name.replace("-", "_").isidentifier() else toml_text(name)


def toml_value(value: object) -> str:
    """Write what JSON can hold, and paths, as TOML on one line."""
    if isinstance(value, str | PurePath):
        return toml_text(str(value))
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{toml_key(str(key))} = {toml_value(inner)}' for key, inner in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(inner) for inner in value)}]"
    return json.dumps(value)
