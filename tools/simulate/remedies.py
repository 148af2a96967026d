"""False "confirmed": remedies in worlds where every candidate leaves a group on its limit or beyond it.

Scores have a few levels. In the world of two groups the shares found at the levels of one group lie half a step between
those of the other, and the step is twice the limit: no two thresholds, one for each, bring them closer than the limit.
In the world of four groups all but one are alike, and that one lies the limit below them at every threshold; there
groups have no thresholds of their own. People in a band are as often right in every group, which leaves both worlds as
they are. In the last world the one lies far below, and is too small to be judged in a half: silence confirms nothing.
Beside it stands what a report would say that chose and judged on the same cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.counting.score_table import HalvedScores
from audit.counting.table import FLAGGED, NOT_FLAGGED, POSITIVE
from audit.remedies.remedy import remedies_of
from audit.result.findings.remedies import Remedies, Way
from audit.stats.arrays import FloatArray
from tools.simulate.audited import feature_of, plan_of
from tools.simulate.runner import Counts, Share

LIMIT: Final = 0.1
ALIKE: Final[tuple[Way, ...]] = ("threshold", "capacity", "band")


@dataclass(frozen=True, eq=False)
class World:
    """Groups, by the share of their victims that is found from each level of the score on."""

    name: str
    found: FloatArray
    """float64[G, L]: shares found, falling; the lowest level, from which all are found, is not among them."""
    ways: tuple[Way, ...] = ALIKE
    first: float = 1.0
    """Size of the first group, as a part of the size of each other."""


_APART: Final = np.arange(1.0 - LIMIT / 2, 0.05, -2 * LIMIT)
_MANY, _FEW = np.arange(0.95, LIMIT, -0.1), np.arange(0.95, 0.3, -0.1)
WORLDS: Final = (
    World("two groups", np.stack([_APART, _APART - LIMIT]).clip(0.0), (*ALIKE, "per_group")),
    World("one of four groups", np.stack([_MANY - LIMIT, *[_MANY] * 3]).clip(0.0)),
    World("a small one of four groups", np.stack([_FEW - 0.3, *[_FEW] * 3]), first=0.08),
)


def drawn(world: World, victims: int, rng: np.random.Generator) -> HalvedScores:
    """Draw two halves with about so many victims of each group in each, and twice as many others."""
    groups, levels = world.found.shape
    shares = np.concatenate([np.ones((groups, 1)), world.found, np.zeros((groups, 1))], axis=1)
    bins = np.linspace(5, 195, levels + 1).astype(np.int64)
    decisions = np.where(bins >= bins[(levels + 1) // 2], FLAGGED, NOT_FLAGGED)
    scored = np.zeros((2, groups, 3, 2, 200), dtype=np.int64)
    for half in range(2):
        for label, number in enumerate((victims, 2 * victims)):
            chances = -np.diff(shares if label == POSITIVE else shares**3, axis=1)
            for group in range(groups):
                cases = rng.multinomial(rng.poisson(number * (1.0 if group else world.first)), chances[group])
                scored[half, group, label, decisions, bins] = cases
    codes = tuple((f"g{group}",) for group in range(groups))
    return HalvedScores(("origin",), codes, (0.0, 1.0), scored, np.zeros((2, groups, 3, 4), dtype=np.int64))


def tried(world: World, victims: int, rng: np.random.Generator) -> Remedies:
    """Simulate the remedies of one audit."""
    plan = plan_of(
        [{"groups": ["origin"], "margin": LIMIT}],
        {"origin": {"column": "origin", "coding": "categorical", "min_cases": 30}},
    )
    feature = feature_of("origin", [f"g{group}" for group in range(len(world.found))])
    return remedies_of(plan, [feature], drawn(world, victims, rng), world.ways, (0.7, 1.0))


def confirmed(runs: int, rng: np.random.Generator, world: World, victims: int) -> Counts:
    """Count runs that confirm anything, and runs in which something is within its limit where it was chosen."""
    every = [tried(world, victims, rng) for _ in range(runs)]
    wrong = sum(any(way.status.startswith("confirmed") for way in remedies.tried) for remedies in every)
    chosen = sum(bool(remedies.tried) for remedies in every)
    return {"false confirmed": Share(wrong, runs), "within as counted where chosen": Share(chosen, runs)}
