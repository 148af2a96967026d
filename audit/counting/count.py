"""Counts of rows, and sums of their weights and clusters, of one scan each.

The finest groups of a set: every combination of codes of the sensitive features that occurs.

Count rows: one scan returns integers.

Sum weights and clusters of a plan in one more scan.

Counts for questions beside that of the detector's flag: people's decisions, each form, the first of a ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np
import pyarrow.compute as pc

from audit.counting.clusters import ClusterTable
from audit.counting.family_moments import CELLS, WeightTable
from audit.counting.moments import Moments
from audit.counting.strata import StratumTable
from audit.counting.table import (
    ABSTAINED,
    DECISIONS,
    FAILED,
    FLAGGED,
    NEGATIVE,
    NOT_FLAGGED,
    POSITIVE,
    UNLABELLED,
    CountsTable,
)
from audit.engines.protocol import identifier
from audit.errors import DataError
from audit.evaluation.labels import PEOPLE
from audit.plan.evaluation_set import CASES
from audit.result.findings.second import SecondKind
from audit.stats.arrays import FloatArray, IntArray, added, numbered
from audit.vocabulary.metrics import Cell
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.evaluation.design import Strata
    from audit.evaluation.evaluation_set import EvaluationSet


LABELLED: Final = "label IS NOT NULL AND score IS NOT NULL"
"""SQL of the rows that are ranked."""
_MOST_LISTED: Final = 1 << 20
"""Most keys whose places stand in a list; among more, and most of them of no group, one is searched for."""


@dataclass(frozen=True, slots=True)
class FinestGroups:
    """K finest groups, sorted by their codes, and the raw values that they are made of."""

    codes: tuple[tuple[str, ...], ...]
    """A code of each feature on its finest rung."""
    features: Mapping[str, Mapping[Any, str]]
    """Code of each raw value, or of what stands for it in rows, by feature."""
    _places: tuple[Callable[[IntArray], IntArray], ...]
    """For each feature: the place of codes so far, as one integer, among those that occur."""

    @classmethod
    def of(cls, counted: Any, codes: Mapping[str, Mapping[str | None, str]]) -> tuple[Self, IntArray]:
        """Find the groups of an Arrow table with a column `group_<feature>` of each of `codes`, and each row's place.

        `codes` maps the raw values of each feature to codes.
        """
        group_index = np.zeros(counted.num_rows, dtype=np.int64)
        codes_of_groups: list[tuple[str, ...]] = [()]
        places: list[Callable[[IntArray], IntArray]] = []
        for name in codes:
            levels = _levels(codes[name])
            size = len(codes_of_groups) * len(levels)
            # codes are ranked and added from the first feature on, so that the order of numbers is that of tuples
            distinct, group_index = np.unique(
                group_index * len(levels) + _ranks(counted, name, codes[name]), return_inverse=True
            )
            codes_of_groups = [
                (*codes_of_groups[key // len(levels)], levels[key % len(levels)]) for key in distinct.tolist()
            ]
            at = distinct.searchsorted
            places.append(at if size > _MOST_LISTED else at(np.arange(size)).take)
        return cls(tuple(codes_of_groups), codes, tuple(places)), group_index

    def places(self, rows: Any) -> IntArray:
        """int64[E]: the place of the group of each row of an Arrow batch, whose groups are all known."""
        group_index = np.zeros(rows.num_rows, dtype=np.int64)
        for (name, codes), at in zip(self.features.items(), self._places, strict=True):
            group_index = at(group_index * len(_levels(codes)) + _ranks(rows, name, codes))
        return group_index


def group_columns(finest: FinestGroups) -> str:
    """SQL of the columns with the raw values of the groups, each with a comma after it."""
    return "".join(f"{identifier(f'group_{name}')}, " for name in finest.features)


def _levels(codes: Mapping[Any, str]) -> list[str]:
    return sorted(set(codes.values()))


def _ranks(rows: Any, name: str, codes: Mapping[Any, str]) -> IntArray:
    """int64[E]: rank of the code of each row among all codes of the feature."""
    column = rows.column(f"group_{name}")
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    column = column.dictionary_encode(null_encoding="encode")
    rank = {code: at for at, code in enumerate(_levels(codes))}
    ranks = np.array([rank[codes[value]] for value in column.dictionary.to_pylist()], dtype=np.int64)
    return np.asarray(ranks[column.indices.to_numpy()])


SCORED: Final = "scored"
"""Name of the view with the scored set, which scoring leaves in the connection."""
ABSTAINED_ROW: Final = "abstained"
"""Column of the scored set, where the plan says what abstentions count as: whether the detector declined to answer."""
CELL: Final = ("label", "decision")
"""Columns that say in which cell a row is."""
PLACE_OF_LABEL: Final = {1: POSITIVE, 0: NEGATIVE, None: UNLABELLED}
_SHAPE: Final = (UNLABELLED + 1, DECISIONS)


def count_cases(evaluation_set: EvaluationSet, relation: str = SCORED) -> CountsTable:
    """Count the rows of the scored set by group, label and decision. Raw values become codes.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring: `relation` has `group_<feature>` (VARCHAR), `label` (1, 0, NULL), `decision` (0 to 3).

    Raises
    ------
    DataError
        The file cannot be read any more.
    AssertionError
        A row has no decision, or the counts do not add up to the rows of the set: a defect of this tool.
    """
    features = tuple(feature.name for feature in evaluation_set.features)
    is_counted = CASES in evaluation_set.expressions
    text = count_text(relation, [f"group_{name}" for name in features], cases=CASES if is_counted else None)
    counted = evaluation_set.rows_of(text)
    table = counts_by_group(features, counted, [evaluation_set.codes[name] for name in features])
    check_total(table, evaluation_set.rows)
    return table


def count_abstentions(evaluation_set: EvaluationSet) -> CountsTable:
    """Count the rows of the scored set on which the detector abstained, by group, label and what they count as."""
    features = tuple(feature.name for feature in evaluation_set.features)
    counted = evaluation_set.rows_of(count_text(SCORED, [f"group_{name}" for name in features], only=ABSTAINED_ROW))
    return counts_by_group(features, counted, [evaluation_set.codes[name] for name in features])


def check_total(table: CountsTable, rows: int) -> None:
    """Raise AssertionError if the counts do not add up to the rows of the set: a defect of this tool."""
    total = int(table.cells.sum())
    if total != rows:
        raise AssertionError(f"{rows} rows were read and {total} were counted")


def count_text(relation: str, groups: Sequence[str], *, only: str | None = None, cases: str | None = None) -> str:
    """SQL of the counts: each group, label and decision, and `cases`.

    `only` names a BOOLEAN column; then only the rows where it is true are counted. `cases` names a BIGINT column: how
    many cases a row stands for.
    """
    number = "count(*)" if cases is None else f"sum({identifier(cases)})"
    return grouped(relation, plain([*groups, *CELL]), {"cases": number}, "true" if only is None else identifier(only))


def grouped(relation: str, keys: Mapping[str, str], sums: Mapping[str, str], only: str = "true") -> str:
    """SQL of one scan: the `sums` over the rows of each combination of `keys`; every column has a name.

    The tests say the same in Ibis, bound to no engine, and hold each text to it: Ibis takes longer than a gate may.
    """
    columns = ", ".join(f"{text} AS {identifier(name)}" for name, text in {**keys, **sums}.items())
    places = ", ".join(str(index) for index in range(1, len(keys) + 1))
    return f"SELECT {columns} FROM {identifier(relation)} WHERE {only} GROUP BY {places}"  # noqa: S608 - quoted names


def plain(names: Iterable[str]) -> dict[str, str]:
    """Columns as keys of `grouped`, under their own names."""
    return {name: identifier(name) for name in names}


def counts_by_group(
    features: Sequence[str], counted: Sequence[Sequence[Any]], codes: Sequence[Mapping[Any, str]]
) -> CountsTable:
    """Add up every combination of codes that occurs. Several raw values can have the same code.

    `counted` holds lines of raw values, label, decision and cases; `codes` maps the raw values of each feature to
    codes. Raises AssertionError if a line has no decision: a defect of this tool.
    """
    if not counted:
        return CountsTable.of(features, {})
    *raw, labels, decisions, cases = zip(*counted, strict=True)
    if None in decisions:
        raise AssertionError(f"{cases[decisions.index(None)]} rows have no decision")
    at = ([PLACE_OF_LABEL[label] for label in labels], decisions)
    return added_by_group(features, raw, codes, at, cases, _SHAPE)


def added_by_group(
    features: Sequence[str],
    raw: Sequence[Sequence[Any]],
    codes: Sequence[Mapping[Any, str]],
    at: Sequence[Sequence[int]],
    cases: Sequence[int],
    shape: tuple[int, ...],
) -> CountsTable:
    """Add lines up by the codes of their group: `raw` values of each feature, places `at` in `shape`, and `cases`."""
    coded = (map(code.__getitem__, values) for code, values in zip(codes, raw, strict=True))
    keys = list(zip(*coded, strict=True)) or [()] * len(cases)
    groups, places = numbered(keys)
    cells = added((len(groups), *shape), (places, *map(list, at)), np.array(cases, dtype=np.int64))
    return CountsTable(tuple(features), tuple(groups), cells)


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
    names = [feature.name for feature in evaluation_set.features]
    text = grouped(relation, plain([*(f"group_{name}" for name in names), "stratum", *CELL]), {"cases": "count(*)"})
    summed = evaluation_set.table_of(text)
    groups_there, finest = FinestGroups.of(summed, {name: evaluation_set.codes[name] for name in names})
    codes = groups_there.codes
    # a part of the set, such as the control sample, need not have them all
    there, stratum_index = numbered(summed.column("stratum").to_pylist())
    shape = (len(codes), len(there), len(CELLS))
    rows = added(shape, (finest, stratum_index, _cells(summed)), _floats(summed, "cases"))
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
    label_index = np.array([PLACE_OF_LABEL[0], PLACE_OF_LABEL[1], UNLABELLED])[label]
    return np.asarray(_CELL_OF[label_index, summed.column("decision").to_numpy()], dtype=np.int64)


def _joined(high: IntArray, low: IntArray) -> FloatArray:
    """float64[E]: the nearest doubles of sums that come in halves."""
    high, low = high + (low >> _HALF), low & ((1 << _HALF) - 1)
    if high.max(initial=0) < 1 << 53:
        return np.asarray(high * 2.0**_HALF + low)
    return np.array([float((upper << _HALF) + lower) for upper, lower in zip(high.tolist(), low.tolist(), strict=True)])


def _numbered(names: Any) -> IntArray:
    """int64[N]: the number of each cluster, in the order of the names."""
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
    sums = [added(shape, at, power_sums) for power_sums in (columns["sum_0"], first, second, fourth)]
    return WeightTable(sums[0], sums[1], sums[2], sums[3], lowest, highest)


ABOVE, BELOW, TIED, UNRANKED = FLAGGED, NOT_FLAGGED, ABSTAINED, FAILED
"""What a decision is in the table of the first places: before the score at the border, after it, at it, and without a
score."""
_DECIDED: Final[Mapping[bool | None, int]] = {True: FLAGGED, False: NOT_FLAGGED, None: ABSTAINED}
_FLAGS: Final[Mapping[int, int | None]] = {FLAGGED: 1, NOT_FLAGGED: 0}


class SecondCounts(NamedTuple):
    """A scored set in which something else stands in the place of the label, the flag, or both."""

    kind: SecondKind
    name: str
    """The form; empty for people's decisions."""
    table: CountsTable
    moments: Moments | None


class Second(NamedTuple):
    """Counts of all second questions of a plan."""

    counts: tuple[SecondCounts, ...] = ()
    people: Mapping[int | None, CountsTable] | None = None
    """For cases labelled 1, 0 and not at all: a table whose label is the detector's flag (unlabelled: it gave none) and
    whose decision is that of people. None where the plan names no decisions of people."""
    first: tuple[tuple[int, CountsTable], ...] = ()
    """For each number of first places: a table whose decision is `ABOVE`, `BELOW`, `TIED` or `UNRANKED`."""


def count_view(evaluation_set: EvaluationSet, kind: SecondKind, name: str, view: str) -> SecondCounts:
    """Count a view that has the columns of the scored set."""
    return SecondCounts(kind, name, count_cases(evaluation_set, view), count_moments(evaluation_set, view))


def count_people(
    evaluation_set: EvaluationSet, *, by_people: bool = False
) -> tuple[SecondCounts, dict[int | None, CountsTable]]:
    """Count people's decisions as if they were the detector's; and beside the detector's, case by case.

    `by_people` says that abstentions count as what people decided: the detector gave no answer of its own there.
    """
    names = [feature.name for feature in evaluation_set.features]
    columns = ", ".join(identifier(name) for name in evaluation_set.expressions if name != PEOPLE)
    code = f"CASE WHEN {PEOPLE} THEN {FLAGGED} WHEN NOT {PEOPLE} THEN {NOT_FLAGGED} ELSE {ABSTAINED} END"
    # names and numbers of our own
    query = f"SELECT {columns}, score, {code} AS decision FROM {SCORED}"  # noqa: S608
    evaluation_set.engine.execute(f"CREATE OR REPLACE TEMP VIEW decided_by_people AS {query}")
    keys = plain([*(f"group_{name}" for name in names), "label", "decision", PEOPLE])
    if by_people:
        keys["decision"] = f"CASE WHEN {ABSTAINED_ROW} THEN {ABSTAINED} ELSE decision END"
    number = f"sum({identifier(CASES)})" if CASES in evaluation_set.expressions else "count(*)"
    lines = [tuple(line) for line in evaluation_set.rows_of(grouped(SCORED, keys, {"cases": number}))]
    codes = [evaluation_set.codes[name] for name in names]

    def labelled(truth: int | None) -> CountsTable:
        counted_lines = [line for line in lines if line[-4] == truth]
        pairs = [(*groups, _FLAGS.get(then), _DECIDED[now], cases) for *groups, _, then, now, cases in counted_lines]
        return counts_by_group(names, pairs, codes)

    people = {truth: labelled(truth) for truth in (1, 0, None)}
    return count_view(evaluation_set, "decisions", "", "decided_by_people"), people


def count_first(evaluation_set: EvaluationSet, first: int) -> CountsTable:
    """Count who is among the `first` highest scores, and who shares the score at the border where not all fit."""
    highest = f"SELECT score FROM {SCORED} WHERE score IS NOT NULL ORDER BY score DESC LIMIT {first}"  # noqa: S608
    ((border, places),) = evaluation_set.rows_of(f"SELECT min(score) AS s, count(*) AS n FROM ({highest}) AS h")  # noqa: S608
    at = f"CAST('{float(border or 0.0)!r}' AS DOUBLE)"
    ((reached,),) = evaluation_set.rows_of(f"SELECT count(*) AS reached FROM {SCORED} WHERE score >= {at}")  # noqa: S608
    tied = ABOVE if reached == places else TIED
    ranked = f"WHEN score > {at} THEN {ABOVE} WHEN score = {at} THEN {tied} WHEN score < {at} THEN {BELOW}"
    names = [feature.name for feature in evaluation_set.features]
    keys = plain([*(f"group_{name}" for name in names), "label"]) | {"decision": f"CASE {ranked} ELSE {UNRANKED} END"}
    lines = evaluation_set.rows_of(grouped(SCORED, keys, {"cases": "count(*)"}))
    return counts_by_group(names, lines, [evaluation_set.codes[name] for name in names])
