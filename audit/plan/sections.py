"""Sections of a plan beside its limits: groups, verdicts, comparisons, and doubts."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from audit.plan.answers import Column, Name, Strict, check_disjoint
from audit.plan.detectors import EnvironmentName, Seconds

Comparison = Literal["rest", "overall", "reference"]
Coding = Literal["gender", "nationality", "relation", "categorical"]
GenderCodes = Literal["iso-5218", "icao-9303", "unodc"]
NationalityRung = Literal["country", "m49-subregion", "m49-region"]
GENDERS = ("woman", "man", "non-binary", "unknown")


class GroupFeature(Strict):
    """A sensitive feature: a column by which results are broken down."""

    column: Column
    """The column that holds it."""
    coding: Coding | None = None
    """`gender`, `nationality`, `relation` (of a nationality to a country; or a flag of citizenship, with a `map` to
    national and foreign) or `categorical` (values as they are). By default the feature's own name says it."""
    codes: GenderCodes | None = None
    """For a gender: whose codes the column holds: `iso-5218` (0, 1, 2), `icao-9303` (F, M) or `unodc` (Female, Male,
    Other, Unknown). Not given, no code is read."""
    map: Annotated[dict[str, str], Field(default_factory=dict)]
    """How values of the column are to be read: `{ F = "woman", M = "man" }`. Nothing is guessed."""
    missing: tuple[str, ...] = ()
    """Values that stand for a missing one, beside the empty cell. They become the level `unknown`."""
    separator: Annotated[str, Field(min_length=1, max_length=10)] | None = None
    """For a nationality: what stands between several in one cell. Needs `dual`. Cells that are lists need none."""
    dual: Literal["primary", "any"] | None = None
    """For a nationality: what is done with several in one cell, which must all be readable. `primary` counts the case
    under the first. `any` counts it under all of them together, a group of its own, shows every nationality also with
    all who hold it, and passes a group only if it would pass whichever of them belonged to it."""
    children: tuple[str, ...] = ()
    """For an age band: the levels that are children. With a gender they are called girls and boys."""
    country_column: Column | None = None
    """For a relation: the column with the country of exploitation."""
    country: str | None = None
    """For a relation: the country of exploitation of all cases, instead of a column."""
    ladder: tuple[NationalityRung, ...] = ()
    """For a nationality: the rungs from the finest, on which a group too small to pass alone is judged as a part."""
    min_cases: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    """Cases of the metric's own denominator that a group needs to be judged alone; `auto` plans it (see docs)."""
    expected: tuple[str, ...] = ()
    """Levels that the set must hold, as codes. Where one has fewer cases than `min_denominator` no rule over this
    feature passes, however well the others do."""
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

    def holds_nationalities(self, coding: Coding) -> bool:
        """Whether the cells hold nationalities: a relation without a country is a flag of citizenship."""
        return coding == "nationality" or (coding == "relation" and (self.country or self.country_column) is not None)

    def check(self, key: str, coding: Coding) -> None:
        """Raise ValueError for keys that have no meaning in this coding."""
        if self.ladder and coding != "nationality":
            raise ValueError(f"{key}: only a nationality has a ladder")
        if self.codes is not None and coding != "gender":
            raise ValueError(f"{key}.codes: only a gender has them; those of a nationality are known")
        if self.separator is not None and self.dual is None:
            raise ValueError(f"{key}.separator: say with `dual` what is done with several in one cell")
        if self.dual is not None and not self.holds_nationalities(coding):
            raise ValueError(f"{key}.dual: only a nationality has several in one cell")
        places = (self.country_column is not None) + (self.country is not None)
        if places > (coding == "relation") or (coding == "relation" and not places and not self.map):
            raise ValueError(
                f"{key}: a relation, and nothing else, needs one of `country_column` and `country`; or a `map` to "
                "national and foreign, if the column is a flag of citizenship"
            )
        check_disjoint(f"{key}.expected", self.expected)
        check_disjoint(f"{key}.children", self.children)
        if self.children and coding != "categorical":
            raise ValueError(f"{key}.children: only an age band has levels of children")
        if coding == "gender":
            for level in self.expected:
                if level not in GENDERS:
                    raise ValueError(f"{key}.expected: {level}; the levels are {', '.join(GENDERS)}")
            for value, level in self.map.items():
                if level not in GENDERS:
                    raise ValueError(f'{key}.map: {value} = "{level}"; the levels are {", ".join(GENDERS)}')


Groups = Mapping[str, GroupFeature]
"""Sensitive features of a plan, by name."""


def feature_coding(groups: Groups, feature: str) -> Coding:
    """Return the coding of the values of `feature`: as declared, or by the feature's own name."""
    declared = groups[feature].coding
    if declared is not None:
        return declared
    return "gender" if feature == "gender" else "nationality" if feature == "nationality" else "categorical"


def feature_rungs(groups: Groups, feature: str) -> tuple[str, ...]:
    """Return the rungs on which `feature` is broken down, finest first; `("level",)` where it has no ladder."""
    if feature_coding(groups, feature) != "nationality":
        return ("level",)
    return groups[feature].ladder or ("country",)


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
    """`min_cases = "auto"`: the chance of a pass, over all groups judged alone, if everyone is treated alike."""
    level: Annotated[float, Field(ge=0.5, le=0.9999)] = 0.95
    """Level of the intervals that are shown."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of every random procedure. Nothing in this version is random; it is recorded for the day that is."""
    max_failed: Annotated[float, Field(ge=0, le=1)] = 0.05
    """The largest share of the set's rows for which the detector may fail to give a usable answer. Above it no rule on
    a rate is decided: an outage is no finding. Rules on probes have answers of their own."""
    compare_with: tuple[Comparison, ...] = ("rest",)
    """What the disparities that are shown compare a group with. Verdicts always compare with the rest."""
    releases: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """How many releases of the system will be tested over this set: `alpha` is then the chance of any false FAIL over
    all of them. The limits of each spend half of it, divided by this number; comparisons with accepted versions spend
    the other half. Without it every release spends `alpha` on its limits, and comparisons over 40 releases spend as
    much again."""

    @property
    def alpha_of_limits(self) -> float:
        """Chance of a false FAIL that the limits of one release may spend."""
        return self.alpha if self.releases is None else self.alpha / (2.0 * self.releases)


class ScoringSection(Strict):
    """How the detector is run. Scores can change in their last bits with the batch, so it is part of the plan."""

    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    """Rows given to the detector at a time."""
    order: Literal["id", "file"] = "id"
    """Rows are batched in the order of their ids, so that a shuffled file gives the same scores, or as in the file."""
    repeat: Annotated[int, Field(ge=1, le=5)] = 1
    """How often the detector is asked about every row. From 2 on the report shows how often it contradicts itself,
    group by group; verdicts rest on its first answers."""
    most_failed_batches: Annotated[int, Field(ge=0, le=10_000)] = 5
    """When so many batches in a row get no answer to any row (time-outs, no connection, crashes, HTTP 429, 3xx, 5xx),
    what answers is gone: the run ends, and can go on later. 0: never; then all such rows count as failed."""


class SandboxSection(Strict):
    """Limits of a detector that runs in a process of its own. The person who runs the audit decides whether it does."""

    memory_mib: Annotated[int, Field(ge=256, le=2**24)] = 16_384
    """MiB of address space that the process, and each one it starts, may have. Libraries reserve far more than they
    use."""
    batch_timeout: Seconds = 3600.0
    """Seconds within which a batch must be answered; the run ends where it is not. For a program its own limits
    (`start_timeout` and `timeout`) come on top."""
    open_timeout: Seconds = 600.0
    """Seconds within which the model must be loaded."""
    environment: tuple[EnvironmentName, ...] = ()
    """Names of environment variables that the process is given beside PATH, HOME and the like. Only names: the values
    never stand in a plan."""


class EngineSection(Strict):
    """Where rows are counted. It changes no number, and stands in no result: `provenance` says what counted."""

    kind: Literal["duckdb", "spark"] = "duckdb"
    """`duckdb`: in this process. `spark`: on an Apache Spark 4.0 or newer, where the Parquet files lie."""
    remote: Annotated[str, Field(pattern=r"^sc://[^\s]+$")] | None = None
    """Address of Spark Connect: `sc://spark.internal:15002`. Without it, the session at hand in Python, or one on this
    machine. Never write a secret here: the environment variable SPARK_REMOTE holds addresses with tokens."""

    @model_validator(mode="after")
    def _no_secret(self) -> Self:
        if self.remote is not None and (self.kind != "spark" or re.search(r"[;?@]", self.remote)):
            raise ValueError(
                "remote is host and port alone, for Spark: a plan is copied, and a token written in it is no secret"
            )
        return self


class ControlFeature(Strict):
    """A feature by which like is compared with like: form of exploitation, source, age band, channel."""

    column: Column
    """The column that holds it, as text."""
    missing: tuple[str, ...] = ()
    """Values that stand for a missing one, beside the empty cell. They become the level `unknown`."""


class ControlSampleSection(Strict):
    """The cases that were drawn at random before anybody decided whom to look at: a check of selective labels."""

    column: Column
    """The column that says whether a case was drawn at random."""
    values: Annotated[tuple[str, ...], Field(min_length=1)] = ("1", "true")
    """Values that say yes; compared without regard to case. Every other value, and an empty cell, says no."""


class DeploymentSection(Strict):
    """Where the detector works, as far as it differs from the evaluation set."""

    prevalence: Annotated[float, Field(gt=0, lt=1)]
    """Share of cases of exploitation among all that the detector sees at work. Precision and share flagged are also
    stated at this base rate, because an enriched set shows neither."""
    source: Name
    """Where that share comes from."""


class CostsSection(Strict):
    """What an error costs, in one unit of the operator's choice; only their ratio matters."""

    cost_missed: Annotated[float, Field(ge=0, le=1e9)]
    """Cost of a case of exploitation that is not flagged."""
    cost_flagged: Annotated[float, Field(ge=0, le=1e9)]
    """Cost of any other case that is flagged."""
    reason: str = ""
    """Who weighed the two errors, and on what ground."""

    @model_validator(mode="after")
    def _some_cost(self) -> Self:
        if self.cost_missed == 0 and self.cost_flagged == 0:
            raise ValueError("one of cost_missed and cost_flagged must be above 0")
        return self


class ScanSection(Strict):
    """A search for subgroups that nobody named: over the columns declared here and the sensitive features."""

    columns: Annotated[tuple[Column, ...], Field(max_length=12)] = ()
    """Extra columns of categories: age band, form, channel, language. At most 1,000 values each."""
    features: tuple[str, ...] = ()
    """Sensitive features to search over as well, by name and on their finest rung; all of them where none is given."""
    replicates: Annotated[int, Field(ge=19, le=9_999)] = 199
    """Simulated null data sets that calibrate the score of the best subset."""
    penalty: Annotated[float, Field(ge=0, le=1_000)] = 1.0
    """What each value named in a subset costs its score; 0 lets the largest subset win."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for key, names in (("columns", self.columns), ("features", self.features)):
            if len(set(names)) < len(names):
                raise ValueError(f"scan.{key} names each column or feature once")
        return self


UnknownFactor = Annotated[float, Field(ge=1, le=1_000)] | Literal["worst"]


class SensitivitySection(Strict):
    """What is supposed of people whose sensitive feature was not recorded. A PASS holds for whatever this leaves open,
    and a FAIL says whether it does.
    """

    unknown_share_factor: UnknownFactor = 2.0
    """At most so many times as many of the people of unknown feature belong to a group as its share of the people
    recorded. `"worst"`: any number of them may."""
    unknown_odds_factor: UnknownFactor = 2.0
    """The odds of harm among those who belong to a group are at most so many times the odds among all people of unknown
    feature who may belong to it. `"worst"`: all who are harmed may belong to one group, and nobody else."""
    max_missing_share: Annotated[float, Field(ge=0, lt=1)] | None = None
    """The largest share of any group's own cases whose sensitive feature was not recorded, as far as the operator can
    vouch for it. It bounds the people of unknown feature beside the factors."""
    reason: str = ""
    """On what ground this is supposed."""


class DisclosureSection(Strict):
    """How people are protected in public files. It is the same for every release of a set; a change is refused."""

    floor: Annotated[int, Field(ge=3, le=100)] = 10
    """No number of people below it is shown in a public file, and no changed number below it either."""
    absent: tuple[Literal["positives", "negatives", "unscored", "unlabelled"], ...] = ()
    """Kinds of cases that cannot occur in this set, whoever is in it: a set of victims alone has no `negatives`. It is
    checked. Saying so leaves them out of public files and out of the attack on them."""
    unit: Literal["cluster", "row"] = "cluster"
    """Who is counted once in public files where the plan names a `cluster`: whatever rows belong to (a person with
    several cases, an advertiser), or each row. `row` says that no two rows are of one person. Without a `cluster` each
    row is counted."""
    folder: Path | None = None
    """The restricted folder, with the secret key of the set and the log of its releases. By default `restricted` in the
    output folder."""

    @field_validator("absent")
    @classmethod
    def _each_once(cls, absent: tuple[str, ...]) -> tuple[str, ...]:
        check_disjoint("disclosure.absent", absent)
        if {"positives", "negatives"} <= set(absent):
            raise ValueError("disclosure.absent: a set without positives and without negatives has no rates")
        return absent


class BaselineSection(Strict):
    """How a new version is held against an earlier audit of the same plan and set. It decides nothing about the audit
    itself.
    """

    result: Path | None = None
    """The `result.json` of the earlier audit, or its folder, unless another is named with `--baseline`."""
    regression_margin: Annotated[float, Field(ge=0.001, le=0.999)] = 0.05
    """How much worse a rate of a group may have become, in shares: 0.05 is five percentage points."""
    expected_change: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """The share of cases on which both versions are expected to differ. It plans which groups are large enough to be
    judged alone and enters no test."""


class ReferenceTableSection(Strict):
    """What is known from elsewhere about who is exploited: a CSV file with a row for each level of one feature."""

    path: Path
    """The CSV file, with a header."""
    feature: str
    """The sensitive feature that it is about."""
    rung: str | None = None
    """The rung of that feature's ladder that its levels stand on; the finest where none is given."""
    level: Column
    """The column with the level, as its code."""
    share: Column
    """The column with the level's share among the exploited, or a number of persons; they are scaled to add up to 1."""
    source: Name
    """Where the table comes from, with its year: labels are compared with it, and it is no truth either."""
