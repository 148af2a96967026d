"""Count, group by group, the rows whose answer failed and the rows on which a detector contradicts itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.counting.table import ABSTAINED, FAILED, climbed_codes, group_of_codes
from audit.engines.protocol import ROW, identifier
from audit.stats.arrays import FloatArray, IntArray
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.statuses import REASONS, STATUSES, Reason, Status

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

TWICE: Final = ("answered", "decisions_differ", "scores_differ", "answered_sometimes")
"""Kinds of rows that `count_disagreement` counts, in the order of its columns."""


@dataclass(frozen=True, slots=True)
class GroupTallies:
    """Rows of the finest groups, counted in M ways. Every other group is a sum of these."""

    features: tuple[str, ...]
    """The sensitive features, in the order of the plan."""
    codes: tuple[tuple[str, ...], ...]
    """K finest groups, sorted: a code of each feature on its finest rung. Only groups with a row to count."""
    rows: IntArray
    """int64[K, M]: numbers of rows."""
    largest: FloatArray
    """float64[K]: the largest difference between two scores of one row; 0 where none is counted."""

    def family(self, family: Family, features: Mapping[str, SensitiveFeature]) -> dict[Group, Tallied]:
        """Sum up to the groups of a family; only groups with a row. A family without axes is everyone."""
        keys = climbed_codes(self.codes, self.features, family, features)
        tallied: dict[tuple[str, ...], Tallied] = {}
        for key, rows, largest in zip(keys, self.rows, self.largest.tolist(), strict=True):
            before = tallied.get(key)
            if before is None:
                tallied[key] = Tallied(rows.copy(), largest)
            else:
                tallied[key] = Tallied(before.rows + rows, max(before.largest, largest))
        return {group_of_codes(family.axes, key): tally for key, tally in sorted(tallied.items())}


@dataclass(frozen=True, slots=True)
class Tallied:
    """The rows of one group, counted in M ways."""

    rows: IntArray
    """int64[M]: numbers of rows."""
    largest: float
    """The largest difference between two scores of one row."""


def round_view(index: int) -> str:
    """Name of the view with the answers of a round; `place` counts rounds from 1.

    Scoring leaves these views in the connection. Each has a row for each row of the set: its key (`EvaluationSet.key`),
    `score` (DOUBLE or NULL), `decision` (0 to 3), `status` and `reason` (codes of `audit.vocabulary.statuses`; no
    reason is -1).
    """
    return f"round_{index}"


def count_failures(evaluation_set: EvaluationSet) -> tuple[tuple[tuple[Status, Reason | None], ...], GroupTallies]:
    """Count rows without a usable answer by status and reason.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set, after a detector was run over it.

    Returns
    -------
    kinds : tuple of M (Status, Reason or None)
        The kinds of failures, in the order of the protocol.
    GroupTallies
        Numbers of rows by these M kinds.
    """
    key_columns = evaluation_set.key
    answered = f"SELECT {key_columns}, status, reason FROM {round_view(1)} WHERE decision = {FAILED}"  # noqa: S608 - our own names
    groups = _groups(evaluation_set)
    names = ", ".join(identifier(name) for name, _ in groups)
    failures = _grouped(
        evaluation_set,
        f"SELECT {names}, status, reason, count(*) AS cases FROM {_grouped_source(evaluation_set, groups)}"  # noqa: S608
        f" JOIN ({answered}) USING ({key_columns}) GROUP BY ALL",
    )
    pairs = sorted({(status, reason) for *_, status, reason, _ in failures})
    kinds = tuple((STATUSES[status], None if reason < 0 else REASONS[reason]) for status, reason in pairs)
    at = {pair: index for index, pair in enumerate(pairs)}
    rows: dict[tuple[str, ...], IntArray] = {}
    for *values, status, reason, count in failures:
        key = _key(evaluation_set, values)
        rows.setdefault(key, np.zeros(len(pairs), dtype=np.int64))[at[status, reason]] += count
    return kinds, _tallies(evaluation_set, rows, {}, len(pairs))


def count_disagreement(evaluation_set: EvaluationSet, rounds: int) -> GroupTallies | None:
    """Count the rows on which a detector that was asked `rounds` times contradicts its first answer, by `TWICE`.

    `answered`: every round has a score or decision. Of these rows, `decisions_differ`: some later decision is another
    one; `scores_differ`: some later score is. `answered_sometimes`: some but not all answers are usable. Returns None
    if the detector was asked once.
    """
    if rounds < 2:
        return None
    groups = _groups(evaluation_set)
    names = ", ".join(identifier(name) for name, _ in groups)
    joined = _grouped_source(evaluation_set, groups)
    for index in range(1, rounds + 1):
        view = f"SELECT {ROW}, score AS s{index}, decision AS d{index} FROM {round_view(index)}"  # noqa: S608
        joined += f" JOIN ({view}) USING ({ROW})"
    later = range(2, rounds + 1)
    every = " AND ".join(f"d{index} < {ABSTAINED}" for index in range(1, rounds + 1))
    some = " OR ".join(f"d{index} < {ABSTAINED}" for index in range(1, rounds + 1))
    decisions = " OR ".join(f"d1 <> d{index}" for index in later)
    scores = " OR ".join(f"s1 <> s{index}" for index in later)
    largest = f"max(greatest({', '.join(f'abs(s1 - s{index})' for index in later)}, 0)) FILTER ({every})"
    disagreements = _grouped(
        evaluation_set,
        f"SELECT {names}, count(*) FILTER ({every}), count(*) FILTER (({every}) AND ({decisions})),"  # noqa: S608
        f" count(*) FILTER (({every}) AND ({scores})), count(*) FILTER (({some}) AND NOT ({every})),"
        f" coalesce({largest}, 0) FROM {joined} GROUP BY ALL",
    )
    rows: dict[tuple[str, ...], IntArray] = {}
    most: dict[tuple[str, ...], float] = {}
    for line in disagreements:
        key, counts, difference = _key(evaluation_set, line[: len(groups)]), line[len(groups) : -1], float(line[-1])
        rows.setdefault(key, np.zeros(len(TWICE), dtype=np.int64))[:] += np.array(counts, dtype=np.int64)
        most[key] = max(most.get(key, 0.0), difference)
    return _tallies(evaluation_set, rows, most, len(TWICE))


def _groups(evaluation_set: EvaluationSet) -> list[tuple[str, str]]:
    """Name and SQL of the raw value, for each sensitive feature."""
    names = [f"group_{feature.name}" for feature in evaluation_set.features]
    return [(name, evaluation_set.expressions[name]) for name in names]


def _grouped_source(evaluation_set: EvaluationSet, groups: Sequence[tuple[str, str]]) -> str:
    columns = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in groups)
    return f"(SELECT {evaluation_set.key_of_row}, {columns} FROM {evaluation_set.source.name})"  # noqa: S608 - quoted identifiers


def _grouped(evaluation_set: EvaluationSet, query: str) -> list[tuple[Any, ...]]:
    return evaluation_set.rows_of(query)


def _key(evaluation_set: EvaluationSet, values: Sequence[Any]) -> tuple[str, ...]:
    """Translate raw values into codes, feature by feature."""
    names = [feature.name for feature in evaluation_set.features]
    return tuple(evaluation_set.codes[name][value] for name, value in zip(names, values, strict=True))


def _tallies(
    evaluation_set: EvaluationSet,
    rows: Mapping[tuple[str, ...], IntArray],
    largest: Mapping[tuple[str, ...], float],
    ways: int,
) -> GroupTallies:
    codes = tuple(sorted(rows))
    return GroupTallies(
        features=tuple(feature.name for feature in evaluation_set.features),
        codes=codes,
        rows=np.array([rows[code] for code in codes], dtype=np.int64).reshape(len(codes), ways),
        largest=np.array([largest.get(code, 0.0) for code in codes], dtype=np.float64),
    )
