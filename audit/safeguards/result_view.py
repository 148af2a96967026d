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
        for one in self.result.estimates:
            if one.status == "estimated" and one.value is not None and one.group.root:
                known.setdefault(one.metric, []).append(one)
        return known

    def rates(self, metric: MetricName) -> list[Estimate]:
        """Return the known rates of groups."""
        return self._rates.get(metric, [])

    def rates_by(self, metric: MetricName, features: Collection[str]) -> list[Estimate]:
        """Return the known rates of groups that are defined by one of these features alone."""
        return [one for one in self.rates(metric) if len(one.group.root) == 1 and one.group.root[0].feature in features]

    def rate_of_everyone(self, metric: MetricName) -> float | None:
        """Return everyone's rate, or None where it is not known."""
        return next((one.value for one in self.result.estimates if one.metric == metric and not one.group.root), None)

    def groups_by(self, features: Collection[str]) -> set[Group]:
        """Return every group that is defined by one of these features alone, with or without a known rate."""
        return {
            one.group for one in self.result.rows if len(one.group.root) == 1 and one.group.root[0].feature in features
        }

    def rules_on(self, metrics: Collection[str]) -> list[RuleResult]:
        """Return the rules that limit one of these rates."""
        return [rule for rule in self.result.rules if rule.metric in metrics]

    def decided_verdicts(self, features: Collection[str] | None = None) -> list[Verdict]:
        """Return the verdicts that pass or fail: all of them, or those whose group is defined by one of these features,
        alone or with others.
        """
        return [
            one
            for one in self.result.verdicts
            if one.outcome in ("pass", "fail")
            and (features is None or any(level.feature in features for level in one.group.root))
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
    return [named[one] for one in meanings if named.get(one) in group_features]
