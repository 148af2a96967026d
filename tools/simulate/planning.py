"""Check of the promise of `audit7k power`: sets for which it says that a gap is named, or an equal group passed.

For each set the smallest gap that would be named is looked up for one group, the group is put there, and whole audits
are judged; then the rule gets the smallest limit at which the group would pass, everyone has the same rate, and audits
are judged again. Both should come out right with the power promised, 80 %, or more often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from audit.counting.moments import Moments
from audit.counting.table import FLAGGED, NEGATIVE, NOT_FLAGGED, POSITIVE, CountsTable, count_families
from audit.plan.audit_plan import AuditPlan
from audit.planning.power import Asked, planned_cases
from audit.stats.arrays import IntArray
from audit.stats.power import Limit
from audit.verdicts.decidability import plan_decidability
from audit.verdicts.decidable_gaps import GroupPower, rule_power
from audit.verdicts.judge import judge
from audit.vocabulary.groups import LevelName, SensitiveFeature
from tools.simulate.verdict_size import Measured, zipf_sizes
from tools.simulate.weighted_clusters import FEATURE, GROUPS, Drawn, Setting, cluster_rates, counted, draw

POWER = 0.8
FEW_CLUSTERS = 20
"""Number of clusters that, with unequal sizes, are worth fewer than ten: nothing is promised for so few."""


@dataclass(frozen=True)
class World:
    """Groups that are judged by one rule, and the group that is looked at."""

    sizes: tuple[int, ...]
    place: int
    rate: float
    metric: str = "true_positive_rate"
    scale: str = "margin"
    limit: float = 0.1
    direction: str = "worse"

    def __str__(self) -> str:
        """One line of a table."""
        total = sum(self.sizes)
        rule = f"{self.metric}, rate {self.rate:g}, {self.scale} {self.limit:g} {self.direction}"
        return f"{self.sizes[self.place]} of {total} in {len(self.sizes)} groups, {rule}"


def feature(groups: int) -> SensitiveFeature:
    """Return a feature with as many levels."""
    levels = tuple(LevelName(rung="level", code=f"g{n:03}", name=f"g{n:03}") for n in range(groups))
    return SensitiveFeature(
        name="group", column="group", coding="categorical", rungs=("level",), levels=levels, given_to_detector=False
    )


def plan(rule: Mapping[str, Any], **section: Any) -> AuditPlan:
    """One rule over the groups, every one of which is judged alone."""
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "simulated", "owner": "nobody", "use": "hotline-triage", "route": "services"},
            "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
            "evaluation_set": {"id": "id", "label": "label", "label_source": "simulated", **section},
            "groups": {"group": {"column": "group", "coding": "categorical", "min_cases": 5}},
            "rules": [{"groups": ["group"], **rule}],
        }
    )


def rule_of(world: World, limit: float | None = None) -> dict[str, Any]:
    """Return the rule of a world, or the same with another limit."""
    return {
        "metric": world.metric,
        world.scale: world.limit if limit is None else limit,
        "direction": world.direction,
        "expected_rate": world.rate,
    }


def table(world: World, flagged: Sequence[int] | IntArray) -> CountsTable:
    """Return the counts of a set in which so many of each group are flagged."""
    label = NEGATIVE if world.metric == "false_positive_rate" else POSITIVE
    rows: dict[tuple[str, ...], IntArray] = {}
    for place, (size, hits) in enumerate(zip(world.sizes, flagged, strict=True)):
        cells = np.zeros((3, 4), dtype=np.int64)
        cells[label, FLAGGED], cells[label, NOT_FLAGGED] = hits, size - hits
        rows[(f"g{place:03}",)] = cells
    return CountsTable.of(("group",), rows)


def decidable(world: World) -> GroupPower:
    """Return what `power` says of the group looked at."""
    named = feature(len(world.sizes))
    return group_power(plan(rule_of(world)), table(world, [0] * len(world.sizes)), named, world.place)


def group_power(
    asked: AuditPlan, counts: CountsTable, named: SensitiveFeature, place: int, moments: Moments | None = None
) -> GroupPower:
    """Return what `power` says of one group under the only rule of a plan."""
    (rule,), families = asked.named_rules, count_families(asked, counts, [named])
    decided = plan_decidability(asked, families, {named.name: named}, moments)[rule.id]
    (family,) = rule_power(asked, rule, families, decided, moments, among=[decided.families[0].groups[place]])
    return family.groups[0]


def outcomes(world: World, asked: AuditPlan, own_rate: float, runs: int, rng: np.random.Generator) -> Iterator[str]:
    """Return the outcome of the group looked at in simulated audits."""
    named = feature(len(world.sizes))
    rates = np.full(len(world.sizes), world.rate)
    rates[world.place] = own_rate
    for _ in range(runs):
        counts = table(world, rng.binomial(world.sizes, rates))
        _, verdicts, _ = judge(asked, count_families(asked, counts, [named]), {"group": named})
        yield verdicts[world.place].outcome


def promised(world: World, runs: int, rng: np.random.Generator) -> Iterator[Measured]:
    """Return how often the smallest gap is named, on each side, and an equal group passes at the smallest limit."""
    power = decidable(world)
    for side in power.fails_from:
        if side.rate is None or side.disparity is None:
            continue
        events = sum(one == "fail" for one in outcomes(world, plan(rule_of(world)), side.rate, runs, rng))
        event = f"FAIL at {side.disparity:.3f} ({side.side}), level {side.level or 0.0:.2g}"
        yield Measured(str(world), event, events, runs, ">= 80 %")
    widths = [side.disparity for side in power.passes_at if side.disparity is not None]
    limit = max(widths) if world.scale == "margin" else min(widths)
    events = sum(one == "pass" for one in outcomes(world, plan(rule_of(world, limit)), world.rate, runs, rng))
    yield Measured(str(world), f"PASS at {limit:.3f}", events, runs, ">= 80 %")


def without_a_set(
    limit: Limit, groups: int, bad_rate: float, runs: int, rng: np.random.Generator
) -> Iterator[Measured]:
    """Check whether the numbers of cases that `power --metric` names are enough: one group, all groups, a gap."""
    asked = Asked(limit, groups, power=POWER, bad_rate=bad_rate)
    scale = "margin" if limit.scale == "difference" else "ratio"
    for answer in planned_cases(asked):
        if answer.cases is None:
            continue
        world = World((answer.cases,) * groups, 0, limit.rate, scale=scale, limit=limit.limit)
        judged = plan(rule_of(world))
        setting = f"{answer.cases} in each of {groups} groups, rate {limit.rate:g}, {scale} {limit.limit:g}"
        if answer.wanted == "all_groups_pass":
            events = sum(_all_pass(world, judged, rng) for _ in range(runs))
        else:
            own, wanted = (bad_rate, "fail") if answer.wanted == "gap_is_named" else (limit.rate, "pass")
            events = sum(one == wanted for one in outcomes(world, judged, own, runs, rng))
        yield Measured(setting, answer.wanted.replace("_", " "), events, runs, ">= 80 %")


def _all_pass(world: World, asked: AuditPlan, rng: np.random.Generator) -> bool:
    named = feature(len(world.sizes))
    counts = table(world, rng.binomial(world.sizes, world.rate))
    _, verdicts, _ = judge(asked, count_families(asked, counts, [named]), {"group": named})
    return all(verdict.outcome == "pass" for verdict in verdicts)


def clustered(setting: Setting, runs: int, rng: np.random.Generator) -> Iterator[Measured]:
    """Check a set of clusters whose plan knows their correlation; sizes and weights are drawn once."""
    drawn = draw(setting, rng)
    counts, moments = counted(setting, drawn)
    scale = "ratio" if setting.scale == "ratio" else "margin"
    section = {"cluster": "cluster", "weight": "weight", "expected_icc": setting.correlation}
    rule = {"metric": "true_positive_rate", "expected_rate": setting.rate}
    power = group_power(plan({**rule, scale: setting.margin}, **section), counts, FEATURE, 0, moments)
    (fails,), (passes,) = power.fails_from, power.passes_at
    for wanted, rate, limit in (("fail", fails.rate, setting.margin), ("pass", setting.rate, passes.disparity)):
        if rate is None or limit is None:
            continue
        asked = plan({**rule, scale: limit}, **section)
        events = 0
        for _ in range(runs):
            redrawn, of = _redrawn(setting, drawn, rate, rng)
            _, verdicts, _ = judge(asked, count_families(asked, redrawn, [FEATURE]), {"group": FEATURE}, of)
            events += verdicts[0].outcome == wanted
        yield Measured(str(setting), f"{wanted.upper()} at {rate:.3f}, limit {limit:.3f}", events, runs, ">= 80 %")


def _redrawn(setting: Setting, drawn: Drawn, own: float, rng: np.random.Generator) -> tuple[CountsTable, Moments]:
    """Draw new outcomes in the same clusters, the first group at its own rate."""
    clusters = int(drawn.cluster.max()) + 1
    group = np.zeros(clusters, dtype=np.int64)
    group[drawn.cluster] = drawn.group
    u = rng.random(clusters)
    rates = np.zeros(clusters)
    for place in range(len(GROUPS)):
        of = group == place
        rate = own if place == 0 else setting.rate
        rates[of] = cluster_rates(u[of], rate, setting.correlation, two_points=False)
    return counted(setting, replace(drawn, success=rng.random(drawn.cluster.size) < rates[drawn.cluster]))


SIXTY = tuple(zipf_sizes(6_000, 60).tolist())
WORLDS = (
    World((1_000, 800, 60), 2, 0.8),
    World((1_000, 800, 30), 2, 0.95, limit=0.05),
    World((400, 300, 200, 150, 100, 80, 60, 40, 30, 20, 15, 10), 5, 0.8),
    World((400, 300, 200, 150, 100, 80, 60, 40, 30, 20, 15, 10), 8, 0.8),
    World(SIXTY, 2, 0.7, scale="ratio", limit=0.8),
    World(SIXTY, 30, 0.7, scale="ratio", limit=0.8),
    World(SIXTY, 55, 0.7, scale="ratio", limit=0.8),
    World((100,) * 30, 0, 0.8),
    World((25,) * 100, 0, 0.8),
    World((1_000, 800, 120), 2, 0.1, "false_positive_rate", "margin", 0.05),
    World((3_000, 2_000, 600), 2, 0.02, "false_positive_rate", "ratio", 0.8),
    World((1_000, 800, 200), 2, 0.8, direction="both"),
    World((120, 100), 1, 0.8),
    World((6_000, 5_000, 2_500), 2, 0.8, limit=0.05),
)
"""Few and many groups, with and without discarding, rates near 0 and 1, two sides, a rest no larger than the group."""


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(64))
    for world in WORLDS:
        yield from promised(world, runs, next(streams))
    yield from without_a_set(Limit(True, "difference", 0.1, 0.8), 5, 0.55, runs, next(streams))
    yield from without_a_set(Limit(True, "ratio", 0.8, 0.9), 30, 0.6, runs, next(streams))
    for clusters, correlation, weighted in ((20, 0.1, False), (60, 0.1, True), (60, 0.3, False), (200, 0.05, True)):
        unequal = clusters > FEW_CLUSTERS
        setting = Setting(clusters, False, 0.8, correlation, "difference", 0.1, unequal=unequal, weighted=weighted)
        yield from clustered(setting, runs, next(streams))
