"""What `audit7k draw` prints: what was drawn, which cells fell short, and what that means for verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from audit.cli.group_names import GroupNames, fit, printable
from audit.cli.terminal import Style
from audit.groups import Group, Level
from audit.metrics import METRICS
from audit.percentages import percent

if TYPE_CHECKING:
    from audit.draw import CellDraw, DrawReport, GroupStanding

__all__ = ["MOST_SHOWN", "draw_summary"]

MOST_SHOWN: Final = 10
"""Cells, and groups of each family, that are named, unless all are asked for."""
_WHY: Final = {
    "pool_has_no_more": "the pool has no more",
    "copies_left_out": "others are copies of rows kept",
    "whole_units": "drawn whole",
}
_NAME: Final = 38
_LARGE_SHARE: Final = 0.05


def draw_summary(report: DrawReport, style: Style, *, every_cell: bool = False) -> str:
    """The page; `every_cell` names every cell and group that falls short."""
    names = GroupNames(report.features)
    lines = [*_head(report, style), *_notes(report), "", *_short(report, names, style, every_cell)]
    for rule, standings in groupby(report.standings(), key=lambda standing: standing.rule):
        scale = "difference" if rule.scale == "difference" else "ratio"
        title = f"{rule.id}: {METRICS[rule.metric].plain}, {scale} {rule.limit:g} from the rest"
        lines += ["", style.paint(title, "strong")]
        for _, of_family in groupby(standings, key=lambda standing: standing.family):
            lines += _family(tuple(of_family), names, every_cell)
    if report.check is None and report.design.rules:
        lines += ["", "As planned. Of the set that is drawn, `audit7k check` tells exactly."]
    lines += ["", "Restricted: exact counts can single out people; not for publication."]
    return "\n".join(lines) + "\n"


def _head(report: DrawReport, style: Style) -> list[str]:
    dry = report.drawn_sha256 is None
    done = "To be drawn from" if dry else "Drawn from"
    about = "about " if report.largest_unit > 1 and dry else ""
    rows = f"{about}{report.drawn:,} of {report.pool_rows:,} rows"
    return [
        style.paint(f"{done} {printable(report.pool_name)}: {rows}, seed {report.design.draw.seed}", "strong"),
        f"  {len(report.cells):,} cells: a level of {', '.join(report.design.groups)}, with a label",
    ]


def _notes(report: DrawReport) -> list[str]:
    lines = []
    if report.unlabelled:
        lines.append(f"  {_rows(report.unlabelled)} without a label: not drawn, and not in what the weights stand for")
    lines += _copies(report)
    if report.largest_unit > 1:
        lines.append(f"  Drawn whole, up to {report.largest_unit:,} rows at a time: sizes are right on average only")
    if report.largest_unit > max(_LARGE_SHARE * report.pool_rows, 1):
        share = percent(report.largest_unit / report.pool_rows)
        lines.append(f"  One unit has {share} of all rows: what the set shows hangs on whether it is drawn")
    if report.columns_left_out:
        lines.append(f"  {report.columns_left_out:,} columns without a name, or of lists or objects, are not written")
    if report.share is not None:
        lines.append(
            f"  Planned so that groups with enough cases can pass at {report.share:.2f} times each rule's limit"
        )
    if report.rules_take is not None:
        lines.append(
            f"  The rules' own limits take {report.rules_take:,} rows (leave out `size` to draw what they take)"
        )
    for level in report.absent_levels:
        words = f"{level.feature.replace('_', ' ')} {printable(level.code)}"
        lines.append(f"  No case in the pool of {words}, which the design expects: no rule passes without it")
    for quota in report.absent:
        named = ", ".join([*quota.of.values(), *([quota.label] if quota.label else [])])
        lines.append(f"  No case in the pool for the quota of {quota.cases:,}: {printable(named)}")
    return lines


def _copies(report: DrawReport) -> list[str]:
    copies = report.copies
    if copies is None:
        return []
    sets = f"{copies.sets:,} set{'' if copies.sets == 1 else 's'} of copies"
    if report.design.together:
        lines = [f"  {sets} ({_rows(copies.rows)}): each drawn whole or not at all"]
        if copies.joined_clusters:
            lines.append(f"  {copies.joined_clusters:,} clusters share copies with others and are drawn with them")
    else:
        lines = [f"  {sets}: one row kept of each, {_rows(copies.rows - copies.sets)} left out"]
    if copies.labels_differ:
        lines.append(f"  Sets of copies with different labels: {copies.labels_differ:,}. Have them looked at.")
    return lines


def _short(report: DrawReport, names: GroupNames, style: Style, every_cell: bool) -> list[str]:
    short = sorted(report.short, key=lambda cell: (cell.distinct - cell.asked, cell.number))
    if not short:
        return [style.paint("Every cell has what was asked of it", "strong")]
    shown = short if every_cell else short[:MOST_SHOWN]
    count = f"{len(short):,} cell{' has' if len(short) == 1 else 's have'} fewer cases than asked"
    lines = [style.paint(f"{count}; all that {'it has' if len(short) == 1 else 'they have'} can be drawn", "strong")]
    lines.append(f"  {'':{_NAME + 12}}{'asked':>8}{'can be drawn':>14}")
    lines += [_cell(cell, report, names) for cell in shown]
    if len(short) > len(shown):
        lines.append(f"  and {len(short) - len(shown):,} more (--all names them)")
    return lines


def _cell(cell: CellDraw, report: DrawReport, names: GroupNames) -> str:
    levels = [
        Level(feature.name, feature.rungs[0], code) for feature, code in zip(report.features, cell.codes, strict=True)
    ]
    name = fit(names.name_within(Group(tuple(levels)), _NAME), _NAME)
    label = "positive" if cell.positive else "negative"
    return f"  {name}{label:>12}{cell.asked:>8,}{cell.distinct:>14,}  {_WHY[cell.why or 'pool_has_no_more']}"


def _family(standings: Sequence[GroupStanding], names: GroupNames, every_cell: bool) -> list[str]:
    alone = sum(standing.decidable for standing in standings)
    short = sorted((one for one in standings if not one.decidable), key=lambda one: (-one.cases, str(one.group)))
    lines = [
        f"  {names.family(standings[0].family)}: {alone:,} of {len(standings):,} groups can be judged alone"
        + (f" ({percent(alone / len(standings))})" if short and len(standings) > MOST_SHOWN else "")
    ]
    shown = short if every_cell else short[:MOST_SHOWN]
    lines += [f"    {fit(names.name_within(one.group, 30), 30)} {_standing(one, names)}" for one in shown]
    if len(short) > len(shown):
        lines.append(f"    and {len(short) - len(shown):,} more that cannot (--all names them)")
    return lines


def _standing(one: GroupStanding, names: GroupNames) -> str:
    cases = f"{one.cases:>7,} case{' ' if one.cases == 1 else 's'}: "
    if one.required is None:
        needs = "no number of cases would do"
    elif one.pool < one.required:
        needs = f"{one.required:,} wanted, the pool has {one.pool:,}"
    else:
        needs = f"{one.required:,} wanted; the pool has {one.pool:,}, so ask for more"
    part = f"; only as part of {names.name_within(one.judged_as, 30)}" if one.judged_as else ""
    return cases + needs + part


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
