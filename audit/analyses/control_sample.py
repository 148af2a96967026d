"""Selective labels: does what was found hold among the cases that were drawn at random?

Where somebody decided whom to look at, labels are about the people who were looked at. A sample drawn before anybody
decided shows how far the rest of the set differs from it. It is smaller, so its verdicts are more often inconclusive.
That is no contradiction, and a FAIL in both is what a critic cannot explain by who was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from audit.analyses.estimates import as_known
from audit.analyses.sides import possible_cases
from audit.counting.table import EVERYONE, FLAGGED, NOT_FLAGGED, POSITIVE, UNLABELLED, FamilyCounts, is_finest
from audit.plan.audit_plan import Rule
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import Groups, VerdictSection
from audit.result.findings.judged import Outcome, RuleResult, Verdict
from audit.result.findings.sensitivity import ControlComparison, ControlSample, ControlVerdict
from audit.result.findings.system import Notice
from audit.stats.arrays import IntArray
from audit.stats.intervals import newcombe_difference
from audit.vocabulary.groups import Family, Group
from audit.vocabulary.metrics import METRICS, Metric, MetricName
from audit.vocabulary.numbers import percent
from audit.vocabulary.sentences import sentence

MOST_COMPARED: Final = 60
"""Number of groups compared for each rate, those with the most cases in the sample first."""


_BY_DECISION: Final = (
    " Of the cases drawn at random and of the others, nearly all of one part were flagged and nearly nobody of the "
    "other: these rates differ by how the set was put together, and are not compared."
)


class Verdicts(NamedTuple):
    """Results of `audit.verdicts.judge.judge` for every rule, and for every rule and group."""

    rules: Sequence[RuleResult]
    verdicts: Sequence[Verdict]


class JudgedSample(NamedTuple):
    """Control sample, counted and judged by itself."""

    families: Mapping[Family, FamilyCounts]
    """Counts by family; a group of which nobody was drawn is not in them."""
    judged: Verdicts


def control_sample(
    group_features: Groups,
    rules: Sequence[Rule],
    verdict: VerdictSection,
    families: Mapping[Family, FamilyCounts],
    judged: Verdicts,
    sample_alone: JudgedSample,
) -> ControlSample:
    """Compare the control sample with the whole set.

    Parameters
    ----------
    families, judged
        Counts of the whole set, and the plan's verdicts on it.
    sample_alone
        Counts of the control sample, and the verdicts of the same plan on it.
    """
    drawn, judged_drawn = sample_alone
    full_set, sample = _everyone(families), _everyone(drawn)
    vacuous = _vacuous(rules, verdict, sample, full_set - sample)
    comparisons, left_out = _comparisons(group_features, rules, verdict, families, drawn, vacuous)
    drawn_cases = int(sample.sum())
    verdicts = _verdicts({rule.metric: rule.rate for rule in rules}, judged, judged_drawn, _everyone_as_family(sample))
    return ControlSample(
        cases=drawn_cases,
        labelled=int(sample[:UNLABELLED].sum()),
        other_cases=int(full_set.sum()) - drawn_cases,
        comparisons=comparisons,
        comparisons_left_out=left_out,
        verdicts=verdicts,
        words=_words(full_set, sample, verdicts, verdict.min_denominator) + (_BY_DECISION if vacuous else ""),
        vacuous=vacuous,
    )


def selection_notices(set_section: EvaluationSetSection, control: ControlSample | None) -> tuple[Notice, ...]:
    """Say where the set was put together by the decision, and nothing says what its cases stand for."""
    if control is None or not control.vacuous or set_section.is_weighted:
        return ()
    return (Notice.of("selected_by_decision", sentence("selected_by_decision")),)


def _vacuous(
    rules: Sequence[Rule], verdict: VerdictSection, sample: IntArray, others: IntArray
) -> tuple[MetricName, ...]:
    """Name the plan's rates that differ by construction: nearly all of one part were flagged (at least 99 %), and
    nearly nobody of the other (at most 1 %).
    """
    parts = [cells.sum(axis=0)[[FLAGGED, NOT_FLAGGED]].tolist() for cells in (sample, others)]
    enough = min(map(sum, parts)) >= verdict.min_denominator
    few, many = sorted(parts, key=lambda part: part[0] / max(sum(part), 1))
    opposed = 100 * few[0] <= sum(few) and 100 * many[1] <= sum(many)
    return tuple(dict.fromkeys(rule.metric for rule in rules)) if enough and opposed else ()


def _everyone(families: Mapping[Family, FamilyCounts]) -> IntArray:
    return next(iter(families.values())).everyone


def _comparisons(
    group_features: Groups,
    rules: Sequence[Rule],
    verdict: VerdictSection,
    families: Mapping[Family, FamilyCounts],
    drawn: Mapping[Family, FamilyCounts],
    vacuous: Sequence[MetricName],
) -> tuple[tuple[ControlComparison, ...], int]:
    metrics = dict.fromkeys(rule.rate for rule in rules if rule.metric not in vacuous)
    metrics[METRICS["base_rate"]] = None
    compared: list[ControlComparison] = []
    left_out = 0
    everyone, everyone_drawn = (_everyone_as_family(_everyone(family_counts)) for family_counts in (families, drawn))
    for metric in metrics:
        rows = _compare_family(verdict, metric, everyone, everyone_drawn)
        of_groups = [
            row
            for family, counts in families.items()
            if len(family.axes) == 1 and is_finest(group_features, family)
            for row in _compare_family(verdict, metric, counts, drawn[family])
        ]
        stated = [row for row in of_groups if row.difference is not None]
        stated.sort(key=lambda row: (-row.denominator, row.group.levels))
        compared.extend((*rows, *stated[:MOST_COMPARED]))
        left_out += len(of_groups) - len(stated[:MOST_COMPARED])
    return tuple(compared), left_out


def _everyone_as_family(cells: IntArray) -> FamilyCounts:
    return FamilyCounts(Family(()), (EVERYONE,), cells[np.newaxis], cells)


def _compare_family(
    verdict: VerdictSection, metric: Metric, full_set: FamilyCounts, drawn: FamilyCounts
) -> list[ControlComparison]:
    at = {group: index for index, group in enumerate(drawn.groups)}
    inside = np.zeros_like(full_set.cells)
    for index, group in enumerate(full_set.groups):
        if group in at:
            inside[index] = drawn.cells[at[group]]
    sample = FamilyCounts(full_set.family, full_set.groups, inside, drawn.everyone)
    x, n = sample.numerator(metric), sample.denominator(metric)
    others, other_n = full_set.numerator(metric) - x, full_set.denominator(metric) - n
    low, high = newcombe_difference(x, n, others, other_n, verdict.level)
    floor = verdict.min_denominator
    rows = []
    for index, group in enumerate(full_set.groups):
        inner, outer = int(n[index]), int(other_n[index])
        known = inner >= floor and outer >= floor
        rows.append(
            ControlComparison(
                metric=metric.name,
                group=group,
                numerator=int(x[index]),
                denominator=inner,
                other_numerator=int(others[index]),
                other_denominator=outer,
                difference=as_known(x[index] / inner - others[index] / outer) if known else None,
                difference_low=as_known(low[index]) if known else None,
                difference_high=as_known(high[index]) if known else None,
            )
        )
    return rows


def _verdicts(
    rates: Mapping[MetricName, Metric], judged: Verdicts, judged_drawn: Verdicts, sample: FamilyCounts
) -> tuple[ControlVerdict, ...]:
    """List each rule, then each group that fails in the whole set or in the sample."""
    of_sample: dict[tuple[str, Group], Verdict] = {
        (verdict.rule, verdict.group): verdict for verdict in judged_drawn.verdicts
    }
    compared = []
    for rule, drawn_rule in zip(judged.rules, judged_drawn.rules, strict=True):
        of_everyone, _ = possible_cases(sample, rates[rule.metric])
        compared.append(_verdict(rule.rule, None, rule.outcome, drawn_rule.outcome, int(of_everyone[0])))
        for verdict in judged.verdicts:
            again = of_sample.get((rule.rule, verdict.group))
            outcome: Outcome | None = None if again is None else again.outcome
            if verdict.rule == rule.rule and "fail" in (verdict.outcome, outcome):
                compared.append(
                    _verdict(rule.rule, verdict.group, verdict.outcome, outcome, 0 if again is None else again.cases)
                )
    return tuple(compared)


def _verdict(
    rule: str, group: Group | None, full_outcome: Outcome, sample: Outcome | None, drawn: int
) -> ControlVerdict:
    return ControlVerdict(rule=rule, group=group, outcome=full_outcome, control_outcome=sample, control_cases=drawn)


def _words(full_counts: IntArray, sample: IntArray, verdicts: Sequence[ControlVerdict], floor: int) -> str:
    text = f"{int(sample.sum()):,} of {int(full_counts.sum()):,} cases were drawn at random."
    inside, outside = _labelled_share(sample, floor), _labelled_share(full_counts - sample, floor)
    if inside is not None and outside is not None:
        text += f" {percent(inside)} of the labelled ones are victims, against {percent(outside)} of the others."
    failing = [verdict for verdict in verdicts if verdict.group is not None and verdict.outcome == "fail"]
    if failing:
        again = sum(verdict.control_outcome == "fail" for verdict in failing)
        passed = sum(verdict.control_outcome == "pass" for verdict in failing)
        groups = "1 group that fails" if len(failing) == 1 else f"{len(failing)} groups that fail"
        text += (
            f" Of {groups} in the whole set, {again} fail in the sample alone, {passed} pass there and "
            f"{len(failing) - again - passed} cannot be told from so few cases."
        )
    return text


def _labelled_share(cells: IntArray, floor: int) -> float | None:
    labelled = int(cells[:UNLABELLED].sum())
    return int(cells[POSITIVE].sum()) / labelled if labelled >= max(floor, 1) else None
