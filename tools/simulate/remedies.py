"""Simulation of false "confirmed": remedies in worlds where every candidate leaves a group on its limit or beyond it.

Scores have a few levels. In the world of two groups the shares found at the levels of one group lie half a step between
those of the other, and the step is twice the limit: no two thresholds, one for each, bring them closer than the limit.
In the world of four groups all but one are alike, and that one lies the limit below them at every threshold; there
groups have no thresholds of their own. People in a band are as often right in every group, which leaves both worlds as
they are. In the last world the one lies far below, and is too small to be judged in a half: silence confirms nothing.
Beside it stands what a report would say that chose and judged on the same cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from audit.counting.score_table import HalvedScores
from audit.counting.table import FLAGGED, NOT_FLAGGED, POSITIVE
from audit.plan.audit_plan import AuditPlan
from audit.remedies.remedy import remedies_of
from audit.result.findings.remedies import Remedies, Way
from audit.stats.arrays import FloatArray
from audit.vocabulary.groups import LevelName, SensitiveFeature
from tools.simulate.verdict_size import Measured


class World(NamedTuple):
    """Groups, by the share of their victims that is found from each level of the score on."""

    found: FloatArray
    """float64[G, L]: shares found, falling; the lowest level, from which all are found, is not among them."""
    limit: float
    ways: tuple[Way, ...]
    first: float = 1.0
    """Size of the first group, as a part of the size of each other."""


def two_groups(limit: float) -> World:
    """Return a world of two groups whose thresholds never meet, however they are chosen."""
    first = np.arange(1.0 - limit / 2, 0.05, -2 * limit)
    return World(np.stack([first, first - limit]).clip(0.0), limit, ("threshold", "capacity", "band", "per_group"))


def four_groups(limit: float) -> World:
    """Return a world in which one of four groups lies the limit below the others at every threshold."""
    others = np.arange(0.95, limit, -0.1)
    return World(np.stack([others - limit, *[others] * 3]).clip(0.0), limit, ("threshold", "capacity", "band"))


def one_small(limit: float) -> World:
    """Return a world in which one group lies far below three others, and is too small to be judged in a half."""
    others = np.arange(0.95, 0.3, -0.1)
    return World(np.stack([others - 0.3, *[others] * 3]), limit, ("threshold", "capacity", "band"), 0.08)


def features(groups: int) -> list[SensitiveFeature]:
    """Return one feature with as many levels."""
    levels = tuple(LevelName(rung="level", code=f"g{place}", name=f"g{place}") for place in range(groups))
    own = {"name": "origin", "column": "origin", "coding": "categorical", "rungs": ("level",)}
    return [SensitiveFeature.model_validate({**own, "levels": levels, "given_to_detector": False})]


def plan(limit: float) -> AuditPlan:
    """Return a plan with one rule on the share found."""
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "simulated", "owner": "nobody", "use": "hotline-triage", "route": "services"},
            "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
            "evaluation_set": {"id": "id", "label": "label", "label_source": "simulated"},
            "groups": {"origin": {"column": "origin", "coding": "categorical", "min_cases": 30}},
            "rules": [{"metric": "true_positive_rate", "groups": ["origin"], "margin": limit}],
        }
    )


def drawn(world: World, victims: int, rng: np.random.Generator) -> HalvedScores:
    """Draw two halves with about so many victims of each group in each, and twice as many others."""
    groups, levels = world.found.shape
    shares = np.concatenate([np.ones((groups, 1)), world.found, np.zeros((groups, 1))], axis=1)
    bins = np.linspace(5, 195, levels + 1).astype(np.int64)
    scored = np.zeros((2, groups, 3, 2, 200), dtype=np.int64)
    for half in range(2):
        for label, number in enumerate((victims, 2 * victims)):
            chances = -np.diff(shares if label == POSITIVE else shares**3, axis=1)
            for group in range(groups):
                cases = rng.multinomial(rng.poisson(number * (1.0 if group else world.first)), chances[group])
                now = np.where(bins >= bins[(levels + 1) // 2], FLAGGED, NOT_FLAGGED)
                scored[half, group, label, now, bins] = cases
    codes = tuple((f"g{place}",) for place in range(groups))
    return HalvedScores(("origin",), codes, (0.0, 1.0), scored, np.zeros((2, groups, 3, 2), dtype=np.int64))


def tried(world: World, victims: int, rng: np.random.Generator) -> Remedies:
    """Simulate the remedies of one audit."""
    scores = drawn(world, victims, rng)
    return remedies_of(plan(world.limit), features(len(world.found)), scores, world.ways, (0.7, 1.0))


def confirmed(setting: str, world: World, victims: int, runs: int, rng: np.random.Generator) -> Iterator[Measured]:
    """Count runs that confirm anything, and runs in which something is within its limit where it was chosen."""
    every = [tried(world, victims, rng) for _ in range(runs)]
    wrong = sum(any(one.status.startswith("confirmed") for one in found.tried) for found in every)
    chosen = sum(bool(found.tried) for found in every)
    yield Measured(setting, "false confirmed", wrong, runs, "at most 5")
    yield Measured(setting, "within as counted where chosen", chosen, runs, "why halves are needed")


WORLDS: Final[Mapping[str, World]] = {
    "two groups": two_groups(0.1),
    "one of four groups": four_groups(0.1),
    "a small one of four groups": one_small(0.1),
}
VICTIMS: Final[Sequence[int]] = (150, 600, 1_200)


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Yield every row."""
    for place, (name, world) in enumerate(WORLDS.items()):
        for victims in VICTIMS:
            rng = np.random.default_rng([seed, place, victims])
            yield from confirmed(f"{name}, {victims} victims of each in a half", world, victims, runs, rng)
