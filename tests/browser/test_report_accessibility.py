"""axe-core over the report, where someone has it: `npm install axe-core`, or AUDIT7K_AXE=path/to/axe.min.js."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def axe() -> str:
    path = Path(os.environ.get("AUDIT7K_AXE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
    if not path.exists():
        pytest.skip("axe-core is not installed (npm install axe-core, or AUDIT7K_AXE=path/to/axe.min.js)")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["passing", "answers", "few-failing", "arabic-passing", "chinese-passing", "several"])
def test_axe_finds_nothing(browser: Browser, pages: dict[str, Path], axe: str, kind: str) -> None:
    """The failing page has 22 countries: each of 240 more rows would be looked at as they are, for a minute."""
    context = browser.new_context(viewport={"width": 1280, "height": 844}, bypass_csp=True)
    page = context.new_page()
    page.goto(pages[kind].as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    page.evaluate(axe)
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        found = page.evaluate(
            "tags => axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'tag', values: tags}})", TAGS
        )
        assert [(rule["id"], len(rule["nodes"])) for rule in found["violations"]] == [], width
    context.close()
