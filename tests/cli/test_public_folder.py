"""A release comes into `public` whole or not at all, and nothing is in it that the release did not write."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made.published import write_set

from audit.cli.outputs.output_folder import OutputFolder, write_file
from audit.errors import AuditError, ExitCode, StorageError

FIRST = {"result.json": "1", "public/release.json": "1", "public/report.html": "1", "public/third.txt": "1"}
SECOND = {"result.json": "2", "public/release.json": "2", "public/groups.csv": "2"}
RESTRICTED = {"result.json": "3"}
LIST = ".public-files"
WINDOWS = os.name == "nt"


def write(out: Path, files: dict[str, str], *, publishes: bool = True) -> None:
    with OutputFolder(out, publishes=publishes) as folder:
        for name, text in files.items():
            folder.add(name, text)
        folder.publish()


def content(out: Path) -> dict[str, str]:
    return {
        name: file.read_text(encoding="utf-8")
        for file in out.rglob("*")
        if file.is_file() and "/." not in f"/{(name := file.relative_to(out).as_posix())}"
    }


def everything(out: Path) -> dict[str, bytes | None]:
    """What lies in a folder, hidden or not: the bytes of files, and None for folders."""
    return {path.relative_to(out).as_posix(): path.read_bytes() if path.is_file() else None for path in out.rglob("*")}


def refused(out: Path, act: Callable[[], None] | None = None) -> str:
    """Try to release; return the one line of the refusal, after which everything is as it was."""
    before = everything(out)
    with pytest.raises(AuditError) as caught:
        (act or (lambda: write(out, SECOND)))()
    assert everything(out) == before
    assert caught.value.exit_code is ExitCode.NOT_JUDGED
    said = str(caught.value)
    assert "\n" not in said
    assert caught.value.hint
    return said


def test_a_release_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    for files in (FIRST, SECOND, FIRST):
        write(tmp_path, files)
        assert content(tmp_path) == files
    assert [path.name for path in tmp_path.glob(".audit7k-*")] == []


def test_a_restricted_run_takes_away_what_releases_put_there(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    (tmp_path / "public" / "CNAME").write_text("mine", encoding="utf-8")
    (tmp_path / "public" / "third.txt").write_text("edited", encoding="utf-8")
    write(tmp_path, RESTRICTED, publishes=False)
    assert content(tmp_path) == RESTRICTED | {"public/CNAME": "mine", "public/third.txt": "edited"}


def put_file(public: Path) -> None:
    (public / "metrics.txt").write_text("who", encoding="utf-8")


def put_hidden_file(public: Path) -> None:
    (public / ".metrics").write_text("who", encoding="utf-8")


def put_folder(public: Path) -> None:
    (public / "more").mkdir()


def put_link(public: Path) -> None:
    (public / "more").symlink_to(public.parent / "result.json")


def put_link_of_ours(public: Path) -> None:
    """The same bytes, but a link: what is carried out follows it."""
    (public.parent / "elsewhere").write_text("1", encoding="utf-8")
    (public / "report.html").unlink()
    (public / "report.html").symlink_to(public.parent / "elsewhere")


def put_hard_link(public: Path) -> None:
    (public / "report.html").unlink()
    os.link(public.parent / "secret", public / "report.html")


def put_change(public: Path) -> None:
    (public / "report.html").write_text("PASS", encoding="utf-8")


def put_pipe(public: Path) -> None:
    os.mkfifo(public / "pipe")


def put_marks(public: Path) -> None:
    (public / "a\x1b[31m\nb").write_text("who", encoding="utf-8")


PLANTED: dict[Callable[[Path], None], str] = {
    put_file: "metrics.txt —",
    put_hidden_file: ".metrics —",
    put_folder: "more (a folder) —",
    put_link: "more (a link) —",
    put_link_of_ours: "report.html (a link) —",
    put_hard_link: "report.html (changed since) —",
    put_change: "report.html (changed since) —",
    put_pipe: "pipe (no file) —",
    put_marks: "a?[31m?b —",
}


@pytest.mark.skipif(WINDOWS, reason="links and pipes of POSIX")
@pytest.mark.parametrize("when", ["before", "meanwhile"])
@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_what_no_release_put_there_stops_one_with_its_name(
    tmp_path: Path, plant: Callable[[Path], None], when: str
) -> None:
    write(tmp_path, FIRST)
    (tmp_path / "secret").write_text("who", encoding="utf-8")
    if when == "before":
        plant(tmp_path / "public")
        said = refused(tmp_path)
    else:
        with OutputFolder(tmp_path) as folder:
            for name, text in SECOND.items():
                folder.add(name, text)
            plant(tmp_path / "public")
            said = refused(tmp_path, folder.publish)
    assert f"public holds what no release put there: {PLANTED[plant]}" in said
    with OutputFolder(tmp_path, publishes=False):  # what releases nothing can go on
        pass


def test_many_names_are_cut_short(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    for number in range(20):
        (tmp_path / "public" / f"{number:02}").touch()
    assert "00, 01, 02, 03, 04 and 15 more" in refused(tmp_path)


def test_files_with_our_names_stop_a_release_where_none_was(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "report.html").write_text("mine", encoding="utf-8")
    (tmp_path / "public" / "release.json").write_text("{}", encoding="utf-8")
    assert "release.json, report.html" in refused(tmp_path)


def test_what_a_file_manager_leaves_stops_nothing_and_is_not_taken_over(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    (tmp_path / "public" / ".DS_Store").write_text("windows", encoding="utf-8")
    write(tmp_path, SECOND)
    assert sorted(entry.name for entry in (tmp_path / "public").iterdir()) == ["groups.csv", "release.json"]


def test_files_that_our_commands_write_there_later_are_known(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    for text in ("sealed", "countersigned"):
        write_file(tmp_path / "public" / "evidence.a7k", text, private=False)
    write(tmp_path, SECOND)
    assert content(tmp_path) == SECOND


def test_a_list_of_an_earlier_version_names_files_alone(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    (tmp_path / "public" / "evidence.a7k").write_text("sealed", encoding="utf-8")  # which no earlier list names
    (tmp_path / LIST).write_text("release.json\nreport.html\nthird.txt\n", encoding="utf-8")
    put_file(tmp_path / "public")
    assert "there: metrics.txt —" in refused(tmp_path)
    (tmp_path / "public" / "metrics.txt").unlink()
    write(tmp_path, SECOND)
    assert content(tmp_path) == SECOND


def test_a_list_that_somebody_wrote_names_nothing_outside(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with (tmp_path / LIST).open("a", encoding="utf-8") as file:
        file.write("../notes.txt\n\n.\n..\n")
    write(tmp_path, RESTRICTED, publishes=False)
    assert content(tmp_path) == RESTRICTED | {"notes.txt": "mine"}


@pytest.mark.parametrize("damaged", [b"\xff\xfe\x00", b"x" * 5000 + b"\n\x00\n"], ids=["bytes", "names"])
def test_a_damaged_list_knows_of_nothing(tmp_path: Path, damaged: bytes) -> None:
    write(tmp_path, FIRST)
    (tmp_path / LIST).write_bytes(damaged)
    assert "release.json, report.html, third.txt" in refused(tmp_path)


@pytest.mark.skipif(WINDOWS, reason="links of POSIX")
@pytest.mark.parametrize("target", ["served", "absent"])
def test_a_public_folder_that_is_a_link_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "served").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "public").symlink_to(tmp_path / target)
    assert "public is a link" in refused(out)
    assert list((tmp_path / "served").iterdir()) == []
    write(out, RESTRICTED, publishes=False)
    assert (out / "public").is_symlink()


def test_a_public_that_is_a_file_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "public").write_text("mine", encoding="utf-8")
    with pytest.raises(StorageError, match="public is no folder"), OutputFolder(tmp_path):
        pytest.fail("it began")
    assert content(tmp_path) == {"public": "mine"}


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """An output folder whose `public` is another disk."""
    out = tmp_path / "out"
    (out / "public").mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "audit7k", str(out / "public")]
    if WINDOWS or subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield out
    subprocess.run(["umount", str(out / "public")], check=True)


def test_a_public_folder_on_another_disk_is_refused_before_anything_is_done(mounted: Path) -> None:
    with pytest.raises(StorageError, match="public lies on another file system") as caught, OutputFolder(mounted):
        pytest.fail("it began")
    assert "\n" not in str(caught.value)
    assert everything(mounted) == {"public": None}
    write(mounted, RESTRICTED, publishes=False)


@pytest.mark.skipif(WINDOWS, reason="links of POSIX")
def test_an_output_folder_on_another_disk_is_none_of_our_business(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no other file system here")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        (tmp_path / "out").symlink_to(folder)
        write(tmp_path / "out", FIRST)
        write(tmp_path / "out", SECOND)
        assert content(Path(folder)) == SECOND


MODES = """
import os, pathlib, sys
os.umask(int(sys.argv[2], 8))
from audit.cli.outputs.output_folder import OutputFolder, write_file
for number in "12":
    with OutputFolder(pathlib.Path(sys.argv[1])) as folder:
        for name in ("result.json", "public/release.json", "public/report.html"):
            folder.add(name, number)
        folder.publish()
write_file(pathlib.Path(sys.argv[1], "public", "evidence.a7k"), "x", private=False)
"""


@pytest.mark.skipif(WINDOWS, reason="permissions of POSIX")
@pytest.mark.parametrize(
    ("umask", "folder", "file"),
    [("000", 0o755, 0o644), ("002", 0o755, 0o644), ("027", 0o750, 0o640), ("077", 0o700, 0o600)],
)
def test_whatever_the_umask_nobody_else_writes_and_what_is_restricted_nobody_reads(
    tmp_path: Path, umask: str, folder: int, file: int
) -> None:
    out = tmp_path / "out"
    subprocess.run([sys.executable, "-c", MODES, str(out), umask], check=True)
    modes = {path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    public = {f"out/public/{name}": file for name in ("release.json", "report.html", "evidence.a7k")}
    exact = {f"out/{name}": 0o600 for name in ("result.json", ".gitignore", LIST)}
    assert modes == {"out": 0o700, "out/public": folder, **public, **exact}


WALK = """
import os
os.umask(0)
from typer.testing import CliRunner
from audit.cli.commands.app import app
signed = ("--history", "h.a7h", "--key", "k")
for command, code in (
    (("run", "plan.toml", "--no-crosscheck", "--out", "new/deep"), 1),
    (("key", "new", "k", "--no-passphrase"), 0),
    (("register", "plan.toml", *signed), 0),
    (("run", "plan.toml", "--no-crosscheck", *signed), 1),
    (("history", "h.a7h", "--cosign", "k"), 0),
    (("seal", "new/deep", "--key", "k"), 0),
    (("report", "new/deep/public/release.json", "--format", "badge"), 0),
    (("report", "new/deep", "--format", "csv", "--out", "site/public"), 0),
    (("report", "new/deep", "--restricted", "--format", "markdown"), 0),
    (("portal", "new", "--out", "sites/portal"), 0),
    (("run", "plan.toml", "--no-crosscheck", "--restricted", "--out", "exact"), 1),
    (("synthesise", "adverts", "--rows", "300", "--out", "world"), 0),
    (("init", "cases.csv", "--out", "drafted.toml"), 0),
):
    done = CliRunner().invoke(app, list(command))
    assert done.exit_code == code, (command, done.output, done.stderr)
"""
EXACT = {"deep", "audit-out", "exact", "restricted", "releases"}


@pytest.mark.skipif(WINDOWS, reason="permissions of POSIX")
def test_without_a_umask_no_command_leaves_what_others_can_write(tmp_path: Path) -> None:
    """And nobody else reads what lies in an output folder, `public` aside."""
    write_set(tmp_path)
    before = set(tmp_path.rglob("*"))
    subprocess.run([sys.executable, "-c", WALK], check=True, cwd=tmp_path)
    left = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path not in before}
    assert len(left) > 60
    assert [path for path, mode in left.items() if mode & 0o022] == []
    exact = {path for path in left if path.parent.name in EXACT and path.name != "public"}
    assert len(exact) > 20
    assert [path for path in exact | {tmp_path / "k"} if left[path] & 0o077] == []


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
for name in ("replace", "unlink", "link", "rmdir", "fsync"):
    setattr(os, name, dying(getattr(os, name)))
with OutputFolder(pathlib.Path(sys.argv[1])) as folder:
    for name, text in {files!r}.items():
        folder.add(name, text)
    folder.publish()
"""
ROOT = Path(__file__).parents[2]


def killed_at(step: int, out: Path, files: dict[str, str]) -> bool:
    """Release in another process that is killed before its `step`-th call; whether it was."""
    program = KILLED.format(path=[str(ROOT)], files=files)
    ended = subprocess.run([sys.executable, "-c", program, str(out), str(step)], check=False).returncode
    assert ended in {0, -signal.SIGKILL}
    return ended != 0


@pytest.mark.skipif(WINDOWS, reason="signals of POSIX")
@pytest.mark.parametrize("before", [FIRST, {}], ids=["second", "first"])
def test_wherever_a_run_is_killed_one_release_is_there_whole(tmp_path: Path, before: dict[str, str]) -> None:
    outcomes = []
    for step in range(1, 60):
        out = tmp_path / str(step)
        write(out, before) if before else out.mkdir()
        was_killed = killed_at(step, out, SECOND)
        lies = {name: text for name, text in content(out).items() if name.startswith("public/")}
        assert any(
            lies == {name: text for name, text in files.items() if name.startswith("public/")}
            for files in (before, SECOND, {})
        )
        with OutputFolder(out, replaces=()):  # any command that writes here puts it right
            pass
        assert content(out) in (before, SECOND)
        assert [path.name for path in out.glob(".audit7k-*")] == []
        outcomes.append(content(out) == SECOND)
        write(out, SECOND)
        assert content(out) == SECOND
        if not was_killed:
            break
    else:
        pytest.fail("it never came to an end")
    assert outcomes == sorted(outcomes)  # first the release before, and from one step on the new one
    assert outcomes.count(False) > 8


@pytest.mark.skipif(WINDOWS, reason="signals of POSIX")
def test_a_recovery_that_is_killed_too_goes_on(tmp_path: Path) -> None:
    """The steps of a recovery come first in the next run, so that it is killed within them."""
    broken, went_through = 0, False
    for first in range(1, 40):
        for second in (1, 2, 4):
            out = tmp_path / f"{first}-{second}"
            write(out, FIRST)
            went_through = not killed_at(first, out, SECOND)
            if went_through or not list(out.glob(".audit7k-*/exchange.json")):
                break
            broken += killed_at(second, out, SECOND)
            with OutputFolder(out, replaces=()):
                pass
            assert content(out) == FIRST
        if went_through:
            break
    assert went_through
    assert broken > 20


def test_a_journal_that_names_something_outside_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "out", FIRST)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    left = tmp_path / "out" / ".audit7k-left"
    left.mkdir()
    (left / "exchange.json").write_text('{"new": ["../notes.txt", "public/.."], "before": []}', encoding="utf-8")
    write(tmp_path / "out", SECOND)
    assert content(tmp_path) == {"notes.txt": "mine", **{f"out/{name}": text for name, text in SECOND.items()}}


def test_a_failure_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, FIRST)
    before, real = everything(tmp_path), Path.replace

    def fails(path: Path, target: Path) -> Path:
        if path.name == target.name == "public" and path.parent.name != "earlier" and target.parent == tmp_path:
            raise OSError(5, "Input/output error")
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fails)
        with pytest.raises(StorageError, match="Input/output error"):
            write(tmp_path, SECOND)
    assert everything(tmp_path) == before


def test_what_was_published_can_be_taken_back(tmp_path: Path) -> None:
    for files in (SECOND, FIRST):
        before = everything(tmp_path)
        with OutputFolder(tmp_path) as folder:
            for name, text in files.items():
                folder.add(name, text)
            folder.publish()
            assert content(tmp_path) == files
            folder.take_back()
        assert everything(tmp_path) == before
        write(tmp_path, files)


def test_a_folder_of_public_files_alone_has_no_release_meanwhile(
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


def test_nothing_is_written_over_what_waits(tmp_path: Path) -> None:
    """A file that somebody put into the hidden folder under one of our names stops it."""
    with OutputFolder(tmp_path) as folder:
        (folder.staging / "public").mkdir()
        folder.place("public/release.json").write_text("planted", encoding="utf-8")
        with pytest.raises(StorageError, match="File exists"):
            folder.add("public/release.json", "1")
