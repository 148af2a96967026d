"""Doubts about a verdict: what would have to be wrong, or unknown, for it not to stand."""

from typing import Literal

from audit.result.findings.judged import Outcome
from audit.vocabulary.groups import Group, Part
from audit.vocabulary.metrics import MetricName

Doubt = Literal[
    "labels_flipped",  # any labels of the group are wrong, whichever matter most
    "labelled_too_often",  # some of the group's people who are no victims were labelled as victims
    "labelled_too_rarely",  # some of the group's victims were labelled as no victims
    "unknown_attribute",  # people of unknown group belong to it
    "answers_differ",  # the system at work answers otherwise than a vendor did
    "unscored",  # cases without a decision were decided one way or the other
]


class LabelErrorGrid(Part):
    """Rate that lies behind labels that are wrong at a known rate in this group and right elsewhere."""

    sensitivity: tuple[float, ...]
    """Shares of the group's victims labelled as victims; 1 alone where the rate does not depend on it."""
    specificity: tuple[float, ...]
    """Shares of the group's others labelled as none; 1 alone where the rate does not depend on it."""
    rates: tuple[float | None, ...]
    """Corrected rate, for each sensitivity and within it each specificity; null where the counts rule it out."""
    stands: tuple[bool | None, ...]
    """Whether the verdict stands there, in that order; null where the counts rule it out."""


class SensitivityFinding(Part):
    """One doubt about one verdict, and how large it would have to be."""

    group: Group
    """Group whose verdict it is."""
    outcome: Outcome
    """Outcome of that verdict."""
    kind: Doubt
    """Kind of doubt."""
    stands: bool
    """Whether the verdict stands whatever the answer, as far as the data and the plan leave it open. For a verdict that
    is inconclusive: whether the answer could make it pass."""
    overturned_by: int | None
    """Fewest people who would have to be otherwise for the verdict not to stand; null where no number of them would do,
    and where the doubt is about a share.
    """
    among: int
    """Number of labels of the group, people of unknown group in question, or cases without a decision that could be
    otherwise.
    """
    share: float | None = None
    """The doubt as a share. Labels: the smallest share wrongly labelled at which the verdict falls, of the group's
    others or victims. Unknown group: the largest share of its own cases that may be unknown while it passes.
    """
    to_limit: int | None = None
    """Fewest wrong labels that bring the measured rate itself to the limit."""
    low: float | None = None
    """Lowest rate of the group that is possible."""
    high: float | None = None
    """Highest rate of the group that is possible."""
    grid: LabelErrorGrid | None = None
    """For a FAIL: the rate at other qualities of the labels."""
    words: str
    """The doubt in a sentence."""


class RuleSensitivity(Part):
    """Doubts about the verdicts of one rule."""

    rule: str
    """Id of the rule."""
    metric: MetricName
    """The rate it limits."""
    examined: Literal["yes", "weights_or_clusters"]
    """`weights_or_clusters`: the verdicts come from weighted or clustered rows, on which counts of labels
    and people say nothing.
    """
    held_back: int
    """Groups that would pass, but for people whose group is unknown."""
    breakdown_factor: float | None = None
    """Smallest odds factor at which a group that passes would not: as many people of unknown feature belong to it as
    the plan supposes, and are harmed with so many times the odds of all who may. Null where not even 100 does it.
    """
    weakest: Group | None = None
    """Group that would not pass at that factor."""
    not_if_nothing_supposed: int = 0
    """Groups that pass, and would not if any of the people of unknown feature could belong to them."""
    missing_share_for_all: float | None
    """Largest `max_missing_share` with which the groups held back pass, whatever is supposed beside it; null where none
    is held back."""
    listed: int
    """Verdicts listed: every FAIL, and the largest groups that pass or were held back by what is unknown."""
    not_listed: int
    """Groups that pass, or were held back, and are not listed because they are smaller."""
    fewest_labels: int | None
    """Fewest wrong labels that overturn any verdict listed; null where there is none."""
    findings: tuple[SensitivityFinding, ...]
    """Verdict by verdict, doubt by doubt."""


class ControlComparison(Part):
    """Rate of one group in the control sample, and in the rest of the set."""

    metric: MetricName
    """Rate that it is about."""
    group: Group
    """Group that it is about; no levels: everyone."""
    numerator: int
    """Cases counted in the control sample."""
    denominator: int
    """Cases among which they were counted."""
    other_numerator: int
    """Cases counted in the rest of the set."""
    other_denominator: int
    """Cases among which they were counted."""
    difference: float | None
    """Rate in the control sample minus rate in the rest; null where one of them cannot be stated."""
    difference_low: float | None
    """Lower end of Newcombe's interval."""
    difference_high: float | None
    """Upper end of that interval."""


class ControlVerdict(Part):
    """Verdict of a rule on a group in the whole set, and in the control sample alone."""

    rule: str
    """Id of the rule."""
    group: Group | None
    """The group; null: the rule as a whole."""
    outcome: Outcome
    """Outcome in the whole set."""
    control_outcome: Outcome | None
    """Outcome in the control sample alone; null where nobody of the group is in it. Fewer cases: often inconclusive."""
    control_cases: int
    """Cases of the rate's denominator in the control sample."""


class ControlSample(Part):
    """Cases drawn at random before anybody decided whom to look at, beside the others."""

    cases: int
    """Cases in it."""
    labelled: int
    """Number of these cases that are labelled."""
    other_cases: int
    """Cases not in it."""
    comparisons: tuple[ControlComparison, ...]
    """Rates in and out of it: everyone, then the groups with the most cases in it."""
    comparisons_left_out: int
    """Comparisons not listed, because a rate could not be stated or the group is smaller."""
    verdicts: tuple[ControlVerdict, ...]
    """Each rule, and each group with a FAIL in the whole set or in the control sample."""
    words: str
    """Summary in a sentence or two."""
    vacuous: tuple[MetricName, ...] = ()
    """Rates of the plan that are not compared, because they would say nothing of the detector: of the sample at least
    99 % were flagged and of all others at most 1 %, or the other way round, as where the set was put together by the
    decision."""
