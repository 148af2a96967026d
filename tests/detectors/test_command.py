"""`kind = "command"`: whatever a program does, each row ends with an answer or a reason, and no process stays."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from made.children import open_files
from pydantic import ValidationError

from audit.detectors.answer_check import accept_answer
from audit.detectors.command import CommandDetector
from audit.detectors.protocol import Answers, DetectorInfo, RunContext
from audit.detectors.registry import make_detector
from audit.errors import DetectorError
from audit.plan.detectors import CommandDetector as CommandSection

PROGRAMS = Path(__file__).parent / "programs"
CANARY = "canary-7d41-ü"
ROWS = 6

Outcome = tuple[float | None, str, str | None]
OK: Outcome = (0.5, "ok", None)


@dataclass
class Run:
    """What became of each batch, and what the detector said at the end."""

    batches: list[list[Outcome]] = field(default_factory=list)
    info: DetectorInfo | None = None
    error: DetectorError | None = None


@pytest.fixture(autouse=True)
def _nothing_is_said_and_nothing_stays(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    gc.collect()  # what an earlier test left to be closed
    files = open_files()
    yield
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == ""
    gc.collect()
    # nothing new: a server of an earlier test in this process may close a socket meanwhile
    assert open_files() <= files


def program(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(PROGRAMS / f"{name}.py"), *arguments]


def batch_of(first: int, rows: int, width: int = 1) -> pa.RecordBatch:
    ids = pa.array(range(first, first + rows), type=pa.int64())
    return pa.record_batch({"row_id": ids, "text": [CANARY * width] * rows})


def section_of(command: Sequence[str], **more: Any) -> CommandSection:
    given = {"kind": "command", "command": command, "features": ["text"], "timeout": 20, **more}
    if given.get("answers") != "decision":
        given.setdefault("threshold", 0.5)
    return CommandSection.model_validate(given)


def run(
    command: Sequence[str],
    *,
    batches: int = 1,
    folder: Path = PROGRAMS,
    given: pa.RecordBatch | None = None,
    rows: int = ROWS,
    width: int = 1,
    **more: Any,
) -> Run:
    """Score batches of rows with the program, check each answer as the harness does, and close."""
    section = section_of(command, **more)
    answers: Answers = section.answers
    detector = CommandDetector(section, folder)
    found = Run()
    begin = time.monotonic()
    try:
        detector.open(RunContext(folder, section.features, answers, (0.0, 1.0), rows))
        for number in range(batches):
            batch = batch_of(number * rows, rows, width) if given is None else given
            answer = detector.score(batch)
            accept_answer(answer, batch.column(0), answers, (0.0, 1.0), where="test")
            columns = (answer[name].to_pylist() for name in ("score", "status", "reason"))
            found.batches.append(list(zip(*columns, strict=True)))
    except DetectorError as error:
        found.error = error
    finally:
        detector.close()
    assert time.monotonic() - begin < 90  # what hangs does so for ten minutes
    if found.error is not None:
        assert found.error.__cause__ is None
        assert CANARY not in str(found.error)
        assert "\n" not in str(found.error)
    found.info = detector.info
    assert CANARY not in repr(found.info)
    return found


def notes(found: Run) -> str:
    assert found.info is not None
    return " ".join((*found.info.notes, *found.info.course))


def gone(pid: int) -> bool:
    """Whether a process ends within a minute: it no longer exists, or is dead and not yet collected."""
    for _ in range(6000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z":
                return True
        time.sleep(0.01)
    return False


def failed(status: str, reason: str | None, rows: int) -> list[Outcome]:
    return [(None, status, reason)] * rows


# A program that does what it should


def test_a_program_answers_row_by_row() -> None:
    given = pa.record_batch({"row_id": pa.array([7, 8, 9], type=pa.int64()), "text": ["abc", "", None]})
    found = run(program("answers"), given=given)
    assert found.batches == [[(0.3, "ok", None), (0.0, "ok", None), (0.0, "ok", None)]]
    assert "Failures" not in notes(found)
    assert "first answer" not in notes(found)


def test_one_process_answers_the_whole_run() -> None:
    found = run(program("answers"), batches=50, rows=20, most_restarts=0)
    assert found.batches == [[(1.0, "ok", None)] * 20] * 50
    assert found.error is None


def test_more_is_written_and_read_than_any_pipe_holds() -> None:
    assert run(program("answers"), rows=3000, width=100).batches == [[(1.0, "ok", None)] * 3000]


def test_each_kind_of_answer_is_read() -> None:
    lines = [
        '{"row_id": ID, "score": 0.25}',
        ' { "score" : 1, "row_id":ID } \r',
        '{"row_id": ID, "abstain": true}',
        '{"row_id": ID, "refused": true}',
        '{"row_id": ID, "score": 1e-3}',
    ]
    assert run(program("writes", *lines), rows=5).batches == [
        [(0.25, "ok", None), (1.0, "ok", None), (None, "abstain", None), (None, "refused", None), (0.001, "ok", None)]
    ]


def test_decisions_are_truth_values_or_one_and_zero() -> None:
    lines = [f'{{"row_id": ID, "decision": {value}}}' for value in ("true", "false", "1", "0.0", "2", '"yes"', "null")]
    found = run(program("writes", *lines), rows=7, answers="decision")
    assert found.batches[0][:4] == [(1.0, "ok", None), (0.0, "ok", None), (1.0, "ok", None), (0.0, "ok", None)]
    assert found.batches[0][4:] == failed("invalid_output", "not_a_decision", 3)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"row_id": ID, "score": NaN}', "not_finite"),
        ('{"row_id": ID, "score": -Infinity}', "not_finite"),
        ('{"row_id": ID, "score": 1e999}', "not_finite"),
        ('{"row_id": ID, "score": 1' + "0" * 400 + "}", "not_finite"),
        ('{"row_id": ID, "score": 1' + "0" * 5000 + "}", "unreadable"),
        ('{"row_id": ID, "score": 1.5}', "out_of_range"),
        ('{"row_id": ID, "score": -0.1}', "out_of_range"),
        ('{"row_id": ID, "score": true}', "not_a_number"),
        ('{"row_id": ID, "score": "0.7"}', "not_a_number"),
        ('{"row_id": ID, "score": null}', "not_a_number"),
        ('{"row_id": ID, "score": [0.7]}', "not_a_number"),
        ('{"row_id": ID, "score": 0.7, "score": 0.1}', "unreadable"),
        ('{"row_id": ID, "row_id": ID, "score": 0.1}', "unreadable"),
        ('{"row_id": ID, "score": 0.7, "abstain": true}', "unreadable"),
        ('{"row_id": ID, "score": 0.7, "note": "x"}', "unreadable"),
        ('{"row_id": ID, "decision": true}', "unreadable"),
        ('{"row_id": ID, "abstain": false}', "unreadable"),
        ('{"row_id": ID, "abstain": 1}', "unreadable"),
        ('{"row_id": ID}', "no_answer"),
        ('{"row_id": "ID", "score": 0.7}', "unreadable"),
        ('{"row_id": ID.0, "score": 0.7}', "unreadable"),
        ('{"row_id": true, "score": 0.7}', "unreadable"),
        ('{"score": 0.7}', "unreadable"),
        ('{"row_id": ID, "score": 0.7', "unreadable"),
        ('{"row_id": ID, "score": 0.7} {}', "unreadable"),
        ("{" * 5000, "unreadable"),
        ('{"a":' * 5000, "unreadable"),
        ("{}", "unreadable"),
        ('{"row_id": ID, "score": 0.7, "BYTE": 1}', "unreadable"),
    ],
)
def test_an_answer_that_cannot_be_used_loses_its_own_row_only(line: str, reason: str) -> None:
    good = '{"row_id": ID, "score": 0.5}'
    found = run(program("writes", line, good, line, good), rows=4)
    lost = (None, "invalid_output", reason)
    assert found.batches == [[lost, OK, lost, OK]]
    assert "Failures" not in notes(found)


@pytest.mark.parametrize("line", ["", "warning: slow", "[]", "7", "null", '"text"'])
def test_after_the_first_answer_a_line_that_is_no_object_loses_a_row(line: str) -> None:
    good = '{"row_id": ID, "score": 0.5}'
    assert run(program("writes", good, line, good), rows=3).batches == [
        [OK, (None, "invalid_output", "unreadable"), OK]
    ]


def test_whole_numbers_that_no_double_holds_are_told_apart() -> None:
    ids = pa.array([2**53, 2**53 + 1, 2**53 + 2], type=pa.int64())
    given = pa.record_batch({"row_id": ids, "text": ["a", "b", "c"]})
    assert run(program("answers"), given=given).batches == [[(0.1, "ok", None)] * 3]
    wrong = f'{{"row_id": {2**53}, "score": 0.5}}'
    assert run(program("writes", wrong, wrong, wrong), given=given.slice(1)).batches == [
        failed("invalid_output", "out_of_order", 2)
    ]


# Faults


def test_a_program_that_ends_keeps_the_answers_that_it_gave() -> None:
    found = run(program("exits"), batches=2)
    assert found.batches[0] == [OK, OK, *failed("error", "crashed", 4)]
    assert found.batches[1] == [OK, OK, *failed("error", "crashed", 4)]
    assert "Failures of the program: it ended by itself (2). Restarts: 1." in notes(found)


def test_a_program_that_keeps_failing_ends_the_run_with_counts() -> None:
    found = run(program("exits"), batches=9, most_restarts=2)
    assert len(found.batches) == 3
    assert found.error is not None
    assert found.error.slug == "command-keeps-failing"
    assert found.error.message == f"the program {Path(sys.executable).name} keeps failing: it ended by itself (3)"


def test_what_a_program_says_before_its_first_answer_is_skipped_and_counted() -> None:
    found = run(program("chatters", "5"), batches=2)
    assert found.batches == [[OK] * ROWS] * 2
    assert "Lines that the program wrote before its first answer, which were skipped: 6." in notes(found)


def test_it_may_not_chatter_for_ever() -> None:
    found = run(program("chatters", "1002"))
    assert found.batches[0] == [
        *failed("invalid_output", "unreadable", 3),
        *failed("invalid_output", "out_of_order", 3),
    ]
    assert "skipped: 1000." in notes(found)


def test_a_byte_order_mark_is_no_chatter() -> None:
    good = '{"row_id": ID, "score": 0.5}'
    found = run(program("writes", "\ufeff" + good, good, good), rows=3)
    assert found.batches == [[OK] * 3]
    assert "first answer" not in notes(found)


def test_an_error_output_however_long_is_thrown_away() -> None:
    assert run(program("complains"), rows=50).batches == [[OK] * 50]


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    found = run(program("hangs", str(tmp_path / "ids")), timeout=0.5)
    assert found.batches == [[OK, *failed("timeout", None, 5)]]
    assert "it did not answer in time (1)" in notes(found)
    parent, child = map(int, (tmp_path / "ids").read_text(encoding="ascii").split())
    assert gone(parent)
    assert gone(child)


def test_a_child_that_outlives_the_program_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.detectors.command.GRACE", 0.5)
    assert run(program("leaves_child", str(tmp_path / "id"))).batches == [[OK] * ROWS]
    assert gone(int((tmp_path / "id").read_text(encoding="ascii")))


@pytest.mark.parametrize("width", [1, 6, 2000])  # less than a pipe holds, a part of it at a time, and far more
def test_a_program_that_never_reads_blocks_nobody(width: int) -> None:
    found = run(program("never_reads"), batches=2, rows=600, width=width, start_timeout=0.3)
    assert found.batches == [failed("timeout", None, 600)] * 2


@pytest.mark.parametrize("rows", [ROWS, 3000])
def test_a_program_that_closes_its_input_blocks_nobody(rows: int) -> None:
    found = run(program("closes_input"), rows=rows, width=20, timeout=0.5)
    assert found.batches == [[OK, *failed("timeout", None, rows - 1)]]


def test_a_line_without_end_is_not_read_to_its_end() -> None:
    found = run(program("floods", CANARY), batches=2, rows=300, width=2000)
    assert found.batches == [failed("invalid_output", "too_large", 300)] * 2
    assert "wrote a line without end (2)" in notes(found)


def test_a_long_line_is_as_long_as_the_plan_says() -> None:
    good = '{"row_id": ID, "score": 0.5}'
    exact = good + " " * (100 - len(good) + 1)
    assert run(program("writes", exact, good), rows=2, longest_line=100).batches == [[OK, OK]]
    found = run(program("writes", good, exact + " ", good), rows=3, longest_line=100)
    assert found.batches == [[OK, *failed("invalid_output", "too_large", 2)]]


@pytest.mark.parametrize("line", ["y", "{}", '{"row_id": 0, "score": 1}'])
def test_endless_lines_end_with_the_batch(line: str) -> None:
    found = run(program("floods", line, "lines"), rows=300, width=2000, start_timeout=60, timeout=0.5)
    reasons = {reason for _, _, reason in found.batches[0][1:]}
    assert reasons <= {"unreadable", "out_of_order"}
    assert all(status == "invalid_output" for _, status, _ in found.batches[0][1:])


@pytest.mark.parametrize("how", ["swap", "skip", "twice"])
def test_once_the_order_is_lost_nothing_more_of_the_batch_is_taken(how: str) -> None:
    found = run(program("shuffles", how), batches=2)
    assert found.batches[0] == [OK, OK, *failed("invalid_output", "out_of_order", 4)]
    assert found.batches[1] == [OK] * ROWS
    assert "it answered out of order (1). Restarts: 1." in notes(found)


def test_an_answer_too_many_at_the_end_of_a_batch_counts_against_the_next() -> None:
    twice = '{"row_id": ID, "score": 0.5}\\n{"row_id": ID, "score": 0.5}'
    found = run(program("writes", twice), batches=2, rows=1)
    assert found.batches == [[OK], failed("invalid_output", "out_of_order", 1)]


def test_a_program_may_take_its_time_to_start_but_not_to_answer() -> None:
    assert run(program("starts_slowly"), start_timeout=60, timeout=1.0).batches == [[OK] * ROWS]
    found = run(program("starts_slowly"), start_timeout=0.2, timeout=5)
    assert found.batches == [failed("timeout", None, ROWS)]


def test_an_interrupt_ends_the_program_and_its_children(tmp_path: Path) -> None:
    harness = subprocess.Popen(
        [sys.executable, str(PROGRAMS / "audits.py"), *program("hangs", str(tmp_path / "ids"))],
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 240
    while not (tmp_path / "ids").exists():
        assert harness.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    begin = time.monotonic()
    harness.send_signal(signal.SIGINT)
    said, _ = harness.communicate(timeout=60)
    assert said == "interrupted\n"
    assert time.monotonic() - begin < 60  # what hangs does so for ten minutes
    parent, child = map(int, (tmp_path / "ids").read_text(encoding="ascii").split())
    assert gone(parent)
    assert gone(child)


# What it is started with


@pytest.mark.parametrize(
    ("command", "slug", "message"),
    [
        (["no-such-program-7d41", CANARY], "command-not-found", "there is no program no-such-program-7d41 on PATH"),
        (["./missing", CANARY], "command-start", "the program missing cannot be started: No such file or directory"),
        (["./plain.txt", CANARY], "command-start", "the program plain.txt cannot be started: Permission denied"),
        (["./empty", CANARY], "command-start", "the program empty cannot be started: Exec format error"),
        (["./lost", CANARY], "command-start", "the program lost cannot be started: No such file or directory"),
        (["./; touch x", CANARY], "command-start", "the program ; touch x cannot be started: No such file"),
    ],
)
def test_a_program_that_cannot_be_started(tmp_path: Path, command: list[str], slug: str, message: str) -> None:
    (tmp_path / "plain.txt").write_text("x", encoding="ascii")
    for name, text in (("empty", "x"), ("lost", "#!/no/such/interpreter\n")):
        (tmp_path / name).write_text(text, encoding="ascii")
        (tmp_path / name).chmod(0o755)
    found = run(command, folder=tmp_path)
    assert found.error is not None
    assert found.error.slug == slug
    assert found.error.message.startswith(message)
    assert not (tmp_path / "x").exists()


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    line = '{"row_id": ID, "score": 0.5}'
    found = run(program("writes", line, line, "; touch x", "$(touch x)", "`touch x`"), rows=2, folder=tmp_path)
    assert found.batches == [[OK, OK]]
    assert not (tmp_path / "x").exists()


def test_a_program_beside_the_plan_runs_in_its_folder(tmp_path: Path) -> None:
    script = tmp_path / "screener"
    script.write_text(f"#!{sys.executable}\n{(PROGRAMS / 'answers.py').read_text(encoding='utf-8')}", encoding="utf-8")
    script.chmod(0o755)
    found = run(["./screener"], folder=tmp_path)
    assert found.batches == [[(1.0, "ok", None)] * ROWS]
    assert found.info is not None
    assert found.info.name == "screener"
    assert found.info.artefact_sha256 == hashlib.sha256(script.read_bytes()).hexdigest()
    assert "the digest covers: 1 (" in notes(found)


def test_the_digest_is_of_the_program_and_of_each_argument_that_is_a_file(tmp_path: Path) -> None:
    for name in ("answers.py", "weights.bin"):
        (tmp_path / name).write_bytes((PROGRAMS / "answers.py").read_bytes() + name.encode().join([b"#", b"\n"]))
    command = [sys.executable, "answers.py", "--verbose", "weights.bin"]
    found = run(command, folder=tmp_path)
    files = [Path(sys.executable), tmp_path / "answers.py", tmp_path / "weights.bin"]
    listed = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}\n" for file in files)
    assert found.info is not None
    assert found.info.artefact_sha256 == hashlib.sha256(listed.encode()).hexdigest()
    assert "the digest covers: 3 (" in notes(found)
    assert "verbose" not in notes(found)


def test_a_program_gets_the_variables_that_the_plan_names_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIT7K_TEST_TOKEN", CANARY)
    monkeypatch.setenv("AUDIT7K_TEST_OTHER", "other")
    monkeypatch.setenv("MKL_NUM_THREADS", "8")
    command = program("tells_environment", str(tmp_path / "environment"))
    more: dict[str, Any] = {"answers": "decision", "environment": ["AUDIT7K_TEST_TOKEN", "MKL_NUM_THREADS"]}
    found = run(command, folder=tmp_path, **more)
    assert found.batches == [[(1.0, "ok", None)] * ROWS]
    shown = json.loads((tmp_path / "environment").read_text(encoding="utf-8"))
    assert shown["AUDIT7K_TEST_TOKEN"] == CANARY
    assert shown["MKL_NUM_THREADS"] == "8"
    assert shown["OMP_NUM_THREADS"] == shown["ORT_DISABLE_TELEMETRY"] == "1"
    assert shown["PATH"] == os.environ["PATH"]
    assert Path(shown["folder"]) == tmp_path.resolve()
    assert "AUDIT7K_TEST_OTHER" not in shown
    monkeypatch.delenv("AUDIT7K_TEST_TOKEN")
    refused = run(command, folder=tmp_path, **more)
    assert refused.error is not None
    assert refused.error.message.startswith("the environment variable AUDIT7K_TEST_TOKEN")


@pytest.mark.parametrize(
    "wrong",
    [
        {"command": []},
        {"command": ["", "x"]},
        {"command": ["program\0"]},
        {"command": "program --fast"},
        {"environment": ["TOKEN=abc"]},
        {"environment": {"TOKEN": "abc"}},
        {"timeout": 0},
        {"start_timeout": -1},
        {"timeout": float("inf")},
        {"most_restarts": -1},
        {"longest_line": 1},
        {"shell": True},
    ],
)
def test_a_plan_that_asks_for_something_else_is_refused(wrong: dict[str, Any]) -> None:
    section_of(["program"])
    with pytest.raises(ValidationError):
        section_of(**{"command": ["program"], **wrong})


def test_the_kind_is_registered() -> None:
    """Passes where this version of the package is the one that is installed."""
    assert isinstance(make_detector(section_of(["program"]), Path()), CommandDetector)


# What it is given


def test_values_are_given_exactly(tmp_path: Path) -> None:
    columns: dict[str, tuple[pa.Array, list[Any]]] = {
        "text": (pa.array([CANARY, None]), [CANARY, None]),
        'a "quoted" %s name é': (pa.array(["\u2028\n\0\\", "%d"]), ["\u2028\n\0\\", "%d"]),
        "word": (pa.array(["x", None]).dictionary_encode(), ["x", None]),
        "large": (pa.array([2**63 - 1, -(2**63)]), [2**63 - 1, -(2**63)]),
        "double": (pa.array([0.1 + 0.2, -0.0]), [0.1 + 0.2, -0.0]),
        "small": (pa.array([0.1, None], type=pa.float32()), [0.10000000149011612, None]),
        "odd": (pa.array([float("nan"), float("inf")]), [None, None]),
        "truth": (pa.array([True, False]), [True, False]),
        "day": (pa.array([date(2024, 2, 29), None]), ["2024-02-29", None]),
        "money": (pa.array([Decimal("12.50"), Decimal("0.01")]), ["12.50", "0.01"]),
        "nothing": (pa.nulls(2), [None, None]),
    }
    given = pa.record_batch({"row_id": pa.array([0, 1]), **{name: column for name, (column, _) in columns.items()}})
    found = run(program("echoes", str(tmp_path / "seen")), given=given)
    assert found.batches == [[(None, "abstain", None)] * 2]
    lines = (tmp_path / "seen").read_bytes().splitlines()
    for row, line in enumerate(lines):
        features = {name: values[row] for name, (_, values) in columns.items()}
        assert json.loads(line.decode("ascii")) == {"row_id": row, "features": features}
    assert list(json.loads(lines[0])["features"]) == list(columns)
    assert b'"double": -0.0' in lines[1]
    assert "NaN or infinite, and given as null: 2." in notes(found)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"x"]),
        pa.array([[1]]),
        pa.array([{"a": 1}]),
        pa.array([0], type=pa.timestamp("us")),
        pa.array([0], type=pa.time64("us")),
        pa.array([0], type=pa.duration("us")),
    ],
)
def test_a_column_that_has_no_form_in_json_is_refused(column: pa.Array) -> None:
    found = run(program("answers"), given=pa.record_batch({"row_id": pa.array([0]), "text": column}))
    assert found.error is not None
    assert found.error.slug == "command-feature-type"
    assert found.error.message.startswith("the column text has the type ")


def test_the_lines_on_the_way_are_those_of_the_manual(tmp_path: Path) -> None:
    given = pa.record_batch({"row_id": pa.array([17]), "text": ["passport"]})
    run(program("echoes", str(tmp_path / "seen")), given=given)
    assert (tmp_path / "seen").read_text(encoding="ascii") == '{"row_id": 17, "features": {"text": "passport"}}\n'
