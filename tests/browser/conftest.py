"""A real Chromium, without a network, for reports opened from a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from made.pages import Written
from made.results import failing_result, few_result, hostile_result, passing_result, undecided_result
from made.second_looks import further_result, unnamed_result

from audit.result.audit_result import AuditResult
from reports.html import HtmlReporter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-extensions",
    "--in-process-gpu",
    "--disable-features=SpareRendererForSitePerProcess",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ATTACK = "</style></title></svg><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = os.environ.get("AUDIT7K_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no Chromium on this machine (set AUDIT7K_CHROMIUM to its path, or install the package chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=list(FLAGS))
        yield opened
        opened.close()


def report(made: Callable[[], AuditResult], *codes: str) -> Callable[[], str]:
    return lambda: HtmlReporter().render(made(), codes)


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports of each kind, by their name."""
    renders = {
        "failing": report(failing_result),
        "few-failing": report(few_result),
        "passing": report(passing_result),
        "undecided": report(undecided_result),
        "hostile": report(lambda: further_result(hostile_result(ATTACK), lambda text: f"{text}{ATTACK}")),
        "arabic-answers": report(lambda: further_result(passing_result()), "ar"),
        "unnamed": report(lambda: unnamed_result(few_result())),
        "arabic": report(lambda: further_result(few_result()), "ar"),
        "russian": report(lambda: further_result(few_result()), "ru"),
        "spanish": report(lambda: further_result(failing_result()), "es"),
        "several": report(passing_result, "fr", "ar", "en"),
        "arabic-first": report(failing_result, "ar", "fr"),
    }
    return Written(tmp_path_factory.mktemp("reports"), renders)


@pytest.fixture(scope="session")
def _tab(browser: Browser) -> Iterator[Page]:
    """One tab for all tests: a new one takes Chromium more than half a second."""
    opened = browser.new_page()
    yield opened
    opened.close()


@pytest.fixture
def page(_tab: Page) -> Page:
    """An empty page, as wide as a laptop."""
    _tab.goto("about:blank")
    _tab.set_viewport_size({"width": 1280, "height": 900})
    _tab.emulate_media(media="null", color_scheme="null", forced_colors="null")
    return _tab


@dataclass
class Heard:
    """What a page asks for, and what it says or throws."""

    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@pytest.fixture
def heard(page: Page) -> Iterator[Heard]:
    """What the page of a test asks for and says from its start to its end."""
    found = Heard()
    listeners: dict[Any, Callable[[Any], None]] = {
        "request": lambda request: found.asked.append(request.url),
        "console": lambda message: found.said.append(message.text),
        "pageerror": lambda error: found.said.append(str(error)),
    }
    for name, listener in listeners.items():
        page.on(name, listener)
    yield found
    for name, listener in listeners.items():
        page.remove_listener(name, listener)


TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPEN_ALL = "document.querySelectorAll('details').forEach(part => part.open = true)"
ALIKE = """() => {
    const ofTables = {};
    const parts = 'tbody, ul, ol, dl:has(> div), section, main';
    for (const part of [...document.querySelectorAll(parts)].reverse()) {
        const seen = part.matches('tbody') ? ofTables[part.parentNode.className] ??= {} : {};
        for (const child of [...part.children]) {
            const form = child.outerHTML.replace(/>[^<]+</g, '>.<')
                .replace(/(?<!class|scope|role|lang|dir)="[^"]+"/g, '="."');
            seen[form] = (seen[form] || 0) + 1;
            if (seen[form] > 2 && part.children.length > 1) child.remove();
        }
    }
}"""
"""Takes the third and every further row, item or part of one form out of all tables of a class, a list or a section:
of the same elements, classes and roles, with other texts and numbers.
"""
Violations = dict[int, list[tuple[str, list[str]]]]
Axe = Callable[..., Violations]


@pytest.fixture(scope="session")
def axe(browser: Browser) -> Iterator[Axe]:
    """What axe finds at an address with every fold open: rule and elements, by width; nothing where all is well.

    Contrast is half of its work, and looked for at the first width alone, and only in the elements `coloured` where
    those are named: no width and no language has colours of its own, as `reports/test_palette.py` holds.
    """
    path = Path(os.environ.get("AUDIT7K_AXE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
    if not path.exists():
        pytest.skip("axe-core is not installed (npm install axe-core, or AUDIT7K_AXE=path/to/axe.min.js)")
    context = browser.new_context(bypass_csp=True)
    page, program = context.new_page(), path.read_text(encoding="utf-8")

    def found(address: str, widths: Sequence[int], coloured: str = "") -> Violations:
        page.set_viewport_size({"width": widths[0], "height": 844})
        page.goto(address)
        page.evaluate(OPEN_ALL)
        page.evaluate(ALIKE)
        page.evaluate(program)
        violations: Violations = {}
        for width in widths:
            page.set_viewport_size({"width": width, "height": 844})
            wanted = {
                "resultTypes": ["violations"],
                "selectors": False,  # a node is named by its own code
                "runOnly": {"type": "tag", "values": TAGS},
                "rules": {"color-contrast": {"enabled": width == widths[0] and not coloured}},
            }
            rules = page.evaluate("async wanted => (await axe.run(document, wanted)).violations", wanted)
            if width == widths[0] and coloured:
                contrast = {"runOnly": ["color-contrast"]}
                rules += page.evaluate(
                    "async ([where, it]) => (await axe.run(where, it)).violations", [coloured, contrast]
                )
            if rules:
                violations[width] = [(rule["id"], [node["html"][:200] for node in rule["nodes"][:3]]) for rule in rules]
        return violations

    yield found
    context.close()
