"""Compare a result with the planted findings: found, missed, or undecided; and list groups accused without cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from audit.result.audit_result import AuditResult
from audit.result.findings.judged import Verdict
from audit.result.reading import WORST_FIRST, Rate, Reading
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import METRICS
from audit.vocabulary.numbers import percent
from audit.worlds.demo.prepare import PreparedDemo
from audit.worlds.demo.referral_cases import PlantedFinding

State = Literal["found", "not_found", "cannot_tell", "not_accused", "accused"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A planted finding, and the answer of the audit."""

    planted: PlantedFinding
    """The planted finding."""
    state: State
    """For a gap: `found` (FAIL), `not_found` (PASS), `cannot_tell`. For a control: `accused` (FAIL) or
    `not_accused`.
    """
    rate: Rate
    """The rate of the group and of the rest, and the verdict behind the state; None if the group is in none."""


def what_was_found(prepared: PreparedDemo, result: AuditResult) -> tuple[Finding, ...]:
    """Compare every planted finding, in order, with `result`.

    `result` is from an audit of `prepared.plan`; the plan may have been changed by hand.
    """
    return tuple(_finding(planted, result) for planted in prepared.planted)


def accused_without_cause(prepared: PreparedDemo, result: AuditResult) -> tuple[Verdict, ...]:
    """Every FAIL that no planted finding explains.

    A planted gap explains a FAIL on the same metric of its own group, of a part of it (men of one nationality) and of a
    larger group that holds it (the sub-region of a nationality).
    """
    metric_of = {rule.rule: rule.metric for rule in result.rules}
    caused = {
        (planted.metric, level)
        for planted in prepared.planted
        if planted.kind == "gap"
        for planted_level in planted.group.levels
        for level in with_levels_above(planted_level, result)
    }
    return tuple(
        verdict
        for verdict in result.verdicts
        if verdict.outcome == "fail"
        and not any((metric_of[verdict.rule], level) in caused for level in verdict.group.levels)
    )


def lines_to_print(prepared: PreparedDemo, result: AuditResult) -> tuple[str, ...]:
    """Write what was planted and what was found, as plain lines of at most 80 characters."""
    cases = f"{prepared.evaluation_cases:,} synthetic cases, seed {prepared.seed}"
    lines = [f"{cases}: what was planted and found", ""]
    for finding in what_was_found(prepared, result):
        metric = METRICS[finding.planted.metric]
        answer = finding.state.replace("_", " ").upper()
        lines.append(f"{answer:<13}{_name(finding.planted.group, result)}: {finding.planted.effect}")
        lines.append(f"{'':<13}{metric.plain}: {_measured(finding)}")
    others = len(accused_without_cause(prepared, result))
    lines.extend(("", f"Groups accused although nothing was planted in them: {others or 'none'}"))
    return tuple(lines)


def _finding(planted: PlantedFinding, result: AuditResult) -> Finding:
    reading = Reading(result)
    verdicts = [
        judged.verdict
        for judged in reading.judged_rates
        if judged.metric == planted.metric and planted.group in (judged.group, *judged.same_people)
    ]
    # with several rules on one metric the strictest answer counts: a FAIL under any of them is a finding
    verdict = min(verdicts, key=lambda verdict: WORST_FIRST.index(verdict.outcome), default=None)
    estimate = reading.estimate(planted.metric, planted.group)
    everyone = reading.everyone.get(planted.metric)
    rate = Rate(planted.group, METRICS[planted.metric], estimate, everyone, "not_judged", verdict=verdict)
    return Finding(planted, _state(planted, verdict), rate)


def _state(planted: PlantedFinding, verdict: Verdict | None) -> State:
    failed = verdict is not None and verdict.outcome == "fail"
    if planted.kind == "control":
        return "accused" if failed else "not_accused"
    if failed:
        return "found"
    return "not_found" if verdict is not None and verdict.outcome == "pass" else "cannot_tell"


def _measured(finding: Finding) -> str:
    rate = finding.rate
    if rate.value is None or rate.rest is None:
        return "no rate can be stated"
    outcome = "not judged" if rate.verdict is None else rate.verdict.outcome.upper().replace("_", " ")
    return f"{percent(rate.value)}, others {percent(rate.rest)}. {outcome}"


def _name(group: Group, result: AuditResult) -> str:
    names = {
        (feature.name, level.rung, level.code): level.name for feature in result.features for level in feature.levels
    }
    name = ", ".join(names.get((level.feature, level.rung, level.code), level.code) for level in group.levels)
    return name[:1].upper() + name[1:]


def with_levels_above(level: Level, result: AuditResult) -> Iterator[Level]:
    """Yield the level, and every level on the rungs above that holds it."""
    yield level
    for feature in result.features:
        if feature.name == level.feature and level.rung in feature.rungs:
            parents = {(parent_level.rung, parent_level.code): parent_level.parent for parent_level in feature.levels}
            for rung in feature.rungs[feature.rungs.index(level.rung) + 1 :]:
                level = Level(level.feature, rung, parents.get((level.rung, level.code)) or level.code)
                yield level
