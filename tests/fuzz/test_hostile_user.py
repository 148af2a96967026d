"""Places, signals and disks that a user or a machine can come up with: one line, a code of its own, nothing left."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from fuzz.data_files import csv_text, healthy
from fuzz.held import Tree, judged, own_temporary_folder, run, said_well, tree
from fuzz.plans import plan_text

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes, devices and signals of POSIX")

SLOW: Final = """
import pathlib, time
def scores(batch):
    here = pathlib.Path(__file__)
    if not here.with_name("quick").exists():
        here.with_name("started").touch()
        for _ in range(1200):  # a signal that comes just before a sleep is seen after it
            time.sleep(0.05)
    return [0.5] * batch.num_rows
"""
PLAN: Final[dict[str, Any]] = {
    "schema": 1,
    "audit": {"title": "Screener", "owner": "An office", "use": "moderation", "route": "services"},
    "detector": {"kind": "python", "entry": "slow:scores", "features": ["text"], "threshold": 0.5},
    "evaluation_set": {"path": "cases.csv", "id": "case_id", "label": "exploited", "label_source": "case files"},
    "groups": {"gender": {"column": "gender"}},
    "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}],
}
LIMITED: Final = (
    "import resource, runpy, sys; sys.dont_write_bytecode = True; "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); "
    "sys.argv[0] = 'audit7k'; runpy.run_module('audit', run_name='__main__')"
)
"""A limit on the size of files stands in for a full disk: both end a write half-way, that of a compiled module too."""
ALONE: Final = ["--no-crosscheck", "--sandbox", "none"]
"""Nothing here is about the cross-check, and the detector looks for files beside it and makes some."""
COMMAND: Final = [sys.executable, "-m", "audit"]


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    """A folder with a plan, its set and a detector that answers at once."""
    folder = tmp_path / "audit"
    folder.mkdir()
    (folder / "cases.csv").write_text(csv_text(healthy(1, 60)), encoding="utf-8")
    (folder / "plan.toml").write_text(plan_text(PLAN), encoding="utf-8")
    (folder / "slow.py").write_text(SLOW, encoding="utf-8")
    (folder / "quick").touch()
    return folder


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _huge(path: Path) -> None:
    path.write_bytes(b"#" * (1024 * 1024 + 1))


@pytest.mark.parametrize("make", [_pipe, _device, Path.mkdir])
def test_what_is_no_file_is_refused_without_waiting_for_it(make: Callable[[Path], None], audit: Path) -> None:
    make(audit / "odd.csv")
    make(audit / "odd.json")
    make(audit / "odd.skops")
    over_data = PLAN | {"evaluation_set": PLAN["evaluation_set"] | {"path": "odd.csv"}}
    over_model = PLAN | {"detector": {"kind": "skops", "path": "odd.skops", "features": ["text"], "threshold": 0.5}}
    over_answers = PLAN | {"detector": {"kind": "predictions", "path": "odd.csv", "score": "score", "threshold": 0.5}}
    before = tree(audit)
    for plan in (over_data, over_model, over_answers):
        (audit / "odd.toml").write_text(plan_text(plan), encoding="utf-8")
        with own_temporary_folder(audit.parent / "tmp"):
            ended = run("run", "--restricted", audit / "odd.toml", "--out", audit / "out")
        (audit.parent / "tmp").rmdir()
        (audit / "odd.toml").unlink()
        said_well(ended)
        assert ended.code == 4
    for ended in (
        run("init", audit / "odd.csv", "--out", audit / "begun.toml"),
        run("gate", "--restricted", audit / "odd.json"),
        run("report", "--restricted", audit / "odd.json"),
    ):
        said_well(ended)
        assert ended.code == 4
    assert _but_caches(tree(audit)) == before


@pytest.mark.parametrize("make", [_device, _huge, Path.mkdir])
def test_a_plan_that_is_none(make: Callable[[Path], None], audit: Path) -> None:
    make(audit / "odd.toml")
    for ended in (
        run("check", audit / "odd.toml"),
        run("run", "--restricted", audit / "odd.toml", "--out", audit / "out"),
    ):
        said_well(ended)
        assert ended.code == 4
    assert not (audit / "out").exists()


@pytest.mark.parametrize("out", ["plan.toml", "plan.toml/below", "dangling", "x" * 300, "/dev/null", "/proc/nowhere"])
def test_a_place_where_no_folder_can_be(out: str, audit: Path) -> None:
    (audit / "dangling").symlink_to("nowhere")
    before = tree(audit)
    ended = run("run", "--restricted", audit / "plan.toml", "--out", audit / out)
    said_well(ended)
    assert ended.code == 75
    assert _but_caches(tree(audit)) == before


def test_a_link_to_a_folder_stays_a_link(audit: Path) -> None:
    (audit / "real").mkdir()
    (audit / "link").symlink_to("real")
    ended = run("run", "--restricted", audit / "plan.toml", "--out", audit / "link", *ALONE)
    judged(audit / "real", ended.code, 60)
    assert (audit / "link").is_symlink()


def _started(audit: Path, out: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """A run that has begun to score and will not be done for a minute."""
    (audit / "quick").unlink()
    before = signal.signal(signal.SIGHUP, lambda *_: None)  # what is ignored, as below nohup, is ignored by children
    process = subprocess.Popen(
        [*COMMAND, "run", "--restricted", str(audit / "plan.toml"), "--out", str(out), *ALONE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        start_new_session=True,
    )
    signal.signal(signal.SIGHUP, before)
    while not (audit / "started").exists():
        assert process.poll() is None
        time.sleep(0.02)
    (audit / "started").unlink()
    (audit / "quick").touch()
    return process


@pytest.mark.parametrize(("sent", "already"), [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, True)])
def test_an_interrupted_run_leaves_everything_as_it_was(sent: signal.Signals, already: bool, audit: Path) -> None:
    out, temporary = audit.parent / "out", audit.parent / "tmp"
    temporary.mkdir()
    if already:
        out.mkdir()
        (out / "result.json").write_text("an earlier result")
    before = tree(audit.parent)
    process = _started(audit, out, {"TMPDIR": str(temporary)})
    process.send_signal(sent)
    assert process.stderr is not None
    assert process.stderr.readline() == "stopping after this batch; once more to stop at once\n"
    process.send_signal(sent)
    shown, said = process.communicate(timeout=240)
    assert (process.returncode, shown, said) == (130, "", "interrupted: nothing was judged\n")
    assert _but_caches(tree(audit.parent)) == before


def test_a_killed_run_is_in_nobodys_way(audit: Path) -> None:
    out = audit.parent / "out"
    (audit.parent / "tmp").mkdir()
    process = _started(audit, out, {"TMPDIR": str(audit.parent / "tmp")})
    held = run("run", "--restricted", audit / "plan.toml", "--out", out, *ALONE)
    said_well(held)
    assert held.code == 73
    process.kill()
    process.communicate(timeout=240)
    ended = run("run", "--restricted", audit / "plan.toml", "--out", out, *ALONE)
    judged(out, ended.code, 60)


@pytest.mark.parametrize("arguments", [["--json"], []])
def test_a_reader_that_goes_away_changes_no_verdict(arguments: list[str], audit: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    out = audit.parent / "out"
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [
                *COMMAND,
                "run",
                "--restricted",
                str(audit / "plan.toml"),
                "--out",
                str(out),
                *ALONE,
                *arguments,
            ],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=240,
        )
    # a run of more than a second also says how fast it was
    assert re.fullmatch(r"scored 100 % \(60 of 60 rows\)(, [\d,.]+ rows/s)?\n", done.stderr)
    judged(out, done.returncode, 60)


def test_no_room_for_the_output(audit: Path) -> None:
    pytest.importorskip("resource")
    out = audit.parent / "out"
    before = tree(audit.parent)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "run", "--restricted", str(audit / "plan.toml"), "--out", str(out), *ALONE],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 75
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.stderr
    # what was scored is kept, for the run that has room
    left = _but_caches(tree(audit.parent))
    assert {name: content for name, content in left.items() if not name.startswith("out")} == before
    assert {path.name for path in out.iterdir()} == {"scoring"}
    ended = run("run", "--restricted", audit / "plan.toml", "--out", out, *ALONE)
    assert "going on: 60 rows were scored before and are kept" in ended.err
    judged(out, ended.code, 60)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_document_that_is_cut_short_is_no_verdict(unbuffered: str, audit: Path) -> None:
    """Unbuffered, the system takes a part of what is written and says so only in a number."""
    pytest.importorskip("resource")
    run("run", "--restricted", audit / "plan.toml", "--out", audit / "out", *ALONE)
    with (audit / "shown.json").open("wb") as shown:
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, "gate", "--restricted", "--inputs-elsewhere", str(audit / "out"), "--json"],
            stdout=shown,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=240,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )
    assert done.returncode == 75
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_a_folder_that_nobody_may_write_into(audit: Path) -> None:
    """Without the right of the superuser to write everywhere, where that is who runs the tests."""
    powerless: list[str] = []
    if os.geteuid() == 0:
        found = shutil.which("setpriv")
        if found is None:
            pytest.skip("the superuser may write everywhere, and there is no setpriv to give that up")
        powerless = [found, "--inh-caps=-dac_override", "--bounding-set=-dac_override"]
    closed = audit.parent / "closed"
    closed.mkdir(mode=0o555)
    before = tree(audit.parent)
    for out in (closed, closed / "out"):
        done = subprocess.run(
            [*powerless, *COMMAND, "run", "--restricted", str(audit / "plan.toml"), "--out", str(out)],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert (done.returncode, done.stdout) == (75, "")
        assert done.stderr.startswith("error: cannot write ")
        assert done.stderr.count("\n") == 1
    assert _but_caches(tree(audit.parent)) == before


def _but_caches(found: Tree) -> Tree:
    """What is in a folder, without caches of Python and the mark of a run without a verdict."""
    return {
        name: content
        for name, content in found.items()
        if "__pycache__" not in name and not name.endswith(".not-judged")
    }
