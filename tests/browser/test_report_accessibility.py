"""axe-core over the report, where someone has it: `npm install axe-core`, or AUDIT7K_AXE=path/to/axe.min.js."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browser.conftest import Axe


@pytest.mark.parametrize(("kind", "coloured"), [("arabic-answers", ""), ("few-failing", ""), ("several", ".switch")])
def test_axe_finds_nothing(pages: dict[str, Path], axe: Axe, kind: str, coloured: str) -> None:
    """Between the two phones a page changes nothing but the lengths of its lines, and another language nothing but
    words; what a pass says is a part of what answers say.
    """
    assert axe(pages[kind].as_uri(), (1280, 320), coloured) == {}
