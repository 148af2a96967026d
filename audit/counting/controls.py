"""Count by group and by the levels of control features, to compare like with like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.counting.count import SCORED, check_total, count_text, counts_by_group
from audit.counting.table import UNKNOWN, CountsTable, FamilyCounts, group_of_codes, ladder_map
from audit.plan.sections import ControlFeature
from audit.stats.arrays import IntArray, added, numbered
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.metrics import Cell

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet


@dataclass(frozen=True, slots=True)
class EncodedCounts:
    """A `CountsTable` with its codes as numbers, column by column."""

    features: tuple[str, ...]
    """The features of the table."""
    levels: tuple[tuple[str, ...], ...]
    """For each feature: its codes, sorted."""
    columns: tuple[IntArray, ...]
    """For each feature, int64[K]: the place of each row's code among its sorted codes."""
    cells: IntArray
    """int64[K, 3, 4]: the cells of the table."""


@dataclass(frozen=True, slots=True)
class StratifiedCounts:
    """The groups of one family, within each stratum of one or more control features."""

    family: Family
    groups: tuple[Group, ...]
    """G groups, sorted by their codes."""
    of: IntArray
    """int64[P]: the group of each pair of a group and a stratum that has a case."""
    stratum: IntArray
    """int64[P]: the stratum of each pair."""
    cells: IntArray
    """int64[P, 3, 4]: label x decision of the group within the stratum."""
    strata: IntArray
    """int64[S, 3, 4]: label x decision of everyone within a stratum."""

    def total(self, cells: Sequence[Cell]) -> IntArray:
        """int64[P]: the sum of several cells of a group within a stratum."""
        return FamilyCounts(self.family, self.groups, self.cells, self._everyone).total(cells)

    def rest(self, cells: Sequence[Cell]) -> IntArray:
        """int64[P]: the sum of several cells over everyone in the stratum who is not in the group."""
        everyone = FamilyCounts(self.family, self.groups, self.strata, self._everyone).total(cells)
        return np.asarray(everyone[self.stratum] - self.total(cells), dtype=np.int64)

    @property
    def _everyone(self) -> IntArray:
        everyone: IntArray = self.strata.sum(axis=0, dtype=np.int64)
        return everyone


def count_controls(
    evaluation_set: EvaluationSet, control_features: Mapping[str, ControlFeature], relation: str = SCORED
) -> CountsTable | None:
    """Count the rows of the scored set by group, control level, label and decision: one more scan.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring: `relation` has what `count_cases` needs and, for each control feature, `control_<name>`
        (VARCHAR, never NULL).
    control_features : mapping of ControlFeature
        The control features of the plan, by name.

    Returns
    -------
    CountsTable or None
        Its features are the sensitive features and then the control features. None if the plan has no control feature.

    Raises
    ------
    DataError
        The file cannot be read any more.
    AssertionError
        A row has no decision, or the counts do not add up to the rows of the set: a defect of this tool.
    """
    if not control_features:
        return None
    sensitive = [feature.name for feature in evaluation_set.features]
    controls = list(control_features)
    columns = [f"group_{name}" for name in sensitive] + [f"control_{name}" for name in controls]
    text = count_text(relation, columns)
    counted = evaluation_set.rows_of(text)
    codes = [evaluation_set.codes[name] for name in sensitive] + [
        {level: level or UNKNOWN for level in {line[index] for line in counted}}
        for index in range(len(sensitive), len(columns))
    ]
    table = counts_by_group((*sensitive, *controls), counted, codes)
    check_total(table, evaluation_set.rows)
    return table


def control_sets(control_features: Mapping[str, ControlFeature]) -> tuple[tuple[str, ...], ...]:
    """Sets of control features to condition on: each by itself, and all together if there are two or three."""
    names = tuple(control_features)
    single = tuple((name,) for name in names)
    return (*single, names) if len(names) in (2, 3) else single


def encode_counts(table: CountsTable) -> EncodedCounts:
    """Number the levels of every feature once, so that families and sets of controls are sums over arrays."""
    levels: list[tuple[str, ...]] = []
    columns: list[IntArray] = []
    for codes in zip(*table.codes, strict=True):
        names, places = numbered(codes)
        levels.append(tuple(names))
        columns.append(places)
    return EncodedCounts(table.features, tuple(levels), tuple(columns), table.cells)


def stratify(
    counts: EncodedCounts, family: Family, features: Mapping[str, SensitiveFeature], controls: Sequence[str]
) -> StratifiedCounts:
    """Sum the counts up to the groups of `family` within strata: each combination of levels of `controls` is one."""
    axes = [_on_rung(counts, features[axis.feature], axis.rung) for axis in family.axes]
    places = [counts.features.index(name) for name in controls]
    groups, group_index = _combined(axes, counts.cells.shape[0])
    strata, stratum = _combined([(counts.levels[at], counts.columns[at]) for at in places], counts.cells.shape[0])
    pairs, at = np.unique(group_index * len(strata) + stratum, return_inverse=True)
    cells, of_strata = added((pairs.size, 3, 4), at, counts.cells), added((len(strata), 3, 4), stratum, counts.cells)
    named = tuple(group_of_codes(family.axes, key) for key in groups)
    return StratifiedCounts(family, named, pairs // max(len(strata), 1), pairs % max(len(strata), 1), cells, of_strata)


def _on_rung(counts: EncodedCounts, feature: SensitiveFeature, rung: str) -> tuple[tuple[str, ...], IntArray]:
    """The levels of a feature on a rung, sorted, and for each row the place of its level."""
    at = counts.features.index(feature.name)
    climb = ladder_map(feature, rung)
    names, rung_index = numbered([climb[code] for code in counts.levels[at]])
    return tuple(names), rung_index[counts.columns[at]]


def _combined(columns: Sequence[tuple[tuple[str, ...], IntArray]], rows: int) -> tuple[list[tuple[str, ...]], IntArray]:
    """The combinations of levels that occur, sorted, and for each row the place of its combination."""
    packed = np.zeros(rows, dtype=np.int64)
    for names, column in columns:
        packed = packed * len(names) + column
    distinct, at = np.unique(packed, return_inverse=True)
    keys: list[tuple[str, ...]] = []
    for left in distinct.tolist():
        key: list[str] = []
        for names, _ in reversed(columns):
            key.append(names[left % len(names)])
            left //= len(names)  # noqa: PLW2901 - it is taken apart digit by digit
        keys.append(tuple(reversed(key)))
    return keys, np.asarray(at, dtype=np.int64)
