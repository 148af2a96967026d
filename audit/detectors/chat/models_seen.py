"""What replies said that the model is: counted, so that a model which changes while it is audited is seen.

The names are text of a third party, which has just read a case, and maybe others before it. Shown is the name that the
plan has, alone or with a date or version behind it. Any other name, and every state, is numbered: not even a digest of
it is shown, since one of a telephone number is as good as the number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from audit.vocabulary.text import shown

__all__ = ["named", "notes_on_models"]

_VERSION: Final = re.compile(r"[-@:](20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{4}|v?[0-9]{1,3}(\.[0-9]{1,3}){0,2}|latest)")
"""What may stand behind the name in the plan: 2024-08-06, 0613, v1.2, latest."""
_SHOWN: Final = 5
_BETWEEN: Final = "\t"
_HIDDEN: Final = "hidden-"


def named(model: str | None, fingerprint: str | None, *, asked: str) -> str:
    """The model that a reply names and, after a tab, its state; where they cannot be shown by digests.

    For the kept answers of a run, which are as restricted as it is, and for `notes_on_models`.

    Parameters
    ----------
    model, fingerprint : str or None
        As the reply has them.
    asked : str
        The model that the plan names.
    """
    name = model or ""
    right = name.startswith(asked) and (name == asked or _VERSION.fullmatch(name[len(asked) :]) is not None)
    return f"{shown(name) if right else _hidden(name)}{_BETWEEN}{_hidden(fingerprint or '')}"


def _hidden(text: str) -> str:
    return f"{_HIDDEN}{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}" if text else ""


def notes_on_models(counts: Mapping[str, int]) -> list[str]:
    """What a reader of the report must know of who answered; `counts` are answers by what `named` made of a reply."""
    found = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if not found:
        return []
    pairs = [name.split(_BETWEEN) for name, _ in found]
    models, states = (_numbers([pair[part] for pair in pairs]) for part in (0, 1))
    told = []
    for (model, state), (_, count) in zip(pairs[:_SHOWN], found[:_SHOWN], strict=True):
        who = f"another name (no. {models[model]})" if model in models else model or "a model without a name"
        how = f" in state no. {states[state]}" if state else ""
        told.append(f"{who}{how} ({count})")
    rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    notes = [f"Who answered, as the replies say: {', '.join(told)}{rest}."]
    if len(found) > 1:
        notes.append("They name more than one model, or state of one: the answers are not those of one detector.")
    return notes


def _numbers(names: Sequence[str]) -> dict[str, int]:
    """Hidden names numbered from 1, the most frequent first."""
    hidden = dict.fromkeys(name for name in names if name.startswith(_HIDDEN))
    return {name: place for place, name in enumerate(hidden, start=1)}
