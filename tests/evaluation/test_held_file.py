"""One process at a time, with locks of the system and without: who waits gets it, or an error after a while."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from audit.storage import held, may_be_left

COUNTS = """
import sys, time
if sys.argv[2] == "without":
    sys.modules["fcntl"] = None
from pathlib import Path
from audit.storage import held
place = Path(sys.argv[1])
for _ in range(5):
    with held(place / "lock", patience=120.0):
        count = int((place / "count").read_text())
        time.sleep(0.01)
        (place / "count").write_text(str(count + 1))
"""


@pytest.fixture(params=["with", "without"])
def locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether the system has locks that end with their process."""
    if request.param == "without":
        monkeypatch.setitem(sys.modules, "fcntl", None)
    else:
        pytest.importorskip("fcntl")
    return str(request.param)


def test_processes_that_count_in_turn_lose_no_count(tmp_path: Path, locks: str) -> None:
    (tmp_path / "count").write_text("0", encoding="utf-8")
    command = [sys.executable, "-c", COUNTS, str(tmp_path), locks]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [one.wait(240) for one in running] == [0, 0, 0]
    assert (tmp_path / "count").read_text(encoding="utf-8") == "15"


@pytest.mark.usefixtures("locks")
def test_whoever_comes_second_is_told_or_waits(tmp_path: Path) -> None:
    place = tmp_path / "lock"
    with held(place):
        with pytest.raises(BlockingIOError), held(place):
            pass
        with pytest.raises(BlockingIOError), held(place, patience=0.1):
            pass
        came = threading.Event()

        def wait() -> None:
            with held(place, patience=120.0):
                came.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not came.wait(0.2)
    waiting.join(120)
    assert came.is_set()
    assert not (tmp_path / "lock.held").exists()


def test_what_a_killed_process_left_is_waited_for_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    place = tmp_path / "lock"
    assert may_be_left(place) == ""
    (tmp_path / "lock.held").touch()
    begun = time.monotonic()
    with pytest.raises(BlockingIOError), held(place, patience=30.0, most=0.2):
        pass
    assert 0.2 <= time.monotonic() - begun < 25
    assert may_be_left(place) == "; if it was killed, remove lock.held"
    (tmp_path / "lock.held").unlink()
    with held(place):
        assert (tmp_path / "lock.held").stat().st_mode & 0o777 == 0o600
