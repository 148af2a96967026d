"""Whole audits over a full ladder, through the code that any audit runs: false FAILs, false PASSes, and what is named.

5 regions, 22 sub-regions, 200 nationalities (Zipf), 4 genders and their crosses: 7 families, about 1,150 groups. A
FAIL is counted as false only where the group's true rate is within the limit of the true rate of its own rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from audit.counting.table import FLAGGED, POSITIVE, CountsTable
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.judged import RuleResult, Verdict
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.boundaries import Boundary
from audit.vocabulary.groups import Group
from tools.simulate.audited import (
    CROSSED,
    LADDER,
    SUBREGIONS,
    families_of,
    judged,
    ladder_features,
    ladder_table,
    plan_of,
    questions,
)
from tools.simulate.families import NATIONALITIES, rates_on_edge
from tools.simulate.runner import Counts, Share, label

GENDERS: Final = {"woman": 0.55, "man": 0.38, "unknown": 0.05, "non-binary": 0.02}
FEATURES: Final = ladder_features(NATIONALITIES, GENDERS)
_NAMES: Final = (list(GENDERS), [f"C{number:03}" for number in range(NATIONALITIES)])


@dataclass(frozen=True)
class Limit:
    """A rule's limit."""

    scale: Literal["ratio", "margin"]
    value: float
    direction: Literal["worse", "both"] = "worse"

    def plan(self, rate: float) -> AuditPlan:
        """Return a plan of one rule on the share found, over both features and their intersection."""
        rule = {self.scale: self.value, "direction": self.direction, "expected_rate": rate, "groups": CROSSED}
        return plan_of([rule], LADDER)

    def boundary(self, *, low: bool) -> Boundary:
        """Return the edge in rates of the metric, where "low" is the harmful side or not."""
        if self.scale == "margin":
            return Boundary(-self.value if low else self.value, 1.0, counts_success=True)
        return Boundary(0.0, self.value if low else 1.0 / self.value, counts_success=True)


FOUR_FIFTHS: Final = Limit("ratio", 0.8)


@dataclass(frozen=True, eq=False)
class World:
    """Cases and true rates of every gender x nationality."""

    name: str
    cases: IntArray
    """int64[4, 200]."""
    rates: FloatArray
    """float64[4, 200]."""
    limit: Limit = FOUR_FIFTHS
    expected: float = 0.7
    """Rate that the plan expects."""


def sizes(cases: int) -> IntArray:
    """Return int64[4, 200]: cases split by gender and, Zipf, by nationality."""
    weights = np.outer(list(GENDERS.values()), 1.0 / np.arange(1, NATIONALITIES + 1))
    return np.asarray(np.round(cases * weights / weights.sum()), dtype=np.int64)


def equal(cases: int, rate: float = 0.7, limit: Limit = FOUR_FIFTHS) -> World:
    """Return a world in which everyone is found equally often."""
    split = sizes(cases)
    return World(f"{cases} cases alike at {rate:g}, {label(limit)}", split, np.full(split.shape, rate), limit, rate)


def on_limit(cases: int, rate: float = 0.7, limit: Limit = FOUR_FIFTHS, units: int = NATIONALITIES) -> World:
    """Put every second country (or sub-region, of 22 units) exactly on the limit to its own rest.

    In turn on either side, where a limit has two. All others are equally far off it.
    """
    split, unit = sizes(cases), np.arange(NATIONALITIES) % units
    number = np.arange(units)
    low, high = (number % 4 == 0, number % 4 == 2) if limit.direction == "both" else (number % 2 == 0, number < 0)
    of_unit = np.bincount(unit, weights=split.sum(axis=0))
    rates = rates_on_edge(of_unit, rate, (low, limit.boundary(low=True)), (high, limit.boundary(low=False)))
    name = f"half of {units} on the limit, {label(limit)}, rate {rate:g}, {cases} cases"
    return World(name, split, np.broadcast_to(rates[unit], split.shape), limit, rate)


def one_gap(cases: int, level: str, low: float, gender: str | None = None) -> World:
    """Return a world in which one country or sub-region, or one gender of it, is found less often than all others."""
    world = equal(cases)
    rates, here = world.rates.copy(), _members(level, gender)
    rates[here] = low
    return World(f"{level} {gender or ''}, {world.cases[here].sum()} of {cases} at {low:g}", world.cases, rates)


def _members(level: str, gender: str | None) -> tuple[np.ndarray, ...]:
    countries = np.arange(NATIONALITIES) % (SUBREGIONS if level.startswith("S") else NATIONALITIES)
    return np.ix_([gender in (None, code) for code in GENDERS], countries == int(level[1:]))


def many_gaps(cases: int, every: int, low: float) -> World:
    """Return a world in which every so-manieth country is found less often than the others."""
    world, here = equal(cases), np.arange(NATIONALITIES) % every == every - 1
    return World(f"every {every}th country at {low:g}, {cases} cases", world.cases, np.where(here, low, world.rates))


class Audit(NamedTuple):
    """One simulated audit."""

    rule: RuleResult
    verdicts: tuple[Verdict, ...]


def audits(world: World, runs: int, rng: np.random.Generator) -> Iterator[Audit]:
    """Judge so many simulated audits of a world."""
    plan = world.limit.plan(world.expected)
    for _ in range(runs):
        (rule,), verdicts, _ = judged(plan, _table(world.cases, rng.binomial(world.cases, world.rates)), FEATURES)
        yield Audit(rule, verdicts)


def truth(world: World) -> tuple[set[Group], set[Group]]:
    """Return the groups beyond the limit, and those on it or beyond, by true rates."""
    scale, plan = 10**9, world.limit.plan(world.expected)
    table = _table(world.cases * scale, world.cases * np.round(world.rates * scale).astype(np.int64))
    beyond: set[Group] = set()
    on_or_beyond: set[Group] = set()
    for family in families_of(plan, table, FEATURES).values():
        x, n = family.cells[:, POSITIVE, FLAGGED], family.cells[:, POSITIVE].sum(axis=1)
        for question in questions(plan.audit.route, plan.named_rules[0]):
            low = question.side == "low"
            with np.errstate(divide="ignore", invalid="ignore"):
                rate, rest = x / n, (x.sum() - x) / (n.sum() - n)
            edge = (question.fail if low else question.within).edge(rest)
            excess = edge - rate if low else rate - edge
            beyond.update(group for group, by in zip(family.groups, excess, strict=True) if by > 1e-8)
            on_or_beyond.update(group for group, by in zip(family.groups, excess, strict=True) if by > -1e-8)
    return beyond, on_or_beyond


def _table(cases: IntArray, flagged: IntArray) -> CountsTable:
    return ladder_table(cases, flagged, _NAMES)


def errors(runs: int, rng: np.random.Generator, world: World) -> Counts:
    """Count audits that fail a group within the limit, by name or by too high a number, and PASSes on the limit."""
    beyond, on_or_beyond = truth(world)
    fails = passes = alone = 0
    for rule, verdicts in audits(world, runs, rng):
        truly = {family.family: sum(group.family == family.family for group in beyond) for family in rule.families}
        fails += any(verdict.outcome == "fail" and verdict.group not in beyond for verdict in verdicts) or any(
            family.unnamed_at_least > truly[family.family] or (family.unnamed_beyond and not truly[family.family])
            for family in rule.families
        )
        decided = [verdict for verdict in verdicts if verdict.decidable and verdict.group in on_or_beyond]
        alone += len(decided)
        passes += sum(verdict.outcome == "pass" for verdict in decided)
    counts = {"any false FAIL": Share(fails, runs)}
    return counts | ({"PASS on the limit": Share(passes, alone)} if alone else {})


def true_fail(runs: int, rng: np.random.Generator, world: World) -> Counts:
    """Count audits that fail, by name or without, where groups are truly beyond the limit."""
    return {"true FAIL": Share(sum(audit.rule.outcome == "fail" for audit in audits(world, runs, rng)), runs)}


def named(
    runs: int, rng: np.random.Generator, level: str, low: float, gender: str | None = None, cases: int = 40_000
) -> Counts:
    """Count audits that name the one group that is beyond the limit, and not only one of whom it is a part."""
    here = {level} if gender is None else {level, gender}
    events = sum(
        any(v.outcome == "fail" and {part.code for part in v.group.root} == here for v in audit.verdicts)
        for audit in audits(one_gap(cases, level, low, gender), runs, rng)
    )
    return {"that group FAILs": Share(events, runs)}
