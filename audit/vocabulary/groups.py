"""Groups of people as typed keys: never a joined string, so that no two groups can share a name."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol, Self, TypeVar, cast

from pydantic import ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from audit.vocabulary.documented import Documented

Root = TypeVar("Root", bound=tuple[Any, ...])


class Part(Documented):
    """A part of a result: strict, frozen, and documented field by field."""

    # A NaN would become null unseen; written as it is, no reader takes it. Unknown numbers are None.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, ser_json_inf_nan="constants")


class Level(NamedTuple):
    """One level of one sensitive feature, on one rung of its ladder."""

    feature: str
    rung: str
    code: str


class _Key(RootModel[Root]):
    """A frozen key of dicts: compared and hashed as the tuple that it is, a tenth of the time that pydantic takes."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.root == cast("Self", other).root

    def __hash__(self) -> int:
        return hash(self.root)


class _Known(dict[tuple[tuple[str, ...], ...], "Group"]):
    """Groups by the texts of their levels, each made once: a file names one some ten times."""

    most: Final = 100_000

    def __missing__(self, texts: tuple[tuple[str, ...], ...]) -> "Group":
        group = Group.model_validate(texts)
        if len(self) < self.most:
            self[texts] = group
        return group


_KNOWN: Final = _Known()


class Group(_Key[tuple[Level, ...]]):
    """A group of people: one level of each of one or more sensitive features. No levels at all: everyone.

    In JSON a list of `[feature, rung, code]`, for example `[["gender", "level", "woman"], ["nationality",
    "m49-subregion", "011"]]`. Codes are named in `AuditResult.features`.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Look groups of JSON up among those that are known, without a line of Python for those that are."""
        schema = handler(source)
        if schema["type"] != "model":  # this, made for another model
            return schema
        anonymous = {key: value for key, value in schema.items() if key != "ref"}
        level = core_schema.tuple_variable_schema(core_schema.str_schema(strict=True))
        known = core_schema.no_info_after_validator_function(
            _KNOWN.__getitem__, core_schema.tuple_variable_schema(level)
        )
        return core_schema.json_or_python_schema(known, anonymous, ref=schema["ref"], serialization=anonymous)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe what a level is, too."""
        return handler(schema["python_schema"] if schema["type"] == "json-or-python" else schema)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels, in the order of the plan's features."""
        return self.root

    @property
    def people(self) -> frozenset[tuple[str, str]]:
        """Features and codes without rungs: a code on every rung of a ladder is the same people on each."""
        return frozenset((level.feature, level.code) for level in self.root)

    @property
    def family(self) -> "Family":
        """Features and rungs of this group, without the codes."""
        return Family.model_construct(root=tuple(Axis(level.feature, level.rung) for level in self.root))


class Axis(NamedTuple):
    """A feature on a rung: the part that the groups of a family have in common."""

    feature: str
    rung: str


class Family(_Key[tuple[Axis, ...]]):
    """Groups judged side by side: the same features on the same rungs. In JSON a list of `[feature, rung]`."""

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
    parts: tuple[str, ...] = ()
    """Of people who have several nationalities, and are counted under all of them together: their codes."""


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
    """Every level found in the set or expected of it, those that people hold together, and every rung above."""
    given_to_detector: bool
    """Whether the plan hands this column to the detector."""
    expected: tuple[str, ...] = ()
    """Codes on the finest rung that the plan expects the set to hold, whether it does or not."""
    children: tuple[str, ...] = ()
    """Of an age band: the codes of levels that are children."""
    several: int = 0
    """Cases with several nationalities in one cell."""
    several_as: Literal["first", "together", "standing"] | None = None
    """What they are counted under: the first, all of them together as a group of its own, or how any of them stands to
    the country of exploitation; None where there are none."""


class NamedFeature(Protocol):
    """A feature with what the name of a group needs: one of a result, or of a public release."""

    @property
    def name(self) -> str:
        """The feature's name in the plan."""
        ...

    @property
    def coding(self) -> Literal["gender", "nationality", "categorical"]:
        """How its values were read."""
        ...

    @property
    def levels(self) -> tuple[LevelName, ...]:
        """Its levels, on every rung."""
        ...

    @property
    def children(self) -> tuple[str, ...]:
        """Of an age band: the codes of levels that are children."""
        ...


CHILDREN: Final = {"woman": "girl", "man": "boy", "non-binary": "non-binary child"}
"""Word for a child of each gender."""


def without_age(levels: Sequence[Level], features: Mapping[str, NamedFeature]) -> tuple[Sequence[Level], bool]:
    """Levels that the name of these people still needs, and whether they are children of one gender.

    The words girl and boy already say the age band, unless there are several bands of children.
    """
    ages = {level for level in levels if level.feature in features and level.code in features[level.feature].children}
    young = bool(ages) and any(
        level.code in CHILDREN and level.feature in features and features[level.feature].coding == "gender"
        for level in levels
    )
    if not young:
        return levels, False
    return [level for level in levels if level not in ages or len(features[level.feature].children) > 1], True
