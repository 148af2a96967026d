"""Progress goes to stderr: a bar on a terminal, ten lines at most elsewhere, nothing when quiet."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from audit.scoring.progress import BarProgress, LineProgress, NoProgress, Progress, progress_on_stderr


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
    run(LineProgress(stream), rows, batch)
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
        "heavy = {'rich', 'numpy', 'pandas', 'pyarrow', 'duckdb', 'ibis', 'pydantic', 'sklearn', 'skops'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
