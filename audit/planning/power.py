"""Power of a set, before anything is scored: how large a gap would be named, how small a margin passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit.analyses.sides import Side, questions
from audit.counting.table import CountsTable, count_families
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.plan.file.plan_file import LoadedPlan, loaded_plan
from audit.planning.check import count_labels
from audit.result.findings.further import PlannedPass
from audit.stages import stage
from audit.verdicts.budget import budget
from audit.verdicts.chance_of_pass import planned_pass
from audit.verdicts.decidable_gaps import FamilyPower, rule_power
from audit.verdicts.joint_power import known_before_scoring, plan_decidability
from audit.vocabulary.groups import SensitiveFeature

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from audit.counting.moments import Moments


@dataclass(frozen=True, slots=True)
class RulePower:
    """What a rule can decide."""

    rule: NamedRule
    """Rule of the plan, with its id."""
    sides: tuple[Side, ...]
    """Sides on which it limits a group."""
    level: float
    """Share of alpha that each of its families can spend on false alarms, on each side."""
    known_only_after_scoring: bool
    """Whether the denominator is made of decisions; then nothing is known yet and `families` is empty."""
    families: tuple[FamilyPower, ...]


@dataclass(frozen=True, slots=True)
class PowerReport:
    """Report of `audit7k power PLAN`."""

    plan: AuditPlan
    features: tuple[SensitiveFeature, ...]
    """Sensitive features and the names of their levels."""
    rules: tuple[RulePower, ...]
    planned_pass: PlannedPass | None
    """As in `audit.planning.check.CheckReport`."""


def plan_power(
    plan: AuditPlan | LoadedPlan | str | Path,
    table: pa.Table | pd.DataFrame | None = None,
    *,
    folder: Path | None = None,
    margins: bool = True,
) -> PowerReport:
    """Read plan and data and find the disparities that the set can decide, without loading or running the detector.

    Without `margins` nothing is said about the margins at which an equal group would pass, which is half of the work.

    Raises
    ------
    AuditError
        If plan or data are in error, exactly as `run_audit` would say it.
    """
    loaded = loaded_plan(plan, folder)
    counts, moments, features = count_labels(loaded, table)
    stage("planning")
    return counts_power(loaded.plan, counts, features, moments, margins=margins)


def counts_power(
    plan: AuditPlan,
    counts: CountsTable,
    features: Sequence[SensitiveFeature],
    moments: Moments | None = None,
    *,
    margins: bool = True,
) -> PowerReport:
    """Find the disparities that can be decided from the counts of a set of which nothing is scored, its weights and
    clusters.
    """
    families = count_families(plan, counts, features)
    decided = plan_decidability(plan, families, {feature.name: feature for feature in features}, moments)
    rules = []
    for rule in plan.named_rules:
        later = not known_before_scoring(plan, rule)
        rules.append(
            RulePower(
                rule=rule,
                sides=tuple(question.side for question in questions(plan, rule)),
                level=budget(plan).names,
                known_only_after_scoring=later,
                families=() if later else rule_power(plan, rule, families, decided[rule.id], moments, margins=margins),
            )
        )
    return PowerReport(plan, tuple(features), tuple(rules), planned_pass(plan, counts, features, moments, decided))
