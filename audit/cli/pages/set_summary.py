"""Part of the page of `audit7k check` about the set itself."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Final

from audit.cli.console.group_names import GroupNames
from audit.cli.console.terminal import State, Style
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.numbers import percent
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from audit.planning.set_review import EmptyCells, OneLabel, RevealingColumn, SetReview

MOST_NAMED: Final = 3
WIDTH: Final = 80
_MOST_LINES: Final = 8


def set_summary(review: SetReview, names: GroupNames, style: Style) -> list[str]:
    """Write the lines; those that could make every verdict meaningless first."""
    lines = [_revealing_line(one, style) for one in review.revealed_by[:_MOST_LINES]]
    lines += [line for one in review.one_label for line in _one_label_lines(one, names, style)]
    lines += [_empty_line(one, names, style) for one in review.empty_cells[:_MOST_LINES]]
    lines += _repeat_lines(review, style)
    hidden = len(review.revealed_by[_MOST_LINES:]) + len(review.empty_cells[_MOST_LINES:])
    if hidden:
        lines.append(f"and {hidden:,} more of these")
    if review.left_out:
        count = f"{len(review.left_out):,} column{'' if len(review.left_out) == 1 else 's'}"
        lines.append(f"Not looked at: {count} ({_quoted(review.left_out)})")
    folded = [part for line in lines for part in wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ")]
    return [style.paint("The set itself", "strong"), *(folded or ["  Nothing conspicuous was found in its columns"])]


def _revealing_line(one: RevealingColumn, style: Style) -> str:
    given = ", and the detector is given it" if one.given else ""
    auc = percent(one.auc)
    if one.kind == "leak":
        text = f'"{printable(one.column)}" is as good as the label (AUC {auc}){given}: it may be a copy of the answer'
        return _line(text, "fail" if one.given else "inconclusive", style)
    text = f'"{printable(one.column)}" and the label go together (AUC {auc}){given}: one can be learned for the other'
    return _line(text, "inconclusive", style)


def _one_label_lines(one: OneLabel, names: GroupNames, style: Style) -> list[str]:
    family = names.family(one.family)
    kinds = ((one.without_cases, "no case of exploitation"), (one.without_others, "nothing but exploitation"))
    return [
        _line(f"{family}: {len(groups):,} with {what}: {_named(groups, names)}", "inconclusive", style)
        for groups, what in kinds
        if groups
    ]


def _empty_line(one: EmptyCells, names: GroupNames, style: Style) -> str:
    what = "The label" if one.column is None else f'"{printable(one.column)}"'
    ends = [
        f"{percent(missing / rows)} of {names.name_within(_group(one.feature, code, names), 30)}"
        for code, missing, rows in (one.most, one.least)
    ]
    return _line(f"{what} is empty in {ends[0]} and in {ends[1]}", "inconclusive", style)


def _group(feature: str, code: str, names: GroupNames) -> Group:
    return Group((Level(feature, names.finest_rung(feature), code),))


def _repeat_lines(review: SetReview, style: Style) -> list[str]:
    found = review.repeats
    if found is None:
        return []
    across = f"; {found.across_clusters:,} of them in other clusters" if found.across_clusters else ""
    sets = "1 set of equal rows has" if found.contradicted == 1 else f"{found.contradicted:,} sets of equal rows have"
    both = f"; {sets} both labels" if found.contradicted else ""
    repeat = "1 row repeats" if found.rows == 1 else f"{found.rows:,} rows repeat"
    text = f"{repeat} another in {_quoted(review.compared)}{across}{both}"
    return [_line(text, "inconclusive", style)]


def _named(groups: tuple[Group, ...], names: GroupNames) -> str:
    more = f" and {len(groups) - MOST_NAMED:,} more" if len(groups) > MOST_NAMED else ""
    return "; ".join(names.name_within(group, 40) for group in groups[:MOST_NAMED]) + more


def _quoted(columns: tuple[str, ...]) -> str:
    more = f" and {len(columns) - MOST_NAMED:,} more" if len(columns) > MOST_NAMED else ""
    return ", ".join(f'"{printable(column)}"' for column in columns[:MOST_NAMED]) + more


def _line(text: str, state: State, style: Style) -> str:
    return f"{style.shape(state)} {text}"
