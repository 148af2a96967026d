"""What lies in `public` while files are exchanged: never nothing, never half a file, and whatever is not ours."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.cli.outputs.output_folder import OutputFolder
from audit.disclosure.public_files import REPORTERS
from audit.errors import ExitCode, StorageError

FIRST = {"result.json": "1", "public/release.json": "1", "public/report.html": "1", "public/third.txt": "1"}
SECOND = {"result.json": "2", "public/release.json": "2", "public/groups.csv": "2"}
RELEASE = "public/release.json"
MINE = {"public/CNAME": "mine", "public/images/logo.svg": "mine"}


def write(out: Path, files: dict[str, str]) -> None:
    with OutputFolder(out) as folder:
        for name, text in files.items():
            folder.add(name, text)
        folder.publish()


def of_run(files: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in files.items() if name.startswith("public/")}


def put_mine(out: Path) -> None:
    for name, text in MINE.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text(text, encoding="utf-8")


def content(out: Path) -> dict[str, str]:
    return {
        name: file.read_text(encoding="utf-8")
        for file in out.rglob("*")
        if file.is_file() and "/." not in f"/{(name := file.relative_to(out).as_posix())}"
    }


def test_files_of_somebody_else_stay_and_ours_of_an_earlier_run_go(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    put_mine(tmp_path)
    write(tmp_path, SECOND)
    assert content(tmp_path) == SECOND | MINE
    write(tmp_path, {"result.json": "3"})
    assert content(tmp_path) == {"result.json": "3"} | MINE
    write(tmp_path, FIRST)
    assert content(tmp_path) == FIRST | MINE


def test_a_folder_without_a_list_loses_what_our_reporters_write_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    put_mine(tmp_path)
    (tmp_path / ".public-files").unlink()
    write(tmp_path, SECOND)
    assert content(tmp_path) == SECOND | MINE | {"public/third.txt": "1"}


def test_a_list_that_somebody_wrote_names_nothing_outside(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / ".public-files").write_text("../notes.txt\n\n.\n..\nthird.txt\n", encoding="utf-8")
    write(tmp_path, SECOND)
    assert content(tmp_path) == SECOND | {"notes.txt": "mine", "public/report.html": "1"}


def test_files_with_our_names_stay_where_no_run_wrote_any(tmp_path: Path) -> None:
    mine = {f"public/{name}": "mine" for name, _ in REPORTERS.values() if name != "release.json"}
    (tmp_path / "public").mkdir()
    for name, text in mine.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for number in "12":  # a run with --restricted leaves a result, and no sign that `public` is of a run
        write(tmp_path, {"result.json": number})
        assert content(tmp_path) == mine | {"result.json": number}
    write(tmp_path, SECOND)
    assert content(tmp_path) == mine | SECOND
    write(tmp_path, {"result.json": "3"})
    mine.pop("public/groups.csv")  # which the second run wrote in its place
    assert content(tmp_path) == mine | {"result.json": "3"}


@pytest.mark.parametrize(
    "damaged", [b"\xff\xfe\x00", b"x" * 5000 + b"\n\x00\n", None], ids=["bytes", "names", "folder"]
)
def test_a_damaged_list_is_none(tmp_path: Path, damaged: bytes | None) -> None:
    write(tmp_path, FIRST)
    put_mine(tmp_path)
    (tmp_path / ".public-files").unlink()
    if damaged is None:
        (tmp_path / ".public-files").mkdir()
    else:
        (tmp_path / ".public-files").write_bytes(damaged)
    write(tmp_path, SECOND)
    left = content(tmp_path)
    assert SECOND.items() | MINE.items() <= left.items()
    if damaged is None:
        assert (tmp_path / ".public-files").is_dir()
    else:
        assert (tmp_path / ".public-files").read_text(encoding="utf-8") == "groups.csv\nrelease.json\n"
    assert ("public/report.html" in left) == (
        damaged is not None and damaged.startswith(b"x")
    )  # a list that can be read


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_folder_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "public").symlink_to(tmp_path / "served")
    write(tmp_path / "out", FIRST)
    write(tmp_path / "out", SECOND)
    assert (tmp_path / "out" / "public").is_symlink()
    assert content(tmp_path / "served") == {"release.json": "2", "groups.csv": "2"}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no other file system here")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_a_link_to_another_file_system_is_refused_before_anything_is_done(tmp_path: Path, elsewhere: Path) -> None:
    (tmp_path / "public").symlink_to(elsewhere)
    (elsewhere / "badge.svg").write_text("mine", encoding="utf-8")
    with pytest.raises(StorageError, match="public lies on another file system") as caught, OutputFolder(tmp_path):
        pytest.fail("it began")
    assert caught.value.exit_code is ExitCode.STORAGE_FAILED
    assert "\n" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["public"]
    with OutputFolder(tmp_path, publishes=False) as folder:  # a run that has nothing to do there is not refused
        folder.add("result.json", "1")
        folder.publish()
    (elsewhere / "release.json").write_text("1", encoding="utf-8")
    with pytest.raises(StorageError, match="file system"), OutputFolder(tmp_path, publishes=False):
        pytest.fail("it began, with files of an earlier run to take away")
    assert content(elsewhere) == {"badge.svg": "mine", "release.json": "1"}


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
@pytest.mark.parametrize("link", [False, True])
def test_what_is_no_folder_is_refused_before_anything_is_done_and_kept(tmp_path: Path, *, link: bool) -> None:
    place = tmp_path / "public"
    place.symlink_to(tmp_path / "absent") if link else place.write_text("mine", encoding="utf-8")
    with pytest.raises(StorageError, match="public is no folder"), OutputFolder(tmp_path):
        pytest.fail("it began")
    with OutputFolder(tmp_path, publishes=False) as folder:
        folder.add("result.json", "1")
        folder.publish()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["public", "result.json"]
    assert place.is_symlink() == link


def test_what_a_run_that_was_killed_at_once_left_in_public_goes(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    (tmp_path / "public" / ".audit7k-try-left").touch()
    write(tmp_path, SECOND)
    assert sorted(entry.name for entry in (tmp_path / "public").iterdir()) == ["groups.csv", "release.json"]


KILLED = """
import os, pathlib, signal, sys
sys.path[:0] = {path!r}
from audit.cli.outputs.output_folder import OutputFolder
at = int(sys.argv[2])
def dying(real):
    def step(*arguments, **named):
        global at
        at -= 1
        if at == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return step
pathlib.Path.replace, pathlib.Path.unlink = dying(pathlib.Path.replace), dying(pathlib.Path.unlink)
with OutputFolder(pathlib.Path(sys.argv[1])) as folder:
    for name, text in {files!r}.items():
        folder.add(name, text)
    folder.publish()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_whenever_a_run_is_killed_nobody_is_left_with_nothing(tmp_path: Path) -> None:
    program = KILLED.format(path=[str(Path(__file__).parents[2])], files=SECOND)
    seen, marked = set(), set()
    for step in range(1, 20):
        out = tmp_path / str(step)
        write(out, FIRST)
        put_mine(out)
        ended = subprocess.run([sys.executable, "-c", program, str(out), str(step)], check=False).returncode
        left = content(out)
        assert MINE.items() <= left.items()
        if ended == 0:
            assert left == SECOND | MINE
            break
        kept = {name for name in FIRST if name in SECOND} - {RELEASE}
        assert kept <= left.keys()  # what has a successor is always there, as it was or new
        assert all(text in (FIRST.get(name), SECOND.get(name), MINE.get(name)) for name, text in left.items())
        if any(left.get(name) != text for name, text in SECOND.items() if name != RELEASE):
            assert FIRST.keys() - {RELEASE} <= left.keys()  # and the rest is, until everything new is
        public = {name: text for name, text in left.items() if name.startswith("public/") and name not in MINE}
        if RELEASE in left:  # nothing of two runs lies beside a release
            assert public in (of_run(FIRST), of_run(SECOND))
        else:
            marked.add(tuple(sorted(public.items())))
        seen.add(tuple(sorted(left.items())))
        write(out, SECOND)
        assert content(out) == SECOND | MINE
    else:
        pytest.fail("it never came to an end")
    assert len(seen) >= 4
    assert len(marked) >= 3


def test_a_folder_of_public_files_alone_has_no_release_meanwhile_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"report.html": "1", "release.json": "1"}
    there: list[bool] = []
    real = Path.replace

    def looks(path: Path, target: Path) -> Path:
        if target.parent == tmp_path:
            there.append((tmp_path / "release.json").exists())
        return real(path, target)

    monkeypatch.setattr(Path, "replace", looks)
    for _ in "12":
        with OutputFolder(tmp_path, (), public=True) as folder:
            for name, text in files.items():
                folder.add(name, text)
            folder.publish()
    assert there == [False] * 4
    assert content(tmp_path) == files


def test_a_failure_leaves_the_list_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, FIRST)
    put_mine(tmp_path)
    listed = (tmp_path / ".public-files").read_text(encoding="utf-8")
    real = Path.unlink

    def fails(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == "third.txt":
            raise OSError(5, "Input/output error")
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", fails)
    with pytest.raises(StorageError):
        write(tmp_path, SECOND | {"public/CNAME": "not mine"})
    assert content(tmp_path) == FIRST | MINE
    assert (tmp_path / ".public-files").read_text(encoding="utf-8") == listed
