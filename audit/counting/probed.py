"""What a probe asks: rows that differ in one place, and which of them are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MOST_VARIANTS", "Answered", "Comparison", "Design", "Pairs", "SlotOfProbe"]


MOST_VARIANTS: Final = 500_000
"""Rows that one probe may hand to a detector."""


@dataclass(frozen=True, slots=True, order=True)
class Comparison:
    """One change: a slot goes from its anchor to a level, with one other slot held at a level, or all at anchors."""

    slot: str
    given_slot: str
    """Empty where every other slot is at its anchor."""
    level: str
    given: str

    @property
    def family(self) -> tuple[str, str]:
        """Comparisons that are judged side by side: the slot that changes, and the one that is held."""
        return self.slot, self.given_slot


@dataclass(frozen=True, slots=True)
class SlotOfProbe:
    """A slot, or a column, as it is changed."""

    slot: str
    anchor: str
    """The level that the others are compared with, in words."""
    names: Mapping[str, str]
    """What reports call each level."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """n pairs of a changed row and its anchor, in the order of comparisons and templates."""

    comparison: IntArray
    """Place of the comparison."""
    template: IntArray
    """Place of the template, or of the cluster of rows."""
    anchor: IntArray
    """Place of the anchor among the variants."""
    variant: IntArray
    """Place of the changed row among the variants."""


@dataclass(frozen=True, slots=True)
class Design:
    """Everything that a probe asks, before anybody has answered."""

    probe: str
    kind: str
    unit: str
    """What one template is: a `text`, a `row`, or a `cluster` of rows."""
    slots: tuple[SlotOfProbe, ...]
    comparisons: tuple[Comparison, ...]
    pairs: Pairs
    ids: tuple[str, ...]
    """Of each variant: made of the probe, the row and nothing else, so that a file of answers fits one design only."""
    batch: pa.RecordBatch
    """The columns that the detector is given, a row for each variant."""
    templates: int
    """Templates, or clusters of rows."""
    source: str
    """Where texts or rows are from."""
    words: str
    """Where the words are from."""
    alike: int = 0
    """Pairs of texts left out because they read the same."""
    unused: tuple[str, ...] = ()
    """What of the operator's own words and texts is not used, and why."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the operator's own files."""
    languages: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """The column of the text, or the columns that are changed."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A design with the detector's answers to its n variants. What the findings are made of; no row is in it."""

    design: Design
    scores: FloatArray
    """float64[n]: in shares of the score range, from 0 to 1; NaN where there is none."""
    flagged: npt.NDArray[np.bool_]
    """bool[n]: False where there is no score."""
    abstained: int
    failed: int
    failures: Mapping[str, int]
    """Failed variants by status and reason."""
    decision: str
    """When a variant counts as flagged, in words."""

    @property
    def scored(self) -> int:
        """Variants with a score or a decision."""
        return len(self.scores) - self.abstained - self.failed
