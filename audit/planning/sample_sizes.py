"""Worth of a set that is planned cell by cell to the groups of a rule, and the cases that these would need.

These are the sizes that `audit.verdicts.decidability` takes from an existing set. Here they come from cells of which so
many cases are to be drawn, and from the sizes that clusters have in the pool.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from audit.analyses.missing_attributes import MemberPlaces, member_places
from audit.analyses.sides import questions
from audit.counting.family_moments import of_the_others
from audit.counting.table import FamilyCounts, is_finest, rule_families
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.allocation import GroupCells
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.boundaries import Boundary, margin_boundary
from audit.stats.cluster_power import UnitShapes
from audit.stats.clusters import Alike, design_size, satterthwaite, too_few_clusters, variance_factor
from audit.stats.effective_test import MIN_DEGREES_OF_FREEDOM, few_degrees_factor
from audit.stats.power import Limit, cases_to_pass
from audit.verdicts.design_sizes import cases_for_enough_clusters
from audit.verdicts.planned_people import PlannedPeople, cases_to_be_alone, is_beyond_help
from audit.vocabulary.groups import Family, Group, Level
from audit.vocabulary.metrics import METRICS, Cell

NEAREST, WIDEST = 0.01, 0.999
"""How narrow and how wide a margin is looked for: as a share of the rule's own, and of what a rate has room for."""
_RESTS = 40
_LARGEST_SHARE = 20
"""Largest useful size of a group as a multiple of its rest: beyond it a group gains nothing by growing. As in
`audit.stats.power`.
"""


@dataclass(frozen=True, slots=True)
class PoolCell:
    """A cell of a pool: a level of every sensitive feature, with a label."""

    codes: tuple[str, ...]
    """A code of each feature on its finest rung, in the order of the design."""
    positive: bool
    """Whether its cases are labelled as exploitation."""
    rows: int
    """Rows in the pool."""
    distinct: int
    """Rows that can be drawn: those of the pool, without copies of others where a design leaves these out."""


@dataclass(frozen=True, slots=True)
class CellGroups:
    """Groups of one family of a rule, and the cells that their cases are in."""

    rule: Rule
    family: Family
    groups: tuple[Group, ...]
    members: GroupCells
    """Cells that the cases of each group are in, in the denominator of the rule's rate."""

    def assigned(self, cells: int) -> IntArray:
        """int64[C]: the group of each cell; -1 where its cases are in no group's denominator."""
        assigned = np.full(cells, -1, dtype=np.int64)
        assigned[self.members.cell] = self.members.group
        return assigned


def cell_groups(plan: AuditPlan, rules: Sequence[Rule], cells: Sequence[PoolCell]) -> tuple[CellGroups, ...]:
    """List every family of every rule on its finest rungs, over the cells of a pool."""
    found = []
    names = list(plan.groups)
    for rule in rules:
        counted = _labels_counted(rule)
        for family in rule_families(plan, rule):
            if not is_finest(plan, family):
                continue
            places = [names.index(axis.feature) for axis in family.axes]
            members: dict[tuple[str, ...], list[int]] = {}
            for place, cell in enumerate(cells):
                own = members.setdefault(tuple(cell.codes[at] for at in places), [])
                if cell.positive in counted and cell.distinct:
                    own.append(place)
            keys = sorted(members)
            groups = tuple(
                Group(tuple(Level(axis.feature, axis.rung, code) for axis, code in zip(family.axes, key, strict=True)))
                for key in keys
            )
            found.append(CellGroups(rule, family, groups, GroupCells.of([members[key] for key in keys])))
    return tuple(found)


def _labels_counted(rule: Rule) -> set[bool]:
    denominator = set(METRICS[rule.metric].denominator)
    positive, negative = denominator & {Cell.TP, Cell.FN}, denominator & {Cell.FP, Cell.TN}
    return ({True} if positive else set()) | ({False} if negative else set())


@dataclass(frozen=True, slots=True)
class PlannedSizes:
    """Worth of planned cases; float64[G] each, for the groups of a family."""

    own: FloatArray
    """Number of independent cases of equal weight that the cases of a group are worth."""
    rest: FloatArray
    """Number of independent cases of equal weight that the cases of everyone else are worth."""
    possible: npt.NDArray[np.bool_]
    """Whether the group has clusters and degrees of freedom enough to be judged at all."""


def weight_sums(sizes: npt.ArrayLike, drawn: npt.ArrayLike) -> FloatArray:
    """float64[4, C]: rows, and sums of the first, second and fourth power of their weights, for rows drawn one by one.

    Parameters
    ----------
    sizes, drawn : array_like, shape (C,)
        Cases of each cell in the pool, and drawn from it.
    """
    pool, some = np.asarray(sizes, dtype=np.float64), np.asarray(drawn, dtype=np.float64)
    weight = pool / np.where(some > 0.0, some, 1.0)
    return np.stack([some * weight**power for power in (0, 1, 2, 4)])


def planned_sizes(plan: AuditPlan, groups: CellGroups, of_cells: FloatArray, shapes: UnitShapes) -> PlannedSizes:
    """Compute what the cases of each group and of its rest are worth, as `audit.verdicts.decidability` will take them.

    Parameters
    ----------
    plan : AuditPlan
        For the level of the tests, and how alike rows of a cluster are expected to be.
    groups : CellGroups
        The groups of a family.
    of_cells : ndarray of float64, shape (4, C)
        For each cell the rows to be drawn and the sums of powers of their weights, as of `weight_sums`.
    shapes : UnitShapes
        The clusters of each group in the pool.
    """
    icc, alpha = plan.evaluation_set.expected_icc, plan.verdict.alpha
    sums = np.stack([groups.members.added(part) for part in of_cells])
    rest_sums, others = np.stack([of_the_others(part) for part in sums]), shapes.of_the_others
    own, rest = shapes.side(sums), others.side(rest_sums)
    # a group is taken to have weights as uneven as those within groups are on average, as in a verdict
    cases, first, second, _ = sums
    uneven = np.where(first > 0.0, cases * second / np.where(first > 0.0, first, 1.0) ** 2, 0.0)
    pooled = float((cases * uneven).sum() / max(float(cases.sum()), 1.0))
    least_q = np.where(cases > 0.0, pooled / np.where(cases > 0.0, cases, 1.0), 0.0)
    degrees = satterthwaite(own, icc)
    few = design_size(own, icc, least_q) * few_degrees_factor(degrees, alpha)
    open_to = Alike.supposing(icc, own, shapes.evened(sums)).largest
    return PlannedSizes(
        own=np.minimum(few, design_size(own, open_to, least_q)),
        rest=design_size(rest, icc) * few_degrees_factor(satterthwaite(rest, icc), alpha),
        possible=(degrees >= MIN_DEGREES_OF_FREEDOM) & ~too_few_clusters(own),
    )


def cases_from_clusters(
    plan: AuditPlan, groups: CellGroups, of_cells: FloatArray, shapes: UnitShapes, share: float
) -> FloatArray:
    """float64[G]: cases from as many clusters as a pass takes at `share` of the rule's margin; 0 without clusters.

    Parameters are those of `planned_sizes`; inf where no number would do.
    """
    sums = np.stack([groups.members.added(part) for part in of_cells])
    rest_sums, others = np.stack([of_the_others(part) for part in sums]), shapes.of_the_others
    icc = plan.evaluation_set.expected_icc
    clusters = shapes.evened(sums).bundles.at_least(icc), others.evened(rest_sums).bundles.at_least(icc)
    side, rest_side = shapes.side(sums), others.side(rest_sums)
    factor, rows = variance_factor(side, icc), (side.q, rest_side.q)
    wanted = np.zeros(sums[0].shape)
    for boundary, beyond in _edges_at_share(plan, groups.rule, share):
        cases = cases_for_enough_clusters(plan, groups.rule, clusters, factor, sums[0], (boundary,), rows=rows)
        wanted = np.maximum(wanted, np.ceil(cases / beyond - 1e-6))
    return wanted


def joint_power(plan: AuditPlan, judged: Sequence[CellGroups], pool: FloatArray) -> float:
    """Return the power with which each group must pass, so that all that the pool has together have the plan's.

    Parameters
    ----------
    pool : ndarray of float64, shape (C,)
        Cases of each cell that can be drawn.
    """
    groups = sum(int((of.members.added(pool) >= plan.verdict.min_denominator).sum()) for of in judged)
    return float(plan.verdict.power ** (1.0 / max(groups, 1)))


def for_the_unknown(plan: AuditPlan, groups: CellGroups, pool: FloatArray, power: float) -> FloatArray:
    """float64[G]: cases that each group needs, over those it would need were nobody of unknown group.

    1 where no number would do: such a group lacks no cases. Parameters are those of `joint_power`.
    """
    nobody = np.zeros((len(groups.groups), 3, 4), dtype=np.int64)
    members = member_places(FamilyCounts(groups.family, groups.groups, nobody, nobody[:1].sum(axis=0)))
    people = groups.members.added(pool)
    planned = PlannedPeople(people, people, people.sum() - people, members)
    none: list[list[int]] = [[] for _ in groups.groups]
    alone = replace(planned, members=MemberPlaces(none, [[] for _ in none], none))
    with_them, without = (cases_to_be_alone(plan, groups.rule, each, power) for each in (planned, alone))
    helps = np.isfinite(with_them) & np.isfinite(without) & ~is_beyond_help(plan, groups.rule, planned)
    factor = np.ones(helps.shape)
    factor[helps] = np.maximum(with_them[helps], 1.0) / np.maximum(without[helps], 1.0)
    return factor


def wanted_sizes(plan: AuditPlan, rule: Rule, share: float, power: float) -> Callable[[FloatArray], FloatArray]:
    """Return a function that gives the independent cases a group needs to pass, with this power, at a margin of `share`
    times the rule's own.

    Returns
    -------
    callable
        From the effective sizes of rests, float64[G], to those wanted of their groups. Beyond the widest margin that
        the rate has room for, sizes fall in proportion. Where no number would do, as many as can still help.
    """
    edges = _edges_at_share(plan, rule, share)
    # of two sides each is planned for half of the risk, as in `audit.verdicts.decidability`
    power = 1.0 - (1.0 - power) / len(edges)
    rests = np.unique(np.round(np.geomspace(2.0, 1e7, _RESTS)))
    needed = np.zeros(rests.shape)
    for boundary, beyond in edges:
        cases = cases_to_pass(rule.planned_rate, rests, boundary, plan.verdict.alpha, power)
        needed = np.maximum(needed, cases / beyond)
    most = np.minimum(needed, _LARGEST_SHARE * rests)

    def wanted(rest: FloatArray) -> FloatArray:
        inside = np.log(np.clip(rest, rests[0], rests[-1]))
        found = np.interp(inside, np.log(rests), most)
        return np.where(rest > 0.0, np.minimum(found, _LARGEST_SHARE * np.maximum(rest, 1.0)), 0.0)

    return wanted


def _edges_at_share(plan: AuditPlan, rule: Rule, share: float) -> list[tuple[Boundary, float]]:
    """Return the edges of a rule's sides at a share of its margin, one for each side.

    An edge is never wider than the rate has room for; the second number says how far beyond that it should lie.
    """
    edges = []
    for question in questions(plan, rule):
        low = question.side == "low"
        limit = Limit(low, rule.scale, rule.limit, rule.planned_rate)
        width = _limit_width(limit) * share
        beyond = max(width / ((limit.rate if low else 1.0 - limit.rate) * WIDEST), 1.0)
        edge = limit.rate + (-1.0 if low else 1.0) * width / beyond
        edges.append((margin_boundary("pass", low, rule.scale, limit.disparity(edge)), beyond))
    return edges


def _limit_width(limit: Limit) -> float:
    """Return how far the rule's own limit lies from the rate."""
    if limit.scale == "difference":
        return limit.limit
    return limit.rate * (1.0 - limit.limit) if limit.low_is_worse else limit.rate * (1.0 / limit.limit - 1.0)
