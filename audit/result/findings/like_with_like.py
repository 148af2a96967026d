"""Like with like: a gap among cases of the same form, source or channel only.

Descriptive. Verdicts compare a group with everyone else and stay as they are: a gap that conditioning explains is a gap
all the same for those who are in it.
"""

from typing import Literal

from audit.vocabulary.groups import Family, Group, Part
from audit.vocabulary.metrics import MetricName

Note = Literal[
    "vanishes",  # a crude gap is seen; within strata neither half of it nor the limit can remain
    "appears",  # within strata a gap is seen that the crude comparison hid
    "stays",  # a gap is seen either way, on the same side; or both lie within the limit
    "reverses",  # a gap is seen either way, on opposite sides
    "cannot_tell",  # the numbers do not settle it, or too few of the group's cases can be compared
]
GapReason = Literal[
    "no_cases",  # the rate has no denominator in this group
    "too_few_for_a_rate",  # fewer cases than `min_denominator` on one side of the strata that can be compared
    "no_comparable_cases",  # in no stratum are there cases of both the group and the rest
]


class ConditionalGap(Part):
    """Comparison of a group's rate with that of the rest, over all strata at once and within strata.

    Both comparisons are over the same cases: those in strata in which both the group and the rest have some.
    """

    group: Group
    """Group that it is about."""
    cases: int
    """The group's cases in the denominator of the rate."""
    comparable: float | None
    """Share of them in strata in which the rest has cases too; null where there are none."""
    strata: int
    """Strata in which group and rest can be compared; in the others one of them has no case."""
    crude_difference: float | None
    """Rate of the group minus rate of the rest, all comparable strata at once."""
    crude_difference_low: float | None
    """Lower end of Newcombe's hybrid score interval."""
    crude_difference_high: float | None
    """Upper end of that interval."""
    difference: float | None
    """The Mantel-Haenszel difference: within strata."""
    difference_low: float | None
    """Lower end of the stratified score interval."""
    difference_high: float | None
    """Upper end of that interval."""
    crude_ratio: float | None
    """Rate of the group over rate of the rest, all comparable strata at once; null where the rest's is 0."""
    crude_ratio_low: float | None
    """Lower end of the MOVER-R interval."""
    crude_ratio_high: float | None
    """Upper end of that interval; null where it has no upper end."""
    ratio: float | None
    """The Mantel-Haenszel ratio: within strata."""
    ratio_low: float | None
    """Lower end of the stratified score interval."""
    ratio_high: float | None
    """Upper end of that interval; null where it has no upper end."""
    shift_low: float | None
    """Lower end of the interval of `difference` minus `crude_difference`, the effect of conditioning."""
    shift_high: float | None
    """Upper end of that interval."""
    p_same: float | None
    """p-value of "the gap is the same in all strata". Small: one number for all strata hides something. Null where
    fewer than two strata have enough cases."""
    strata_tested: int
    """Strata with enough cases for that test."""
    note: Note
    """Effect of conditioning on the gap."""
    reason: GapReason | None = None
    """Reason why nothing can be stated."""


class LikeWithLike(Part):
    """One rate over one family of groups, conditional on control features. Descriptive: no verdict depends on it."""

    metric: MetricName
    """Rate that it is about."""
    rule: str | None
    """Id of the rule whose limit the notes are measured against; null for a rate without a rule."""
    scale: Literal["difference", "ratio"]
    """The scale of that limit, on which the notes and the test of "the same in all strata" are."""
    limit: float | None
    """Limit of that rule."""
    controls: tuple[str, ...]
    """The control features; with several, a stratum is a combination of their levels. A missing value is a level."""
    family: Family
    """The groups."""
    strata: int
    """Strata found in the set."""
    notes: dict[Note, int]
    """Number of groups of the family with each note."""
    not_evaluable: int
    """Number of groups under `cannot_tell` that have too few cases for any statement."""
    groups: tuple[ConditionalGap, ...]
    """The groups. Of intersections, and of features with more than 60 groups, only those with the note vanishes,
    appears or reverses; groups about which nothing can be stated are only counted.
    """
    level: float
    """Level of the intervals, of each by itself: among many groups some intervals miss the true value."""
