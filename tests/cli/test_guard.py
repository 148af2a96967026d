"""Whatever is raised in a command: one line, a code that is no verdict, and never the text of an unknown error."""

from __future__ import annotations

import gc
import io
import os
import signal
import subprocess
import sys
import weakref
from contextlib import suppress

import pytest
import typer

from audit.cli.console.guard import InterruptibleProgress, guarded, show_tracebacks
from audit.errors import ArgumentError, AuditError, DataError, ExitCode, StorageError
from audit.scoring.progress import LineProgress


def outcome(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    @guarded
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as caught:
        command()
    seen = capsys.readouterr()
    assert seen.out == ""
    return caught.value.exit_code, seen.err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (AuditError("what", slug="s", hint="do"), 4, "error: what — do\n"),
        (AuditError("two\nlines \x1b[2J", slug="s"), 4, "error: two lines ?[2J\n"),
        (DataError("row 3", slug="s"), 4, "error: row 3\n"),
        (StorageError("full", slug="s"), 75, "error: full\n"),
        (ArgumentError("name", slug="s"), 2, "error: name\n"),
        (KeyboardInterrupt(), 130, "interrupted: nothing was judged\n"),
        (typer.Abort(), 130, "interrupted: nothing was judged\n"),
        (EOFError(), 130, "interrupted: nothing was judged\n"),
        (OSError(28, "SECRET", "SECRET"), 75, None),
        (OSError("SECRET"), 75, None),
        (PermissionError(13, "SECRET", "SECRET"), 75, None),
        (BrokenPipeError(32, "SECRET"), 75, ""),
        (
            RuntimeError("Symlink loop from 'SECRET'"),
            4,
            "error: a path leads by links to itself — name the file or folder itself\n",
        ),
        (MemoryError("SECRET"), 4, "error: not enough memory; nothing was judged\n"),
        (RecursionError("SECRET"), 4, None),
        (ValueError("SECRET"), 4, None),
        (UnicodeDecodeError("utf-8", b"SECRET", 0, 1, "SECRET"), 4, None),
    ],
)
def test_every_error_ends_in_one_line_and_a_code(
    error: BaseException, code: int, line: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, said = outcome(error, capsys)
    assert ended == code
    assert "SECRET" not in said
    if line is None:
        assert said.count("\n") == 1
        assert said.endswith("\n")
    else:
        assert said == line


def test_an_unknown_error_is_named_by_its_type_and_says_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(ValueError("SECRET"), capsys) == (
        ExitCode.NOT_JUDGED,
        "internal error (ValueError); nothing was judged — run again as `audit7k --debug …`\n",
    )


def test_debug_shows_the_traceback_and_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_tracebacks(True)
    try:
        _, said = outcome(ValueError("the reason"), capsys)
    finally:
        show_tracebacks(False)
    assert "Traceback (most recent call last)" in said
    assert "ValueError: the reason" in said
    assert said.splitlines()[-1].startswith("internal error (ValueError)")


@pytest.mark.parametrize("error", [typer.Exit(3), typer.BadParameter("x"), SystemExit(7)])
def test_exits_and_usage_pass_through(error: BaseException) -> None:
    @guarded
    def command() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        command()
    assert caught.value is error


def test_a_command_that_ends_well_ends_silently(capsys: pytest.CaptureFixture[str]) -> None:
    done = []
    guarded(lambda: done.append(1))()
    assert done == [1]
    assert capsys.readouterr() == ("", "")


def test_a_stderr_that_is_closed_changes_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "gone")

    monkeypatch.setattr(sys, "stderr", Closed())

    @guarded
    def command() -> None:
        raise AuditError("x", slug="s")

    with pytest.raises(typer.Exit) as caught:
        command()
    assert caught.value.exit_code == ExitCode.NOT_JUDGED


def test_what_other_packages_warn_of_or_log_is_not_shown() -> None:
    program = (
        "import logging, warnings\n"
        "from audit.cli.console.guard import guarded\n"
        "def command() -> None:\n"
        "    warnings.warn('SECRET cell')\n"
        "    logging.getLogger('third.party').error('SECRET cell')\n"
        "guarded(command)()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=240)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_an_interrupt_ends_with_130_and_one_line() -> None:
    program = (
        "import sys, time, typer; import audit.cli.commands.application as application\n"
        "from audit.cli.console.guard import guarded\n"
        "def wait() -> None:\n"
        "    print('ready', flush=True)\n"
        "    while True: time.sleep(0.05)\n"  # one that comes just before a sleep is seen after it
        "app = typer.Typer(); app.command()(guarded(wait)); application.application = lambda names: app\n"
        "sys.argv = ['audit7k']\n"
        "from audit.cli import main; main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=240)
    assert (process.returncode, said) == (ExitCode.INTERRUPTED, "interrupted: nothing was judged\n")


def test_what_a_command_held_is_let_go_at_once_after_an_error_alone() -> None:
    """Freeing a result piece by piece takes time; a connection that broke removes its files as it is freed."""

    class Held:
        pass

    kept = []

    @guarded
    def command(error: type[Exception]) -> None:
        held = Held()
        kept.append(weakref.ref(held))
        raise error

    gc.disable()  # it would free what is held when it comes
    try:
        for error in (typer.Exit, ValueError):
            with suppress(typer.Exit):
                command(error)
        assert kept[0]() is not None
        assert kept[1]() is None
    finally:
        gc.enable()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_run_takes_signals_only_while_rows_are_scored_and_only_those_that_are_not_ignored() -> None:
    shown = io.StringIO()
    progress = InterruptibleProgress(LineProgress(shown))
    hangup = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    try:
        progress.begin(10)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert not progress.stop_asked()
        os.kill(os.getpid(), signal.SIGTERM)
        assert progress.stop_asked()
        assert shown.getvalue() == "stopping after this batch; once more to stop at once\n"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        progress.end()
        after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        signal.signal(signal.SIGHUP, hangup)
    assert after == before
