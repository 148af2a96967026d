"""Do fairlearn and AIF360 compute the same rates from the same counts? A second and a third opinion."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from types import ModuleType
from typing import Final

import numpy as np

from audit.counting.table import FamilyCounts
from audit.crosscheck import rates_aif360, rates_fairlearn
from audit.crosscheck.weighted_rows import Rates
from audit.metrics import METRICS
from audit.result import Agreement, Notice

__all__ = ["LIBRARIES", "TOLERANCE", "agreement_notices", "crosscheck"]

LIBRARIES: Final[tuple[ModuleType, ...]] = (rates_fairlearn, rates_aif360)
"""The opinions asked, each a module with `DISTRIBUTION` and `rates(family)`; the libraries load when they are asked."""

TOLERANCE: Final = 1e-12
"""The largest difference that rounding explains."""


def crosscheck(families: Sequence[FamilyCounts]) -> tuple[Agreement, ...]:
    """Ask each library for the rates of every group of `families`, and say how far they are from ours.

    Compared are numerator over denominator, whatever number of cases the plan asks for before a rate is stated. A rate
    that we can compute and the library cannot counts as a difference of 1, the largest there is. Raises nothing: a
    library that cannot be loaded or breaks off has no Agreement, and `agreement_notices` says so.
    """
    agreements = [_agreement(library, families) for library in LIBRARIES]
    return tuple(agreement for agreement in agreements if agreement is not None)


def agreement_notices(agreements: Sequence[Agreement]) -> tuple[Notice, ...]:
    """What a reader of `agreements` must know: a library that did not answer, and one that answers differently."""
    answered = {agreement.library.split(" ")[0] for agreement in agreements}
    silent = [module.DISTRIBUTION for module in LIBRARIES if module.DISTRIBUTION not in answered]
    differing = [agreement for agreement in agreements if agreement.largest_difference > TOLERANCE]
    return (
        *(
            Notice(
                code="crosscheck-missing",
                text=f"{name} was asked for the same rates and could not answer; nothing here was compared with it.",
            )
            for name in silent
        ),
        *(
            Notice(
                code="crosscheck-differs",
                text=f"{agreement.library} computes at least one rate that differs from the one shown here by "
                f"{agreement.largest_difference:.3g}. Do not use these numbers before it is known why.",
            )
            for agreement in differing
        ),
    )


def _agreement(library: ModuleType, families: Sequence[FamilyCounts]) -> Agreement | None:
    try:
        name = f"{library.DISTRIBUTION} {version(library.DISTRIBUTION)}"
        answers = [library.rates(family) for family in families]
    except Exception:
        # Whatever is missing or breaks in another library, the audit stands on its own numbers.
        return None
    parts = [_compare(family, theirs) for family, theirs in zip(families, answers, strict=True)]
    return Agreement(
        library=name,
        rates_compared=sum(compared for compared, _, _ in parts),
        largest_difference=max((difference for _, difference, _ in parts), default=0.0),
        differs_by_convention=sum(by_convention for _, _, by_convention in parts),
    )


def _compare(family: FamilyCounts, theirs: Rates) -> tuple[int, float, int]:
    """Rates compared, the largest difference among them, and rates that only the library states."""
    compared, largest, by_convention = 0, 0.0, 0
    for name, values in theirs.items():
        numerator, denominator = family.numerator(METRICS[name]), family.denominator(METRICS[name])
        ours = denominator > 0
        difference = np.abs(values[ours] - numerator[ours] / denominator[ours])
        compared += int(ours.sum())
        largest = max(largest, float(np.nan_to_num(difference, nan=1.0).max(initial=0.0)))
        by_convention += int(np.isfinite(values[~ours]).sum())
    return compared, largest, by_convention
