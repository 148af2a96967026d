"""`audit7k synthesise` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.worlds.strengths import WORLDS


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["synthesise", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_a_world_is_written_and_can_be_audited() -> None:
    code, out, err = invoke("triage", "--rows", "400", "--seed", "3", "--out", "made")
    assert (code, err) == (0, "")
    assert "400 synthetic referrals" in out
    assert "describe nobody" in out
    truth = json.loads(Path("made/truth.json").read_text(encoding="utf-8"))
    assert (truth["world"], truth["rows"], truth["seed"]) == ("triage", 400, 3)
    assert [one["finding"] for one in truth["planted"]] == [one.finding for one in WORLDS["triage"].findings]
    checked = CliRunner().invoke(app, ["check", "made/plan.toml"])
    assert checked.exit_code == 0, checked.stderr
    assert "400 read" in checked.stdout


def test_only_what_is_named_is_planted_in_its_size() -> None:
    code, out, _ = invoke("adverts", "--rows", "50", "--plant", "word-leak=0.5", "--plant", "group-gap")
    assert code == 0
    assert "group-gap         nationality PHL, size 0.12\n  word-leak         nationality MAR, size 0.5\n" in out
    truth = json.loads(Path("audit7k-adverts/truth.json").read_text(encoding="utf-8"))
    assert [(one["finding"], round(one["size"], 4)) for one in truth["planted"]] == [
        ("group-gap", 0.12),
        ("word-leak", 0.5),
    ]


def test_controls_only_plants_nothing() -> None:
    code, out, _ = invoke("transactions", "--rows", "50", "--controls-only", "--format", "parquet")
    assert code == 0
    assert "every group is a control" in out
    truth = json.loads(Path("audit7k-transactions/truth.json").read_text(encoding="utf-8"))
    assert truth["planted"] == []
    assert {abs(one["difference"]) for one in truth["controls"]} == {0.0}
    assert Path("audit7k-transactions/transactions.parquet").is_file()
    assert "Nothing is planted" in Path("audit7k-transactions/README.txt").read_text(encoding="utf-8")


def test_the_list_says_what_can_be_planted_and_writes_nothing() -> None:
    code, out, _ = invoke("--list")
    assert code == 0
    for world in WORLDS.values():
        assert f"\n{world.name}: " in f"\n{out}"
        assert out.count(f"{world.name}: ") == 1
    assert out.count("word-leak=0.8") == 1
    _, of_one, _ = invoke("triage", "--list")
    assert "adverts" not in of_one
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a world"),
        (["triage", "--plant", "nothing"], 'no finding "nothing"'),
        (["triage", "--plant", "group-gap=2"], "must be a number above 0"),
        (["triage", "--plant", "group-gap=0.9"], "cannot have the size 0.9"),
        (["triage", "--plant", "group-gap", "--controls-only"], "plants nothing"),
        (["triage", "--rows", "60000000"], "cannot be made"),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_nothing(arguments: list[str], words: str) -> None:
    code, out, err = invoke(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert words in err
    assert err.count("\n") == 1
    assert not list(Path().iterdir())


def test_a_folder_of_yours_is_left_alone() -> None:
    Path("mine").mkdir()
    Path("mine/cases.csv").write_text("id\n", encoding="utf-8")
    code, _, err = invoke("triage", "--rows", "50", "--out", "mine")
    assert code == 75
    assert "not empty" in err
    assert [path.name for path in Path("mine").iterdir()] == ["cases.csv"]
