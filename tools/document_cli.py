"""Reference of the commands, from what `--help` prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tools.schema_page import GENERATED

INTRODUCTION = """
# Commands

What each command prints with `--help`. stdout carries the result, stderr progress and log; the exit codes have
[their own page](exit-codes.md).
"""

COLUMNS = 100


def help_of(*arguments: str) -> str:
    """Return what `audit7k ARGUMENTS --help` prints, without colours, on a terminal 100 columns wide."""
    environment = {
        **os.environ,
        "COLUMNS": str(COLUMNS),
        "TERMINAL_WIDTH": str(COLUMNS),
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    environment.pop("FORCE_COLOR", None)
    environment.pop("GITHUB_ACTIONS", None)
    command = [sys.executable, "-P", "-m", "audit", *arguments, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=60)
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).replace("python -m audit", "audit7k")
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def commands() -> list[str]:
    """Return the names of the commands, in the order of the help."""
    import typer.main

    from audit.cli.commands.app import app

    group = typer.main.get_command(app)
    return list(getattr(group, "commands", {}))


def cli_page() -> str:
    """Write the page, as Markdown."""
    blocks = [GENERATED + INTRODUCTION, f"```text\n{help_of()}\n```\n"]
    blocks += [f"## {name}\n\n```text\n{help_of(name)}\n```\n" for name in commands()]
    return "\n".join(blocks)
