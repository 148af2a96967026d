"""The exact tests are vectorised over groups: ten times the groups, the same number of calls."""

from __future__ import annotations

import cProfile
from pathlib import Path

import numpy as np
import pytest
from made.counts import cells, families_of, plan_of

import audit.stats
from audit.stats.arrays import IntArray
from audit.verdicts.judge import judge
from audit.vocabulary.groups import LevelName, SensitiveFeature

STATS = str(Path(next(iter(audit.stats.__path__))))


def calls_into_stats(groups: int, seed: int) -> int:
    """How many functions of `audit.stats` a whole verdict calls over so many groups of 40 to 120 cases."""
    rng = np.random.default_rng(seed)
    codes = [f"G{number:04}" for number in range(groups)]
    feature = SensitiveFeature(
        name="origin",
        column="origin",
        coding="categorical",
        rungs=("level",),
        levels=tuple(LevelName(rung="level", code=code, name=code) for code in codes),
        given_to_detector=False,
    )
    rules = [
        {"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1},
        {"metric": "false_positive_rate", "groups": ["origin"], "ratio": 0.8, "direction": "both"},
    ]
    tables = rng.integers(10, 31, (groups, 4)).tolist()
    rows: dict[tuple[str, ...], IntArray] = {(code,): cells(*of) for code, of in zip(codes, tables, strict=True)}
    plan = plan_of(rules, [feature])
    _, families = families_of(plan, [feature], rows)
    profile = cProfile.Profile()
    profile.runcall(judge, plan, families, {"origin": feature})
    return sum(
        entry.callcount
        for entry in profile.getstats()
        if not isinstance(entry.code, str) and entry.code.co_filename.startswith(STATS)
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_the_number_of_calls_does_not_grow_with_the_groups(seed: int) -> None:
    few, many = calls_into_stats(80, seed), calls_into_stats(800, seed)
    assert few > 20
    assert many <= 1.5 * few
