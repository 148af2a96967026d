"""The tutorial, followed to the letter: every command in it, in its order, as a reader would type it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AUDIT7K = Path(sys.executable).with_name("audit7k")

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


def type_in(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [str(AUDIT7K), *shlex.split(command)[1:]]
    return subprocess.run(
        words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=180
    )


def test_the_commands_are_those_that_are_expected() -> None:
    assert [command for command in COMMANDS if not command.startswith("cd ")] == list(EXPECTED)


def test_a_reader_who_follows_the_tutorial_sees_what_it_says(tmp_path: Path) -> None:
    folder = tmp_path
    for command in COMMANDS:
        if command.startswith("cd "):
            folder = folder / command.removeprefix("cd ")
            continue
        if command.startswith("audit7k run"):
            plan = (folder / "plan.toml").read_text(encoding="utf-8")
            wider = plan.replace("margin = 0.10", "margin = 0.20", 1)
            assert wider != plan
            (folder / "plan.toml").write_text(wider, encoding="utf-8")
        if command.startswith("audit7k init"):
            folder = tmp_path
            (folder / "cases.csv").write_text(CASES, encoding="utf-8")
        done = type_in(command, folder)
        assert done.returncode == EXPECTED[command], f"{command}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
    out = tmp_path / "audit7k-demo" / "audit-out"
    assert {"result.json", "public", "restricted"} <= {path.name for path in out.iterdir()}
    assert {"release.json", "groups.csv", "junit.xml"} <= {path.name for path in (out / "public").iterdir()}
    assert (tmp_path / "plan.toml").exists()


def test_the_rules_that_the_tutorial_quotes_are_those_of_the_demonstration() -> None:
    (quoted,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "tutorial.md").read_text("utf-8"), re.DOTALL)
    plan = tomllib.loads((ROOT / "audit" / "worlds" / "demo" / "plan.toml").read_text(encoding="utf-8"))
    for shown, rule in zip(tomllib.loads(quoted)["rules"], plan["rules"], strict=True):
        assert shown.items() <= rule.items()
