"""Count the cells that a subgroup scan searches: all declared columns at once, in two halves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from audit.counting.count import SCORED, grouped, plain
from audit.counting.table import ABSTAINED, FLAGGED
from audit.engines.protocol import literal
from audit.engines.read_errors import reading
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import ScanSection
from audit.stats.arrays import IntArray, distinct, numbered

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

SEARCH, CONFIRMATION = range(2)
"""The halves of the set: a finding of the first half is confirmed in the second."""
_SALT: Final = "audit7k subgroup scan: "
"""Makes the halves independent of any other split by a hash of the same ids."""
_DECISIONS: Final = 3
_BATCH: Final = 100_000
_KEY_WIDTH: Final = 16


@dataclass(frozen=True, slots=True)
class ScanAttribute:
    """A column or sensitive feature that describes subsets."""

    name: str
    """The column, or the sensitive feature."""
    kind: Literal["column", "feature"]
    """Whether it is a column or a sensitive feature."""
    values: tuple[str, ...]
    """The values in the set, sorted; for a sensitive feature the codes on the finest rung."""


@dataclass(frozen=True, slots=True)
class ScanTable:
    """The scored cases of one label in one half."""

    codes: IntArray
    """int64[K, A]: the value of each attribute in each cell; cells are in the order of these codes."""
    flagged: IntArray
    """int64[K]: flagged cases of each cell."""
    not_flagged: IntArray
    """int64[K]: cases of each cell that are not flagged."""
    cell: IntArray
    """int64[E]: the cell of each entry. An entry is a cell, or with clusters the part of a cell in one cluster."""
    cluster: IntArray | None
    """int64[E]: the cluster of each entry, from 0; None without clusters."""
    entry_flagged: IntArray
    """int64[E]: flagged cases of each entry."""
    entry_not_flagged: IntArray
    """int64[E]: cases of each entry that are not flagged."""


@dataclass(frozen=True, slots=True)
class ScanCells:
    """Labelled cases by every attribute, half, label and decision, in an arbitrary order."""

    attributes: tuple[ScanAttribute, ...]
    """A attributes: the columns in the order of the plan, then the sensitive features."""
    codes: IntArray
    """int64[E, A]: the value of each attribute."""
    half: IntArray
    """int64[E]: `SEARCH` or `CONFIRMATION`. A cluster is in one half as a whole."""
    positive: IntArray
    """int64[E]: 1 if labelled as exploitation, else 0."""
    decision: IntArray
    """int64[E]: 0 flagged, 1 not flagged, 2 neither."""
    cases: IntArray
    """int64[E]: number of cases."""
    cluster: IntArray | None
    """int64[E]: the cluster, numbered in the order of a hash of the names; None without clusters."""

    def unscored(self, positive: int) -> int:
        """Number of cases of a label without a decision. They are not searched."""
        return int(self.cases[(self.positive == positive) & (self.decision >= ABSTAINED)].sum())

    def table(self, positive: int, half: int) -> ScanTable:
        """The scored cases of one label in one half."""
        picked = (self.positive == positive) & (self.half == half) & (self.decision < ABSTAINED)
        codes, cases = self.codes[picked], self.cases[picked]
        hit = np.where(self.decision[picked] == FLAGGED, cases, 0)
        cell, first = distinct(codes, [len(attribute.values) for attribute in self.attributes])
        flagged, total = _sums(cell, hit), _sums(cell, cases)
        if self.cluster is None:
            entry = np.arange(len(first))
            return ScanTable(codes[first], flagged, total - flagged, entry, None, flagged, total - flagged)
        _, cluster = np.unique(self.cluster[picked], return_inverse=True)
        pair, at = distinct(np.stack([cluster, cell], axis=1), [int(cluster.max(initial=0)) + 1, len(first)])
        by_pair = _sums(pair, hit)
        return ScanTable(
            codes[first], flagged, total - flagged, cell[at], cluster[at], by_pair, _sums(pair, cases) - by_pair
        )


def count_scan_cells(
    evaluation_set: EvaluationSet, set_section: EvaluationSetSection, scan: ScanSection | None
) -> ScanCells | None:
    """Count the labelled rows of the scored set by every attribute that the plan's scan searches: one more scan.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring: it has `case_id`, `label`, `decision` and `group_<feature>` as in `count_cases`,
        and, where the plan asks for them, `scan_<place>` and `cluster` (VARCHAR).

    Returns
    -------
    ScanCells or None
        None if the plan has no scan. The MD5 of its id, or of its cluster, decides the half of a row, so that the half
        is the same on every machine and in every version.

    Raises
    ------
    DataError
        The file cannot be read any more.
    AssertionError
        A row has no decision: a defect of this tool.
    """
    if scan is None:
        return None
    features = list(dict.fromkeys(scan.features or (feature.name for feature in evaluation_set.features)))
    keys = [f"scan_{index}" for index in range(len(scan.columns))]
    groups = [*keys, *(f"group_{name}" for name in features)]
    clustered = set_section.cluster is not None
    with reading(evaluation_set.source_name):
        counted = evaluation_set.engine.sql(scan_text(SCORED, groups, clustered=clustered))
        coded = _coded(counted.to_arrow_reader(_BATCH), groups, clustered=clustered)
    renamed: list[Mapping[str | None, str] | None] = [None] * len(keys) + [evaluation_set.codes[f] for f in features]
    described = [(name, "column") for name in scan.columns] + [(name, "feature") for name in features]
    attributes, columns = [], []
    for (name, kind), raw, codes, names in zip(described, coded.values, coded.codes, renamed, strict=True):
        values, places = _sorted_values(raw, codes, names)
        attributes.append(ScanAttribute(name, "column" if kind == "column" else "feature", values))
        columns.append(places)
    label_and_half, decision = np.divmod(coded.cell, _DECISIONS)
    half, positive = label_and_half % 2, label_and_half // 2
    every = np.stack(columns, axis=1) if columns else np.zeros((len(coded.cases), 0), dtype=np.int64)
    return ScanCells(tuple(attributes), every, half, positive, decision, coded.cases, coded.cluster)


def scan_text(relation: str, groups: Sequence[str], *, clustered: bool) -> str:
    """SQL of the counts: each group, `cell` (label x half x decision, packed) and `cases`.

    With clusters there is also `key`, the first half of the MD5 of a cluster. Unlabelled rows are left out.
    """
    digest = f"md5({literal(_SALT)} || {'cluster' if clustered else 'case_id'})"
    # not least(): in DuckDB that is 2 where there is no decision
    decision = f"CASE WHEN decision >= {ABSTAINED} THEN {ABSTAINED} ELSE decision END"
    cell = f"label * {2 * _DECISIONS} + CASE WHEN {digest} >= '8' THEN {_DECISIONS} ELSE 0 END + {decision}"
    keys = {**plain(groups), "cell": f"CAST({cell} AS TINYINT)"}
    keys |= {"key": f"substring({digest}, 1, {_KEY_WIDTH})"} if clustered else {}
    return grouped(relation, keys, {"cases": "count(*)"}, "label IS NOT NULL")


@dataclass(frozen=True, slots=True)
class _Coded:
    """The counted rows as numbers, and for each group the raw values in the order in which they were met."""

    values: list[list[str | None]]
    codes: list[IntArray]
    cell: IntArray
    cases: IntArray
    cluster: IntArray | None


def _coded(batches: Iterable[Any], groups: Sequence[str], *, clustered: bool) -> _Coded:
    """Number the raw values batch by batch, so that only the texts of a few rows are in memory at a time."""
    met: list[dict[str | None, int]] = [{} for _ in groups]
    codes: list[list[IntArray]] = [[] for _ in groups]
    cells, cases, keys = [], [], []
    for batch in batches:
        for name, known, parts in zip(groups, met, codes, strict=True):
            encoded = batch.column(name).dictionary_encode(null_encoding="encode")
            places = [known.setdefault(value, len(known)) for value in encoded.dictionary.to_pylist()]
            parts.append(np.array(places, dtype=np.int64)[encoded.indices.to_numpy(zero_copy_only=False)])
        if batch.column("cell").null_count:
            raise AssertionError("a labelled row has no decision")
        cells.append(batch.column("cell").to_numpy(zero_copy_only=False).astype(np.int64))
        cases.append(batch.column("cases").to_numpy(zero_copy_only=False).astype(np.int64))
        if clustered:
            keys.append(np.array(batch.column("key").to_pylist(), dtype=f"S{_KEY_WIDTH}"))
    empty = np.zeros(0, dtype=np.int64)
    cluster = np.unique(np.concatenate(keys), return_inverse=True)[1] if keys else empty if clustered else None
    joined = [np.concatenate([empty, *parts]) for parts in (*codes, cells, cases)]
    return _Coded([list(known) for known in met], joined[:-2], joined[-2], joined[-1], cluster)


def _sorted_values(
    raw: list[str | None], codes: IntArray, names: Mapping[str | None, str] | None
) -> tuple[tuple[str, ...], IntArray]:
    """The sorted values, and for each entry the place of its value. Several raw values may give one value."""
    read = [(value or "") if names is None else names[value] for value in raw]
    values, places = numbered(read)
    return tuple(values), places[codes] if read else codes


def _sums(flat_index: IntArray, values: IntArray) -> IntArray:
    # float64 holds every count up to 2^53
    return np.bincount(flat_index, values).astype(np.int64)
