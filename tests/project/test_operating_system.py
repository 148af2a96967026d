"""What a system lacks is left out, and nothing else: an imitation of Windows runs audits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from made.published import PLAN, write_set

from audit import operating_system
from audit.storage import bytes_of_result, sync_folder, write_durably

ROOT = Path(__file__).resolve().parents[2]
IMITATION = ROOT / "tests" / "made" / "without_posix.py"


def without_posix(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", str(IMITATION), *arguments]
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    shown = os.environ | {"TMPDIR": str(temporary)}
    return subprocess.run(command, cwd=folder, env=shown, capture_output=True, text=True, check=False, timeout=240)


def test_no_other_module_asks_the_system() -> None:
    """Namespaces of Linux have a file of their own; the plugin of pytest imports nothing of `audit` before a test."""
    asks = re.compile(r"^\s*(?:import|from) (?:fcntl|resource|pwd)\b|os\.killpg\(|os\.getuid\(", re.MULTILINE)
    found = {
        path.relative_to(ROOT).as_posix()
        for package in ("audit", "reports", "audit7k", "audit7k_pytest")
        for path in (ROOT / package).rglob("*.py")
        if asks.search(path.read_text(encoding="utf-8"))
    }
    ours = {"audit/operating_system.py", "audit/detectors/isolation/confinement.py", "audit7k_pytest/shared_folder.py"}
    assert found == ours


def test_a_lock_keeps_another_out_until_it_is_closed(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    held = operating_system.lock_folder(tmp_path)
    assert held is not None
    with pytest.raises(BlockingIOError):
        operating_system.lock_folder(tmp_path)
    os.close(held)
    again = operating_system.lock_folder(tmp_path)
    assert again is not None
    os.close(again)


@pytest.mark.skipif(not operating_system.POSIX, reason="permissions of POSIX")
def test_permissions_are_read_where_they_hold_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").touch(0o600)
    own = (tmp_path / "key").stat()
    (tmp_path / "key").chmod(0o640)
    open_to_group = (tmp_path / "key").stat()
    fields = list(own)
    fields[4] = own.st_uid + 1
    of_others = os.stat_result(fields)
    for state, is_open, foreign in ((own, False, False), (open_to_group, True, False), (of_others, False, True)):
        assert operating_system.is_open_to_others(state) is is_open
        assert operating_system.is_of_others(state) is foreign
    assert not operating_system.is_open_to_others(open_to_group, 0o022)
    monkeypatch.setattr(operating_system, "POSIX", False)
    assert not operating_system.is_open_to_others(open_to_group)
    assert not operating_system.is_of_others(of_others)
    sync_folder(tmp_path / "not there")


@pytest.mark.parametrize("posix", [True, False])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_name_stands_for_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, posix: bool, elsewhere: bool
) -> None:
    """On this disk and on another, where no file can have a second name."""
    monkeypatch.setattr(operating_system, "POSIX", posix)
    disk = Path("/dev/shm") if elsewhere else tmp_path
    if not disk.is_dir() or (elsewhere and disk.stat().st_dev == tmp_path.stat().st_dev):
        pytest.skip("one disk alone")
    with tempfile.TemporaryDirectory(dir=disk) as folder:
        file, name = Path(folder) / "cases[1].csv", tmp_path / "plain"
        file.write_bytes(b"a\n1\n")
        operating_system.link(name, file)
        assert name.read_bytes() == b"a\n1\n"
        assert name.is_symlink() == posix


def test_a_limit_is_never_raised_above_the_present_one() -> None:
    pytest.importorskip("resource")
    code = """
import resource
from audit.operating_system import limit
limit("RLIMIT_NOFILE", 200)
limit("RLIMIT_NOFILE", 300)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240)
    assert done.stdout == "200 200\n"


def test_a_child_on_macos_asks_nothing_of_linux() -> None:
    """The library of the system has no such function there, no folder tells of processes, and limits may be refused."""
    code = """
import ctypes, resource, sys
from audit.detectors.isolation import confinement

def refuse(*asked):
    raise ValueError("current limit exceeds maximum limit")

ctypes.CDLL = lambda *_, **__: object()
resource.setrlimit = refuse
sys.platform = "darwin"
print(any(confinement.confine(1024, shut_in=True, readable=[], writable=[]).values()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=240)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_files_are_opened_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows changes line ends where O_BINARY is missing."""
    flags: list[int] = []
    opened = os.open

    def noted(path: str, wanted: int, *rest: int) -> int:
        flags.append(wanted)
        return opened(path, wanted & ~operating_system.BINARY, *rest)

    monkeypatch.setattr(operating_system, "BINARY", 1 << 27)
    monkeypatch.setattr(operating_system, "READ", operating_system.READ | 1 << 27)
    monkeypatch.setattr(os, "open", noted)
    monkeypatch.setattr(operating_system, "POSIX", False)
    write_durably(tmp_path / "a", b"1\n")
    assert bytes_of_result(tmp_path / "a", 9) == b"1\n"
    assert len(flags) == 2
    assert all(one & 1 << 27 for one in flags)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the imitation acts on Linux")
def test_every_module_is_imported_where_posix_is_missing(tmp_path: Path) -> None:
    done = without_posix("import", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 500


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the imitation acts on Linux")
def test_an_audit_runs_where_posix_is_missing_and_what_cannot_be_had_is_a_line(tmp_path: Path) -> None:
    folder = tmp_path / "audit[1]"
    folder.mkdir()
    answering = 'kind = "python"\nentry = "answering:score"\nfeatures = ["score"]'
    write_set(folder, PLAN.replace('kind = "predictions"\nscore = "score"', answering))
    program = "def score(batch):\n    return [float(score) for score in batch['score'].to_pylist()]\n"
    (folder / "answering.py").write_text(program)
    ran = without_posix("run", "audit[1]/plan.toml", "--out", "audit[1]/audit-out", folder=tmp_path)
    assert ran.returncode == 1, ran.stderr
    result = json.loads((folder / "audit-out" / "result.json").read_text(encoding="utf-8"))
    assert result["provenance"]["ran_in"]["kind"] == "in_process"
    assert not list((tmp_path / "temporary").iterdir())  # no copy of a case is left
    gated = without_posix("gate", "audit[1]/audit-out", "--inputs-elsewhere", folder=tmp_path)
    assert gated.returncode == 1, gated.stderr
    assert (folder / "audit-out" / "restricted" / "key").stat().st_mode & 0o777 == 0o666  # it did act
    shut_in = without_posix("run", "audit[1]/plan.toml", "--sandbox", "strict", "--out", "out", folder=tmp_path)
    assert shut_in.returncode == 4
    assert shut_in.stderr.startswith("error: a detector can only be shut in on Linux, macOS")
    assert shut_in.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
