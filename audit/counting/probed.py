"""The design of a probe (rows that differ in one place, and the pairs that are compared) and the answers to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import FloatArray, IntArray

MOST_VARIANTS: Final = 500_000
"""Most rows that one probe may give to a detector."""


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
        """The slot that changes and the slot that is held: comparisons with the same pair are judged side by side."""
        return self.slot, self.given_slot


@dataclass(frozen=True, slots=True)
class SlotOfProbe:
    """A slot or column that a probe changes."""

    slot: str
    anchor: str
    """The level that the other levels are compared with, in words."""
    names: Mapping[str, str]
    """The name of each level in reports."""


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
    """Everything that a probe asks, before anything is answered."""

    probe: str
    kind: str
    unit: str
    """The kind of a template: a `text`, a `row`, or a `cluster` of rows."""
    slots: tuple[SlotOfProbe, ...]
    comparisons: tuple[Comparison, ...]
    pairs: Pairs
    ids: tuple[str, ...]
    """Ids of the variants. They depend on the probe and the row only, so that a file of answers fits one design."""
    templates: int
    """Number of templates, or of clusters of rows."""
    source: str
    """The source of the texts or rows."""
    words: str
    """The source of the words."""
    alike: int = 0
    """Number of pairs of texts left out because they read the same."""
    unused: tuple[str, ...] = ()
    """Sentences on the operator's own words and texts that are not used, and why."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 (hex) of the operator's own files, by kind."""
    languages: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """The column of the text, or the changed columns."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A design with the detector's answers to its n variants. Findings are made from it; no row is in it."""

    design: Design
    scores: FloatArray
    """float64[n]: scores as shares of the score range, from 0 to 1; NaN without a score."""
    flagged: npt.NDArray[np.bool_]
    """bool[n]: whether the variant is flagged; False without a score."""
    abstained: int
    failed: int
    failures: Mapping[str, int]
    """Number of failed variants, by status and reason."""
    decision: str
    """The rule by which a variant is flagged, in words."""

    @property
    def scored(self) -> int:
        """Variants with a score or a decision."""
        return len(self.scores) - self.abstained - self.failed
