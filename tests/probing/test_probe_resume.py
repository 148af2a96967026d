"""Answers to probes are kept beside those to the set: a finished run asks nothing, an interrupted one goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made.probes import LEXICON, write_audit, write_texts

from audit.errors import RunInterruptedError
from audit.run import run_audit
from audit.scoring.checkpoint import Checkpoint

PROBE = """
[scoring]
batch_size = 50
[[probes]]
id = "words"
kind = "text"
column = "text"
slots = ["demonym"]
languages = ["en"]
templates = "texts.toml"
"""
NOTED = (
    LEXICON
    + """
import os, pathlib, signal, time
FOLDER = pathlib.Path(__file__).parent
def score(batch):
    with open(FOLDER / "calls.txt", "a") as calls:
        calls.write(f"{batch.num_rows}\\n")
    texts = batch.column("text").to_pylist()
    stop = FOLDER / "stop"
    if "Work offered" not in texts[0] and stop.exists():
        if stop.read_text() == "now":
            stop.unlink()
            os.kill(os.getppid(), signal.SIGINT)  # the audit, which ends this process
            time.sleep(60)
        else:
            stop.write_text("now")
    return [base(text) for text in texts]
"""
)


def calls(folder: Path) -> int:
    """Calls since the last look."""
    path = folder / "calls.txt"
    count = len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0
    path.unlink(missing_ok=True)
    return count


def run(plan: Path, *, fresh: bool = False) -> dict[str, Any]:
    checkpoint = Checkpoint(plan.parent / "scoring", commit_every=0.0, fresh=fresh)
    # the detector notes its calls beside the plan
    result = run_audit(plan, crosscheck=False, checkpoint=checkpoint, sandbox="none")
    shown: dict[str, Any] = json.loads(result.model_dump_json())
    del shown["provenance"]
    return shown


def test_a_finished_run_asks_about_one_batch_of_each_to_see_whether_it_is_the_same(tmp_path: Path) -> None:
    write_texts(tmp_path, 10)
    plan = write_audit(tmp_path, PROBE, NOTED)
    first = run(plan)
    asked = calls(tmp_path)
    assert asked > 8 + 1
    assert run(plan) == first
    assert calls(tmp_path) == 2
    assert run(plan, fresh=True) == first
    assert calls(tmp_path) == asked


def test_an_interrupted_probe_goes_on(tmp_path: Path) -> None:
    write_texts(tmp_path, 10)
    plan = write_audit(tmp_path, PROBE, NOTED)
    whole = run(plan)
    asked = calls(tmp_path)
    (tmp_path / "stop").write_text("after the next", encoding="utf-8")
    with pytest.raises(RunInterruptedError):
        run(plan, fresh=True)
    assert calls(tmp_path) == 10
    assert run(plan) == whole
    # eight batches of the set and one of the probe were kept; one of each is asked again, and so is the one in which it
    # was stopped
    assert calls(tmp_path) == asked - 9 + 2


def test_answers_to_another_probe_are_thrown_away(tmp_path: Path) -> None:
    write_texts(tmp_path, 10)
    plan = write_audit(tmp_path, PROBE, NOTED)
    run(plan)
    calls(tmp_path)
    plan.write_text(plan.read_text(encoding="utf-8").replace('"demonym"]\nlang', '"gender"]\nlang'), encoding="utf-8")
    other = run(plan)
    assert calls(tmp_path) > 1
    assert run(plan) == other
    assert calls(tmp_path) == 2
