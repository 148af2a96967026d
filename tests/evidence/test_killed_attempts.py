"""Audits that are killed at each point at which they write: the history says so, and the next one is whole."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from made.published import FEW, write_set
from made.sealed import signer_in
from made.warm_command import warm_command
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.outputs.output_folder import OutputFolder
from audit.evidence.history import read_history

KILLS = int(os.environ.get("AUDIT7K_KILLS", "6"))
"""How many writes of an audit it is killed at, evenly from the first to the last."""
WATCHED = """
import os
from pathlib import Path
point, counted = int(os.environ["POINT"]), Path("counted")
counted.write_bytes(b"")
def watched(call):
    def made(*arguments, **more):
        with counted.open("ab") as file:
            file.write(b"x")
        if counted.stat().st_size == point:
            os.kill(os.getpid(), 9)
        return call(*arguments, **more)
    return made
for name in ("fsync", "replace", "unlink", "link"):
    setattr(os, name, watched(getattr(os, name)))
"""
RUN = "run plan.toml --history h.a7h --key own.key --report csv --quiet --no-crosscheck"
KILLED = 256 - signal.SIGKILL


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    with warm_command(tmp_path_factory.mktemp("warm"), WATCHED) as words:
        yield words


def killed_at(watched: list[str], point: int, folder: Path) -> tuple[int, int]:
    """Run an audit that is killed before its `point`-th write; returns how it ended and how many there were."""
    environment = os.environ | {"POINT": str(point), "TMPDIR": str(folder.parent)}
    done = subprocess.run([*watched, *RUN.split()], cwd=folder, env=environment, capture_output=True, check=False)
    return done.returncode, (folder / "counted").stat().st_size


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    write_set(folder, counts=FEW)
    signer_in(folder, "own.key")
    return folder


def kinds_in(folder: Path) -> list[str]:
    """Return what the history in a folder says happened."""
    place = folder / "h.a7h"
    return [entry.kind for entry in read_history(place.read_bytes() if place.exists() else b"", "h.a7h").entries]


@pytest.mark.timeout(900)
def test_a_history_says_what_was_killed_and_the_next_audit_is_whole(
    watched: list[str], before: Path, tmp_path: Path
) -> None:
    whole = shutil.copytree(before, tmp_path / "whole")
    ended, writes = killed_at(watched, 0, whole)
    assert (ended, kinds_in(whole)) == (1, ["started", "sealed"])
    left: dict[tuple[str, ...], Path] = {}
    for point in sorted({1 + round(step * (writes - 1) / (KILLS - 1)) for step in range(KILLS)}):
        folder = shutil.copytree(before, tmp_path / f"at-{point}")
        assert killed_at(watched, point, folder)[0] == KILLED
        left[tuple(kinds_in(folder))] = folder
    # killed before it began, between start and seal, and after the seal
    assert set(left) == {(), ("started",), ("started", "sealed")}
    _finish(left["started", "sealed"])
    for kinds, folder in left.items():
        assert killed_at(watched, 0, folder)[0] == 1
        assert kinds_in(folder) == [*kinds, *["aborted"] * (kinds == ("started",)), "started", "sealed"]
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            done = CliRunner().invoke(app, ["verify", "audit-out", "--key", "own.key.pub", "--history", "h.a7h"])
        assert done.exit_code == 0, done.output


def run_in(folder: Path, patch: pytest.MonkeyPatch, *more: str) -> tuple[int, str]:
    """Run the audit of a folder with a history."""
    patch.chdir(folder)
    words = ["run", "plan.toml", "--history", "h.a7h", "--key", "own.key", "--report", "csv", "--quiet"]
    done = CliRunner().invoke(app, [*words, "--no-crosscheck", *more])
    return done.exit_code, done.output


def test_what_ends_before_its_first_row_is_scored_is_no_attempt(
    before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the system can be seen by then. An error while it is scored is an attempt that was aborted."""
    folder = shutil.copytree(before, tmp_path / "early")
    cases = folder / "cases.csv"
    text = cases.read_text(encoding="utf-8")
    cases.write_text(text.replace("case,label,score,sex", "case,label,score,gender"), encoding="utf-8")
    assert run_in(folder, monkeypatch)[0] == 4
    assert kinds_in(folder) == []
    cases.write_text(text.replace(",0.9,", ",nothing,", 1), encoding="utf-8")
    assert run_in(folder, monkeypatch)[0] == 4
    assert kinds_in(folder) == ["started", "aborted"]


def test_an_audit_that_cannot_be_sealed_leaves_what_was_published_before(
    before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(before, tmp_path / "full")
    out, place = folder / "audit-out", folder / "restricted"
    waiting = out / ".evidence-restricted.a7k.waiting"
    waiting.mkdir(parents=True)
    code, said = run_in(folder, monkeypatch, "--restricted-folder", str(place))
    assert (code, "nothing is sealed" in said, said.count("error: ")) == (75, True, 1), said
    assert [path.name for path in out.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    waiting.rmdir()
    assert run_in(folder, monkeypatch, "--restricted-folder", str(place))[0] == 1
    sealed = _files(out)
    waiting.mkdir()
    assert run_in(folder, monkeypatch, "--restricted-folder", str(place), "--report", "junit")[0] == 75
    waiting.rmdir()
    assert _files(out) == sealed
    assert kinds_in(folder) == ["started", "aborted", "started", "sealed", "started", "aborted"]


def _files(out: Path) -> dict[str, bytes]:
    """Every file but the mark of a run without a verdict."""
    files = (path for path in out.rglob("*") if path.is_file() and path.name != ".not-judged")
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def test_nothing_is_sealed_while_a_run_writes(before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(before, tmp_path / "busy")
    assert run_in(folder, monkeypatch)[0] == 1
    words = ["seal", "audit-out", "--key", "own.key"]
    with OutputFolder(folder / "audit-out", replaces=()):
        done = CliRunner().invoke(app, words)
    assert (done.exit_code, "another run is writing into audit-out" in done.output) == (73, True), done.output


def _finish(folder: Path) -> None:
    """Put the bundles of a run that was killed after "sealed" into place; where they are, nothing waits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        waits = Path("audit-out", ".evidence-restricted.a7k.waiting").exists()
        table = Path("audit-out", "public", "groups.csv")
        printed = table.read_bytes()
        table.write_bytes(b"of a later run")  # what waits is of other files then
        assert CliRunner().invoke(app, ["seal", "audit-out", "--history", "h.a7h"]).exit_code == 2
        table.write_bytes(printed)
        done = CliRunner().invoke(app, ["seal", "audit-out", "--history", "h.a7h"])
        assert done.exit_code == (0 if waits else 2), done.output
        verified = CliRunner().invoke(app, ["verify", "audit-out", "--key", "own.key.pub", "--history", "h.a7h"])
        assert verified.exit_code == 0, verified.output
