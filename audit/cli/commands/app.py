"""All commands of `audit7k`, for documents and tests. Importing this loads typer and the standard library alone."""

from __future__ import annotations

from audit.cli.commands.application import NAMES, application

app = application(NAMES)
