"""Quotas that describe cells of which a pool has no case: nothing can be asked of them, and somebody should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Final

from audit.plan.sampling_design import Quota, SamplingDesign
from audit.planning.sample_sizes import PoolCell

MOST_NAMED: Final = 3
"""Most cells without a case that are named; of three features there can be thousands."""


@dataclass(frozen=True, slots=True)
class QuotaGap:
    """A quota, and the number of its cells that the pool lacks."""

    quota: Quota
    cells: int
    """Cells that it describes: its own levels, with every level that the pool has of other features, and its labels."""
    lacking: int
    """Number of these cells that have no case in the pool."""
    named: tuple[tuple[tuple[str, ...], bool], ...]
    """First of the lacking cells: a code of each feature, and whether cases are labelled as exploitation."""


def quota_gaps(design: SamplingDesign, cells: Sequence[PoolCell]) -> tuple[QuotaGap, ...]:
    """Find the quotas of a design that the cells of a pool leave without cases, wholly or in part, in their order."""
    features = tuple(design.groups)
    found = {(cell.codes, cell.positive) for cell in cells}
    levels = [sorted({cell.codes[place] for cell in cells}) for place in range(len(features))]
    gaps = []
    for quota in design.quotas:
        axes = [[quota.of[name]] if name in quota.of else levels[place] for place, name in enumerate(features)]
        sides = (True, False) if quota.label is None else (quota.label == "positive",)
        described = prod(len(axis) for axis in axes) * len(sides)
        lacking = described - sum(quota.describes(features, *cell) for cell in found)
        if lacking:
            every = ((codes, side) for codes in product(*axes) for side in sides if (codes, side) not in found)
            gaps.append(QuotaGap(quota, described, lacking, tuple(islice(every, MOST_NAMED))))
    return tuple(gaps)
