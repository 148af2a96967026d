"""Groups as sums of design weights, and the rates that verdicts rest on where the plan has weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from audit.counting.moments import FamilyMoments, Moments
from audit.counting.table import FamilyCounts
from audit.crosscheck.tables import Answers, FloatArray, Tables
from audit.vocabulary.metrics import METRICS, Cell, MetricName

__all__ = ["weighted_ours", "weighted_tables"]

_CELLS: Final = (Cell.TP, Cell.FN, Cell.FP, Cell.TN, Cell.UNLABELLED_FLAGGED, Cell.UNLABELLED_NOT_FLAGGED)
"""Label x decision of the scored cases, row by row of a table."""


def weighted_tables(moments: Moments, families: Sequence[FamilyCounts]) -> Tables:
    """The groups of every family, one after the other, in units of weight: whole numbers, so that sums are exact."""
    own, rest = [], []
    for family in families:
        of = moments.of(family)
        units = np.stack([of.units((cell,)) for cell in _CELLS], axis=1)
        own.append(units)
        rest.append(units.sum(axis=0) - units)
    return Tables(*(np.concatenate(side).reshape(-1, 3, 2) for side in (own, rest)))


def weighted_ours(moments: Moments, families: Sequence[FamilyCounts], metrics: Sequence[MetricName]) -> Answers:
    """The rates of groups and rests as verdicts take them, their differences and ratios; NaN where there is none."""
    rates: dict[MetricName, FloatArray] = {}
    differences: dict[MetricName, FloatArray] = {}
    ratios: dict[MetricName, FloatArray] = {}
    for metric in metrics:
        sides = [_rates(moments.of(family), metric) for family in families]
        own, rest = (np.concatenate([side[place] for side in sides]) for place in (0, 1))
        rates[metric], differences[metric] = own, own - rest
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios[metric] = np.where(rest > 0, own / rest, np.nan)
    groups = sum(len(family.groups) for family in families)
    return Answers(rates, differences, ratios, np.ones(groups, dtype=bool))


def _rates(of: FamilyMoments, metric: MetricName) -> tuple[FloatArray, FloatArray]:
    definition = METRICS[metric]
    cells = (definition.numerator, definition.denominator)
    return (
        np.where(of.weight(definition.denominator) > 0, of.own(cells).rate, np.nan),
        np.where(of.rest_weight(definition.denominator) > 0, of.rest(cells).rate, np.nan),
    )
