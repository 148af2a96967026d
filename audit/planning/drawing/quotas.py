"""Quotas of a design: their levels, read as the values of a pool are, and cells of which the pool has no case.

A word that is no level is refused. Of a cell without a case nothing can be asked, and somebody should know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Final

from audit.errors import PlanError
from audit.evaluation import gender, nationality
from audit.evaluation.several import joint_code, parts_of, read_parts
from audit.evaluation.standing import STANDINGS
from audit.plan.sampling_design import Quota, SamplingDesign
from audit.plan.sections import GENDERS, Coding
from audit.planning.sample_sizes import PoolCell
from audit.vocabulary.text import shown

MOST_NAMED: Final = 3
"""Most cells without a case that are named; of three features there can be thousands."""
_WRITE: Final[dict[Coding, str]] = {
    "gender": ", ".join(GENDERS),
    "nationality": "ISO 3166-1 codes, for example NGA, or unknown",
    "relation": ", ".join(STANDINGS),
}


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


def with_canonical_levels(design: SamplingDesign) -> SamplingDesign:
    """Return the design with each level of a quota as its canonical code: NGA for nga.

    Raises
    ------
    PlanError
        If a quota names what is no level of its feature: the pool could have none of it.
    """
    plan, quotas = design.as_plan(), []
    for place, quota in enumerate(design.quotas, start=1):
        levels: dict[str, str] = {}
        for name, text in quota.of.items():
            coding = plan.coding(name)
            code = _level(coding, text, several=plan.groups[name].dual == "any")
            if code is None:
                raise PlanError(
                    f'quotas {place}: "{shown(text)}" is no level of a {coding}',
                    slug="quota-level",
                    hint=f"write {_WRITE[coding]}",
                )
            levels[name] = code
        quotas.append(quota.model_copy(update={"of": levels}))
    return design.model_copy(update={"quotas": tuple(quotas)})


def _level(coding: Coding, text: str, *, several: bool) -> str | None:
    """Return the code. For several nationalities, where the design counts people under all of them, it is the code of
    all together.
    """
    if coding == "gender":
        return gender.canonical(text)
    if coding == "nationality":
        codes = read_parts(list(parts_of(text)) if several else [text], nationality.map_target)
        return None if codes is None else joint_code(codes)
    return text if coding == "categorical" or text in STANDINGS else None
