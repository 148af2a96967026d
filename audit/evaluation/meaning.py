"""Meaning of a value of a sensitive feature: a canonical code, or none and the reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

Reason = Literal[
    "ambiguous",
    "historic",
    "no_iso_code",
    "part",
    "other_code",
    "relative",
    "total",
    "not_known",
    "not_a_nationality",
    "region",
    "number",
    "several",
    "suppressed",
    "one_letter",
    "unknown_word",
]
"""Reason why a value is not read. The set is closed: `REASONS` has the words for each."""

_REFUSALS = json.loads((Path(__file__).parent / "data" / "refusals.json").read_text(encoding="utf-8"))
REASONS: Mapping[Reason, str] = _REFUSALS["reasons"]
OF_SPREADSHEETS: Mapping[str, tuple[str, str]] = _REFUSALS["spreadsheets"]
"""What is said and what helps, for each word of `audit.evaluation.sheet_text`."""


class Meaning(NamedTuple):
    """Meaning of a spelling."""

    code: str | None = None
    """Canonical code; None where the spelling is refused."""
    reason: Reason | None = None
    """Reason for the refusal."""
    candidates: tuple[str, ...] = ()
    """Codes that the spelling could mean, sorted. A person may choose one of them; the code never does."""
