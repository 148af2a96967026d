"""A view of one result that answers the questions of evidence. It goes through whole tables once."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

from audit.plan.answers import PredictionsDetector
from audit.plan.audit_plan import AuditPlan
from audit.plan.governance import GovernanceSection, Meaning
from audit.plan.sections import Groups, feature_coding
from audit.result.audit_result import AuditResult
from audit.result.findings.judged import Estimate, RuleResult, Verdict
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import MetricName

FOUND: MetricName = "true_positive_rate"


class ResultView:
    """A result, read for evidence."""

    def __init__(self, result: AuditResult) -> None:
        self.result = result

    @property
    def plan(self) -> AuditPlan:
        """The plan that the audit used."""
        return self.result.plan

    @property
    def governance(self) -> GovernanceSection:
        """The declarations of the operator."""
        return self.result.plan.governance

    @property
    def was_run(self) -> bool:
        """Whether the detector ran in the audit. A vendor that answers is shown columns too, and runs it itself."""
        return bool(self.result.system.features) and not isinstance(self.plan.detector, PredictionsDetector)

    @cached_property
    def _rates(self) -> dict[str, list[Estimate]]:
        """The known rates of groups, by metric. The rate of everyone is not among them."""
        known: dict[str, list[Estimate]] = {}
        for estimate in self.result.estimates:
            if estimate.status == "estimated" and estimate.value is not None and estimate.group.root:
                known.setdefault(estimate.metric, []).append(estimate)
        return known

    def rates(self, metric: MetricName) -> list[Estimate]:
        """Return the known rates of groups."""
        return self._rates.get(metric, [])

    def rates_by(self, metric: MetricName, features: Collection[str]) -> list[Estimate]:
        """Return the known rates of groups that are defined by one of these features alone."""
        return [
            estimate
            for estimate in self.rates(metric)
            if len(estimate.group.root) == 1 and estimate.group.root[0].feature in features
        ]

    def rate_of_everyone(self, metric: MetricName) -> float | None:
        """Return everyone's rate, or None where it is not known."""
        return next(
            (
                estimate.value
                for estimate in self.result.estimates
                if estimate.metric == metric and not estimate.group.root
            ),
            None,
        )

    def groups_by(self, features: Collection[str]) -> set[Group]:
        """Return every group that is defined by one of these features alone, with or without a known rate."""
        return {
            row.group for row in self.result.rows if len(row.group.root) == 1 and row.group.root[0].feature in features
        }

    def rules_on(self, metrics: Collection[str]) -> list[RuleResult]:
        """Return the rules that limit one of these rates."""
        return [rule for rule in self.result.rules if rule.metric in metrics]

    def decided_verdicts(self, features: Collection[str] | None = None) -> list[Verdict]:
        """Return the verdicts that pass or fail: all of them, or those whose group is defined by one of these features,
        alone or with others.
        """
        return [
            verdict
            for verdict in self.result.verdicts
            if verdict.outcome in ("pass", "fail")
            and (features is None or any(level.feature in features for level in verdict.group.root))
        ]

    def features_coded(self, coding: str) -> list[str]:
        """Return the names of the sensitive features that have this coding."""
        return features_coded(self.plan.groups, coding)

    def features_meaning(self, *meanings: Meaning) -> list[str]:
        """Return the names of the sensitive features that the operator declares to have one of these meanings."""
        return features_meaning(self.plan.groups, self.plan.governance, *meanings)


def features_coded(group_features: Groups, coding: str) -> list[str]:
    """Return the names of the sensitive features that have this coding."""
    return [feature for feature in group_features if feature_coding(group_features, feature) == coding]


def features_meaning(group_features: Groups, governance: GovernanceSection, *meanings: Meaning) -> list[str]:
    """Return the names of the sensitive features that the operator declares to have one of these meanings."""
    named = governance.features
    return [named[meaning] for meaning in meanings if named.get(meaning) in group_features]
