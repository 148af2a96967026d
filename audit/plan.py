"""The audit plan: what is audited, on which cases, against which limits. Everything decided before the data are seen.

The models here are strict: an unknown key, a wrong type or an impossible combination is an error. Reading a plan from
a file, with the line and the nearest known key in each error, is `audit.plan_file`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from audit.metrics import METRICS, MetricName, Worse, worse_direction
from audit.plan_detectors import (
    Column,
    Detector,
    ModelDetector,
    Name,
    PredictionsDetector,
    PythonDetector,
    SkopsDetector,
    Strict,
    check_disjoint,
)

__all__ = [
    "GENDERS",
    "PLAN_SCHEMA",
    "AuditPlan",
    "AuditSection",
    "Coding",
    "Comparison",
    "Detector",
    "EvaluationSetSection",
    "GroupFeature",
    "ModelDetector",
    "NationalityRung",
    "PredictionsDetector",
    "PythonDetector",
    "Route",
    "Rule",
    "ScoringSection",
    "SkopsDetector",
    "Use",
    "VerdictSection",
]

PLAN_SCHEMA = 1

Use = Literal[
    "victim-identification",
    "hotline-triage",
    "moderation",
    "lead-generation",
    "financial-monitoring",
    "border-screening",
    "supply-chain",
]
Route = Literal["services", "enforcement", "both"]
Coding = Literal["gender", "nationality", "categorical"]
NationalityRung = Literal["country", "m49-subregion", "m49-region"]
Comparison = Literal["rest", "overall", "reference"]


class AuditSection(Strict):
    """Who audits what, and where a flag goes."""

    title: Name
    """The system under audit and its version, as a reader of the report knows it."""
    owner: Name
    """Who answers for the system."""
    use: Use
    """What the system is used for."""
    route: Route
    """Where a flag goes: to services, to enforcement, or to both. It decides which error is the primary harm."""
    auditor: str = ""
    """Who carried out the audit."""
    limits_set_by: str = ""
    """Who set the limits of the rules, and on what ground. Shown in every report."""


class EvaluationSetSection(Strict):
    """The labelled cases on which the detector is tried."""

    path: Path | None = None
    """Parquet, CSV or JSONL, plain or compressed (.gz, .zst). Not needed where the table is passed in Python."""
    format: Literal["parquet", "csv", "jsonl"] | None = None
    """The file's format, where its name does not say."""
    encoding: str = "utf-8"
    """Encoding of a CSV or JSONL file; a file that is not in it is refused, never guessed at."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Delimiter of a CSV file."""
    id: Column
    """The column that names each case once. Ids are text and never shown."""
    label: Column
    """The column that says whether the case is one of exploitation."""
    label_positive: Annotated[tuple[str, ...], Field(min_length=1)] = ("1", "true")
    """Values of the label that mean exploitation; compared without regard to case."""
    label_negative: Annotated[tuple[str, ...], Field(min_length=1)] = ("0", "false")
    """Values of the label that mean no exploitation."""
    label_missing: tuple[str, ...] = ()
    """Values that stand for a missing label, beside the empty cell. Such cases stay in the account, unlabelled."""
    label_source: Name
    """Where the labels come from. Labels are not truth, and every report says whose they are."""
    numbers: tuple[Column, ...] = ()
    """Columns of a CSV or JSONL file that the detector is given as numbers; everything else there is text. A Parquet
    file carries its own types."""
    rows_are: Name = "cases"
    """What one row stands for: persons, cases, adverts, accounts."""

    @model_validator(mode="after")
    def _labelscheck_disjoint(self) -> Self:
        values = (*self.label_positive, *self.label_negative, *self.label_missing)
        check_disjoint("label_positive, label_negative and label_missing", values)
        return self


class GroupFeature(Strict):
    """A sensitive feature: a column by which results are broken down."""

    column: Column
    """The column that holds it."""
    coding: Coding | None = None
    """`gender`, `nationality` or `categorical` (values as they are). By default the feature's own name says it."""
    map: Annotated[dict[str, str], Field(default_factory=dict)]
    """How values of the column are to be read: `{ F = "woman", M = "man" }`. Nothing is guessed."""
    missing: tuple[str, ...] = ()
    """Values that stand for a missing one, beside the empty cell. They become the level `unknown`."""
    ladder: tuple[NationalityRung, ...] = ()
    """For a nationality: the rungs from the finest, on which a group too small to pass alone is judged as a part."""
    min_cases: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    """Cases of the metric's own denominator that a group needs to be judged alone; `auto` plans it (see docs)."""
    reference: str | None = None
    """The level that `compare_with = ["reference"]` compares the others with."""

    @field_validator("ladder")
    @classmethod
    def _ladder_climbs(cls, ladder: tuple[NationalityRung, ...]) -> tuple[NationalityRung, ...]:
        order = ["country", "m49-subregion", "m49-region"]
        places = [order.index(rung) for rung in ladder]
        if places and (places[0] != 0 or places != sorted(set(places))):
            raise ValueError('a ladder starts with "country" and climbs: ["country", "m49-subregion", "m49-region"]')
        return ladder


class Rule(Strict):
    """A limit on how much worse off a group may be than the rest."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] | None = None
    """A short name, unique in the plan; made from the metric where it is not given."""
    metric: MetricName
    """The rate that is limited."""
    groups: Annotated[tuple[str | tuple[str, ...], ...], Field(min_length=1)]
    """Features, and lists of features for their intersections: `["gender", ["gender", "nationality"]]`."""
    margin: Annotated[float, Field(ge=0.001, le=0.999)] | None = None
    """The largest difference from the rest that is within the limit, in shares: 0.10 is ten percentage points."""
    ratio: Annotated[float, Field(ge=0.01, lt=1)] | None = None
    """The smallest ratio that is within the limit: 0.80 is four fifths (for a rate that harms when high, 1/0.80)."""
    direction: Literal["worse", "both"] = "worse"
    """`worse` limits harm to the group; `both` limits any difference from the rest."""
    expected_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The rate expected before the audit. It plans group sizes (`min_cases = "auto"`) and enters no test."""
    reason: str = ""
    """Why this limit: who set it and on what ground."""

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        if (self.margin is None) == (self.ratio is None):
            raise ValueError("write exactly one of `margin` (a difference) and `ratio`")
        if METRICS[self.metric].worse is Worse.NOT_JUDGED:
            raise ValueError(f"{self.metric} is a property of the labels; a rule needs a rate of the detector")
        return self

    @property
    def scale(self) -> Literal["difference", "ratio"]:
        """Whether the limit is a difference or a ratio."""
        return "difference" if self.ratio is None else "ratio"

    @property
    def limit(self) -> float:
        """The margin or the ratio, whichever the rule sets."""
        limit = self.margin if self.ratio is None else self.ratio
        assert limit is not None  # noqa: S101 - the validator above has seen to it
        return limit

    @property
    def planned_rate(self) -> float:
        """The rate that planning assumes."""
        return METRICS[self.metric].expected_rate if self.expected_rate is None else self.expected_rate

    @property
    def feature_sets(self) -> tuple[tuple[str, ...], ...]:
        """`groups` with single features as one-tuples."""
        return tuple((entry,) if isinstance(entry, str) else entry for entry in self.groups)


class VerdictSection(Strict):
    """How verdicts are reached. The defaults are the project's; a change is shown in every report."""

    alpha: Annotated[float, Field(ge=0.005, le=0.2)] = 0.05
    """The largest chance of any false FAIL over the whole audit, and of a false PASS of a group. At least 0.005: the
    test for a PASS spends 0.001 on not knowing the rest's rate, and near that nothing could pass."""
    min_coverage: Annotated[float, Field(ge=0, le=1)] = 0.80
    """The share of a rule's people who must be in groups that could be judged, for the rule to pass."""
    min_denominator: Annotated[int, Field(ge=1)] = 5
    """Below this many cases no rate is stated and nothing is judged: `not_evaluable`."""
    power: Annotated[float, Field(gt=0.5, le=0.99)] = 0.80
    """`min_cases = "auto"`: the chance of passing that a group equal to the rest must have to be judged alone."""
    level: Annotated[float, Field(ge=0.5, le=0.9999)] = 0.95
    """Level of the intervals that are shown."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of every random procedure. Nothing in this version is random; it is recorded for the day that is."""
    compare_with: tuple[Comparison, ...] = ("rest",)
    """What the disparities that are shown compare a group with. Verdicts always compare with the rest."""


class ScoringSection(Strict):
    """How the detector is run. Scores can change in their last bits with the batch, so it is part of the plan."""

    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    """Rows given to the detector at a time."""
    order: Literal["id", "file"] = "id"
    """Rows are batched in the order of their ids, so that a shuffled file gives the same scores, or as in the file."""


class AuditPlan(Strict):
    """A whole plan, checked. Paths are relative to the folder of the plan file."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    """Version of the plan's format: 1."""
    audit: AuditSection
    """Who audits what."""
    detector: Detector
    """The model under audit."""
    evaluation_set: EvaluationSetSection
    """The labelled cases."""
    groups: Annotated[dict[str, GroupFeature], Field(min_length=1)]
    """The sensitive features, by name."""
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    """The limits."""
    verdict: VerdictSection = VerdictSection()
    """How verdicts are reached."""
    scoring: ScoringSection = ScoringSection()
    """How the detector is run."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        validate_by_alias=True,
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name, feature in self.groups.items():
            _check_feature(name, feature, self.coding(name))
        self._check_columns()
        if "reference" in self.verdict.compare_with and not any(f.reference for f in self.groups.values()):
            raise ValueError('compare_with = ["reference"] needs `reference = "<level>"` in a [groups.<name>]')
        for position, rule in enumerate(self.rules, start=1):
            self._check_rule(position, rule)
        ids = [rule.id for rule in self.named_rules]
        if len(set(ids)) < len(ids):
            raise ValueError("two rules have the same id")
        return self

    def _check_columns(self) -> None:
        """No column speaks twice: an answer that is the label passes everything; a group of ids is a list of people."""
        section, detector = self.evaluation_set, self.detector
        if section.id == section.label:
            raise ValueError("evaluation_set.id and evaluation_set.label name the same column")
        for name, feature in self.groups.items():
            if feature.column in (section.id, section.label):
                raise ValueError(f"groups.{name}.column is also the id or the label of a case")
        if isinstance(detector, PredictionsDetector) and detector.path is None:
            spoken_for = {section.id, section.label, *(feature.column for feature in self.groups.values())}
            if spoken_for & {detector.score, detector.decision}:
                raise ValueError("the detector's answer is also the id, the label or a group: name its own column")

    def _check_rule(self, position: int, rule: Rule) -> None:
        for features in rule.feature_sets:
            if not features or len(set(features)) < len(features):
                raise ValueError(f"rule {position}: an intersection names each feature once")
            for feature in features:
                if feature not in self.groups:
                    known = ", ".join(self.groups)
                    raise ValueError(f"rule {position}: no [groups.{feature}] in this plan (it has: {known})")
        if rule.direction == "worse" and worse_direction(rule.metric, self.audit.route) is Worse.NOT_JUDGED:
            raise ValueError(
                f'rule {position}: with route = "both" a low and a high {rule.metric} both harm; '
                'write direction = "both"'
            )

    def coding(self, feature: str) -> Coding:
        """How the values of `feature` are read: as declared, or by the feature's own name."""
        declared = self.groups[feature].coding
        if declared is not None:
            return declared
        return "gender" if feature == "gender" else "nationality" if feature == "nationality" else "categorical"

    def rungs(self, feature: str) -> tuple[str, ...]:
        """The rungs on which `feature` is broken down, finest first; `("level",)` where it has no ladder."""
        if self.coding(feature) != "nationality":
            return ("level",)
        return self.groups[feature].ladder or ("country",)

    @property
    def named_rules(self) -> tuple[Rule, ...]:
        """The rules, each with an id: its own, or its metric with a number where several rules share it."""
        named: list[Rule] = []
        for rule in self.rules:
            same = sum(1 for earlier in named if earlier.metric == rule.metric)
            rule_id = rule.id or (f"{rule.metric}-{same + 1}" if same else rule.metric)
            named.append(rule.model_copy(update={"id": rule_id}))
        return tuple(named)


def _check_feature(name: str, feature: GroupFeature, coding: Coding) -> None:
    if feature.ladder and coding != "nationality":
        raise ValueError(f"groups.{name}: only a nationality has a ladder")
    if coding == "gender":
        for value, level in feature.map.items():
            if level not in GENDERS:
                raise ValueError(f'groups.{name}.map: {value} = "{level}"; the levels are {", ".join(GENDERS)}')
    if not name.isidentifier():
        raise ValueError(f"groups.{name}: a feature's name is made of letters, digits and underscores")


GENDERS = ("woman", "man", "non-binary", "unknown")
