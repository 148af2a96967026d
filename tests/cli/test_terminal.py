"""Colour only where it is wanted, shapes that the encoding has, and pipes that may close."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from audit.cli.console.terminal import State, Style, colour_wanted

STATES: tuple[State, ...] = ("pass", "fail", "inconclusive", "not_evaluable", "as_part")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "xterm"}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_who_decides_on_colour(environ: dict[str, str], terminal: bool, colour: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert colour_wanted(stream, environ) is colour


@pytest.mark.parametrize("unicode", [True, False])
def test_every_state_has_a_shape_of_its_own(unicode: bool) -> None:
    style = Style(unicode=unicode)
    shapes = [style.shape(state) for state in STATES]
    assert len(set(shapes)) == len(STATES)
    assert unicode or "".join(shapes).isascii()


def test_paint_adds_colour_and_nothing_else() -> None:
    for state in STATES:
        assert Style(colour=False).paint("word", state) == "word"
        painted = Style(colour=True).paint("word", state)
        assert painted.startswith("\x1b[")
        assert painted.endswith("word\x1b[0m")


def run(program: str, **kwargs: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=240, env=kwargs or None
    )


def test_a_stream_that_is_not_unicode_gets_what_it_can_show() -> None:
    program = (
        "import sys; from audit.cli.console.terminal import say, Style\n"
        "style = Style.of(sys.stdout); say(style.shape('fail') + ' café 国')"
    )
    done = run(program, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (0, b"x caf? ?\n")
    assert run(program, PYTHONIOENCODING="utf-8").stdout == "✗ café 国\n".encode()


def test_a_document_is_utf_8_whatever_the_terminal() -> None:
    done = run("from audit.cli.console.terminal import say_document; say_document('é国\\n')", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (0, "é国\n".encode())


@pytest.mark.parametrize("function", ["say", "say_document"])
def test_a_reader_that_has_gone_away_is_no_error(function: str) -> None:
    program = (
        f"import sys; from audit.cli.console.terminal import {function}\n"
        f"sys.stdin.readline(); {function}('x' * 1_000_000); {function}('again'); sys.exit(3)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, complaint = process.communicate(b"go\n", timeout=240)
    assert (process.returncode, complaint) == (3, b"")
