"""The pages about portals and figures: their programs run, and what they list is what there is."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from made.portal import LOGO, made_release, put
from pydantic import BaseModel

from audit.cli.outputs.portals import read_publisher
from audit.plan.audit_plan import AuditSection
from audit.public.release import PublicRate
from audit.public.site import IndexAudit, IndexGap, IndexRule, IndexSystem, PublicSite

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def block(page: str, language: str) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", (HOW_TO / page).read_text(encoding="utf-8"), flags=re.DOTALL)[0])


def test_the_program_that_reads_an_index_runs(
    pages: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.json").write_bytes(pages["index.json"])
    program = block("portal.md", "python").replace(
        'open("site/index.json", "rb").read()', '__import__("pathlib").Path("site/index.json").read_bytes()'
    )
    exec(compile(program, "portal.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()[0]
    assert said.startswith("Ministry of Labour Hotline triage 1 fail 2026-06-20 ('nationality:country=NPL', 0.")


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("a system", IndexSystem),
        ("an audit", IndexAudit),
        ("a rule", IndexRule),
        ("`everyone`", PublicRate),
        ("`furthest`", IndexGap),
    ],
)
def test_the_page_lists_every_field_of_the_index(name: str, model: type[BaseModel]) -> None:
    (line,) = [line for line in (HOW_TO / "portal.md").read_text().splitlines() if line.startswith(f"| {name} |")]
    assert re.findall(r"`(\w+)`", line.split("|")[2]) == list(model.model_fields)


def test_the_page_names_the_pages_that_there_are(pages: dict[str, bytes], english: PublicSite) -> None:
    text = (HOW_TO / "portal.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z-]+[./]\w*)", text, flags=re.MULTILINE))
    assert listed == {
        "index.html",
        "by-operator.html",
        "by-use.html",
        "systems/",
        "operators/",
        "feed.xml",
        "index.json",
    }
    assert all(any(name.startswith(each) for name in pages) for each in listed)
    assert english.audits


def test_the_files_of_the_page_are_taken(tmp_path: Path) -> None:
    about, plan = re.findall(r"```toml\n(.*?)```", (HOW_TO / "portal.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    section = tomllib.loads(plan)["audit"]
    made = AuditSection.model_validate({**section, "owner": "O", "use": "moderation", "route": "services"})
    assert made.system == "Recruitment-advert screener"
    (tmp_path / "us.toml").write_text(about, encoding="utf-8")
    (tmp_path / "crest.svg").write_text(LOGO, encoding="utf-8")
    publisher, files = read_publisher(tmp_path / "us.toml")
    assert (publisher.name, list(files)) == ("Ministry of Labour", ["logo.svg"])


def test_the_program_that_draws_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(put(tmp_path / "out", made_release("fail"), None), "release.json")
    page = (HOW_TO / "report.md").read_text(encoding="utf-8")
    program = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)[-1]
    exec(compile(program, "report.md", "exec"), {})
    assert b"<svg" in (tmp_path / "figure-1.svg").read_bytes()
