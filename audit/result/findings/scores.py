"""Scores beside the decisions: how well they rank, whether they mean what they say, and every threshold."""

from typing import Literal

from audit.vocabulary.groups import Family, Group, Part

ScoreReason = Literal[
    "no_cases",  # no labelled case with a score
    "too_few_cases",  # AUC: fewer than five of either label with a score; calibration: fewer than ten labelled
    "bins_too_coarse",  # AUC of more than 2,000,000 cases: the steps in which they are ranked tie too many pairs
    "too_few_for_a_rate",  # fewer labelled cases with a score than `min_denominator`
    "not_a_share",  # the score's range is not 0 to 1, so that it claims no share
]
Unused = Literal[
    "weights",  # the plan has design weights; here every case counts the same
    "clusters",  # the plan has clusters; here cases are taken as independent, so that intervals are too narrow
]
SweptRate = Literal["true_positive_rate", "false_positive_rate", "selection_rate"]

SWEEP_NOTE = (
    "A sweep describes. A threshold or capacity chosen on the cases of an audit makes the verdicts on these cases "
    "void: they would have to be reached again on other cases."
)


class GroupAuc(Part):
    """Ranking of the labelled cases of a group by the score; unlabelled and unscored cases are outside.

    The AUC is the chance that a case of exploitation scores higher than another case, ties counting one half. Up to
    2,000,000 cases it is exact; more are ranked in 1,000 steps.
    """

    group: Group
    """Group whose cases these are; no levels: everyone."""
    positives: int
    """Cases with a score labelled as exploitation."""
    negatives: int
    """Cases with a score labelled as no exploitation."""
    unscored: int
    """Cases without a score, labelled or not: outside."""
    near_threshold: int | None
    """Cases whose score lies within 1e-6 of the threshold, labelled or not; null where no threshold is set."""
    auc: float | None
    """AUC among the group's own cases."""
    binning: float | None = None
    """Most by which the steps of the ranking can have moved `auc`: 0 where it is exact, and null where there is none.
    The limits allow for it."""
    low: float | None
    """Lower end of its interval: Wilson's, with the larger of DeLong's and Newcombe's variance."""
    high: float | None
    """Upper end of that interval."""
    found_among_rest: float | None
    """How often a case of exploitation of this group scores higher than another case of the rest. Null for everyone."""
    found_low: float | None
    """Lower end of its interval."""
    found_high: float | None
    """Upper end of that interval."""
    cleared_among_rest: float | None
    """How often a case of exploitation of the rest scores higher than another case of this group. Null for everyone.
    `found_among_rest` below `cleared_among_rest`: one ranking of everyone puts this group's cases lower than they would
    be if the two were exchanged (the xAUC disparity of Kallus & Zhou 2019)."""
    cleared_low: float | None
    """Lower end of its interval."""
    cleared_high: float | None
    """Upper end of that interval."""
    level: float
    """Level of the intervals, one at a time."""
    unused: tuple[Unused, ...]
    """Parts of the design that these numbers leave aside."""
    status: Literal["estimated", "not_evaluable"]
    """Whether the AUC of the group can be stated."""
    reason: ScoreReason | None = None
    """Reason why it cannot be stated."""


class AucDecomposition(Part):
    """AUC over everyone, split by whether the two compared cases are of one group.

    pooled = within_share x within + (1 - within_share) x between, exactly. A score that tells groups apart, and not the
    cases within them, has a high pooled AUC and a low one within.
    """

    family: Family
    """Features and rungs."""
    pairs: int
    """Pairs of a case of exploitation and another case."""
    within_pairs: int
    """Pairs within one group."""
    within_share: float | None
    """within_pairs / pairs."""
    pooled: float | None
    """AUC over all pairs."""
    within: float | None
    """AUC over the pairs within groups."""
    between: float | None
    """AUC over the pairs of different groups."""
    difference: float | None
    """pooled - within: the part of the pooled AUC that comes from telling groups apart."""
    difference_low: float | None
    """Lower end of its interval, for groups of these sizes; null with fewer than five cases of either kind."""
    difference_high: float | None
    """Upper end of that interval."""
    level: float
    """Level of the interval."""
    groups: int
    """Groups in the family."""
    groups_stated: int
    """Groups with an AUC of their own."""
    highest: Group | None
    """The group with the highest AUC of its own."""
    highest_auc: float | None
    """AUC of that group."""
    pooled_exceeds_all: bool | None
    """Whether the pooled AUC is higher than that of every group that has one (Simpson's paradox); null with fewer than
    two such groups.
    """
    unused: tuple[Unused, ...]
    """Parts of the design that these numbers leave aside."""
    reason: Literal["bins_too_coarse"] | None = None
    """Reason why neither the AUCs nor their difference can be stated; null where they are, or where there are no pairs.
    """


class CalibrationBin(Part):
    """Labelled cases of a group whose scores lie in one tenth of the range."""

    low: float
    """Lowest score of the bin."""
    high: float
    """Highest score of the bin; it belongs to the next one, but for the last."""
    cases: int
    """Labelled cases with a score there."""
    positives: int
    """Number of these cases labelled as exploitation."""
    mean_score: float
    """Mean score: the share that the detector states."""
    observed: float
    """positives / cases."""
    observed_low: float | None
    """Lower end of Wilson's interval."""
    observed_high: float | None
    """Upper end of that interval."""


class Calibration(Part):
    """Comparison of scores with labels: of cases scored 0.3, three in ten should be cases of exploitation."""

    group: Group
    """Group whose cases these are; no levels: everyone."""
    cases: int
    """Labelled cases with a score."""
    positives: int
    """Number of these cases labelled as exploitation."""
    mean_score: float | None
    """Mean score."""
    observed: float | None
    """positives / cases."""
    gap: float | None
    """observed - mean_score. Above 0: the scores are too low for this group."""
    gap_low: float | None
    """Lower end of its interval: Wilson's for `observed`, less the mean score."""
    gap_high: float | None
    """Upper end of that interval."""
    error: float | None
    """Expected calibration error over ten bins. The fewer cases, the larger it is by chance alone."""
    error_by_chance: float | None
    """Average of that error if the scores were right."""
    error_beyond_chance: float | None
    """error - error_by_chance; below 0 where the scores do better than right ones do on average."""
    squared_error: float | None
    """The squared calibration error with its bias taken off (Kumar, Liang & Ma 2019); it can be below 0."""
    p_value: float | None
    """p-value of "the scores are right in every bin", for this group alone."""
    p_adjusted: float | None
    """`p_value` after Holm's correction for the groups of the family."""
    bins: tuple[CalibrationBin, ...]
    """The bins that have cases, lowest first; none for a group of a family of more than 20 groups."""
    level: float
    """Level of the intervals."""
    unused: tuple[Unused, ...]
    """Parts of the design that these numbers leave aside."""
    status: Literal["estimated", "not_evaluable"]
    """Whether calibration can be stated."""
    reason: ScoreReason | None = None
    """Reason why it cannot be stated."""


class SweepGap(Part):
    """Group whose rate is most surely far from that of the rest at one step, among those with enough cases."""

    rate: SweptRate
    """Rate that it is about."""
    group: Group
    """The group."""
    numerator: int
    """Its cases that would be flagged."""
    denominator: int
    """Its cases in the rate's denominator."""
    difference: float
    """Rate of the group minus that of the rest. Where the interval holds 0, no group is surely apart, and this is the
    largest difference: large by chance alone.
    """
    low: float | None
    """Lower end of an interval that holds for all groups of the family at this step together."""
    high: float | None
    """Upper end of that interval."""


class SweepStep(Part):
    """Flags that one threshold would have given."""

    threshold: float
    """Cases with at least this score are flagged. It is an edge of one of the 200 bins."""
    share: float | None
    """The share of all cases with a score that was asked for; null in a sweep of thresholds."""
    flagged: int
    """Cases that would be flagged, labelled or not."""
    found: int
    """Number of these cases labelled as exploitation."""
    wrongly_flagged: int
    """Number of these cases labelled as no exploitation."""
    flagged_by_group: tuple[int, ...]
    """`flagged` of each of the sweep's `groups`."""
    found_by_group: tuple[int, ...]
    """`found` of each of them."""
    wrongly_flagged_by_group: tuple[int, ...]
    """`wrongly_flagged` of each of them."""
    gaps: tuple[SweepGap, ...]
    """The largest gap in each rate."""


class Sweep(Part):
    """Effect of other thresholds or capacities on the groups of a family: described, never judged."""

    family: Family
    """Features and rungs."""
    over: Literal["threshold", "capacity"]
    """Thresholds at equal distances, or shares of everyone that could be looked at."""
    scored: int
    """Cases with a score, labelled or not."""
    positives: int
    """Number of these cases labelled as exploitation."""
    negatives: int
    """Number of these cases labelled as no exploitation."""
    groups: tuple[Group, ...]
    """The groups counted at each step; none in a family of more than 20 groups, of which the gaps alone are given."""
    scored_by_group: tuple[int, ...]
    """`scored` of each of them."""
    positives_by_group: tuple[int, ...]
    """`positives` of each of them."""
    negatives_by_group: tuple[int, ...]
    """`negatives` of each of them."""
    steps: tuple[SweepStep, ...]
    """Step by step."""
    min_denominator: int
    """Cases of a rate that a group and its rest need to be compared."""
    level: float
    """Level of the intervals."""
    unused: tuple[Unused, ...]
    """Parts of the design that these numbers leave aside."""
    note: str
    """Note that must be read with the sweep."""
