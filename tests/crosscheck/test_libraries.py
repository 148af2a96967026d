"""The second process that asks the libraries: what it answers, and that it never outlives or holds up the audit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from made.children import gone

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="a process is split off on Linux alone"
)

SETUP = """
import os, signal, sys, time
import numpy as np
from audit.analyses.crosscheck import libraries
from audit.analyses.crosscheck.questions import Rows, Tables
rng = np.random.default_rng(5)
tables = Tables(*(rng.integers(0, 9, (40, 3, 2)).astype(float) for _ in range(2)))
rows = [Rows(*(rng.integers(0, 2, 40_000).astype(np.int8) for _ in range(2)))]
question = libraries.Question(tables, ("true_positive_rate", "precision", "selection_rate"), rows)
"""


def run(program: str) -> None:
    subprocess.run([sys.executable, "-P", "-c", SETUP + program], check=True, timeout=240)


def test_a_second_process_answers_as_this_one_would_which_asks_where_that_one_ends() -> None:
    run(
        "with libraries.libraries_beside(wanted=True):\n"
        "    beside = libraries.ask(question)()\n"
        "    assert 'sklearn' not in sys.modules\n"
        "with libraries.libraries_beside(wanted=True):\n"
        "    os.kill(libraries._SECOND.get().pid, signal.SIGKILL)\n"
        "    alone = libraries.ask(question)()\n"
        "assert 'sklearn' in sys.modules\n"
        "assert [one.name.split()[0] for one in beside] == ['fairlearn', 'aif360']\n"
        "assert repr(beside) == repr(alone)\n"
        "assert beside[0].of_tables.rates['precision'].tobytes() == alone[0].of_tables.rates['precision'].tobytes()\n"
    )


def test_it_does_several_tasks_in_turn_and_this_process_does_what_that_one_cannot() -> None:
    run(
        "from functools import partial\n"
        "with libraries.libraries_beside(wanted=True):\n"
        "    second = libraries._SECOND.get().pid\n"
        "    asked = [libraries.beside(os.getpid), libraries.ask(question), libraries.beside(partial(pow, 7, 5))]\n"
        "    here = libraries.beside(lambda: os.getpid())()  # cannot be pickled\n"
        "    pid, answers, number = (one() for one in asked)\n"
        "    assert (pid, here, number) == (second, os.getpid(), 7**5), (pid, here, number)\n"
        "    assert all(answers)\n"
        "    try:\n"
        "        libraries.beside(partial(int, 'x'))()\n"
        "    except ValueError:\n"
        "        here = libraries.beside(os.getpid)()\n"
        "    assert here == os.getpid()\n"
        "assert libraries.beside(os.getpid)() == os.getpid()\n"
    )


def test_one_that_says_nothing_is_not_waited_for_for_ever_and_none_is_left() -> None:
    run(
        "libraries._PATIENCE = 0.2\n"
        "with libraries.libraries_beside(wanted=True):\n"
        "    os.kill(libraries._SECOND.get().pid, signal.SIGSTOP)\n"
        "    assert all(libraries.ask(question)())  # larger than a pipe takes\n"
        "try:\n"
        "    os.waitpid(-1, 0)\n"
        "except ChildProcessError:\n"
        "    pass\n"
        "else:\n"
        "    raise AssertionError\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "with libraries.libraries_beside(wanted=True):\n"
        "    assert all(libraries.ask(question)())\n"
        "import duckdb\n"
        "with libraries.libraries_beside(wanted=True):\n"
        "    assert libraries._SECOND.get() is None\n"
    )


def test_a_killed_audit_leaves_no_second_process() -> None:
    program = "with libraries.libraries_beside(wanted=True):\n    print(libraries._SECOND.get().pid, flush=True)\n"
    waits = [sys.executable, "-P", "-c", f"{SETUP}{program}    time.sleep(60)\n"]
    with subprocess.Popen(waits, stdout=subprocess.PIPE, text=True) as audit:
        assert audit.stdout is not None
        second = int(audit.stdout.readline())
        audit.send_signal(signal.SIGKILL)
        assert gone({second})


def test_it_holds_no_lock_of_an_audit_that_has_ended(tmp_path: Path) -> None:
    run(
        "import fcntl\n"
        f"path = {str(tmp_path)!r}\n"
        "held = os.open(path, os.O_RDONLY)\n"
        "fcntl.flock(held, fcntl.LOCK_EX)\n"
        "with libraries.libraries_beside(wanted=True):\n"
        "    os.close(held)\n"
        "    again, deadline = os.open(path, os.O_RDONLY), time.monotonic() + 60\n"
        "    while True:\n"
        "        try:\n"
        "            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "        except BlockingIOError:\n"
        "            assert time.monotonic() < deadline\n"
        "            time.sleep(0.01)\n"
        "        else:\n"
        "            break\n"
    )
