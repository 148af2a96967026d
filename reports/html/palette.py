"""Colours of the report. tests/reports/test_palette.py proves the contrast. No state is shown by colour alone.

The colours of "beyond" and "within" are almost the same grey on a black-and-white print. Their shape and word
differ.
"""

from __future__ import annotations

from typing import Final

INK: Final = "#16191d"
MUTED: Final = "#4f585e"
PAPER: Final = "#ffffff"
RULE: Final = "#d5d9dc"
RULE_STRONG: Final = "#a9b0b5"
WASH: Final = "#f4f5f4"
LINK: Final = "#12436d"

BEYOND: Final = "#801650"
BEYOND_TINT: Final = "#f6e8ef"
WITHIN: Final = "#12436d"
WITHIN_TINT: Final = "#e9f0f6"
WITHIN_AREA: Final = "#5089bb"
UNDECIDED: Final = "#4f585e"
UNDECIDED_TINT: Final = "#f1f1ec"
ZONE: Final = "#f5e9ef"
"""The colour behind an interval: rates beyond the limit."""

STATE: Final = {
    "fail": BEYOND,
    "pass": WITHIN,
    "inconclusive": UNDECIDED,
    "not_evaluable": UNDECIDED,
    "smaller": BEYOND,
    "": INK,
}
"""The colour of the mark of each outcome; "" is a rate on which no limit is set."""

NAMES: Final = {name: value for name, value in dict(globals()).items() if name.isupper() and isinstance(value, str)}
"""Colours by name, for the style sheet."""
