"""All commands of `audit7k`. Importing this module loads typer and the standard library, and nothing else."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from audit.cli.commands.check_command import check
from audit.cli.commands.codes_command import codes
from audit.cli.commands.compare_command import compare
from audit.cli.commands.draw_command import draw
from audit.cli.commands.figure_command import figure
from audit.cli.commands.first_steps import demo, init
from audit.cli.commands.gate_command import gate
from audit.cli.commands.portal_command import portal
from audit.cli.commands.power_command import power
from audit.cli.commands.probes_command import probes
from audit.cli.commands.reference_commands import explain, schema
from audit.cli.commands.report_command import report
from audit.cli.commands.run_command import run
from audit.cli.commands.synthesise_command import synthesise
from audit.cli.console.guard import guarded, show_tracebacks


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


app = typer.Typer(
    name="audit7k",
    cls=_Commands,
    help="Audits anti-trafficking detection models for disparities by gender and nationality.",
    epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 nothing was judged, 73 folder in use, 74 another "
    "run is unfinished there, 75 storage failed, 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from audit.version import __version__

        typer.echo(f"audit7k {__version__}")
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks. They can quote data.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback ends the process
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Audits anti-trafficking detection models for disparities by gender and nationality."""
    show_tracebacks(debug)


_COMMANDS = (
    (demo, "See a whole audit of synthetic data."),
    (init, "Write a plan by looking at a data file."),
    (codes, "Show how the values of a column are read."),
    (check, "Say what a plan would judge; score nothing."),
    (power, "Say which gaps a set can decide."),
    (draw, "Draw an evaluation set from a pool."),
    (probes, "Show the texts that probes change."),
    (synthesise, "Make a synthetic world with known truth."),
    (run, "Run an audit; write result and public files."),
    (gate, "Say the verdict by the exit code."),
    (compare, "Say what changed between two audits."),
    (report, "Write reports of a result."),
    (figure, "Draw a figure for a paper."),
    (portal, "Build a static site over many audits."),
    (explain, "Explain a metric or term in plain words."),
    (schema, "Print the JSON Schema of a result or plan."),
)
for _command, _short in _COMMANDS:
    app.command(short_help=_short)(guarded(_command))
