"""Remedies: other ways to flag the same cases, chosen on one half of them and judged on the other. Restricted."""

import json
from typing import Annotated, Final, Literal

from pydantic import Field

from audit.result.findings.judged import Outcome
from audit.result.findings.scores import Unused
from audit.vocabulary.groups import Group, Part, SensitiveFeature
from audit.vocabulary.metrics import MetricDefinition, MetricName

Way = Literal[
    "as_it_is",  # nothing is changed
    "threshold",  # another threshold, the same for all
    "capacity",  # a share of all cases, those with the highest scores
    "band",  # people decide the cases between two scores
    "per_group",  # groups have thresholds of their own
]
WAYS: Final[tuple[Way, ...]] = ("threshold", "capacity", "band")
"""Ways that treat every group alike."""
ORDER: Final[tuple[Way, ...]] = (*WAYS, "per_group")
"""Ways to flag, the least intrusive first."""
MOST_TRIED: Final = 5
"""Most candidates that are judged; each spends as large a part of alpha."""
Status = Literal[
    "confirmed",  # within every limit on cases that it was not chosen on, and so is who was beyond one
    "confirmed_if_people_are_right",  # that, if people in the band are right as often as `review_right` supposes
    "not_confirmed",  # beyond a limit there
    "not_decidable",  # cannot tell there: more labelled cases are needed
    "described",  # rows are weighted or belong together: nothing is judged
]


class Errors(Part):
    """What a way to flag does to the cases of one half."""

    missed: int
    """Cases of exploitation with a score that are not flagged."""
    victims: int
    """Cases of exploitation with a score."""
    wrongly_flagged: int
    """Other cases that are flagged."""
    others: int
    """Other cases with a score."""
    beyond: float | None
    """How far the worst group is beyond its limit, in shares, as counted; negative: all are within it. Null where no
    group can be judged."""


class OwnThreshold(Part):
    """Threshold of a group."""

    group: Group | None
    """The group; null: everyone else."""
    threshold: float
    """A case is flagged when its score is at least this."""


class Option(Part):
    """A way to flag, with what it does to both halves."""

    way: Way
    """What is changed."""
    thresholds: tuple[OwnThreshold, ...] = ()
    """One for everyone, or one for each group. A band ends below it."""
    share: float | None = None
    """Share of all cases with a score that is flagged."""
    band_from: float | None = None
    """Lowest score of the cases that people decide."""
    to_people: int = 0
    """Cases of the half that judges which people decide."""
    where_chosen: Errors
    """What it does on the half that chose it: too good to be true."""
    elsewhere: Errors
    """What it does on the other half, which did not choose it."""


class MoreCases(Part):
    """Cases that are missing to decide about the groups of a rule."""

    rule: str
    """The rule."""
    groups: int
    """Groups that cannot be decided."""
    cases: int | None
    """Labelled cases to add, twice what the half lacks, since half of them judge; null where no number would do."""
    nobody_could_exceed: bool
    """Whether, at these rates, some group could not be beyond the limit whatever it does: to be within shows nothing.
    """


class Effect(Part):
    """What changes for a group, on the half that judges: only decisions that change sides count."""

    group: Group | None
    """The group; null: everyone who is in none of the others."""
    error: Literal["missed", "wrongly_flagged"]
    """Of cases of exploitation those that are missed, or of the others those that are flagged."""
    cases: int
    """Cases of this kind with a score."""
    before: int
    """Errors among them as it is."""
    after: int
    """Errors among them with the remedy."""
    change: float
    """Change of the share, negative where fewer are harmed."""
    low: float
    """Lower end of Newcombe's interval of the change for pairs (method 10)."""
    high: float
    """Upper end of that interval."""


class Tried(Option):
    """A candidate that was judged on the half that did not choose it."""

    number: int
    """Its number, from 1; the least intrusive first."""
    status: Status
    """What the other half says."""
    outcomes: tuple[Outcome, ...]
    """The ordinary verdicts behind it: one; of a band those with people as seldom and as often right as is supposed,
    and one, which decides nothing, with people who decide as the detector does."""
    silent: tuple[Group, ...] = ()
    """Groups of which some or all are beyond a limit in the whole set, and that are not judged alone on the other half:
    with them nothing is confirmed."""
    more_cases: tuple[MoreCases, ...]
    """What is missing to decide, where it is not decidable."""
    levelled_down: tuple[str, ...]
    """Rules whose gap shrinks by more harm: in all, the people judged fare worse in that rate, by more errors among
    them, and none of their groups gains more than chance explains."""
    effects: tuple[Effect, ...]
    """Who gains and who pays."""


class Remedies(Part):
    """Remedies of one audit: restricted, no part of a result, and no verdict of the audit."""

    schema_version: Literal[1] = 1
    """Version of this format."""
    release: Literal["restricted"] = "restricted"
    """Exact counts."""
    title: str
    """Title of the audit."""
    features: tuple[SensitiveFeature, ...]
    """The sensitive features and the names of their levels."""
    metrics: dict[str, MetricName]
    """Rate of each rule, by its id."""
    rates: Annotated[tuple[MetricDefinition, ...], Field(exclude_if=lambda rates: not rates)] = ()
    """Those of these rates that the plan declares."""
    plan_sha256: str
    """Digest of the plan as in the result, and in a registration that came before: the seed was fixed there."""
    cases_sha256: str
    """Digest of the ids of the set."""
    seed: int
    """`verdict.seed` of the plan. With the digest of the ids it decides alone who is in which half."""
    rows: tuple[int, int]
    """Rows of the half that chooses and of the half that judges."""
    alpha: float
    """Chance of confirming anything that leaves a group beyond a limit; each candidate spends a fifth of it."""
    level: float
    """Level of the intervals."""
    lawful_because: str | None
    """Stated reason why groups may have thresholds of their own; null where they may not."""
    review_right: tuple[float, float]
    """Share of cases that people in a band are supposed to decide as labelled: the lowest and the highest."""
    too_few: tuple[Group, ...] = ()
    """Groups of which some rule cannot judge each half alone: they stand in no gap, and nothing is chosen for them."""
    unused: tuple[Unused, ...]
    """Parts of the design of the set that these counts do not use. Then nothing is confirmed."""
    as_it_is: Option
    """The detector as it was audited."""
    tried: tuple[Tried, ...]
    """At most five candidates."""
    front: tuple[Option, ...]
    """Ways to flag of which no other leaves a smaller gap at no more missed and no more wrongly flagged, on the half
    that chose. Those that are not among `tried` were not judged."""

    def to_json(self) -> str:
        """Return the text of `remedy.json`; equal remedies have equal bytes."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
