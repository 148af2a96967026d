"""Simulation of errors of verdicts if rows have weights and clusters: through `judge`, as any audit runs.

Six groups, one of them exactly on the margin to its rest, the others alike. Its clusters hold rows of it alone (nested)
or of every group (spanning); cluster rates follow a beta distribution with the intracluster correlation asked for, or
two points, which is the worst a beta model could overlook. A FAIL of anybody is then false, and so is a PASS of the
group on the margin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from audit.counting.clusters import ClusterTable
from audit.counting.family_moments import CELLS
from audit.counting.moments import Moments
from audit.counting.table import FLAGGED, NOT_FLAGGED, POSITIVE, CountsTable, count_families
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.judged import Verdict
from audit.stats.arrays import FloatArray, IntArray
from audit.verdicts.judge import judge
from audit.vocabulary.groups import LevelName, SensitiveFeature
from audit.vocabulary.metrics import Cell
from tools.simulate.verdict_size import Measured

GROUPS = ("a", "b", "c", "d", "e", "f")
"""The first is the one on the margin."""
MEAN_SIZE = 10
WEIGHT_CV = 0.5
FEATURE = SensitiveFeature(
    name="group",
    column="group",
    coding="categorical",
    rungs=("level",),
    levels=tuple(LevelName(rung="level", code=code, name=code) for code in GROUPS),
    given_to_detector=False,
)


@dataclass(frozen=True)
class Setting:
    """A world to audit."""

    clusters: int
    """Clusters of the group on the margin; every other group has as many."""
    spanning: bool
    rate: float
    """Rate of everyone else."""
    correlation: float
    scale: str
    margin: float
    low: bool = True
    """Whether a low rate harms: the share found; else the share missed."""
    unequal: bool = True
    """Whether cluster sizes are lognormal with a coefficient of variation of 1, or all the same."""
    weighted: bool = True
    two_points: bool = False
    whole: bool = False
    """Whether clusters are of two kinds, one of them without the outcome (or with it) but for one case in a hundred."""
    good: float | None = None
    """Factor that makes clusters of two kinds, if given: `bad` ones with one outcome in all rows, and good ones with
    so many times as much of it as all have on average. Correlations then play no part."""
    bad: str = "missed"
    """Outcome of bad clusters, `missed` or `found`."""
    mixed: str = "group"
    """Side whose clusters are of these two kinds: the `group` on the margin, or everyone else, the `rest`."""
    large: int = 0
    """Number of clusters of the group that are thirty times as large as the others."""
    groups: int = len(GROUPS)
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

    def __str__(self) -> str:
        """One line of a table."""
        kind = "spanning" if self.spanning else "nested"
        own = "" if self.own_correlation is None else f"{self.own_correlation:g} v "
        extra = f"{'two-point ' if self.two_points else 'whole ' if self.whole else ''}icc {own}{self.correlation:g}"
        if self.good is not None:
            extra = (
                f"{self.mixed} of two kinds, {self.bad} whole or {self.good:g} times as often, icc {self.correlation:g}"
            )
        if self.large:
            kind += f", {self.large} of them large,"
        if self.factor != 1.0:
            extra += f", weights times {self.factor:g}"
        if self.size != MEAN_SIZE or not self.unequal:
            kind += f" of {self.size}{'' if self.unequal else ' each'}"
        worse = "low" if self.low else "high"
        of = "" if self.groups == len(GROUPS) and self.beside == 1 else f" ({self.beside} of {self.groups} groups)"
        return f"{self.clusters} {kind} clusters{of}, {extra}, rate {self.rate:g}, {self.scale} {self.margin:g} {worse}"


@dataclass(frozen=True)
class Drawn:
    """Rows of one simulated set."""

    cluster: IntArray
    group: IntArray
    weight: FloatArray
    success: npt.NDArray[np.bool_]


def cluster_rates(
    u: FloatArray, rate: float, correlation: float, *, two_points: bool, whole: bool = False
) -> FloatArray:
    """Rates of clusters with quantiles `u` of a distribution of mean `rate` and variance I rate (1 - rate)."""
    if correlation == 0.0:
        return np.full(u.shape, rate)
    if whole:
        usual = 0.01 if rate < 0.5 else 0.99
        other = rate + correlation * rate * (1.0 - rate) / (rate - usual)
        other = min(max(other, 0.0), 1.0)
        return np.where(u < (rate - other) / (usual - other), usual, other)
    if two_points:
        # the distance above the mean is as large as the mean allows, up to three times that below it
        above = min(np.sqrt(correlation * rate * (1.0 - rate)) * 1.5, (1.0 - rate) * 0.98)
        below = correlation * rate * (1.0 - rate) / above
        if below > rate:
            below, above = rate, correlation * (1.0 - rate)
        rates: FloatArray = np.where(u < above / (above + below), rate - below, rate + above)
        return rates
    shape = (1.0 - correlation) / correlation
    return np.asarray(betaincinv(rate * shape, (1.0 - rate) * shape, u))


def two_kinds(u: FloatArray, rate: float, good: float, bad: str) -> FloatArray:
    """Rates of mean `rate` of clusters that lack the outcome or have it in all rows, and of others that rarely do."""
    if bad == "found":
        usual, other = good * rate, 1.0
    else:
        usual, other = 1.0 - good * (1.0 - rate), 0.0
    return np.where(u < (rate - other) / (usual - other), usual, other)


def rates_of(setting: Setting, u: FloatArray, rate: float, *, rest: bool) -> FloatArray:
    """Rates of the clusters of a group on the margin, or of everyone else, of mean `rate`."""
    if setting.good is not None and setting.mixed == ("rest" if rest else "group"):
        return two_kinds(u, rate, setting.good, setting.bad)
    correlation = setting.correlation if rest else setting.of_group
    return cluster_rates(u, rate, correlation, two_points=setting.two_points, whole=setting.whole)


def cluster_sizes(setting: Setting, shape: tuple[int, int], rng: np.random.Generator) -> IntArray:
    """Rows of clusters: all the same, or lognormal with a coefficient of variation of 1."""
    if setting.large:
        return np.broadcast_to(np.where(np.arange(shape[1]) < setting.large, 30, 1) * setting.size, shape)
    if not setting.unequal:
        return np.full(shape, setting.size, dtype=np.int64)
    sigma = np.sqrt(np.log(2.0))
    drawn = setting.size * np.exp(rng.normal(-sigma * sigma / 2.0, sigma, shape))
    return np.maximum(1, np.round(drawn)).astype(np.int64)


def draw(setting: Setting, rng: np.random.Generator) -> Drawn:
    """One set of rows: of each group `clusters` clusters."""
    k, groups = setting.clusters, setting.groups
    u = np.broadcast_to(rng.random(k), (groups, k)) if setting.spanning else rng.random((groups, k))
    first = setting.on_margin if setting.gap is None else setting.gap
    means = [drawn_rate(first if place < setting.beside else setting.rate, setting.factor) for place in range(groups)]
    rates = np.stack(
        [rates_of(setting, u[place], means[place], rest=place >= setting.beside) for place in range(groups)]
    )
    sizes = cluster_sizes(setting, (groups, k), rng)
    names = np.broadcast_to(np.arange(k), (groups, k)) if setting.spanning else np.arange(groups * k).reshape(groups, k)
    rows = sizes.ravel()
    sigma = np.sqrt(np.log(1.0 + WEIGHT_CV**2))
    weight = np.exp(rng.normal(0.0, sigma, rows.sum())) if setting.weighted else np.ones(rows.sum())
    success = rng.random(rows.sum()) < np.repeat(rates.ravel(), rows)
    return Drawn(
        cluster=np.repeat(names.ravel(), rows).astype(np.int64),
        group=np.repeat(np.repeat(np.arange(groups), k), rows).astype(np.int64),
        weight=weight * np.where(success, setting.factor, 1.0),
        success=success,
    )


def drawn_rate(rate: float, factor: float) -> float:
    """Return the share of rows with the outcome where the weighted share is `rate`."""
    return rate / (factor * (1.0 - rate) + rate)


def counted(setting: Setting, drawn: Drawn) -> tuple[CountsTable, Moments]:
    """Return counts and moments of a set: all rows are positive, and found or, where a high rate harms, missed."""
    flagged = drawn.success if setting.low else ~drawn.success
    cells: dict[tuple[str, ...], npt.NDArray[np.int64]] = {}
    for place in range(setting.groups):
        own = flagged[drawn.group == place]
        table = np.zeros((3, 4), dtype=np.int64)
        table[POSITIVE, FLAGGED], table[POSITIVE, NOT_FLAGGED] = own.sum(), own.size - own.sum()
        cells[(GROUPS[place],)] = table
    cell = np.where(flagged, CELLS.index(Cell.TP), CELLS.index(Cell.FN)).astype(np.int64)
    units = np.maximum(np.round(drawn.weight * 2**16), 1.0)
    table_of = ClusterTable.of(drawn.cluster, drawn.group, cell, units, units * units)
    codes = tuple((code,) for code in GROUPS[: setting.groups])
    moments = Moments((FEATURE,), codes, table_of, 2.0**-16, weighted=setting.weighted, clustered=True)
    return CountsTable.of(("group",), cells), moments


def plan(setting: Setting) -> AuditPlan:
    """One rule over the groups; every group is to be judged alone."""
    limit = {"ratio": setting.margin} if setting.scale == "ratio" else {"margin": setting.margin}
    metric = "true_positive_rate" if setting.low else "false_negative_rate"
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "simulated", "owner": "nobody", "use": "hotline-triage", "route": "services"},
            "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
            "evaluation_set": {
                "id": "id", "label": "label", "label_source": "simulated", "cluster": "cluster", "weight": "weight"
            },
            "groups": {"group": {"column": "group", "coding": "categorical", "min_cases": 5}},
            "rules": [{"metric": metric, "groups": ["group"], **limit}],
        }
    )  # fmt: skip


def audits(
    setting: Setting, runs: int, rng: np.random.Generator, *, rows_alone: bool = False
) -> Iterator[tuple[Verdict, ...]]:
    """Judge `runs` simulated sets; with `rows_alone` as if rows had neither weight nor cluster."""
    asked, named = plan(setting), {FEATURE.name: FEATURE}
    for _ in range(runs):
        counts, moments = counted(setting, draw(setting, rng))
        families = count_families(asked, counts, [FEATURE])
        _, verdicts, _ = judge(asked, families, named, None if rows_alone else moments)
        yield verdicts


def on_the_margin(
    setting: Setting, runs: int, rng: np.random.Generator, *, rows_alone: bool = False
) -> tuple[Measured, Measured]:
    """Return how often the group on the margin passes, and how often anybody fails."""
    passed = failed = 0
    for verdicts in audits(setting, runs, rng, rows_alone=rows_alone):
        passed += verdicts[0].outcome == "pass"
        failed += any(verdict.outcome == "fail" for verdict in verdicts)
    promised = "no guarantee" if rows_alone else "<= 5 %"
    name = f"{setting}{', taken as rows' if rows_alone else ''}"
    return Measured(name, "false PASS", passed, runs, promised), Measured(
        name, "any false FAIL", failed, runs, promised
    )


def decided(setting: Setting, runs: int, rng: np.random.Generator, outcome: str) -> Measured:
    """Return how often the first group gets the verdict that it should."""
    hits = sum(verdicts[0].outcome == outcome for verdicts in audits(setting, runs, rng))
    return Measured(f"{setting}, own rate {setting.gap:g}", f"true {outcome.upper()}", hits, runs, "power")


def settings(clusters: int, *, spanning: bool, unequal: bool = True) -> list[Setting]:
    """Rates from .1 to .9, correlations .1 and .3, ratios and differences, low and high."""
    limits = (("ratio", 0.8), ("difference", 0.05), ("difference", 0.10))
    made = [
        Setting(clusters, spanning, rate, icc, scale, margin, low, unequal)
        for rate, icc, (scale, margin), low in product((0.1, 0.2, 0.5, 0.9), (0.1, 0.3), limits, (True, False))
    ]
    return [setting for setting in made if setting.possible]


def worst_of(made: list[Setting], runs: int, rng: np.random.Generator) -> tuple[Measured, Measured]:
    """Find the settings with most false passes and most false fails, and measure them anew four times as often."""
    screened = [on_the_margin(setting, runs, rng) for setting in made]
    worst = (max(range(len(made)), key=lambda place: screened[place][side].events) for side in (0, 1))
    passes, fails = (on_the_margin(made[place], 4 * runs, rng)[side] for side, place in enumerate(worst))
    promised = f"<= 5 %, worst of {len(made)}"
    return replace(passes, expected=promised), replace(fails, expected=promised)


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(64))
    for clusters, spanning in product((10, 30, 100, 300), (False, True)):
        yield from worst_of(settings(clusters, spanning=spanning), runs, next(streams))
    for clusters in (10, 30):
        yield from worst_of(settings(clusters, spanning=False, unequal=False), runs, next(streams))
        pair = [replace(setting, groups=2) for setting in settings(clusters, spanning=False)]
        yield from worst_of(pair, runs, next(streams))
        two = [replace(setting, two_points=True) for setting in settings(clusters, spanning=False)]
        yield from worst_of(two, runs, next(streams))
        half = [replace(setting, beside=3) for setting in settings(clusters, spanning=False)]
        yield from worst_of([setting for setting in half if setting.possible], runs, next(streams))
    for clusters, factor in product((10, 30, 100), (0.5, 2.0)):
        made = [replace(setting, factor=factor) for setting in settings(clusters, spanning=False)]
        yield from worst_of(made, runs, next(streams))
    example = Setting(100, spanning=False, rate=0.5, correlation=0.3, scale="ratio", margin=0.8)
    yield from on_the_margin(example, runs, next(streams), rows_alone=True)
    for clusters in (30, 100, 300):
        world = Setting(clusters, spanning=False, rate=0.8, correlation=0.1, scale="ratio", margin=0.8)
        yield decided(replace(world, gap=0.8), runs, next(streams), "pass")
        yield decided(replace(world, gap=0.45), runs, next(streams), "fail")
