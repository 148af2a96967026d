"""Estimates: each rate in each group, with its intervals; and the counts and rows that they come from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audit.analyses.weighted_rates import rate_intervals
from audit.counting.table import (
    ABSTAINED,
    DECISIONS,
    FAILED,
    FLAGGED,
    NOT_FLAGGED,
    UNLABELLED,
    CountsTable,
    FamilyCounts,
    cells_mask,
)
from audit.result.findings.judged import Estimate, EstimateReason, GroupCounts, RowAccount
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.intervals import clopper_pearson, wilson
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import Cell, Metric

if TYPE_CHECKING:
    from audit.counting.moments import Moments

_UNKNOWN = "unknown"
MOST_HIDDEN = 0.02
"""Share of hidden cases up to which a rate is stated: it is then within one point, whatever they are."""

_PLACES = {cell.value: tuple(np.argwhere(cells_mask((cell,)))[0].tolist()) for cell in Cell}  # unscored: abstained


def estimates(
    families: Sequence[FamilyCounts],
    metrics: Collection[Metric],
    *,
    level: float,
    min_denominator: int,
    moments: Moments | None = None,
    of_counts: bool = False,
) -> tuple[Estimate, ...]:
    """Estimate each of these rates of every group of `families`, in their order; weighted where there are `moments`.

    Intervals are Wilson's, to show, and Clopper-Pearson's, to be safe. Below `min_denominator` cases no rate is stated:
    the numerator and denominator stay, the value is None with a reason.

    Parameters
    ----------
    of_counts
        Whether unscored cases are hidden numbers of a table of counts (`without_hidden`).
    """
    return tuple(
        estimate
        for family in families
        for metric in metrics
        for estimate in _family_estimates(family, metric, level, min_denominator, moments, of_counts)
    )


def _family_estimates(
    family: FamilyCounts, metric: Metric, level: float, min_denominator: int, moments: Moments | None, of_counts: bool
) -> list[Estimate]:
    hidden = family.total(sorted({*metric.lowest_if_unscored, *metric.highest_if_unscored})) if of_counts else None
    x, n = family.numerator(metric), family.denominator(metric)
    designed = None if moments is None else _changes_by_design(moments, family, metric, level)
    low, high = wilson(x, n, level)
    exact_low, exact_high = clopper_pearson(x, n, level)
    rows: list[Estimate] = []
    for index, group in enumerate(family.groups):
        numerator, denominator = int(x[index]), int(n[index])
        reason = why_not_stated(denominator, min_denominator)
        if reason == "no_cases" and hidden is not None and hidden[index]:
            reason = "hidden_numbers"
        known = reason is None
        values: dict[str, float | None] = {
            "value": numerator / denominator if known else None,
            "low": as_known(low[index]) if known else None,
            "high": as_known(high[index]) if known else None,
            "exact_low": as_known(exact_low[index]) if known else None,
            "exact_high": as_known(exact_high[index]) if known else None,
        }
        if designed is not None:
            values |= designed(index, known)
        rows.append(
            Estimate.model_construct(
                None,
                metric=metric.name,
                group=group,
                numerator=numerator,
                denominator=denominator,
                level=level,
                status="estimated" if known else "not_evaluable",
                reason=reason,
                **values,
            )
        )
    return rows


def _changes_by_design(
    moments: Moments, family: FamilyCounts, metric: Metric, level: float
) -> Callable[[int, bool], dict[str, float | None]]:
    """Return a function that gives the fields that weights and clusters change at a place: no rate where every case is
    one.
    """
    family_moments = moments.of(family)
    intervals = rate_intervals(family_moments, family, metric, level)
    numerators, denominators = family_moments.weight(metric.numerator), family_moments.weight(metric.denominator)
    by_field = {
        "value": intervals.rate,
        "low": intervals.low,
        "high": intervals.high,
        "exact_low": intervals.exact_low,
        "exact_high": intervals.exact_high,
        "effective_cases": intervals.effective,
        "degrees_of_freedom": intervals.degrees_of_freedom,
    }

    def changes(index: int, known: bool) -> dict[str, float | None]:
        changed: dict[str, float | None] = {}
        if known and not np.isnan(intervals.effective[index]):
            changed = {name: as_known(values[index]) for name, values in by_field.items()}
        if moments.weighted:
            changed["weighted_numerator"] = as_known(numerators[index])
            changed["weighted_denominator"] = as_known(denominators[index])
        return changed

    return changes


def without_hidden(family: FamilyCounts) -> FamilyCounts:
    """Return the counts that rates are stated from, of a table of counts whose hidden numbers stand as unscored.

    Half of the hidden cases count as flagged, also for the rate of everyone else. Of a group of which more than
    `MOST_HIDDEN` of the victims, or of the others, are hidden no rate is known: all of it is unscored, because a rate
    over both, such as precision, would else be made of one side.
    """

    def known(cells: IntArray, none: npt.NDArray[np.bool_] | np.bool_) -> IntArray:
        hidden, total = cells[..., ABSTAINED], cells.sum(axis=-1)
        stated = np.zeros_like(cells)
        stated[..., FLAGGED] = np.where(none, 0, cells[..., FLAGGED] + hidden // 2)
        stated[..., NOT_FLAGGED] = np.where(none, 0, total - stated[..., FLAGGED])
        stated[..., ABSTAINED] = np.where(none, total, 0)
        return stated

    gone = (family.cells[..., ABSTAINED] > MOST_HIDDEN * family.cells.sum(axis=-1)).any(axis=-1, keepdims=True)
    return family._replace(cells=known(family.cells, gone), everyone=known(family.everyone, np.False_))


def why_not_stated(denominator: int, min_denominator: int) -> EstimateReason | None:
    """Name the reason why a rate over `denominator` cases is not stated; None where it is stated."""
    if denominator == 0:
        return "no_cases"
    return "too_few_for_a_rate" if denominator < min_denominator else None


@lru_cache(maxsize=100_000)  # groups of few cases share their rates and bounds
def as_known(value: float | np.floating[npt.NBitBase] | None) -> float | None:
    """Round a computed bound or p-value to ten significant digits, so that a last bit of a library changes no byte.

    None stays None, and so does a number without a finite value. Decisions are taken before this, on the full value.
    """
    return None if value is None or not isfinite(value) else float(f"{float(value):.9e}")


def interval_fields(
    names: tuple[str, ...], interval: Sequence[FloatArray], index: int, *, known: bool = True
) -> dict[str, float | None]:
    """Return the value of a group and the ends of its interval by the names of their fields; None where not known."""
    return {name: as_known(part[index]) if known else None for name, part in zip(names, interval, strict=True)}


def group_counts(families: Sequence[FamilyCounts]) -> tuple[GroupCounts, ...]:
    """Return the label x decision table of every group."""
    rows: list[GroupCounts] = []
    for family in families:
        cells = {cell.value: family.cell(cell) for cell in Cell}
        rows.extend(
            GroupCounts.model_construct(
                None, group=group, **{name: int(counts_of_cell[index]) for name, counts_of_cell in cells.items()}
            )
            for index, group in enumerate(family.groups)
        )
    return tuple(rows)


def cells_of(counts: Sequence[GroupCounts]) -> IntArray:
    """int64[N, 3, 4]: label x decision of records. Abstained and failed cases are not distinguished, and stand
    together.
    """
    cells = np.zeros((len(counts), UNLABELLED + 1, DECISIONS), dtype=np.int64)
    for name, (label, decision) in _PLACES.items():
        cells[:, label, decision] = [getattr(counted_group, name) for counted_group in counts]
    return cells


def counted_cells(families: Sequence[FamilyCounts]) -> tuple[list[Group], IntArray]:
    """Return all groups, and what `cells_of` gives of their `group_counts`."""
    cells = np.concatenate([family.cells for family in families])
    cells[..., ABSTAINED] += cells[..., FAILED]
    cells[..., FAILED] = 0
    return [group for family in families for group in family.groups], cells


def row_accounts(
    table: CountsTable, families: Sequence[FamilyCounts], abstained: Mapping[Group, int] | None = None
) -> tuple[RowAccount, ...]:
    """Account for every row of every group; `families` may hold `everyone_as_family`.

    `abstained` holds, by group, how many rows count as a decision though the detector declined to answer.
    """
    any_unknown = np.array([_UNKNOWN in codes for codes in table.codes], dtype=bool)
    unknown_in_all = int(table.cells[any_unknown].sum())
    return tuple(
        _account(group, family.cells[index], unknown_in_all, (abstained or {}).get(group, 0))
        for family in families
        for index, group in enumerate(family.groups)
    )


def _account(group: Group, cells: IntArray, unknown_in_all: int, counted: int) -> RowAccount:
    read = int(cells.sum())
    by_decision = [int(count) for count in cells.sum(axis=0)]
    by_label = [int(count) for count in cells.sum(axis=1)]
    in_unknown = read if any(level.code == _UNKNOWN for level in group.levels) else 0
    return RowAccount.model_construct(
        group=group,
        read=read,
        scored=by_decision[0] + by_decision[1] - counted,
        abstained=by_decision[2] + counted,
        abstained_counted=counted,
        failed=by_decision[3],
        labelled=by_label[0] + by_label[1],
        unlabelled=by_label[2],
        attribute_unknown=in_unknown if group.levels else unknown_in_all,
    )
