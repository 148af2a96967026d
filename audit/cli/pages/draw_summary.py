"""Page of `audit7k draw`: what was drawn, which cells fell short, and what that means for verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from audit.cli.console.group_names import GroupNames, fit
from audit.cli.console.terminal import Style
from audit.cli.pages.summary_lines import held_back_line, planned_pass_lines
from audit.planning.sample_design import NEAREST
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.numbers import percent
from audit.vocabulary.text import count_of, printable

if TYPE_CHECKING:
    from audit.planning.draw import CellDraw, DrawReport, GroupStanding
    from audit.planning.sample_design import QuotaGap

MOST_SHOWN: Final = 10
"""Most cells, and groups of each family, that are named, unless all are asked for."""
_NAME: Final = 38
_LARGE_SHARE: Final = 0.05


def draw_summary(report: DrawReport, style: Style, *, every_cell: bool = False) -> str:
    """Write the page; `every_cell` names every cell and group that falls short."""
    names = GroupNames(report.features)
    lines = [*_head(report, style), *_notes(report, names), "", *_short_lines(report, names, style, every_cell)]
    for rule, standings in groupby(report.standings(), key=lambda standing: standing.rule):
        title = f"{rule.id}: {rule.rate.plain}, {rule.scale} {rule.limit:g} from the rest"
        lines += ["", style.paint(title, "strong")]
        for _, of_family in groupby(standings, key=lambda standing: standing.family):
            lines += _family_lines(tuple(of_family), names, every_cell)
    if report.check is not None and report.check.planned_pass is not None:
        lines += ["", *planned_pass_lines(report.check.planned_pass, names)]
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


def _notes(report: DrawReport, names: GroupNames) -> list[str]:
    lines = _size_lines(report)
    if report.unlabelled:
        left = count_of(report.unlabelled, "row")
        lines.append(f"  {left} without a label: not drawn, and not in what the weights stand for")
    if report.spent:
        lines.append(f"  {count_of(report.spent, 'row')} asked in earlier challenges: not drawn again")
    if report.spent and report.drawn_sha256 is not None:
        lines.append(f"  After this one the pool holds {count_of(report.draws_left, 'more such set')}")
    lines += _copy_lines(report)
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
    lines += [_gap_line(gap, report, names) for gap in report.gaps]
    return lines


def _size_lines(report: DrawReport) -> list[str]:
    """Say why the set has another size than was asked."""
    wanted_size = report.design.draw.size
    if wanted_size is None or report.drawn == wanted_size:
        return []
    if report.drawn < wanted_size and report.drawn == sum(cell.distinct for cell in report.cells):
        why = "the pool has no more that can be drawn"
    elif report.largest_unit > 1:
        why = "units are drawn whole, and bring rows of other cells along"
    elif report.share is not None and report.share <= NEAREST:
        why = "more would help no group of the rules"
    else:
        why = "the nearest at which all groups can pass at the same share of each rule's limit"
    return [f"  {count_of(wanted_size, 'row')} were asked for: {why}"]


def _gap_line(gap: QuotaGap, report: DrawReport, names: GroupNames) -> str:
    quota = gap.quota
    named = printable(", ".join([*quota.of.values(), *([quota.label] if quota.label else [])]) or "every cell")
    if gap.lacking == gap.cells:
        return f"  No case in the pool for the quota of {quota.cases:,}: {named}"
    line = f"  Quota of {quota.cases:,} ({named}): no case in the pool for {gap.lacking:,} of its {gap.cells:,} cells"
    if gap.lacking > len(gap.named):
        return line
    cells = (f"{names.name(_group(report, codes))}, {_label(positive)}" for codes, positive in gap.named)
    return f"{line}: {'; '.join(cells)}"


def _copy_lines(report: DrawReport) -> list[str]:
    copies = report.copies
    if copies is None:
        return []
    sets = f"{count_of(copies.sets, 'set')} of copies"
    if report.design.together:
        lines = [f"  {sets} ({count_of(copies.rows, 'row')}): each drawn whole or not at all"]
        if copies.joined_clusters:
            lines.append(f"  {copies.joined_clusters:,} clusters share copies with others and are drawn with them")
    else:
        lines = [f"  {sets}: one row kept of each, {count_of(copies.rows - copies.sets, 'row')} left out"]
    if copies.labels_differ:
        lines.append(f"  Sets of copies with different labels: {copies.labels_differ:,}. Have them looked at.")
    return lines


def _short_lines(report: DrawReport, names: GroupNames, style: Style, every_cell: bool) -> list[str]:
    lines: list[str] = []
    if short := sorted(report.short, key=lambda cell: (cell.distinct - cell.asked, cell.number)):
        they = "it has" if len(short) == 1 else "they have"
        title = f"{_cells(len(short))} fewer cases than asked; all that {they} can be drawn"
        rows = [_cell_line(cell, report, names, cell.distinct, _why(cell)) for cell in short]
        lines += _table(style.paint(title, "strong"), "can be drawn", rows, every_cell)
    if unlucky := sorted(report.unlucky, key=lambda cell: ((cell.drawn or 0) - cell.asked, cell.number)):
        title = (
            f"{_cells(len(unlucky))} fewer cases than asked in this draw: drawn whole, sizes are right on average only"
        )
        rows = [
            _cell_line(short_cell, report, names, short_cell.drawn or 0, f"{short_cell.expected:,.1f} to expect")
            for short_cell in unlucky
        ]
        lines += [*([""] if lines else []), *_table(style.paint(title, "strong"), "drawn", rows, every_cell)]
    if lines:
        return lines
    average = ", on average" if report.largest_unit > 1 and report.drawn_sha256 is None else ""
    return [style.paint(f"Every cell has what was asked of it{average}", "strong")]


def _cells(count: int) -> str:
    return f"{count:,} cell{' has' if count == 1 else 's have'}"


def _table(title: str, column: str, rows: Sequence[str], every_cell: bool) -> list[str]:
    shown = rows if every_cell else rows[:MOST_SHOWN]
    lines = [title, f"  {'':{_NAME + 12}}{'asked':>8}{column:>14}", *shown]
    if len(rows) > len(shown):
        lines.append(f"  and {len(rows) - len(shown):,} more (--all names them)")
    return lines


def _cell_line(cell: CellDraw, report: DrawReport, names: GroupNames, drawn: int, why: str) -> str:
    name = fit(names.name_within(_group(report, cell.codes), _NAME), _NAME)
    return f"  {name}{_label(cell.positive):>12}{cell.asked:>8,}{drawn:>14,}  {why}"


def _group(report: DrawReport, codes: Sequence[str]) -> Group:
    return Group(
        tuple(Level(feature.name, feature.rungs[0], code) for feature, code in zip(report.features, codes, strict=True))
    )


def _label(positive: bool) -> str:
    return "positive" if positive else "negative"


def _why(cell: CellDraw) -> str:
    if cell.why == "copies_left_out":
        return "others are copies of rows kept"
    return "the pool has no more" if cell.distinct == cell.pool else f"of {cell.pool:,} in the pool; others are copies"


def _family_lines(standings: Sequence[GroupStanding], names: GroupNames, every_cell: bool) -> list[str]:
    alone = sum(standing.decidable for standing in standings)
    short = sorted(
        (shown_standing for shown_standing in standings if not shown_standing.decidable),
        key=lambda shown_standing: (-shown_standing.cases, str(shown_standing.group)),
    )
    lines = [
        f"  {names.family(standings[0].family)}: {alone:,} of {len(standings):,} groups can be judged alone"
        + (f" ({percent(alone / len(standings))})" if short and len(standings) > MOST_SHOWN else "")
    ]
    if withheld := sum(standing.held_back for standing in standings):
        lines.append(f"    {held_back_line(withheld, alone)}")
    shown = short if every_cell else short[:MOST_SHOWN]
    lines += [
        f"    {fit(names.name_within(shown_standing.group, 30), 30)} {_standing_words(shown_standing, names)}"
        for shown_standing in shown
    ]
    if len(short) > len(shown):
        lines.append(f"    and {len(short) - len(shown):,} more that cannot (--all names them)")
    return lines


def _standing_words(standing: GroupStanding, names: GroupNames) -> str:
    cases = f"{standing.cases:>7,} case{' ' if standing.cases == 1 else 's'}: "
    if not standing.pool:
        needs = "the pool has none"
    elif standing.required is None:
        needs = "no number of cases would do"
    elif standing.pool < standing.required:
        needs = f"{standing.required:,} wanted, the pool has {standing.pool:,}"
    else:
        needs = f"{standing.required:,} wanted; the pool has {standing.pool:,}, so ask for more"
    part = f"; only as part of {names.name_within(standing.judged_as, 30)}" if standing.judged_as else ""
    return cases + needs + part
