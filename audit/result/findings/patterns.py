"""Existing patterns: gaps in the labels, gaps that the detector adds, and rates at the base rate where it works."""

from typing import Literal

from audit.vocabulary.groups import Family, Group, Part

Amplifies = Literal[
    "adds",  # the detector's flags differ more between group and rest than the labels do, or the other way round
    "repeats",  # labels differ, flags differ on the same side, and at most half of the labels' gap is added or removed
    "removes",  # labels differ, and flags differ less
    "cannot_tell",  # the numbers do not settle it
]
PatternReason = Literal[
    "no_cases",  # no case of the kind that is needed
    "too_few_for_a_rate",  # fewer than `min_denominator`
    "nobody_flagged",  # precision has no denominator where nobody is flagged
    "not_in_table",  # the reference table does not name this level
]


class GroupAmplification(Part):
    """Share of a group that the labels call exploited, against the share flagged. Labelled and scored cases only."""

    group: Group
    """Group that it is about."""
    cases: int
    """Cases that are both labelled and scored."""
    label_rate: float
    """Share of them labelled as exploitation."""
    flag_rate: float
    """Share of them flagged."""
    difference: float | None
    """D = flag rate minus label rate (Wang & Russakovsky 2021)."""
    low: float | None
    """Lower end of Newcombe's interval for two shares of the same cases (1998, method 10)."""
    high: float | None
    """Upper end of that interval."""
    labelled_above: bool
    """Whether the labels call this group exploited more often than everyone: the sign with which D counts."""
    added: float | None
    """(flag rate of the group minus that of the rest) minus (label rate of the group minus that of the rest)."""
    added_low: float | None
    """Lower end of its interval."""
    added_high: float | None
    """Upper end of that interval."""
    outcome: Amplifies
    """Effect of the detector on the gap in the labels."""


class Amplification(Part):
    """Directional bias amplification of one family: does the detector add disparity over its labels?"""

    family: Family
    """The groups."""
    label_rate: float | None
    """Share of all cases that are both labelled and scored that are labelled as exploitation."""
    flag_rate: float | None
    """Share of these cases that are flagged. Where it is far from the labels', gaps shrink or grow with it, and the
    threshold has decided more than the detector.
    """
    total: float | None
    """BiasAmp of Wang & Russakovsky (2021) from attribute to task: the mean over groups of D where labels lie above
    everyone's, and of -D elsewhere. Positive: the detector exaggerates the labels' pattern."""
    low: float | None
    """Lower end of its interval. A sign that the labels do not settle is allowed either way, so that the interval is
    wide where many groups are small."""
    high: float | None
    """Upper end of that interval."""
    groups_counted: int
    """Groups with enough cases; the mean is over these, with equal weights."""
    groups_left_out: int
    """Groups with fewer cases than `min_denominator`."""
    signs_unsettled: int
    """Groups whose labels cannot be distinguished from the rest's, so that chance decided the sign."""
    outcomes: dict[Amplifies, int]
    """Number of the groups counted with each outcome."""
    groups: tuple[GroupAmplification, ...]
    """The groups counted; in a family of more than 60 only those with another outcome than `cannot_tell`."""
    level: float
    """Level of the intervals, of each by itself."""


class LabelGap(Part):
    """Widest gap in the labels themselves: the group that they call exploited more or less often than the rest."""

    family: Family
    """The groups."""
    groups_compared: int
    """Groups with enough labelled cases."""
    group: Group | None
    """Group whose gap is surest to be wide: the one whose interval ends farthest from 0, or, where all hold 0, the one
    with the largest gap. Null where no group could be compared.
    """
    label_rate: float | None
    """Share of its labelled cases that are labelled as exploitation."""
    rest_rate: float | None
    """Share of everyone else's labelled cases that are labelled as exploitation."""
    difference: float | None
    """`label_rate` minus `rest_rate`."""
    low: float | None
    """Lower end of an interval that holds for all groups of the family at once (Newcombe's at level 1 - (1 - level) /
    groups), because the widest of many is picked.
    """
    high: float | None
    """Upper end of that interval."""
    level: float
    """Level of that interval, over all groups of the family."""


class ReferenceShare(Part):
    """Share of one level among those labelled as exploited here, and in the reference table."""

    group: Group
    """The level."""
    labelled: int
    """Cases here that are labelled as exploitation, scored or not."""
    share: float | None
    """Their share among those of all levels that the table names; null where the table does not name this one."""
    low: float | None
    """Lower end of the Clopper-Pearson interval; with weights or clusters of Wilson's, at the effective size."""
    high: float | None
    """Upper end of that interval."""
    reference: float | None
    """The share in the table, scaled so that its levels add up to 1."""
    difference: float | None
    """Share here minus share there."""
    difference_low: float | None
    """Lower end of its interval; the table is taken as exact."""
    difference_high: float | None
    """Upper end of that interval."""
    reason: PatternReason | None = None
    """Reason why there is no share."""


class ReferenceComparison(Part):
    """Labels compared with a table from elsewhere. The table is taken as exact, and is no truth either: it says who was
    detected there.
    """

    feature: str
    """The sensitive feature."""
    rung: str
    """The rung of its ladder."""
    source: str
    """Origin of the table, in the words of the plan."""
    sha256: str | None
    """SHA-256 of the table's file."""
    labelled: int
    """Cases labelled as exploitation on levels that the table names."""
    left_out: int
    """Cases labelled as exploitation on other levels, `unknown` among them."""
    statistic: float | None
    """Likelihood-ratio statistic G of "the labels' composition is the table's"; null where a level has cases here and
    no share there, or where there are no cases.
    """
    p: float | None
    """p-value of G by simulation of the exact multinomial; null where there are no cases."""
    design_effect: float | None = None
    """Number of cases with weights or in clusters that say as much as one independent case, on average over the levels.
    G, p and the intervals are taken at that many times fewer cases. Null without weights and clusters.
    """
    replicates: int
    """Simulated samples."""
    levels: tuple[ReferenceShare, ...]
    """Level by level."""
    level: float
    """Level of the intervals, of each by itself."""


class DeployedGroup(Part):
    """Rates of a group at the deployed base rate, which is taken to be equal for all groups; none of them may have
    it.
    """

    group: Group
    """Group that it is about; no levels: everyone."""
    set_flag_rate: float | None
    """Share flagged among the labelled cases of the evaluation set, weighted where the plan has weights."""
    set_precision: float | None
    """Share right among the flagged and labelled cases of the evaluation set, weighted likewise."""
    flag_rate: float | None
    """Share flagged at the deployed base rate."""
    flag_rate_low: float | None
    """Lower end of its interval."""
    flag_rate_high: float | None
    """Upper end of that interval."""
    precision: float | None
    """Share right among the flagged at the deployed base rate."""
    precision_low: float | None
    """Lower end of its interval."""
    precision_high: float | None
    """Upper end of that interval."""
    flags_per_1000: float | None
    """Flags per 1,000 cases at the deployed base rate."""
    right_per_1000: float | None
    """Number of these flags that are right."""
    reason: PatternReason | None = None
    """Reason why something is not known: too few positives or negatives, or nobody flagged."""


class Deployed(Part):
    """Precision and share flagged where the detector works, beside those of the set, which is enriched."""

    family: Family
    """The groups; no features: everyone."""
    prevalence: float
    """Share of exploitation among all cases at work, from the plan: taken as exact, and as equal in every group."""
    source: str
    """Origin of that share, in the words of the plan."""
    groups: tuple[DeployedGroup, ...]
    """The groups; in a family of more than 60 only those of which something is known."""
    groups_not_shown: int
    """Number of groups that are not shown."""
    level: float
    """Level of the intervals, of each by itself."""
