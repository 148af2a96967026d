"""Panels of the picture of `power`: one for each rule and family, or one for sizes that are only planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from audit.cli.console.group_names import GroupNames
from audit.cli.pages.power_picture import Mark, Panel
from audit.vocabulary.metrics import METRICS

if TYPE_CHECKING:
    from audit.cli.pages.power_flags import PowerFlags
    from audit.planning.planned_cases import Answer
    from audit.planning.power import PowerReport, RulePower

_SIZES: Final = 14


def set_panels(report: PowerReport) -> list[Panel]:
    """Make a panel for each rule, family and side."""
    names = GroupNames(report.features)
    return [
        Panel(
            heading=f"{rule.rule.id}: {METRICS[rule.rule.metric].plain}{_of_side(rule, side)}",
            what=names.family(family.family),
            scale=rule.rule.scale,
            limit=rule.rule.limit,
            marks=tuple(
                Mark(
                    names.name(group.group),
                    group.cases,
                    group.fails_from[place].disparity,
                    group.passes_at[place].disparity,
                )
                for group in family.groups
                if group.cases
            ),
        )
        for rule in report.rules
        for family in rule.families
        for place, side in enumerate(rule.sides)
    ]


def _of_side(rule: RulePower, side: str) -> str:
    if len(rule.sides) == 1:
        return ""
    return ", rates below the rest" if side == "low" else ", rates above the rest"


def cases_panels(asked: PowerFlags, answers: Sequence[Answer]) -> list[Panel]:
    """Make one panel with groups of several sizes, up to somewhat more than is needed."""
    needed = [answer.cases for answer in answers if answer.cases is not None]
    last = max([2 * max(needed, default=0), 100])
    sizes = sorted({round(5 * (last / 5) ** (step / (_SIZES - 1))) for step in range(_SIZES)})
    return [
        Panel(
            heading=f"{asked.metric.name}: {asked.metric.plain}",
            what=f"{asked.asked.groups:,} groups of one size, by size",
            scale=asked.asked.limit.scale,
            limit=asked.asked.limit.limit,
            marks=tuple(Mark(f"{size:,} cases", size, *asked.asked.decidable_with(size)) for size in sizes),
        )
    ]
