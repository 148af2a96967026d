"""Sum weights and clusters of a plan in one more scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.counting.clusters import ClusterTable
from audit.counting.count import CELL, PLACE_OF_LABEL, SCORED, grouped, plain
from audit.counting.family_moments import CELLS
from audit.counting.finest_groups import FinestGroups
from audit.counting.moments import Moments
from audit.counting.table import UNLABELLED
from audit.counting.weights import WeightTable
from audit.errors import DataError
from audit.stats.arrays import FloatArray, IntArray, added, numbered
from audit.vocabulary.metrics import Cell
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.evaluation.design import Strata
    from audit.evaluation.evaluation_set import EvaluationSet

_CUT: Final = 20
"""Bits cut from a square before it is squared again: sums of fourth powers of 2^30 do not fit into 128 bits."""
_UNSCORED: Final = (Cell.UNSCORED_POSITIVE, Cell.UNSCORED_NEGATIVE, Cell.UNSCORED_UNLABELLED)
_SCORED: Final = ((Cell.TP, Cell.FN), (Cell.FP, Cell.TN), (Cell.UNLABELLED_FLAGGED, Cell.UNLABELLED_NOT_FLAGGED))
_CELL_OF: Final = np.array(
    [[CELLS.index(cell) for cell in (*_SCORED[label], _UNSCORED[label], _UNSCORED[label])] for label in range(3)]
)
"""int64[3, 4]: the place in `CELLS` of each label x decision."""
_HALF: Final = 30
"""Bits of the lower half of a square: each half of the sum fits into 64 bits, in every engine."""


def count_moments(evaluation_set: EvaluationSet, relation: str = SCORED) -> Moments | None:
    """Sum weights, strata and clusters of the scored set in one scan; None if the plan has none of them.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring: `relation` is as `count_cases` needs it, with `weight_units` (BIGINT, above 0 and below
        2^30) or `cluster` (VARCHAR, never NULL) or both.

    Raises
    ------
    DataError
        The file cannot be read any more.
    """
    if evaluation_set.strata is not None:
        return _stratified(evaluation_set, evaluation_set.strata, relation)
    if evaluation_set.counts_alike:
        return None
    weighted, clustered = (name in evaluation_set.expressions for name in ("weight_units", "cluster"))
    names = [feature.name for feature in evaluation_set.features]
    groups = [f"group_{name}" for name in names]
    text = moments_text(relation, groups, weighted=weighted, clustered=clustered)
    summed = evaluation_set.table_of(text)
    groups_there, finest = FinestGroups.of(summed, {name: evaluation_set.codes[name] for name in names})
    codes = groups_there.codes
    cell = _cells(summed)
    columns = {name: _floats(summed, name) for name in summed.column_names if name.startswith("sum_")}
    if weighted:
        columns["sum_2"] = _joined(*(summed.column(name).cast("int64").to_numpy() for name in ("high", "low")))
    table: WeightTable | ClusterTable
    if clustered:
        cluster = _numbered(summed.column("cluster"))
        table = ClusterTable.of(cluster, finest, cell, columns["sum_1"], columns["sum_2"])
        clustered = int(cluster.max()) + 1 < evaluation_set.rows
    if not clustered:
        table = _weight_table(columns, finest, cell, len(codes))
    return Moments(
        evaluation_set.features, codes, table, evaluation_set.weight_unit if weighted else 1.0, weighted, clustered
    )


def _stratified(evaluation_set: EvaluationSet, strata: Strata, relation: str) -> Moments:
    from audit.counting.strata import StratumTable

    names = [feature.name for feature in evaluation_set.features]
    text = grouped(relation, plain([*(f"group_{name}" for name in names), "stratum", *CELL]), {"cases": "count(*)"})
    summed = evaluation_set.table_of(text)
    groups_there, finest = FinestGroups.of(summed, {name: evaluation_set.codes[name] for name in names})
    codes = groups_there.codes
    # a part of the set, such as the control sample, need not have them all
    there, place = numbered(summed.column("stratum").to_pylist())
    shape = (len(codes), len(there), len(CELLS))
    rows = added(shape, (finest, place, _cells(summed)), _floats(summed, "cases"))
    sizes = np.array([strata.sizes[name] for name in there], dtype=np.int64)
    try:
        table = StratumTable.of_strata(rows, sizes, strata.by, codes, names)
    except ValueError as error:
        raise DataError(
            f'{shown(evaluation_set.source_name)}: stratum_by names "{error}", and cases of one stratum differ in it',
            slug="stratum-by",
        ) from None
    return Moments(evaluation_set.features, codes, table, weighted=True)


def moments_text(relation: str, groups: Sequence[str], *, weighted: bool, clustered: bool) -> str:
    """SQL that sums powers of the weight by group, cluster and cell; a sum of squares comes as two halves.

    All are sums of whole numbers, so that neither threads nor the order of rows changes a bit.
    """
    keys = plain([*groups, *(["cluster"] if clustered else []), *CELL])
    if not weighted:
        return grouped(relation, keys, dict.fromkeys(("sum_0", "sum_1", "sum_2"), "count(*)"))
    square = "(weight_units * weight_units)"
    sums = {"sum_0": "count(*)", "sum_1": "sum(weight_units)"}
    sums |= {"high": f"sum({square} >> {_HALF})", "low": f"sum({square} & {(1 << _HALF) - 1})"}
    if not clustered:
        cut = f"CAST({square} >> {_CUT} AS DECIMAL(19, 0))"
        sums |= {"sum_4": f"sum({cut} * {cut})", "sum_low": "min(weight_units)", "sum_high": "max(weight_units)"}
    return grouped(relation, keys, sums)


def _cells(summed: Any) -> IntArray:
    """int64[E]: the place in `CELLS` of each entry."""
    label = summed.column("label").fill_null(UNLABELLED).to_numpy()
    place = np.array([PLACE_OF_LABEL[0], PLACE_OF_LABEL[1], UNLABELLED])[label]
    return np.asarray(_CELL_OF[place, summed.column("decision").to_numpy()], dtype=np.int64)


def _joined(high: IntArray, low: IntArray) -> FloatArray:
    """float64[E]: the nearest doubles of sums that come in halves."""
    high, low = high + (low >> _HALF), low & ((1 << _HALF) - 1)
    if high.max(initial=0) < 1 << 53:
        return np.asarray(high * 2.0**_HALF + low)
    return np.array([float((upper << _HALF) + lower) for upper, lower in zip(high.tolist(), low.tolist(), strict=True)])


def _numbered(names: Any) -> IntArray:
    """int64[N]: the number of each cluster, in the order of the names."""
    import pyarrow.compute as pc

    encoded = names.combine_chunks().dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    return np.asarray(rank[encoded.indices.to_numpy()], dtype=np.int64)


def _floats(summed: Any, name: str) -> FloatArray:
    """The nearest doubles of exact sums of up to 128 bits."""
    return np.asarray(summed.column(name).cast("double").to_numpy(), dtype=np.float64)


def _weight_table(columns: Mapping[str, FloatArray], finest: IntArray, cell: IntArray, groups: int) -> WeightTable:
    """Make a table from entries in any order. Raw values with the same code give several entries in one place."""
    shape = (groups, len(CELLS))
    order = np.lexsort((columns["sum_2"], columns["sum_1"]))  # squares are not added exactly
    columns = {name: values[order] for name, values in columns.items()}
    at = (finest[order], cell[order])
    first, second = columns["sum_1"], columns["sum_2"]
    # where every cluster is one row, its sums are the row's own weight and square
    fourth = columns["sum_4"] * 2.0 ** (2 * _CUT) if "sum_4" in columns else second * second
    lowest, highest = np.full(shape, np.inf), np.zeros(shape)
    np.minimum.at(lowest, at, columns.get("sum_low", first))
    np.maximum.at(highest, at, columns.get("sum_high", first))
    sums = [added(shape, at, of) for of in (columns["sum_0"], first, second, fourth)]
    return WeightTable(sums[0], sums[1], sums[2], sums[3], lowest, highest)
