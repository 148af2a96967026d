"""A run that is broken off goes on where it stopped, and comes to the same bytes; no other is ever mixed into it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from made.runs import CANARY, Made, made_run

from audit.detectors.answers import CheckedAnswers
from audit.errors import FolderInUseError, ResumeError, RunInterruptedError, StorageError
from audit.operating_system import lock_folder
from audit.scoring import checkpoint
from audit.scoring.checkpoint import Checkpoint
from audit.scoring.parts import read_parts, write_part

BATCHES = 10


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return made_run(tmp_path / "run")


def break_off(made: Made, after: int) -> None:
    """Run until so many batches are scored, and then stop."""
    module = made.folder / "own_detector.py"
    text = module.read_text()
    called = f"len(pathlib.Path(calls.name).read_text().splitlines()) == {after + made.calls}"
    stop = f"\n    import os, signal\n    if {called}:\n"
    breaking = text.replace("\n    return", stop + f"        os.kill({os.getpid()}, signal.SIGINT)\n    return")
    # the digest of the module is part of the run, so that it is the same when it goes on
    module.write_text(breaking)
    with pytest.raises(RunInterruptedError, match=rf"interrupted: {40 * after} of 400 rows are scored and kept"):
        made.run()


def test_a_run_in_one_piece_leaves_its_answers_and_scores_nothing_twice(made: Made) -> None:
    first = made.run()
    assert made.calls == BATCHES
    assert sorted(path.name for path in made.kept.iterdir()) == ["complete.json", "parts", "run.json"]
    # a digest of a module does not cover what it imports, so that one batch is asked again
    assert made.run() == first
    assert made.calls == BATCHES + 1


@pytest.mark.parametrize("after", [1, 5, 9])
def test_a_run_that_was_told_to_stop_goes_on_where_it_stopped(made: Made, tmp_path: Path, after: int) -> None:
    whole = made_run(tmp_path / "whole").run()
    break_off(made, after)
    assert made.calls == after
    assert not (made.kept / "complete.json").exists()
    assert made.run() == whole
    assert made.calls == BATCHES + 1


def test_nothing_of_a_case_is_in_what_is_kept(made: Made) -> None:
    made.run()
    for path in made.kept.rglob("*"):
        assert path.is_dir() or (CANARY.encode() not in path.read_bytes() and b"case-0" not in path.read_bytes())
        assert path.stat().st_mode & 0o077 == 0


def changed_plan(made: Made) -> str:
    made.plan.write_text(made.plan.read_text().replace("margin = 0.1", "margin = 0.2"))
    return "the plan changed"


def changed_batches(made: Made) -> str:
    made.plan.write_text(made.plan.read_text().replace("batch_size = 40", "batch_size = 50"))
    return "what the plan says of set and detector changed"


def changed_set(made: Made) -> str:
    (made.folder / "set.parquet").write_bytes(
        (made_run(made.folder / "other", 399).folder / "set.parquet").read_bytes()
    )
    return "the evaluation set, the number of rows changed"


def changed_detector(made: Made) -> str:
    module = made.folder / "own_detector.py"
    module.write_text(module.read_text() + "# another\n")
    return "the detector changed"


@pytest.mark.parametrize("change", [changed_plan, changed_batches, changed_set, changed_detector])
def test_an_unfinished_run_of_something_else_is_refused_until_it_is_thrown_away(made: Made, change: object) -> None:
    break_off(made, 4)
    before = {path.name: path.read_bytes() for path in (made.kept / "parts").iterdir()}
    assert callable(change)
    words = change(made)
    with pytest.raises(ResumeError, match=words) as refused:
        made.run()
    assert refused.value.exit_code == 74
    assert {path.name: path.read_bytes() for path in (made.kept / "parts").iterdir()} == before
    calls = made.calls
    made.run(fresh=True)
    assert made.calls > calls + 7
    assert (made.kept / "complete.json").exists()


def test_of_a_finished_run_answers_serve_a_plan_with_other_limits_and_no_other_detector(made: Made) -> None:
    made.run()
    changed_plan(made)
    made.run()
    assert made.calls == BATCHES + 1
    changed_detector(made)
    made.run()
    assert made.calls == 2 * BATCHES + 1


def with_weights(made: Made, factor: int) -> None:
    """Let the detector read a number from a file, which no digest covers."""
    (made.folder / "weights.txt").write_text(str(factor))
    module = made.folder / "own_detector.py"
    read = 'int(pathlib.Path(__file__).with_name("weights.txt").read_text())'
    module.write_text(module.read_text().replace("37 *", f"{read} *"))


def test_a_detector_that_answers_otherwise_is_another_one_whatever_its_digest_says(made: Made) -> None:
    with_weights(made, 37)
    first = made.run()
    (made.folder / "weights.txt").write_text("53")
    second = made.run()
    assert second[0] != first[0]
    assert made.calls == BATCHES + 2 + BATCHES


def test_two_detectors_are_never_mixed_in_one_run(made: Made) -> None:
    with_weights(made, 37)
    break_off(made, 4)
    (made.folder / "weights.txt").write_text("53")
    with pytest.raises(ResumeError, match="answers otherwise than when the unfinished run"):
        made.run()
    (made.folder / "weights.txt").write_text("37")
    made.run()


def test_a_detector_that_never_answers_twice_alike_is_taken_at_its_word(made: Made) -> None:
    module = made.folder / "own_detector.py"
    module.write_text(module.read_text().replace("/ 101 for", "/ 101 * __import__('random').random() for"))
    break_off(made, 4)
    made.run()
    assert made.calls == BATCHES + 2


def test_a_row_that_failed_once_makes_no_other_detector(made: Made) -> None:
    """No score is a number as long as a file is there."""
    module = made.folder / "own_detector.py"
    broken = "answers = [None if pathlib.Path(__file__).with_name('broken').exists() else one for one in answers]\n"
    text = module.read_text().replace("    return [", "    answers = [")
    module.write_text(text + "    " + broken.replace("None if", "'x' if") + "    return answers\n")
    (made.folder / "broken").touch()
    break_off(made, 3)
    (made.folder / "broken").unlink()
    made.run()
    # of what was kept no row said anything, so that there is nothing to hold the detector to
    assert made.calls == BATCHES


def test_a_second_run_into_the_same_folder_is_refused(made: Made) -> None:
    with Checkpoint(made.kept), pytest.raises(FolderInUseError) as refused:
        made.run()
    assert refused.value.exit_code == 73
    made.run()


@pytest.mark.parametrize("ending", ["arrow", "json"])
def test_a_damaged_part_is_scored_again_and_no_other(made: Made, ending: str) -> None:
    """Five parts, each damaged in a way of its own: flipped, cut, emptied, nonsense, deleted."""
    first = made.run()
    paths = [made.kept / "parts" / f"{number:06}.{ending}" for number in (0, 3, 5, 7, 9)]
    flipped, cut = (bytearray(path.read_bytes()) for path in paths[:2])
    flipped[len(flipped) // 2] ^= 4
    for path, damaged in zip(paths, (bytes(flipped), bytes(cut[:-9]), b"", b'{"run": [1]}'), strict=False):
        path.write_bytes(damaged)
    paths[-1].unlink()
    calls = made.calls
    assert made.run() == first
    assert made.calls == calls + 5 + 1


def test_every_bit_of_a_part_counts(made: Made) -> None:
    first = made.run()
    path = made.kept / "parts" / "000004.arrow"
    content = path.read_bytes()
    dice = random.Random(4)
    for _ in range(6):
        bit = dice.randrange(8 * len(content))
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert made.run() == first
        assert path.read_bytes() == content


def test_what_somebody_else_put_there_stays(made: Made) -> None:
    (made.kept / "parts").mkdir(parents=True)
    for name in ("notes.txt", "12.json", "my.arrow"):
        (made.kept / "parts" / name).write_text("the user's own")
    made.run()
    made.run(fresh=True)
    assert {path.read_text() for path in (made.kept / "parts").iterdir() if not path.name.startswith("0")} == {
        "the user's own"
    }


def test_a_part_holds_so_many_rows_and_no_more_however_fast_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "MOST_WAITING", 100)
    made = made_run(tmp_path / "made")
    made.run(commit_every=1e9)
    parts = sorted((made.kept / "parts").glob("*.json"))
    assert [json.loads(part.read_bytes())["rows"] for part in parts] == [120, 120, 120, 40]
    assert made.calls == BATCHES


def test_parts_are_believed_in_the_order_of_their_batches(tmp_path: Path) -> None:
    """The millionth batch has a longer name, which letters would put before the others."""
    answers = CheckedAnswers(np.array([0.5]), np.zeros(1, dtype=np.int8), np.full(1, -1, dtype=np.int8))
    for first in (0, 999_999, 1_000_000):
        write_part(tmp_path, "run", first, [answers], ("then", "now"))
    assert list(read_parts(tmp_path, "run")) == [0, 999_999, 1_000_000]


@pytest.mark.parametrize("name", ["run.json", "complete.json"])
def test_a_damaged_record_of_the_run_costs_no_answers(made: Made, name: str) -> None:
    first = made.run()
    for bit in (40, 300):
        content = bytearray((made.kept / name).read_bytes())
        content[bit // 8] ^= 1
        (made.kept / name).write_bytes(content)
        calls = made.calls
        assert made.run() == first
        assert made.calls == calls + 1


def test_of_a_run_that_kept_nothing_nothing_is_left(made: Made) -> None:
    (made.folder / "own_detector.py").write_text("def score(batch):\n    raise ValueError\n")
    with pytest.raises(Exception, match="raised ValueError"):
        made.run()
    assert not made.kept.exists()


class Faults:
    """Lets one call fail: the n-th of those that bring something to the disk."""

    CALLS = ("open", "write", "fsync", "replace")

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.count, self.fails_at, self._folder = 0, -1, folder
        for name in self.CALLS:
            monkeypatch.setattr(f"audit.storage.os.{name}", self._faulty(getattr(os, name)))

    def _faulty(self, call: object) -> object:
        def faulty(*arguments: object, **more: object) -> object:
            assert callable(call)
            if not sys._getframe(1).f_globals["__name__"].startswith("audit.storage"):
                return call(*arguments, **more)
            self.count += 1
            if self.count == self.fails_at:
                raise OSError(28, os.strerror(28))
            return call(*arguments, **more)

        return faulty


def test_every_write_sync_and_rename_can_fail_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two batches: the part of the first is written where there is none, that of the second beside another.

    Many failures leave the same files, with which a run goes on once.
    """
    whole = made_run(tmp_path / "whole", 80)
    faults = Faults(monkeypatch, tmp_path)
    expected = whole.run()
    calls = faults.count
    assert calls > 30
    went_on: set[frozenset[tuple[str, bytes]]] = set()
    for fails_at in range(1, calls + 1):
        made = made_run(tmp_path / f"run{fails_at}", 80)
        faults.count, faults.fails_at = 0, fails_at
        said = r"No space left on device\); [\d,]+ rows are kept|predictions\.parquet could .*No space left on device"
        with pytest.raises(StorageError, match=said) as failed:
            made.run()
        assert failed.value.exit_code == 75
        assert not list(made.folder.rglob("*.partial"))
        faults.fails_at = -1
        if made.kept.exists() and (handle := lock_folder(made.kept)) is not None:
            os.close(handle)  # what failed holds it no longer
        if (left := left_by(made)) not in went_on:
            went_on.add(left)
            assert made.run() == expected
    assert len(went_on) > 4


def left_by(made: Made) -> frozenset[tuple[str, bytes]]:
    """Every file, without the times at which parts were kept, and without the seals over them."""
    times = re.compile(rb'"(kept|started|seal)": "[^"]*"')
    files = (path for path in made.folder.rglob("*") if path.is_file())
    return frozenset((str(path.relative_to(made.folder)), times.sub(b"", path.read_bytes())) for path in files)


def test_killed_at_any_moment_it_comes_to_the_same_bytes(tmp_path: Path) -> None:
    """3 kills; `make soak` does 200. A kill that leaves no part, or all of them, would show nothing."""
    whole = made_run(tmp_path / "whole", pause=0.02)
    expected = whole.run()
    dice = random.Random(20)
    kills = int(os.environ.get("AUDIT7K_KILLS", "3"))
    done, in_between = 0, 0
    with starter(tmp_path / "first") as start:
        while done < kills or (in_between == 0 and done < 10 * kills):  # on a busy machine a kill may come too late
            made = made_run(tmp_path / f"run{done}", pause=0.02)
            left = killed_until_done(made, start, dice, max(1, kills - done))
            done += len(left)
            in_between += sum(0 < parts < BATCHES for parts in left)
            assert made.run() == expected
            assert not list(made.kept.rglob("*.partial"))
    assert in_between > 0


FORKS = """
import os, sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from made.runs import Made, made_run
made_run(Path(sys.argv[3]), 40).run()
for line in sys.stdin:
    if not (child := os.fork()):
        Made(Path(line[:-1])).run()
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


@contextlib.contextmanager
def starter(folder: Path) -> Iterator[Callable[[Made], Started]]:
    """Start runs, each in a process of its own. They come from one that has run something, so that they are killed in
    their work and not while they load what they need.
    """
    here = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2]), str(folder)]
    forks = subprocess.Popen(
        [sys.executable, "-c", FORKS, *here], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with forks:
        assert forks.stdin is not None
        assert forks.stdout is not None
        asked, said = forks.stdin, forks.stdout

        def start(made: Made) -> Started:
            print(made.folder, file=asked, flush=True)
            return Started(int(said.readline()), said)

        yield start
    assert forks.returncode == 0


@dataclass(frozen=True)
class Started:
    """A process that runs."""

    pid: int
    said: IO[str]

    def goes_on(self) -> bool:
        """Whether it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return True
        return False

    def kill(self) -> None:
        """Kill it where it is, and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        assert self.said.readline() == "ended\n"


def killed_until_done(made: Made, start: Callable[[Made], Started], dice: random.Random, most: int) -> list[int]:
    """Start the run and kill it, again and again; returns how many parts were there after each kill."""
    left: list[int] = []
    for _ in range(most):
        running = start(made)
        wanted = made.calls + dice.randrange(BATCHES)
        while made.calls < wanted and running.goes_on():
            time.sleep(0.002)
        time.sleep(dice.uniform(0.0, 0.1))
        running.kill()
        left.append(len(list((made.kept / "parts").glob("*.json"))))
        if json.loads((made.kept / "complete.json").read_text() if (made.kept / "complete.json").exists() else "0"):
            break
    return left
