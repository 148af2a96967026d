"""Reference of the commands, from what `--help` prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

from tools.schema_page import GENERATED

INTRODUCTION = """
# Commands

What each command prints with `--help`. stdout carries the result, stderr progress and log; the exit codes have
[their own page](exit-codes.md).
"""

COLUMNS = 100
PROGRAM = """
import json, sys
from audit.cli.commands.app import app
for arguments in json.loads(sys.argv[1]):
    app([*arguments, "--help"], prog_name="python -m audit", standalone_mode=False)
    print(end="\\f\\n")
"""


def help_of(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return what `audit7k ARGUMENTS --help` prints for each line of arguments, on a terminal 100 columns wide.

    One process of its own prints all of them, since the width and the colours are settled when the program is loaded.
    """
    environment = {
        **os.environ,
        "COLUMNS": str(COLUMNS),
        "TERMINAL_WIDTH": str(COLUMNS),
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    environment.pop("FORCE_COLOR", None)
    environment.pop("GITHUB_ACTIONS", None)
    command = [sys.executable, "-P", "-c", PROGRAM, json.dumps(lines)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=60)
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).replace("python -m audit", "audit7k")
    helps = text.split("\f\n")[: len(lines)]
    return ["\n".join(line.rstrip() for line in help_text.strip().splitlines()) for help_text in helps]


def commands() -> list[tuple[str, ...]]:
    """Return the words of each command, in the order of the help; those of a group follow it."""
    import typer.main

    from audit.cli.commands.app import app

    def within(command: object, *words: str) -> Iterator[tuple[str, ...]]:
        for name, inner in getattr(command, "commands", {}).items():
            yield (*words, name)
            yield from within(inner, *words, name)

    return list(within(typer.main.get_command(app)))


def cli_page() -> str:
    """Write the page, as Markdown."""
    names = commands()
    general, *of_commands = help_of([[], *names])
    blocks = [GENERATED + INTRODUCTION, f"```text\n{general}\n```\n"]
    blocks += [
        f"## {' '.join(words)}\n\n```text\n{text}\n```\n" for words, text in zip(names, of_commands, strict=True)
    ]
    return "\n".join(blocks)
