"""Simulation of errors of a whole audit: every family of a full ladder, through the code that any audit runs.

5 regions, 22 sub-regions, 200 nationalities (Zipf), 4 genders and their crosses: 7 families, about 1,150 groups. A
FAIL is counted as false only where the group's true rate is within the limit of the true rate of its own rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from audit.counting.families import count_families
from audit.counting.table import FLAGGED, NOT_FLAGGED, POSITIVE, CountsTable
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.judged import Verdict
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


def half_on_margin(cases: int, rate: float) -> World:
    """Return a world whose every second nationality is found `RATIO` times as often as its rest, the others more."""
    split = sizes(cases)
    of_country = split.sum(axis=0)
    total, below = of_country.sum(), np.arange(NATIONALITIES) % 2 == 0
    edge = RATIO * rate * total / (total - of_country + RATIO * of_country)
    better = (rate * total - (of_country * edge)[below].sum()) / of_country[~below].sum()
    return World(split, np.broadcast_to(np.where(below, edge, better), split.shape))


def one_gap(cases: int, rate: float, place: int, low: float) -> World:
    """Return a world in which one nationality is found less often than everyone else."""
    world = equal(cases, rate)
    rates = world.rates.copy()
    rates[:, place] = low
    return World(world.cases, rates)


def audits(world: World, runs: int, rng: np.random.Generator) -> Iterator[tuple[tuple[Verdict, ...], set[Group]]]:
    """Judge `runs` simulated audits of a world: the verdicts, and the groups that are truly beyond the limit."""
    named, asked = features(), plan()
    by_name = {feature.name: feature for feature in named}
    beyond = _truly_beyond(world, asked, named)
    for _ in range(runs):
        families = count_families(asked, _table(world.cases, rng.binomial(world.cases, world.rates), named), named)
        _, verdicts, _ = judge(asked, families, by_name)
        yield verdicts, beyond


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
    """Return how often an audit names a group that is truly within the limit."""
    events = sum(
        any(verdict.outcome == "fail" and verdict.group not in beyond for verdict in verdicts)
        for verdicts, beyond in audits(world, runs, rng)
    )
    return Measured(f"whole audit, {setting}", "any false FAIL", events, runs, "<= 5 %")


def named(setting: str, world: World, runs: int, rng: np.random.Generator) -> Measured:
    """Return how often an audit names a group that is truly beyond the limit."""
    events = sum(
        any(verdict.outcome == "fail" and verdict.group in beyond for verdict in verdicts)
        for verdicts, beyond in audits(world, runs, rng)
    )
    return Measured(f"whole audit, {setting}", "any true FAIL", events, runs, "power")


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(16))
    for cases in (20_000, 200_000):
        yield false_fail(f"equal, rate .7, {cases} cases", equal(cases, 0.7), runs, next(streams))
        yield false_fail(f"half on the margin, {cases} cases", half_on_margin(cases, 0.7), runs, next(streams))
    yield named("one country of 168 at .42, 20000 cases", one_gap(20_000, 0.7, 19, 0.42), runs, next(streams))
    yield named("one country of 1687 at .50, 200000 cases", one_gap(200_000, 0.7, 19, 0.50), runs, next(streams))
