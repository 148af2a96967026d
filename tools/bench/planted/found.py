"""Compare an audit of a synthetic world with its truth: planted findings that were found, and groups that are
accused.
"""

from __future__ import annotations

from functools import partial
from typing import Final, Literal, get_args

from audit.result.audit_result import AuditResult
from audit.result.findings.judged import Outcome, Verdict
from audit.result.findings.swaps import ProbeVerdict
from audit.vocabulary.groups import Group, Level
from audit.worlds.demo.found import with_levels_above
from audit.worlds.probe_texts import MARGIN, mean_shift
from audit.worlds.truth import Truth
from audit.worlds.world import FindingName, Possible

State = Literal["found", "not_found", "cannot_tell"]

ASKED: Final[tuple[FindingName, ...]] = get_args(FindingName)
"""The findings that an audit of a world's plan can answer."""

_ALPHA: Final = 0.05
_STATES: Final[dict[Outcome, State]] = {
    "fail": "found",
    "pass": "not_found",
    "inconclusive": "cannot_tell",
    "not_evaluable": "cannot_tell",
}


def audit_state(possible: Possible, result: AuditResult) -> State:
    """The answer of an audit to a planted finding.

    A gap is found if a rule on its rate fails the group itself, and not only a larger or smaller group. A gap that
    vanishes is found by that note. Biased labels are found if the reference table differs at the 5 % level and the
    group's share among the exploited is below it. Amplification is found if the detector `adds` to the group's flags. A
    word that leaked is found if the rule on probes fails the change to that word.
    """
    if possible.finding in ("group-gap", "intersection-gap"):
        return _by_verdict(possible, result)
    if possible.finding == "like-with-like":
        return _by_conditioning(possible, result)
    if possible.finding == "biased-labels":
        return _by_reference(possible, result)
    if possible.finding == "amplification":
        return _by_amplification(possible, result)
    return _by_probes(possible, result)


def words_accused(truth: Truth, result: AuditResult) -> tuple[ProbeVerdict, ...]:
    """Every FAIL of a word that the detector has not learned, or learned so weakly that it is within the limit."""
    learned = truth.mechanism.strength("word-leak")
    cause = set()
    if learned is not None and mean_shift(truth.mechanism.world, learned[1]) > MARGIN:
        cause = {level.code for level in learned[0].group.levels}
    return tuple(
        verdict for verdict in result.probe_verdicts if verdict.outcome == "fail" and verdict.level not in cause
    )


def accused_without_cause(truth: Truth, result: AuditResult) -> tuple[Verdict, ...]:
    """Every FAIL of a group whose true gap is within the limit of the rule."""
    rules = {rule.rule: rule for rule in result.rules}
    lineage = _lineage(result)
    accused = []
    for verdict in result.verdicts:
        if verdict.outcome != "fail":
            continue
        rule = rules[verdict.rule]
        gap = truth.gap(rule.metric, truth.within(partial(_within, verdict.group, lineage)))
        assert rule.scale == "difference"
        harm = (gap.difference or 0.0) * (-1.0 if rule.worse == "low" else 1.0)
        if harm <= rule.limit:
            accused.append(verdict)
    return tuple(accused)


def rules_fail(result: AuditResult) -> bool:
    """Whether any rule fails, on a named group or not."""
    on_rates = any(rule.outcome == "fail" for rule in result.rules)
    return on_rates or any(rule.outcome == "fail" for rule in result.probe_rules)


def _by_verdict(possible: Possible, result: AuditResult) -> State:
    rules = {rule.rule for rule in result.rules if rule.metric == possible.metric}
    states = [
        _STATES[verdict.outcome]
        for verdict in result.verdicts
        if verdict.rule in rules and verdict.group == possible.group
    ]
    return states[0] if states else "cannot_tell"


def _by_conditioning(possible: Possible, result: AuditResult) -> State:
    for record in result.further.conditional:
        if record.metric == possible.metric and record.family == possible.group.family:
            for gap in record.groups:
                if gap.group == possible.group:
                    return "found" if gap.note == "vanishes" else _unless_open(gap.note == "cannot_tell")
    return "cannot_tell"


def _by_reference(possible: Possible, result: AuditResult) -> State:
    compared = result.further.reference_comparison
    if compared is None or compared.p is None:
        return "cannot_tell"
    for level in compared.levels:
        if level.group == possible.group and level.difference_high is not None:
            seen = compared.p <= _ALPHA and level.difference_high < 0.0
            return "found" if seen else "cannot_tell"
    return "cannot_tell"


def _by_amplification(possible: Possible, result: AuditResult) -> State:
    for family in result.further.amplification:
        for group in family.groups:
            if group.group == possible.group:
                more = group.outcome == "adds" and (group.added or 0.0) > 0.0
                return "found" if more else _unless_open(group.outcome == "cannot_tell")
    return "cannot_tell"


def _by_probes(possible: Possible, result: AuditResult) -> State:
    words = {level.code for level in possible.group.levels}
    outcomes = [
        _STATES[probe.outcome] for probe in result.probe_verdicts if probe.slot == "demonym" and probe.level in words
    ]
    return outcomes[0] if outcomes else "cannot_tell"


def _unless_open(cannot_tell: bool) -> State:
    return "cannot_tell" if cannot_tell else "not_found"


def _lineage(result: AuditResult) -> dict[Level, tuple[Level, ...]]:
    """For each finest level: the level itself and the levels above that hold it."""
    finest = [
        Level(feature.name, level.rung, level.code)
        for feature in result.features
        for level in feature.levels
        if level.rung == feature.rungs[0]
    ]
    return {level: tuple(with_levels_above(level, result)) for level in finest}


def _within(group: Group, lineage: dict[Level, tuple[Level, ...]], level: Level) -> bool:
    asked = [known_level for known_level in group.levels if known_level.feature == level.feature]
    return not asked or asked[0] in lineage.get(level, (level,))
