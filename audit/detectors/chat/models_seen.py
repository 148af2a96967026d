"""Count the model names in the replies, so that a change of the model during the audit is seen.

The names are text of a third party, which has just read a case. A name is shown only if it is the name in the plan,
alone or followed by a date or version. Any other name, and every state, is numbered. Not even a digest of it is shown,
because the digest of a telephone number is as good as the number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from audit.vocabulary.text import shown

_VERSION: Final = re.compile(r"[-@:](20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{4}|v?[0-9]{1,3}(\.[0-9]{1,3}){0,2}|latest)")
"""Suffixes that may follow the name in the plan: 2024-08-06, 0613, v1.2, latest."""
_SHOWN: Final = 5
_BETWEEN: Final = "\t"
_HIDDEN: Final = "hidden-"


def model_and_state(model: str | None, fingerprint: str | None, *, asked: str) -> str:
    """Join the model that a reply names, a tab, and its state. A part that cannot be shown is replaced by a digest.

    For the kept answers of a run, which are as restricted as the run, and for `notes_on_models`.

    Parameters
    ----------
    model, fingerprint : str or None
        The model and its state in the reply.
    asked : str
        The model that the plan names.
    """
    name = model or ""
    right = name.startswith(asked) and (name == asked or _VERSION.fullmatch(name[len(asked) :]) is not None)
    return f"{shown(name) if right else _hidden(name)}{_BETWEEN}{_hidden(fingerprint or '')}"


def _hidden(text: str) -> str:
    return f"{_HIDDEN}{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}" if text else ""


def notes_on_models(counts: Mapping[str, int]) -> list[str]:
    """Notes for the reader on the models that answered; `counts` has the results of `model_and_state`."""
    found = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if not found:
        return []
    pairs = [name.split(_BETWEEN) for name, _ in found]
    models, states = (_numbers([pair[part] for pair in pairs]) for part in (0, 1))
    said = []
    for (model, state), (_, count) in zip(pairs[:_SHOWN], found[:_SHOWN], strict=True):
        who = f"another name (no. {models[model]})" if model in models else model or "a model without a name"
        how = f" in state no. {states[state]}" if state else ""
        said.append(f"{who}{how} ({count})")
    rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    notes = [f"Who answered, as the replies say: {', '.join(said)}{rest}."]
    if len(found) > 1:
        notes.append("They name more than one model, or state of one: the answers are not those of one detector.")
    return notes


def _numbers(names: Sequence[str]) -> dict[str, int]:
    """Number hidden names from 1, the most frequent first."""
    hidden = dict.fromkeys(name for name in names if name.startswith(_HIDDEN))
    return {name: place for place, name in enumerate(hidden, start=1)}
