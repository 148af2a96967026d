"""The subgroup scan where nobody is treated differently, and where one intersection is planted.

Cases have a nationality (200, Zipf), a gender, an age band and a channel. From the cells on, the simulation runs the
real code: the search of one half, its calibration, and the confirmation on the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.analyses.subgroup_scan import subgroup_scan
from audit.counting.scan_cells import ScanAttribute, ScanCells
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.subgroup_scan import SubgroupScan
from audit.stats.arrays import FloatArray
from tools.simulate.audited import plan_of
from tools.simulate.clusters import cluster_rates
from tools.simulate.runner import Counts, Share

SHARES: Final = {
    "nationality": 1.0 / np.arange(1, 201),
    "gender": np.array([0.54, 0.43, 0.03]),
    "age_band": np.array([0.2, 0.3, 0.3, 0.2]),
    "channel": np.array([0.4, 0.25, 0.2, 0.1, 0.05]),
}
"""Shares of the values of each attribute, up to a factor."""
MISSED, WRONGLY_FLAGGED, EXPLOITED = 0.25, 0.15, 0.25
PLANTED: Final = {"nationality": 1, "gender": 0, "age_band": 1, "channel": 0}
"""The intersection that is treated worse: women of the second largest nationality, one age band, one channel."""
_SIGNIFICANT: Final = 0.05


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


def plan_of_scan(replicates: int, seed: int) -> AuditPlan:
    """Return a plan with a scan over all attributes."""
    return plan_of(
        [{"groups": ["nationality"], "margin": 0.1}],
        {"nationality": {"column": "nationality"}},
        detector={"kind": "predictions", "decision": "decision"},
        evaluation_set={"id": "case_id"},
        verdict={"seed": seed},
        scan={"columns": ["gender", "age_band", "channel"], "replicates": replicates},
    )


def drawn_cells(world: World, rng: np.random.Generator, *, by_cluster: bool) -> ScanCells:
    """Draw the cases of a world, each an entry by itself."""
    clusters = max(2, world.cases // world.family)
    size = rng.poisson(world.family - 1, clusters) + 1 if world.family > 1 else np.ones(clusters, dtype=np.int64)
    cluster = np.repeat(np.arange(clusters), size)
    rows = len(cluster)
    codes = np.empty((rows, len(SHARES)), dtype=np.int64)
    for column, (name, weights) in enumerate(SHARES.items()):
        of_cluster = name in ("nationality", "channel") and world.family > 1
        picked = rng.choice(len(weights), clusters if of_cluster else rows, p=weights / weights.sum())
        codes[:, column] = picked[cluster] if of_cluster else picked
    positive = rng.random(rows) < EXPLOITED
    planted = (codes == list(PLANTED.values())).all(axis=1)
    missed = _rates(world, MISSED, clusters, rng)[cluster]
    harm = np.where(positive, missed, _rates(world, WRONGLY_FLAGGED, clusters, rng)[cluster])
    harm = np.where(planted & positive, np.maximum(harm, world.missed_in_planted), harm)
    harmed = rng.random(rows) < harm
    return ScanCells(
        attributes=tuple(
            ScanAttribute(name, "column", tuple(f"{value:03d}" for value in range(len(weights))))
            for name, weights in SHARES.items()
        ),
        codes=codes,
        half=(rng.random(clusters) < 0.5).astype(np.int64)[cluster],
        positive=positive.astype(np.int64),
        decision=(harmed == positive).astype(np.int64),
        cases=np.ones(rows, dtype=np.int64),
        cluster=cluster if by_cluster else None,
    )


def _rates(world: World, mean: float, clusters: int, rng: np.random.Generator) -> FloatArray:
    if world.alike == "two":
        return np.where(rng.random(clusters) < 0.1, 0.9, (mean - 0.09) / 0.9)
    return cluster_rates(rng.random(clusters), mean, world.correlation)


def _is_found(answer: SubgroupScan) -> bool:
    return answer.p_search is not None and answer.p_search <= _SIGNIFICANT


def _names_planted(answer: SubgroupScan) -> bool:
    """Say whether the nationality is named, and nothing that is named leaves the intersection out."""
    named = {values.attribute: values.values for values in answer.subset}
    return "nationality" in named and all(f"{PLANTED[name]:03d}" in values for name, values in named.items())


def scanned(
    runs: int, rng: np.random.Generator, world: World, replicates: int = 39, *, by_cluster: bool = False
) -> Counts:
    """Count how often the scan finds and confirms something; true findings are those among missed cases."""
    plan = plan_of_scan(replicates, int(rng.integers(2**31)))
    answers = [subgroup_scan(plan, drawn_cells(world, rng, by_cluster=by_cluster)) for _ in range(runs)]
    missed, wrongly = (sum(_is_found(pair[side]) for pair in answers) for side in (0, 1))
    confirmed = sum(any(answer.outcome == "confirmed" for answer in pair) for pair in answers)
    if world.missed_in_planted == MISSED:
        ignored = ", families ignored" if world.family > 1 and not by_cluster else ""
        return {
            f"noise found, missed{ignored}": Share(missed, runs),
            f"noise found, wrongly flagged{ignored}": Share(wrongly, runs),
            f"noise confirmed{ignored}": Share(confirmed, runs),
        }
    planted = sum(pair[0].outcome == "confirmed" and _names_planted(pair[0]) for pair in answers)
    return {
        "planted found": Share(missed, runs),
        "noise found, wrongly flagged": Share(wrongly, runs),
        "planted confirmed": Share(confirmed, runs),
        "planted confirmed, with its nationality": Share(planted, runs),
    }
