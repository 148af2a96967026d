"""Change from a baseline in words of the terminal.

One sentence names nobody. Rules and groups are for readers who may see exact counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from audit.cli.console.group_names import GroupNames, fit
from audit.cli.console.terminal import State, Style
from audit.cli.pages.words import WORDS
from audit.disclosure.headline import public_change, public_people
from audit.result.audit_result import AuditResult
from audit.result.findings.change import Change, ChangeRule, ChangeVerdict
from audit.result.reading import changed_groups, changed_worst_first
from audit.vocabulary.groups import SensitiveFeature
from audit.vocabulary.numbers import percent
from audit.vocabulary.text import count_of, first_of, printable

WIDTH: Final = 80
_MOST: Final = 10
"""Most groups that the summary shows."""
_SAID: Final = WORDS["change"]
UNPAIRED: Final = WORDS["unpaired"]
_BECAUSE: Final = WORDS["change_because"]
_STOPPED: Final = WORDS["change_not_judged"]
_BY_PLAN: Final = {because: _STOPPED[because] for because in ("weighted_set", "clustered_set")}
"""Reasons that follow from the plan, and from no count."""
_WORDS: Final = WORDS["changed"]


def change_sentence(change: Change) -> str:
    """State the outcome of the change for a log that many read: about no group, and without a count."""
    how = "the same cases one by one" if change.unpaired is None and change.rules else ""
    how = how or (UNPAIRED[change.unpaired] if change.unpaired else _BY_PLAN.get(change.because, ""))
    return f"Since {change.baseline.finished[:10]} {_SAID[change.outcome]}{f' ({how})' if how else ''}"


def public_change_lines(result: AuditResult) -> list[str]:
    """Return the lines of a public log on the change, where there is one: its word, and what of the plan differs."""
    if result.change is None:
        return []

    change = public_change(result)
    differs = _difference_line(() if change is None else change.differs)
    return [*differs, f"earlier release: {result.change.outcome.upper()}; {change_sentence(result.change)}"]


def _difference_line(parts: Sequence[str]) -> list[str]:
    return [f"The plans differ in: {printable(', '.join(parts))}"] if parts else []


def change_lines_of_summary(result: AuditResult) -> list[str]:
    """State the change in a line of a summary, of accepted versions in one each; empty where there is none."""
    change, held_against = result.change, result.further.held_against
    if change is None:
        return []
    if held_against is None:
        return [f"Since {change.baseline.finished[:10]}: {_summary_words(change)}"]
    last = f"Since version {held_against.last}"
    if held_against.other is None:
        return [f"Since the reference: {_summary_words(change)}", *_largest_loss(change, result.features)]
    is_last = held_against.decides == "last"
    reference, since_last = (held_against.other, change) if is_last else (change, held_against.other)
    return [
        f"Since the reference: {_summary_words(reference)}",
        *_largest_loss(reference, result.features),
        f"{last}: {_summary_words(since_last)}",
    ]


def _summary_words(change: Change) -> str:
    if change.because not in _BY_PLAN:
        return _SAID[change.outcome]
    cases = "weighted" if change.because == "weighted_set" else "clustered"
    return f"the change is not judged: no exact test for {cases} cases"


def _largest_loss(change: Change, features: tuple[SensitiveFeature, ...]) -> list[str]:
    """State in a line which group that was judged lost most since the reference; empty where none lost anything."""
    judged = [verdict for verdict in changed_groups(change) if verdict.decidable]
    losses = [(_loss(verdict), verdict) for verdict in judged]
    loss, verdict = max(losses, key=itemgetter(0), default=(0.0, None))
    if verdict is None or loss <= 0.0:
        return []
    name = fit(GroupNames(features).name_within(verdict.group, 27), 27).rstrip()
    then = _share(verdict.then_numerator, verdict.then_denominator)
    now = _share(verdict.now_numerator, verdict.now_denominator)
    return [fit(f"  Largest loss: {name}, {verdict.rule}, {then} then and {now} now", WIDTH).rstrip()]


def _loss(verdict: ChangeVerdict) -> float:
    difference = verdict.difference or 0.0
    return difference if verdict.side == "high" else -difference


def exact_change_lines(result: AuditResult, style: Style) -> list[str]:
    """Return the lines of a restricted log on the change, where there is one."""
    if result.change is None:
        return []
    change = result.change
    return [
        *rule_change_lines(change, result.features, style),
        *_difference_line(change.differs),
        f"earlier release: {change.outcome.upper()}; {change_sentence(change)}",
    ]


def public_headline(result: AuditResult) -> dict[str, object]:
    """Return what a public log may hold of a result without a public release, as JSON."""
    change = public_change(result)
    people = [rule.model_dump(mode="json") for rule in public_people(result)]
    alone: dict[str, object] = {"outcome": result.overall.outcome, **({"people": people} if people else {})}
    return alone if change is None else {**alone, "change": change.model_dump(mode="json")}


def rule_change_lines(change: Change, features: tuple[SensitiveFeature, ...], style: Style) -> list[str]:
    """Write a line for each rule whose change does not pass, with the groups that became worse."""
    names, groups = GroupNames(features), changed_groups(change)
    lines = []
    for rule in change.rules:
        if rule.outcome == "pass":
            continue
        worse = [verdict for verdict in groups if verdict.rule == rule.rule and verdict.outcome == "fail"]
        named = first_of([names.name_within(verdict.group, 40) for verdict in worse], 3, "; ")
        line = f"{style.shape(rule.outcome)} change of {rule.rule}: {_rule_words(rule, len(worse))}"
        lines.append(style.paint(line + (f": {named}" if named else ""), rule.outcome))
    return lines


def _rule_words(rule: ChangeRule, worse: int) -> str:
    if rule.outcome == "fail":
        return f"{count_of(worse, 'group')} worse by more than {rule.margin * 100:g} points"
    return _BECAUSE[rule.because]


def change_summary(change: Change, features: tuple[SensitiveFeature, ...], title: str, style: Style) -> str:
    """Write the summary of a change: at most 24 lines of at most 80 columns, the prompt after it included."""
    words = f"{style.shape(change.outcome)} {change.outcome.upper()}"
    lines = [f"{style.paint(words, change.outcome)}  {fit(printable(title), WIDTH - len(words) - 2).rstrip()}"]
    lines.append(f"  Since {change.baseline.finished[:10]} ({printable(change.baseline.title)})")
    lines.append(f"  {_SAID[change.outcome]}")
    lines.append(f"  {_compared(change)}")
    lines += [f"  {line}" for line in _difference_line(change.differs)]
    lines.append("")
    groups = changed_groups(change)
    for rule in change.rules[:4]:
        worse = sum(verdict.rule == rule.rule and verdict.outcome == "fail" for verdict in groups)
        lines.append(f"{style.shape(rule.outcome)} {rule.rule} (margin {rule.margin:g}): {_rule_words(rule, worse)}")
    if change.rules:
        lines += ["", style.paint(_columns("", "Group", "Rule", "then", "now", "change"), "faint")]
    shown = changed_worst_first(groups)
    names = GroupNames(features)
    lines += [_row(verdict, names, style) for verdict in shown[: _MOST - max(0, len(change.rules[:4]) - 2)]]
    left = len(groups) - min(len(shown), _MOST - max(0, len(change.rules[:4]) - 2))
    lines.append(f"  and {left:,} more with --json or --out" if left > 0 else "")
    lines.append("Restricted: exact counts can single out people; not for publication.")
    return "\n".join(fit(line, WIDTH).rstrip() if "\x1b" not in line else line for line in lines) + "\n"


def _compared(change: Change) -> str:
    if change.because == "group_vanished":
        return "separate samples: another set, which lacks a group that was judged before"
    if not change.rules:
        return _STOPPED.get(change.because, "")
    return "The same cases were compared one by one" if change.unpaired is None else UNPAIRED[change.unpaired]


def _columns(state: str, group: str, rule: str, then: str, now: str, change: str) -> str:
    return f"{fit(state, 13)} {fit(group, 27)} {fit(rule, 20)} {then:>4} {now:>4} {change:>6}"


def _row(verdict: ChangeVerdict, names: GroupNames, style: Style) -> str:
    ellipsis = "…" if style.unicode else "..."
    state: State = "as_part" if verdict.because == "judged_as_part" else verdict.outcome
    label = style.paint(fit(f"{style.shape(state)} {_WORDS[verdict.outcome]}", 13), state)
    group = fit(names.name_within(verdict.group, 27, ellipsis), 27)
    then = _share(verdict.then_numerator, verdict.then_denominator)
    now = _share(verdict.now_numerator, verdict.now_denominator)
    change = "-" if verdict.difference is None else f"{verdict.difference * 100:+.1f}"
    return f"{label} {group} {fit(verdict.rule, 20, ellipsis)} {then:>4} {now:>4} {change:>6}"


def _share(numerator: int, denominator: int) -> str:
    return percent(numerator / denominator if denominator else None)
