"""Two sets of answers side by side: equal, different by a known convention, or simply different."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from audit.analyses.crosscheck.conventions import rate_convention
from audit.analyses.crosscheck.tables import Answers, Tables, four_cells, rates_of
from audit.result.findings.further import ConventionCode
from audit.stats.arrays import BoolArray, FloatArray
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import MetricName

TOLERANCE: Final = 1e-9
"""Largest difference that rounding explains: sums of a million weights, divided."""


@dataclass(slots=True)
class Comparison:
    """Differences between one library's answers and ours."""

    rates: int = 0
    """Rates that both state."""
    disparities: int = 0
    """Differences and ratios that both state."""
    largest: float = 0.0
    """Largest distance among them."""
    worst: tuple[MetricName, Group] | None = None
    """Rate and group where it is that large."""
    conventions: dict[ConventionCode, int] = field(default_factory=dict)
    """Values that only the library states, by its convention."""

    def meet(self, metric: MetricName, found: FloatArray, groups: Sequence[Group]) -> None:
        """Remember the largest of the distances `found`, float64[N], of N groups."""
        if found.size and found.max() > self.largest:
            self.largest, self.worst = float(found.max()), (metric, groups[int(found.argmax())])


def distance(theirs: FloatArray, ours: FloatArray) -> FloatArray:
    """Return the absolute difference, relative where our value is above 1; 1 where only one of the two states a
    number.
    """
    with np.errstate(invalid="ignore"):
        apart = np.abs(theirs - ours) / np.maximum(1.0, np.abs(ours))
    same = (theirs == ours) | (np.isnan(theirs) & np.isnan(ours))
    return np.where(same, 0.0, np.where(np.isfinite(apart), apart, 1.0))


def compare(library: str, groups: Sequence[Group], tables: Tables, ours: Answers, theirs: Answers) -> Comparison:
    """Compare every answer. A number that only the library states must be the one of a known convention.

    Where the library states none although it once had a convention, it only became more careful: that is no difference.
    """
    found = Comparison()
    expected = _by_convention(library, tables, theirs.rates)
    for metric, rates in theirs.rates.items():
        lacks = np.isnan(ours.rates[metric]) | np.isnan(ours.differences[metric])
        convention = rate_convention(library, metric)
        code: ConventionCode = convention[0] if convention else "no_cases"
        for place, (mine, wanted, said) in enumerate(
            (
                (ours.rates[metric], expected.rates[metric], rates),
                (ours.differences[metric], expected.differences[metric], theirs.differences[metric]),
                (ours.ratios[metric], expected.ratios[metric], theirs.ratios[metric]),
            )
        ):
            stated = ~np.isnan(mine) & (theirs.beside_rest if place else True)
            alone = np.isnan(mine) & ~np.isnan(said)
            if place == 0:
                found.rates += int(stated.sum())
            else:
                found.disparities += int(stated.sum())
            apart = np.where(stated, distance(said, mine), np.where(alone, distance(said, wanted), 0.0))
            found.meet(metric, apart, groups)
            _count(found.conventions, {code: alone & lacks, "ratio_to_zero": alone & ~lacks})
    return found


def _by_convention(library: str, tables: Tables, metrics: Iterable[MetricName]) -> Answers:
    """Return what the library is expected to state: our rates, and its own number where there is no denominator."""
    expected = Answers({}, {}, {}, np.ones(len(tables.own), dtype=bool))
    with np.errstate(divide="ignore", invalid="ignore"):
        for metric in metrics:
            own, rest = (_filled(library, metric, side) for side in tables)
            expected.rates[metric], expected.differences[metric] = own, own - rest
            expected.ratios[metric] = own / rest
    return expected


def _filled(library: str, metric: MetricName, side: FloatArray) -> FloatArray:
    rates = rates_of(side, metric)
    convention = rate_convention(library, metric)
    if convention is None:
        return rates
    # fairlearn leaves a group without rows out; AIF360 has a number for it
    there = four_cells(side).sum(axis=1) > 0 if library == "fairlearn" else True
    return np.where(np.isnan(rates) & there, convention[1], rates)


def _count(conventions: dict[ConventionCode, int], found: Mapping[ConventionCode, BoolArray]) -> None:
    for code, where in found.items():
        if where.any():
            conventions[code] = conventions.get(code, 0) + int(where.sum())
