"""`describe`: what is printed and written, what it refuses in one line, and that its page says what is."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path

import pytest
from made.descriptions import Blind
from scipy.stats import dlaplace
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.disclosure.description import describe
from audit.disclosure.description.document import DescribedCell, DescribedTable, SetDescription
from audit.errors import ExitCode

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "describe.md"
PLAN = """\
schema = 1
[audit]
title = "Screener"
owner = "Owner"
use = "victim-identification"
route = "services"
[detector]
kind = "python"
entry = "not_there:f"
features = ["not_there"]
threshold = 0.5
[evaluation_set]
path = "cases.csv"
id = "case"
label = "label"
label_source = "made for a test"
[groups.gender]
column = "sex"
map = { F = "woman", M = "man" }
[groups.nationality]
column = "nationality"
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
"""
LEDGER = Path("audit-out", "restricted", "dp-ledger.json")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [f"c{n},{n % 2},{'FM'[n % 3 == 0]},{('NGA', 'ITA', 'PHL')[n % 3]}" for n in range(600)]
    (tmp_path / "cases.csv").write_text("\n".join(["case,label,sex,nationality", *rows]) + "\n")
    (tmp_path / "plan.toml").write_text(PLAN)
    return tmp_path


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["describe", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_it_prints_markdown_and_writes_the_same_numbers(here: Path) -> None:
    code, out, err = invoke("plan.toml", "--epsilon", "1")
    assert code == 0
    assert err.startswith(f"note: a new ledger was made: {LEDGER}; keep that folder.")
    assert err.endswith("Description: description.json\n")
    assert "by a factor of at most 2.72." in out
    assert "Spent so far, this included: 1 of 3." in out
    described = SetDescription.model_validate_json((here / "description.json").read_bytes())
    printed = [int(row.replace(",", "")) for row in re.findall(r"^\|.*\| ([\d,]+) \|$", out, flags=re.MULTILINE)]
    assert printed == [cell.count for table in described.tables for cell in table.cells]
    assert stat.S_IMODE((here / LEDGER).stat().st_mode) == 0o600
    by_label = described.tables[0]
    assert by_label.error_95 == 12
    # 300 rows each; beyond 200 at scale 4 the chance is e**-50
    assert [abs(cell.noised - true) < 200 for cell, true in zip(by_label.cells, (300, 300, 0), strict=True)] == [
        True
    ] * 3
    code, out, err = invoke("plan.toml", "--epsilon", "0.5", "--only", "gender+label", "--out", "second.json")
    assert (code, err) == (0, "Description: second.json\n")
    assert "Spent so far, this included: 1.5 of 3. For all descriptions together the factor is at most 4.49." in out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--epsilon", "3.5"], 4, "epsilon 3.5 is more than is left: 0 of 3 was spent — ask for at most 3"),
        (["--epsilon", "0"], 2, "--epsilon 0: write a number from 0.001 to 10"),
        (["--epsilon", "nan"], 2, "--epsilon nan"),
        (["--epsilon", "inf"], 2, "--epsilon inf"),
        (["--epsilon", "-1"], 2, "--epsilon -1"),
        (["--epsilon", "0.0001"], 2, "--epsilon 0.0001"),
        (["--epsilon", "1", "--budget", "21"], 2, "--budget 21"),
        (["--epsilon", "1", "--only", "\x1b[31mage"], 4, 'this plan gives no table "?[31mage" — tables: label, gender'),
        (["--epsilon", "1", "--out", "plan.toml"], 2, "plan.toml is there already"),
        (["--epsilon", "1", "--out", "plan.toml", "--force"], 2, "plan.toml is a file that is read"),
        (["--epsilon", "1", "--out", "cases.csv", "--force"], 2, "cases.csv is a file that is read"),
        (["--epsilon", "1", "--out", "no/d.json"], 2, "no/d.json cannot be a file"),
        (["--epsilon", "1", "--rows-per-cluster", "3"], 4, "the plan names no cluster"),
    ],
)
def test_what_is_refused_is_one_line_and_costs_nothing(here: Path, arguments: list[str], code: int, told: str) -> None:
    ended, out, err = invoke("plan.toml", *arguments)
    assert (ended, out) == (code, "")
    assert err.startswith(f"error: {told}")
    assert err.count("\n") == 1
    assert not (here / LEDGER).exists()
    assert (here / "plan.toml").read_text() == PLAN


def test_without_the_extra_it_is_one_line(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "opendp"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opendp", None)
    code, out, err = invoke("plan.toml", "--epsilon", "1")
    assert (code, out) == (ExitCode.NOT_JUDGED, "")
    assert err == "error: a description needs the extra \"dp\" — pip install 'audit7k[dp]'\n"
    assert not (here / "audit-out").exists()


def test_the_command_tells_what_the_mechanism_gives_and_nothing_else(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describe, "OpenDP", Blind)
    monkeypatch.setattr(describe, "_made_on", lambda: "2026-11-26")
    told = []
    for rows in (["c1,1,F,NGA"], [f"c{n},0,M,ITA" for n in range(77)]):
        (here / "cases.csv").write_text("\n".join(["case,label,sex,nationality", *rows]) + "\n")
        _, out, err = invoke("plan.toml", "--epsilon", "1", "--force")
        ledger = json.loads((here / LEDGER).read_bytes())
        del ledger["entries"][0]["set_sha256"]
        (here / LEDGER).unlink()
        told.append((out, err, (here / "description.json").read_bytes(), ledger))
    assert told[0] == told[1]
    assert sorted(path.name for path in here.rglob("*") if path.is_file()) == [
        ".lock", "cases.csv", "description.json", "plan.toml",
    ]  # fmt: skip


def test_the_ledger_is_where_the_plan_keeps_its_key(here: Path) -> None:
    (here / "plan.toml").write_text(PLAN.replace("[[rules]]", '[disclosure]\nfolder = "kept"\n[[rules]]'))
    assert invoke("plan.toml", "--epsilon", "1", "--only", "label")[0] == 0
    assert (here / "kept" / "dp-ledger.json").exists()
    code, _, err = invoke("plan.toml", "--epsilon", "1", "--only", "label", "--out", "kept/d.json")
    assert (code, "restricted folder" in err) == (2, True)
    assert invoke("plan.toml", "--epsilon", "1", "--only", "label", "--restricted-folder", "o/r", "--force")[0] == 0
    assert (here / "o" / "r" / "dp-ledger.json").exists()


def test_the_commands_and_the_program_of_the_page_run(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = HOW_TO.read_text(encoding="utf-8")
    for command in re.findall(r"^audit7k describe (.*)$", page, flags=re.MULTILINE):
        assert invoke(*command.split())[0] == 0
    assert (here / "by-gender.json").exists()
    (line,) = re.findall(r"^error: .*$", page, flags=re.MULTILINE)
    for path in (here / LEDGER, here / "description.json"):
        path.unlink()
    assert invoke("plan.toml", "--epsilon", "1")[0] == 0
    assert invoke("plan.toml", "--epsilon", "2.5", "--force") == (4, "", f"{line}\n")
    (program,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    program = program.replace(
        'open("description.json", "rb").read()', '__import__("pathlib").Path("description.json").read_bytes()'
    )
    exec(compile(program, "describe.md", "exec"), {})
    assert capsys.readouterr().out.startswith("label 0.25 12 ")


def test_the_page_lists_every_field_and_states_the_errors() -> None:
    page = HOW_TO.read_text(encoding="utf-8")
    for name, model in (("the whole", SetDescription), ("a table", DescribedTable), ("a cell", DescribedCell)):
        (line,) = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
        assert re.findall(r"`(\w+)`", line.split("|")[2]) == list(model.model_fields)
    stated = re.findall(r"^\| ([\d.]+) \| (\d+) \|$", page, flags=re.MULTILINE)
    assert len(stated) == 4
    for epsilon, error in stated:
        noise = dlaplace(float(epsilon))
        assert 2 * noise.sf(int(error)) <= 0.05 < 2 * noise.sf(int(error) - 1)
