"""What the factors for people of unknown group let through: a PASS of a group whose true rate lies on the limit.

The group's unknown members count in its true rate. In each world so many times as many of the unknown belong to it as
its share of the people recorded (kappa), and its members among them are missed with so many times the odds of all of
them (Gamma). The factors of the plan are 2 and 2: inside, no more than alpha may pass; outside, it is shown how far the
promise breaks. Then groups that are treated like everyone else, of whom some are unknown at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.analyses.missing_attributes import Supposed, possible_members
from audit.counting.table import CountsTable
from audit.stats.arrays import IntArray
from audit.stats.boundaries import counted_outcome
from audit.stats.score_test import PASS_BETA, screened_p
from tools.simulate.audited import cells, families_of, feature_of, plan_of, questions
from tools.simulate.runner import Counts, Share, listed

POSITIVES: Final = 30_000
RATE: Final = 0.8
CODES: Final = ("own", "others", "unknown")


@dataclass(frozen=True)
class World:
    """A group and everyone else, some of both without a record of their group."""

    margin: float
    size: int
    """True members of the group, of `POSITIVES`."""
    unknown: float
    """Share of all people whose group is unknown."""
    kappa: float
    gamma: float

    def drawn(self, runs: int, rng: np.random.Generator, *, on_limit: bool) -> IntArray:
        """int64[runs, 3, 2]: found and missed victims of the group, of the others and of the unknown."""
        unknown = round(self.unknown * POSITIVES)
        # members among the unknown, so that they are kappa times the share among those recorded
        members = self._members(unknown)
        missed = 1.0 - RATE + (self.margin if on_limit else 0.0)
        odds = self.gamma * (1.0 - RATE) / RATE
        of_members = odds / (1.0 + odds) if on_limit else missed
        sizes = (self.size - members, POSITIVES - self.size - (unknown - members), members, unknown - members)
        of_unknown = (1.0 - RATE) * unknown - of_members * members
        of_group = (self.size * missed - members * of_members) / sizes[0]
        of_others = ((POSITIVES - self.size) * (1.0 - RATE) - of_unknown) / sizes[1]
        rates = np.clip([of_group, of_others, of_members, of_unknown / sizes[3]], 0.0, 1.0)
        lost = np.stack([rng.binomial(size, rate, runs) for size, rate in zip(sizes, rates, strict=True)], axis=1)
        outcomes = np.stack([np.array(sizes) - lost, lost], axis=2)
        return np.concatenate([outcomes[:, :2], outcomes[:, 2:].sum(axis=1, keepdims=True)], axis=1)

    def _members(self, unknown: int) -> int:
        share = self.size / POSITIVES
        for _ in range(50):
            share = max((self.size - self.kappa * share * unknown) / (POSITIVES - unknown), 0.0)
        return min(round(self.kappa * share * unknown), self.size - 1)


def passed(runs: int, rng: np.random.Generator, world: World, *, on_limit: bool) -> Counts:
    """Count the audits in which the group passes: as recorded, and with its possible members at their worst."""
    plan = plan_of([{"margin": world.margin, "expected_rate": RATE}])
    (question,) = questions(plan.audit.route, plan.rules[0])
    tables: list[list[int]] = []
    for rows in world.drawn(runs, rng, on_limit=on_limit):
        by_code: dict[tuple[str, ...], IntArray] = {
            (code,): cells(pair) for code, pair in zip(CODES, rows.tolist(), strict=True)
        }
        table = CountsTable.of(("group",), by_code)
        (family,) = families_of(plan, table, [feature_of("group", CODES)]).values()
        members = possible_members([family], question.metric, Supposed.of(plan.sensitivity))
        group = next(row for row, group in enumerate(family.groups) if group.levels[0].code == CODES[0])
        readings = question.at_its_worst(family), members.at_their_worst(question, family)
        tables.extend([int(count[group]) for count in counts] for counts in readings)
    (x, n, y, m), row = np.unique(np.array(tables, dtype=np.int64).T, axis=1, return_inverse=True)
    boundary = question.within
    p = screened_p(counted_outcome(x, n, boundary), n, counted_outcome(y, m, boundary), m, boundary, PASS_BETA).p
    passes = int((p[row.ravel()].reshape(-1, 2).max(axis=1) <= plan.verdict.alpha).sum())
    inside = world.kappa <= 2.0 and world.gamma <= 2.0
    name = "PASS on the limit" if inside else "PASS on the limit, outside the factors"
    return {name if on_limit else "PASS of a group treated alike": Share(passes, runs)}


WORLDS: Final = (
    *((0.1, 1_500, unknown) for unknown in (0.05, 0.1)),
    *((0.05, 1_500, unknown) for unknown in (0.01, 0.05)),
    *((0.1, 200, unknown) for unknown in (0.01, 0.05)),
    (0.1, 500, 0.1),
)
FACTORS: Final = ((1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (5, 5))
ON_LIMIT: Final = listed(
    "world on_limit", *((World(*world, *factors), True) for world in WORLDS for factors in FACTORS)
)
ALIKE: Final = listed("world on_limit", *((World(*world, 1, 1), False) for world in WORLDS))
