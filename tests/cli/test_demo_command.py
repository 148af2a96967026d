"""`audit7k demo`: from nothing to a verdict, in another folder, through the code path of any audit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from audit.errors import ExitCode
from audit.result.file import load_result

SCRIPT = Path(sys.executable).parent / "audit7k"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run([str(SCRIPT), "demo"], cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    return folder, done


def test_it_exits_0_and_says_what_gate_would_return(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = demo
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr
    command = [str(SCRIPT), "gate", "audit7k-demo/audit-out"]
    gate = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert gate.returncode == ExitCode.FAIL
    assert f"audit7k gate {Path('audit7k-demo', 'audit-out')}  (would return {gate.returncode})" in done.stdout


def test_it_finds_what_was_planted_and_fits_a_screen(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, done = demo
    lines = done.stdout.splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("FOUND") for line in lines) == 3
    assert "NOT FOUND" not in done.stdout
    assert "Groups accused although nothing was planted in them: none" in done.stdout


def test_its_folder_holds_the_outputs_of_any_audit(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out = demo[0] / "audit7k-demo" / "audit-out"
    assert sorted(path.name for path in out.iterdir()) == [
        ".public-files", "predictions.parquet", "public", "restricted", "result.json", "scoring",
    ]  # fmt: skip
    assert {"groups.csv", "junit.xml", "release.json"} <= {path.name for path in (out / "public").iterdir()}
    assert load_result(out / "result.json").rows[0].read == 20_000
