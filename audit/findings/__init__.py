"""What an audit finds: a file per question, and every name of them here.

The fields are part of `result.json`: change one only together with `audit.result.SCHEMA_VERSION`.
"""

from audit.findings.costs import CostOfErrors
from audit.findings.crosscheck import Agreement, Convention, ConventionCode, CrosscheckState
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
from audit.findings.own_measures import OwnMeasure, OwnMeasureReason

__all__ = [
    "Agreement",
    "Because",
    "Convention",
    "ConventionCode",
    "CostOfErrors",
    "CrosscheckState",
    "Disparity",
    "Estimate",
    "EstimateReason",
    "FamilyResult",
    "GroupCounts",
    "MetricDefinition",
    "Outcome",
    "OwnMeasure",
    "OwnMeasureReason",
    "RowAccount",
    "RuleBecause",
    "RuleResult",
    "Scale",
    "Verdict",
]
