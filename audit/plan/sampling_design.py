"""The design of a drawn set: its pool, its cells, the number of cases of each, and the seed.

It shares sections with the plan of an audit (`[groups]`, `[[rules]]`, `[verdict]`), so that every value is read as the
audit will read it. The module `audit.plan.file.plan_file` reads a design from a file.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from audit.plan.answers import Column, Name, Strict, check_lists_differ
from audit.plan.audit_plan import AuditPlan, Route, Rule, refuse_unknown_rates
from audit.plan.sections import GroupFeature, VerdictSection
from audit.vocabulary.metrics import METRICS

DESIGN_SCHEMA: Final = 1
COLUMNS_ADDED: Final = ("inclusion_probability", "design_weight", "stratum", "copies", "sampling_unit")
"""Columns that a drawn set has beside those of its pool; the last two only where the design uses them."""


class PoolSection(Strict):
    """The labelled cases to draw from. The file itself is named on the command line."""

    format: Literal["parquet", "csv", "jsonl"] | None = None
    """The file's format, where its name does not say."""
    encoding: str = "utf-8"
    """Encoding of a CSV or JSONL file; a file that is not in it is refused, never guessed at."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Delimiter of a CSV file."""
    id: Column
    """The column that names each case once. With the seed it decides alone which cases are drawn."""
    label: Column
    """The column that says whether the case is one of exploitation."""
    label_positive: Annotated[tuple[str, ...], Field(min_length=1)] = ("1", "true")
    """Values of the label that mean exploitation; compared without regard to case."""
    label_negative: Annotated[tuple[str, ...], Field(min_length=1)] = ("0", "false")
    """Values of the label that mean no exploitation."""
    label_missing: tuple[str, ...] = ()
    """Values that stand for a missing label, beside the empty cell. Such cases are counted, and never drawn."""
    label_source: Name
    """Where the labels come from."""
    rows_are: Name = "cases"
    """What one row stands for: persons, cases, adverts, accounts."""
    cluster: Column | None = None
    """The column that names what a row belongs to (advertiser, account, household). Clusters are drawn whole."""
    expected_icc: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """With `cluster`: how alike its rows are expected to be (intracluster correlation). It plans sizes."""

    @model_validator(mode="after")
    def _disjoint_labels(self) -> Self:
        check_lists_differ(self, "label_positive", "label_negative", "label_missing")
        return self


class DrawSection(Strict):
    """How many cases are drawn, and by which seed."""

    size: Annotated[int, Field(ge=1)] | None = None
    """Cases to draw in all. Not needed with quotas, nor with `allocation = "decidable"`, which then draws what
    the rules need."""
    allocation: Literal["equal", "proportional", "decidable"] | None = None
    """`equal` draws the same number from every cell; `proportional` as many as its share of the pool; `decidable` makes
    the smallest disparity that can be decided the same for every group of the rules. A cell is a level of every
    sensitive feature with a label."""
    least_per_cell: Annotated[int, Field(ge=1)] = 5
    """Cases that every cell gives at least, or all that it has: the set stands for nobody who is never drawn."""
    seed: Annotated[int, Field(ge=0)]
    """Decides which cases are drawn. Choose it after the pool is fixed, best by a public draw."""
    route: Route = "services"
    """Where a flag goes, as in a plan: it decides on which side a share flagged harms."""


class DuplicatesSection(Strict):
    """Rows that are copies of one another, and what is done with them."""

    columns: Annotated[tuple[Column, ...], Field(min_length=1, max_length=10)]
    """The columns that copies agree in: texts, or a key of your own."""
    copies: Literal["out", "together"]
    """`out`: one row of each set of copies can be drawn, chosen at random. `together`: all of a set, or none."""
    compare: Literal["text", "value"] = "text"
    """`text`: letters alone count; case, accents, width, spacing, marks and emoji make no difference, and every
    number is like every other. `value`: the values as they stand."""
    least_letters: Annotated[int, Field(ge=1)] = 20
    """With `compare = "text"`: a row with fewer letters than that, in all its columns together, is nobody's copy."""


class Quota(Strict):
    """Cases to draw at least from every cell that it describes."""

    of: dict[str, str] = Field(default_factory=dict)
    """Levels by feature, as codes: `{ gender = "woman", nationality = "NGA" }`. Features not named can be any."""
    label: Literal["positive", "negative"] | None = None
    """The label; both where it is not given."""
    cases: Annotated[int, Field(ge=1)]
    """Cases from each of these cells. Of several quotas that describe a cell the largest holds."""

    def describes(self, features: Sequence[str], codes: Sequence[str], positive: bool) -> bool:
        """Whether a cell (a code of each of `features`, and a label) is one that the quota describes."""
        if self.label is not None and positive != (self.label == "positive"):
            return False
        return all(codes[features.index(feature)] == code for feature, code in self.of.items())


class SamplingDesign(Strict):
    """A whole design, checked."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    """Version of the design's format: 1."""
    pool: PoolSection
    """The labelled cases to draw from."""
    draw: DrawSection
    """How many cases, and the seed."""
    groups: Annotated[dict[str, GroupFeature], Field(min_length=1)]
    """The sensitive features, by name, as in a plan."""
    rules: tuple[Rule, ...] = ()
    """The limits that the set is to serve, as in a plan."""
    quotas: tuple[Quota, ...] = ()
    """Cases to draw at least."""
    duplicates: DuplicatesSection | None = None
    """Rows that are copies of one another."""
    verdict: VerdictSection = VerdictSection.model_construct()
    """How verdicts are reached, as in a plan: alpha and power are what sizes are planned for."""

    @field_validator("rules")
    @classmethod
    def _of_known_rates(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        refuse_unknown_rates(rules, METRICS)
        return rules

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._check_columns()
        try:
            self.as_plan()
        except ValidationError as error:
            raise ValueError(_in_words_of_a_design(error)) from None
        draw = self.draw
        if draw.allocation is None and not self.quotas:
            raise ValueError("draw.allocation is missing: write equal, proportional or decidable, or [[quotas]]")
        if draw.allocation in {"equal", "proportional"} and draw.size is None:
            raise ValueError(f'draw.size is missing: allocation = "{draw.allocation}" shares out a number of cases')
        if draw.allocation is None and draw.size is not None:
            raise ValueError("draw.size: without an allocation the quotas say how many; leave it out")
        if draw.allocation == "decidable":
            self._check_rules()
        for number, quota in enumerate(self.quotas, start=1):
            for feature in quota.of:
                if feature not in self.groups:
                    raise ValueError(f"quotas {number}: no [groups.{feature}] (there is: {', '.join(self.groups)})")
        return self

    def _check_columns(self) -> None:
        pool = self.pool
        if pool.id == pool.label:
            raise ValueError("pool.id and pool.label name the same column")
        if pool.cluster in {pool.id, pool.label}:
            raise ValueError("pool.cluster is also the id or the label of a case")
        for name, feature in self.groups.items():
            if {feature.column, feature.country_column} & {pool.id, pool.label}:
                raise ValueError(f"groups.{name}.column is also the id or the label of a case")
        if self.duplicates is not None and {pool.id, pool.label} & set(self.duplicates.columns):
            raise ValueError("duplicates.columns names the id or the label of a case")

    def _check_rules(self) -> None:
        if not self.rules:
            raise ValueError('draw.allocation: "decidable" needs [[rules]]: what the groups are to be decided by')
        for number, rule in enumerate(self.rules, start=1):
            if rule.rate.denominator_is == "decisions":
                raise ValueError(
                    f"rule {number}: cases of {rule.metric} are known only after scoring; none can be planned"
                )

    def as_plan(self, path: Path | None = None) -> AuditPlan:
        """Plan of an audit of the pool, or of the set drawn from it at `path`; its detector is left open.

        A plan needs a rule, so a design without rules gets an arbitrary one.
        """
        return AuditPlan.model_validate(self._plan(path))

    def _plan(self, path: Path | None) -> dict[str, Any]:
        section = self.pool.model_dump(exclude={"format", "encoding", "delimiter", "cluster"})
        if path is None:
            section |= self.pool.model_dump(include={"format", "encoding", "delimiter", "cluster"})
        else:
            section |= {"path": path, "weight": "design_weight", "cluster": self.cluster_drawn}
        rules = self.rules or (Rule(metric="true_positive_rate", groups=(next(iter(self.groups)),), margin=0.1),)
        return {
            "schema": 1,
            "audit": {"title": "-", "owner": "-", "use": "victim-identification", "route": self.draw.route},
            "detector": {"kind": "predictions", "path": "predictions.parquet", "score": "score", "threshold": 0.5},
            "evaluation_set": section,
            "groups": dict(self.groups),
            "rules": list(rules),
            "verdict": self.verdict,
        }

    @property
    def together(self) -> bool:
        """Whether copies are drawn together."""
        return self.duplicates is not None and self.duplicates.copies == "together"

    @property
    def cluster_drawn(self) -> str | None:
        """Column of the drawn set that says which rows were drawn together; None where each was drawn alone."""
        return "sampling_unit" if self.together else self.pool.cluster


def _in_words_of_a_design(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False)[0]
    words = str(details.get("ctx", {}).get("error", "")) or str(details["msg"])
    return words.replace("evaluation_set.", "pool.").replace("this plan", "this design")
