"""The tutorial, followed to the letter: every command in it, in its order, as a reader would type it.

Its first is `audit7k demo`: from nothing to a verdict, in another folder, through the code path of any audit.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from made.warm_command import warm_command

from audit.errors import ExitCode
from audit.result.file import load_result

ROOT = Path(__file__).resolve().parents[2]

COMMANDS = [
    line
    for block in re.findall(r"```console\n(.*?)```", (ROOT / "docs" / "tutorial.md").read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
]

EXPECTED = {
    "audit7k demo": 0,
    "audit7k check plan.toml": 0,
    "audit7k run plan.toml": 1,
    "audit7k gate audit-out": 1,
    "audit7k init cases.csv": 0,
}

CASES = "case_id,exploited,risk,sex,citizenship\n" + "".join(
    f"c{number},{number % 2},0.{number % 10},{'FM'[number % 3 > 0]},{('VNM', 'NGA', 'ROU')[number % 3]}\n"
    for number in range(60)
)


def type_in(audit7k: list[str], command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [*audit7k, *shlex.split(command)[1:]]
    return subprocess.run(
        words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=240
    )


class Followed:
    """What a reader has seen who came to the end."""

    def __init__(self, folder: Path, audit7k: list[str]) -> None:
        self.folder = folder
        self.shown: dict[str, subprocess.CompletedProcess[str]] = {}
        for command in COMMANDS:
            if command.startswith("cd "):
                folder = folder / command.removeprefix("cd ")
                continue
            if command.startswith("audit7k run"):
                _widen_a_margin(folder / "plan.toml")
            if command.startswith("audit7k init"):
                folder = self.folder
                (folder / "cases.csv").write_text(CASES, encoding="utf-8")
            self.shown[command] = type_in(audit7k, command, folder)
            if command == "audit7k demo":
                out = folder / "audit7k-demo" / "audit-out"
                self.outputs_of_demo = {path.relative_to(out).as_posix() for path in out.rglob("*")}
                self.rows_of_demo = load_result(out / "result.json").rows[0].read
                self.gate_of_demo = type_in(audit7k, "audit7k gate audit7k-demo/audit-out", folder)


def _widen_a_margin(plan: Path) -> None:
    text = plan.read_text(encoding="utf-8")
    wider = text.replace("margin = 0.10", "margin = 0.20", 1)
    assert wider != text
    plan.write_text(wider, encoding="utf-8")


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    with warm_command(tmp_path_factory.mktemp("warm")) as audit7k:
        return Followed(tmp_path_factory.mktemp("tutorial"), audit7k)


def test_the_commands_are_those_that_are_expected() -> None:
    assert [command for command in COMMANDS if not command.startswith("cd ")] == list(EXPECTED)


def test_a_reader_who_follows_the_tutorial_sees_what_it_says(followed: Followed) -> None:
    assert list(followed.shown) == list(EXPECTED)
    for command, done in followed.shown.items():
        assert done.returncode == EXPECTED[command], f"{command}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
    out = followed.folder / "audit7k-demo" / "audit-out"
    assert {"result.json", "public", "restricted"} <= {path.name for path in out.iterdir()}
    assert {"release.json", "groups.csv", "junit.xml"} <= {path.name for path in (out / "public").iterdir()}
    assert (followed.folder / "plan.toml").exists()


def test_the_demonstration_exits_0_and_says_what_gate_would_return(followed: Followed) -> None:
    done, gate = followed.shown["audit7k demo"], followed.gate_of_demo
    assert "error" not in done.stderr
    assert gate.returncode == ExitCode.FAIL
    assert f"audit7k gate {Path('audit7k-demo', 'audit-out')}  (would return {gate.returncode})" in done.stdout


def test_the_demonstration_finds_what_was_planted_and_fits_a_screen(followed: Followed) -> None:
    done = followed.shown["audit7k demo"]
    lines = done.stdout.splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("FOUND") for line in lines) == 3
    assert "NOT FOUND" not in done.stdout
    assert "Groups accused although nothing was planted in them: none" in done.stdout


def test_the_folder_of_the_demonstration_holds_the_outputs_of_any_audit(followed: Followed) -> None:
    made = followed.outputs_of_demo
    assert sorted(path for path in made if "/" not in path) == [
        ".gitignore", ".inputs.json", ".public-files", "predictions.parquet", "public", "restricted", "result.json",
        "scoring",
    ]  # fmt: skip
    assert {"public/groups.csv", "public/junit.xml", "public/release.json"} <= made
    assert followed.rows_of_demo == 20_000


def test_the_rules_that_the_tutorial_quotes_are_those_of_the_demonstration() -> None:
    (quoted,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "tutorial.md").read_text("utf-8"), re.DOTALL)
    plan = tomllib.loads((ROOT / "audit" / "worlds" / "demo" / "plan.toml").read_text(encoding="utf-8"))
    for shown, rule in zip(tomllib.loads(quoted)["rules"], plan["rules"], strict=True):
        assert shown.items() <= rule.items()
