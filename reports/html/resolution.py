"""Words of the draft resolution, letter by letter, in the language of the document: nothing here is translated."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_WORDS: Final[Mapping[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
PARAGRAPH_2: Final = _WORDS["paragraph_2"]
NOT_ASSOCIATED: Final = "cannot and should not be associated with any religion, nationality or civilization"
"""From paragraph 2."""
PARAGRAPH_7: Final = _WORDS["paragraph_7"]
PARAGRAPH_7K: Final = _WORDS["paragraph_7k"]
PARAGRAPH_10: Final = _WORDS["paragraph_10"]
