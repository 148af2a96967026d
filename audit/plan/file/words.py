"""Words of the mistakes in a plan: those of `words.json`.

`types` and `bounds` go by the type of an error of pydantic, `patterns` by the key; `syntax` by the beginning of what
tomllib says, the first that fits, and its words repeat nothing of the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

WORDS: Final[Mapping[str, Mapping[str, str]]] = json.loads(
    Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
)
