"""The description of a world: who is in it, what is recorded, and which findings can be planted."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from audit.storage import storage
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import MetricName

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
    """A sign of exploitation that a row can show, and its weight for the detector."""

    name: str
    exploited: float
    """Chance that it shows in a case of exploitation."""
    other: float
    """Chance that it shows in any other case."""
    points: int
    """Tenths of a logit that the detector adds if it is recorded."""
    missing: float = 0.0
    """Chance that it is not recorded. It is equal in every group, so that controls stay controls."""


@dataclass(frozen=True, slots=True)
class Possible:
    """A finding that can be planted in a world."""

    finding: FindingName
    metric: MetricName
    """The rate that is affected; `base_rate` for labels, `selection_rate` for flags against labels."""
    size: float
    """Default size; `measured_as` names the unit."""
    measured_as: str
    """The quantity that the size measures."""
    cause: str
    """The change to the rows of this group, or to the detector."""
    gender: str | None = None
    """Gender of the group concerned."""
    nationality: str | None = None
    """Nationality of the group concerned."""

    @property
    def group(self) -> Group:
        """The group concerned, under the feature names `gender` and `nationality`."""
        genders = [gender_level(self.gender)] if self.gender else []
        return Group((*genders, *([nationality_level(self.nationality)] if self.nationality else [])))


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding that is planted, with its size."""

    possible: Possible
    size: float


@dataclass(frozen=True, slots=True)
class World:
    """A process that makes rows, and a detector that adds up points and flags from a threshold on."""

    name: WorldName
    title: str
    """Description in one line."""
    rows_are: str
    """`rows_are` of the plan: "synthetic adverts"."""
    rows: int
    """Default number of rows: enough for the plan to find the planted findings."""
    file: str
    """Name of the data file, without its ending."""
    id: str
    """Column with the id."""
    prefix: str
    """Beginning of every id."""
    prevalence: float
    """Share of exploitation, enriched as in evaluation sets."""
    nationalities: Mapping[str, float]
    """Shares by ISO 3166-1 alpha-3 code, or XXA for the stateless. Arbitrary."""
    sources: Mapping[str, tuple[float, float]]
    """Shares of the sources of rows: for the first nationality, and for all others."""
    gender_unknown: Mapping[str, float]
    """Share of rows without gender, by source."""
    nationality_unknown: Mapping[str, float]
    """Share of rows without nationality, by source."""
    unlabelled: Mapping[str, float]
    """Share of rows without label, by source."""
    channel: str
    """Column of the control feature, to compare like with like."""
    channels: tuple[str, str]
    """The two levels of that column."""
    second_channel: float
    """Share of the second level, in every group without a planted finding."""
    signs: tuple[Sign, ...]
    threshold: int
    """Lowest number of points at which a row is flagged."""
    channel_effect: float
    """With planted `like-with-like`: the part of the signs of a case of exploitation that the second channel shows, for
    every group."""
    findings: tuple[Possible, ...]
    """The findings that can be planted."""
    tempers: tuple[tuple[float, float, float], ...] = ((1.0, 1.0, 0.0),)
    """Kinds of clusters as (share, part of the signs that cases of exploitation show, part of them that ordinary cases
    show). There is one kind if rows stand for themselves."""
    cluster_sizes: tuple[float, ...] = (1.0,)
    """Shares of clusters of 1, 2, 3 ... rows."""

    @property
    def clustered(self) -> bool:
        """Whether rows belong to clusters."""
        return len(self.cluster_sizes) > 1

    def possible(self, name: str) -> Possible | None:
        """The finding of this name; None if this world does not have it."""
        return next((possible for possible in self.findings if possible.finding == name), None)


def template(name: str) -> str:
    """Read a text of `data` in which values stand in braces."""
    return (Path(__file__).parent / "data" / name).read_text(encoding="utf-8")


def table(name: str) -> dict[str, Any]:
    """Read a table of `audit/worlds/data`."""
    return tomllib.loads(template(f"{name}.toml"))


def gender_level(code: str) -> Level:
    """A level of the feature `gender`."""
    return Level("gender", "level", code)


def nationality_level(code: str) -> Level:
    """A level of the feature `nationality`."""
    return Level("nationality", "country", code)


def writing_into(folder: Path) -> AbstractContextManager[None]:
    """Turn an error of the storage into one line that names a folder which is filled. Raises StorageError."""
    hint = "free some space or name another folder"
    return storage(folder, f"{folder.name or folder} could not be written", hint=hint)
