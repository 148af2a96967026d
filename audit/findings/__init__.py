"""What an audit finds: a file per question, and every name of them here.

The fields are part of `result.json`: change one only together with `audit.result.SCHEMA_VERSION`.
"""

from audit.findings.costs import CostOfErrors, CostReason
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
from audit.findings.like_with_like import ConditionalGap, GapReason, LikeWithLike, Note
from audit.findings.own_measures import OwnMeasure, OwnMeasureReason
from audit.findings.patterns import (
    Amplification,
    Amplifies,
    Deployed,
    DeployedGroup,
    GroupAmplification,
    LabelGap,
    PatternReason,
    ReferenceComparison,
    ReferenceShare,
)
from audit.findings.subgroup_scan import (
    ScanHalf,
    ScanOutcome,
    ScanQuestion,
    ScanReason,
    ScanValues,
    SubgroupScan,
)

__all__ = [
    "Agreement",
    "Amplification",
    "Amplifies",
    "Because",
    "ConditionalGap",
    "Convention",
    "ConventionCode",
    "CostOfErrors",
    "CostReason",
    "CrosscheckState",
    "Deployed",
    "DeployedGroup",
    "Disparity",
    "Estimate",
    "EstimateReason",
    "FamilyResult",
    "GapReason",
    "GroupAmplification",
    "GroupCounts",
    "LabelGap",
    "LikeWithLike",
    "MetricDefinition",
    "Note",
    "Outcome",
    "OwnMeasure",
    "OwnMeasureReason",
    "PatternReason",
    "ReferenceComparison",
    "ReferenceShare",
    "RowAccount",
    "RuleBecause",
    "RuleResult",
    "Scale",
    "ScanHalf",
    "ScanOutcome",
    "ScanQuestion",
    "ScanReason",
    "ScanValues",
    "SubgroupScan",
    "Verdict",
]
