"""The process that asks the libraries: anyone can start it, it answers as this one would, and it never outlives an
audit or holds one up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from made.children import gone

from audit.analyses.crosscheck import libraries
from audit.analyses.crosscheck.libraries import (
    Answer,
    NoAnswer,
    Question,
    answers_as_json,
    answers_of_json,
    is_known,
    question_as_json,
    question_of_json,
    second_process,
)
from audit.analyses.crosscheck.questions import Rows, Tables
from audit.operating_system import POSIX
from audit.vocabulary.metrics import METRICS

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, asked in this process

PROGRAM = [sys.executable, "-P", "-m", "audit.analyses.crosscheck"]


def question() -> Question:
    rng = np.random.default_rng(5)
    tables = Tables(*(rng.integers(0, 3, (40, 3, 2)).astype(float) for _ in range(2)))
    rows = [Rows(*(rng.integers(0, 2, 40_000).astype(np.int8) for _ in range(2)))]
    metrics = [METRICS[name] for name in ("true_positive_rate", "precision", "selection_rate")]
    return Question(tables, metrics, 7, rows)


def test_the_process_answers_bit_for_bit_as_this_one() -> None:
    with second_process() as process:
        process.ask(question())
        answers = process.answers()
    assert [answer.name.split()[0] for answer in answers] == ["fairlearn", "aif360"]
    assert answers_as_json(answers) == answers_as_json(libraries.ask(question()))


def test_anyone_can_ask_with_a_file_of_counts() -> None:
    document = {
        "metrics": ["true_positive_rate", "false_positive_rate"],
        "tables": [{"group": [[3, 1], [2, 4], [0, 0]], "rest": [[5, 0], [0, 0], [0, 0]]}],
        "rests": 1,
        "rows": [{"label": "1100-", "decision": "10101"}],
    }
    done = subprocess.run(PROGRAM, input=json.dumps(document), capture_output=True, text=True, check=True)
    fairlearn, aif360 = json.loads(done.stdout)
    assert (
        fairlearn["tables"]["rates"]
        == aif360["tables"]["rates"]
        == {
            "true_positive_rate": [0.75],
            "false_positive_rate": [1 / 3],
        }
    )
    assert aif360["tables"]["ratios"] == {"true_positive_rate": [0.75], "false_positive_rate": [None]}
    assert fairlearn["rows"] == [{"true_positive_rate": 0.5, "false_positive_rate": 0.5}]


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"metrics": [], "tables": [{"group": 1}], "rests": 0, "rows": []}'])
def test_what_is_no_question_gets_one_line(text: str) -> None:
    done = subprocess.run(PROGRAM, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "standard input holds no question: see audit.analyses.crosscheck.libraries\n"


def test_numbers_come_back_as_they_were() -> None:
    rng = np.random.default_rng(3)
    weights = Question(Tables(*(rng.lognormal(size=(9, 3, 2)) for _ in range(2))), (METRICS["accuracy"],), 9, ())
    again = question_of_json(question_as_json(weights))
    assert again.tables.own.tobytes() == weights.tables.own.tobytes()
    rows = Rows(np.array([-1, 0, 1], dtype=np.int8), np.array([1, 0, 1], dtype=np.int8))
    (read,) = question_of_json(question_as_json(weights._replace(rows=[rows]))).rows
    assert (read.label.tolist(), read.decision.tolist()) == ([-1, 0, 1], [1, 0, 1])
    (answer,) = answers_of_json(
        b'[{"name": "a 1", "tables": {"rates": {"accuracy": [null, "inf", 0.1]}, "differences": {}, "ratios": {}, '
        b'"beside_rest": [true, false, true]}, "rows": []}]'
    )
    assert isinstance(answer, Answer)
    np.testing.assert_array_equal(answer.of_tables.rates["accuracy"], [np.nan, np.inf, 0.1])


@pytest.mark.parametrize(("installed", "known"), [
    ("0.4.9", False), ("0.5.0", True), ("0.6.1", True), ("0.6.9rc1", True), ("0.7.0", False), ("1.0", False),
])  # fmt: skip
def test_a_version_is_known_from_the_first_and_before_the_last(installed: str, known: bool) -> None:
    assert is_known(installed, ("0.5", "0.7")) is known


def test_one_that_ends_or_says_nothing_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = [NoAnswer("fairlearn", "broken"), NoAnswer("aif360", "broken")]
    monkeypatch.setattr(libraries, "PATIENCE", 0.5)
    monkeypatch.setattr(libraries, "GRACE", 0.5)
    for number in (signal.SIGKILL, signal.SIGSTOP) if POSIX else (signal.SIGTERM,):
        with second_process() as process:
            assert process.program is not None
            process.program.send_signal(number)
            process.ask(question())  # larger than a pipe takes
            assert process.answers() == silent
        assert process.program.poll() is not None


@pytest.mark.skipif(not POSIX, reason="a process is ended by a signal")
def test_an_audit_that_breaks_off_leaves_no_process_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for seconds in (0.0, 4.0):
        with second_process() as process:
            assert process.program is not None
            time.sleep(seconds)
        assert process.program.poll() is not None
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not POSIX, reason="a process is ended by a signal")
def test_a_killed_audit_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    program = (
        "import time\nfrom audit.analyses.crosscheck.libraries import second_process\n"
        "with second_process() as process:\n    print(process.program.pid, flush=True)\n    time.sleep(60)\n"
    )
    around = {**os.environ, "TMPDIR": str(tmp_path)}
    killed = [sys.executable, "-P", "-c", program]
    with subprocess.Popen(killed, stdout=subprocess.PIPE, text=True, env=around) as audit:
        assert audit.stdout is not None
        second = int(audit.stdout.readline())
        audit.send_signal(signal.SIGKILL)
        assert gone({second})
    assert list(tmp_path.iterdir()) == []


def test_it_takes_no_open_file_of_the_audit_with_it(tmp_path: Path) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        with second_process() as process:
            assert process.program is not None
            files = Path(f"/proc/{process.program.pid}/fd")
            if not files.exists():
                pytest.skip("only Linux lists the files of a process")
            assert str(tmp_path) not in {str(file.readlink()) for file in files.iterdir()}
    finally:
        os.close(handle)
