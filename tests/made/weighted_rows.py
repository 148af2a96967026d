"""Rows with a group, a cell, a weight and a cluster, and the verdicts on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from made.counts import categorical, plan_of

from audit.counting.clusters import ClusterTable
from audit.counting.family_moments import CELLS, WeightTable
from audit.counting.moments import Moments
from audit.counting.table import CountsTable, FamilyCounts, count_families
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.judged import RuleResult, Verdict
from audit.stats.arrays import FloatArray, IntArray
from audit.verdicts.judge import judge
from audit.vocabulary.groups import Family, SensitiveFeature
from audit.vocabulary.metrics import Cell

_PLACE = {
    Cell.TP: (0, 0), Cell.FN: (0, 1), Cell.FP: (1, 0), Cell.TN: (1, 1),
    Cell.UNSCORED_POSITIVE: (0, 2), Cell.UNSCORED_NEGATIVE: (1, 3),
    Cell.UNLABELLED_FLAGGED: (2, 0), Cell.UNLABELLED_NOT_FLAGGED: (2, 1), Cell.UNSCORED_UNLABELLED: (2, 2),
}  # fmt: skip


class Made:
    """Rows with a group, a cell, a weight and a cluster, and what is made of them."""

    def __init__(
        self,
        group: Sequence[str],
        cell: Sequence[Cell],
        cluster: IntArray | None = None,
        weight: FloatArray | None = None,
    ) -> None:
        codes = sorted(set(group))
        self.feature: SensitiveFeature = categorical("g", codes)
        self.finest = np.array([codes.index(code) for code in group])
        self.cells = np.array([CELLS.index(one) for one in cell])
        self.weight = np.ones(len(cell)) if weight is None else weight
        self.cluster = cluster
        rows: dict[tuple[str, ...], IntArray] = {(code,): np.zeros((3, 4), dtype=np.int64) for code in codes}
        for code, one in zip(group, cell, strict=True):
            rows[(code,)][_PLACE[one]] += 1
        self.counts = CountsTable.of(("g",), rows)
        self.codes = tuple((code,) for code in codes)

    def plan(self, rule: Mapping[str, Any], **more: Any) -> AuditPlan:
        groups = {"g": {"min_cases": 20, **({"reference": "b"} if "verdict" in more else {})}}
        return plan_of(
            [{"metric": "true_positive_rate", "groups": ["g"], **rule}], [self.feature], groups=groups, **more
        )

    def families(self, plan: AuditPlan) -> dict[Family, FamilyCounts]:
        return count_families(plan.groups, plan.rules, self.counts, [self.feature])

    def moments(self) -> Moments:
        if self.cluster is not None:
            table: ClusterTable | WeightTable = ClusterTable.of(
                self.cluster, self.finest, self.cells, self.weight, self.weight**2
            )
        else:
            shape = (len(self.codes), len(CELLS))
            sums = [np.zeros(shape) for _ in range(4)]
            lowest, highest = np.full(shape, np.inf), np.zeros(shape)
            at = (self.finest, self.cells)
            for power, of in zip((0, 1, 2, 4), sums, strict=True):
                np.add.at(of, at, self.weight**power)
            np.minimum.at(lowest, at, self.weight)
            np.maximum.at(highest, at, self.weight)
            table = WeightTable(sums[0], sums[1], sums[2], sums[3], lowest, highest)
        clustered = self.cluster is not None
        return Moments((self.feature,), self.codes, table, weighted=not clustered, clustered=clustered)

    def judged(self, plan: AuditPlan, *, alone: bool = False) -> tuple[RuleResult, dict[str, Verdict]]:
        moments = None if alone else self.moments()
        rules, verdicts, _ = judge(plan, self.families(plan), {"g": self.feature}, moments)
        return rules[0], {verdict.group.levels[0].code: verdict for verdict in verdicts}


def drawn(rates: Mapping[str, float], n: int, seed: int = 1) -> tuple[list[str], list[Cell]]:
    rng = np.random.default_rng(seed)
    group = [code for code in rates for _ in range(n)]
    return group, [Cell.TP if rng.random() < rates[code] else Cell.FN for code in group]
