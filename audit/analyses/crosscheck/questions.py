"""Questions to the libraries and their answers.

Questions to the libraries and their answers: weighted tables of groups and their rests, or single rows.

Single cases for the libraries: read from the view `scored` in one query, and cut into groups without counting.

From Spark no rows come back: it counts them by group, label and decision in a query of its own, and each count becomes
so many rows again. There the libraries check what is made of the counts, and not that Spark counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.counting.count import SCORED, grouped, plain
from audit.counting.table import FLAGGED, NOT_FLAGGED, FamilyCounts
from audit.engines.duckdb import DuckDBEngine
from audit.plan.evaluation_set import CASES
from audit.stats.arrays import BoolArray, FloatArray, IntArray, numbered
from audit.vocabulary.groups import Family, Group, Level
from audit.vocabulary.metrics import METRICS, Cell, MetricName

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet


SmallArray = npt.NDArray[np.int8]

LABELS: Final = (1, 1, 0, 0)
"""Labels of the four rows that a table of labelled cases becomes: TP, FN, FP, TN."""
DECISIONS: Final = (1, 0, 1, 0)
"""Decisions of these four rows."""
_PLACES: Final[Mapping[Cell, tuple[int, int]]] = {
    Cell.TP: (0, 0),
    Cell.FN: (0, 1),
    Cell.FP: (1, 0),
    Cell.TN: (1, 1),
    Cell.UNLABELLED_FLAGGED: (2, 0),
    Cell.UNLABELLED_NOT_FLAGGED: (2, 1),
}


class Tables(NamedTuple):
    """N groups, each beside everyone else, as sums of weights; counts are weights of one."""

    own: FloatArray
    """float64[N, 3, 2]: label (positive, negative, unlabelled) x decision (flagged, not flagged)."""
    rest: FloatArray
    """float64[N, 3, 2]: label x decision of everyone who is not in the group."""


class Answers(NamedTuple):
    """Answers computed from `Tables`: float64[N] for each rate; NaN where none is stated."""

    rates: dict[MetricName, FloatArray]
    differences: dict[MetricName, FloatArray]
    """Rate of the group minus rate of the rest."""
    ratios: dict[MetricName, FloatArray]
    """Rate of the group over rate of the rest."""
    beside_rest: BoolArray
    """bool[N]: whether differences and ratios were asked for."""

    def at(self, places: npt.NDArray[np.int64]) -> Answers:
        """Pick the answers of the tables at `places`, in their order."""
        rates, differences, ratios = (
            {name: values[places] for name, values in part.items()}
            for part in (self.rates, self.differences, self.ratios)
        )
        return Answers(rates, differences, ratios, self.beside_rest[places])


class Rows(NamedTuple):
    """Single scored cases of one group."""

    label: SmallArray
    """int8[n]: 1 exploitation, 0 none, -1 unlabelled."""
    decision: SmallArray
    """int8[n]: 1 flagged, 0 not flagged."""


def tables_of(families: Sequence[FamilyCounts]) -> Tables:
    """Make the tables of the groups of every family, one after the other, over the scored cases: no other has a
    rate.
    """
    group_cells = np.concatenate([family.cells[:, :, (FLAGGED, NOT_FLAGGED)] for family in families])
    all_of_them = np.concatenate(
        [np.broadcast_to(family.everyone[:, (FLAGGED, NOT_FLAGGED)], (len(family.groups), 3, 2)) for family in families]
    )
    return Tables(group_cells.astype(np.float64), (all_of_them - group_cells).astype(np.float64))


def labelled(rows: Rows) -> Rows:
    """Pick the rows that have a label."""
    known = rows.label >= 0
    return Rows(rows.label[known], rows.decision[known])


def four_cells(tables: FloatArray) -> FloatArray:
    """float64[N, 4]: TP, FN, FP, TN, in the order of `LABELS` and `DECISIONS`."""
    return tables[:, :2].reshape(-1, 4)


def two_cells(tables: FloatArray) -> FloatArray:
    """float64[N, 2]: flagged and not flagged, labelled or not."""
    return np.asarray(tables.sum(axis=1))


def own_answers(tables: Tables, metrics: Sequence[MetricName]) -> Answers:
    """Compute the rates, differences and ratios by this project's own definitions; NaN where it states none."""
    return stated({metric: (rates_of(tables.own, metric), rates_of(tables.rest, metric)) for metric in metrics})


def stated(sides: Mapping[MetricName, tuple[FloatArray, FloatArray]]) -> Answers:
    """Make answers of the rates of groups and of their rests; no ratio where the rate of the rest is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return Answers(
            {metric: group_rate for metric, (group_rate, _) in sides.items()},
            {metric: group_rate - rest for metric, (group_rate, rest) in sides.items()},
            {metric: np.where(rest > 0, group_rate / rest, np.nan) for metric, (group_rate, rest) in sides.items()},
            np.ones(len(next(iter(sides.values()))[0]), dtype=bool),
        )


def rates_of(side: FloatArray, metric: MetricName) -> FloatArray:
    """float64[N]: one rate of each of the tables `side`, float64[N, 3, 2]; NaN without a denominator."""
    denominator = _sum(side, METRICS[metric].denominator)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, _sum(side, METRICS[metric].numerator) / denominator, np.nan)


def _sum(side: FloatArray, cells: Sequence[Cell]) -> FloatArray:
    labels, decisions = zip(*(_PLACES[cell] for cell in cells), strict=True)
    return np.asarray(side[:, list(labels), list(decisions)].sum(axis=1))


MOST_ROWS: Final = 1_000_000
"""Number of rows from which on a set is no longer compared row by row."""


def group_rows(evaluation_set: EvaluationSet, families: Sequence[Family]) -> dict[Group, Rows]:
    """Return the scored cases of everyone and of each group of the finest rung of each single feature in `families`.

    Empty for a set of `MOST_ROWS` or more. Raises DataError where the file cannot be read any more.
    """
    if evaluation_set.rows >= MOST_ROWS:
        return {}
    finest = {feature.name: feature.rungs[0] for feature in evaluation_set.features}
    single = [
        family for family in families if len(family.axes) == 1 and finest[family.axes[0].feature] == family.axes[0].rung
    ]
    names = [f"group_{family.axes[0].feature}" for family in single]
    columns = plain(["label", "decision", *names])
    where = f"decision IN ({FLAGGED}, {NOT_FLAGGED})"
    if isinstance(evaluation_set.engine, DuckDBEngine):
        cases = f"{SCORED}, range({CASES})" if CASES in evaluation_set.expressions else SCORED
        table = evaluation_set.table_of(f"SELECT {', '.join(columns.values())} FROM {cases} WHERE {where}")  # noqa: S608
    else:
        counted = evaluation_set.table_of(grouped(SCORED, columns, {"cases": "count(*)"}, where))
        table = counted.take(np.repeat(np.arange(counted.num_rows), counted.column("cases").to_numpy()))
    label = table.column("label").fill_null(-1).to_numpy().astype(np.int8)
    rows = Rows(label, (table.column("decision").to_numpy() == FLAGGED).astype(np.int8))
    rows_by_group = {Group(()): rows}
    for family, name in zip(single, names, strict=True):
        codes = evaluation_set.codes[family.axes[0].feature]
        rows_by_group |= _family_rows(family, *code_places(table.column(name), codes), rows)
    return rows_by_group


def code_places(column: pa.ChunkedArray, codes: Mapping[str | None, str]) -> tuple[tuple[str, ...], IntArray]:
    """Return the distinct codes of a column, sorted, and the place of each row's; a raw value is looked up once."""
    values = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())
    encoded = values.dictionary_encode(null_encoding="encode")
    distinct, code_index = numbered([codes[value] for value in encoded.dictionary.to_pylist()])
    return tuple(distinct), code_index[encoded.indices.to_numpy()]


def _family_rows(family: Family, distinct: Sequence[str], code_index: IntArray, rows: Rows) -> dict[Group, Rows]:
    (axis,) = family.axes
    order = np.argsort(code_index.astype(np.int32), kind="stable")
    edges = np.searchsorted(code_index[order], np.arange(len(distinct) + 1))
    label, decision = rows.label[order], rows.decision[order]
    return {
        Group((Level(axis.feature, axis.rung, code),)): Rows(label[start:end], decision[start:end])
        for code, start, end in zip(distinct, edges[:-1], edges[1:], strict=True)
    }
