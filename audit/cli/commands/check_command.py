"""Command `check`: what a plan would judge, before anything is scored."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from audit.cli.commands.shared_options import PlanPath
from audit.cli.console.terminal import Style, say
from audit.stages import stages_on


def check(
    plan: PlanPath,
    every_group: Annotated[bool, typer.Option("--all", help="Name every group that is too small.")] = False,
    digest: Annotated[
        bool, typer.Option("--digest", help="Print the digest of the plan as reports do; read no data.")
    ] = False,
) -> None:
    """Read plan and data and say what would be judged, and which groups are too small. Scores nothing."""
    if digest:
        from audit.plan.file.plan_file import canonical_plan_sha256, load_plan

        say(f"{canonical_plan_sha256(load_plan(plan))}\n")
        return
    with stages_on(sys.stderr):
        from audit.cli.pages.check_summary import check_summary
        from audit.planning.check import check_plan

        report = check_plan(plan)
    say(check_summary(report, Style.of(sys.stdout), every_group=every_group))
