"""Nights over one made-up feature: counts of each level, taken in one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from audit.counting.table import CountsTable, count_families
from audit.plan.audit_plan import AuditPlan
from audit.stats.arrays import IntArray
from audit.verdicts.nights.state import Evidence, Sample, State, new_state
from audit.verdicts.nights.verdict import with_night
from audit.vocabulary.groups import LevelName, SensitiveFeature

NOBODY: IntArray = np.zeros((3, 4), dtype=np.int64)
Night = dict[str, IntArray]
"""By level: int64[3, 4], label x decision."""


def made_plan(**changes: Any) -> AuditPlan:
    """A plan of one rule over the feature `band`, with changes."""
    rule = {"metric": "true_positive_rate", "groups": ["band"], "margin": 0.1, **changes.pop("rule", {})}
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "T", "owner": "O", "use": "hotline-triage", "route": "services"},
            "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
            "evaluation_set": {"id": "id", "label": "label", "label_source": "made for a test"},
            "groups": {"band": {"column": "band", "coding": "categorical", "min_cases": 30}},
            "rules": [rule],
            **changes,
        }
    )


def feature(levels: Sequence[str]) -> SensitiveFeature:
    """The feature with these levels."""
    return SensitiveFeature(
        name="band",
        column="band",
        coding="categorical",
        rungs=("level",),
        levels=tuple(LevelName(rung="level", code=code, name=code) for code in sorted(levels)),
        given_to_detector=False,
    )


def cells(found: int, missed: int, unscored: int = 0) -> IntArray:
    """int64[3, 4]: exploited people, found, missed and not scored."""
    made = np.zeros((3, 4), dtype=np.int64)
    made[0] = found, missed, 0, unscored
    return made


def taken(plan: AuditPlan, nights: Sequence[Night], sample: Sample = "fresh", state: State | None = None) -> State:
    state = state or new_state({}, sample)
    for night in nights:
        table = CountsTable.of(["band"], {(level,): one for level, one in night.items()})
        named = [feature(list(night))]
        state = with_night(plan, state, count_families(plan.groups, plan.rules, table, named), named)
    return state


def sums(nights: Sequence[Night]) -> list[Night]:
    """The sets of the nights, if each held all rows of those before."""
    grown: list[Night] = []
    for night in nights:
        before = grown[-1] if grown else {}
        grown.append({level: before.get(level, NOBODY) + night.get(level, NOBODY) for level in {*before, *night}})
    return grown


def draws(nights: int, rates: dict[str, float], seed: int, cases: int = 40, unscored: int = 0) -> list[Night]:
    rng = np.random.default_rng(seed)
    made: list[Night] = []
    for _ in range(nights):
        night: Night = {}
        for level, rate in rates.items():
            n = int(rng.integers(1, cases))
            found = int(rng.binomial(n, rate))
            night[level] = cells(found, n - found, int(rng.integers(0, unscored + 1)))
        made.append(night)
    return made


def only(state: State) -> Evidence:
    """The evidence of a state that has one rule, side and family."""
    (one,) = state.evidence
    return one
