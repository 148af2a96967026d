"""The command line of `audit7k`, with the commands that are asked for. No other is loaded: that is half of a start."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from audit.cli.console.guard import guarded, show_tracebacks
from audit.cli.console.terminal import note
from audit.errors import ExitCode

_COMMANDS: Final[dict[str, dict[str, list[str]]]] = json.loads(
    Path(__file__).with_name("commands.json").read_text(encoding="utf-8")
)
"""By panel and name: the line of help, and the module."""
NAMES: Final = tuple(name for panel in _COMMANDS.values() for name in panel)
_OPTIONS = {
    "Output": (
        "out",
        "report",
        "lang",
        "as_json",
        "quiet",
        "restricted",
        "restricted_folder",
        "new_key",
        "words",
        "history",
        "key",
    ),
    "Verdict": ("on_inconclusive", "baseline", "waivers", "only", "inputs_elsewhere", "sequential", "sample"),
    "Scoring and checks": ("sandbox", "allow_pickle", "fresh", "repeat", "cache", "changed_only", "crosscheck"),
}
"""Panels of the options of `run` and `gate`."""


class _Commands(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options before the command, with every switch off unless it is given.

        Typer loads pydantic to turn off a switch that has no value. A switch that is already off costs nothing.
        """
        parameters = super().get_params(ctx)
        for parameter in parameters:
            if getattr(parameter, "is_flag", False) and parameter.default is None:
                parameter.default = False
        return parameters

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Say what to do first where no command is given. A build that names none has no pass."""
        if not args and not ctx.resilient_parsing:
            note(Path(__file__).with_name("first_steps.txt").read_text(encoding="utf-8"))
            raise typer.Exit(ExitCode.USAGE)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - of a method of Typer
        """Write the commands in panels."""
        for panel, commands in _COMMANDS.items():
            with formatter.section(panel):
                formatter.write_dl([(name, short) for name, (short, _) in commands.items()])


class _Judging(TyperCommand):
    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then options in panels."""
        panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], **{panel: [] for panel in _OPTIONS}, "Help": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            heading = "Arguments" if parameter.param_type_name == "argument" else "Help"
            panel = next((panel for panel, names in _OPTIONS.items() if parameter.name in names), heading)
            panels[panel] += [record] if record else []
        for panel, records in panels.items():
            with formatter.section(panel):
                formatter.write_dl(records)


def _version(wanted: bool) -> None:
    if wanted:
        from audit.version import __version__

        typer.echo(f"audit7k {__version__}")
        raise typer.Exit


def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks. They can quote data.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback ends the process
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Audits anti-trafficking detection models for disparities by gender and nationality."""
    show_tracebacks(debug)


def application(names: Iterable[str]) -> typer.Typer:
    """Make the command line with these commands; its help lists all of them."""
    app = typer.Typer(
        name="audit7k",
        cls=_Commands,
        help="Audits anti-trafficking detection models for disparities by gender and nationality.",
        epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 nothing was judged, 73 folder in use, "
        "74 another run is unfinished there, 75 storage failed, 130 interrupted.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    for name in names:
        short, module = next(panel[name] for panel in _COMMANDS.values() if name in panel)
        command = getattr(import_module(f"audit.cli.commands.{module}"), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, short_help=short)
            continue
        app.command(cls=_Judging if name in {"run", "gate"} else None, short_help=short)(guarded(command))
    return app


def asked_for(arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the commands that a call may need: one, none for help, all where the first word is no command."""
    first = next((argument for argument in arguments if not argument.startswith("-")), None)
    if first in NAMES:
        return (first,)
    completing = "_AUDIT7K_COMPLETE" in os.environ
    return () if first is None and not completing else NAMES
