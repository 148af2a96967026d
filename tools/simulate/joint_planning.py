"""Chance that a detector which treats everybody alike passes a whole audit, where sizes are planned jointly.

Two genders, nationalities (Zipf) on a ladder of three rungs, and their cross; some people of unknown gender, and as
many of unknown nationality, at random. Two rules: 80 % of victims are found and 10 % of others flagged, both with the
same margin. Every audit runs through `judge`. The chance that planning promises stands beside what came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from audit.counting.table import (
    ABSTAINED,
    FLAGGED,
    NEGATIVE,
    NOT_FLAGGED,
    POSITIVE,
    CountsTable,
    FamilyCounts,
    count_families,
)
from audit.plan.audit_plan import AuditPlan
from audit.planning.check import check_counts
from audit.result.findings.judged import Outcome
from audit.stats.arrays import IntArray
from audit.verdicts.decidability import RuleDecidability, plan_decidability
from audit.verdicts.judge import judge
from audit.vocabulary.groups import Family, LevelName, SensitiveFeature
from tools.simulate.verdict_size import Measured

FOUND, FLAGGED_WRONGLY, POSITIVES = 0.8, 0.1, 0.3
GENDERS: Final = {"woman": 0.6, "man": 0.4}


class World(NamedTuple):
    """Cell of validity.md's table 3b."""

    nationalities: int
    rows: int
    margin: float
    unknown: float

    def __str__(self) -> str:
        """One line of a table."""
        of = f"{self.nationalities} nationalities, {self.rows:,} rows"
        return f"{of}, margin {self.margin:g}, {self.unknown:.0%} unknown"

    def features(self) -> list[SensitiveFeature]:
        """Return the two sensitive features, with made-up codes on every rung."""
        countries = [f"C{number:03}" for number in range(self.nationalities)]
        subregions = sorted({f"S{place % 22:02}" for place in range(self.nationalities)})
        levels = [
            *(LevelName(rung="country", code=code, name=code, parent=f"S{place % 22:02}")
              for place, code in enumerate(countries)),
            LevelName(rung="country", code="unknown", name="unknown", parent="unknown"),
            *(LevelName(rung="m49-subregion", code=code, name=code, parent=f"R{place % 5}")
              for place, code in enumerate(subregions)),
            LevelName(rung="m49-subregion", code="unknown", name="unknown", parent="unknown"),
            *(LevelName(rung="m49-region", code=f"R{place}", name=f"R{place}") for place in range(5)),
            LevelName(rung="m49-region", code="unknown", name="unknown"),
        ]  # fmt: skip
        genders = tuple(LevelName(rung="level", code=code, name=code) for code in (*GENDERS, "unknown"))
        return [
            SensitiveFeature(
                name="gender",
                column="gender",
                coding="gender",
                rungs=("level",),
                levels=genders,
                given_to_detector=False,
            ),
            SensitiveFeature(
                name="nationality",
                column="nationality",
                coding="nationality",
                rungs=("country", "m49-subregion", "m49-region"),
                levels=tuple(levels),
                given_to_detector=False,
            ),
        ]

    def plan(self) -> AuditPlan:
        """Return a plan with both rules."""
        groups = ["gender", "nationality", ["gender", "nationality"]]
        return AuditPlan.model_validate(
            {
                "schema": 1,
                "audit": {"title": "simulated", "owner": "nobody", "use": "hotline-triage", "route": "both"},
                "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
                "evaluation_set": {"id": "id", "label": "label", "label_source": "simulated"},
                "groups": {
                    "gender": {"column": "gender"},
                    "nationality": {"column": "nationality", "ladder": ["country", "m49-subregion", "m49-region"]},
                },
                "rules": [
                    {"metric": "true_positive_rate", "groups": groups, "margin": self.margin, "expected_rate": FOUND},
                    {
                        "metric": "false_positive_rate",
                        "groups": groups,
                        "margin": self.margin,
                        "expected_rate": FLAGGED_WRONGLY,
                    },
                ],
            }
        )

    def labels(self, rng: np.random.Generator) -> dict[tuple[str, ...], IntArray]:
        """int64[2] by gender and nationality: positives and negatives."""
        shares = 1.0 / np.arange(1, self.nationalities + 1)
        shares = np.append(shares / shares.sum() * (1.0 - self.unknown), self.unknown)
        genders = np.array([*(np.array(list(GENDERS.values())) * (1.0 - self.unknown)), self.unknown])
        each = np.outer(genders, shares).ravel()
        both = np.concatenate([each * POSITIVES, each * (1.0 - POSITIVES)])
        drawn = rng.multinomial(self.rows, both / both.sum()).reshape(2, genders.size, shares.size)
        codes = [*(f"C{number:03}" for number in range(self.nationalities)), "unknown"]
        return {
            (gender, code): drawn[:, row, column]
            for row, gender in enumerate((*GENDERS, "unknown"))
            for column, code in enumerate(codes)
            if drawn[:, row, column].any()
        }


def audits(world: World, runs: int, seed: int) -> tuple[float, float, int, list[Outcome]]:
    """Return the chance that was planned, the coverage, the number of groups judged alone, and outcomes of audits."""
    rng = np.random.default_rng(seed)
    plan, features, labels = world.plan(), world.features(), world.labels(rng)
    unscored = {key: _unscored(of) for key, of in labels.items()}
    table, by_name = (
        CountsTable.of(("gender", "nationality"), unscored),
        {feature.name: feature for feature in features},
    )
    checked = check_counts(plan, table, features)
    alone = _alone(plan_decidability(plan, count_families(plan, table, features), by_name))
    coverage = min(rule.coverage or 0.0 for rule in checked.rules)
    outcomes: list[Outcome] = []
    for _ in range(runs):
        scored = {key: _scored(of, rng) for key, of in labels.items()}
        families: dict[Family, FamilyCounts] = count_families(
            plan, CountsTable.of(("gender", "nationality"), scored), features
        )
        _, _, overall = judge(plan, families, by_name)
        outcomes.append(overall.outcome)
    return checked.planned_pass.chance if checked.planned_pass else 0.0, coverage, alone, outcomes


def _alone(rules: Mapping[str, RuleDecidability]) -> int:
    """Count groups judged alone as the table does: people who are several groups count for each of them."""
    found = 0
    for rule in rules.values():
        alone = {group for of in rule.families for group in np.array(of.groups, dtype=object)[of.decidable].tolist()}
        found += len(alone) + sum(kept in alone for of in rule.families for kept in of.repeats.values())
    return found


def cells() -> Iterator[World]:
    """List the cells of the table, without those whose coverage cannot reach 80 %."""
    for nationalities, rows, margin in (
        (17, 20_000, 0.1),
        (17, 50_000, 0.1),
        (17, 100_000, 0.1),
        (50, 20_000, 0.1),
        (50, 50_000, 0.1),
        (200, 20_000, 0.1),
        (200, 50_000, 0.1),
        (200, 100_000, 0.1),
        (17, 100_000, 0.05),
        (50, 100_000, 0.05),
        (200, 100_000, 0.05),
    ):
        for unknown in (0.0, 0.01, 0.03, 0.05):
            yield World(nationalities, rows, margin, unknown)


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Audit every cell; the row says what was promised."""
    for world in cells():
        promised, coverage, alone, outcomes = audits(world, runs, seed)
        setting = f"{world}: {alone} judged alone, coverage {coverage:.2f}"
        yield Measured(setting, "pass", outcomes.count("pass"), runs, f"planned {100 * promised:.0f}")
        yield Measured(setting, "false fail", outcomes.count("fail"), runs, "<= 5")


def _unscored(labels: IntArray) -> IntArray:
    cells = np.zeros((3, 4), dtype=np.int64)
    cells[POSITIVE, ABSTAINED], cells[NEGATIVE, ABSTAINED] = labels
    return cells


def _scored(labels: IntArray, rng: np.random.Generator) -> IntArray:
    cells = np.zeros((3, 4), dtype=np.int64)
    for place, rate in ((POSITIVE, FOUND), (NEGATIVE, FLAGGED_WRONGLY)):
        flagged = rng.binomial(labels[place], rate)
        cells[place, FLAGGED], cells[place, NOT_FLAGGED] = flagged, labels[place] - flagged
    return cells
