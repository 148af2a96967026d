"""What an audit finds: a file per question, and every name of them here.

The fields are part of `result.json`: change one only together with `audit.result.SCHEMA_VERSION`.
"""

from audit.findings.judged import (
    Because,
    Disparity,
    Estimate,
    EstimateReason,
    FamilyResult,
    GroupCounts,
    MetricDefinition,
    Outcome,
    RowAccount,
    RuleBecause,
    RuleResult,
    Scale,
    Verdict,
)

__all__ = [
    "Because",
    "Disparity",
    "Estimate",
    "EstimateReason",
    "FamilyResult",
    "GroupCounts",
    "MetricDefinition",
    "Outcome",
    "RowAccount",
    "RuleBecause",
    "RuleResult",
    "Scale",
    "Verdict",
]
