"""What the rules say of other decisions on the same cases, and what people did with the detector's flags.

The verdict of the audit is about the detector's flag. Nothing here is part of it, but people's decisions where the plan
lets them count.
"""

from collections.abc import Iterable
from typing import Literal

from audit.result.findings.judged import Estimate, GroupCounts, RuleResult, Verdict
from audit.result.findings.patterns import Amplifies
from audit.vocabulary.groups import Group, Part

SecondKind = Literal[
    "decisions",  # what people decided after the detector, in the place of its flag
    "form",  # cases of one form against all others, and answers that name it against all others
]
Among = Literal["victims", "others", "everyone"]
Flag = Literal["flagged", "not_flagged"]
NotStated = Literal[
    "no_cases",  # no case of the kind that is needed
    "too_few_for_a_rate",  # fewer than `min_denominator`, in the group or in the rest
]


class SecondVerdict(Part):
    """The rules of the plan over other decisions on the same cases, with a chance of false alarms of its own."""

    kind: SecondKind
    """What stands in the place of the flag."""
    name: str
    """The form; empty for people's decisions."""
    alpha: float
    """Chance of a false alarm over all rules and groups: the plan's, divided by how many of its kind are asked for. Of
    people's decisions that count, false FAILs have half of it."""
    outcome: Literal["pass", "fail", "inconclusive"]
    """fail if any rule fails, pass if every rule passes, else inconclusive."""
    rules: tuple[RuleResult, ...]
    """Rule by rule."""
    verdicts: tuple[Verdict, ...]
    """Rule by rule and group by group."""
    counts: tuple[GroupCounts, ...]
    """Counts: first everyone, then group by group. Unscored are cases without this decision."""
    estimates: tuple[Estimate, ...]
    """The rates that rules limit; first everyone's."""


def people_among(second: Iterable[SecondVerdict]) -> SecondVerdict | None:
    """Return the verdict on people's decisions among these; None where there is none."""
    return next((verdict for verdict in second if verdict.kind == "decisions"), None)


class Override(Part):
    """How often people decided otherwise than the detector, in one group."""

    group: Group
    """Group that it is about; no levels: everyone."""
    detector: Flag
    """Cases that the detector flagged, or that it did not flag."""
    decided: int
    """Number of these that people decided."""
    changed: int
    """Number of these that they decided otherwise."""
    undecided: int
    """Cases without a decision of people. They are never taken for agreement, and enter no rate here."""
    value: float | None
    """changed / decided; null with a reason."""
    low: float | None
    """Lower end of Wilson's interval."""
    high: float | None
    """Upper end of that interval."""
    difference: float | None
    """`value` minus that of everyone else."""
    difference_low: float | None
    """Lower end of Newcombe's interval."""
    difference_high: float | None
    """Upper end of that interval."""
    level: float
    """Level of both intervals, of each by itself."""
    reason: NotStated | None = None
    """Reason why there is no value."""


class PeopleGap(Part):
    """Whether people widen or narrow the gap in the detector's flags between a group and everyone else.

    Only cases that the detector answered are compared, each with itself: its flag, and people's decision.
    """

    group: Group
    """Group that it is about."""
    among: Among
    """Cases labelled as exploitation, cases labelled as none, or all cases."""
    cases: int
    """Cases of the group that the detector answered."""
    undecided: int
    """Number of these without a decision of people."""
    detector_gap: float | None
    """Share of them that the detector flagged, minus that of everyone else."""
    added: float | None
    """The gap in people's decisions minus that in the detector's flags. Cases without a decision count as decided like
    those of their group with the same flag."""
    low: float | None
    """Lower end of an interval that holds for all groups of the family at once, and whatever the cases without a
    decision would have been: Newcombe's for pairs (1998, method 10), of two independent groups by MOVER, at level
    1 - (1 - level) / groups."""
    high: float | None
    """Upper end of that interval."""
    outcome: Amplifies
    """What people do to the gap, as far as intervals at that level say it. `cannot_tell` with weights or clusters."""
    level: float
    """Level of the interval over all groups of the family."""
    reason: NotStated | None = None
    """Reason why nothing is stated."""


class AfterDetector(Part):
    """What people did with the detector's flags. Weights and clusters do not enter these numbers."""

    unanswered: int
    """Cases that the detector did not answer: they are in the final decision, and in nothing here."""
    overrides: tuple[Override, ...]
    """Everyone first, then group by group."""
    gaps: tuple[PeopleGap, ...]
    """Group by group, for the cases that rules are about."""


class Exposure(Part):
    """Share of a group's cases that is among the first of the ranking by score. No verdict rests on it."""

    first: int
    """Number of first places; all cases with a score where these are fewer."""
    group: Group
    """Group that it is about; no levels: everyone."""
    among: Among
    """Cases labelled as exploitation, or all cases."""
    cases: int
    """Cases of the group, those without a score among them."""
    unranked: int
    """Number of these without a score: they are not among the first."""
    fewest: int
    """Number of these that are among the first, whichever of those are taken who share the score at the border."""
    most: int
    """Number of these that may be among the first."""
    value: float | None
    """Share among the first; of those tied as many count as would be taken on average by lot."""
    low: float | None
    """Lower end of Wilson's interval with as few of those tied as may be taken."""
    high: float | None
    """Upper end of Wilson's interval with as many of those tied as may be taken."""
    difference: float | None
    """`value` minus that of everyone else."""
    difference_low: float | None
    """Lower end of Newcombe's interval with as few of those tied as may be taken."""
    difference_high: float | None
    """Upper end of that interval with as many as may be taken."""
    level: float
    """Level of both intervals, of each by itself."""
    reason: NotStated | None = None
    """Reason why there is no value."""
