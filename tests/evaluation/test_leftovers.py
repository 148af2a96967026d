"""What a killed run leaves in the folder for temporary files is removed by the next one, and nothing else is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from audit.engines.private_folder import PrivateFolder, remove

pytest.importorskip("fcntl")

HOLDS_ONE = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from audit.engines.private_folder import PrivateFolder
from audit.engines.private_folder import remove
private = PrivateFolder()
(private.path / "places-0.arrow").write_text("ids")
print(private.path, flush=True)
sys.stdin.read()
"""

LOOKS = """
import os, sys, tempfile
class Look:
    def find_spec(self, name, *rest):
        if name == "duckdb":
            print(os.listdir(tempfile.gettempdir()), flush=True)
            os.abort()
sys.meta_path.insert(0, Look())
from audit.engines.duckdb import DuckDBEngine
DuckDBEngine()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_folder_of_a_killed_run_goes_and_that_of_a_living_one_stays(temporary: Path) -> None:
    command = [sys.executable, "-c", HOLDS_ONE, str(temporary)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            left = Path(run.stdout.readline().strip())
            with PrivateFolder() as private:
                assert (left / "places-0.arrow").is_file()
                assert private.is_dir()
        finally:
            run.kill()
    assert (left / "places-0.arrow").is_file()
    with PrivateFolder() as private:
        assert not left.exists()
        assert private.stat().st_mode & 0o777 == 0o700
    assert not list(temporary.iterdir())


def test_what_was_left_without_its_lock_goes_after_a_week(temporary: Path) -> None:
    ours = "audit7k-private-"
    ages = {f"{ours}empty": 8, f"{ours}full": 8, f"{ours}new": 6, f"{ours}at-work": 8, "audit7k-demo": 8}
    for name in ages:
        (temporary / name).mkdir(mode=0o700)
    for name in (f"{ours}full", f"{ours}at-work"):
        (temporary / name / "__answers__.parquet").write_text("ids")
    for name, days in ages.items():
        then = time.time() - days * 24 * 3600
        if name == f"{ours}full":
            os.utime(temporary / name / "__answers__.parquet", (then, then))
        os.utime(temporary / name, (then, then))
    with PrivateFolder():
        pass
    assert sorted(path.name for path in temporary.iterdir()) == ["audit7k-demo", f"{ours}at-work", f"{ours}new"]


def test_the_lock_of_a_folder_is_the_last_to_go(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that of a run that is killed while it tidies up nothing is left for ever."""
    private = PrivateFolder()
    held = private.path
    for name in ("a", "z"):
        (private.path / name).write_text("ids")
    (private.path / "tables").mkdir()
    seen: list[list[str]] = []
    whole = shutil.rmtree

    def noticed(path: Path, ignore_errors: bool = False) -> None:
        seen.append(sorted(entry.name for entry in private.path.iterdir()))
        whole(path, ignore_errors)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", noticed)
        remove(held)
    assert seen[-1] == [".in-use"]
    private.remove()
    assert not list(temporary.iterdir())


def test_what_may_be_anybody_s_stays(temporary: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere", numbered=True)
    (elsewhere / ".in-use").touch()
    (temporary / "audit7k-link").symlink_to(elsewhere)
    for name, mode in (("audit7k-open", 0o755), ("audit7k-unlocked", 0o700), ("other", 0o700)):
        (temporary / name).mkdir(mode=mode)
        if name != "audit7k-unlocked":
            (temporary / name / ".in-use").touch()
    before = sorted(temporary.rglob("*"))
    with PrivateFolder():
        pass
    assert sorted(temporary.rglob("*")) == before
    assert (elsewhere / ".in-use").is_file()


def test_a_process_that_ends_while_duckdb_is_loaded_leaves_nothing(tmp_path: Path) -> None:
    """DuckDB turns an interrupt of its import into an abort."""
    around = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", LOOKS], env=around, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_a_folder_goes_however_deep_it_is_and_whatever_its_folders_allow(temporary: Path) -> None:
    with PrivateFolder() as folder:
        beside = temporary / "beside"
        beside.write_text("stays", encoding="utf-8")
        (folder / "link").symlink_to(beside)
        handle = os.open(folder, os.O_RDONLY)
        for _ in range(1500):
            os.mkdir("deeper", dir_fd=handle)
            inside = os.open("deeper", os.O_RDONLY, dir_fd=handle)
            os.fchmod(inside, 0)
            os.close(handle)
            handle = inside
        os.close(handle)
    assert list(temporary.iterdir()) == [beside]
