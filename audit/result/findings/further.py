"""Further findings: failed rows, answers that differ when asked again, costs, own measures, agreement with
libraries.
"""

from typing import Annotated, Literal

from pydantic import Field

from audit.result.findings.change import HeldAgainst
from audit.result.findings.judged import GroupCounts, Membership
from audit.result.findings.like_with_like import LikeWithLike
from audit.result.findings.many_groups import BetweenGroups, Entropy, Funnel
from audit.result.findings.patterns import Amplification, Deployed, LabelGap, ReferenceComparison
from audit.result.findings.safeguards import ImpactRatios
from audit.result.findings.scores import AucDecomposition, Calibration, GroupAuc, Sweep
from audit.result.findings.second import AfterDetector, Exposure, SecondVerdict
from audit.result.findings.sensitivity import ControlSample, RuleSensitivity
from audit.result.findings.subgroup_scan import SubgroupScan
from audit.vocabulary.groups import Family, Group, Part
from audit.vocabulary.statuses import Reason, Status

Remedy = Literal[
    "nobody_unknown",  # everybody's group is found out
    "single_features",  # rules are about single features, and not about their intersections
    "twice_the_cases",  # twice as many cases of every group
    "wider_limit",  # limits that are half as wide again
]

OutOfReach = Literal[
    "expected_group_missing",  # a group that the plan expects has too few cases for a rate
    "nothing_judged",  # no group can be judged
    "coverage_too_small",  # too few people are in groups that can be judged
]


class LeastSure(Part):
    """Group that is judged alone and would miss a pass most easily if it were treated like everyone else."""

    rule: str
    """Id of the rule."""
    group: Group
    """Group that it is about."""
    chance: float
    """Planned chance that it passes by itself."""


class PlannedPass(Part):
    """Chance that a detector which treats everyone alike passes this audit, by labels alone."""

    chance: float
    """Share of simulated audits in which every group judged alone passes; with weights or clusters the product over
    groups, as if these were independent. 0 where no pass is within reach. Rules on precision and on probes, and cases
    that nobody answers, are left out."""
    coverage: float | None = None
    """Smallest share of people in groups that are judged, alone or as a part, over rules and features; null where
    there is nobody, and in results of before."""
    out_of_reach: OutOfReach | None = None
    """Why no detector could pass; null where a pass is within reach, and in results of before."""
    least_sure: tuple[LeastSure, ...] = ()
    """At most three groups, the least sure first: more cases of these help first. None where the chance reaches the
    plan's power."""
    remedy: Remedy | None
    """Change that would raise it most; null where it reaches the plan's power, or none would raise it by 5 points."""
    with_remedy: float | None
    """The chance with that change."""


class NotJudgedAlone(Part):
    """People of whom the PASS of a rule says nothing by themselves: groups of a family too small to be judged alone."""

    rule: str
    """Id of the rule that passes."""
    family: Family
    """The family, on its finest rungs."""
    groups: int
    """Groups with cases that were not judged alone."""
    as_part: int
    """Groups of these that were judged as a part of a larger one; the others were not judged at all."""
    cases: int
    """Cases in them, of the denominator of the rule's rate."""
    share: float
    """Share of the family's people who are in them; with design weights of the population."""
    gap: float | None
    """Smallest disparity, on the rule's scale, that would have been named in one of them with the plan's power, the
    rest at the rate that the plan expects. Null where none would have been, however large."""
    gap_in: Group | None
    """The group in which it would have been; looked for in the six largest, of which the largest has it as a rule."""


class FailedRows(Part):
    """Rows of a group without a usable answer, for one reason."""

    group: Group
    """The group; no levels: everyone."""
    status: Status
    """Status of these rows."""
    reason: Reason | None
    """Reason, from a closed list; null where the status says it."""
    rows: int
    """Number of rows. Over all statuses and reasons they add up to `failed` in `rows`."""


class SelfDisagreement(Part):
    """Agreement of a group's answers when the detector was asked about every row several times."""

    group: Group
    """The group; no levels: everyone."""
    answered: int
    """Rows with a score or decision every time."""
    decisions_differ: int
    """Rows of these for which some later decision is not the first."""
    share: float | None
    """decisions_differ / answered; null where there is none."""
    low: float | None
    """Lower end of the Wilson score interval of that share."""
    high: float | None
    """Upper end of that interval."""
    level: float
    """Level of the interval."""
    scores_differ: int
    """Rows of these for which some later score is not the first, by however little."""
    largest_difference: float | None
    """The largest difference between the first score of a row and a later one; null for a detector without scores."""
    answered_sometimes: int
    """Rows with a usable answer at least once, and not every time."""


CostReason = Literal[
    "no_cases",  # no case of the group is labelled and scored
    "too_few_for_a_rate",  # fewer than `min_denominator`
    "no_rest",  # nobody is left to compare with
    "too_few_in_rest",  # fewer than `min_denominator` are left to compare with
    "weights_or_clusters",  # a cost without an interval: rows are weighted or belong together
]


class CostOfErrors(Part):
    """The expected cost of errors per 1,000 labelled and scored cases of a group, beside that of the rest."""

    group: Group
    """Group that it is about; no levels: everyone."""
    missed: int
    """Cases of exploitation that were not flagged."""
    wrongly_flagged: int
    """Other cases that were flagged."""
    cases: int
    """Labelled and scored cases."""
    per_1000: float | None
    """(cost_missed x missed + cost_flagged x wrongly flagged) / cases x 1,000; null where there is a reason."""
    low: float | None
    """Lower end of its interval."""
    high: float | None
    """Upper end of its interval."""
    rest_per_1000: float | None
    """Expected cost of errors per 1,000 cases of everyone else."""
    difference: float | None
    """Cost of the group minus cost of the rest, per 1,000 cases. Positive: errors cost more here."""
    difference_low: float | None
    """Lower end of its interval."""
    difference_high: float | None
    """Upper end of its interval."""
    level: float
    """Level of the intervals."""
    reason: CostReason | None = None
    """Reason why no cost, no difference or no interval is stated."""


OwnMeasureReason = Literal[
    "no_cases",  # no case of the group is labelled and answered
    "too_few_for_a_rate",  # fewer than `min_denominator`
    "raised",  # the function raised an error; its text can quote a row and is withheld
    "not_a_number",  # the function returned no single finite number
    "interval_unstable",  # too many replicates had no value, or too few clusters: a value without an interval
]


class OwnMeasure(Part):
    """A measure of the operator's own, for one group, with a bootstrap interval. No rule can be set on it."""

    measure: str
    """Name of the measure in the plan."""
    function: str
    """`module:function`."""
    given: Literal["decision", "score"]
    """Column that it was given beside the labels."""
    group: Group
    """Group that it is about; no levels: everyone."""
    n: int
    """Cases that are labelled and answered: what the function was given."""
    clusters: int | None
    """Clusters that these belong to; null where rows stand for themselves."""
    value: float | None
    """What the function returned; null with a reason."""
    low: float | None
    """Lower end of the interval: the percentiles of the replicates."""
    high: float | None
    """Upper end of the interval."""
    level: float
    """Level of the interval."""
    replicates: int
    """Replicates asked for; clusters are drawn whole where the plan names them."""
    replicates_used: int
    """Replicates in which the function returned a number."""
    reason: OwnMeasureReason | None = None
    """Reason why there is no value, or no interval."""
    error: str | None = None
    """With `raised`: the type of the error."""


CrosscheckState = Literal["agreed", "no_answer", "not_asked"]
ConventionCode = Literal["no_positives", "no_negatives", "no_flags", "no_cases", "ratio_to_zero"]


class Convention(Part):
    """A convention by which another library states a number where this project states none. Closed: any other
    differs.
    """

    code: ConventionCode
    """A stable name."""
    words: str
    """What the library does, in one sentence."""
    values: int
    """Number of rates and disparities of this audit that it concerns."""


class Agreement(Part):
    """Comparison with another library on the same counts. Where it differed, there is no result at all."""

    library: str
    """Name and version."""
    groups: int = 0
    """Groups of the families that the rules name, and everyone."""
    groups_compared: int = 0
    """Groups that were compared: all, but for sets with more distinct groups than a run can afford."""
    rates_compared: int
    """Rates that both could compute."""
    disparities_compared: int = 0
    """Differences from the rest and ratios to the rest that both could compute."""
    groups_beside_rest: int = 0
    """Compared groups for which these were asked."""
    shown_compared: int = 0
    """Compared numbers that are shown in this result; the others stand below the floor of the plan."""
    row_groups_compared: int = 0
    """Groups whose rates the library also computed from single rows, without any counting of ours; 0 for a set too
    large.
    """
    row_rates_compared: int = 0
    """Rates that it computed so."""
    weighted: bool = False
    """Whether these are weighted rates, as verdicts take them. Single cases are compared without their weights."""
    largest_difference: float
    """The largest absolute difference among all of these, to twelve decimals; relative for ratios above 1."""
    differs_by_convention: int
    """Rates and disparities for which the library reports a number and this project none."""
    conventions: tuple[Convention, ...] = ()
    """Conventions behind them."""


class Further(Part):
    """Findings that decide nothing of the audit. A gate leaves most of them out."""

    finest: tuple[GroupCounts, ...] = ()
    """The counts of the groups that public figures add up from, where `counts` does not hold them."""
    clusters: tuple[GroupCounts, ...] = ()
    """The counts of these groups with every cluster counted once, where public figures protect clusters
    (`disclosure.unit`)."""
    memberships: tuple[Membership, ...] = ()
    """Nationalities that people have beside others, where the plan counts these together: with all who hold them."""
    costs: tuple[CostOfErrors, ...] = ()
    """What errors cost, group by group, where the plan has `costs`."""
    own_measures: tuple[OwnMeasure, ...] = ()
    """The plan's own `measures`, group by group: shown, never judged."""
    conditional: tuple[LikeWithLike, ...] = ()
    """Gaps within strata of the plan's control features."""
    amplification: tuple[Amplification, ...] = ()
    """Whether the detector adds disparity over its labels, family by family."""
    label_gaps: tuple[LabelGap, ...] = ()
    """The widest gap in the labels themselves, family by family."""
    reference_comparison: ReferenceComparison | None = None
    """Who is labelled as exploited, against the plan's reference table."""
    deployed: tuple[Deployed, ...] = ()
    """Precision and share flagged at the plan's deployed base rate."""
    subgroup_scan: tuple[SubgroupScan, ...] = ()
    """The subgroups that are missed and wrongly flagged most, among all that the plan's `scan` describes."""
    aucs: tuple[GroupAuc, ...] = ()
    """How well the scores rank: everyone's cases first, then group by group. Families of several features and more than
    60 groups are left out, here and in `auc_decompositions`, `calibrations` and `sweeps`."""
    auc_decompositions: tuple[AucDecomposition, ...] = ()
    """How much of the AUC over everyone is telling groups apart, family by family."""
    calibrations: tuple[Calibration, ...] = ()
    """Whether scores mean what they say: everyone first, then group by group."""
    sweeps: tuple[Sweep, ...] = ()
    """What other thresholds and capacities would have done, family by family: described, never judged."""
    planned_pass: PlannedPass | None = None
    """Chance that a detector which treats everyone alike passes, where some rule on rates is inconclusive."""
    not_judged_alone: tuple[NotJudgedAlone, ...] = ()
    """Groups that were not judged alone beside each rule that passes, family by family."""
    sensitivity: tuple[RuleSensitivity, ...] = ()
    """Rule by rule, what it would take for its verdicts not to stand."""
    control_sample: ControlSample | None = None
    """The cases drawn at random beside the others, where the plan says which they are."""
    between_groups: tuple[BetweenGroups, ...] = ()
    """How the groups of each family differ: whether at all, by how much beyond chance, and who stands out."""
    entropies: tuple[Entropy, ...] = ()
    """How unequally errors fall on people, between and within the groups of each family."""
    funnels: tuple[Funnel, ...] = ()
    """The limits of the verdicts over group size, rule by rule, for families of one feature with 10 groups or more."""
    failures: tuple[FailedRows, ...] = ()
    """Rows without a usable answer by what went wrong: everyone, then group by group. Empty for answers that existed
    already."""
    self_disagreement: tuple[SelfDisagreement, ...] = ()
    """How often the detector contradicts itself, where the plan asks it more than once: everyone, then group by
    group."""
    second_verdicts: tuple[SecondVerdict, ...] = ()
    """What the rules say of people's decisions, and of each form by itself, where the plan asks: other questions than
    that of the audit, each beside it with a chance of false alarms of its own."""
    after_detector: AfterDetector | None = None
    """What people did with the detector's flags, where the plan names their decisions."""
    exposures: tuple[Exposure, ...] = ()
    """Who is among the first of the ranking, where the plan asks: everyone, then group by group."""
    impact_ratios: tuple[ImpactRatios, ...] = ()
    """Shares flagged and their ratios by gender, by nationality and by both: a form borrowed from employment."""
    crosscheck: tuple[Agreement, ...] = ()
    """Rates and disparities from other libraries, where these were asked."""
    crosscheck_state: CrosscheckState = "not_asked"
    """`agreed`: every library that answered agrees. `no_answer`: none could be loaded. `not_asked`: nobody compared."""
    held_against: Annotated[HeldAgainst | None, Field(exclude_if=lambda versions: versions is None)] = None
    """Accepted versions that the result was held against, and the change that does not decide; missing where there are
    none."""
