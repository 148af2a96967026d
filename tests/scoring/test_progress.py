"""Progress goes to stderr: a bar on a terminal, ten lines at most elsewhere, nothing when quiet."""

from __future__ import annotations

import io
import itertools
import re
import subprocess
import sys
import threading
from functools import partial

import pytest

from audit.scoring.progress import BarProgress, LineProgress, NoProgress, Progress, duration_text, progress_on_stderr
from audit.stages import _Line, stage, stages_on


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(progress: Progress, rows: int, batch: int) -> None:
    progress.begin(rows)
    for start in range(0, rows, batch):
        progress.advance(min(batch, rows - start))
    progress.end()


def test_what_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(progress_on_stderr(stream=Terminal()), BarProgress)
    assert isinstance(progress_on_stderr(stream=io.StringIO()), LineProgress)
    assert isinstance(progress_on_stderr(quiet=True, stream=Terminal()), NoProgress)
    run(progress_on_stderr(), 10, 10)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "scored 100 % (10 of 10 rows)\n")


@pytest.mark.parametrize(
    ("rows", "batch", "expected"),
    [
        (1000, 100, [(10 * tenth, 100 * tenth) for tenth in range(1, 11)]),
        (1000, 1, [(10 * tenth, 100 * tenth) for tenth in range(1, 11)]),
        (1000, 350, [(30, 350), (70, 700), (100, 1000)]),
        (7, 3, [(40, 3), (80, 6), (100, 7)]),
        (3, 4096, [(100, 3)]),
    ],
)
def test_a_line_for_every_ten_per_cent(rows: int, batch: int, expected: list[tuple[int, int]]) -> None:
    stream = io.StringIO()
    run(LineProgress(stream, Clock()), rows, batch)
    assert stream.getvalue().splitlines() == [f"scored {share} % ({done} of {rows} rows)" for share, done in expected]


def test_the_bar_shows_the_rows_and_goes_away() -> None:
    stream = Terminal()
    progress = BarProgress(stream)
    progress.begin(50)
    progress.advance(20)
    progress.end()
    progress.end()
    drawn = stream.getvalue()
    assert "20/50" in drawn
    # the last thing written takes back the line of the bar
    assert drawn.rindex("\x1b[2K") > drawn.rindex("20/50")


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run(progress_on_stderr(quiet=True), 100, 10)
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, audit.scoring, audit.scoring.progress\n"
        "heavy = {'rich', 'pandas', 'duckdb', 'ibis', 'sklearn', 'skops'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def slow_run(seconds: float, rows: int, *, failed: int = 0, retries: int = 0) -> list[str]:
    """The lines of a run of so many seconds with a row in a batch, each as long as the others."""
    stream, clock = io.StringIO(), Clock()
    progress = LineProgress(stream, clock)
    progress.begin(rows)
    for _ in range(rows):
        clock.now += seconds / rows
        progress.advance(1, failed, retries)
    progress.end()
    return stream.getvalue().splitlines()


def test_a_line_tells_rate_time_left_failures_and_retries() -> None:
    lines = slow_run(20.0, 10, failed=1, retries=3)
    assert lines[0] == "scored 10 % (1 of 10 rows), 0.5 rows/s, about 18 s left, 1 row failed, 3 retries"
    assert lines[3] == "scored 40 % (4 of 10 rows), 0.5 rows/s, about 12 s left, 4 rows failed, 3 retries"
    assert lines[-1] == "scored 100 % (10 of 10 rows), 0.5 rows/s, 10 rows failed, 3 retries"
    assert slow_run(1.0, 4) == [f"scored {25 * n // 10 * 10} % ({n} of 4 rows)" for n in (1, 2, 3, 4)]
    assert slow_run(40.0, 40_000)[4].endswith("1,000 rows/s, about 20 s left")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (5_000, "83 min"), (12_000, "3 h 20 min"), (400_000, "111 h 7 min")],
)
def test_a_time_in_words(seconds: float, said: str) -> None:
    assert duration_text(seconds) == said


@pytest.mark.parametrize(("hours", "most"), [(0.5, 30), (12, 80), (168, 400)])
def test_lines_come_by_time_and_stay_few(hours: float, most: int) -> None:
    rows = 2000
    lines = slow_run(hours * 3600, rows)
    assert 12 < len(lines) <= most
    done = [0, *(int(line.split("(")[1].split(" of")[0]) for line in lines)]
    # no half hour without a line, but for the length of a row
    assert max(b - a for a, b in itertools.pairwise(done)) <= (1800 / (hours * 3600)) * rows + 1
    assert lines[-1].startswith("scored 100 % (2000 of 2000 rows)")


def test_a_line_comes_while_a_batch_is_being_answered() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = LineProgress(stream, clock)
    progress.begin(100)
    clock.now += 59
    assert progress.write_if_time() == pytest.approx(1.0)
    assert stream.getvalue() == ""
    clock.now += 1
    assert progress.write_if_time() == pytest.approx(60.0)
    assert stream.getvalue() == "scored 0 % (0 of 100 rows), 0 rows/s\n"
    progress.end()


def names_of_threads_since(before: set[threading.Thread]) -> list[str]:
    """Those of an earlier test may end at any time."""
    return [thread.name for thread in threading.enumerate() if thread not in before]


def test_the_watch_is_over_when_scoring_is() -> None:
    before = set(threading.enumerate())
    progress = LineProgress(io.StringIO())
    for _ in range(3):
        progress.begin(1)
        assert names_of_threads_since(before) == ["audit7k-progress"]
        progress.end()
        progress.end()
        assert names_of_threads_since(before) == []


def test_the_bar_tells_failures_and_retries() -> None:
    stream = Terminal()
    progress = BarProgress(stream)
    progress.begin(50)
    progress.advance(20, 2, 7)
    progress.end()
    assert "2 rows failed, 7 retries" in " ".join(stream.getvalue().split())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """By which stages are timed."""
    clock = Clock()
    monkeypatch.setattr("audit.stages._Line", partial(_Line, clock=clock))
    return clock


def test_stages_are_one_line_with_the_time_that_each_took(clock: Clock) -> None:
    stream, before = Terminal(), set(threading.enumerate())
    with stages_on(stream), stages_on(stream):
        stage("reading")
        stage("reading")
        assert names_of_threads_since(before) == ["audit7k-stages"]
        assert stream.getvalue().startswith("\x1b[Kreading 0.0 s …\r")
        clock.now += 0.6
        stage("scoring")
        bar = BarProgress(stream)
        bar.begin(5)
        bar.end()
        stage("counting")
    drawn = stream.getvalue().rpartition("\x1b[K")
    assert "reading 1 s · scoring 0 s · counting 0.0 s …\r" in drawn[0]
    assert drawn[2] == "reading 1 s\n"


@pytest.mark.usefixtures("clock")
def test_stages_go_away_with_an_error_and_are_nowhere_but_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()

    def fail() -> None:
        with stages_on(stream):
            stage("reading")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert re.fullmatch(r"(\x1b\[Kreading 0\.0 s …\r)+\x1b\[K", stream.getvalue())  # drawn again after half a second
    lines, dumb = io.StringIO(), Terminal()
    with stages_on(lines), stages_on(None):
        stage("reading")
    monkeypatch.setenv("TERM", "dumb")
    with stages_on(dumb):
        stage("reading")
    stage("scoring")
    assert lines.getvalue() + dumb.getvalue() == ""
