"""What made-up results are made of: a description, a plan, and counts drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from made.nationalities import nationality_levels

from audit.counting.table import plan_families
from audit.plan.audit_plan import AuditPlan
from audit.vocabulary.groups import Axis, Level, LevelName, SensitiveFeature
from audit.vocabulary.metrics import Cell

Key = tuple[Level, ...]
Text = Callable[[str], str]
GENDERS = {"woman": "women", "man": "men", "non-binary": "non-binary people", "unknown": "unknown"}
RUNGS = ("country", "m49-subregion", "m49-region")


@dataclass(frozen=True)
class Sample:
    """What a made-up result is made of."""

    seed: int = 7
    rows: int = 64_000
    prevalence: float = 0.35
    found: float = 0.80
    wrongly: float = 0.10
    countries: Sequence[str] = ()
    """ISO alpha-3 codes; empty: all."""
    gaps: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    """(gender or "", country, sub-region or "") -> rates found and wrongly flagged there."""
    rules: Sequence[Mapping[str, Any]] = ()
    route: str = "services"
    use: str = "victim-identification"
    min_coverage: float = 0.8
    text: Text = str
    """Applied to every string that someone else could have written."""
    code: Text = str
    """Applied to the codes of genders in the finished result."""
    needed_alone: int = 60
    abstained: float = 0.004


RULES: Sequence[Mapping[str, Any]] = (
    {
        "metric": "true_positive_rate",
        "groups": ["gender", "nationality", ["gender", "nationality"]],
        "margin": 0.10,
        "reason": "One in ten is what two trained officers disagree on.",
    },
    {
        "metric": "false_positive_rate",
        "groups": ["gender", "nationality", ["gender", "nationality"]],
        "margin": 0.05,
        "reason": "",
    },
)
FAILING = Sample(
    gaps={
        ("", "011"): (0.62, 0.10),
        ("woman", "GHA"): (0.45, 0.10),
        ("man", "NPL"): (0.80, 0.27),
        ("", "BGD"): (0.78, 0.22),
    },
    rules=RULES,
)
FEW = replace(
    FAILING,
    rows=24_000,
    countries=(
        "BEN", "BFA", "CIV", "CPV", "GHA", "GIN", "GMB", "GNB", "LBR", "MLI", "MRT", "NER", "NGA", "SEN", "SLE", "TGO",
        "BGD", "MEX", "NPL", "PHL", "ROU", "VNM",
    ),
)  # fmt: skip
"""Fails as `FAILING` does, with the countries of the sub-region in which it does and a few others."""
PASSING = Sample(
    rows=60_000,
    countries=("GHA", "NGA", "NPL", "BGD", "ROU", "MEX"),
    rules=({"metric": "true_positive_rate", "groups": ["gender", "nationality"], "margin": 0.1},),
    gaps={},
    seed=11,
)
UNDECIDED = Sample(rows=1_500, rules=RULES, seed=3)


class Drawn:
    """The plan, the features and the counts of a sample, for every group."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.plan = self._plan()
        self.features = self._features()
        self.parents = {(level.rung, level.code): level.parent for level in self.features[1].levels}
        self.cells: dict[Key, dict[Cell, int]] = {}
        self._draw()
        self.everyone = {cell: sum(cells[cell] for cells in self.cells.values()) for cell in Cell}
        self.families = self._families()

    def _plan(self) -> AuditPlan:
        text = self.sample.text
        return AuditPlan.model_validate(
            {
                "schema": 1,
                "audit": {
                    "title": text("Recruitment-advert screener 2.3"),
                    "owner": text("Ministry of Labour, digital inspection unit"),
                    "use": self.sample.use,
                    "route": self.sample.route,
                    "auditor": text("Observatory on Migration and Work"),
                    "limits_set_by": text("The inspection unit and three survivors’ organisations, June 2026"),
                },
                "detector": {
                    "kind": "predictions",
                    "score": text("score"),
                    "threshold": 0.5,
                },
                "evaluation_set": {
                    "path": "evaluation.parquet",
                    "id": "case_id",
                    "label": text("exploited"),
                    "label_positive": (text("yes"),),
                    "label_negative": (text("no"),),
                    "label_source": text("NGO case files, double-coded"),
                    "rows_are": text("persons"),
                },
                "groups": {
                    "gender": {"column": text("gender")},
                    "nationality": {"column": text("citizenship"), "ladder": RUNGS},
                },
                "rules": [{**rule, "reason": text(rule.get("reason", "By hand"))} for rule in self.sample.rules],
                "verdict": {"min_coverage": self.sample.min_coverage},
                "governance": self._governance(),
            }
        )

    def _governance(self) -> dict[str, Any]:
        text = self.sample.text
        rule = next((rule["metric"] for rule in self.sample.rules if "id" not in rule), "not tested")
        return {
            "declared_on": "2026-11-02",
            "office": text("Digital inspection unit"),
            "role": text("Head of the unit"),
            "oversight": text("The head of the unit, at once, on a complaint or where a limit is not met"),
            "review_rate": 1.0,
            "override_rate": 0.18,
            "review_period": text("January to September 2026"),
            "contact": text("Audit desk of the inspection unit"),
            "appeal": text("In writing to the ombudsperson, within a year; who acted on the flag does not decide"),
            "consulted": (text("Association of survivors"), text("Seafarers’ union")),
            "downstream": text("A case worker phones; nothing goes to the police without consent"),
            "group_data": text("Used by two auditors for this audit alone, and deleted when it ends"),
            "named_patterns": {text("Men are found less often"): rule},
            "limits_set_on": "2026-06-03",
            "valid_until": "2027-11-24",
            "baseline": text("One call in ten was picked at random"),
        }

    def _features(self) -> tuple[SensitiveFeature, SensitiveFeature]:
        text = self.sample.text
        genders = tuple(LevelName(rung="level", code=code, name=text(name)) for code, name in GENDERS.items())
        nationalities = nationality_levels(self.sample.countries)
        return (
            SensitiveFeature(
                name="gender",
                column=text("gender"),
                coding="gender",
                rungs=("level",),
                levels=genders,
                given_to_detector=False,
            ),
            SensitiveFeature(
                name="nationality",
                column=text("citizenship"),
                coding="nationality",
                rungs=RUNGS,
                levels=tuple(level.model_copy(update={"name": text(level.name)}) for level in nationalities),
                given_to_detector=True,
            ),
        )

    def _draw(self) -> None:
        """Counts of the finest groups, from the seed."""
        draw = random.Random(self.sample.seed)
        countries = [level.code for level in self.features[1].levels if level.rung == "country"]
        shuffled = [code for code in countries if code not in ("GHA", "NGA", "NPL", "BGD", "ROU", "unknown")]
        draw.shuffle(shuffled)
        common = [code for code in ("ROU", "NGA", "NPL", "GHA", "unknown", "BGD") if code in countries]
        weights = [1 / (place + 3) for place in range(len(countries))]
        nationality = draw.choices([*common, *shuffled], weights, k=self.sample.rows)
        gender = draw.choices(list(GENDERS), (0.52, 0.40, 0.02, 0.06), k=self.sample.rows)
        for who, where in zip(gender, nationality, strict=True):
            key = (Level("gender", "level", who), Level("nationality", "country", where))
            cells = self.cells.setdefault(key, dict.fromkeys(Cell, 0))
            cells[self._case(draw, who, where)] += 1

    def _case(self, draw: random.Random, who: str, where: str) -> Cell:
        found, wrongly = self._rates(who, where)
        labelled = draw.random() < 0.99
        positive = draw.random() < self.sample.prevalence
        flagged = draw.random() < (found if positive else wrongly)
        if draw.random() < self.sample.abstained:
            kind = Cell.UNSCORED_POSITIVE if positive else Cell.UNSCORED_NEGATIVE
            return kind if labelled else Cell.UNSCORED_UNLABELLED
        if not labelled:
            return Cell.UNLABELLED_FLAGGED if flagged else Cell.UNLABELLED_NOT_FLAGGED
        if positive:
            return Cell.TP if flagged else Cell.FN
        return Cell.FP if flagged else Cell.TN

    def _rates(self, who: str, where: str) -> tuple[float, float]:
        subregion = self.parents.get(("country", where))
        for gender, place in ((who, where), ("", where), (who, subregion), ("", subregion)):
            if place is not None and (gender, place) in self.sample.gaps:
                return self.sample.gaps[gender, place]
        return self.sample.found, self.sample.wrongly

    def _families(self) -> dict[tuple[Axis, ...], dict[Key, dict[Cell, int]]]:
        """The groups that an audit by this plan counts, and no others."""
        families = [family.axes for family in plan_families(self.plan.groups, self.plan.rules)]
        grouped: dict[tuple[Axis, ...], dict[Key, dict[Cell, int]]] = {axes: {} for axes in families}
        for finest, cells in self.cells.items():
            for axes in families:
                key = tuple(self.climb(level, axis.rung) for axis in axes for level in finest if level[0] == axis[0])
                total = grouped[axes].setdefault(key, dict.fromkeys(Cell, 0))
                for cell, count in cells.items():
                    total[cell] += count
        return {axes: dict(sorted(groups.items())) for axes, groups in grouped.items()}

    def climb(self, level: Level, rung: str) -> Level:
        while level.rung != rung:
            above = RUNGS[RUNGS.index(level.rung) + 1]
            level = Level(level.feature, above, self.parents[level.rung, level.code] or level.code)
        return level

    def all_groups(self) -> list[tuple[Key, dict[Cell, int]]]:
        return [
            ((), self.everyone),
            *((key, cells) for groups in self.families.values() for key, cells in groups.items()),
        ]
