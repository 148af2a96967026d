"""Simulation of statements on many groups at once: how often they err, what they find, and whether intervals cover.

Groups judged together without a name, the test of equal rates, the spread between groups, and whole audits over a full
ladder with difference margins and two-sided rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from audit.analyses.sides import questions
from audit.counting.table import FLAGGED, NOT_FLAGGED, POSITIVE, CountsTable, FamilyCounts, count_families
from audit.plan.audit_plan import AuditPlan
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.boundaries import Boundary, margin_boundary
from audit.stats.heterogeneity import entropy_interval, equality_p, generalized_entropy, spread_between
from audit.stats.multiplicity import unnamed_p
from audit.stats.score_test import FAIL_BETA, screened_p
from audit.verdicts.judge import judge
from audit.vocabulary.groups import Group
from tools.simulate import whole_audit
from tools.simulate.verdict_size import Measured, rates_on_edge, zipf_sizes

UNNAMED_LEVEL = 0.01
SPREAD_LEVEL = 0.95
_EQUALITY_LEVEL = 0.05
_SUBREGIONS = 22
_AT_ONCE = 250
"""Families whose p-values are computed in one call, which costs half."""


def patterns(groups: int) -> dict[str, BoolArray]:
    """Return which groups lie on the margin: half of them, 90 % of them, those of half of the sub-regions."""
    place = np.arange(groups)
    return {"half": place % 2 == 0, "90 %": place % 10 != 0, "half of the sub-regions": place % _SUBREGIONS % 2 == 0}


def together(
    runs: int, rng: np.random.Generator, setting: str, sizes: IntArray, rates: FloatArray, boundary: Boundary
) -> Measured:
    """Judge a family together, without a name: how often at `UNNAMED_LEVEL`."""
    events = 0
    for start in range(0, runs, _AT_ONCE):
        x = rng.binomial(sizes, rates, (min(_AT_ONCE, runs - start), sizes.size))
        y = x.sum(axis=1, keepdims=True) - x
        n, m = (np.broadcast_to(of, x.shape) for of in (sizes, sizes.sum() - sizes))
        p = screened_p(x.ravel(), n.ravel(), y.ravel(), m.ravel(), boundary, FAIL_BETA).p.reshape(x.shape)
        events += sum(
            unnamed_p(*counts, boundary=boundary).p <= UNNAMED_LEVEL for counts in zip(p, x, n, y, m, strict=True)
        )
    is_false = "margin" in setting
    return Measured(setting, "unnamed FAIL at 1 %", events, runs, "<= 1 %" if is_false else "power")


def unnamed_false(
    runs: int,
    rng: np.random.Generator,
    sizes: IntArray,
    pattern: str,
    rate: float,
    *,
    low: bool,
    scale: str,
    limit: float,
) -> Measured:
    """Return how often some groups are said to be beyond the margin, although all lie exactly on it or within."""
    boundary = margin_boundary("fail", low, "ratio" if scale == "ratio" else "difference", limit)
    overall = rate if boundary.counts_success else 1.0 - rate
    rates = rates_on_edge(sizes, patterns(sizes.size)[pattern], overall, boundary)
    side = "low" if low else "high"
    setting = f"{pattern} on the margin, {scale} {limit:g} {side}, rate {rate:g}, {sizes.size} groups, {sizes.sum()}"
    return together(runs, rng, setting, sizes, rates, boundary)


def unnamed_power(runs: int, rng: np.random.Generator, cases: int, every: int, rate: float) -> Measured:
    """Put every so-manieth of 200 nationalities at a lower rate than the .7 of the others, ratio .8."""
    sizes = zipf_sizes(cases)
    rates = np.where(np.arange(sizes.size) % every == every - 1, rate, 0.7)
    boundary = margin_boundary("fail", low_is_worse=True, scale="ratio", margin=0.8)
    return together(runs, rng, f"every {every}th of 200 at {rate:g} against .70, {cases} cases", sizes, rates, boundary)


def with_some_beyond(sizes: IntArray, beyond: BoolArray, rate: float, low: float, boundary: Boundary) -> FloatArray:
    """Return rates: some groups at `low`, the first at `rate`, all others exactly on the edge to their own rest."""
    rates = np.where(beyond, low, rate)
    for _ in range(200):
        rest = ((sizes * rates).sum() - sizes * rates) / (sizes.sum() - sizes)
        rates = np.where(beyond, low, boundary.edge(rest))
        rates[0] = rate
    return np.asarray(rates)


def at_least(
    runs: int, rng: np.random.Generator, sizes: IntArray, every: int, low: float
) -> tuple[Measured, Measured, Measured]:
    """Put every so-manieth group at `low` against .7 of the first, and the others exactly on a ratio of .8.

    Returns how often more groups are said to be beyond the margin than are, and how often two, or a quarter of them.
    """
    boundary = margin_boundary("fail", low_is_worse=True, scale="ratio", margin=0.8)
    beyond = np.arange(sizes.size) % every == every - 1
    rates = with_some_beyond(sizes, beyond, 0.7, low, boundary)
    x = rng.binomial(sizes, rates, (runs, sizes.size))
    y = x.sum(axis=1, keepdims=True) - x
    n, m = (np.broadcast_to(of, x.shape) for of in (sizes, sizes.sum() - sizes))
    p = screened_p(x.ravel(), n.ravel(), y.ravel(), m.ravel(), boundary, FAIL_BETA).p.reshape(x.shape)
    said = np.array(
        [unnamed_p(*of, boundary=boundary).at_least(UNNAMED_LEVEL) for of in zip(p, x, n, y, m, strict=True)]
    )
    truth = int(beyond.sum())
    setting = (
        f"{truth} of {sizes.size} groups of {sizes.min()} to {sizes[1:].max()} at {low:g}, the others on a ratio of .8"
    )
    return (
        Measured(setting, "too many said to be beyond, at 1 %", int((said > truth).sum()), runs, "<= 1 %"),
        Measured(setting, "at least two", int((said >= 2).sum()), runs, "power"),
        Measured(setting, "at least a quarter of them", int((4 * said >= truth).sum()), runs, "power"),
    )


def equality_size(runs: int, rng: np.random.Generator, sizes: IntArray, rate: float) -> Measured:
    """Return how often the permutation test finds different rates, although all groups have the same rate."""
    events = 0
    for _ in range(runs):
        found = equality_p(rng.binomial(sizes, rate), sizes, rng, replicates=199)
        events += found is not None and found.p <= _EQUALITY_LEVEL
    setting = f"equal rates of {rate:g}, {sizes.size} groups, {sizes.sum()} cases"
    return Measured(setting, "equality rejected at 5 %", events, runs, "<= 5 %")


def spread_covers(
    runs: int, rng: np.random.Generator, name: str, sizes: IntArray, rate: float, deviation: float
) -> Measured:
    """Return how often the interval holds the spread of true rates from a beta distribution."""
    events, share = 0, sizes / sizes.sum()
    strength = rate * (1.0 - rate) / deviation**2 - 1.0 if deviation else np.inf
    for _ in range(runs):
        rates = np.full(sizes.shape, rate)
        if deviation:
            rates = rng.beta(rate * strength, (1.0 - rate) * strength, sizes.shape)
        truth = float(np.sqrt((share * (rates - (share * rates).sum()) ** 2).sum()))
        spread = spread_between(rng.binomial(sizes, rates), sizes, SPREAD_LEVEL)
        # Without any variation no interval is stated, which is no error.
        events += spread is None or spread.low - 1e-9 <= truth <= spread.high + 1e-9
    setting = f"{sizes.size} groups, {name}, rate {rate:g}, sd {deviation:g}"
    return Measured(setting, "spread in its interval", events, runs, "95 %")


def entropy_covers(
    runs: int, rng: np.random.Generator, sizes: IntArray, deviation: float
) -> tuple[Measured, Measured, Measured]:
    """Return how often the intervals hold the indices of true shares of errors from log-normal distributions."""
    held = np.zeros(3, dtype=np.int64)
    for _ in range(runs):
        missed = np.minimum(0.03 * np.exp(3.0 * deviation * rng.normal(size=sizes.size)), 0.1)
        extra = np.minimum(0.1 * np.exp(deviation * rng.normal(size=sizes.size)), 0.5)
        shares = np.stack([0.1 - missed, missed, extra, 0.9 - extra], axis=1)
        truth = generalized_entropy(*(shares * sizes[:, np.newaxis]).T)
        interval = entropy_interval(rng.multinomial(sizes, shares), rng, SPREAD_LEVEL, 499)
        if interval is not None:
            ends = (interval.total, interval.between, interval.within)
            for place, (value, (low, high)) in enumerate(zip(truth, ends, strict=True)):
                held[place] += low - 1e-12 <= float(value) <= high + 1e-12
    setting = f"{sizes.size} groups, {sizes.sum()} cases, errors differ by e^{deviation:g}"
    events = ("entropy in its interval", "its part between groups", "its part within groups")
    first, second, third = (
        Measured(setting, event, int(count), runs, "95 %") for event, count in zip(events, held, strict=True)
    )
    return first, second, third


@dataclass(frozen=True)
class Limit:
    """A rule's limit."""

    scale: Literal["ratio", "margin"]
    value: float
    direction: Literal["worse", "both"]

    def plan(self, rate: float) -> AuditPlan:
        """Return the plan of `whole_audit` with this limit instead."""
        asked = whole_audit.plan().model_dump(mode="json", by_alias=True, exclude_unset=True)
        rule = {key: value for key, value in asked["rules"][0].items() if key not in ("ratio", "id")}
        rule |= {self.scale: self.value, "direction": self.direction, "expected_rate": rate}
        return AuditPlan.model_validate(asked | {"rules": [rule]})

    def boundary(self, *, low: bool) -> Boundary:
        """Return the edge in rates of the metric, where "low" is the harmful side or not."""
        if self.scale == "margin":
            return Boundary(-self.value if low else self.value, 1.0, counts_success=True)
        return Boundary(0.0, self.value if low else 1.0 / self.value, counts_success=True)

    def __str__(self) -> str:
        return f"{self.scale} {self.value:g}, {self.direction}"


def on_limit(cases: int, rate: float, limit: Limit) -> whole_audit.World:
    """Put every second nationality exactly on the limit to its own rest, in turn on either side if there are two."""
    split = whole_audit.sizes(cases)
    of_country = split.sum(axis=0)
    total, place = of_country.sum(), np.arange(of_country.size)
    rates, edges = np.zeros(of_country.size), place % 2 == 0
    for low in (True, False):
        edge = limit.boundary(low=low)
        here = edges & ((place % 4 == 0) == low) if limit.direction == "both" else edges & low
        on_it = (edge.offset * (total - of_country) + edge.slope * rate * total) / (
            total - of_country + edge.slope * of_country
        )
        rates = np.where(here, on_it, rates)
    others = (rate * total - (of_country * rates)[edges].sum()) / of_country[~edges].sum()
    return whole_audit.World(split, np.broadcast_to(np.where(edges, rates, others), split.shape))


def ladder_errors(
    runs: int, rng: np.random.Generator, setting: str, world: whole_audit.World, limit: Limit, rate: float
) -> list[Measured]:
    """Whole audits: any FAIL, named or not, of a group truly within the limit; any PASS of one on it or beyond."""
    asked, named = limit.plan(rate), whole_audit.features()
    by_name = {feature.name: feature for feature in named}
    beyond, on_or_beyond = _truth(world, asked)
    false_fails = false_passes = judged = 0
    for _ in range(runs):
        table = _table(world.cases, rng.binomial(world.cases, world.rates))
        rules, verdicts, _ = judge(asked, count_families(asked, table, named), by_name)
        wrongly_together = any(
            family.unnamed_beyond and not any(group.family == family.family for group in beyond)
            for family in rules[0].families
        )
        false_fails += wrongly_together or any(
            verdict.outcome == "fail" and verdict.group not in beyond for verdict in verdicts
        )
        alone = [verdict for verdict in verdicts if verdict.decidable and verdict.group in on_or_beyond]
        judged += len(alone)
        false_passes += sum(verdict.outcome == "pass" for verdict in alone)
    name = f"ladder, {setting}, {limit}, rate {rate:g}, {world.cases.sum()}"
    measured = [Measured(name, "any false FAIL", false_fails, runs, "<= 5 %")]
    if judged:
        measured.append(Measured(name, "PASS of a group on the limit", false_passes, judged, "<= 5 %"))
    return measured


def _truth(world: whole_audit.World, asked: AuditPlan) -> tuple[set[Group], set[Group]]:
    """Groups beyond the limit, and groups on it or beyond, by true rates."""
    scale = 10**9
    table = _table(world.cases * scale, world.cases * np.round(world.rates * scale).astype(np.int64))
    beyond: set[Group] = set()
    on_or_beyond: set[Group] = set()
    for family in _families(asked, table):
        found, cases = family.cells[:, POSITIVE, FLAGGED], family.cells[:, POSITIVE].sum(axis=1)
        rest_found, rest_cases = found.sum() - found, cases.sum() - cases
        for question in questions(asked, asked.named_rules[0]):
            low = question.side == "low"
            with np.errstate(divide="ignore", invalid="ignore"):
                own, rest = found / cases, rest_found / rest_cases
                edge = (question.fail if low else question.within).edge(rest)
            excess = edge - own if low else own - edge
            beyond.update(group for group, by in zip(family.groups, excess, strict=True) if by > 1e-8)
            on_or_beyond.update(group for group, by in zip(family.groups, excess, strict=True) if by > -1e-8)
    return beyond, on_or_beyond


def _families(asked: AuditPlan, table: CountsTable) -> list[FamilyCounts]:
    return list(count_families(asked, table, whole_audit.features()).values())


def _table(cases: IntArray, found: IntArray) -> CountsTable:
    countries = [level.code for level in whole_audit.features()[1].levels if level.rung == "country"]
    rows: dict[tuple[str, ...], IntArray] = {}
    for (row, gender), (column, country) in product(enumerate(whole_audit.GENDERS), enumerate(countries)):
        if cases[row, column]:
            cells = np.zeros((3, 4), dtype=np.int64)
            cells[POSITIVE, FLAGGED] = found[row, column]
            cells[POSITIVE, NOT_FLAGGED] = cases[row, column] - found[row, column]
            rows[gender, country] = cells
    return CountsTable.of([feature.name for feature in whole_audit.features()], rows)


AT_LEAST = ((60, 100, 10, 0.2), (200, 100, 10, 0.35), (200, 100, 4, 0.35), (200, 30, 2, 0.2), (20, 300, 3, 0.45))
"""Groups beside a large one, their size, which of them are beyond the limit, and at which rate."""


def _beside_large(groups: int, size: int) -> IntArray:
    return np.array([20 * groups * size] + [size] * groups)


LIMITS = (
    Limit("margin", 0.05, "worse"),
    Limit("margin", 0.10, "worse"),
    Limit("ratio", 0.8, "both"),
    Limit("margin", 0.05, "both"),
    Limit("margin", 0.10, "both"),
)


def ladder_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Difference margins and two-sided rules over a full ladder."""
    streams = iter(np.random.default_rng([seed, 1]).spawn(64))
    for limit, rate, cases in product(LIMITS, (0.7, 0.1), (20_000, 200_000)):
        stream = next(streams)
        if limit.value == 0.10 and rate == 0.1:
            continue  # no rate is 10 points below one of 10 %
        if cases == 20_000 or limit.direction == "both":
            yield from ladder_errors(runs, stream, "half on it", on_limit(cases, rate, limit), limit, rate)
    for limit in LIMITS[2:4]:
        yield from ladder_errors(runs, next(streams), "equal", whole_audit.equal(20_000, 0.7), limit, 0.7)


def family_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure everything about one family."""
    streams = iter(np.random.default_rng([seed, 2]).spawn(256))
    for cases, pattern, rate in product((2_000, 20_000, 200_000), patterns(200), (0.7, 0.1)):
        for low, scale, limit in product((True, False), ("ratio", "difference"), (0.8, 0.05, 0.1)):
            if (scale == "ratio") != (limit == 0.8) or (cases == 2_000 and pattern != "half"):
                continue
            stream = next(streams)
            try:
                yield unnamed_false(runs, stream, zipf_sizes(cases), pattern, rate, low=low, scale=scale, limit=limit)
            except ValueError:
                continue  # no rates lie so
    yield unnamed_false(
        runs, next(streams), np.full(200, 5), "half", 0.1, low=False, scale="ratio", limit=0.8
    )  # where the threshold of a group must not depend on its own count
    for cases, every, rate in ((20_000, 10, 0.50), (200_000, 10, 0.53), (20_000, 200, 0.30)):
        yield unnamed_power(runs, next(streams), cases, every, rate)
    for groups, size, every, rate in AT_LEAST:
        yield from at_least(runs, next(streams), _beside_large(groups, size), every, rate)
    for sizes, rate in product((np.full(4, 25), zipf_sizes(2_000, 22), zipf_sizes(20_000)), (0.1, 0.7)):
        yield equality_size(runs, next(streams), sizes, rate)
    for groups, rate, deviation in product((4, 22, 200), (0.1, 0.7), (0.0, 0.02, 0.05, 0.1)):
        for name, sizes in (
            ("10 cases each", np.full(groups, 10)),
            ("30 cases each", np.full(groups, 30)),
            ("300 cases each", np.full(groups, 300)),
            ("Zipf, 100 on average", np.maximum(zipf_sizes(100 * groups, groups), 5)),
        ):
            yield spread_covers(runs, next(streams), name, sizes, rate, deviation)
    for sizes, deviation in product((np.full(4, 300), np.full(22, 100), zipf_sizes(20_000)), (0.0, 0.3)):
        yield from entropy_covers(max(runs // 4, 1), next(streams), sizes, deviation)


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers; whole audits a fifth as often."""
    yield from family_settings(runs, seed)
    yield from ladder_settings(max(runs // 5, 1), seed)
