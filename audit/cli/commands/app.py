"""All commands of `audit7k`. Importing this module loads typer and the standard library, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from audit.cli.commands.cases_command import cases
from audit.cli.commands.check_command import check
from audit.cli.commands.codes_command import codes
from audit.cli.commands.compare_command import compare
from audit.cli.commands.draw_command import draw
from audit.cli.commands.figure_command import figure
from audit.cli.commands.first_steps import demo, init
from audit.cli.commands.gate_command import gate
from audit.cli.commands.look_command import look
from audit.cli.commands.portal_command import portal
from audit.cli.commands.power_command import power
from audit.cli.commands.probes_command import probes
from audit.cli.commands.reference_commands import explain, schema
from audit.cli.commands.report_command import report
from audit.cli.commands.run_command import run
from audit.cli.commands.synthesise_command import synthesise
from audit.cli.console.guard import guarded, show_tracebacks
from audit.cli.console.terminal import note
from audit.errors import ExitCode

_FIRST_STEPS = """\
Audits anti-trafficking detection models for disparities by gender and
nationality: who is missed or wrongly flagged more often than everyone else?

Nothing at hand yet:
  audit7k demo               see a whole audit of synthetic cases

With a file of labelled cases:
  audit7k look cases.csv …   see rates by group; no plan, no verdict
  audit7k init cases.csv     write a plan by looking at the file
  audit7k check plan.toml    say who can be judged; nothing is scored
  audit7k run plan.toml      audit; what may be published is in audit-out/public
  audit7k gate audit-out     say the verdict by the exit code

A word that you do not know:
  audit7k explain recall

All commands:              audit7k --help
Options of one of them:    audit7k run --help
"""
_OPTIONS = {
    "Output": ("out", "report", "lang", "as_json", "quiet", "restricted", "restricted_folder"),
    "Verdict": ("on_inconclusive", "baseline", "waivers", "only", "sequential", "sample"),
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
            note(_FIRST_STEPS)
            raise typer.Exit(ExitCode.USAGE)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - of a method of Typer
        """Write the commands in panels."""
        for panel, commands in _COMMANDS.items():
            with formatter.section(panel):
                formatter.write_dl([(command.__name__, short) for command, short in commands])


class _Judging(TyperCommand):
    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then options in panels."""
        panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], **{panel: [] for panel in _OPTIONS}, "Help": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            own = "Arguments" if parameter.param_type_name == "argument" else "Help"
            panel = next((panel for panel, names in _OPTIONS.items() if parameter.name in names), own)
            panels[panel] += [record] if record else []
        for panel, records in panels.items():
            with formatter.section(panel):
                formatter.write_dl(records)


app = typer.Typer(
    name="audit7k",
    cls=_Commands,
    help="Audits anti-trafficking detection models for disparities by gender and nationality.",
    epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 nothing was judged, 73 folder in use, 74 another "
    "run is unfinished there, 75 storage failed, 130 interrupted.",
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


_COMMANDS: dict[str, tuple[tuple[Callable[..., None], str], ...]] = {
    "Start": (
        (demo, "See a whole audit of synthetic data."),
        (look, "Show rates by group; no plan, no verdict."),
        (init, "Write a plan by looking at a data file."),
    ),
    "Audit": (
        (check, "Say what a plan would judge; score nothing."),
        (run, "Run an audit; write result and public files."),
        (gate, "Say the verdict by the exit code."),
        (compare, "Say what changed between two audits."),
        (cases, "List the rows behind a rate; restricted."),
    ),
    "Prepare a set": (
        (codes, "Show how the values of a column are read."),
        (power, "Say which gaps a set can decide."),
        (draw, "Draw an evaluation set from a pool."),
        (probes, "Show the texts that probes change."),
        (synthesise, "Make a synthetic world with known truth."),
    ),
    "Publish and prove": (
        (report, "Write reports of a result."),
        (figure, "Draw a figure for a paper."),
        (portal, "Build a static site over many audits."),
    ),
    "Reference": (
        (explain, "Explain a metric or term in plain words."),
        (schema, "Print the JSON Schema of a result or plan."),
    ),
}
for _command, _short in (each for panel in _COMMANDS.values() for each in panel):
    _cls = _Judging if _command in (run, gate) else None
    app.command(cls=_cls, short_help=_short)(guarded(_command))
