"""Counts, estimates, disparities and verdicts, group by group and rule by rule.

Integer counts are the truth and rates are derived from them. A number that is not known is `None` with a status and a
reason, never 0. The fields are part of `result.json`: change one only together with
`audit.result.audit_result.SCHEMA_VERSION`.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import Field

from audit.plan.sections import Comparison
from audit.vocabulary.groups import Family, Group, Part
from audit.vocabulary.metrics import MetricName

Outcome = Literal["pass", "fail", "inconclusive", "not_evaluable"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("fail", "pass", "inconclusive", "not_evaluable")
"""Every outcome, in the order in which they are counted."""
Procedure = Literal["discarding", "weights_only", "any_dependence"]
"""Method that divides a family's share of alpha over its groups."""
Scale = Literal["difference", "ratio"]
Because = Literal[
    "beyond_limit",  # fail: worse than the rest by more than the limit, tested with correction for all groups
    "beyond_limit_as_recorded",  # fail: as above of the people recorded, and not with all whom the plan leaves open
    "within_limit",  # pass: evidence that the group is not worse than the rest by more than the limit
    "limit_not_excluded",  # inconclusive: enough cases to be judged, and the data point neither way
    "limit_cannot_be_exceeded",  # inconclusive: at the rest's rate no group could be beyond the limit
    "unscored_cases",  # inconclusive: cases that were not scored could change the verdict
    "too_many_failed",  # inconclusive: the detector failed on too many rows of the set for anything to be said
    "several_nationalities",  # inconclusive: it would pass, but for people who have its nationality beside others
    "unknown_attribute",  # inconclusive: it would pass, but for cases whose feature is unknown and who may belong to it
    "judged_as_part",  # inconclusive alone: too few cases; judged only as a part of the group in `judged_as`
    "too_few_cases",  # inconclusive: too few cases, alone and on every rung of the ladder
    "too_few_clusters",  # inconclusive: from so few clusters nobody can say whether it is within the limit
    "too_few_for_a_rate",  # not evaluable: fewer cases than `min_denominator`
    "no_cases",  # not evaluable: the rate has no denominator in this group
    "no_rest",  # not evaluable: nobody is left to compare with
]
RuleBecause = Literal[
    "group_beyond_limit",  # fail: at least one group is beyond the limit
    "unnamed_beyond_limit",  # fail: some groups of a family are beyond the limit; none of them can be named
    "all_judged_within_limit",  # pass: every group judged alone is within the limit, and they cover enough people
    "too_many_failed",  # inconclusive: the detector failed on more rows than the plan allows
    "group_undecided",  # inconclusive: a group with enough cases could not be decided
    "coverage_too_small",  # inconclusive: too many people are in groups that could not be judged
    "expected_group_missing",  # inconclusive: the set has too few cases of a group that the plan expects
    "nothing_judged",  # inconclusive: no group has enough cases, or anybody to be compared with
]
EstimateReason = Literal["no_cases", "too_few_for_a_rate", "hidden_numbers", "no_rest", "zero_in_rest", "no_reference"]


class RowAccount(Part):
    """Account of every row of a group. read = scored + abstained + failed, and labelled + unlabelled = read."""

    group: Group
    """The group; no levels: all rows of the file."""
    read: int
    """Rows read."""
    scored: int
    """Rows that the detector decided."""
    abstained: int
    """Rows on which the detector declined to answer."""
    abstained_counted: Annotated[int, Field(exclude_if=lambda rows: rows == 0)] = 0
    """How many of these count as a decision, because the plan says what becomes of them in use."""
    failed: int
    """Rows for which the detector gave no usable answer (a score that is not a number or out of range)."""
    labelled: int
    """Rows with a label, scored or not."""
    unlabelled: int
    """Rows without a label: in the share flagged, and in no other rate."""
    attribute_unknown: int
    """Rows whose value of at least one feature of this group's family is unknown (all features: for everyone)."""

    @property
    def unscored(self) -> int:
        """Rows that count at their worst: neither decided, nor counted as a decision."""
        return self.abstained - self.abstained_counted + self.failed


class GroupCounts(Part):
    """The label x decision table of a group. Everything else in this result is arithmetic on these integers."""

    group: Group
    """The group; no levels: everyone."""
    true_positive: int
    """Labelled as exploitation, flagged."""
    false_negative: int
    """Labelled as exploitation, not flagged: missed."""
    false_positive: int
    """Labelled as no exploitation, flagged: wrongly flagged."""
    true_negative: int
    """Labelled as no exploitation, not flagged."""
    unlabelled_flagged: int
    """Without a label, flagged."""
    unlabelled_not_flagged: int
    """Without a label, not flagged."""
    unscored_positive: int
    """Labelled as exploitation, abstained or failed."""
    unscored_negative: int
    """Labelled as no exploitation, abstained or failed."""
    unscored_unlabelled: int
    """Without a label, abstained or failed."""


class Estimate(Part):
    """One rate of one group, with its interval. Over scored cases; verdicts also consider the unscored ones."""

    metric: MetricName
    """Rate that it is about."""
    group: Group
    """Group that it is about."""
    numerator: int
    """Cases counted."""
    denominator: int
    """Cases among which they were counted."""
    value: float | None
    """numerator / denominator, or with design weights the ratio of the weighted sums (Hajek); null where the status is
    not `estimated`.
    """
    low: float | None
    """Lower end of the Wilson score interval; at the effective cases where there are any."""
    high: float | None
    """Upper end of the Wilson score interval."""
    exact_low: float | None
    """Lower end of the Clopper-Pearson interval, which never covers less than its level; with weights or clusters it is
    taken at the effective size, which is an approximation.
    """
    exact_high: float | None
    """Upper end of the Clopper-Pearson interval."""
    level: float
    """Level of both intervals."""
    status: Literal["estimated", "not_evaluable"]
    """Whether a rate can be stated."""
    reason: EstimateReason | None = None
    """Reason why it cannot be stated."""
    weighted_numerator: float | None = None
    """Sum of the design weights of the cases counted: how many cases of the population they stand for."""
    weighted_denominator: float | None = None
    """Sum of the design weights of the cases among which they were counted."""
    effective_cases: float | None = None
    """Number of independent cases of equal weight that would say as much about this rate; null where every case is
    one.
    """
    degrees_of_freedom: float | None = None
    """Degrees of freedom of the variance behind `effective_cases`. Below 3 the interval says next to nothing."""


class Disparity(Part):
    """Comparison of a group's rate with that of others. A negative difference, a ratio below 1: the group's is
    lower.
    """

    metric: MetricName
    """Rate that it is about."""
    group: Group
    """Group that it is about."""
    compared_with: Comparison
    """`rest`: everyone else. `overall`: everyone, the group included. `reference`: the plan's reference level."""
    other_numerator: int
    """Cases counted among those it is compared with."""
    other_denominator: int
    """Cases among those it is compared with."""
    difference: float | None
    """Rate of the group minus rate of the others."""
    difference_low: float | None
    """Lower end of Newcombe's hybrid score interval."""
    difference_high: float | None
    """Upper end of that interval."""
    ratio: float | None
    """Rate of the group over rate of the others."""
    ratio_low: float | None
    """Lower end of the MOVER-R interval."""
    ratio_high: float | None
    """Upper end of that interval; null where it has no upper end."""
    level: float
    """Level of both intervals."""
    status: Literal["estimated", "not_evaluable"]
    """Whether the comparison can be stated."""
    reason: EstimateReason | None = None
    """Reason why it cannot be stated, or why there is no ratio."""


class Membership(Part):
    """A rate of a nationality over all who hold it, whatever else they hold.

    Over the nationalities these cases add up to more than the set. Verdicts are about those who hold it alone; a group
    passes only if it would pass whichever of the others belonged to it.
    """

    estimate: Estimate
    """The rate over all who hold it; `group` is the nationality."""
    beside_others: int
    """Cases of the set that hold it beside others, whatever their label and decision."""


class Verdict(Part):
    """Verdict of a rule on a group."""

    rule: str
    """Id of the rule."""
    group: Group
    """Group that it is about."""
    outcome: Outcome
    """Outcome of the group by itself."""
    because: Because
    """Reason for the outcome, from a closed set."""
    cases: int
    """Cases in the denominator of the rule's rate, unscored ones included."""
    cases_required: int | None
    """Cases with which a group equal to the rest would be judged alone; null where no number would do."""
    cases_needed: int | None
    """Cases still needed for a verdict, at the rates measured, with the rest and people of unknown feature as they are;
    0 where there is a verdict, null where no number would do, or where cases must be scored, features recorded, or
    kinds of cases drawn that nobody saw, first."""
    decidable: bool
    """Whether the group had enough cases to be judged alone. Decided from labels, never from predictions, but for
    precision, and for strata made by the decision."""
    judged_as: Group | None
    """For a group that is not decidable: the smallest group of its ladder that is."""
    judged_as_outcome: Outcome | None
    """The outcome of that larger group."""
    p_fail: float | None
    """p-value of "not beyond the limit". Small: the group is beyond it. Exact wherever it could decide: up to .10, or
    twice the level that the family may spend; the large-sample value above that."""
    level_fail: float | None
    """Level that `p_fail` had to reach after correction for all groups; null where it was not tested. With design
    weights or clusters `p_fail` holds at this level only.
    """
    p_pass: float | None
    """p-value of "beyond the limit". Small: the group is within it. Cases that were not scored are at their worst, and
    where it would pass so are those that may belong to it although their feature is unknown. Exact up to .10, or twice
    alpha; the large-sample value above that."""
    side: Literal["low", "high"]
    """The side on which the group is nearer to failing."""
    degrees_of_freedom: float | None = None
    """With design weights or clusters: degrees of freedom of the variance that the test rests on; null where the test
    is exact. Below 3 a group can neither pass nor fail.
    """
    same_people: tuple[Group, ...] = ()
    """Other groups of this rule that hold the same people in this set, and have no verdict of their own."""


class FamilyResult(Part):
    """Result of a rule over the groups of one family."""

    family: Family
    """Features and rungs."""
    groups: int
    """Groups in it that have a verdict; the same people have one, in one family of the rule."""
    tested: int
    """Groups tested for FAIL: those of which a rate may be stated and whose rate could lie beyond the limit at all."""
    level: float
    """Share of alpha that this family could spend on false alarms."""
    procedure: Procedure
    """Procedure that divided this share over its groups, chosen by the plan and their sizes. `any_dependence`: two
    steps, where rows can stand in several groups, or where groups are large enough to be shown within the limit."""
    coverage: float | None
    """Share of the family's people in groups that were judged, alone or as a part; null where nobody is in it."""
    judged_alone: float | None = None
    """Share of the family's people in groups that were judged alone; null where nobody is in it, and in results of
    before."""
    unnamed_p: float | None = None
    """p-value of "no group of the family is beyond the limit", all of them taken together; null where they are not."""
    unnamed_level: float | None = None
    """Level that it had to reach, on its side of the rule."""
    unnamed_survivors: int = 0
    """Groups that point towards harm; the test was taken over them."""
    unnamed_beyond: bool = False
    """Whether some of the groups are beyond the limit, without saying which: a FAIL of the rule, of no group."""
    unnamed_at_least: int = 0
    """Number of groups of which at least so many are beyond the limit, at `unnamed_level`; 0 where none can be told."""


class RuleResult(Part):
    """Verdict of a rule on the detector."""

    rule: str
    """Id of the rule."""
    metric: MetricName
    """The rate it limits."""
    scale: Scale
    """Difference or ratio."""
    limit: float
    """The margin or ratio."""
    direction: Literal["worse", "both"]
    """Whether only harm or any difference is limited."""
    worse: Literal["low", "high", "both"]
    """Side that is limited."""
    outcome: Outcome
    """Outcome of the rule."""
    because: RuleBecause
    """Reason for the outcome."""
    coverage: float | None
    """Smallest coverage over the families on the finest rung."""
    min_coverage: float
    """Coverage that a pass needs."""
    groups_by_outcome: dict[Outcome, int]
    """Number of groups with each outcome, over all families."""
    judged_as_part: int
    """Number of groups that were judged only as a part of a larger one."""
    families: tuple[FamilyResult, ...]
    """Family by family."""
    reason: str
    """Reason for this limit, in the words of the plan."""
    missing_expected: tuple[Group, ...] = ()
    """Groups that the plan expects and that have fewer cases than `min_denominator`: no pass without them."""


def stopped_by_failures(rules: Iterable[RuleResult]) -> bool:
    """Say whether the detector failed on more rows than the plan allows: no rule is decided then."""
    return any(rule.because == "too_many_failed" for rule in rules)
