"""Other ways to flag the cases of a half, and how far each leaves a group beyond a limit: counts in, counts out.

A way to flag gives `int64[C, K, 3, 2]`: of the rows with a score, those that each of C candidates would flag in each of
K finest groups, by label and by the decision that they have now.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.sides import Question, questions
from audit.counting.score_table import BINS, HalvedScores
from audit.counting.table import (
    FLAGGED,
    NEGATIVE,
    NOT_FLAGGED,
    POSITIVE,
    UNLABELLED,
    cells_mask,
    climbed_codes,
    group_of_codes,
)
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.result.findings.remedies import Way
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.boundaries import counted_rate
from audit.stats.intervals import newcombe_difference
from audit.stats.operating_points import edges_flagging, flagged_at_edges
from audit.stats.pairs import newcombe_paired
from audit.verdicts.decidability import RuleDecidability
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.metrics import Cell, worse_direction

_AT_ONCE: Final = 200_000
"""Finest groups times candidates that are counted at a time, so that memory stays small."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A way to flag: every finest group from a bin of its own, and people between two bins."""

    way: Way
    edges: IntArray = field(repr=False)
    """int64[K]: bin from which on the cases of a finest group are flagged."""
    below: int | None = None
    """Bin from which on people decide, up to the edge; None without a band."""
    share: float | None = None
    """Share of all cases with a score that is flagged: in each half from the bin that meets it best."""
    parts: tuple[tuple[Group | None, int], ...] = ()
    """Groups with a bin of their own, and everyone else (None)."""


class Half:
    """Scores of a half, summed from the highest down."""

    def __init__(self, scores: HalvedScores, half: int) -> None:
        self.scores, self.half = scores, half
        self.above: IntArray = flagged_at_edges(scores.scored[half])
        """int64[K, 3, 2, 201]: rows at or above every edge, by label and decision."""
        self.total: IntArray = np.asarray(self.above[..., 0])
        """int64[K, 3, 2]: rows with a score."""
        self.everyone: IntArray = self.above.sum(axis=(0, 1, 2))
        """int64[201]: rows at or above every edge."""

    def occupied(self) -> IntArray:
        """Edges that flag some and not all: the lower edge of every bin that holds a case, but for the lowest."""
        return np.flatnonzero(np.diff(self.everyone) < 0)[1:]

    def flagged(self, edges: IntArray, below: IntArray | None = None, right: float | None = None) -> IntArray:
        """int64[C, K, 3, 2] of thresholds `edges`, int64[C, K], and bands that begin `below` them, int64[C].

        People in a band are right in a share `right` of the cases of either label; None: they decide as the model does.
        """
        candidates = np.arange(self.above.shape[0])[np.newaxis]
        upper = self.above[candidates, :, :, edges]
        if below is None:
            return np.asarray(upper)
        band = self.above[candidates, :, :, below[:, np.newaxis]] - upper
        decided = band.copy()
        decided[..., NOT_FLAGGED] = 0
        if right is not None:
            decided[:, :, POSITIVE] = _share_of(band[:, :, POSITIVE], right)
            decided[:, :, NEGATIVE] = _share_of(band[:, :, NEGATIVE], 1.0 - right)
        return np.asarray(upper + decided)

    def of(self, candidate: Candidate, right: float | None = None) -> IntArray:
        """int64[K, 3, 2]: what one candidate flags."""
        edges, below = candidate.edges, candidate.below
        if candidate.share is not None:
            edges = np.full(edges.shape, edges_flagging(self.everyone, [candidate.share])[0])
        return np.asarray(self.flagged(edges[np.newaxis], None if below is None else np.array([below]), right)[0])

    def to_people(self, candidate: Candidate) -> int:
        """Cases that a band gives to people."""
        if candidate.below is None:
            return 0
        return int(self.everyone[candidate.below] - self.everyone[candidate.edges[0]])


def _share_of(rows: IntArray, share: float) -> IntArray:
    """Share of rows as whole numbers, rounded over the groups one after the other, so that sums keep the share."""
    return np.asarray(np.diff(np.floor(np.cumsum(rows, axis=1) * share + 0.5).astype(np.int64), axis=1, prepend=0))


class _Limit(NamedTuple):
    rule: NamedRule
    question: Question
    groups: tuple[Group, ...]
    members: FloatArray
    """float64[J, K]: 1 where a finest group is a part of a group."""


class Measured(NamedTuple):
    """Measures of C candidates on a half."""

    beyond: FloatArray
    """float64[C]: how far the worst group is beyond its limit, in shares; negative: all are within."""
    missed: IntArray
    """int64[C]: cases of exploitation with a score that are not flagged."""
    wrong: IntArray
    """int64[C]: other cases that are flagged."""


class Limits:
    """Limits of a plan for the groups that can be judged in both halves."""

    def __init__(
        self,
        plan: AuditPlan,
        scores: HalvedScores,
        features: Mapping[str, SensitiveFeature],
        halves: Sequence[Mapping[str, RuleDecidability]],
    ) -> None:
        self._limits: list[_Limit] = []
        self._route, self._level = plan.audit.route, plan.verdict.level
        self.judged: dict[tuple[str, Group], None] = {}
        """Rules and groups that can be judged alone in both halves."""
        self.too_few: set[Group] = set()
        """Groups that some rule cannot judge alone in both halves."""
        for rule in plan.named_rules:
            alone = [
                {
                    g
                    for f in half[rule.id].families
                    for g, is_decidable in zip(f.groups, f.decidable, strict=True)
                    if is_decidable
                }
                for half in halves
            ]
            groups, rows = [], []
            for family in halves[0][rule.id].families:
                members = members_of(scores, family.family, features)
                for group in family.groups:
                    if group in alone[0] & alone[1]:
                        groups.append(group)
                        rows.append(members[group])
                    else:
                        self.too_few.add(group)
            self.judged |= dict.fromkeys((rule.id, group) for group in groups)
            if groups:
                self._limits += [
                    _Limit(rule, question, tuple(groups), np.array(rows, dtype=np.float64))
                    for question in questions(plan.audit.route, rule)
                ]

    def measured(
        self, half: Half, edges: IntArray, below: IntArray | None = None, right: float | None = None
    ) -> Measured:
        """Measure candidates as `Half.flagged` has them, some at a time."""
        step = max(_AT_ONCE // edges.shape[1], 1)
        parts = []
        for at in range(0, edges.shape[0], step):
            some = slice(at, at + step)
            parts.append(self.measure(half, half.flagged(edges[some], None if below is None else below[some], right)))
        return Measured(*map(np.concatenate, zip(*parts, strict=True)))

    def measure(self, half: Half, flagged: IntArray) -> Measured:
        """Measure what candidates flag, int64[C, K, 3, 2]."""
        flagged = flagged.sum(axis=3)
        total = half.total.sum(axis=2)
        beyond = np.full(flagged.shape[0], -np.inf)
        for limit in self._limits:
            group_rates, rest = _rates(limit, total, flagged)
            beyond = np.fmax(beyond, np.fmax.reduce(_beyond(limit, group_rates, rest), axis=1, initial=-np.inf))
        missed = (total - flagged)[:, :, POSITIVE].sum(axis=1)
        return Measured(beyond, missed, flagged[:, :, NEGATIVE].sum(axis=1))

    def beyond(self, total: IntArray, flagged: IntArray) -> set[tuple[str, Group]]:
        """Rules and groups that are beyond a limit as counted; of int64[K, 3] cases with a score and those flagged."""
        pairs = set()
        for limit in self._limits:
            (beyond,) = _beyond(limit, *_rates(limit, total, flagged[np.newaxis]))
            pairs |= {(limit.rule.id, group) for group, by in zip(limit.groups, beyond, strict=True) if by > 0}
        return pairs

    def levelled_down(self, half: Half, before: IntArray, after: IntArray) -> tuple[str, ...]:
        """Rules whose worst gap shrinks while the people judged fare worse in all, by more errors, and none of their
        groups gains more than chance explains.
        """
        total, rule_ids = half.total.sum(axis=2), []
        flagged = np.stack([before.sum(axis=2), after.sum(axis=2)])
        for limit in self._limits:
            side, judged = limit.question.side, limit.members.any(axis=0)
            if worse_direction(limit.rule.rate, self._route).value != side:
                continue
            beyond = np.fmax.reduce(_beyond(limit, *_rates(limit, total, flagged)), axis=1, initial=-np.inf)
            x, n = (count[:, judged].sum(axis=1) for count in _counts(limit, total, flagged))
            worse = (x[1] * n[0] - x[0] * n[1]) * (1 if side == "high" else -1) > 0
            flags = flagged[:, judged].sum(axis=1)  # fewer may be flagged without any harm
            harmed = flags[1, POSITIVE] < flags[0, POSITIVE] or flags[1, NEGATIVE] > flags[0, NEGATIVE]
            if beyond[1] < beyond[0] and worse and harmed and not self._gains(limit, half.total, after).any():
                rule_ids.append(limit.rule.id)
        return tuple(rule_ids)

    def _gains(self, limit: _Limit, total: IntArray, after: IntArray) -> BoolArray:
        """bool[J]: groups whose rate gets better beyond chance, by intervals that hold for all of them together."""
        metric, level = limit.question.metric, 1.0 - (1.0 - self._level) / len(limit.groups)
        then, base = (cells_mask(cells)[: UNLABELLED + 1, :2] for cells in (metric.numerator, metric.denominator))
        if (base[:, FLAGGED] == base[:, NOT_FLAGGED]).all():
            moved = np.stack([after, total - after], axis=3)
            pairs = ((then, then), (base & ~then, then), (then, base & ~then), (base & ~then, base & ~then))
            cells = [np.einsum("klba,lb,la->k", moved, *(mask.astype(np.int64) for mask in pair)) for pair in pairs]
            in_both, more, fewer, neither = (count @ limit.members.T for count in cells)
            _, low, high = newcombe_paired(in_both, more, fewer, neither, level)
        else:  # it is about other cases then
            flagged = np.stack([total[:, :, FLAGGED], after.sum(axis=2)])
            x, n = (count @ limit.members.T for count in _counts(limit, total.sum(axis=2), flagged))
            low, high = newcombe_difference(x[1], n[1], x[0], n[0], level)
        return np.asarray(low > 0.0 if limit.question.side == "low" else high < 0.0)


def threshold_at(scores: HalvedScores, edge: int, *, ordinal: bool) -> float:
    """Shortest number that divides the scores as the edge of a bin does."""
    low, high = scores.score_range
    width = (high - low) / BINS
    top = low + width * edge
    below = np.flatnonzero(scores.scored[..., :edge].sum(axis=(0, 1, 2, 3)))
    least = low + width * (below[-1] + 1) if below.size else low
    if ordinal:
        return float(math.ceil(top - 1e-9))
    for digits in range(12):
        shortest: float = math.floor(top * 10.0**digits + 1e-6) / 10.0**digits
        if shortest >= least - 1e-9:
            return shortest
    return top


def members_of(
    scores: HalvedScores, family: Family, features: Mapping[str, SensitiveFeature]
) -> dict[Group, npt.NDArray[np.bool_]]:
    """bool[K] for each group of a family: the finest groups that are parts of it."""
    keys = climbed_codes(scores.codes, scores.features, family, features)
    return {
        group_of_codes(family.axes, key): np.array([codes == key for codes in keys], dtype=np.bool_)
        for key in set(keys)
    }


def _rates(limit: _Limit, total: IntArray, flagged: IntArray) -> tuple[FloatArray, FloatArray]:
    """float64[C, J] of groups and of everyone else, over the cases with a score; nan where there is none."""
    counts = _counts(limit, total, flagged)
    in_groups = [count @ limit.members.T for count in counts]
    rest = [count.sum(axis=1, keepdims=True) - part for count, part in zip(counts, in_groups, strict=True)]
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = [x / n for x, n in (in_groups, rest)]
    return rates[0], rates[1]


def _counts(limit: _Limit, total: IntArray, flagged: IntArray) -> list[FloatArray]:
    """float64[C, K] twice: rows in the numerator and in the denominator of the rate."""
    metric = limit.question.metric
    return [_counted(cells, total, flagged) for cells in (metric.numerator, metric.denominator)]


def _counted(cells: Sequence[Cell], total: IntArray, flagged: IntArray) -> FloatArray:
    """float64[C, K]: rows in these cells."""
    mask = cells_mask(cells)[: UNLABELLED + 1].astype(np.float64)
    return np.asarray(flagged @ mask[:, FLAGGED] + (total - flagged) @ mask[:, NOT_FLAGGED])


def _beyond(limit: _Limit, group_rates: FloatArray, rest: FloatArray) -> FloatArray:
    """float64[C, J]: how far groups are beyond the limit, on the line on which the test of a FAIL has it."""
    edge = limit.question.fail
    return np.asarray(edge.offset + edge.slope * counted_rate(rest, edge) - counted_rate(group_rates, edge))
