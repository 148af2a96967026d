"""Verdict of each rule over all nights so far, from evidence whose bar holds for the whole history.

A rule fails once the evidence against one group, or against all nationalities together, has reached its bar in some
night. It stays failed until the history ends: the bar is reached by mistake in at most the share alpha of whole
histories, so that it need not be reached again. A rule passes when every group that is judged alone has in some night
reached the bar for a PASS, 1/alpha on every side, no later night has put that in doubt, and these groups cover enough
people. The cases of all nights decide which groups are judged alone, as in one audit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.analyses.sides import Question, questions
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.result.findings.change import combined_outcome
from audit.result.findings.judged import RuleBecause
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.verdicts.budget import budget
from audit.verdicts.decidability import FamilyDecidability, rule_decidability
from audit.verdicts.joint_power import missing_expected
from audit.verdicts.margin_tests import could_be_beyond
from audit.verdicts.nights.evidence import counts_so_far
from audit.verdicts.nights.shares import features_seen, levels_seen
from audit.verdicts.nights.state import Evidence, Outcome, Process, State
from audit.verdicts.outcomes import rule_outcome
from audit.verdicts.side_tests import FailTests, PassTests, SideTest, judge_sides
from audit.vocabulary.groups import Family, Group, SensitiveFeature


@dataclass(frozen=True, slots=True)
class JudgedGroup:
    """Verdict of all nights on a group."""

    group: Group
    outcome: Outcome
    judged: bool
    """Whether the group has the cases to be judged alone."""
    doubted: bool
    """Whether the group passed before, until later nights put that in doubt."""
    log_e_fail: float
    """Natural logarithm of the evidence that the group is beyond the limit, on the side on which that is stronger."""
    log_e_pass: float
    """Natural logarithm of the evidence that the group is within the limit, on the side on which that is weaker."""


@dataclass(frozen=True, slots=True)
class JudgedRule:
    """Verdict of all nights on a rule."""

    rule: str
    outcome: Outcome
    because: RuleBecause
    groups: tuple[JudgedGroup, ...]


class NightsSide(SideTest):
    """One side of a rule over the groups of a family, by evidence that nights have added up.

    What reached its bar in some night stays so. The p-value is 1 over the evidence, at any time (Ville 1939).
    """

    def __init__(self, question: Question, counts: FamilyCounts, evidence: Evidence) -> None:
        super().__init__(question.side)
        self._question = question
        self._counts = counts
        self._evidence = evidence

    def could_fail(self) -> BoolArray:
        """Find every group: what failed in an earlier night has failed, whatever its rest is now."""
        return np.ones(len(self._counts.groups), dtype=np.bool_)

    def could_pass(self) -> BoolArray:
        """Find the groups that could be beyond the limit: of others not failing is no evidence."""
        _, _, y, m = self._question.at_its_worst(self._counts)
        return could_be_beyond(self._question.fail, y, m)

    def p_fail(self, tested: BoolArray, level: float) -> FloatArray:  # noqa: ARG002
        """Compute p-values of "not beyond the limit" from the evidence of all nights."""
        return np.where(tested, _p_of(self._evidence.beyond), 1.0)

    def name(self, p: FloatArray, family: int, places: IntArray, level: float) -> FailTests:  # noqa: ARG002
        """Return the groups that reached their bar in some night, by shares of the family's level."""
        return FailTests(p, np.full(p.shape, level), np.array(self._evidence.failed, dtype=np.bool_)[places])

    def pass_tests(self, judged: BoolArray) -> PassTests:
        """Return the groups that reached 1/alpha in some night and were not put in doubt since."""
        passed: BoolArray = judged & np.array(self._evidence.passed, dtype=np.bool_)
        return PassTests.recorded(np.where(judged, _p_of(self._evidence.within), 1.0), passed)


def _p_of(process: Process) -> FloatArray:
    return np.exp(-np.maximum(process.log_e, 0.0))


def judge_nights(plan: AuditPlan, state: State, features: Sequence[SensitiveFeature]) -> tuple[JudgedRule, ...]:
    """Judge every rule of the plan over the nights taken in; `features` are those of any set of the plan."""
    if not state.nights:
        return tuple(JudgedRule(rule.id, "inconclusive", "nothing_judged", ()) for rule in plan.named_rules)
    by_name = features_seen(features, levels_seen(state.levels, features, first=False))
    counts = counts_so_far(state, by_name)
    return tuple(_judge_rule(plan, place, rule, state, counts, by_name) for place, rule in enumerate(plan.named_rules))


def overall_outcome(rules: Sequence[JudgedRule]) -> Outcome:
    """Combine all rules: FAIL if any rule fails, PASS only if every rule passes."""
    return combined_outcome(rule.outcome for rule in rules)


def _judge_rule(
    plan: AuditPlan,
    place: int,
    rule: NamedRule,
    state: State,
    counts: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
) -> JudgedRule:
    decidability = rule_decidability(plan, rule, counts, features)
    mine = [one for one in state.evidence if one.rule == place]
    groups = [
        judged_group
        for family in decidability.families
        for judged_group in _judge_groups(plan, rule, family, counts[family.family], mine)
    ]
    outcome, because = rule_outcome(
        ((group.outcome, group.judged) for group in groups),
        decidability.lowest_coverage,
        plan.verdict.min_coverage,
        together=any(one.several for one in mine),
        missing=bool(missing_expected(plan, rule, counts, features)),
    )
    return JudgedRule(rule.id, outcome, because, tuple(groups))


_OUTCOMES: Final[Mapping[str, Outcome]] = {"fail": "fail", "pass": "pass", "inconclusive": "inconclusive"}


def _judge_groups(
    plan: AuditPlan, rule: NamedRule, family: FamilyDecidability, counts: FamilyCounts, evidence: Sequence[Evidence]
) -> list[JudgedGroup]:
    by_side = {one.side: one for one in evidence if one.family == family.family}
    sides = [NightsSide(question, counts, by_side[question.side]) for question in questions(plan, rule)]
    whole = slice(0, len(family.groups))
    # a FAIL of an earlier night stands, whatever may be stated now
    tests = judge_sides(sides, [whole], np.ones_like(family.evaluable), family.decidable, level=budget(plan).names)
    doubted = np.any([one.doubted for one in by_side.values()], axis=0) & ~tests.beyond
    fail = np.max([one.beyond.log_e for one in by_side.values()], axis=0)
    within = np.min([one.within.log_e for one in by_side.values()], axis=0)
    outcomes: list[Outcome] = [_OUTCOMES[outcome] for outcome in tests.outcomes]
    return [
        JudgedGroup(
            family.groups[at],
            outcomes[at],
            bool(family.decidable[at]),
            bool(doubted[at]),
            float(fail[at]),
            float(within[at]),
        )
        for at in family.places
    ]
