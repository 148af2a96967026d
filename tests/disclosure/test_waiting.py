"""A restricted folder that another command holds: who comes second waits, says so, and gives up at the end."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from made.changes import made_pair, write_result_of
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.errors import ExitCode, FolderInUseError
from audit.storage import PATIENCE, locked, patience
from audit.verdicts.changes.record import ACCEPTED

HOLD = """
import fcntl, os, sys, time
lock = os.open(sys.argv[1] + "/.lock", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def held_by_another(folder: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process that holds the folder so long; it does when this returns."""
    folder.mkdir(mode=0o700, exist_ok=True)
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(folder), str(seconds)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets, and the result of the first."""
    folder = tmp_path_factory.mktemp("pair")
    made_pair(folder, rows=600)
    write_result_of(folder / "plan-1.toml", folder / "one")
    return folder


@pytest.fixture
def here(pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(pair, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


GATE = ("gate", "plan-2.toml", "--baseline", "one", "--restricted-folder", "kept", "--quiet")


def test_the_second_of_two_gates_waits_says_so_and_ends_with_its_verdict(here: Path) -> None:
    alone = CliRunner().invoke(app, [*GATE[:-2], "elsewhere", "--quiet"])
    with held_by_another(here / "kept", 8.0):
        done = CliRunner().invoke(app, GATE)
    assert done.exit_code == alone.exit_code
    assert done.exit_code in (0, 1, 3)
    assert done.stdout == ""
    assert done.stderr == "note: waiting until another command has ended that uses kept, 600 seconds at most\n"
    assert (here / "kept" / ACCEPTED).exists()


def test_a_short_wait_is_not_worth_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with held_by_another(tmp_path, 0.5), locked(tmp_path):
        pass
    assert capfd.readouterr() == ("", "")


def test_who_waits_in_vain_ends_with_73_and_one_line(here: Path) -> None:
    with held_by_another(here / "kept", 60.0) as other:
        try:
            with patience(0.3):
                done = CliRunner().invoke(app, GATE)
        finally:
            other.kill()
    assert done.exit_code == ExitCode.FOLDER_IN_USE
    assert done.stderr == (
        "error: kept is in use by another command, and was for 0.3 seconds — wait until it has ended\n"
    )
    assert not (here / "kept" / ACCEPTED).exists()


def test_of_many_that_wait_each_has_the_folder_alone(tmp_path: Path) -> None:
    inside, most = [0], [0]

    def work() -> None:
        with locked(tmp_path):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.02)
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, inside) == ([1], [0])


def test_patience_is_of_its_context_alone_and_bounded(tmp_path: Path) -> None:
    assert 60 <= PATIENCE <= 900
    with locked(tmp_path), patience(0), pytest.raises(FolderInUseError), locked(tmp_path):
        pass
    with locked(tmp_path), patience(60), patience(0), pytest.raises(FolderInUseError), locked(tmp_path):
        pass
