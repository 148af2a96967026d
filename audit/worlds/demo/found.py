"""Compares a result with what was planted: found, missed, or beyond what the cases can tell; and who was accused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from audit.result.audit_result import AuditResult
from audit.result.findings import Disparity, Estimate, Verdict
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import METRICS
from audit.vocabulary.numbers import percent
from audit.worlds.demo.prepare import PreparedDemo
from audit.worlds.demo.referral_cases import PlantedFinding

__all__ = ["Finding", "State", "accused_without_cause", "lines_to_print", "what_was_found"]

State = Literal["found", "not_found", "cannot_tell", "not_accused", "accused"]

_ANSWERS: Final[dict[State, str]] = {
    "found": "FOUND",
    "not_found": "NOT FOUND",
    "cannot_tell": "CANNOT TELL",
    "not_accused": "NOT ACCUSED",
    "accused": "ACCUSED",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was planted, and what the audit says of it."""

    planted: PlantedFinding
    """What was planted."""
    state: State
    """Of a gap: `found` (FAIL), `not_found` (PASS), `cannot_tell`. Of a control: `accused` (FAIL) or `not_accused`."""
    verdict: Verdict | None
    """The verdict that says so; None where the group is not in the result."""
    estimate: Estimate | None
    """The group's rate."""
    disparity: Disparity | None
    """The group against the rest."""


def what_was_found(prepared: PreparedDemo, result: AuditResult) -> tuple[Finding, ...]:
    """For everything planted, in its order, what `result` says of it.

    `result` is that of an audit of `prepared.plan`; the plan may have been changed by hand.
    """
    return tuple(_finding(planted, result) for planted in prepared.planted)


def accused_without_cause(prepared: PreparedDemo, result: AuditResult) -> tuple[Verdict, ...]:
    """Every FAIL that nothing planted accounts for.

    A planted gap accounts for a FAIL on the same metric of its own group, of a part of it (men of one nationality) and
    of what holds it (the sub-region of a nationality).
    """
    metric_of = {rule.rule: rule.metric for rule in result.rules}
    parents = {
        Level(feature.name, level.rung, level.code): level.parent
        for feature in result.features
        for level in feature.levels
    }
    rungs = {feature.name: feature.rungs for feature in result.features}
    caused = {
        (planted.metric, level)
        for planted in prepared.planted
        if planted.kind == "gap"
        for own in planted.group.levels
        for level in _upwards(own, parents, rungs)
    }
    return tuple(
        verdict
        for verdict in result.verdicts
        if verdict.outcome == "fail"
        and not any((metric_of[verdict.rule], level) in caused for level in verdict.group.levels)
    )


def lines_to_print(prepared: PreparedDemo, result: AuditResult) -> tuple[str, ...]:
    """What was planted and what was found, as plain lines of at most 80 characters."""
    cases = f"{prepared.evaluation_cases:,} synthetic cases, seed {prepared.seed}"
    lines = [f"{cases}: what was planted and found", ""]
    for finding in what_was_found(prepared, result):
        metric = METRICS[finding.planted.metric]
        lines.append(f"{_ANSWERS[finding.state]:<13}{_name(finding.planted.group, result)}: {finding.planted.effect}")
        lines.append(f"{'':<13}{metric.plain}: {_measured(finding)}")
    others = len(accused_without_cause(prepared, result))
    lines.extend(("", f"Groups accused although nothing was planted in them: {others or 'none'}"))
    return tuple(lines)


def _finding(planted: PlantedFinding, result: AuditResult) -> Finding:
    rules = {rule.rule for rule in result.rules if rule.metric == planted.metric}
    # Of several rules on one metric the strictest answer counts: a FAIL under any of them is a finding.
    verdicts = [verdict for verdict in result.verdicts if verdict.rule in rules and verdict.group == planted.group]
    verdict = min(verdicts, key=lambda verdict: _FAIL_FIRST.index(verdict.outcome), default=None)
    return Finding(
        planted=planted,
        state=_state(planted, verdict),
        verdict=verdict,
        estimate=next(
            (e for e in result.estimates if e.metric == planted.metric and e.group == planted.group),
            None,
        ),
        disparity=next(
            (
                d
                for d in result.disparities
                if d.metric == planted.metric and d.group == planted.group and d.compared_with == "rest"
            ),
            None,
        ),
    )


_FAIL_FIRST: Final = ("fail", "inconclusive", "not_evaluable", "pass")


def _state(planted: PlantedFinding, verdict: Verdict | None) -> State:
    failed = verdict is not None and verdict.outcome == "fail"
    if planted.kind == "control":
        return "accused" if failed else "not_accused"
    if failed:
        return "found"
    return "not_found" if verdict is not None and verdict.outcome == "pass" else "cannot_tell"


def _upwards(level: Level, parents: dict[Level, str | None], rungs: dict[str, tuple[str, ...]]) -> Iterator[Level]:
    """The level itself and every level on the rungs above that holds it."""
    yield level
    ladder = rungs.get(level.feature, ())
    for above in ladder[ladder.index(level.rung) + 1 :] if level.rung in ladder else ():
        level = Level(level.feature, above, parents.get(level) or level.code)
        yield level


def _measured(finding: Finding) -> str:
    estimate, disparity = finding.estimate, finding.disparity
    if estimate is None or estimate.value is None or disparity is None or not disparity.other_denominator:
        return "no rate can be stated"
    others = disparity.other_numerator / disparity.other_denominator
    said = "not judged" if finding.verdict is None else finding.verdict.outcome.upper().replace("_", " ")
    return f"{percent(estimate.value)}, others {percent(others)}. {said}"


def _name(group: Group, result: AuditResult) -> str:
    names = {
        (feature.name, level.rung, level.code): level.name for feature in result.features for level in feature.levels
    }
    name = ", ".join(names.get((level.feature, level.rung, level.code), level.code) for level in group.levels)
    return name[:1].upper() + name[1:]
