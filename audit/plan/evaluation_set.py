"""The section of a plan that names the labelled cases, or a table of their counts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from audit.plan.answers import Column, Name, Strict, check_lists_differ
from audit.plan.governance import Day

CountedCell = Literal[
    "true_positives", "false_negatives", "positives", "false_positives", "true_negatives", "negatives",
    "label", "answer", "cases",
]  # fmt: skip
"""Numbers of a table of counts. `positives` are the victims and `negatives` the others. Or two classes, and how many
cases have both."""
CROSSED: Final[frozenset[CountedCell]] = frozenset({"label", "answer", "cases"})
"""Columns of a table with a row for each group, class of the label and class of the answer."""
SIDES_OF_CELLS: Final[tuple[tuple[CountedCell, CountedCell, CountedCell], ...]] = (
    ("true_positives", "false_negatives", "positives"),
    ("false_positives", "true_negatives", "negatives"),
)
"""Of victims and of others: those flagged, those not flagged, and both together."""
CASE: Final = "(case)"
LABEL: Final = "(label)"
ANSWER: Final = "(answer)"
"""Columns that a table of counts is given when it is read."""
CASES: Final = "cases"
"""Number of cases that a row stands for: a column of its own, and the name of its expression in the evaluation set."""
LARGEST_COUNT: Final = 10**12
"""Largest number that a table of counts may hold: sums of 200,000 of them still fit into 64 bits."""
Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]


class EvaluationSetSection(Strict):
    """The labelled cases on which the detector is tried."""

    path: Path | None = None
    """Parquet, CSV or JSONL, plain or compressed (.gz, .zst), a spreadsheet (.xlsx, .xls, .ods), or a folder of Parquet
    files, in which folders `column=value` are columns. Not needed where the table is passed in Python."""
    table: Annotated[str, Field(min_length=1)] | None = None
    """In the place of `path`, with `format` and `version`: the folder of a Delta table, or an Iceberg table as
    `catalogue.namespace.name`, where pyiceberg is configured for the catalogue."""
    version: Annotated[int, Field(ge=0)] | None = None
    """With `table`: the version of a Delta table, or the id of a snapshot of an Iceberg table."""
    sheet: Annotated[str, Field(min_length=1)] | None = None
    """The sheet of a spreadsheet; not needed where there is only one."""
    counts: Path | None = None
    """In the place of `path`, where nobody may see single cases: a table of counts, one row a group, in any of its
    formats. It needs no `id`, no `label` and no [detector]."""
    cells: Annotated[dict[CountedCell, Column], Field(default_factory=dict)]
    """With `counts`: the column of each number. Of victims two of `positives`, `true_positives` (found) and
    `false_negatives` (missed), of others two of `negatives`, `false_positives` (wrongly flagged) and `true_negatives`.
    Not needed for columns called TP, FN, FP, TN, or positives, found, others, flagged. Or, of a table with a row for
    each group, class of the label and class of the answer: `label`, `answer` and `cases`. Then `label_positive` and
    `label_negative` say which classes mean exploitation, of both."""
    suppressed: Annotated[dict[str, tuple[Count, Count]], Field(default_factory=dict)]
    """With `counts`: what a hidden number may be, by the mark in its place: `{ "*" = [1, 9], "0" = [0, 9] }`. `<10` is
    0 to 9 by itself. Verdicts hold whatever the hidden numbers are."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """The seal of the set: the SHA-256 of its file. Any other file is refused. `audit7k draw` writes it."""
    not_cases: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...] | None = None
    """Digests of the ids of cases (`cases_sha256`) that the set must not be: those that chose and judged the remedy
    which is audited, or one before it. `audit7k remedy --plan` writes them."""
    format: Literal["parquet", "csv", "jsonl", "delta", "iceberg"] | None = None
    """The file's format, where its name does not say, or that of a `table`."""
    encoding: str = "utf-8"
    """Encoding of a CSV or JSONL file; a file that is not in it is refused, never guessed at."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Delimiter of a CSV file."""
    decimal: Literal[".", ","] = "."
    """Mark of decimals in numbers that are text: with `","`, `0,45` is 0.45."""
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
    """What one row stands for: persons, cases, adverts, accounts. Reports say of `synthetic` ones that they are made
    up."""
    period: tuple[Day, Day] | None = None
    """First and last day from which the cases are: `["2024-01-01", "2026-03-31"]`."""
    weight: Column | None = None
    """The column with the design weight: how many cases of the population the row stands for, a number above 0."""
    stratum: Column | None = None
    """The column that names the stratum a row was drawn from. Every case of a stratum must have had the same chance to
    be drawn, and then weighs N / n: its size over the rows drawn."""
    stratum_sizes: Annotated[dict[str, Annotated[int, Field(ge=1)]], Field(default_factory=dict)]
    """With `stratum`: how many cases the population has in each, drawn or not: `{ random = 972648, selected = 5082 }`.
    A stratum of which every case is in the set is known in full, and leaves nothing to chance."""
    stratum_by: tuple[str, ...] = ()
    """With `stratum`: what all cases of a stratum have in common by construction, the undrawn ones too: `decision` (of
    the detector), `label`, names of groups. Of what is not named, cases that nobody drew may be there."""
    cluster: Column | None = None
    """The column that names what a row belongs to (advertiser, account, household): rows of one say less than as many
    independent ones. Never shown."""
    expected_icc: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """With `cluster`: how alike its rows are expected to be (intracluster correlation). It plans group sizes and enters
    no test."""

    @model_validator(mode="after")
    def _cells_make_rates(self) -> Self:
        rows = ("path", "table", "numbers", "weight", "stratum", "stratum_sizes", "stratum_by", "cluster")
        unfit = [key for key in rows if getattr(self, key)]
        unfit += [key for key, counted_name in (("id", CASE), ("label", LABEL)) if getattr(self, key) != counted_name]
        if unfit and self.is_counted:
            raise ValueError(f"a table of counts has no single cases: leave out {', '.join(unfit)}")
        sides = [[name for name in side if name in self.cells] for side in SIDES_OF_CELLS]
        if any(len(side) == 1 for side in sides):
            raise ValueError("cells: a rate needs two of a whole and its two parts")
        if CROSSED & self.cells.keys() and self.cells.keys() != CROSSED:
            raise ValueError("cells: a table of classes needs `label`, `answer` and `cases`, and no other number")
        if any(least > most for least, most in self.suppressed.values()):
            raise ValueError("suppressed: write [least, most]")
        if self.suppressed and not self.is_counted:
            raise ValueError("suppressed: only a table of counts has hidden numbers")
        return self

    @property
    def is_counted(self) -> bool:
        """Whether the set is a table of counts."""
        return self.counts is not None or bool(self.cells)

    @model_validator(mode="after")
    def _labels_and_places_fit(self) -> Self:
        check_lists_differ(self, "label_positive", "label_negative", "label_missing")
        of_table = self.format in ("delta", "iceberg")
        if (self.table is None) == of_table or (self.table is None) != (self.version is None):
            raise ValueError('a table needs its format, "delta" or "iceberg", and its version, and a file neither')
        if self.table is not None and self.path is not None:
            raise ValueError("path and table exclude each other: the set is one of them")
        return self

    @field_validator("period")
    @classmethod
    def _period_has_an_order(cls, period: tuple[Day, Day] | None) -> tuple[Day, Day] | None:
        if period is not None and period[0] > period[1]:
            raise ValueError("the first day is later than the last: write the first day first")
        return period

    @model_validator(mode="after")
    def _strata_are_whole(self) -> Self:
        if self.stratum is None and (self.stratum_sizes or self.stratum_by):
            raise ValueError("stratum_sizes and stratum_by need `stratum`, the column that names a row's stratum")
        if self.stratum is not None and not self.stratum_sizes:
            raise ValueError("stratum needs stratum_sizes, such as { random = 972648, selected = 5082 }")
        if self.stratum is not None and self.cluster is not None:
            raise ValueError("stratum and cluster exclude each other: use a weight with clusters")
        return self

    @property
    def is_weighted(self) -> bool:
        """Whether rows stand for different numbers of cases: by a weight, or by their stratum."""
        return self.weight is not None or self.stratum is not None


def with_counted_columns(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan as it was written, with the columns that a table of counts gets when it is read."""
    section = plan.get("evaluation_set")
    if not isinstance(section, dict) or not {"counts", "cells"} & section.keys():
        return dict(plan)
    detector = {"kind": "predictions", "decision": ANSWER}
    words = {"decision_positive": section.get("label_positive"), "decision_negative": section.get("label_negative")}
    if "answer" in (section.get("cells") or ()):
        detector |= {key: named for key, named in words.items() if named}
    return {"detector": detector, **plan, "evaluation_set": {"id": CASE, "label": LABEL, **section}}
