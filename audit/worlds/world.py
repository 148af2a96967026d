"""How the rows of a world come about: who is in it, what is recorded of them, and what may be planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import MetricName

__all__ = [
    "EXAGGERATED",
    "EXPLOITED_GENDERS",
    "LABELLED_AS_NONE",
    "OTHER_GENDERS",
    "WRONGLY_FLAGGED",
    "Finding",
    "FindingName",
    "Possible",
    "Sign",
    "World",
    "WorldName",
    "nationals",
    "of_gender",
]

WorldName = Literal["adverts", "triage", "transactions"]
FindingName = Literal[
    "group-gap",
    "intersection-gap",
    "like-with-like",
    "biased-labels",
    "amplification",
    "word-leak",
]

EXPLOITED_GENDERS: Final[Mapping[str, float]] = {"woman": 0.607, "man": 0.388, "non-binary": 0.005}
"""Women and girls 61 %, men and boys 39 % of the victims detected in 2022 (UNODC, Global Report 2024); other sex
somewhat above .5 % in the country tables behind it."""
OTHER_GENDERS: Final[Mapping[str, float]] = {"woman": 0.4975, "man": 0.4975, "non-binary": 0.005}


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that can be seen of a row, and what the detector makes of it."""

    name: str
    exploited: float
    """How often it shows in a case of exploitation."""
    other: float
    """How often it shows in any other."""
    points: int
    """Tenths of a logit that the detector adds where it is recorded."""
    missing: float = 0.0
    """How often it is not recorded, whatever it would have shown: in every group alike, or controls would be none."""


@dataclass(frozen=True, slots=True)
class Possible:
    """A finding that can be planted in a world."""

    finding: FindingName
    group: Group
    """Whom it concerns, under the feature names `gender` and `nationality`."""
    metric: MetricName
    """The rate in which it shows; for labels `base_rate`, for flags against labels `selection_rate`."""
    size: float
    """How large it is unless a size is asked for; in what unit, `measured_as` says."""
    measured_as: str
    """What the size is a size of."""
    cause: str
    """What is done to the rows of this group, or to the detector."""


WRONGLY_FLAGGED: Final = "share of non-victims wrongly flagged, more than among all others"
LABELLED_AS_NONE: Final = "share of the group's cases of exploitation that are labelled as none; of all others none is"
EXAGGERATED: Final = "flags' gap to all others less the labels' gap to all others"
"""What a size is a size of, where it is the same in every world."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding that is planted, with its size."""

    possible: Possible
    size: float


@dataclass(frozen=True, slots=True)
class World:
    """Rows, and a detector that adds up points and flags from a threshold on."""

    name: WorldName
    title: str
    """One line on what it is."""
    rows_are: str
    """As the plan has it: "synthetic adverts"."""
    rows: int
    """Rows unless a number is asked for: with so many, what is planted is within reach of its plan."""
    file: str
    """Name of the data file, without its ending."""
    id: str
    """Column with the id."""
    prefix: str
    """What an id begins with."""
    prevalence: float
    """Share of exploitation: enriched, as evaluation sets are."""
    nationalities: Mapping[str, float]
    """Shares by ISO 3166-1 alpha-3 code, or XXA for the stateless. Arbitrary."""
    sources: Mapping[str, tuple[float, float]]
    """Shares of where rows come from: of the first nationality, and of all others."""
    gender_unknown: Mapping[str, float]
    """By source."""
    nationality_unknown: Mapping[str, float]
    """By source."""
    unlabelled: Mapping[str, float]
    """By source."""
    channel: str
    """Column of the feature by which like can be compared with like."""
    channels: tuple[str, str]
    """Its two levels."""
    second_channel: float
    """Share of the second one, in every group in which nothing is planted."""
    signs: tuple[Sign, ...]
    threshold: int
    """Points from which on a row is flagged."""
    channel_effect: float
    """Where `like-with-like` is planted: how much of what a case of exploitation else shows is seen of it on the second
    channel, whoever it is about."""
    findings: tuple[Possible, ...]
    """What can be planted."""
    tempers: tuple[tuple[float, float, float], ...] = ((1.0, 1.0, 0.0),)
    """Kinds of clusters as (share, how much of a case of exploitation shows, how much of one an ordinary one shows);
    one kind where rows stand for themselves."""
    cluster_sizes: tuple[float, ...] = (1.0,)
    """Shares of clusters of 1, 2, 3 ... rows."""

    @property
    def clustered(self) -> bool:
        """Whether rows belong together."""
        return len(self.cluster_sizes) > 1

    def possible(self, name: str) -> Possible | None:
        """What can be planted under this name; None where nothing can."""
        return next((possible for possible in self.findings if possible.finding == name), None)


def of_gender(code: str) -> Level:
    """A level of the feature `gender`."""
    return Level("gender", "level", code)


def nationals(code: str) -> Level:
    """A level of the feature `nationality`."""
    return Level("nationality", "country", code)
