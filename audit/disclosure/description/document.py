"""What a description says, in the form that is written as JSON: noised counts, what they cost, and how to read them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from audit.plan.answers import Strict

__all__ = ["DescribedCell", "DescribedTable", "SetDescription", "description_json"]


class DescribedCell(Strict):
    """One count."""

    levels: tuple[str, ...]
    """The code of its level on each axis of the table."""
    names: tuple[str, ...]
    """The names of these levels."""
    noised: int
    """The count with its noise, as the mechanism gave it; it can be below 0. Sums and means are made of these."""
    count: Annotated[int, Field(ge=0)]
    """The same, or 0 where it is below 0."""


class DescribedTable(Strict):
    """Counts of rows by what they are told apart by."""

    name: str
    """As in `gender+label`."""
    axes: tuple[str, ...]
    """What rows are told apart by."""
    epsilon: float
    """What this table costs of the whole."""
    sensitivity: int
    """By how much one unit more or less can change all counts of the table together."""
    scale: float
    """Scale of the discrete Laplace noise: P(k) is proportional to exp(-|k| / scale)."""
    error_95: int
    """At least 95 % of counts are off by at most this, before those below 0 are shown as 0."""
    cells: tuple[DescribedCell, ...]
    """Every cell that there can be, whether a row is in it or not."""


class SetDescription(Strict):
    """A differentially private description of an evaluation set."""

    schema_version: Literal[1]
    """Version of this form."""
    kind: Literal["audit7k-description"]
    """What the file is."""
    title: str
    """The audit that the set is for."""
    rows_are: str
    """What one row stands for."""
    label_source: str
    """Where the labels come from."""
    made_on: str
    """The day, as YYYY-MM-DD, by UTC."""
    library: str
    """What drew the noise."""
    mechanism: Literal["discrete Laplace"]
    """Its distribution."""
    unit: Literal["row", "cluster"]
    """Whose presence is protected: one row, or all rows that belong together."""
    rows_per_unit: int
    """Rows of a unit that count at most. How many rows were left out is not said: it would be an exact count."""
    epsilon: float
    """What this description costs: the sum over its tables."""
    spent: float
    """What all descriptions in this ledger have cost, this one included."""
    budget: float
    """What they may cost at most."""
    tables: tuple[DescribedTable, ...]
    """The counts."""
    not_described: tuple[str, ...]
    """Features without a fixed list of levels."""
    notes: tuple[str, ...]
    """What must be read with the counts."""


def description_json(description: SetDescription) -> str:
    """The file, with a line break at its end."""
    return description.model_dump_json(indent=2) + "\n"
