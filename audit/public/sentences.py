"""Sentences, in English, that a public report must show beside its figures: those of `data/sentences.toml`.

A report in another language translates them. No other text says the same, so a pipeline, a table and a page agree.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SENTENCES: Final[Mapping[str, str]] = tomllib.loads(
    (Path(__file__).parent / "data" / "sentences.toml").read_text(encoding="utf-8")
)
"""The English of what a public report must say, by its key; other languages translate it."""
