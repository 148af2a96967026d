"""A real Chromium, without a network, for reports opened from a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made.results import failing_result, hostile_result, passing_result, undecided_result
from made.second_looks import further_result, unnamed_result

from reports.html import HtmlReporter

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One report of each kind, in a folder of its own."""
    folder = tmp_path_factory.mktemp("reports")
    results = {
        "failing": failing_result(),
        "passing": passing_result(),
        "undecided": undecided_result(),
        "hostile": further_result(hostile_result(ATTACK), lambda text: f"{text}{ATTACK}"),
        "further": further_result(failing_result()),
        "answers": further_result(passing_result()),
        "unnamed": unnamed_result(failing_result()),
    }
    for name, result in results.items():
        (folder / f"{name}.html").write_text(HtmlReporter().render(result), encoding="utf-8")
    names = list(results)
    for name, kind, codes in (
        ("arabic", "further", ["ar"]),
        ("chinese", "answers", ["zh"]),
        ("arabic-passing", "passing", ["ar"]),
        ("chinese-passing", "passing", ["zh"]),
        ("russian", "further", ["ru"]),
        ("several", "passing", ["fr", "ar", "en"]),
    ):
        page = HtmlReporter().render(results[kind], codes)
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
        names.append(name)
    return {name: folder / f"{name}.html" for name in names}
