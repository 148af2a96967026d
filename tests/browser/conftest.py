"""A real Chromium, without a network, for reports opened from a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made.pages import Written
from made.results import failing_result, few_result, hostile_result, passing_result, undecided_result
from made.second_looks import further_result, unnamed_result

from audit.result.audit_result import AuditResult
from reports.html import HtmlReporter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
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
        "further": report(lambda: further_result(failing_result())),
        "answers": report(lambda: further_result(passing_result())),
        "unnamed": report(lambda: unnamed_result(failing_result())),
        "arabic": report(lambda: further_result(failing_result()), "ar"),
        "chinese": report(lambda: further_result(passing_result()), "zh"),
        "arabic-passing": report(passing_result, "ar"),
        "chinese-passing": report(passing_result, "zh"),
        "russian": report(lambda: further_result(failing_result()), "ru"),
        "several": report(passing_result, "fr", "ar", "en"),
    }
    return Written(tmp_path_factory.mktemp("reports"), renders)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new page, as wide as a laptop."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()
