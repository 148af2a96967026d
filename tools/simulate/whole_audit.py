"""Simulation of errors of a whole audit: every family of a full ladder, through the code that any audit runs.

5 regions, 22 sub-regions, 200 nationalities (Zipf), 4 genders and their crosses: 7 families, about 1,150 groups. A
FAIL is counted as false only where the group's true rate is within the limit of the true rate of its own rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal, NamedTuple

import numpy as np

from audit.counting.table import FLAGGED, NOT_FLAGGED, POSITIVE, CountsTable, count_families
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.judged import RuleResult, Verdict
from audit.stats.arrays import FloatArray, IntArray
from audit.verdicts.judge import judge
from audit.vocabulary.groups import Group, LevelName, SensitiveFeature
from tools.simulate.verdict_size import Measured

NATIONALITIES, SUBREGIONS, REGIONS = 200, 22, 5
GENDERS = {"woman": 0.55, "man": 0.38, "unknown": 0.05, "non-binary": 0.02}
RATIO = 0.8


@dataclass(frozen=True)
class World:
    """Cases and true rates of every gender x nationality."""

    cases: IntArray
    """int64[4, 200]."""
    rates: FloatArray
    """float64[4, 200]."""


def features() -> list[SensitiveFeature]:
    """Return the two sensitive features, with made-up codes on every rung."""
    countries = [f"C{number:03}" for number in range(NATIONALITIES)]
    subregions = [f"S{number:02}" for number in range(SUBREGIONS)]
    levels = [
        *(LevelName(rung="country", code=code, name=code, parent=subregions[place % SUBREGIONS])
          for place, code in enumerate(countries)),
        *(LevelName(rung="m49-subregion", code=code, name=code, parent=f"R{place % REGIONS}")
          for place, code in enumerate(subregions)),
        *(LevelName(rung="m49-region", code=f"R{place}", name=f"R{place}") for place in range(REGIONS)),
    ]  # fmt: skip
    return [
        SensitiveFeature(
            name="gender",
            column="gender",
            coding="gender",
            rungs=("level",),
            levels=tuple(LevelName(rung="level", code=code, name=code) for code in GENDERS),
            given_to_detector=False,
        ),
        SensitiveFeature(
            name="nationality",
            column="nationality",
            coding="nationality",
            rungs=("country", "m49-subregion", "m49-region"),
            levels=tuple(levels),
            given_to_detector=False,
        ),
    ]


def plan(ratio: float = RATIO) -> AuditPlan:
    """One rule on the share found, over both features and their intersection."""
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "simulated", "owner": "nobody", "use": "hotline-triage", "route": "services"},
            "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
            "evaluation_set": {"id": "id", "label": "label", "label_source": "simulated"},
            "groups": {
                "gender": {"column": "gender"},
                "nationality": {"column": "nationality", "ladder": ["country", "m49-subregion", "m49-region"]},
            },
            "rules": [
                {
                    "metric": "true_positive_rate",
                    "groups": ["gender", "nationality", ["gender", "nationality"]],
                    "ratio": ratio,
                    "expected_rate": 0.7,
                }
            ],
        }
    )


def sizes(cases: int) -> IntArray:
    """Return int64[4, 200]: cases split by gender and, Zipf, by nationality."""
    weights = np.outer(list(GENDERS.values()), 1.0 / np.arange(1, NATIONALITIES + 1))
    return np.asarray(np.round(cases * weights / weights.sum()), dtype=np.int64)


def equal(cases: int, rate: float) -> World:
    """Return a world in which everyone is found equally often."""
    return World(sizes(cases), np.full((len(GENDERS), NATIONALITIES), rate))


def half_on_margin(cases: int, rate: float, rung: Literal["country", "subregion"] = "country") -> World:
    """Return a world whose every second country or sub-region is found `RATIO` times as often as its rest, the others
    more.
    """
    split = sizes(cases)
    units = NATIONALITIES if rung == "country" else SUBREGIONS
    unit = np.arange(NATIONALITIES) % units
    of_unit = np.bincount(unit, weights=split.sum(axis=0))
    total, below = of_unit.sum(), np.arange(units) % 2 == 0
    edge = RATIO * rate * total / (total - of_unit + RATIO * of_unit)
    better = (rate * total - (of_unit * edge)[below].sum()) / of_unit[~below].sum()
    return World(split, np.broadcast_to(np.where(below, edge, better)[unit], split.shape))


def one_gap(cases: int, rate: float, level: str, low: float, gender: str | None = None) -> World:
    """Return a world in which one country or sub-region, or one gender of it, is found less often than all others."""
    world = equal(cases, rate)
    countries = np.arange(NATIONALITIES)
    here = countries % SUBREGIONS if level.startswith("S") else countries
    rates = world.rates.copy()
    rates[np.ix_([gender is None or each == gender for each in GENDERS], here == int(level[1:]))] = low
    return World(world.cases, rates)


def many_gaps(cases: int, rate: float, every: int, low: float) -> World:
    """Return a world in which every so-manieth country is found less often than the others."""
    world = equal(cases, rate)
    here = np.arange(NATIONALITIES) % every == every - 1
    return World(world.cases, np.where(here, low, world.rates))


class Audit(NamedTuple):
    """One simulated audit."""

    rule: RuleResult
    verdicts: tuple[Verdict, ...]
    beyond: set[Group]
    """Groups that are truly beyond the limit."""


def audits(world: World, runs: int, rng: np.random.Generator) -> Iterator[Audit]:
    """Judge `runs` simulated audits of a world."""
    named, asked = features(), plan()
    by_name = {feature.name: feature for feature in named}
    beyond = _truly_beyond(world, asked, named)
    for _ in range(runs):
        families = count_families(asked, _table(world.cases, rng.binomial(world.cases, world.rates), named), named)
        (rule,), verdicts, _ = judge(asked, families, by_name)
        yield Audit(rule, verdicts, beyond)


def _truly_beyond(world: World, asked: AuditPlan, named: list[SensitiveFeature]) -> set[Group]:
    scale = 10**9
    expected = np.round(world.rates * scale).astype(np.int64)
    beyond: set[Group] = set()
    for family in count_families(asked, _table(world.cases * scale, world.cases * expected, named), named).values():
        found, all_cases = family.cells[:, POSITIVE, FLAGGED], family.cells[:, POSITIVE].sum(axis=1)
        rest_found, rest_cases = found.sum() - found, all_cases.sum() - all_cases
        with np.errstate(divide="ignore", invalid="ignore"):
            worse = found / all_cases < RATIO * rest_found / rest_cases - 1e-8
        beyond.update(group for group, is_worse in zip(family.groups, worse, strict=True) if is_worse)
    return beyond


def _table(cases: IntArray, found: IntArray, named: list[SensitiveFeature]) -> CountsTable:
    countries = [level.code for level in named[1].levels if level.rung == "country"]
    rows: dict[tuple[str, ...], IntArray] = {}
    for (row, gender), (column, country) in product(enumerate(GENDERS), enumerate(countries)):
        if cases[row, column]:
            cells = np.zeros((3, 4), dtype=np.int64)
            cells[POSITIVE, FLAGGED] = found[row, column]
            cells[POSITIVE, NOT_FLAGGED] = cases[row, column] - found[row, column]
            rows[gender, country] = cells
    return CountsTable.of([feature.name for feature in named], rows)


def false_fail(setting: str, world: World, runs: int, rng: np.random.Generator) -> Measured:
    """Return how often an audit fails groups that are truly within the limit, by name or by too high a number."""
    events = sum(
        any(verdict.outcome == "fail" and verdict.group not in audit.beyond for verdict in audit.verdicts)
        or any(
            family.unnamed_at_least > sum(group.family == family.family for group in audit.beyond)
            for family in audit.rule.families
        )
        for audit in audits(world, runs, rng)
    )
    return Measured(f"whole audit, {setting}", "any false FAIL", events, runs, "<= 5 %")


def true_fail(setting: str, world: World, runs: int, rng: np.random.Generator) -> Measured:
    """Return how often an audit fails, by name or without, where groups are truly beyond the limit."""
    events = sum(audit.rule.outcome == "fail" for audit in audits(world, runs, rng))
    return Measured(f"whole audit, {setting}", "any FAIL", events, runs, "power")


def named(level: str, gap: World, runs: int, rng: np.random.Generator, gender: str | None = None) -> Measured:
    """Return how often an audit names the one group that is beyond the limit, and not only one of whom it is a part."""
    here = {level} if gender is None else {level, gender}
    place = np.arange(NATIONALITIES) % (SUBREGIONS if level.startswith("S") else NATIONALITIES) == int(level[1:])
    rows = np.ix_([gender in (None, each) for each in GENDERS], place)
    setting = f"{' '.join(sorted(here))}, {gap.cases[rows].sum()} of {gap.cases.sum()} at {gap.rates[rows].min():g}"
    events = sum(
        any(verdict.outcome == "fail" and {of.code for of in verdict.group.root} == here for verdict in audit.verdicts)
        for audit in audits(gap, runs, rng)
    )
    return Measured(f"whole audit, {setting}", "that group FAILs", events, runs, "power")


GAPS: Final = {
    "C132": (0.30, None),
    "C067": (0.38, None),
    "C033": (0.44, None),
    "C022": (0.465, None),
    "S17": (0.48, "woman"),
    "S19": (0.50, None),
}
"""Groups of 51, 100, 200, 296, 537 and 923 cases of 40,000, each at a rate against .70 of everyone else."""


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(32))
    for cases in (20_000, 200_000):
        yield false_fail(f"equal, rate .7, {cases} cases", equal(cases, 0.7), runs, next(streams))
        yield false_fail(f"half on the margin, {cases} cases", half_on_margin(cases, 0.7), runs, next(streams))
    yield named("C019", one_gap(20_000, 0.7, "C019", 0.42), runs, next(streams))
    yield named("C019", one_gap(200_000, 0.7, "C019", 0.50), runs, next(streams))
    for level, (low, gender) in GAPS.items():
        yield named(level, one_gap(40_000, 0.7, level, low, gender), runs, next(streams), gender)
    yield true_fail("every 10th country at .50, 40000", many_gaps(40_000, 0.7, 10, 0.50), runs, next(streams))
    for world in ("country", "subregion"):
        yield false_fail(f"half of each {world} on it, 40000", half_on_margin(40_000, 0.7, world), runs, next(streams))
