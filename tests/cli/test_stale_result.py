"""A gate of a result asks first whether plan, model, set and answers are still those that it was made from."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skops.io
from made.runs import Made, made_run
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner, Result

from audit.cli.commands.app import app
from audit.cli.outputs import made_from
from audit.plan.detectors import PickleDetector, SkopsDetector, is_of_numbers

RUN = ("run", "plan.toml", "--restricted", "--no-crosscheck", "--sandbox", "none", "--report", "junit")
LONG_AGO = (1_600_000_000, 1_600_000_000)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def gate(*options: str, of: str = "audit-out") -> Result:
    return invoke("gate", of, *options)


@pytest.fixture
def audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """A model file that has been audited, in the working folder."""
    made = made_run(tmp_path / "audit")
    monkeypatch.chdir(made.folder)
    skops.io.dump(LogisticRegression().fit(np.array([[1.0], [2000.0]]), [0, 1]), made.folder / "model.skops")
    text = made.plan.read_text(encoding="utf-8")
    text = text.replace('"python"\nentry = "own_detector:score"', '"skops"\npath = "model.skops"')
    made.plan.write_text(text.replace('["pay", "text"]', '["pay"]'), encoding="utf-8")
    assert invoke(*RUN).exit_code in (0, 1, 3)
    return made


def data_of(made: Made) -> Path:
    (path,) = (one for one in made.folder.iterdir() if one.suffix in {".csv", ".parquet", ".jsonl"})
    return path


def one_byte(path: Path) -> None:
    """Another byte in the place of the last one; size and time of the file are as before."""
    at, content = path.stat(), path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))


def refused(done: Result, words: str) -> bool:
    """Whether nothing was judged, in one line with these words, and nothing that looks like a verdict was printed."""
    return done.exit_code == 4 and done.stdout == "" and words in done.stderr and done.stderr.count("\n") == 1


CHANGES: dict[str, tuple[Callable[[Made], Path], str]] = {
    "plan": (lambda made: made.plan, "the plan is not what"),
    "model": (lambda made: made.folder / "model.skops", "the detector is not what"),
    "set": (data_of, "the evaluation set is not what"),
    "answers": (lambda made: made.folder / "audit-out" / "predictions.parquet", "the file of answers is not what"),
}


@pytest.mark.parametrize("with_record", [True, False])
@pytest.mark.parametrize("changed", CHANGES)
def test_one_other_byte_of_an_input_is_named_and_nothing_is_judged(
    audited: Made, changed: str, with_record: bool
) -> None:
    """Without a record as well: results of before have none."""
    first = gate()
    assert first.exit_code in (0, 1, 3), first.stderr
    if not with_record:
        Path("audit-out", ".inputs.json").unlink()
        assert gate().exit_code == first.exit_code
    place, words = CHANGES[changed]
    content = place(audited).read_bytes()
    one_byte(place(audited))
    for options in ((), ("--inputs-elsewhere",), ("--sequential", "state.json")):
        assert refused(gate(*options), words)
    place(audited).write_bytes(content)
    assert gate().exit_code == first.exit_code


@pytest.mark.skipif(os.name == "nt", reason="no state counts there")
def test_an_old_file_is_not_read_again_and_a_young_one_is(audited: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_of(audited)
    ahead = time.time_ns() + 60_000_000_000
    hashed: list[str] = []
    own = made_from.path_sha256

    monkeypatch.setattr(made_from, "SMALL", 0)  # every file counts as a large one

    def counting(path: Path) -> str:
        hashed.append(path.name)
        return own(path)

    monkeypatch.setattr(made_from, "path_sha256", counting)
    gate()
    assert sorted(hashed) == sorted(["model.skops", data.name]), "made a moment before the run"
    with monkeypatch.context() as later:
        later.setattr(time, "time_ns", lambda: ahead)  # the files are a minute old
        assert invoke(*RUN).exit_code in (0, 1, 3)
    hashed.clear()
    code = gate().exit_code
    assert hashed == []
    one_byte(data)
    assert refused(gate(), "the evaluation set is not what")
    assert hashed == [data.name]
    one_byte(data)
    assert gate().exit_code == code, "another time, and the bytes that it was"


@pytest.mark.skipif(os.name == "nt", reason="no state counts there")
def test_a_large_file_is_read_once_on_each_machine_and_the_gate_says_when_it_is_not(
    audited: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy has other inodes: the first gate reads it. A small file is read each time."""
    data, code = data_of(audited), gate().exit_code
    ahead = time.time_ns() + 60_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: ahead)
    told = "note: not read again, as size, times and inode are those of the digest that is kept: the "
    assert [told in gate().stderr for _ in range(2)] == [False, False]
    monkeypatch.setattr(made_from, "SMALL", 0)
    first, second = gate(), gate()
    assert (first.exit_code, told in first.stderr) == (code, False)
    assert (second.exit_code, told in second.stderr) == (code, True)
    assert told not in gate("--quiet").stderr
    one_byte(data)
    assert refused(gate(), "the evaluation set is not what")
    one_byte(data)
    shown = [gate().stderr for _ in range(2)]
    assert ["the evaluation set" in line for line in shown] == [False, True], shown


def test_a_report_or_badge_says_that_its_result_is_not_of_what_lies_here(audited: Made) -> None:
    report = ("report", "audit-out", "--restricted", "--format", "markdown", "--out", "-")
    assert invoke(*report).stderr == ""
    one_byte(audited.folder / "model.skops")
    stale = invoke(*report)
    told = "note: the detector is not what this result was made from: model.skops differs; nothing was judged: "
    assert (stale.exit_code, stale.stderr) == (0, f"{told}what is written is the verdict of before\n")
    (audited.folder / "model.skops").unlink()
    assert invoke(*report).stderr == "", "what is not at hand is no difference"
    audited.plan.write_text("no plan", encoding="utf-8")
    assert invoke("run", "plan.toml").exit_code == 4
    assert "is of an earlier run" in invoke(*report).stderr


def test_comments_change_nothing_and_a_limit_does(audited: Made) -> None:
    code, text = gate().exit_code, audited.plan.read_text(encoding="utf-8")
    audited.plan.write_text(f"# a comment\n{text}", encoding="utf-8")
    assert gate().exit_code == code
    audited.plan.write_text(text.replace("margin = 0.1", "margin = 0.3"), encoding="utf-8")
    assert refused(gate(), "the plan is not what")
    audited.plan.write_text("no plan", encoding="utf-8")
    assert refused(gate(), "the plan is not what")


def test_a_folder_is_moved_together_with_its_plan(audited: Made, tmp_path: Path) -> None:
    code = gate().exit_code
    moved = tmp_path / "elsewhere"
    shutil.move(audited.folder, moved)
    os.chdir(tmp_path)
    assert gate(of=str(moved / "audit-out")).exit_code == code
    shutil.move(moved / "audit-out", tmp_path / "alone")
    alone = gate(of="alone")
    assert refused(alone, "not at hand of what this result was made from: the plan, the evaluation set, the detector")
    assert "--inputs-elsewhere" in alone.stderr
    taken = gate("--inputs-elsewhere", of="alone")
    assert taken.exit_code == code
    said = "note: taken on your word (--inputs-elsewhere): the plan, the evaluation set, the detector\n"
    assert taken.stderr.startswith(said)
    assert gate("--inputs-elsewhere", "--quiet", of="alone").stderr == ""


def test_a_model_that_is_gone_is_not_at_hand(audited: Made) -> None:
    code = gate().exit_code
    (audited.folder / "model.skops").unlink()
    assert refused(gate(), "not at hand of what this result was made from: the detector;")
    assert gate("--inputs-elsewhere").exit_code == code


def test_a_function_does_not_say_which_model_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_run(tmp_path / "audit")
    monkeypatch.chdir(made.folder)
    code = invoke(*RUN).exit_code
    assert refused(gate(), "a function does not say which model answered; nothing was judged — gate the plan")
    assert (gate("--inputs-elsewhere", "--quiet").exit_code, "taken" in gate("--inputs-elsewhere").stderr) == (
        code,
        False,
    )
    one_byte(made.folder / "own_detector.py")
    assert refused(gate("--inputs-elsewhere"), "own_detector.py differs")


@pytest.mark.parametrize("harm", ["plan", "set", "name"])
def test_a_run_without_a_verdict_marks_what_lies_there_and_takes_nothing(audited: Made, harm: str) -> None:
    code, out = gate().exit_code, Path("audit-out")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    place = data_of(audited) if harm == "set" else audited.plan
    content = place.read_bytes()
    if harm == "name":
        assert invoke("run", "pln.toml").exit_code == 4
    else:
        place.write_bytes(b"neither this nor that")
        assert invoke(*RUN).exit_code == 4
    place.write_bytes(content)
    after = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert after.pop(out / ".not-judged")
    assert after == before
    for options in ((), ("--inputs-elsewhere",)):
        assert refused(gate(*options), "is of an earlier run")
    assert invoke(*RUN).exit_code == code
    assert not (out / ".not-judged").exists()
    assert gate().exit_code == code


def test_an_interrupted_run_leaves_the_mark(audited: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        assert Path("audit-out", ".not-judged").exists(), "it is there before anything else: a kill asks nobody"
        raise KeyboardInterrupt

    code = gate().exit_code
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("audit.cli.outputs.one_run.run_into", interrupted)
        invoke(*RUN)
    assert refused(gate(), "is of an earlier run")
    assert invoke(*RUN).exit_code == code
    assert gate().exit_code == code


def test_the_option_is_for_a_result(audited: Made) -> None:
    assert gate("--inputs-elsewhere", of="plan.toml").exit_code == 2


def test_a_function_does_not_say_which_model_answered_whatever_files_the_plan_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_run(tmp_path / "audit")
    monkeypatch.chdir(made.folder)
    text = made.plan.read_text(encoding="utf-8")
    entry = 'entry = "own_detector:score"\n'
    assert entry in text
    made.plan.write_text(text.replace(entry, f'{entry}files = ["own_detector.py"]\n'), encoding="utf-8")
    assert invoke(*RUN).exit_code in (0, 1, 3)
    assert refused(gate(), "which model")
    assert gate("--inputs-elsewhere").exit_code in (0, 1, 3)


def test_a_model_that_is_or_holds_code_is_not_named_by_its_file() -> None:
    of_numbers = {"path": "model", "features": ["pay"], "threshold": 0.5}
    section = SkopsDetector.model_validate({**of_numbers, "kind": "skops"})
    assert is_of_numbers(section)
    assert not is_of_numbers(section.model_copy(update={"trusted": ("own.Model",)}))
    assert not is_of_numbers(PickleDetector.model_validate({**of_numbers, "kind": "pickle"}))
