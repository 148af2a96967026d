"""What the page about reports says of printing: commands and program run, and the CI has its packages."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from made.entry_points import offered_by_this_version
from made.pdfs import beginning_of, opened, require_pdf, root_of
from made.results import UNDECIDED, sample_result
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.result.json_text import result_to_json
from reports.html import render_page

require_pdf()

ROOT = Path(__file__).parents[2]
REPORT = (ROOT / "docs" / "how-to" / "report.md").read_text(encoding="utf-8")
PAGE = REPORT.partition("\n## Print it\n")[2].partition("\n## ")[0] + "\n"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_its_commands_run_and_attach_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the reports only the beginning is printed: whole, each takes seconds."""
    monkeypatch.setattr("reports.html.render_page", lambda *given: beginning_of(render_page(*given)))
    out = tmp_path / "audit-out"
    out.mkdir()
    document = result_to_json(sample_result(replace(UNDECIDED, rows=300, countries=("GHA", "NPL"))))
    (out / "result.json").write_text(document, encoding="utf-8")
    lines = [line for block in blocks("console") for line in block.splitlines() if " report audit-out" in line]
    assert [line.partition("--lang ")[2] for line in lines] == ["", "ar", "fr,zh"]
    # One of the three. The public one is printed in tests/reports/test_public_pdf.py.
    monkeypatch.syspath_prepend(offered_by_this_version(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, lines[2].split()[1:])
    assert done.exit_code == 0, done.output
    languages = {path.name: root_of(opened(path.read_bytes()))["/Lang"] for path in out.glob("*.pdf")}
    assert languages == {"report.fr.pdf": "fr", "report.zh.pdf": "zh-Hans"}
    attached = opened((out / "report.fr.pdf").read_bytes()).attachments
    assert set(attached) == {"result.json", "counts.csv"}
    assert attached["result.json"] == [document.encode()]


def test_its_packages_are_those_of_the_continuous_integration() -> None:
    used = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for package in ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-droid-fallback"):
        assert f"`{package}`" in PAGE
        assert f" {package}" in used
