"""Power of a set, and cases that a group needs where there is no set yet.

Cases that a group needs, where there is no set yet: for a rate, a limit and a number of groups.

Power of a set, before anything is scored: how large a gap would be named, how small a margin passed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from audit.analyses.sides import Side, questions
from audit.counting.table import CountsTable, count_families
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.plan.file.plan_file import LoadedPlan, loaded_plan
from audit.planning.check import count_labels
from audit.result.findings.further import PlannedPass
from audit.stages import stage
from audit.stats.boundaries import Boundary, margin_boundary
from audit.stats.multiplicity import first_step_levels, method_by_sizes
from audit.stats.power import (
    MOST_CASES,
    Design,
    Limit,
    cases_to_pass,
    exact_power,
    failing_rate,
    passing_edge,
    required_cases,
)
from audit.stats.score_test import FAIL_BETA, PASS_BETA
from audit.verdicts.chance_of_pass import planned_pass
from audit.verdicts.decidability import known_before_scoring, plan_decidability
from audit.verdicts.decidable_gaps import FamilyPower, rule_power
from audit.verdicts.side_tests import NAMES, budget
from audit.vocabulary.groups import SensitiveFeature
from audit.vocabulary.metrics import Cell, Metric

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from audit.counting.moments import Moments


Wanted = Literal["one_group_passes", "all_groups_pass", "gap_is_named"]
Why = Literal["rest_too_small", "limit_cannot_be_exceeded"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Planned set: groups of one size, each judged against everyone else."""

    limit: Limit
    """Side, scale and limit, and the rate supposed of everyone."""
    groups: int
    rest_cases: int | None = None
    """Cases of everyone else; None where everyone else is the other groups."""
    alpha: float = 0.05
    power: float = 0.8
    bad_rate: float | None = None
    """Rate of a group that should be named; None where a FAIL is not asked for."""

    def rest(self, n: int) -> int:
        """Return the cases of everyone else, beside a group of n."""
        return (self.groups - 1) * n if self.rest_cases is None else self.rest_cases

    def decidable_with(self, n: int) -> tuple[float | None, float | None]:
        """Return the smallest gap that would be named in groups of n cases, and the smallest limit at which one would
        pass.
        """
        limit = self.limit
        boundary = margin_boundary("fail", limit.low_is_worse, limit.scale, limit.limit)
        fails = failing_rate(limit, n, self.rest(n), _first_level(self, boundary)(n), self.power)
        passes = passing_edge(limit, n, self.rest(n), self.alpha, self.power)
        return (
            None if fails is None else limit.disparity(fails),
            None if passes is None else limit.disparity(passes),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """Number of cases of the rate's denominator that each group needs."""

    wanted: Wanted
    cases: int | None
    """Smallest number that is enough; None where no number would do."""
    reason: Why | None
    """Reason why none would do."""
    group_power: float
    """Probability asked of a single group."""
    enumerated_power: float | None
    """Probability that the exact test gives at that number."""
    level: float | None
    """Level of that test."""
    judged_alone_from: int | None
    """For a PASS: cases from which `min_cases = "auto"` judges a group alone; None where no number would do."""


def planned_cases(question: Asked) -> tuple[Answer, ...]:
    """Plan the cases for a PASS of one group, for a PASS of all of them together, and for a FAIL of one with a gap.

    The groups are supposed to have the same size and rate; their passes are taken for independent. A FAIL is tested at
    the level of the first step of a family of that many groups, where a plan has one rule over one family of
    nationalities.
    """
    passes = [_cases_for_pass(question, "one_group_passes", question.power)]
    if question.groups > 1:
        passes.append(_cases_for_pass(question, "all_groups_pass", question.power ** (1.0 / question.groups)))
    return (*passes, *([] if question.bad_rate is None else [_cases_for_name(question, question.bad_rate)]))


def share_of_rows(metric: Metric, prevalence: float) -> float | None:
    """Return the share of rows that is in the metric's denominator; None where only decisions say."""
    if metric.denominator_is == "decisions":
        return None
    cells = set(metric.denominator)
    if cells == {Cell.TP, Cell.FN}:
        return prevalence
    return 1.0 - prevalence if cells == {Cell.FP, Cell.TN} else 1.0


def _cases_for_pass(question: Asked, wanted: Wanted, power: float) -> Answer:
    limit = question.limit
    boundary = margin_boundary("pass", limit.low_is_worse, limit.scale, limit.limit)
    design = Design(limit.rate, limit.rate, boundary, PASS_BETA, question.rest, lambda _: question.alpha)
    answer = _answer(question, wanted, design, power)
    if answer.cases is None:
        return answer
    n = answer.cases
    # a group that is not judged alone does not pass, however sure its test would be
    while (alone := _judged_alone_from(question, boundary, n)) > n:
        if n >= MOST_CASES or (math.isinf(alone) and question.rest_cases is not None):
            return Answer(wanted, None, "rest_too_small", power, None, None, None)
        n = math.ceil(min(alone, 1.02 * n + 1.0))
    reached = answer.enumerated_power if n == answer.cases else exact_power(design, n)
    return replace(answer, cases=n, enumerated_power=reached, judged_alone_from=int(alone))


def _judged_alone_from(question: Asked, boundary: Boundary, n: int) -> float:
    """Return the cases from which `min_cases = "auto"` judges a group alone, beside the rest that it has at n."""
    limit = question.limit
    return float(cases_to_pass(limit.rate, question.rest(n), boundary, question.alpha, question.power))


def _cases_for_name(question: Asked, rate: float) -> Answer:
    limit = question.limit
    boundary = margin_boundary("fail", limit.low_is_worse, limit.scale, limit.limit)
    design = Design(rate, limit.rate, boundary, FAIL_BETA, question.rest, _first_level(question, boundary))
    return _answer(question, "gap_is_named", design, question.power)


def _first_level(question: Asked, boundary: Boundary) -> Callable[[int], float]:
    @cache
    def level(n: int) -> float:
        size, rest = np.full(question.groups, n), np.full(question.groups, question.rest(n))
        family = (size, rest, question.limit.rate, boundary, NAMES * question.alpha)
        return float(first_step_levels(*family, method_by_sizes(*family))[0])

    return level


def _answer(question: Asked, wanted: Wanted, design: Design, power: float) -> Answer:
    required = required_cases(design, power) if question.limit.can_be_exceeded else None
    if required is None:
        why: Why = "rest_too_small" if question.limit.can_be_exceeded else "limit_cannot_be_exceeded"
        return Answer(wanted, None, why, power, None, None, None)
    return Answer(wanted, required.cases, None, power, required.power, required.level, None)


@dataclass(frozen=True, slots=True)
class RulePower:
    """What a rule can decide."""

    rule: NamedRule
    """Rule of the plan, with its id."""
    sides: tuple[Side, ...]
    """Sides on which it limits a group."""
    level: float
    """Share of alpha that each of its families can spend on false alarms, on each side."""
    known_only_after_scoring: bool
    """Whether the denominator is made of decisions; then nothing is known yet and `families` is empty."""
    families: tuple[FamilyPower, ...]


@dataclass(frozen=True, slots=True)
class PowerReport:
    """Report of `audit7k power PLAN`."""

    plan: AuditPlan
    features: tuple[SensitiveFeature, ...]
    """Sensitive features and the names of their levels."""
    rules: tuple[RulePower, ...]
    planned_pass: PlannedPass | None
    """As in `audit.planning.check.CheckReport`."""


def plan_power(
    plan: AuditPlan | LoadedPlan | str | Path,
    table: pa.Table | pd.DataFrame | None = None,
    *,
    folder: Path | None = None,
    margins: bool = True,
) -> PowerReport:
    """Read plan and data and find the disparities that the set can decide, without loading or running the detector.

    Without `margins` nothing is said about the margins at which an equal group would pass, which is half of the work.

    Raises
    ------
    AuditError
        If plan or data are in error, exactly as `run_audit` would say it.
    """
    loaded = loaded_plan(plan, folder)
    counts, moments, features = count_labels(loaded, table)
    stage("planning")
    return counts_power(loaded.plan, counts, features, moments, margins=margins)


def counts_power(
    plan: AuditPlan,
    counts: CountsTable,
    features: Sequence[SensitiveFeature],
    moments: Moments | None = None,
    *,
    margins: bool = True,
) -> PowerReport:
    """Find the disparities that can be decided from the counts of a set of which nothing is scored, its weights and
    clusters.
    """
    families = count_families(plan.groups, plan.rules, counts, features)
    decided = plan_decidability(plan, families, {feature.name: feature for feature in features}, moments)
    rules = []
    for rule in plan.named_rules:
        later = not known_before_scoring(plan.evaluation_set, rule)
        rules.append(
            RulePower(
                rule=rule,
                sides=tuple(question.side for question in questions(plan.audit.route, rule)),
                level=budget(plan).names,
                known_only_after_scoring=later,
                families=() if later else rule_power(plan, rule, families, decided[rule.id], moments, margins=margins),
            )
        )
    return PowerReport(plan, tuple(features), tuple(rules), planned_pass(plan, counts, features, moments, decided))
