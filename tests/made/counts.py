"""Counts and plans made by hand, for tests below the waist: no file, no detector, no random number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from audit.counting.table import CountsTable, FamilyCounts, count_families
from audit.plan.audit_plan import AuditPlan
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Family, Group, Level, LevelName, SensitiveFeature

REGIONS = {"NGA": "011", "GHA": "011", "MLI": "011", "FRA": "155", "DEU": "155", "THA": "035", "unknown": "unknown"}
CONTINENTS = {"011": "002", "155": "150", "035": "142", "unknown": "unknown"}


WORST: dict[str, Any] = {"unknown_share_factor": "worst", "unknown_odds_factor": "worst"}
"""A plan's section `sensitivity` that supposes nothing of people of unknown group."""


def cells(
    tp: int = 0,
    fn: int = 0,
    fp: int = 0,
    tn: int = 0,
    *,
    unlabelled: tuple[int, int] = (0, 0),
    abstained: tuple[int, int, int] = (0, 0, 0),
    failed: tuple[int, int, int] = (0, 0, 0),
) -> IntArray:
    """int64[3, 4] of one group; `unlabelled` is (flagged, not flagged), the others by label."""
    return np.array(
        [
            [tp, fn, abstained[0], failed[0]],
            [fp, tn, abstained[1], failed[1]],
            [*unlabelled, abstained[2], failed[2]],
        ],
        dtype=np.int64,
    )


def categorical(name: str, codes: Sequence[str]) -> SensitiveFeature:
    levels = tuple(LevelName(rung="level", code=code, name=code) for code in sorted(set(codes)))
    return SensitiveFeature(
        name=name, column=name, coding="categorical", rungs=("level",), levels=levels, given_to_detector=False
    )


def nationality(codes: Sequence[str]) -> SensitiveFeature:
    """A nationality over the few countries of `REGIONS`, with all three rungs."""
    present = sorted(set(codes))
    regions = sorted({REGIONS[code] for code in present})
    levels = [LevelName(rung="country", code=code, name=code, parent=REGIONS[code]) for code in present]
    levels += [LevelName(rung="m49-subregion", code=code, name=code, parent=CONTINENTS[code]) for code in regions]
    levels += [
        LevelName(rung="m49-region", code=code, name=code) for code in sorted({CONTINENTS[code] for code in regions})
    ]
    return SensitiveFeature(
        name="nationality",
        column="nationality",
        coding="nationality",
        rungs=("country", "m49-subregion", "m49-region"),
        levels=tuple(levels),
        given_to_detector=False,
    )


def plan_of(
    rules: Sequence[Mapping[str, Any]],
    features: Sequence[SensitiveFeature],
    *,
    route: str = "services",
    verdict: Mapping[str, Any] | None = None,
    groups: Mapping[str, Mapping[str, Any]] | None = None,
    sensitivity: Mapping[str, Any] | None = None,
    rates: Mapping[str, Mapping[str, Any]] | None = None,
) -> AuditPlan:
    extra = groups or {}
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "t", "owner": "o", "use": "victim-identification", "route": route},
            "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
            "evaluation_set": {"id": "id", "label": "label", "label_source": "made by hand"},
            "groups": {
                feature.name: {
                    "column": feature.name,
                    "coding": feature.coding,
                    **({"ladder": list(feature.rungs)} if feature.coding == "nationality" else {}),
                    **extra.get(feature.name, {}),
                }
                for feature in features
            },
            "rates": {name: dict(rate) for name, rate in (rates or {}).items()},
            "rules": [dict(rule) for rule in rules],
            "verdict": dict(verdict or {}),
            "sensitivity": dict(sensitivity or {}),
        }
    )


def families_of(
    plan: AuditPlan, features: Sequence[SensitiveFeature], rows: Mapping[tuple[str, ...], IntArray]
) -> tuple[CountsTable, dict[Family, FamilyCounts]]:
    table = CountsTable.of([feature.name for feature in features], rows)
    return table, count_families(plan.groups, plan.rules, table, features)


def group(**codes: str) -> Group:
    """`group(nationality="NGA")`, `group(nationality="m49-subregion:011")`."""
    levels = []
    for feature, code in codes.items():
        rung, _, rest = code.rpartition(":")
        default = "country" if feature == "nationality" else "level"
        levels.append(Level(feature, rung or default, rest))
    return Group(tuple(levels))
