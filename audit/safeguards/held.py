"""What a result holds, asked as evidence asks it. Whole tables are gone through once."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

from audit.plan.audit_plan import AuditPlan, GovernanceSection
from audit.plan.governance import Meaning
from audit.result.audit_result import AuditResult
from audit.result.findings import Estimate, RuleResult, Verdict
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import MetricName

__all__ = ["FOUND", "MISSED", "WRONGLY_FLAGGED", "Held", "coded", "meant"]

FOUND: MetricName = "true_positive_rate"
MISSED: tuple[MetricName, ...] = ("true_positive_rate", "false_negative_rate")
WRONGLY_FLAGGED: tuple[MetricName, ...] = ("false_positive_rate", "true_negative_rate")


class Held:
    """What one result holds."""

    def __init__(self, result: AuditResult) -> None:
        self.result = result

    @property
    def plan(self) -> AuditPlan:
        """The plan as it was used."""
        return self.result.plan

    @property
    def governance(self) -> GovernanceSection:
        """What the operator declares."""
        return self.result.plan.governance

    @cached_property
    def _rates(self) -> dict[str, list[Estimate]]:
        """Rates of groups that can be stated, by metric: everyone's is not among them."""
        known: dict[str, list[Estimate]] = {}
        for one in self.result.estimates:
            if one.status == "estimated" and one.value is not None and one.group.root:
                known.setdefault(one.metric, []).append(one)
        return known

    def rates(self, metric: MetricName) -> list[Estimate]:
        """The rates of groups that can be stated."""
        return self._rates.get(metric, [])

    def rates_by(self, metric: MetricName, features: Collection[str]) -> list[Estimate]:
        """The rates of groups by one of these features alone."""
        return [one for one in self.rates(metric) if len(one.group.root) == 1 and one.group.root[0].feature in features]

    def of_everyone(self, metric: MetricName) -> float | None:
        """Everyone's rate; None where it cannot be stated."""
        return next((one.value for one in self.result.estimates if one.metric == metric and not one.group.root), None)

    def groups_by(self, features: Collection[str]) -> set[Group]:
        """Every group by one of these features alone, whatever can be said of it."""
        return {
            one.group for one in self.result.rows if len(one.group.root) == 1 and one.group.root[0].feature in features
        }

    def rules(self, metrics: Collection[str]) -> list[RuleResult]:
        """The rules that limit one of these rates."""
        return [rule for rule in self.result.rules if rule.metric in metrics]

    def decided(self, features: Collection[str] | None = None) -> list[Verdict]:
        """Verdicts of pass or fail: on any group, or on those by one of these features among others."""
        return [
            one
            for one in self.result.verdicts
            if one.outcome in ("pass", "fail")
            and (features is None or any(level.feature in features for level in one.group.root))
        ]

    def coded(self, coding: str) -> list[str]:
        """The sensitive features of a coding, by name."""
        return coded(self.plan, coding)

    def meant(self, *meanings: Meaning) -> list[str]:
        """The sensitive features that the operator says are one of these."""
        return meant(self.plan, *meanings)


def coded(plan: AuditPlan, coding: str) -> list[str]:
    """The sensitive features of a coding, by name."""
    return [feature for feature in plan.groups if plan.coding(feature) == coding]


def meant(plan: AuditPlan, *meanings: Meaning) -> list[str]:
    """The sensitive features that the operator says are one of these."""
    named = plan.governance.features
    return [named[one] for one in meanings if named.get(one) in plan.groups]
