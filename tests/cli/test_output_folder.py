"""Outputs are written whole or not at all, whatever fails."""

from __future__ import annotations

import importlib
import itertools
import os
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit.cli.outputs.output_folder import RESTRICTED_REPORTS, OutputFolder, write_file
from audit.disclosure.restricted import restricted_folder
from audit.errors import ExitCode, FolderInUseError, StorageError

FILES = {"result.json": "{}\n", "report.html": "<p>é</p>\n", "predictions.parquet": "binary"}


def write(path: Path, files: dict[str, str]) -> None:
    with OutputFolder(path) as folder:
        for name, text in files.items():
            folder.add(name, text)
        folder.publish()


def write_and_fail(path: Path, error: BaseException) -> None:
    with OutputFolder(path) as folder:
        folder.add("result.json", "half")
        raise error


def content(path: Path) -> dict[str, str]:
    return {entry.name: entry.read_text(encoding="utf-8") for entry in path.iterdir()}


def test_everything_is_written_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b", FILES)
    assert content(tmp_path / "a" / "b") == {**FILES, ".gitignore": "*\n!/public/\n!/public/**\n"}


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_git_adds_public_files_and_nothing_exact(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    write(tmp_path / "audit-out", {**FILES, "public/report.html": "<p/>", "public/release.json": "{}"})
    with restricted_folder(tmp_path / "kept"):
        pass
    assert (tmp_path / "kept" / "key").exists()
    subprocess.run(["git", "-C", str(tmp_path), "add", "-A"], check=True)
    listed = subprocess.run(["git", "-C", str(tmp_path), "ls-files"], check=True, capture_output=True, text=True)
    assert listed.stdout.split() == ["audit-out/public/release.json", "audit-out/public/report.html"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_outputs_are_for_their_owner_alone(tmp_path: Path) -> None:
    write(tmp_path / "out", FILES)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    for name in FILES:
        assert stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) == 0o600


def test_a_folder_that_was_there_keeps_its_permissions_and_its_other_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o755)
    (out / "notes.txt").write_text("mine")
    before = out.stat().st_mode
    write(out, FILES)
    assert out.stat().st_mode == before
    assert content(out) == FILES | {"notes.txt": "mine"}


def test_outputs_of_an_earlier_run_do_not_stay_beside_a_result_they_do_not_belong_to(tmp_path: Path) -> None:
    write(tmp_path, FILES | {"junit.xml": "<old/>"})
    write(tmp_path, {"result.json": "[]\n"})
    assert content(tmp_path) == {"result.json": "[]\n"}


def test_what_was_not_published_is_gone_and_the_folder_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_and_fail(tmp_path / "a" / "b", ZeroDivisionError())
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_fails_leaves_the_earlier_outputs(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(tmp_path, KeyboardInterrupt())
    assert content(tmp_path) == FILES


def test_a_path_that_is_a_file_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(StorageError, match="is a file, not a folder") as caught:
        write(tmp_path / "out", FILES)
    assert caught.value.exit_code is ExitCode.STORAGE_FAILED
    assert content(tmp_path) == {"out": "mine"}
    with pytest.raises(StorageError):
        write(tmp_path / "out" / "deeper", FILES)
    assert content(tmp_path) == {"out": "mine"}


def test_a_folder_with_the_name_of_an_output_is_refused_and_kept(tmp_path: Path) -> None:
    write(tmp_path, {"predictions.parquet": "old"})
    (tmp_path / "result.json").mkdir()
    (tmp_path / "result.json" / "mine").write_text("mine")
    with pytest.raises(StorageError, match=r"result\.json is a folder"):
        write(tmp_path, FILES)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["predictions.parquet", "result.json"]
    assert (tmp_path / "result.json" / "mine").read_text() == "mine"
    assert (tmp_path / "predictions.parquet").read_text() == "old"


def every_call_fails_once(
    monkeypatch: pytest.MonkeyPatch, holder: object, name: str, act: Callable[[], None], check: Callable[[], None]
) -> int:
    """Make the first call of `holder.name` raise, then the second, ..., and check after each; how many failed."""
    real: Callable[..., object] = getattr(holder, name)
    for failed in itertools.count():
        calls = itertools.count()

        def broken(*args: object, _calls: Iterator[int] = calls, _failing: int = failed, **kwargs: object) -> object:
            if next(_calls) == _failing:
                raise OSError(28, "No space left on device", "SECRET")
            return real(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(holder, name, broken)
            try:
                act()
            except StorageError as error:
                said = str(error)
            else:
                return failed
        assert "No space left on device" in said
        assert "SECRET" not in said
        check()
    raise AssertionError


def no_second_name(*_: object, **__: object) -> None:
    raise OSError(95, "Operation not supported")


@pytest.mark.parametrize(
    ("holder", "name", "least"),
    [
        (os, "fsync", 3),
        (Path, "replace", 3),
        (Path, "unlink", 1),
        (shutil, "copy2", 4),
        (Path, "chmod", 3),
        (Path, "mkdir", 1),
        (Path, "open", 3),
        (os, "open", 4),
    ],
)
def test_whichever_step_fails_the_earlier_outputs_stay_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: object, name: str, least: int
) -> None:
    earlier = {file: f"earlier {file}" for file in FILES} | {"junit.xml": "earlier"}
    write(tmp_path, earlier)

    def check() -> None:
        assert content(tmp_path) == earlier

    if holder is shutil:  # a storage that gives no file two names
        monkeypatch.setattr(os, "link", no_second_name)
    # The last fsync and open are of the folder itself, which not every system can do: their failure is none.
    failed = every_call_fails_once(monkeypatch, holder, name, lambda: write(tmp_path, FILES), check)
    assert failed >= least
    assert content(tmp_path) == FILES


def test_a_full_disk_in_a_new_folder_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"

    def check() -> None:
        assert not out.exists()

    assert every_call_fails_once(monkeypatch, Path, "replace", lambda: write(out, FILES), check) == len(FILES) + 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="Permission denied"):
        write(tmp_path / "out", FILES)
    tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_two_runs_cannot_write_into_one_folder(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from audit.cli.outputs.output_folder import OutputFolder\n"
        "with OutputFolder(Path(sys.argv[1])) as folder:\n"
        "    folder.add('result.json', 'first'); print('ready', flush=True); input(); folder.publish()\n"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdin is not None
    assert first.stdout is not None
    assert first.stdout.readline() == "ready\n"
    with pytest.raises(FolderInUseError) as caught:
        write(tmp_path, FILES)
    assert caught.value.exit_code is ExitCode.FOLDER_IN_USE
    first.stdin.write("\n")
    first.stdin.close()
    assert first.wait(timeout=240) == 0
    first.stdout.close()
    assert content(tmp_path) == {"result.json": "first"}
    write(tmp_path, FILES)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    program = (
        "import os, sys, signal; from pathlib import Path; from audit.cli.outputs.output_folder import OutputFolder\n"
        "with OutputFolder(Path(sys.argv[1])) as folder:\n"
        "    folder.add('result.json', 'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    write(tmp_path, {"result.json": "earlier"})
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert (tmp_path / "result.json").read_text() == "earlier"
    assert len(list(tmp_path.iterdir())) == 2
    write(tmp_path, FILES)
    assert content(tmp_path) == FILES


def test_one_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.html"
    write_file(target, "first\n")
    assert target.read_bytes() == b"first\n"

    def check() -> None:
        assert content(tmp_path) == {"report.html": "first\n"}

    assert every_call_fails_once(monkeypatch, Path, "replace", lambda: write_file(target, "x"), check) == 1
    assert content(tmp_path) == {"report.html": "x"}
    with pytest.raises(StorageError, match="is a folder"):
        write_file(tmp_path, "x")
    with pytest.raises(StorageError, match="No such file"):
        write_file(tmp_path / "absent" / "x", "x")
    shutil.rmtree(tmp_path)


def test_no_exact_report_of_an_earlier_run_stays_or_can_be_read_by_a_public_reporter() -> None:
    """Every reporter of ours writes a file that goes with the result that it is of."""
    offers = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    reporters = offers["project"]["entry-points"]["audit.reporters"]
    assert len(reporters) >= 5
    for name, place in reporters.items():
        module, _, attribute = place.partition(":")
        assert getattr(importlib.import_module(module), attribute).filename in RESTRICTED_REPORTS, name
