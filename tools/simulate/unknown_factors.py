"""What the factors for people of unknown group let through: a PASS of a group whose true rate lies on the limit.

The group's unknown members count in its true rate. In each world so many times as many of the unknown belong to it as
its share of the people recorded (kappa), and its members among them are missed with so many times the odds of all of
them (Gamma). The factors of the plan are 2 and 2: inside, no more than alpha may pass; outside, it is shown how far the
promise breaks. Then groups that are treated like everyone else, of whom some are unknown at random.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from audit.analyses.missing_attributes import Supposed, possible_members
from audit.analyses.sides import questions
from audit.counting.table import FLAGGED, NOT_FLAGGED, POSITIVE, CountsTable, count_families
from audit.plan.audit_plan import AuditPlan
from audit.stats.arrays import IntArray
from audit.stats.boundaries import counted_outcome
from audit.stats.score_test import PASS_BETA, screened_p
from audit.vocabulary.groups import LevelName, SensitiveFeature
from tools.simulate.planning import plan
from tools.simulate.verdict_size import Measured

POSITIVES: Final = 30_000
RATE: Final = 0.8
CODES: Final = ("own", "others", "unknown")


class World(NamedTuple):
    """A group and everyone else, some of both without a record of their group."""

    margin: float
    size: int
    """True members of the group."""
    unknown: float
    """Share of all people whose group is unknown."""
    share_factor: float
    odds_factor: float

    def __str__(self) -> str:
        """One line of a table."""
        return (
            f"margin {self.margin:g}, {self.size:,} of {POSITIVES:,}, {self.unknown:.0%} unknown, "
            f"kappa {self.share_factor:g}, Gamma {self.odds_factor:g}"
        )

    def drawn(self, runs: int, rng: np.random.Generator, *, on_the_limit: bool) -> IntArray:
        """int64[runs, 3, 2]: found and missed victims of the group, of the others and of the unknown."""
        unknown = round(self.unknown * POSITIVES)
        # members among the unknown, so that they are share_factor times the share among those recorded
        members = self._members(unknown)
        missed = 1.0 - RATE + (self.margin if on_the_limit else 0.0)
        odds = self.odds_factor * (1.0 - RATE) / RATE
        of_members = odds / (1.0 + odds) if on_the_limit else missed
        sizes = (self.size - members, POSITIVES - self.size - (unknown - members), members, unknown - members)
        of_unknown = (1.0 - RATE) * unknown - of_members * members
        of_own = (self.size * missed - members * of_members) / sizes[0]
        of_others = ((POSITIVES - self.size) * (1.0 - RATE) - of_unknown) / sizes[1]
        rates = np.clip([of_own, of_others, of_members, of_unknown / sizes[3]], 0.0, 1.0)
        lost = np.stack([rng.binomial(size, rate, runs) for size, rate in zip(sizes, rates, strict=True)], axis=1)
        cases = np.array(sizes) - lost
        both = np.stack([cases, lost], axis=2)
        return np.concatenate([both[:, :2], both[:, 2:].sum(axis=1, keepdims=True)], axis=1)

    def _members(self, unknown: int) -> int:
        share = self.size / POSITIVES
        for _ in range(50):
            recorded = (self.size - self.share_factor * share * unknown) / (POSITIVES - unknown)
            share = max(recorded, 0.0)
        return min(round(self.share_factor * share * unknown), self.size - 1)


def measured(world: World, runs: int, seed: int, *, on_the_limit: bool) -> Measured:
    """Count the audits in which the group passes: as recorded, and with its possible members at their worst."""
    audited, features = _audited(world), (_feature(),)
    (question,) = questions(audited, audited.rules[0])
    tables: list[list[int]] = []
    for rows in world.drawn(runs, np.random.default_rng(seed), on_the_limit=on_the_limit):
        cells: dict[tuple[str, ...], IntArray] = {
            (code,): _cells(*of) for code, of in zip(CODES, rows.tolist(), strict=True)
        }
        (family,) = count_families(audited, CountsTable.of(("group",), cells), features).values()
        members = possible_members([family], question.metric, Supposed.of(audited.sensitivity))
        own = next(place for place, group in enumerate(family.groups) if group.levels[0].code == CODES[0])
        both = question.at_its_worst(family), members.at_their_worst(question, family)
        tables.extend([int(count[own]) for count in each] for each in both)
    counts = np.array(tables, dtype=np.int64).T
    (x, n, y, m), place = np.unique(counts, axis=1, return_inverse=True)
    boundary = question.within
    counted, counted_rest = counted_outcome(x, n, boundary), counted_outcome(y, m, boundary)
    p = screened_p(counted, n, counted_rest, m, boundary, PASS_BETA).p[place.ravel()]
    passed = int((p.reshape(-1, 2).max(axis=1) <= audited.verdict.alpha).sum())
    inside = world.share_factor <= 2.0 and world.odds_factor <= 2.0
    expected = ("<= 5" if inside else "outside the factors") if on_the_limit else "power"
    return Measured(str(world), "false pass" if on_the_limit else "pass, treated alike", passed, runs, expected)


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure worlds inside and outside the factors, for a large and for smaller groups."""
    for margin, unknown, size in (
        *((0.1, unknown, 1_500) for unknown in (0.05, 0.1)),
        *((0.05, unknown, 1_500) for unknown in (0.01, 0.05)),
        *((0.1, unknown, 200) for unknown in (0.01, 0.05)),
        (0.1, 0.1, 500),
    ):
        for factors in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (5, 5)):
            yield measured(World(margin, size, unknown, *factors), runs, seed, on_the_limit=True)
        yield measured(World(margin, size, unknown, 1, 1), runs, seed, on_the_limit=False)


def _audited(world: World) -> AuditPlan:
    return plan({"metric": "true_positive_rate", "margin": world.margin, "expected_rate": RATE})


def _feature() -> SensitiveFeature:
    levels = tuple(LevelName(rung="level", code=code, name=code) for code in CODES)
    return SensitiveFeature(
        name="group", column="group", coding="categorical", rungs=("level",), levels=levels, given_to_detector=False
    )


def _cells(found: int, missed: int) -> IntArray:
    cells = np.zeros((3, 4), dtype=np.int64)
    cells[POSITIVE, FLAGGED], cells[POSITIVE, NOT_FLAGGED] = found, missed
    return cells
