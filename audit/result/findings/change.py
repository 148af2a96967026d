"""Change of a new version against an earlier audit of the same plan: group by group worse, not worse, or unknown.

An audit asks whether the detector treats groups unlike. This asks whether it became worse for one of them.
"""

from collections.abc import Iterable
from typing import Literal

from audit.vocabulary.groups import Family, Group, Part
from audit.vocabulary.metrics import MetricName

ChangeOutcome = Literal["pass", "fail", "inconclusive"]
Unpaired = Literal[
    "no_predictions_then",  # the answers of the earlier audit are not at hand
    "no_predictions_now",  # those of the new one are not
    "set_not_at_hand",  # the evaluation set cannot be read, or is not the one that was audited
    "other_set",  # two samples of different cases
    "made_of_decisions",  # the cases of the rate are chosen by the detector, so that there are no pairs of them
]
ChangeBecause = Literal[
    "group_became_worse",  # fail
    "none_became_worse",  # pass
    "rule_undecided",  # inconclusive
    "weighted_set",  # inconclusive: there is no exact test for weighted cases
    "clustered_set",  # inconclusive: nor for cases that belong together
    "too_many_failed",  # inconclusive: one of the two detectors failed on more rows than the plan allows
    "group_vanished",  # inconclusive: of another set, which lacks a group that was judged before
]
ChangeRuleBecause = Literal[
    "group_became_worse",  # fail
    "none_became_worse",  # pass
    "group_undecided",  # inconclusive: a group with enough cases could not be decided
    "coverage_too_small",  # inconclusive: too many people are in groups that could not be judged
    "nothing_judged",  # inconclusive: no group has enough cases
]
GroupChangeBecause = Literal[
    "worse_beyond_margin",  # fail: corrected for all groups
    "not_worse",  # pass: evidence that the group did not become worse by the margin
    "margin_not_excluded",  # inconclusive: enough cases, and they point neither way
    "unscored_cases",  # inconclusive: cases that one of the two did not score could change it
    "judged_as_part",  # inconclusive alone: judged only as a part of the group in `judged_as`
    "too_few_cases",  # inconclusive: too few cases, alone and on every rung of the ladder
    "too_few_for_a_rate",  # not evaluable: fewer cases than `min_denominator`
    "no_cases",  # not evaluable: nobody to judge, now or then
]


def combined_outcome(outcomes: Iterable[str]) -> ChangeOutcome:
    """Combine outcomes: fail if any is fail, pass only if there are some and all are pass, else inconclusive."""
    distinct = set(outcomes)
    return "fail" if "fail" in distinct else "pass" if distinct == {"pass"} else "inconclusive"


class ChangeBaseline(Part):
    """Earlier audit that a result is compared with."""

    sha256: str
    """SHA-256 of all that its result says but its provenance."""
    finished: str
    """When it ended: UTC, ISO 8601."""
    detector_sha256: str | None
    """SHA-256 of its model or predictions file; null where there is none."""
    title: str
    """Title of that audit, from its plan."""
    outcome: ChangeOutcome
    """Its own verdict."""


class ChangeFamily(Part):
    """Comparison with the baseline over one family of groups, under one rule."""

    family: Family
    """Features and rungs."""
    groups: int
    """Groups in it."""
    tested: int
    """Groups of which a rate can be stated, and which could have become worse by the margin."""
    level: float
    """Share of alpha that the family could spend on naming a group by mistake, on each side of the rule."""
    coverage: float | None
    """Share of the family's people in groups that were judged, alone or as a part; null where nobody is in it."""


class ChangeRule(Part):
    """Change of the rate of one rule."""

    rule: str
    """Id of the rule."""
    metric: MetricName
    """Its rate."""
    margin: float
    """How much worse the rate may have become, in shares, whatever the scale of the rule itself."""
    worse: Literal["low", "high", "both"]
    """Side on which worse lies."""
    unpaired: Unpaired | None
    """Null where the same cases were compared one by one; else why two separate samples were compared."""
    outcome: ChangeOutcome
    """Outcome of the rule."""
    because: ChangeRuleBecause
    """Reason for the outcome."""
    coverage: float | None
    """Smallest coverage over the families on the finest rung."""
    min_coverage: float
    """Coverage that a pass needs."""
    families: tuple[ChangeFamily, ...]
    """Family by family."""


class ChangeVerdict(Part):
    """Change of the rate of one group."""

    rule: str
    """Id of the rule."""
    group: Group
    """Group that it is about."""
    outcome: Literal["pass", "fail", "inconclusive", "not_evaluable"]
    """Outcome of the group by itself; `fail`: it became worse by more than the margin."""
    because: GroupChangeBecause
    """Reason for the outcome."""
    then_numerator: int
    """Cases counted in the earlier audit."""
    then_denominator: int
    """Scored cases among which they were counted."""
    now_numerator: int
    """Cases counted in the new audit."""
    now_denominator: int
    """Scored cases among which they were counted, in the new audit."""
    n: int | None
    """Cases that both audits scored. Null, like the next two, where separate samples were compared."""
    lost: int | None
    """Of these, cases that got worse on the side of the verdict: right then and wrong now."""
    gained: int | None
    """Of these, cases that got better: wrong then and right now."""
    difference: float | None
    """Rate now minus rate then; of the cases that both scored, where they were compared one by one."""
    difference_low: float | None
    """Lower end of its score interval (Tango 1998), or of Newcombe's for separate samples. To show: no verdict rests
    on it."""
    difference_high: float | None
    """Upper end of that interval."""
    level: float
    """Level of that interval."""
    cases: int
    """Cases in the denominator of the rate now, unscored ones included."""
    cases_required: int | None
    """Cases with which the group would be judged alone; null where no number would do."""
    decidable: bool
    """Whether the group has these cases."""
    judged_as: Group | None
    """For a group that is not decidable: the smallest group of its ladder that is."""
    judged_as_outcome: Literal["pass", "fail", "inconclusive", "not_evaluable"] | None
    """The outcome of that larger group."""
    p_worse: float | None
    """p-value of "not worse by more than the margin". Small: it became worse. Exact wherever it could decide."""
    level_worse: float | None
    """Level that the p-value had to reach; 0 where the loss found is smaller than the margin."""
    p_within: float | None
    """p-value of "worse by the margin", unscored cases at their worst. Small: it did not become worse."""
    side: Literal["low", "high"]
    """The side that is nearer to failing."""


class Change(Part):
    """Change from one audit to the next."""

    outcome: ChangeOutcome
    """fail if any group became worse beyond its margin, pass if every rule shows that none did, else inconclusive."""
    because: ChangeBecause
    """Reason for the outcome."""
    unpaired: Unpaired | None
    """Null where the same cases were compared one by one; else why not, for every rule."""
    baseline: ChangeBaseline
    """Audit that the result is compared with."""
    differs: tuple[str, ...]
    """Sections of the plan that differ, of those that may; `detector` also where only its file does."""
    rules: tuple[ChangeRule, ...]
    """Rule by rule."""
    verdicts: tuple[ChangeVerdict, ...]
    """Rule by rule and group by group."""


class HeldAgainst(Part):
    """Accepted versions of a chain that a result was held against, on the same cases."""

    reference: int
    """Number of the version that is the reference."""
    last: int
    """Number of the last version that was accepted before; that of the reference where there is no other."""
    decides: Literal["reference", "last"]
    """Version that the change is from. The last one only where a group became worse since then, and none is shown to
    be worse than in the reference: else a comparison with it decides nothing."""
    other: Change | None
    """Change from the other of the two; null where there is no other."""


def deciding(reference: Change, last: Change | None) -> tuple[Change, Literal["reference", "last"], Change | None]:
    """Return the change that decides, since which version it is, and the other change."""
    if last is not None and last.outcome == "fail" and reference.outcome != "fail":
        return last, "last", reference
    return reference, "reference", last
