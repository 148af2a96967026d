"""Verdicts of one rule on one side, with the counts that their test saw: the start of every doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from audit.analyses.missing_attributes import PossibleMembers, Supposed, possible_members
from audit.analyses.sides import Question
from audit.counting.table import FamilyCounts, rule_families
from audit.plan.audit_plan import AuditPlan, Rule
from audit.result.findings.judged import Verdict
from audit.stats.arrays import FloatArray, Tables
from audit.stats.boundaries import Boundary
from audit.stats.score_test import FAIL_BETA, PASS_BETA
from audit.vocabulary.groups import Family
from audit.vocabulary.metrics import METRICS


@dataclass(frozen=True, slots=True)
class RuleCounts:
    """Some groups of a rule, side by side, with the people who may belong to them."""

    groups: FamilyCounts
    members: PossibleMembers

    def of(self, verdicts: Sequence[Verdict]) -> RuleCounts:
        """Pick the groups of these verdicts, in their order."""
        at = {group: place for place, group in enumerate(self.groups.groups)}
        places = np.array([at[verdict.group] for verdict in verdicts], dtype=np.int64)
        return RuleCounts(
            _groups_at(self.groups, places),
            PossibleMembers(
                _groups_at(self.members.counts, places),
                self.members.most[places],
                self.members.odds_factor,
                _groups_at(self.members.several, places),
            ),
        )


@dataclass(frozen=True, slots=True)
class VerdictSide:
    """Verdicts of one kind on one side of a rule."""

    test: Literal["fail", "pass"]
    """Test that decided them, or would have."""
    question: Question
    counts: RuleCounts
    level: FloatArray
    """float64[G]: level that the p-values had to reach."""

    @property
    def boundary(self) -> Boundary:
        """Edge that the test looked at."""
        return self.question.fail if self.test == "fail" else self.question.within

    @property
    def beta(self) -> float:
        """Level that the test spent on not knowing the rate of the rest."""
        return FAIL_BETA if self.test == "fail" else PASS_BETA

    @property
    def overturned_upwards(self) -> bool:
        """Whether a higher rate of the group would overturn the verdict."""
        return (self.question.side == "low") == (self.test == "fail")

    def start(self) -> Tables:
        """Return the counts that the test rejected, with everything that is not known where the verdict holds against
        it.
        """
        if self.test == "fail":
            return self.question.at_its_best(self.counts.groups)
        return self.counts.members.at_their_worst(self.question, self.counts.groups)


def rule_counts(plan: AuditPlan, rule: Rule, families: Mapping[Family, FamilyCounts]) -> RuleCounts:
    """Put every group of every family of a rule into one table."""
    counts = [families[family] for family in rule_families(plan, rule)]
    members = possible_members(counts, METRICS[rule.metric], Supposed.of(plan.sensitivity))
    groups = FamilyCounts(
        Family(()), members.counts.groups, np.concatenate([family.cells for family in counts]), counts[0].everyone
    )
    return RuleCounts(groups, members)


def _groups_at(counts: FamilyCounts, places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> FamilyCounts:
    groups = tuple(counts.groups[place] for place in places)
    return FamilyCounts(counts.family, groups, counts.cells[places], counts.everyone)
