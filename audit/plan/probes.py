"""Counterfactual probes of a plan: the change in a text or a row, the anchor it is compared with, and a limit."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from audit.plan.answers import Column, PredictionsDetector, Strict
from audit.plan.detectors import Detector

COUNTERFACTUAL_SHIFT: Final = "counterfactual_shift"
"""Metric of a rule on probes."""

ProbeSlot = Literal["demonym", "country", "gender", "name", "language"]
ProbeLanguage = Literal["en", "es", "fr"]

ProbeId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
FixedValue = str | int | float | bool


class _Probe(Strict):
    id: ProbeId
    """A short name, unique in the plan."""
    intersections: bool = False
    """Whether each slot or column is also changed within each level of every other one: the nationality word in texts
    about a woman, and in texts about a man."""
    answers: Path | None = None
    """For a detector known by its predictions: the file with its answers to what `audit7k probes write` wrote, with
    the columns that `[detector]` names."""


class TextProbe(_Probe):
    """Texts in which single words are changed."""

    kind: Literal["text"]
    """`text`."""
    column: Column
    """The column under which the detector is given the text."""
    slots: Annotated[tuple[ProbeSlot, ...], Field(min_length=1)]
    """What is changed, one at a time: `demonym` (a Nigerian woman), `country` (from Nigeria), `gender` (noun and
    pronoun), `name` (a given name) and `language`."""
    templates: Path | Literal["adverts", "case-notes"] = "adverts"
    """The package's recruitment adverts or case notes, or a TOML file of your own."""
    languages: Annotated[tuple[ProbeLanguage, ...], Field(min_length=1)] = ("en",)
    """Languages of the templates. Where `language` is a slot, the first is what the others are compared with."""
    levels: Annotated[dict[ProbeSlot, Annotated[tuple[str, ...], Field(min_length=1)]], Field(default_factory=dict)]
    """Which words, by slot: `{ demonym = ["NGA", "PHL"] }`. All that there are, where a slot is not named."""
    anchor: Annotated[dict[ProbeSlot, str], Field(default_factory=dict)]
    """The level that a slot's others are compared with, by slot. Where none is named it is the neutral form: no
    nationality, no country, "person" and "they", "N. N." for a name."""
    names: Annotated[int, Field(ge=1, le=10)] = 4
    """Given names for each level of `name` and each gender."""
    words: Path | None = None
    """A TOML file with words of your own, which come beside the package's and replace those of the same level."""
    fixed: Annotated[dict[str, FixedValue], Field(default_factory=dict)]
    """The value of every other column that the detector is given, the same for all texts."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for key, values in (("slots", self.slots), ("languages", self.languages)):
            if len(set(values)) < len(values):
                raise ValueError(f"{key} names one twice")
        for key, named in (("levels", self.levels), ("anchor", self.anchor)):
            for slot in named:
                if slot not in self.slots:
                    raise ValueError(f"{key}.{slot}: {slot} is not among the slots that are changed")
                if slot == "language":
                    raise ValueError(f"{key}.language: `languages` says which, and its first is the anchor")
        if "name" in self.anchor and "gender" in self.slots:
            raise ValueError("anchor.name: a name says a gender; leave it out where the gender is changed")
        if "language" in self.slots and len(self.languages) < 2:
            raise ValueError("to change the language, name two `languages` or more")
        if self.column in self.fixed:
            raise ValueError("fixed names the column of the text")
        return self

    @model_validator(mode="after")
    def _levels_beside_the_anchor(self) -> Self:
        for slot, levels in self.levels.items():
            if len(set(levels)) < len(levels):
                raise ValueError(f"levels.{slot} names a level twice")
            if set(levels) == {self.anchor.get(slot)}:
                raise ValueError(f"levels.{slot} has no level beside its anchor")
        return self

    @property
    def changed(self) -> tuple[str, ...]:
        """Slots that are changed, in the order of the plan."""
        return self.slots

    @property
    def families(self) -> int:
        """Number of families of comparisons: each slot by itself, and within the levels of each other slot.

        A name cannot be held while the gender is changed.
        """
        return _families(len(self.slots), self.intersections) - (
            self.intersections and {"gender", "name"} <= set(self.slots)
        )


def _families(changed: int, intersections: bool) -> int:
    return changed * changed if intersections else changed


class ColumnsProbe(_Probe):
    """Rows of the evaluation set in which declared columns are changed."""

    kind: Literal["columns"]
    """`columns`."""
    values: Annotated[
        dict[Column, Annotated[tuple[str, ...], Field(min_length=1, max_length=500)]], Field(min_length=1)
    ]
    """The columns that are changed, and the values that each is given: `{ gender = ["F", "M"] }`. Written as text, and
    read in the column's own type."""
    anchor: dict[Column, str]
    """The value of each of them that the others are compared with; "" is an empty cell."""
    rows: Annotated[int, Field(ge=10, le=100_000)] = 500
    """Rows drawn from the set at random."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the draw."""
    features: tuple[Column, ...] = ()
    """For a detector known by its predictions: the columns to write for whoever scores the rows."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if set(self.anchor) != set(self.values):
            raise ValueError("anchor names the same columns as `values`, each with one value")
        for column, values in self.values.items():
            if len(set(values)) < len(values):
                raise ValueError(f"values.{column} names a value twice")
            if set(values) == {self.anchor[column]}:
                raise ValueError(f"values.{column} has no value beside its anchor")
        if len(set(self.features)) < len(self.features):
            raise ValueError("features names a column twice")
        return self

    @property
    def changed(self) -> tuple[str, ...]:
        """Columns that are changed, in the order of the plan."""
        return tuple(self.values)

    @property
    def families(self) -> int:
        """Number of families of comparisons: each column by itself, and within the values of each other one."""
        return _families(len(self.values), self.intersections)


Probe = Annotated[TextProbe | ColumnsProbe, Field(discriminator="kind")]


class ProbeRule(Strict):
    """A limit on how far changing a word, or a column, may move the score."""

    id: ProbeId | None = None
    """A short name, unique in the plan; made from the metric where it is not given."""
    metric: Literal["counterfactual_shift"]
    """`counterfactual_shift`."""
    probes: tuple[str, ...] = ()
    """Ids of the probes that are limited; all of them where none is given."""
    margin: Annotated[float, Field(ge=0.001, le=0.999)]
    """The largest mean shift of the score, up or down, that is within the limit, as a share of `score_range`."""
    reason: str = ""
    """Why this limit: who set it and on what ground."""


class NamedProbeRule(ProbeRule):
    """A limit on probes whose id is known: its own, or one made from its metric."""

    id: str


def rule_form(value: Any) -> str:
    """Form of a rule, by its metric even if that is misspelt, so that other mistakes are reported as they are."""
    metric = value.get("metric") if isinstance(value, dict) else getattr(value, "metric", None)
    return "probes" if str(metric).casefold().startswith("counterfact") else "rates"


def check_probes(
    probes: tuple[TextProbe | ColumnsProbe, ...], rules: tuple[ProbeRule, ...], detector: Detector
) -> None:
    """Raise ValueError where probes, the rules on them and the detector do not fit together."""
    ids = [probe.id for probe in probes]
    for number, probe in enumerate(probes, start=1):
        if ids.index(probe.id) < number - 1:
            raise ValueError(f"probes {number}: a second probe with the id {probe.id}")
        try:
            _check_probe(probe, detector)
        except ValueError as error:
            raise ValueError(f"probes {number}: {error}") from None
    for rule in rules:
        if not probes:
            raise ValueError(f"a rule on {COUNTERFACTUAL_SHIFT} needs a probe: write [[probes]]")
        if len(set(rule.probes)) < len(rule.probes):
            raise ValueError(f"a rule on {COUNTERFACTUAL_SHIFT} names a probe twice")
        for name in rule.probes:
            if name not in ids:
                raise ValueError(
                    f"a rule on {COUNTERFACTUAL_SHIFT} names the probe {name} (the plan has: {_listed(ids)})"
                )


def _check_probe(probe: TextProbe | ColumnsProbe, detector: Detector) -> None:
    if isinstance(detector, PredictionsDetector):
        if isinstance(probe, ColumnsProbe):
            lacking = [column for column in probe.values if column not in probe.features]
            if lacking:
                raise ValueError(f"with predictions, `features` names what is written, {_listed(lacking)} among it")
        return
    if probe.answers is not None:
        raise ValueError("this detector is run on the probe; `answers` is for one known by its predictions")
    if isinstance(probe, ColumnsProbe):
        if probe.features:
            raise ValueError("`features` of a probe is for a detector known by its predictions")
        unused = [column for column in probe.values if column not in detector.features]
        if unused:
            raise ValueError(f"the detector is not given {_listed(unused)}: changing it would change nothing")
        return
    _check_given(probe, detector.features)


def _check_given(probe: TextProbe, features: tuple[str, ...]) -> None:
    if probe.column not in features:
        raise ValueError(f"the detector is not given {probe.column} (its features: {_listed(features)})")
    lacking = [column for column in features if column != probe.column and column not in probe.fixed]
    if lacking:
        raise ValueError(f"the detector is also given {_listed(lacking)}: write fixed = {{ {lacking[0]} = … }}")
    unknown = [column for column in probe.fixed if column not in features]
    if unknown:
        raise ValueError(f"fixed names {_listed(unknown)}, which the detector is not given")


def _listed(words: tuple[str, ...] | list[str]) -> str:
    return ", ".join(words)


RateForm = Tag("rates")
ProbeForm = Tag("probes")
ByMetric = Discriminator(rule_form)
