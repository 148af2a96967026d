"""Page of `audit7k check`: rule by rule, who would be judged, and how many cases the others are short of.

Part of the page of `audit7k check` about the set itself.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Final

from audit.cli.console.group_names import GroupNames, fit
from audit.cli.console.terminal import State, Style
from audit.cli.pages.summary_lines import added_over_line, held_back_line, planned_pass_lines, remedy_lines
from audit.cli.pages.words import WORDS
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.numbers import exact_percent, percent
from audit.vocabulary.text import count_of, first_of, printable

if TYPE_CHECKING:
    from audit.plan.audit_plan import Rule
    from audit.planning.check import CheckReport, FamilyCheck, GroupCheck, ProbeCheck, RuleCheck
    from audit.planning.set_review import EmptyCells, OneLabel, RevealingColumn, SetReview


MOST_GROUPS: Final = 10
"""Most small groups that are named for each family, unless all are asked for."""


_COUNTED_UNDER: Final = WORDS["counted_under"]


def check_summary(report: CheckReport, style: Style, *, every_group: bool = False) -> str:
    """Write the page of a check; `every_group` names every group that is too small instead of the nearest ten."""
    names = GroupNames(report.features)
    rows, read, lacking = report.everyone, "Rows", "without a label"
    if report.plan.evaluation_set.is_counted:
        read, lacking = "Cases", "that the table may hide"
    lines = [
        style.paint(f"Check of {printable(report.plan.audit.title)}: nothing was scored", "strong"),
        f"{read}: {rows.read:,} read; {report.positive:,} labelled as exploitation, {report.negative:,} as none",
        f"      {rows.unlabelled:,} {lacking}",
        f"      {rows.attribute_unknown:,} with an unknown {' or '.join(report.plan.groups)}",
    ]
    lines += [
        f"      {feature.several:,} with several in one cell ({feature.name.replace('_', ' ')}), counted under "
        f"{_COUNTED_UNDER[feature.several_as]}"
        for feature in report.features
        if feature.several_as is not None
    ]
    if report.added_over:
        lines.append(_open_line(added_over_line(_quoted(report.added_over)), style))
    lines += _detector_lines(report, style)
    if report.review is not None:
        lines += ["", *set_summary(report.review, names, style)]
    rules_by_id = {rule.id: rule for rule in report.plan.named_rules}
    for rule in report.rules:
        lines += ["", *_rule_lines(rule, rules_by_id[rule.rule], names, style, every_group)]
    if chance := planned_pass_lines(report.planned_pass, names, people_count=report.plan.people_count):
        lines += ["", *chance]
    for probe in report.probes:
        lines += ["", *_probe_lines(probe, style)]
    return "\n".join(lines) + "\n"


def _detector_lines(report: CheckReport, style: Style) -> list[str]:
    """Return what a run would say about the detector before it scores anything, and what is not looked at."""
    lines = []
    if report.model_missing:
        lines.append("Detector: its file is not there yet, and a run needs it")
    if report.plan.detector.kind == "pickle":
        lines.append("Detector: a pickle runs the code in its file; a run needs --allow-pickle")
    if report.plan.engine.kind == "spark":
        lines.append("Not looked at on Spark: columns that reveal labels, empty cells by group, rows that repeat")
    return [_open_line(line, style) for line in lines]


def _open_line(text: str, style: Style, indent: str = "") -> str:
    """Write a line with the shape and in the colour of what cannot be told yet."""
    return style.paint(f"{indent}{style.shape('inconclusive')} {text}", "inconclusive")


def _probe_lines(probe: ProbeCheck, style: Style) -> list[str]:
    changes = count_of(probe.changes, "change")
    lines = [style.paint(f"Probe {probe.probe}: {probe.variants:,} to score, {changes}", "strong")]
    lines += [f"  Not used: {printable(column)}" for column in probe.unused]
    if probe.templates < probe.templates_needed:
        few, needed = count_of(probe.templates, probe.unit), f"{probe.templates_needed:,} or more"
        lines.append(_open_line(f"No pass with {few}: its limit takes {needed}", style, "  "))
    if not probe.unanswered:
        return lines
    return [
        *lines,
        _open_line("Not answered yet, and a run waits for it: this detector cannot be called", style, "  "),
        f"  Next: audit7k probes PLAN --probe {probe.probe} --out FILE",
        "  Have every line scored, and name the file with the answers: answers = …",
    ]


def _rule_lines(rule: RuleCheck, plan_rule: Rule, names: GroupNames, style: Style, every_group: bool) -> list[str]:
    head = f"{rule.rule}: {plan_rule.rate.plain}, {plan_rule.scale} {plan_rule.limit:g} from the rest"
    lines = [style.paint(head, "strong")]
    if rule.known_only_after_scoring:
        return [*lines, "  Known only after scoring: group sizes depend on the detector's decisions."]
    lines.append(f"  Sizes are planned with a rate of {percent(rule.planned_rate)} (expected_rate in the plan)")
    for family in rule.families:
        lines += _family_lines(family, names, every_group)
    return [*lines, _reach_line(rule, names, style)]


def _reach_line(rule: RuleCheck, names: GroupNames, style: Style) -> str:
    if rule.missing_expected:
        missing = "; ".join(names.name_within(group, 40) for group in rule.missing_expected)
        return _no_pass(f"too few cases of groups that are expected: {missing}", style)
    share = percent(rule.coverage, against=rule.min_coverage)
    needed = exact_percent(rule.min_coverage)
    covered = f"{share} of people are in groups that would be judged ({needed} needed)"
    if rule.coverage is None or not any(family.alone for family in rule.families):
        return _no_pass("no group could be judged", style)
    withheld = sum(len(family.held_back) for family in rule.families)
    if withheld:
        groups = count_of(withheld, "group")
        return _no_pass(f"{groups} could not, since people are unknown who may belong there", style)
    if rule.can_pass:
        return style.paint(f"  {style.shape('pass')} A pass is within reach: {covered}", "pass")
    return _no_pass(f"only {covered}", style)


def _no_pass(why: str, style: Style) -> str:
    return _open_line(f"No pass is within reach: {why}", style, "  ")


def _family_lines(family: FamilyCheck, names: GroupNames, every_group: bool) -> list[str]:
    parts = [f"{family.alone:,} judged alone"]
    if family.as_part:
        parts.append(f"{family.as_part:,} only as part of a larger group")
    if family.not_judged:
        parts.append(f"{family.not_judged:,} not judged")
    lines = [f"  {names.family(family.family)}: {count_of(len(family.groups), 'group')}: {', '.join(parts)}"]
    if family.held_back:
        lines.append(f"    {held_back_line(len(family.held_back), family.alone)}")
        lines += [f"    {line}" for line in remedy_lines(family.share_for_all or 0.0)]
    small = sorted((group for group in family.groups if not group.decidable), key=_nearness)
    shown = small if every_group else small[:MOST_GROUPS]
    lines += [_small_group_line(group, names) for group in shown]
    if len(small) > len(shown):
        lines.append(f"    and {len(small) - len(shown):,} more that are too small (--all names them)")
    return lines


def _nearness(group: GroupCheck) -> tuple[bool, int, int]:
    """Order groups: those that lack the fewest cases first."""
    return group.needed is None, group.needed or 0, -group.cases


def _small_group_line(group: GroupCheck, names: GroupNames) -> str:
    if group.needed is None:
        needs = "no number of cases would do" if group.evaluable else "too few others to compare with"
    else:
        needs = f"needs {group.needed:,} more{'' if group.evaluable else '; too few for a rate'}"
    part = f"; only as part of {names.name_within(group.judged_as, 40)}" if group.judged_as else ""
    cases = f"{group.cases:>7,} case{' ' if group.cases == 1 else 's'}"
    return f"    {fit(names.name_within(group.group, 30), 30)} {cases}  {needs}{part}"


MOST_NAMED: Final = 3
WIDTH: Final = 80
_MOST_LINES: Final = 8


def set_summary(review: SetReview, names: GroupNames, style: Style) -> list[str]:
    """Write the lines; those that could make every verdict meaningless first."""
    lines = [_revealing_line(entry, style) for entry in review.revealed_by[:_MOST_LINES]]
    lines += [line for entry in review.one_label for line in _one_label_lines(entry, names, style)]
    lines += [_empty_line(entry, names, style) for entry in review.empty_cells[:_MOST_LINES]]
    lines += _repeat_lines(review, style)
    hidden = len(review.revealed_by[_MOST_LINES:]) + len(review.empty_cells[_MOST_LINES:])
    if hidden:
        lines.append(f"and {hidden:,} more of these")
    if review.left_out:
        lines.append(f"Not looked at: {count_of(len(review.left_out), 'column')} ({_quoted(review.left_out)})")
    folded = [part for line in lines for part in wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ")]
    return [style.paint("The set itself", "strong"), *(folded or ["  Nothing conspicuous was found in its columns"])]


def _revealing_line(revealing: RevealingColumn, style: Style) -> str:
    note = ", and the detector is given it" if revealing.given else ""
    auc = percent(revealing.auc)
    if revealing.kind == "leak":
        text = (
            f'"{printable(revealing.column)}" is as good as the label (AUC {auc}){note}: it may be a copy of the answer'
        )
        return _line(text, "fail" if revealing.given else "inconclusive", style)
    text = (
        f'"{printable(revealing.column)}" and the label go together (AUC {auc}){note}: one can be learned for the other'
    )
    return _line(text, "inconclusive", style)


def _one_label_lines(labelled: OneLabel, names: GroupNames, style: Style) -> list[str]:
    family = names.family(labelled.family)
    kinds = ((labelled.without_cases, "no case of exploitation"), (labelled.without_others, "nothing but exploitation"))
    return [
        _line(f"{family}: {len(groups):,} with {what}: {_named(groups, names)}", "inconclusive", style)
        for groups, what in kinds
        if groups
    ]


def _empty_line(cells: EmptyCells, names: GroupNames, style: Style) -> str:
    what = "The label" if cells.column is None else f'"{printable(cells.column)}"'
    ends = [
        f"{percent(missing / rows)} of {names.name_within(_group(cells.feature, code, names), 30)}"
        for code, missing, rows in (cells.most, cells.least)
    ]
    return _line(f"{what} is empty in {ends[0]} and in {ends[1]}", "inconclusive", style)


def _group(feature: str, code: str, names: GroupNames) -> Group:
    return Group((Level(feature, names.finest_rung(feature), code),))


def _repeat_lines(review: SetReview, style: Style) -> list[str]:
    repeated = review.repeats
    if repeated is None:
        return []
    across = f"; {repeated.across_clusters:,} of them in other clusters" if repeated.across_clusters else ""
    sets = (
        "1 set of equal rows has"
        if repeated.contradicted == 1
        else f"{repeated.contradicted:,} sets of equal rows have"
    )
    contradiction = f"; {sets} both labels" if repeated.contradicted else ""
    repeat = "1 row repeats" if repeated.rows == 1 else f"{repeated.rows:,} rows repeat"
    text = f"{repeat} another in {_quoted(review.compared)}{across}{contradiction}"
    return [_line(text, "inconclusive", style)]


def _named(groups: tuple[Group, ...], names: GroupNames) -> str:
    return first_of([names.name_within(group, 40) for group in groups], MOST_NAMED, "; ")


def _quoted(columns: tuple[str, ...]) -> str:
    return first_of([f'"{printable(column)}"' for column in columns], MOST_NAMED)


def _line(text: str, state: State, style: Style) -> str:
    return f"{style.shape(state)} {text}"
