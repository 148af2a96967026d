"""Limits of a rule's verdicts over group size, from the same exact tests at the same levels. For display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

import numpy as np

from audit.analyses.estimates import as_known
from audit.analyses.sides import Question, questions
from audit.counting.table import FamilyCounts, rule_families
from audit.plan.audit_plan import AuditPlan
from audit.plan.sections import VerdictSection
from audit.result.findings.judged import Verdict
from audit.result.findings.many_groups import FUNNEL_GROUPS, Funnel, FunnelPoint
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.boundaries import Boundary, counted_outcome
from audit.stats.power import largest_rejected
from audit.stats.score_test import FAIL_BETA, PASS_BETA
from audit.vocabulary.groups import Family, Group

_POINTS: Final = 12


def funnels(
    plan: AuditPlan, families: Mapping[Family, FamilyCounts], verdicts: Sequence[Verdict]
) -> tuple[Funnel, ...]:
    """Draw the funnel of every rule over every family of one feature with at least 10 groups that were tested exactly.

    A rule with two sides has a funnel for each, through groups that are nearer to failing on it. Tests check for every
    group that it agrees with the verdicts.
    """
    by_rule: dict[str, dict[Group, Verdict]] = {}
    for verdict in verdicts:
        if verdict.level_fail is not None and verdict.degrees_of_freedom is None:
            by_rule.setdefault(verdict.rule, {})[verdict.group] = verdict
    drawn: list[Funnel] = []
    for rule in plan.named_rules:
        tested = by_rule.get(rule.id, {})
        for family in rule_families(plan.groups, rule):
            if len(family.axes) == 1 and sum(group in tested for group in families[family].groups) >= FUNNEL_GROUPS:
                drawn.extend(
                    Funnel(rule=rule.id, family=family, side=question.side, points=points)
                    for question in questions(plan.audit.route, rule)
                    if (points := _points(plan.verdict, question, families[family], tested))
                )
    return tuple(drawn)


def _points(
    verdict_section: VerdictSection, question: Question, family: FamilyCounts, tested: Mapping[Group, Verdict]
) -> tuple[FunnelPoint, ...]:
    best, worst = question.at_its_best(family), question.at_its_worst(family)
    levels = {
        index: verdict.level_fail
        for index, group in enumerate(family.groups)
        if (verdict := tested.get(group)) and verdict.side == question.side and verdict.level_fail
    }
    places = _spaced_by_size(best[1], list(levels))
    if not places.size:
        return ()
    at = np.array([levels[index] or 0.0 for index in places.tolist()])
    failing = _limits(question.fail, best, places, at, FAIL_BETA)
    passing = _limits(question.within, worst, places, np.full(places.size, verdict_section.alpha), PASS_BETA)
    return tuple(
        FunnelPoint.model_construct(
            cases=int(best[1][index]),
            level_fail=cast("float", as_known(level)),
            fail_rate=as_known(fails),
            pass_rate=as_known(passes),
        )
        for index, level, fails, passes in zip(places.tolist(), at, failing, passing, strict=True)
    )


def _spaced_by_size(sizes: IntArray, places: Sequence[int]) -> IntArray:
    """Pick up to `_POINTS` groups of different sizes, evenly spaced by rank, with the smallest and the largest among
    them.
    """
    distinct: dict[int, int] = {}
    for index in places:
        distinct.setdefault(int(sizes[index]), index)
    by_size = [distinct[size] for size in sorted(distinct)]
    ranks = np.unique(np.round(np.linspace(0, len(by_size) - 1, min(_POINTS, len(by_size)))).astype(np.int64))
    return np.array([by_size[rank] for rank in ranks], dtype=np.int64)


def _limits(
    boundary: Boundary, counts: tuple[IntArray, ...], places: IntArray, level: FloatArray, beta: float
) -> FloatArray:
    """Return the last rate at which the group is rejected; nan where there is none."""
    _, n, y, m = (count[places] for count in counts)
    counted_rest = counted_outcome(y, m, boundary)
    known = (n > 0) & (m > 0)
    limit = np.full(places.shape, -1, dtype=np.int64)
    limit[known] = largest_rejected(n[known], counted_rest[known], m[known], boundary, level[known], beta)
    rates = np.where(known, limit / np.maximum(n, 1), np.nan)
    return np.where(limit < 0, np.nan, rates if boundary.counts_success else 1.0 - rates)
