"""All groups of a family at once: spread, entropy and funnels. All of it is for display and decides nothing."""

from typing import Final, Literal

from audit.vocabulary.groups import Family, Group, Part
from audit.vocabulary.metrics import MetricName

ManyGroupsReason = Literal[
    "too_few_groups",  # fewer than two groups of which a rate may be stated
    "nothing_varies",  # the outcome is the same in every case
    "too_many_cases",  # a thousand million cases or more: the permutation test counts no further
    "weights_or_clusters",  # rows are weighted or belong together, and these figures take them for independent
    "shared_rows",  # a row stands in several groups of the family
]


class ShrunkRate(Part):
    """A rate pulled towards its family's: an estimate of the group's rate that allows for chance."""

    group: Group
    """Group that it is about."""
    value: float
    """The rate as counted."""
    shrunk: float
    """(numerator + strength x mean) / (denominator + strength). It ranks; it never passes or fails anybody."""


class BetweenGroups(Part):
    """Differences in a rate between the groups of a family for which a rate may be stated. Decides nothing."""

    metric: MetricName
    """Rate that it is about."""
    family: Family
    """Features and rungs."""
    groups: int
    """Groups with at least `min_denominator` cases."""
    cases: int
    """Cases in them."""
    equality_p: float | None
    """p-value of "all groups have the same rate" from random divisions of the outcomes over the groups. Small: they
    differ, by however little. Not corrected for how many families and rates are asked."""
    divisions: int
    """Number of random divisions; few where the p-value is large."""
    spread: float | None
    """Standard deviation between the groups' true rates, weighted by cases, without what chance alone would show."""
    spread_low: float | None
    """Lower end of its interval; 0 where the groups may be alike."""
    spread_high: float | None
    """Upper end of its interval."""
    level: float
    """Level of that interval."""
    prior_mean: float | None
    """Rate that shrunk rates are pulled towards."""
    prior_strength: float | None
    """Number of cases that it weighs as much as; null where the groups differ no more than by chance, so that all
    shrunk rates are equal.
    """
    worst: tuple[ShrunkRate, ...]
    """In families of 10 groups or more: the 10 whose shrunk rate lies furthest towards harm, or furthest from the mean
    where the rate harms neither way."""
    reason: ManyGroupsReason | None = None
    """Reason why a figure is not given."""


class Entropy(Part):
    """Generalised entropy with alpha = 2: how unequally errors fall on people, between and within groups.

    A case counts 2 where it was flagged without reason, 0 where it was missed, else 1. Decides nothing.
    """

    family: Family
    """Features and rungs."""
    groups: int
    """Groups with at least one labelled and scored case."""
    cases: int
    """Labelled and scored cases."""
    total: float
    """Entropy over all cases; AIF360's `generalized_entropy_index`. 0: errors fall on nobody, or alike on all."""
    total_low: float | None
    """Lower end of its interval."""
    total_high: float | None
    """Upper end of its interval."""
    between: float
    """Part between groups; AIF360's `between_all_groups_generalized_entropy_index`. With many groups most of it can be
    chance.
    """
    between_beyond_chance: float | None
    """Part between groups without the amount that chance alone would show."""
    between_low: float | None
    """Lower end of its interval; 0 where the groups may be alike."""
    between_high: float | None
    """Upper end of its interval."""
    within: float
    """Part within groups: total - between."""
    within_low: float | None
    """Lower end of its interval."""
    within_high: float | None
    """Upper end of its interval."""
    level: float
    """Level of the intervals."""


FUNNEL_GROUPS: Final = 10
"""Smallest number of groups that are tested exactly, for a family to have a funnel."""


class FunnelPoint(Part):
    """Rates at which the verdict changes for one group of the family, at its size, its level and its rest."""

    cases: int
    """The group's cases, unscored ones as the test for a FAIL counts them."""
    level_fail: float
    """Level that its p-value has to reach."""
    fail_rate: float | None
    """At this rate, and beyond it towards harm, it fails; null where no rate would."""
    pass_rate: float | None
    """At this rate, and beyond it away from harm, the test for a PASS is passed; null where no rate would. Unscored
    cases are at their worst; cases whose feature is unknown may still stand in the way."""


class Funnel(Part):
    """Limits of the exact tests over group size, as a rule's verdicts on one family obey them. Decides nothing."""

    rule: str
    """Id of the rule."""
    family: Family
    """Features and rungs."""
    side: Literal["low", "high"]
    """Side of the rule: whether low or high rates harm."""
    points: tuple[FunnelPoint, ...]
    """Some of the family's groups, from the smallest to the largest; limits of sizes between them lie between theirs,
    up to the steps of whole counts."""
