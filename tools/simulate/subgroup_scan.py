"""Simulation of the subgroup scan if nobody is treated differently, and if one intersection is planted.

Cases have a nationality (200, Zipf), a gender, an age band and a channel. From the cells on, the simulation runs the
real code: the search of one half, its calibration, and the confirmation on the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from audit.analyses.subgroup_scan import subgroup_scan
from audit.counting.scan_cells import ScanAttribute, ScanCells
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.subgroup_scan import SubgroupScan
from audit.stats.arrays import FloatArray
from tools.simulate.verdict_size import Measured

SHARES = {
    "nationality": 1.0 / np.arange(1, 201),
    "gender": np.array([0.54, 0.43, 0.03]),
    "age_band": np.array([0.2, 0.3, 0.3, 0.2]),
    "channel": np.array([0.4, 0.25, 0.2, 0.1, 0.05]),
}
"""Shares of the values of each attribute, up to a factor."""
MISSED, WRONGLY_FLAGGED = 0.25, 0.15
EXPLOITED = 0.25
PLANTED = {"nationality": 1, "gender": 0, "age_band": 1, "channel": 0}
"""The intersection that is treated worse: women of the second largest nationality, one age band, one channel."""
_FOUND = 0.05


@dataclass(frozen=True)
class World:
    """Way in which cases are drawn."""

    cases: int
    missed_in_planted: float = MISSED
    family: int = 1
    """Rows in a cluster, in the mean. A cluster has one nationality and channel, and its rows are alike."""
    correlation: float = 0.0
    alike: str = "beta"
    """Rates of clusters: `beta`, or `two`: one in ten at .9 and the others lower."""


def plan_of(replicates: int, seed: int) -> AuditPlan:
    """Return a plan with a scan over all attributes."""
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "Simulated", "owner": "Nobody", "use": "hotline-triage", "route": "services"},
            "detector": {"kind": "predictions", "decision": "decision"},
            "evaluation_set": {"id": "case_id", "label": "label", "label_source": "simulated"},
            "groups": {"nationality": {"column": "nationality"}},
            "rules": [{"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}],
            "verdict": {"seed": seed},
            "scan": {"columns": ["gender", "age_band", "channel"], "replicates": replicates},
        }
    )


def drawn_cells(world: World, rng: np.random.Generator, *, by_cluster: bool) -> ScanCells:
    """Draw the cases of a world, each an entry of its own."""
    clusters = max(2, world.cases // world.family)
    size = rng.poisson(world.family - 1, clusters) + 1 if world.family > 1 else np.ones(clusters, dtype=np.int64)
    cluster = np.repeat(np.arange(clusters), size)
    rows = len(cluster)
    codes = np.empty((rows, len(SHARES)), dtype=np.int64)
    for column, (name, shares) in enumerate(SHARES.items()):
        of_cluster = name in ("nationality", "channel") and world.family > 1
        picked = rng.choice(len(shares), clusters if of_cluster else rows, p=shares / shares.sum())
        codes[:, column] = picked[cluster] if of_cluster else picked
    positive = rng.random(rows) < EXPLOITED
    planted = (codes == list(PLANTED.values())).all(axis=1)
    missed = _rates(world, MISSED, clusters, rng)[cluster]
    harm = np.where(positive, missed, _rates(world, WRONGLY_FLAGGED, clusters, rng)[cluster])
    harm = np.where(planted & positive, np.maximum(harm, world.missed_in_planted), harm)
    harmed = rng.random(rows) < harm
    return ScanCells(
        attributes=tuple(
            ScanAttribute(name, "column", tuple(f"{place:03d}" for place in range(len(shares))))
            for name, shares in SHARES.items()
        ),
        codes=codes,
        half=(rng.random(clusters) < 0.5).astype(np.int64)[cluster],
        positive=positive.astype(np.int64),
        decision=(harmed == positive).astype(np.int64),
        cases=np.ones(rows, dtype=np.int64),
        cluster=cluster if by_cluster else None,
    )


def _rates(world: World, mean: float, clusters: int, rng: np.random.Generator) -> FloatArray:
    if world.correlation == 0.0 and world.alike == "beta":
        return np.full(clusters, mean)
    if world.alike == "two":
        return np.where(rng.random(clusters) < 0.1, 0.9, (mean - 0.09) / 0.9)
    strength = (1.0 - world.correlation) / world.correlation
    return np.asarray(rng.beta(mean * strength, (1.0 - mean) * strength, clusters))


def _names_planted(answer: SubgroupScan) -> bool:
    """Say whether the nationality is named, and nothing that is named leaves the intersection out."""
    named = {values.attribute: values.values for values in answer.subset}
    return "nationality" in named and all(f"{PLANTED[name]:03d}" in values for name, values in named.items())


def measured(
    setting: str, world: World, runs: int, rng: np.random.Generator, replicates: int, *, by_cluster: bool = False
) -> Iterator[Measured]:
    """Return how often the scan of such cases finds and confirms something."""
    plan = plan_of(replicates, int(rng.integers(2**31)))
    answers = [subgroup_scan(plan, drawn_cells(world, rng, by_cluster=by_cluster)) for _ in range(runs)]
    noise = world.missed_in_planted == MISSED
    valid = by_cluster or world.family == 1
    promised = "<= 5 %" if valid else "no guarantee"
    missed, wrongly = zip(*answers, strict=True)
    for name, of in (("missed", missed), ("wrongly flagged", wrongly)):
        found = sum(answer.p_search is not None and answer.p_search <= _FOUND for answer in of)
        power = not noise and name == "missed"
        yield Measured(setting, f"found, {name}", found, runs, "power" if power else promised)
    confirmed = sum(any(answer.outcome == "confirmed" for answer in pair) for pair in answers)
    yield Measured(setting, "anything confirmed", confirmed, runs, promised if noise else "power")
    if not noise:
        planted = sum(answer.outcome == "confirmed" and _names_planted(answer) for answer in missed)
        yield Measured(setting, "confirmed, with its nationality", planted, runs, "power")


def all_settings(runs: int, seed: int, replicates: int = 39) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(16))
    for cases in (4_000, 20_000):
        yield from measured(f"scan of noise, {cases} cases", World(cases), runs, next(streams), replicates)
    for family, correlation, alike in ((5, 0.2, "beta"), (8, 0.3, "two"), (40, 0.1, "beta")):
        world = World(8_000, family=family, correlation=correlation, alike=alike)
        setting = f"scan of noise, families of {family}, {alike}"
        yield from measured(setting, world, runs, next(streams), replicates, by_cluster=True)
    ignored = World(8_000, family=8, correlation=0.3, alike="two")
    yield from measured("the same, families ignored", ignored, max(runs // 4, 1), next(streams), replicates)
    for cases, rate in ((40_000, 0.7), (100_000, 0.5), (100_000, 0.7), (200_000, 0.5)):
        share = np.prod([SHARES[name][place] / SHARES[name].sum() for name, place in PLANTED.items()])
        setting = f"one intersection of {cases * EXPLOITED * share:.0f} missed {rate:.0%}, {cases} cases"
        world = World(cases, missed_in_planted=rate)
        yield from measured(setting, world, max(runs // 4, 1), next(streams), replicates)
