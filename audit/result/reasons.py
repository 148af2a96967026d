"""Reasons why a group or a rule has no verdict, and what would give it one.

`CURES` is the one table: every output that says what comes next reads it, so that more cases are asked for only where
more cases would do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from audit.result.findings.judged import Because, RuleResult, Verdict

Cure = Literal[
    "mend_system",  # the detector failed too often
    "decide_cases",  # cases without a decision are decided
    "find_out_who",  # it is recorded whose group is unknown, or the plan supposes less of them, with its ground
    "one_nationality",  # cases of people who hold the nationality alone
    "narrower_limit",  # the limit is set where the rate of everyone else leaves room beyond it
    "more_clusters",  # cases from further clusters, not only further cases
    "more_cases",  # further cases of the group
    "second_group",  # cases of anybody else to compare with
    "more_of_others",  # no number of the group's own cases would do, with everyone else and the unknown as they are
]
"""What a verdict takes, in the order in which it is said."""

CURES: Final[Mapping[Because, Cure]] = {
    "too_many_failed": "mend_system",
    "unscored_cases": "decide_cases",
    "unknown_attribute": "find_out_who",
    "several_nationalities": "one_nationality",
    "limit_cannot_be_exceeded": "narrower_limit",
    "too_few_clusters": "more_clusters",
    "limit_not_excluded": "more_cases",
    "judged_as_part": "more_cases",
    "too_few_cases": "more_cases",
    "too_few_for_a_rate": "more_cases",
    "no_cases": "more_cases",
    "no_rest": "second_group",
}
"""What each reason without a verdict takes; `cure_of` says where more cases would not do."""


def cure_of(verdict: Verdict) -> Cure | None:
    """Return what a verdict on a group takes; None where it has one."""
    if verdict.outcome in ("pass", "fail"):
        return None
    cure = CURES[verdict.because]
    return "more_of_others" if cure == "more_cases" and verdict.cases_needed is None else cure


def open_verdicts(rule: RuleResult, verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts of a rule's groups that keep the rule from a verdict; none where it has one."""
    if rule.outcome != "inconclusive":
        return []
    few = rule.because in ("coverage_too_small", "nothing_judged")
    return [
        verdict
        for verdict in verdicts
        if verdict.rule == rule.rule
        and verdict.outcome not in ("pass", "fail")
        and (verdict.decidable or (few and verdict.judged_as is None) or verdict.group in rule.missing_expected)
    ]


def open_cures(rules: Iterable[RuleResult], verdicts: Iterable[Verdict]) -> Counter[Cure]:
    """Count by cure the groups that keep rules from a verdict, and groups that a plan expects and the set lacks."""
    verdicts, cures = list(verdicts), Counter[Cure]()
    for rule in rules:
        if rule.because == "too_many_failed":
            cures["mend_system"] += 1
            continue
        keeping = open_verdicts(rule, verdicts)
        cures.update(cure for verdict in keeping if (cure := cure_of(verdict)))
        lacking = set(rule.missing_expected).difference(verdict.group for verdict in keeping)
        cures.update({"more_cases": len(lacking)} if lacking else {})
    return cures
