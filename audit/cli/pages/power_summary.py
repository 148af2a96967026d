"""Page of `audit7k power`: for each rule and family, which gaps can be decided; the worst placed groups first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from audit.cli.console.group_names import GroupNames, fit
from audit.cli.console.terminal import Style
from audit.cli.pages.summary_lines import planned_pass_lines
from audit.cli.pages.words import WORDS
from audit.stats.power import LARGEST_SHARE
from audit.vocabulary.numbers import disparity_words, exact_percent
from audit.vocabulary.text import count_of, printable

if TYPE_CHECKING:
    from audit.cli.pages.power_flags import PowerFlags
    from audit.planning.power import Answer, PowerReport, RulePower
    from audit.verdicts.decidable_gaps import FamilyPower, GroupPower, Smallest

MOST_GROUPS: Final = 10
"""Most groups that are named for each family, unless all are asked for."""
_NONE: Final = WORDS["no_gap"]
_SUPPOSED: Final = "Everybody else at the rate expected, every case answered."
_NAME, _COLUMN = 30, 13


def power_summary(report: PowerReport, style: Style, *, every_group: bool = False) -> str:
    """Write the page of a set; `every_group` names every group instead of the worst placed ten of each family."""
    names = GroupNames(report.features)
    verdict = report.plan.verdict
    lines = [
        style.paint(f"Power of {printable(report.plan.audit.title)}: nothing was scored", "strong"),
        f"Power {exact_percent(verdict.power)}, alpha {verdict.alpha:g}. {_SUPPOSED}",
        "FAIL from: the smallest gap to the rest that would be named.",
        "PASS at: the smallest limit at which a group equal to the rest would pass,",
        "  if nobody of unknown group belongs to it: `audit7k check` says whom they hold back.",
    ]
    for rule in report.rules:
        lines += ["", *_rule(rule, names, style, every_group)]
    if chance := planned_pass_lines(report.planned_pass, names, people_count=report.plan.people_count):
        lines += ["", *chance]
    lines += ["", "Restricted: exact counts can single out people; not for publication."]
    return "\n".join(lines) + "\n"


def _rule(rule: RulePower, names: GroupNames, style: Style, every_group: bool) -> list[str]:
    plan_rule = rule.rule
    head = f"{plan_rule.id}: {plan_rule.rate.plain}, {plan_rule.scale} {plan_rule.limit:g} from the rest"
    lines = [style.paint(head, "strong")]
    if rule.known_only_after_scoring:
        return [*lines, "  Known only after scoring: group sizes depend on the detector's decisions."]
    lines.append(f"  Planned with a rate of {exact_percent(plan_rule.planned_rate)} (expected_rate in the plan)")
    for family in rule.families:
        lines += _family(rule, family, names, every_group)
    return lines


def _family(rule: RulePower, family: FamilyPower, names: GroupNames, every_group: bool) -> list[str]:
    sizes = "" if family.exact else " (by effective sizes)"
    ordered = sorted(family.groups, key=lambda group: _worst_first(rule.rule.scale, group))
    shown = ordered if every_group else ordered[:MOST_GROUPS]
    fails = ["FAIL from"] if len(rule.sides) == 1 else ["FAIL below", "FAIL above"]
    heads = "".join(f"{head:>{_COLUMN}}" for head in (*fails, "PASS at"))
    lines = [
        f"  {names.family(family.family)}: {count_of(len(family.groups), 'group')}{sizes}",
        f"    {'':{_NAME}}{'cases':>9}{'alone from':>12}{heads}",
        *(_group(rule, group, names) for group in shown),
    ]
    if len(ordered) > len(shown):
        lines.append(f"    and {len(ordered) - len(shown):,} more that are better placed (--all names them)")
    return lines


def _worst_first(scale: str, group: GroupPower) -> tuple[float, int]:
    """Order groups: those in which no gap would be named first, the largest of them before the others; then the widest
    gaps.
    """
    return -_width(scale, _widest(scale, group.fails_from)), -group.cases


def _widest(scale: str, sides: Sequence[Smallest]) -> Smallest:
    """Return the side on which the least can be decided: one without an answer, else the one with the widest
    disparity.
    """
    return max(sides, key=lambda side: _width(scale, side))


def _width(scale: str, side: Smallest) -> float:
    if side.disparity is None:
        return math.inf
    return side.disparity if scale == "difference" else 1.0 - side.disparity


def _group(rule: RulePower, group: GroupPower, names: GroupNames) -> str:
    alone = "never" if group.required is None else f"{group.required:,}"
    sides = [*group.fails_from, _widest(rule.rule.scale, group.passes_at)]
    columns = "".join(f"{_disparity(rule, side):>{_COLUMN}}" for side in sides)
    return f"    {fit(names.name_within(group.group, _NAME), _NAME)}{group.cases:>9,}{alone:>12}{columns}"


def _disparity(rule: RulePower, side: Smallest) -> str:
    if side.disparity is None:
        return _NONE.get(side.reason or "", "none")
    return disparity_words(rule.rule.scale, side.disparity)


_WANTED: Final = WORDS["wanted"]
_WHY: Final = WORDS["no_size"]


def cases_summary(flags: PowerFlags, answers: Sequence[Answer]) -> str:
    """Write the page without a set: cases for each question."""
    limit, groups = flags.asked.limit, flags.asked.groups
    rest = flags.asked.rest_cases
    beside = "one another" if rest is None else f"a rest of {rest:,}"
    lines = [
        f"{flags.metric.name}: {flags.metric.plain}, {limit.scale} {limit.limit:g} from the rest",
        f"Rate {exact_percent(limit.rate)}, {groups:,} groups of one size beside {beside}.",
        f"Alpha {flags.asked.alpha:g}, power {exact_percent(flags.asked.power)}.",
        f"Cases are {flags.metric.among}; from these numbers on:",
        "",
        f"  {'':30}{'cases a group':>14}{'in all':>11}{'power of one':>14}{'level':>9}",
        *(line for answer in answers for line in _answer(flags, answer)),
    ]
    if any(answer.reason == "rest_too_small" for answer in answers):
        lines.append(f"  (tried: groups of up to {LARGEST_SHARE} times the rest)")
    if flags.gap is None:
        lines.append("  (--gap says how many cases a FAIL would need)")
    alone = answers[0].judged_alone_from
    if alone is not None:
        lines.append(f'With min_cases = "auto" a group is judged alone from {alone:,} cases on.')
    return "\n".join(lines) + "\n"


def _answer(flags: PowerFlags, answer: Answer) -> list[str]:
    wanted = _WANTED[answer.wanted]
    if answer.wanted == "gap_is_named":
        wanted = f"a gap of {flags.gap:g} is named"
    if answer.cases is None:
        why = _WHY[answer.reason or "rest_too_small"].format(power=exact_percent(flags.asked.power))
        return [f"  {wanted:30}{why}"]
    groups = flags.asked.groups
    power = math.floor((answer.enumerated_power or 0.0) * 10_000 + 1e-6) / 100
    line = f"  {wanted:30}{answer.cases:>14,}{answer.cases * groups:>11,}{power:>13.2f}%{answer.level or 0.0:>9.2g}"
    rows = flags.rows(answer.cases)
    if flags.prevalence is None:
        return [line]
    if rows is None:
        return [line, "    rows: known only after scoring"]
    label = f"    rows, {exact_percent(flags.prevalence)} positive"
    return [line, f"{label:32}{rows:>14,}{rows * groups:>11,}"]
