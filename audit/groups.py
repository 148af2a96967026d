"""Groups of people as typed keys: never a joined string, so that no two groups can share a name."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, RootModel


class Part(BaseModel):
    """A part of a result: strict, frozen, and documented field by field."""

    # A NaN would become null unseen; written as it is, no reader takes it. Unknown numbers are None.
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, ser_json_inf_nan="constants")


class Level(NamedTuple):
    """One level of one sensitive feature, on one rung of its ladder."""

    feature: str
    rung: str
    code: str


class Group(RootModel[tuple[Level, ...]]):
    """A group of people: one level of each of one or more sensitive features. No levels at all: everyone.

    In JSON a list of `[feature, rung, code]`, for example `[["gender", "level", "woman"], ["nationality",
    "m49-subregion", "011"]]`. Codes are named in `AuditResult.features`.
    """

    model_config = ConfigDict(frozen=True)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels, in the order of the plan's features."""
        return self.root

    @property
    def family(self) -> Family:
        """The features and rungs of this group, without the codes."""
        return Family(tuple(Axis(level.feature, level.rung) for level in self.root))


class Axis(NamedTuple):
    """A feature on a rung: what the groups of a family have in common."""

    feature: str
    rung: str


class Family(RootModel[tuple[Axis, ...]]):
    """Groups judged side by side: the same features on the same rungs. In JSON a list of `[feature, rung]`."""

    model_config = ConfigDict(frozen=True)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes, in the order of the plan's features."""
        return self.root


class LevelName(Part):
    """What a code stands for."""

    rung: str
    """The rung of the ladder that the code belongs to."""
    code: str
    """The code: a canonical gender, an ISO 3166-1 alpha-3 code, a UN M49 code of a region, or the value itself."""
    name: str
    """Its English name, for reports."""
    parent: str | None = None
    """The code on the next rung of which this one is a part."""


class SensitiveFeature(Part):
    """A feature by which results are broken down. (AIF360 calls it a protected attribute.)"""

    name: str
    """The feature's name in the plan."""
    column: str
    """The column it was read from."""
    coding: Literal["gender", "nationality", "categorical"]
    """How its values were read."""
    rungs: tuple[str, ...]
    """Its rungs, finest first; `["level"]` where it has no ladder."""
    levels: tuple[LevelName, ...]
    """Every level found in the set, and every rung above it."""
    given_to_detector: bool
    """Whether the plan hands this column to the detector."""
