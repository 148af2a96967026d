"""What a plan may say to a language model: a prompt with slots, what the answer may be, what else a request holds.

A slot is the name of a feature in braces, as in the texts of probes: `{advert_text}`. A brace that is meant as one is
written twice: `{{"score": 0.5}}`. Nothing else in a prompt has a meaning.

Every function raises ValueError in words that begin with the key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from audit.plan_http import looks_secret, split_url

ENDING: Final = "/chat/completions"
"""How the path of an endpoint ends that is asked in this form."""
OWN_KEYS: Final = frozenset({"model", "messages", "temperature", "seed", "max_tokens", "response_format"})
"""Keys of a request that other keys of the plan write."""
OTHER_REPLIES: Final = frozenset({"stream", "stream_options", "n"})
"""Keys that make a reply something else than one answer in one document."""
_TOKENS: Final = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a prompt that a feature fills."""

    feature: str


def pieces_of(prompt: str) -> tuple[str | Slot, ...]:
    """Take a prompt apart: texts as they are sent, and slots. Raises ValueError for a brace without its other half."""
    pieces: list[str | Slot] = []
    end = 0
    for found in _TOKENS.finditer(prompt):
        pieces.append(prompt[end : found.start()])
        token = found[0]
        if token in {"{", "}"}:
            raise ValueError(
                "prompt has a brace without its other half; write {{ and }} for braces that are sent as they are"
            )
        pieces.append(token[0] if token in {"{{", "}}"} else Slot(token[1:-1]))
        end = found.end()
    pieces.append(prompt[end:])
    return tuple(piece for piece in pieces if piece)


def check_prompt(prompt: str, features: Sequence[str]) -> None:
    """Check that a prompt sends every feature and nothing else."""
    if any("{" in name or "}" in name for name in features):
        raise ValueError("features names a column with a brace, which no prompt can name; give the column another name")
    slots = {piece.feature for piece in pieces_of(prompt) if isinstance(piece, Slot)}
    if not slots <= set(features):
        raise ValueError(
            "prompt has something in braces that is none of `features`; write {{ and }} for braces that are sent as "
            "they are"
        )
    if slots < set(features):
        raise ValueError(
            "prompt leaves out one of `features`, and the report would say that the detector was given it; a slot is "
            "{column}, with one brace on each side"
        )


def check_system(system: str, features: Sequence[str]) -> None:
    """Refuse a slot where none is filled."""
    if any(f"{{{name}}}" in system for name in features):
        raise ValueError("system has a feature in braces, and is sent as it is; values go into `prompt`")


def check_endpoint(url: str) -> None:
    """Check that an address is that of an endpoint, not of the service as a whole."""
    if not split_url(url).path.endswith(ENDING):
        raise ValueError(f'url must be the whole address of the endpoint, which ends with "{ENDING}"')


def check_extra(extra: Mapping[str, Any]) -> None:
    """Check the further keys of a request."""
    for name, value in extra.items():
        if name in OWN_KEYS:
            raise ValueError(f"extra.{name} is written by a key of its own in [detector]")
        if name in OTHER_REPLIES:
            raise ValueError(f"extra.{name} asks for another kind of reply than one answer to one row")
        if isinstance(value, str) and looks_secret(name):
            raise ValueError(
                "extra has a text under a name that looks like a secret, and the plan is copied into every result; "
                'use `token = "env:NAME"` or `headers` instead'
            )
    try:
        json.dumps(dict(extra), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError(
            "extra holds what JSON cannot: a date, a number that is not finite, or endless nesting"
        ) from None
