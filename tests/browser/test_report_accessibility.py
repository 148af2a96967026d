"""axe-core over the report, where someone has it: `npm install axe-core`, or AUDIT7K_AXE=path/to/axe.min.js."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browser.conftest import Axe


WHOLE = (1280, 390, 320)
LOOKED_AT = {
    "passing": (WHOLE, True),
    "answers": (WHOLE, True),
    "few-failing": (WHOLE, True),
    "arabic-passing": (WHOLE, False),
    "chinese-passing": ((1280, 320), False),
    "several": ((1280, 320), False),
}
"""Widths, and whether contrast too: the colours of a page are the same in every language."""


@pytest.mark.parametrize("kind", LOOKED_AT)
def test_axe_finds_nothing(pages: dict[str, Path], axe: Axe, kind: str) -> None:
    """The failing page has 22 countries: each of 240 more rows would be looked at as they are, for a minute."""
    widths, contrast = LOOKED_AT[kind]
    assert axe(pages[kind].as_uri(), widths, contrast=contrast) == {}
