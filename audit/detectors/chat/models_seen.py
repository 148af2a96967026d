"""What replies said that the model is: counted, so that a model which changes while it is audited is seen.

The names are text of a third party, which has just read a case. What is no plain word, or shares a word with the row
that was asked about, is never shown: a digest tells it from others.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from audit.evaluation.quoting import shown

__all__ = ["named", "notes_on_models"]

_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,79}")
_TELLING: Final = re.compile(r"[0-9]{6,}|(?=[0-9]*[^\W0-9_])[^\W_]{4,}")
"""Words of four letters and more, and numbers long enough to be somebody's. A year is in many a name of a model."""
_SHOWN: Final = 5
_BETWEEN: Final = "\t"


def named(model: str | None, fingerprint: str | None, *, asked: str, values: Sequence[str]) -> str:
    """The model that a reply names and, after a tab, its state: each a word that can be shown, or nothing.

    Parameters
    ----------
    model, fingerprint : str or None
        As the reply has them.
    asked : str
        The model that the plan names; it can always be shown.
    values : sequence of str
        The row's values, none of which may be repeated.
    """
    name = shown(asked) if model == asked else _word(model or "", values, known=asked)
    return f"{name}{_BETWEEN}{_word(fingerprint or '', values)}"


def _word(text: str, values: Sequence[str], *, known: str = "") -> str:
    """A name as it can be shown; `known` is what it may begin with, whatever a row says."""
    if not text:
        return ""
    plain = _WORD.fullmatch(text) is not None
    new = text.removeprefix(known).casefold()
    return text if plain and not any(_repeats(new, value.casefold()) for value in values) else _withheld(text)


def _withheld(text: str) -> str:
    return f"withheld-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _repeats(text: str, value: str) -> bool:
    """Whether a name stands in a value, or has one of its words or longer numbers in it."""
    return (bool(text) and text in value) or any(word in text for word in _TELLING.findall(value))


def notes_on_models(counts: Mapping[str, int]) -> list[str]:
    """What a reader of the report must know of who answered; `counts` are answers by what `named` made of a reply."""
    found = sorted(_merged(counts).items(), key=lambda pair: (-pair[1], pair[0]))
    if not found:
        return []
    told = ", ".join(f"{_in_words(name)} ({count})" for name, count in found[:_SHOWN])
    rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    notes = [f"Who answered, as the replies say: {told}{rest}."]
    if len(found) > 1:
        notes.append("They name more than one model, or state of one: the answers are not those of one detector.")
    return notes


def _merged(counts: Mapping[str, int]) -> Counter[str]:
    """The same with every name withheld that was withheld once: one name is not to be counted as two."""
    words = {word for name in counts for word in name.split(_BETWEEN)}
    merged: Counter[str] = Counter()
    for name, count in counts.items():
        kept = (_withheld(word) if _withheld(word) in words else word for word in name.split(_BETWEEN))
        merged[_BETWEEN.join(kept)] += count
    return merged


def _in_words(name: str) -> str:
    model, _, state = name.partition(_BETWEEN)
    return (model or "a model without a name") + (f" in state {state}" if state else "")
