"""Terminal summary of a result: 80 x 24, verdict first. Everything is read from the result; nothing is decided."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from audit.cli.console.group_names import GroupNames, fit
from audit.cli.console.terminal import State, Style
from audit.cli.pages.change_words import change_lines_of_summary
from audit.cli.pages.second_looks import second_looks
from audit.cli.pages.summary_lines import (
    Waived,
    answer_lines,
    not_alone_lines,
    opinion_line,
    probe_rule_lines,
    takes_lines,
    unnamed_beyond,
    why_open,
)
from audit.cli.pages.words import WORDS
from audit.result.audit_result import AuditResult
from audit.result.finding_list import ExactFinding, findings_of
from audit.result.findings.judged import RuleResult
from audit.result.reading import JudgedRate, Reading, least_judged, result_of_second
from audit.result.selected import Selected, selected
from audit.result.urgency import most_urgent_first, state_of, widest_gap
from audit.vocabulary.finding import tally_of
from audit.vocabulary.groups import Group
from audit.vocabulary.numbers import exact_percent, percent
from audit.vocabulary.text import count_of, first_of, printable

WIDTH: Final = 80
"""Number of columns. A wider terminal gets the same text: it is read in logs, too."""
MOST_GROUPS: Final = 8
"""Most groups that are shown; one fewer for each line of further findings."""
FAILS_FIRST: Final = 4
"""So many groups that fail are shown before any line of further findings."""

_PEOPLE: Final = "People's decisions"
_WORDS: Final = WORDS["states"]
_HARMS: Final = WORDS["harms"]
_PLACES: Final = WORDS["places"]


def summary(
    result: AuditResult, style: Style, report: str = "", next_command: str = "", acts: Sequence[str] = ()
) -> str:
    """Write the summary: at most 24 lines, the prompt after it included; all but commands have at most 80 columns.

    `acts` are the commands that lead on from the first finding, as `commands_for` gives them.
    """
    reading = Reading(result)
    judged_rates = most_urgent_first(reading)
    names = GroupNames(result.features)
    lines = [_verdict_line(result, style), *_counts(reading), ""]
    lines += [_line(_harm(result)), _line(_overall_rates(reading)), ""]
    waived = Waived(result)
    further = [
        *change_lines_of_summary(result),
        *waived.line(),
        *_same_people(judged_rates, names),
        *_expected(result, names),
        *takes_lines(result, [judged.verdict for judged in judged_rates]),
        *not_alone_lines(result),
        *second_looks(result, names),
        *answer_lines(result),
        *_where(result),
    ]
    listed = [
        judged
        for judged in judged_rates
        if judged.outcome == "fail" or (judged.outcome != "not_evaluable" and not reading.may_be_unnamed(judged))
    ]
    if result.overall.outcome != "fail" and (widest := widest_gap(reading)) is not None:
        listed = [widest, *(judged for judged in listed if judged.verdict is not widest.verdict)]
    due = result.plan.audit.respond_by if result.relied_on != "pass" else None
    room = MOST_GROUPS - bool(reading.unnamed) - len(acts) - bool(due)
    # what fails is shown before what else could be said; the report has every line
    least = min(max(1, sum(judged.outcome == "fail" for judged in listed)), FAILS_FIRST, room)
    further = further[: room - least]
    shown = selected(listed[: room - len(further)], listed)
    if shown.rows:
        lines.append(style.paint(_columns("", "Group", "Share", "rate", "likely", "rest"), "faint"))
    lines += [_row(finding, names, style, waived) for finding in shown.rows]
    lines += [
        _line(_left(len(judged_rates) - len(shown.rows), shown)),
        *map(_line, further),
        _line(_could_pass(result)),
        _line(_rows(result)),
        _line(opinion_line(result)),
    ]
    if report:
        lines.append(f"Report: {printable(report)}")
    if next_command:
        lines.append(f"Next:   {printable(next_command)}")
    lines += [f"        {printable(act)}" for act in acts]
    lines += [f"Answer: asked of the operator by {due}"] if due else []
    lines.append("Restricted: exact counts can single out people; not for publication.")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def verdict_words(result: AuditResult, style: Style) -> str:
    """Write the verdict as shape and word: "✗ FAIL"."""
    outcome = result.relied_on
    return style.paint(f"{style.shape(outcome)} {outcome.upper()}", outcome)


def rule_lines(result: AuditResult, style: Style) -> list[str]:
    """Write one line for each rule that does not pass, with the groups that fail or are undecided."""
    names = GroupNames(result.features)
    judged_rates = most_urgent_first(Reading(result))
    decided = []
    if (people := result.people_verdict) is not None:
        decided = [f"{_PEOPLE}: {line}" for line in rule_lines(result_of_second(result, people), style)]
    of_rates = [
        _rule_line(
            rule,
            [judged for judged in judged_rates if judged.rule is rule],
            names,
            style,
            only_warns=rule.rule in result.plan.warning_rules,
        )
        for rule in result.rules
        if rule.outcome != "pass"
    ]
    return [*of_rates, *decided, *probe_rule_lines(result, style)]


def _rule_line(
    rule: RuleResult, judged_rates: list[JudgedRate], names: GroupNames, style: Style, *, only_warns: bool
) -> str:
    failing = [finding for finding in judged_rates if finding.outcome == "fail"]
    undecided = [
        candidate for candidate in judged_rates if state_of(candidate) == "inconclusive" and candidate.verdict.decidable
    ]
    limit = f"{'difference' if rule.scale == 'difference' else 'ratio'} {rule.limit:g}"
    judged = percent(rule.coverage, against=rule.min_coverage)
    beyond = count_of(len(failing), "group")
    reasons = {
        "group_beyond_limit": f"{beyond} beyond the limit ({limit} from the rest{_by_records(failing)})",
        "unnamed_beyond_limit": f"{unnamed_beyond(rule)} ({limit} from the rest); "
        "none can be named, and none may be singled out",
        "group_undecided": f"{count_of(len(undecided), 'group')} "
        f"with enough cases could not be decided: {why_open(rule, [f.verdict for f in judged_rates])}",
        "coverage_too_small": f"only {judged} of the people are in groups that could be judged "
        f"(the plan needs {exact_percent(rule.min_coverage)})",
        "expected_group_missing": _missing(rule, names),
        "too_many_failed": "the detector failed on more rows than the plan allows (verdict.max_failed)",
        "nothing_judged": "nobody is left to compare with"
        if any(finding.verdict.because == "no_rest" for finding in judged_rates)
        else "no group has enough cases to be judged",
    }
    state: State = "fail" if rule.outcome == "fail" else "inconclusive"
    warns = " (only warns)" if only_warns else ""
    text = f"{style.shape(state)} {_WORDS[state]} {rule.rule}{warns}: {reasons.get(rule.because, rule.because)}"
    named = failing if rule.outcome == "fail" else undecided * (rule.because == "group_undecided")
    worst = first_of([names.name(finding.verdict.group) for finding in named], 3, "; ")
    return style.paint(text + (f": {worst}" if worst else ""), state)


def _expected(result: AuditResult, names: GroupNames) -> list[str]:
    """Write one line where the set lacks groups that the plan expects."""
    missing = tuple({group: None for rule in result.rules for group in rule.missing_expected})
    return [f"Expected by the plan, too few in the set: {_named(missing, names)}"] if missing else []


def _where(result: AuditResult) -> list[str]:
    """Write one line on where the detector ran, where it was run."""
    ran = result.provenance.ran_in
    if ran is None:
        return []
    where = _PLACES[ran.kind]
    network = "without network" if ran.network == "blocked" else "with network"
    memory = "" if ran.memory_limit_mib is None else f", at most {ran.memory_limit_mib:,} MiB"
    return [f"Detector: ran in {where}, {network}{memory}"]


def _missing(rule: RuleResult, names: GroupNames) -> str:
    missing = rule.missing_expected
    return f"too few cases of {count_of(len(missing), 'group')} that the plan expects: {_named(missing, names)}"


def _named(groups: tuple[Group, ...], names: GroupNames) -> str:
    return first_of([names.name_within(group, 40) for group in groups], 3)


def _verdict_line(result: AuditResult, style: Style) -> str:
    outcome = result.relied_on
    title = fit(printable(result.plan.audit.title), WIDTH - len(f"{style.shape(outcome)} {outcome}") - 2).rstrip()
    return f"{verdict_words(result, style)}  {title}"


def _counts(reading: Reading) -> list[str]:
    """Count findings by word, and say what fails though no group is named."""
    findings = findings_of(reading)
    recorded = sum(finding.cause == "as_recorded" for finding in findings)
    by_records = f" ({recorded:,} by the records alone)" if recorded else ""
    lines = [f"{tally_of(findings)}{by_records}"]
    if (people := reading.result.people_verdict) is not None:
        lines.append(
            f"{_PEOPLE}: {people.outcome.upper()}, a part of this verdict{_first_of_people(reading, findings)}"
        )
    if reading.unnamed:
        rule, _ = max(reading.unnamed, key=lambda entry: entry[1].unnamed_at_least)
        lines.insert(0, f"{unnamed_beyond(rule)}; none may be singled out")
    return [line for text in lines for line in textwrap.wrap(text, WIDTH, subsequent_indent="  ", initial_indent="  ")]


def _first_of_people(reading: Reading, findings: Sequence[ExactFinding]) -> str:
    """Name the first group beyond a limit in what people decided, with its rule; nothing where none can be named."""
    for finding in findings:
        if finding.subject == "people" and finding.word == "beyond" and isinstance(finding.who, Group):
            return f": {GroupNames(reading.result.features).name_within(finding.who, 40)}, {printable(finding.rule)}"
    return ""


def _same_people(judged_rates: list[JudgedRate], names: GroupNames) -> list[str]:
    """Say what else the people of the first failing group are called; nothing where they have one name."""
    for finding in judged_rates:
        others = [other for other in finding.same_people if other.people != finding.group.people]
        if finding.outcome == "fail" and others:
            return [f"Same people here: {'; '.join(map(names.name, (finding.group, *others)))}"]
    return []


def _by_records(failing: list[JudgedRate], around: str = "; {}") -> str:
    """Say how many of the groups that fail do so by the records alone; nothing where none does."""
    count = sum(finding.verdict.because == "beyond_limit_as_recorded" for finding in failing)
    return around.format(f"{count:,} by the records alone") if count else ""


def _harm(result: AuditResult) -> str:
    source = "as the plan says; " if result.plan.audit.primary_harm else ""
    return f"Primary harm: {_HARMS[result.overall.primary_harm]} ({source}flags lead to {result.plan.audit.route})"


def _overall_rates(reading: Reading) -> str:
    shares = []
    for metric, words in (
        ("true_positive_rate", "victims found"),
        ("false_positive_rate", "non-victims wrongly flagged"),
    ):
        estimate = reading.everyone.get(metric)
        value = estimate.value if estimate else None
        shares.append(f"{percent(value)} of {words}" if value is not None else f"{words} not known")
    return f"Everyone: {', '.join(shares)}"


def _left(count: int, shown: Selected[JudgedRate]) -> str:
    """Write how many rows are left, and that the intervals of those shown are those of picked rows."""
    why = "; ranges are wider for rows picked by result" if shown.is_part else ""
    return f"  and {count:,} more in the report{why}" if count else ""


def _columns(state: str, group: str, metric: str, rate: str, likely: str, rest: str) -> str:
    return f"{fit(state, 13)} {fit(group, 29)} {fit(metric, 11)} {rate:>5} {likely:>10} {rest:>5}"


def _row(finding: JudgedRate, names: GroupNames, style: Style, waived: Waived) -> str:
    state = state_of(finding)
    ellipsis = "…" if style.unicode else "..."
    if state == "as_part" and finding.verdict.judged_as is not None:
        group_name = names.name_within(finding.verdict.group, 25, ellipsis)
        group = fit(f"{group_name}, in {names.name(finding.verdict.judged_as)}", 41, ellipsis)
    else:
        group_name = names.name_within(finding.verdict.group, 29, ellipsis)
        group = f"{fit(group_name, 29)} {fit(finding.definition.short, 11)}"
    estimate = finding.estimate
    likely = f"{_bare(estimate.low)}-{percent(estimate.high)}" if estimate and estimate.value is not None else "-"
    rate = percent(estimate.value) if estimate else "-"
    word = f"{_WORDS[state]} waived" if waived.covers(finding.verdict) else _WORDS[state]
    words = style.paint(fit(f"{style.shape(state)} {word}", 13), state)
    return f"{words} {group} {rate:>5} {likely:>10} {percent(finding.rest):>5}"


def _bare(value: float | None) -> str:
    return percent(value).rstrip("%")


def _could_pass(result: AuditResult) -> str:
    """Write where fewest people are in groups that could pass, and what a pass needs. Smaller groups can fail."""
    known = [rule for rule in result.rules if rule.coverage is not None]
    if not known:
        return "In groups that could pass: nobody"
    least = min(known, key=lambda rule: rule.coverage or 0.0)
    share, needed = percent(least.coverage, against=least.min_coverage), exact_percent(least.min_coverage)
    family = least_judged(least)
    start, end = f"In groups that could pass: {share} of people by ", f" ({needed} needed)"
    names = "" if family is None else GroupNames(result.features).family(family.family)
    return f"{start}{fit(names, min(len(names), WIDTH - len(start) - len(end)), '..')}{end}"


def _rows(result: AuditResult) -> str:
    rows = result.rows[0]
    unscored = rows.unscored
    if result.plan.evaluation_set.is_counted:
        return f"Cases: {rows.read:,}" + f", of which the table of counts hides up to {unscored:,}" * bool(unscored)
    counted = rows.abstained_counted
    parts = [f"{rows.read:,} read", f"{rows.scored:,} scored"]
    parts += [f"{counted:,} counted as planned"] * bool(counted)
    parts += [f"{unscored:,} not scored"] * bool(unscored or not counted)
    return f"Rows: {', '.join(parts)}, {rows.unlabelled:,} unlabelled"


def _line(text: str) -> str:
    return fit(text, WIDTH).rstrip()
