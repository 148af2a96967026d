"""The command that a page prints makes the same bytes again: run as it stands there, from the files that it names."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from made.changes import made_pair, write_result_of
from made.pages import find_all, parsed, part_of, text
from made.pdfs import require_pdf
from made.published import write_set
from typer.testing import CliRunner

from audit.cli.commands.app import app


def call(*arguments: str) -> int:
    return CliRunner().invoke(app, list(arguments)).exit_code


def printed(html: str) -> str:
    """The command under "Check this report" that makes the page again: the same in every language of the page."""
    root = parsed(html)
    parts = [each for each in root.iter() if (each.get("aria-labelledby") or "").rpartition("-")[2] == "check"]
    found = {tuple(text(code) for code in find_all(next(find_all(part, "ol")), "code")) for part in parts}
    ((of_the_plan, again, _),) = found
    assert of_the_plan == "audit7k check --digest plan.toml"
    return again


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the result of an audit, and nothing else that a command could take."""
    made, here = tmp_path_factory.mktemp("set"), tmp_path_factory.mktemp("result")
    write_set(made)
    assert call("run", str(made / "plan.toml"), "--no-crosscheck", "--out", str(made / "out"), "--quiet") == 1
    shutil.copy(made / "out" / "result.json", here)
    return here


@pytest.mark.parametrize("languages", [None, "ar", "fr,ar,en"])
def test_a_page_in_any_languages_is_made_again_by_what_it_prints(
    folder: Path, monkeypatch: pytest.MonkeyPatch, languages: str | None
) -> None:
    monkeypatch.chdir(folder)
    asked = [] if languages is None else ["--lang", languages]
    assert call("report", "result.json", "--restricted", *asked) == 0
    page = folder / "report.html"
    first = page.read_bytes()
    page.unlink()
    command, *arguments = shlex.split(printed(first.decode()))
    assert command == "audit7k"
    assert call(*arguments) == 0
    assert page.read_bytes() == first
    assert sorted(each.name for each in folder.iterdir()) == ["report.html", "result.json"], "no key, no public file"
    page.unlink()


def test_the_page_of_a_run_is_that_of_the_command_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_set(tmp_path)
    run = ("run", "plan.toml", "--no-crosscheck", "--restricted", "--report", "html", "--lang", "fr,en", "--out", "out")
    assert call(*run) == 1
    first = (tmp_path / "out" / "report.html").read_bytes()
    monkeypatch.chdir(tmp_path / "out")
    (tmp_path / "out" / "report.html").unlink()
    assert call(*shlex.split(printed(first.decode()))[1:]) == 0
    assert (tmp_path / "out" / "report.html").read_bytes() == first


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two versions, and their results in `earlier` and `later`."""
    made = tmp_path_factory.mktemp("compared")
    made_pair(made, worse=0.12, moved=0.01, rows=6000)
    write_result_of(made / "plan-1.toml", made / "earlier")
    write_result_of(made / "plan-2.toml", made / "later")
    return made


@pytest.mark.parametrize("paired", [True, False])
def test_the_page_of_a_comparison_takes_both_results(
    compared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paired: bool
) -> None:
    shutil.copytree(compared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    if paired:
        shutil.copy("plan-2.toml", "later/plan.toml")
        for part in tmp_path.glob("*.csv"):
            shutil.copy(part, "later")
    else:
        for part in (*tmp_path.glob("plan-*.toml"), *tmp_path.glob("*.csv")):
            part.unlink()
    shutil.move("earlier", "later")
    monkeypatch.chdir(tmp_path / "later")
    plan = ("--plan", "plan.toml") if paired else ()
    assert call("compare", "earlier/result.json", "result.json", *plan, "--out", "first.html") == 1
    first = Path("first.html").read_bytes()
    assert "audit7k report" not in first.decode()
    assert ("compared one by one" in first.decode()) == paired
    arguments = shlex.split(printed(first.decode()))[1:]
    assert call(*arguments) == 1
    assert Path("report.html").read_bytes() == first


def test_a_pdf_says_how_to_make_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not printed here, which takes long: `test_report_pdf.py` sees that the PDF of a page is the same each time."""
    require_pdf()
    from audit.result.file import load_result
    from reports.html import render_page
    from reports.html.page_command import Origin
    from reports.languages import language

    page = render_page(load_result(folder / "result.json"), language("fr"), Origin(form="pdf"))
    shown = printed(page)
    assert shown == "audit7k report result.json --restricted --format pdf --lang fr"
    monkeypatch.setattr("reports.pdf.paper.pdf_of", lambda page, *_: page.encode())
    monkeypatch.chdir(folder)
    assert call(*shlex.split(shown)[1:]) == 0
    (made,) = folder.glob("*.pdf")
    assert made.read_bytes() == page.encode()
    made.unlink()


def test_what_a_page_says_of_itself_stands_under_its_check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert call("report", "result.json", "--restricted", "--lang", "en", "--out", "page.html") == 0
    shown = text(part_of((folder / "page.html").read_text(encoding="utf-8"), "check"))
    assert "The bytes must be the same: audit7k report result.json --restricted --format html --lang en" in shown
    (folder / "page.html").unlink()
