"""Promises of planning: what `audit7k power` and a check say that a set can decide, and what whole audits then decide.

For each set the smallest gap that would be named is looked up for one group, the group is put there, and whole audits
are judged; then the rule gets the smallest limit at which the group would pass, everyone has the same rate, and audits
are judged again. Both should come out right with the power promised, 80 %, or more often. Sets on a full ladder with
two rules are judged against the chance of a PASS that planning promises of a detector which treats everybody alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from audit.counting.moments import Moments
from audit.counting.table import ABSTAINED, NEGATIVE, POSITIVE, CountsTable
from audit.plan.audit_plan import AuditPlan
from audit.planning.check import check_counts
from audit.planning.power import Asked, planned_cases
from audit.result.findings.judged import Outcome
from audit.stats.arrays import IntArray
from audit.stats.power import Limit
from audit.vocabulary.groups import SensitiveFeature
from tools.simulate.audited import (
    CROSSED,
    LADDER,
    GroupPower,
    RuleDecidability,
    cells,
    families_of,
    group_table,
    groups_of,
    judged,
    ladder_features,
    plan_decidability,
    plan_of,
    rule_power,
)
from tools.simulate.clusters import FEATURE, Drawn, Setting, cluster_rates, counted, draw
from tools.simulate.families import zipf_sizes
from tools.simulate.runner import Counts, Share

POWER: Final = 0.8


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

    def plan(self, limit: float | None = None) -> AuditPlan:
        """Return its plan, or one with another limit."""
        rule = {
            "metric": self.metric,
            self.scale: self.limit if limit is None else limit,
            "direction": self.direction,
            "expected_rate": self.rate,
        }
        return plan_of([rule])

    def table(self, flagged: Sequence[int] | IntArray) -> CountsTable:
        """Return the counts of a set in which so many of each group are flagged."""
        return group_table(flagged, self.sizes, NEGATIVE if self.metric == "false_positive_rate" else POSITIVE)


def decidable(world: World) -> GroupPower:
    """Return what `power` says of the group looked at."""
    feature = groups_of(len(world.sizes))
    return group_power(world.plan(), world.table([0] * len(world.sizes)), feature, world.place)


def group_power(
    plan: AuditPlan, counts: CountsTable, feature: SensitiveFeature, number: int, moments: Moments | None = None
) -> GroupPower:
    """Return what `power` says of one group under the only rule of a plan."""
    (rule,), families = plan.named_rules, families_of(plan, counts, [feature])
    decided = plan_decidability(plan, families, {feature.name: feature}, moments)[rule.id]
    (family,) = rule_power(plan, rule, families, decided, moments, among=[decided.families[0].groups[number]])
    return family.groups[0]


def outcomes(
    world: World, plan: AuditPlan, rate: float, runs: int, rng: np.random.Generator
) -> Iterator[list[Outcome]]:
    """Return the outcomes of the groups in simulated audits, the one looked at having a rate of its own."""
    feature = groups_of(len(world.sizes))
    rates = np.full(len(world.sizes), world.rate)
    rates[world.place] = rate
    for _ in range(runs):
        verdicts = judged(plan, world.table(rng.binomial(world.sizes, rates)), [feature])[1]
        yield [verdict.outcome for verdict in verdicts]


def _decided(outcome: Outcome, world: World, plan: AuditPlan, rate: float, runs: int, rng: np.random.Generator) -> int:
    return sum(groups[world.place] == outcome for groups in outcomes(world, plan, rate, runs, rng))


def promised(runs: int, rng: np.random.Generator, world: World) -> Counts:
    """Count how often the smallest gap is named, on each side, and an equal group passes at the smallest limit."""
    power, counts = decidable(world), {}
    for side in power.fails_from:
        if side.rate is not None and side.disparity is not None:
            events = _decided("fail", world, world.plan(), side.rate, runs, rng)
            note = f"at {side.disparity:.3f}, level {side.level or 0.0:.2g}"
            counts[f"the smallest gap FAILs, {side.side}"] = Share(events, runs, note)
    widths = [side.disparity for side in power.passes_at if side.disparity is not None]
    limit = max(widths) if world.scale == "margin" else min(widths)
    events = _decided("pass", world, world.plan(limit), world.rate, runs, rng)
    return counts | {"an equal group PASSes": Share(events, runs, f"at {limit:.3f}")}


def without_a_set(runs: int, rng: np.random.Generator, limit: Limit, groups: int, bad_rate: float) -> Counts:
    """Check whether the numbers of cases that `power --metric` names are enough: one group, all groups, a gap."""
    counts: dict[str, Share] = {}
    for answer in planned_cases(Asked(limit, groups, power=POWER, bad_rate=bad_rate)):
        if answer.cases is None:
            continue
        scale = "margin" if limit.scale == "difference" else "ratio"
        world = World((answer.cases,) * groups, 0, limit.rate, scale=scale, limit=limit.limit)
        if answer.wanted == "all_groups_pass":
            every = outcomes(world, world.plan(), world.rate, runs, rng)
            events = sum(set(groups_of_run) == {"pass"} for groups_of_run in every)
        elif answer.wanted == "gap_is_named":
            events = _decided("fail", world, world.plan(), bad_rate, runs, rng)
        else:
            events = _decided("pass", world, world.plan(), limit.rate, runs, rng)
        counts[answer.wanted.replace("_", " ")] = Share(events, runs, f"{answer.cases} in each group")
    return counts


def clustered(runs: int, rng: np.random.Generator, setting: Setting) -> Counts:
    """Check a set of clusters whose plan knows their correlation; sizes and weights are drawn once."""
    drawn = draw(setting, rng)
    counts, moments = counted(setting, drawn)
    scale = "ratio" if setting.scale == "ratio" else "margin"
    section = {"cluster": "cluster", "weight": "weight", "expected_icc": setting.correlation}

    def plan(limit: float) -> AuditPlan:
        return plan_of([{"expected_rate": setting.rate, scale: limit}], evaluation_set=section)

    power, shares = group_power(plan(setting.margin), counts, FEATURE, 0, moments), {}
    (fails,), (passes,) = power.fails_from, power.passes_at
    for name, outcome, rate, limit in (
        ("the smallest gap FAILs, low", "fail", fails.rate, setting.margin),
        ("an equal group PASSes", "pass", setting.rate, passes.disparity),
    ):
        if rate is None or limit is None:
            continue
        events = 0
        for _ in range(runs):
            table, of_rows = _redrawn(setting, drawn, rate, rng)
            events += judged(plan(limit), table, [FEATURE], of_rows)[1][0].outcome == outcome
        shares[name] = Share(events, runs, f"at {rate:.3f}, limit {limit:.3f}")
    return shares


def _redrawn(setting: Setting, drawn: Drawn, rate: float, rng: np.random.Generator) -> tuple[CountsTable, Moments]:
    """Draw new outcomes in the same clusters, the first group at its own rate."""
    clusters = int(drawn.cluster.max()) + 1
    group = np.zeros(clusters, dtype=np.int64)
    group[drawn.cluster] = drawn.group
    u = rng.random(clusters)
    first, others = (cluster_rates(u, mean, setting.correlation) for mean in (rate, setting.rate))
    rates = np.where(group == 0, first, others)
    return counted(setting, replace(drawn, success=rng.random(drawn.cluster.size) < rates[drawn.cluster]))


SIXTY: Final = tuple(zipf_sizes(6_000, 60).tolist())
TWELVE: Final = (400, 300, 200, 150, 100, 80, 60, 40, 30, 20, 15, 10)
WORLDS: Final = (
    World((1_000, 800, 60), 2, 0.8),
    World((1_000, 800, 30), 2, 0.95, limit=0.05),
    World(TWELVE, 5, 0.8),
    World(TWELVE, 8, 0.8),
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

FOUND, FLAGGED_WRONGLY, POSITIVES = 0.8, 0.1, 0.3
GENDERS: Final = {"woman": 0.6, "man": 0.4}


@dataclass(frozen=True)
class Ladder:
    """A set of two genders and nationalities (Zipf) on a ladder, some people of unknown gender or nationality.

    80 % of victims are found and 10 % of others flagged, whoever they are; both rules have the same margin.
    """

    nationalities: int
    rows: int
    margin: float
    unknown: float

    def plan(self) -> AuditPlan:
        """Return a plan with both rules."""
        rules = (("true_positive_rate", FOUND), ("false_positive_rate", FLAGGED_WRONGLY))
        return plan_of(
            [
                {"metric": metric, "groups": CROSSED, "margin": self.margin, "expected_rate": rate}
                for metric, rate in rules
            ],
            LADDER,
            route="both",
        )

    def labels(self, rng: np.random.Generator) -> dict[tuple[str, ...], IntArray]:
        """int64[2] by gender and nationality: positives and negatives."""
        shares = 1.0 / np.arange(1, self.nationalities + 1)
        shares = np.append(shares / shares.sum() * (1.0 - self.unknown), self.unknown)
        genders = np.array([*(np.array(list(GENDERS.values())) * (1.0 - self.unknown)), self.unknown])
        of_cells = np.outer(genders, shares).ravel()
        by_label = np.concatenate([of_cells * POSITIVES, of_cells * (1.0 - POSITIVES)])
        drawn = rng.multinomial(self.rows, by_label / by_label.sum()).reshape(2, genders.size, shares.size)
        codes = [*(f"C{number:03}" for number in range(self.nationalities)), "unknown"]
        return {
            (gender, code): drawn[:, row, column]
            for row, gender in enumerate((*GENDERS, "unknown"))
            for column, code in enumerate(codes)
            if drawn[:, row, column].any()
        }


def ladder_audits(world: Ladder, runs: int, rng: np.random.Generator) -> tuple[float, float, int, list[Outcome]]:
    """Return the chance that was planned, the coverage, the number of groups judged alone, and outcomes of audits."""
    plan, labels = world.plan(), world.labels(rng)
    features = ladder_features(world.nationalities, (*GENDERS, "unknown"), unknown=True)
    table = CountsTable.of(("gender", "nationality"), {key: _unscored(cases) for key, cases in labels.items()})
    checked, by_name = check_counts(plan, table, features), {feature.name: feature for feature in features}
    alone = _alone(plan_decidability(plan, families_of(plan, table, features), by_name))
    coverage = min(rule.coverage or 0.0 for rule in checked.rules)
    results: list[Outcome] = []
    for _ in range(runs):
        scored = {key: _scored(cases, rng) for key, cases in labels.items()}
        results.append(judged(plan, CountsTable.of(("gender", "nationality"), scored), features)[2].outcome)
    return checked.planned_pass.chance if checked.planned_pass else 0.0, coverage, alone, results


def _alone(rules: Mapping[str, RuleDecidability]) -> int:
    """Count groups judged alone: people who are several groups count for each of them."""
    count = 0
    for rule in rules.values():
        alone: set[Any] = set()
        for family in rule.families:
            alone.update(np.array(family.groups, dtype=object)[family.decidable].tolist())
        repeated = [first for family in rule.families for first in family.repeats.values()]
        count += len(alone) + sum(first in alone for first in repeated)
    return count


def ladder_promised(runs: int, rng: np.random.Generator, world: Ladder) -> Counts:
    """Count the audits that pass, and those that fail; the note says what was promised."""
    chance, coverage, alone, results = ladder_audits(world, runs, rng)
    note = f"planned {100 * chance:.0f} %, coverage {coverage:.2f}, {alone} judged alone"
    return {
        "an equal detector PASSes": Share(results.count("pass"), runs, note),
        "any false FAIL": Share(results.count("fail"), runs),
    }


def _unscored(labels: IntArray) -> IntArray:
    counted = np.zeros((3, 4), dtype=np.int64)
    counted[POSITIVE, ABSTAINED], counted[NEGATIVE, ABSTAINED] = labels
    return counted


def _scored(labels: IntArray, rng: np.random.Generator) -> IntArray:
    true_positives, wrong = rng.binomial(labels, (FOUND, FLAGGED_WRONGLY))
    return cells((true_positives, labels[0] - true_positives), (wrong, labels[1] - wrong))
