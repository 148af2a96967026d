"""Worlds whose rows have weights and clusters, and verdicts on them: through `judge`, as any audit runs.

Six groups, one of them exactly on the margin to its rest, the others alike. Its clusters hold rows of it alone (nested)
or of every group (spanning); cluster rates follow a beta distribution with the intracluster correlation of the world,
or two points, which is the worst a beta model could overlook. A FAIL of anybody is then false, and so is a PASS of the
group on the margin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, Literal

import numpy as np
from scipy.special import betaincinv

from audit.counting.clusters import ClusterTable
from audit.counting.family_moments import CELLS
from audit.counting.moments import Moments
from audit.counting.table import CountsTable
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.judged import Verdict
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.boundaries import Boundary, Scale, Side, margin_boundary
from audit.vocabulary.groups import SensitiveFeature
from audit.vocabulary.metrics import Cell
from tools.simulate.audited import group_table, groups_of, judged, plan_of
from tools.simulate.runner import Counts, Share

GROUPS: Final = 6
MEAN_SIZE: Final = 10
WEIGHT_CV: Final = 0.5
FEATURE: Final = groups_of(GROUPS)
"""The first group is the one on the margin."""


@dataclass(frozen=True)
class Setting:
    """A world to audit."""

    clusters: int
    """Clusters of the group on the margin; every other group has as many."""
    spanning: bool
    rate: float
    """Rate of everyone else."""
    correlation: float
    scale: Scale
    margin: float
    low: bool = True
    """Whether a low rate harms: the share found; else the share missed."""
    unequal: bool = True
    """Whether cluster sizes are lognormal with a coefficient of variation of 1, or all the same."""
    weighted: bool = True
    shape: Literal["beta", "two points", "whole"] = "beta"
    """Distribution of cluster rates. `whole`: two kinds, one without the outcome (or with it) but for one case in a
    hundred."""
    good: float | None = None
    """Factor that makes clusters of two kinds, if given: `bad` ones with one outcome in all rows, and good ones with
    so many times as much of it as all have on average. Correlations then play no part."""
    bad: str = "missed"
    """Outcome of bad clusters, `missed` or `found`."""
    mixed: str = "group"
    """Side whose clusters are of these two kinds: the `group` on the margin, or everyone else, the `rest`."""
    large: int = 0
    """Number of clusters of the group that are thirty times as large as the others."""
    groups: int = GROUPS
    beside: int = 1
    """Number of groups on the margin, each against its own rest."""
    gap: float | None = None
    """The rate of the first group, where it is not the one on the margin."""
    own_correlation: float | None = None
    """The correlation within clusters of the groups on the margin, where it is not that of everyone else."""
    size: int = MEAN_SIZE
    """Mean rows of a cluster."""
    factor: float = 1.0
    """Factor by which a row with the outcome weighs more."""

    @property
    def of_group(self) -> float:
        """The correlation within the clusters of the groups on the margin."""
        return self.correlation if self.own_correlation is None else self.own_correlation

    @property
    def on_margin(self) -> float:
        """Rate of the group on the margin."""
        slope, offset = 1.0, -self.margin if self.low else self.margin
        if self.scale == "ratio":
            slope, offset = (self.margin if self.low else 1.0 / self.margin), 0.0
        # the rest of a group on the margin holds the others there as well
        alike = slope * (self.beside - 1) / (self.groups - 1)
        return (slope * self.rate * (self.groups - self.beside) / (self.groups - 1) + offset) / (1.0 - alike)

    @property
    def possible(self) -> bool:
        """Whether the group on the margin has a rate that leaves room on both sides."""
        return 0.02 < self.on_margin < 0.98 and (self.on_margin < self.rate) == self.low

    def boundary(self, side: Side) -> Boundary:
        """Return the edge of one side's test."""
        return margin_boundary(side, self.low, self.scale, self.margin)


@dataclass(frozen=True)
class Drawn:
    """Rows of one simulated set."""

    cluster: IntArray
    group: IntArray
    weight: FloatArray
    success: BoolArray


def cluster_rates(u: FloatArray, rate: float, correlation: float, shape: str = "beta") -> FloatArray:
    """Rates of clusters with quantiles `u` of a distribution of mean `rate` and variance I rate (1 - rate)."""
    if correlation == 0.0:
        return np.full(u.shape, rate)
    if shape == "whole":
        usual = 0.01 if rate < 0.5 else 0.99
        other = min(max(rate + correlation * rate * (1.0 - rate) / (rate - usual), 0.0), 1.0)
        return np.where(u < (rate - other) / (usual - other), usual, other)
    if shape == "two points":
        # the distance above the mean is as large as the mean allows, up to three times that below it
        above = min(np.sqrt(correlation * rate * (1.0 - rate)) * 1.5, (1.0 - rate) * 0.98)
        below = correlation * rate * (1.0 - rate) / above
        if below > rate:
            below, above = rate, correlation * (1.0 - rate)
        return np.asarray(np.where(u < above / (above + below), rate - below, rate + above))
    strength = (1.0 - correlation) / correlation
    return np.asarray(betaincinv(rate * strength, (1.0 - rate) * strength, u))


def rates_of(setting: Setting, u: FloatArray, rate: float, *, rest: bool) -> FloatArray:
    """Rates of the clusters of a group on the margin, or of everyone else, of mean `rate`."""
    if setting.good is not None and setting.mixed == ("rest" if rest else "group"):
        is_found = setting.bad == "found"
        usual = setting.good * rate if is_found else 1.0 - setting.good * (1.0 - rate)
        other = 1.0 if is_found else 0.0
        return np.where(u < (rate - other) / (usual - other), usual, other)
    return cluster_rates(u, rate, setting.correlation if rest else setting.of_group, setting.shape)


def cluster_sizes(setting: Setting, shape: tuple[int, int], rng: np.random.Generator) -> IntArray:
    """Rows of clusters: all the same, or lognormal with a coefficient of variation of 1."""
    if setting.large:
        return np.broadcast_to(np.where(np.arange(shape[1]) < setting.large, 30, 1) * setting.size, shape)
    if not setting.unequal:
        return np.full(shape, setting.size, dtype=np.int64)
    sigma = np.sqrt(np.log(2.0))
    drawn = setting.size * np.exp(rng.normal(-sigma * sigma / 2.0, sigma, shape))
    return np.maximum(1, np.round(drawn)).astype(np.int64)


def lognormal(rng: np.random.Generator, spread: float, size: int | tuple[int, int]) -> FloatArray:
    """Weights with this coefficient of variation."""
    return np.asarray(np.exp(rng.normal(0.0, np.sqrt(np.log(1.0 + spread**2)), size)))


def draw(setting: Setting, rng: np.random.Generator) -> Drawn:
    """Draw one set of rows: of each group `clusters` clusters."""
    k, groups = setting.clusters, setting.groups
    u = np.broadcast_to(rng.random(k), (groups, k)) if setting.spanning else rng.random((groups, k))
    first = setting.on_margin if setting.gap is None else setting.gap
    means = [drawn_rate(first if group < setting.beside else setting.rate, setting.factor) for group in range(groups)]
    rates = [rates_of(setting, u[group], means[group], rest=group >= setting.beside) for group in range(groups)]
    rows = cluster_sizes(setting, (groups, k), rng).ravel()
    names = np.broadcast_to(np.arange(k), (groups, k)) if setting.spanning else np.arange(groups * k).reshape(groups, k)
    weight = lognormal(rng, WEIGHT_CV, int(rows.sum())) if setting.weighted else np.ones(rows.sum())
    success = rng.random(rows.sum()) < np.repeat(np.stack(rates).ravel(), rows)
    return Drawn(
        cluster=np.repeat(names.ravel(), rows).astype(np.int64),
        group=np.repeat(np.repeat(np.arange(groups), k), rows).astype(np.int64),
        weight=weight * np.where(success, setting.factor, 1.0),
        success=success,
    )


def drawn_rate(rate: float, factor: float) -> float:
    """Return the share of rows with the outcome where the weighted share is `rate`."""
    return rate / (factor * (1.0 - rate) + rate)


def moments_of(
    feature: SensitiveFeature,
    group: IntArray,
    cluster: IntArray,
    flagged: BoolArray,
    weight: FloatArray,
    *,
    weighted: bool,
    clustered: bool = True,
    unit: float = 2.0**-16,
) -> Moments:
    """Return the moments of positives of the groups of a feature, whose weights are whole numbers of a unit."""
    cell = np.where(flagged, CELLS.index(Cell.TP), CELLS.index(Cell.FN)).astype(np.int64)
    units = np.maximum(np.round(weight / unit), 1.0)
    table = ClusterTable.of(cluster, group, cell, units, units * units)
    codes = tuple((level.code,) for level in feature.levels[: int(group.max()) + 1])
    return Moments((feature,), codes, table, unit, weighted=weighted, clustered=clustered)


def counted(setting: Setting, drawn: Drawn) -> tuple[CountsTable, Moments]:
    """Return counts and moments of a set: all rows are positive, and found or, where a high rate harms, missed."""
    flagged = drawn.success if setting.low else ~drawn.success
    hits, cases = (np.bincount(drawn.group[rows], minlength=setting.groups) for rows in (flagged, slice(None)))
    moments = moments_of(FEATURE, drawn.group, drawn.cluster, flagged, drawn.weight, weighted=setting.weighted)
    return group_table(hits, cases), moments


def plan(setting: Setting) -> AuditPlan:
    """One rule over the groups; every group is to be judged alone."""
    limit = {"ratio" if setting.scale == "ratio" else "margin": setting.margin}
    metric = "true_positive_rate" if setting.low else "false_negative_rate"
    return plan_of([{"metric": metric, **limit}], evaluation_set={"cluster": "cluster", "weight": "weight"})


def audits(
    setting: Setting, runs: int, rng: np.random.Generator, *, rows_alone: bool = False
) -> Iterator[tuple[Verdict, ...]]:
    """Judge `runs` simulated sets; with `rows_alone` as if rows had neither weight nor cluster."""
    audit_plan = plan(setting)
    for _ in range(runs):
        counts, moments = counted(setting, draw(setting, rng))
        yield judged(audit_plan, counts, [FEATURE], None if rows_alone else moments)[1]


def on_the_margin(runs: int, rng: np.random.Generator, setting: Setting, *, rows_alone: bool = False) -> Counts:
    """Count how often the group on the margin passes, and how often anybody fails."""
    passed = failed = 0
    for verdicts in audits(setting, runs, rng, rows_alone=rows_alone):
        passed += verdicts[0].outcome == "pass"
        failed += any(verdict.outcome == "fail" for verdict in verdicts)
    alone = ", weights and clusters ignored" if rows_alone else ""
    return {f"false PASS{alone}": Share(passed, runs), f"any false FAIL{alone}": Share(failed, runs)}


def decided(runs: int, rng: np.random.Generator, setting: Setting, outcome: str) -> Counts:
    """Count how often the first group gets the verdict that it should."""
    hits = sum(verdicts[0].outcome == outcome for verdicts in audits(setting, runs, rng))
    return {f"true {outcome.upper()}": Share(hits, runs)}


def settings(clusters: int, *, spanning: bool = False, **others: object) -> list[Setting]:
    """Rates from .1 to .9, correlations .1 and .3, ratios and differences, low and high; without impossible ones."""
    limits: tuple[tuple[Scale, float], ...] = (("ratio", 0.8), ("difference", 0.05), ("difference", 0.10))
    worlds = [
        Setting(clusters, spanning, rate, icc, scale, margin, low)
        for rate, icc, (scale, margin), low in product((0.1, 0.2, 0.5, 0.9), (0.1, 0.3), limits, (True, False))
    ]
    return varied([setting for setting in worlds if setting.possible], **others)


def varied(worlds: Sequence[Setting], **others: object) -> list[Setting]:
    """Return the same worlds with other values, as far as they are possible."""
    changed = [replace(setting, **others) for setting in worlds]  # type: ignore[arg-type]
    return [setting for setting in changed if setting.beside == 1 or setting.possible]
