"""Command `power`: what a set can decide, or without a set how many cases are needed. It scores nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from audit.cli.commands.shared_options import OneDocument
from audit.cli.console.terminal import Style, note, say, say_document
from audit.errors import ArgumentError
from audit.stages import stages_on

if TYPE_CHECKING:
    from audit.cli.pages.power_picture import Panel


def power(  # noqa: PLR0913, PLR0917 - a parameter for each option
    plan: Annotated[Path | None, typer.Argument(help="The plan file (TOML). Without one, give --metric.")] = None,
    metric: Annotated[str | None, typer.Option(metavar="NAME", help="The rate that will be limited.")] = None,
    rate: Annotated[float | None, typer.Option(help="The rate expected of everyone.  [the metric's]")] = None,
    margin: Annotated[float | None, typer.Option(help="The limit, as a difference in shares.")] = None,
    ratio: Annotated[float | None, typer.Option(help="The limit, as a ratio.")] = None,
    gap: Annotated[float | None, typer.Option(help="A gap that should be named, on the scale of the limit.")] = None,
    groups: Annotated[int | None, typer.Option(help="Groups of the same size.  [2]", show_default=False)] = None,
    rest: Annotated[int | None, typer.Option(help="Cases of everyone else.  [the other groups]")] = None,
    alpha: Annotated[float | None, typer.Option(help="As in a plan.  [0.05]")] = None,
    power_: Annotated[float | None, typer.Option("--power", help="The probability wanted.  [0.8]")] = None,
    prevalence: Annotated[float | None, typer.Option(help="Share of rows labelled positive: adds rows.")] = None,
    route: Annotated[str | None, typer.Option(help="Where flags go, as in a plan.  [services]")] = None,
    every_group: Annotated[bool, typer.Option("--all", help="Name every group, not the worst placed ten.")] = False,
    as_json: OneDocument = False,
    picture: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it as SVG.", show_default=False)] = None,
) -> None:
    """Say which gaps a set can decide, or how many cases a verdict needs. Scores nothing.

    With a plan: for every rule and group the smallest gap that would be named (FAIL), and the smallest margin at which
    an equal group would pass, with the plan's power. With --metric and no plan: cases that each group needs.
    """
    flag_values = {
        "--metric": metric,
        "--rate": rate,
        "--margin": margin,
        "--ratio": ratio,
        "--gap": gap,
        "--groups": groups,
        "--rest": rest,
        "--alpha": alpha,
        "--power": power_,
        "--prevalence": prevalence,
        "--route": route,
    }
    flags = {name: value for name, value in flag_values.items() if value is not None}
    if plan is None:
        answer = _answer_without_plan(flags)
    elif flags:
        said_twice = ", ".join(flags)
        raise ArgumentError(f"the plan says these itself: leave out {said_twice}", slug="power-arguments")
    else:
        answer = _answer_for_plan(plan, every_group=every_group)
    if picture is not None:
        from audit.cli.outputs.output_folder import write_file
        from audit.cli.pages.power_picture import draw_picture

        write_file(picture, draw_picture(answer.panels(), restricted=plan is not None))
        note(f"Picture: {picture}")
    if as_json:
        say_document(answer.document())
    else:
        say(answer.text())


class _Answer(NamedTuple):
    """Makers of each form of an answer, called when it is asked for: that of a large set takes seconds."""

    text: Callable[[], str]
    document: Callable[[], str]
    panels: Callable[[], list[Panel]]


def _answer_for_plan(plan: Path, *, every_group: bool) -> _Answer:
    with stages_on(sys.stderr):
        from audit.cli.pages.power_document import set_document
        from audit.cli.pages.power_picture import set_panels
        from audit.cli.pages.power_summary import power_summary
        from audit.planning.power import plan_power

        report = plan_power(plan)
    text = partial(power_summary, report, Style.of(sys.stdout), every_group=every_group)
    return _Answer(text, partial(set_document, report), partial(set_panels, report))


def _answer_without_plan(flags: Mapping[str, object]) -> _Answer:
    from audit.cli.pages.power_document import cases_document
    from audit.cli.pages.power_flags import read_power_flags
    from audit.cli.pages.power_picture import cases_panels
    from audit.cli.pages.power_summary import cases_summary

    flags_read = read_power_flags(flags)
    answered = flags_read, flags_read.answers()
    return _Answer(
        partial(cases_summary, *answered), partial(cases_document, *answered), partial(cases_panels, *answered)
    )
