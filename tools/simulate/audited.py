"""Builds plans, features and counts of simulated audits, and judges them: the only door to the code that judges.

Simulations import what decides verdicts from here, so that a function that moves there is renamed here alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from audit.analyses.sides import questions
from audit.counting.moments import Moments
from audit.counting.table import (
    FLAGGED,
    NEGATIVE,
    NOT_FLAGGED,
    POSITIVE,
    CountsTable,
    FamilyCounts,
    count_families,
)
from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import OverallVerdict
from audit.result.findings.judged import RuleResult, Verdict
from audit.stats.arrays import IntArray
from audit.verdicts.changes.judge import NAMING_BETA, SEPARATELY
from audit.verdicts.decidability import RuleDecidability, plan_decidability
from audit.verdicts.decidable_gaps import GroupPower, rule_power
from audit.verdicts.judge import judge
from audit.verdicts.margin_tests import pass_p
from audit.verdicts.nights.state import Evidence, Sample, State, new_state
from audit.verdicts.nights.verdict import judge_nights, with_night
from audit.verdicts.side_tests import ALL_NAMES, NAMES, UNNAMED
from audit.vocabulary.groups import Family, LevelName, SensitiveFeature

__all__ = [
    "ALL_NAMES",
    "NAMES",
    "NAMING_BETA",
    "SEPARATELY",
    "UNNAMED",
    "Evidence",
    "GroupPower",
    "RuleDecidability",
    "Sample",
    "State",
    "judge_nights",
    "new_state",
    "pass_p",
    "plan_decidability",
    "questions",
    "rule_power",
    "with_night",
]

Judged = tuple[tuple[RuleResult, ...], tuple[Verdict, ...], OverallVerdict]

RUNGS: Final = ("country", "m49-subregion", "m49-region")
SUBREGIONS: Final = 22
REGIONS: Final = 5
LADDER: Final[Mapping[str, Any]] = {
    "gender": {"column": "gender"},
    "nationality": {"column": "nationality", "ladder": list(RUNGS)},
}
"""The section `groups` of a plan on gender and nationality, whose sub-regions and regions are judged too."""
CROSSED: Final = ["gender", "nationality", ["gender", "nationality"]]
"""Groups of a rule: both features, and their intersection."""


def plan_of(
    rules: Sequence[Mapping[str, Any]],
    groups: Mapping[str, Any] | None = None,
    *,
    evaluation_set: Mapping[str, Any] | None = None,
    detector: Mapping[str, Any] | None = None,
    route: str = "services",
    **sections: Any,
) -> AuditPlan:
    """Return a plan with these rules; without `groups` over one feature whose groups are judged from 5 cases on."""
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "simulated", "owner": "nobody", "use": "hotline-triage", "route": route},
            "detector": detector or {"kind": "predictions", "score": "score", "threshold": 0.5},
            "evaluation_set": {"id": "id", "label": "label", "label_source": "simulated", **(evaluation_set or {})},
            "groups": groups or {"group": {"column": "group", "coding": "categorical", "min_cases": 5}},
            "rules": [{"metric": "true_positive_rate", "groups": ["group"], **rule} for rule in rules],
            **sections,
        }
    )


def feature_of(
    name: str, codes: Iterable[str], coding: str = "categorical", rungs: Sequence[str] = ("level",)
) -> SensitiveFeature:
    """Return a feature with these levels on its first rung."""
    return feature_with(name, [LevelName(rung=rungs[0], code=code, name=code) for code in codes], coding, rungs)


def feature_with(
    name: str, levels: Sequence[LevelName], coding: str = "categorical", rungs: Sequence[str] = ("level",)
) -> SensitiveFeature:
    """Return a feature of the column that is called like it."""
    return SensitiveFeature.model_validate(
        {
            "name": name,
            "column": name,
            "coding": coding,
            "rungs": rungs,
            "levels": levels,
            "given_to_detector": False,
        }
    )


def groups_of(count: int) -> SensitiveFeature:
    """Return a feature "group" with levels g000, g001 and so on."""
    return feature_of("group", [f"g{number:03}" for number in range(count)])


def ladder_features(countries: int, genders: Iterable[str], *, unknown: bool = False) -> list[SensitiveFeature]:
    """Return gender and nationality with made-up codes on every rung, and people of unknown nationality if asked."""
    above = [("", f"S{number % SUBREGIONS:02}") for number in range(countries)]
    rungs: list[list[tuple[str, str | None]]] = [
        [(f"C{number:03}", above[number][1]) for number in range(countries)],
        [(f"S{number:02}", f"R{number % REGIONS}") for number in range(min(countries, SUBREGIONS))],
        [(f"R{number}", None) for number in range(REGIONS)],
    ]
    if unknown:
        for codes, parent in zip(rungs, ("unknown", "unknown", None), strict=True):
            codes.append(("unknown", parent))
    levels = [
        LevelName(rung=rung, code=code, name=code, parent=parent)
        for rung, codes in zip(RUNGS, rungs, strict=True)
        for code, parent in codes
    ]
    return [feature_of("gender", genders, "gender"), feature_with("nationality", levels, "nationality", RUNGS)]


def cells(positive: Sequence[int], negative: Sequence[int] = (0, 0)) -> IntArray:
    """int64[3, 4] of the cases flagged and not flagged, among positives and among negatives."""
    counted = np.zeros((3, 4), dtype=np.int64)
    counted[POSITIVE, [FLAGGED, NOT_FLAGGED]] = positive
    counted[NEGATIVE, [FLAGGED, NOT_FLAGGED]] = negative
    return counted


def ladder_table(cases: IntArray, flagged: IntArray, names: Sequence[Sequence[str]]) -> CountsTable:
    """Return the counts of positives, int64[genders, countries] of which so many are flagged."""
    rows: dict[tuple[str, ...], IntArray] = {
        (names[0][row], names[1][column]): cells(
            (flagged[row, column], cases[row, column] - flagged[row, column])
        )
        for row, column in zip(*np.nonzero(cases), strict=True)
    }  # fmt: skip
    return CountsTable.of(("gender", "nationality"), rows)


def group_table(
    flagged: Sequence[int] | IntArray, cases: Sequence[int] | IntArray, label: int = POSITIVE
) -> CountsTable:
    """Return the counts of groups g000, g001, ... of which so many of the cases with a label are flagged."""
    rows: dict[tuple[str, ...], IntArray] = {}
    for number, (hits, size) in enumerate(zip(flagged, cases, strict=True)):
        pair = (int(hits), int(size) - int(hits))
        rows[(f"g{number:03}",)] = cells(pair) if label == POSITIVE else cells((0, 0), pair)
    return CountsTable.of(("group",), rows)


def families_of(
    plan: AuditPlan, table: CountsTable, features: Sequence[SensitiveFeature]
) -> dict[Family, FamilyCounts]:
    """Count every family of the plan."""
    return count_families(plan.groups, plan.rules, table, features)


def judged(
    plan: AuditPlan, table: CountsTable, features: Sequence[SensitiveFeature], moments: Moments | None = None
) -> Judged:
    """Judge a simulated set as any audit does."""
    families = count_families(plan.groups, plan.rules, table, features)
    rules, verdicts, overall = judge(plan, families, {feature.name: feature for feature in features}, moments)
    return tuple(rules), tuple(verdicts), overall
