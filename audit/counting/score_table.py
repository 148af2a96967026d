"""Count the rows of the finest groups by label and score bin, with exact sums, in the same scan as the decisions.

A second scan ranks the labelled rows by their score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.counting.count import SCORED, grouped, plain
from audit.counting.finest_groups import FinestGroups
from audit.counting.score_ranks import ScoreRanks, count_score_ranks
from audit.counting.table import (
    DECISIONS,
    NEAR,
    NEGATIVE,
    POSITIVE,
    UNLABELLED,
    CountsTable,
    climbed_codes,
    group_of_codes,
)
from audit.engines.read_errors import reading
from audit.stats.arrays import IntArray, added, numbered
from audit.stats.auc import RankedCases
from audit.vocabulary.groups import Family, Group, SensitiveFeature

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

BINS: Final = 200
"""Bins of equal width over the detector's score range. Bin k starts at k/200 of it; the last one is closed."""
COARSE_BINS: Final = 10
"""Bins of the sums; each joins twenty of the fine bins."""
UNIT: Final = 1 << 20
"""Scores, scaled to [0, 1], are summed as whole multiples of 1/2**20: integers add up the same in every order."""
_EDGE: Final = 1e-9
"""Part of a bin by which a score may fall short of an edge and still be on it: 0.29 * 200 is a little below 58."""
_ROUNDING: Final = 2.0**52 / UNIT
_LABELS: Final = UNLABELLED + 1
_NO_SCORE: Final = BINS
_PLACES: Final = BINS + 1


@dataclass(frozen=True, slots=True)
class FamilyScores:
    """The scores of groups that stand side by side and share no rows."""

    family: Family
    groups: tuple[Group, ...]
    """G groups, sorted by their codes, as in the family's counts."""
    score_range: tuple[float, float]
    """Lowest and highest score that the detector can give."""
    cases: IntArray
    """int64[G, 3, 200]: rows with a score by label (positive, negative, unlabelled) and bin, lowest first."""
    sums: IntArray
    """int64[G, 3, 10]: sums of the score in [0, 1], in units of 1/2**20, in ten coarse bins."""
    squares: IntArray
    """int64[G, 3, 10]: sums of the squared score, in the same units."""
    unscored: IntArray
    """int64[G, 3]: rows without a score, by label."""
    near: IntArray | None
    """int64[G]: rows whose score is within `NEAR` of the threshold; None without a threshold."""

    @property
    def positives(self) -> IntArray:
        """int64[G, 200]: rows labelled as exploitation, by bin."""
        return np.asarray(self.cases[:, POSITIVE])

    @property
    def negatives(self) -> IntArray:
        """int64[G, 200]: rows labelled as no exploitation, by bin."""
        return np.asarray(self.cases[:, NEGATIVE])


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Rows of the finest groups by label and score bin, as a list of the combinations that occur."""

    features: tuple[str, ...]
    """The sensitive features, in the order of the plan."""
    codes: tuple[tuple[str, ...], ...]
    """K finest groups, sorted, as in the table of counts: a code of each feature on its finest rung."""
    score_range: tuple[float, float]
    """Lowest and highest score that the detector can give."""
    place: IntArray
    """int64[E]: place of the finest group."""
    label: IntArray
    """int64[E]: label (positive, negative, unlabelled)."""
    bin: IntArray
    """int64[E]: one of the 200 bins, or 200 for rows without a score. A combination can occur more than once."""
    rows: IntArray
    """int64[E]: number of rows."""
    sums: IntArray
    """int64[E]: sum of the score in [0, 1], in units of 1/2**20."""
    squares: IntArray
    """int64[E]: sum of the squared score, in the same units."""
    near: IntArray | None
    """int64[K]: rows whose score is within `NEAR` of the threshold; None without a threshold."""
    ranks: ScoreRanks
    """The labelled rows by the rank of their score, which no bin ties."""

    def ranked(self, family: Family, features: Mapping[str, SensitiveFeature]) -> RankedCases:
        """Sum the ranks of the finest groups up to the groups of `family`, in the order of `family(...).groups`."""
        distinct, up = numbered(climbed_codes(self.codes, self.features, family, features))
        return self.ranks.of_groups(up, len(distinct))

    def family(self, family: Family, features: Mapping[str, SensitiveFeature]) -> FamilyScores:
        """Sum the finest groups up to the groups of `family`; a family without axes is everyone."""
        distinct, up = numbered(climbed_codes(self.codes, self.features, family, features))
        groups = tuple(group_of_codes(family.axes, key) for key in distinct)
        scored = self.bin != _NO_SCORE
        group, label, fine = up[self.place], self.label, self.bin
        size = len(distinct)
        by_bin = (group[scored], label[scored], fine[scored])
        by_coarse_bin = (*by_bin[:2], by_bin[2] // (BINS // COARSE_BINS))
        return FamilyScores(
            family,
            groups,
            self.score_range,
            cases=added((size, _LABELS, BINS), by_bin, self.rows[scored]),
            sums=added((size, _LABELS, COARSE_BINS), by_coarse_bin, self.sums[scored]),
            squares=added((size, _LABELS, COARSE_BINS), by_coarse_bin, self.squares[scored]),
            unscored=added((size, _LABELS), (group[~scored], label[~scored]), self.rows[~scored]),
            near=None if self.near is None else added((size,), (up,), self.near),
        )


def count_cases_and_scores(
    evaluation_set: EvaluationSet, score_range: tuple[float, float], threshold: float | None, relation: str = SCORED
) -> tuple[CountsTable, ScoreTable]:
    """Count decisions and scores: the table of `count_cases`, and the table of scores.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring: `relation` has `group_<feature>` (VARCHAR), `label` (1, 0, NULL), `decision` (0 to 3)
        and `score` (DOUBLE within `score_range`, NULL where there is none).
    score_range : (float, float)
        Lowest and highest score; the bins divide it.
    threshold : float or None
        Rows within `NEAR` of it are counted.

    Raises
    ------
    DataError
        The file cannot be read any more.
    AssertionError
        A row has no decision, or the counts do not add up to the rows of the set: a defect of this tool.
    """
    features = tuple(feature.name for feature in evaluation_set.features)
    groups = [f"group_{name}" for name in features]
    text = score_text(relation, groups, score_range, threshold)
    counted = evaluation_set.table_of(text)
    near_threshold, fine, label, decision, rows = unpacked(counted, evaluation_set.rows)
    finest, place = FinestGroups.of(counted, {name: evaluation_set.codes[name] for name in features})
    codes = finest.codes
    counts = added((len(codes), _LABELS, DECISIONS), (place, label, decision), rows)
    near = None if threshold is None else added((len(codes),), (place,), rows * near_threshold)
    sums, squares = (_units(counted.column(name)) for name in ("sums", "squares"))
    ranked = int(rows[(label != UNLABELLED) & (fine != _NO_SCORE)].sum())
    with reading(evaluation_set.source_name):
        ranks = count_score_ranks(evaluation_set.engine, relation, finest, ranked, score_range)
    table = ScoreTable(features, codes, score_range, place, label, fine, rows, sums, squares, near, ranks)
    return CountsTable(features, codes, counts), table


def unpacked(counted: Any, expected: int) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
    """Unpack what `score_text` has packed: int64[E] each of near, bin, label, decision and number of rows.

    Raises AssertionError where a row has no decision, or they are not as many rows as `expected`.
    """
    cell, rows = counted.column("cell"), integers(counted.column("cases"))
    if cell.null_count:
        raise AssertionError(f"{rows[cell.is_null().to_numpy()].sum()} rows have no decision")
    if rows.sum() != expected:
        raise AssertionError(f"{expected} rows were read and {rows.sum()} were counted")
    decided, near_bin = np.divmod(integers(cell), 2 * _PLACES)
    return (*np.divmod(near_bin, _PLACES), *np.divmod(decided, DECISIONS), rows)


def score_text(relation: str, groups: Sequence[str], score_range: tuple[float, float], threshold: float | None) -> str:
    """SQL of the scores: each group, `cell`, `cases`, `sums` and `squares`.

    `cell` packs label, decision, whether the score is near the threshold, and bin into one small integer: grouping by
    one key is faster than by four, and a row near the threshold needs no sum of its own. The sums are doubles, and
    every summand is a whole multiple of 1/2**20: they are exact, and the same in every order, up to 2**33 rows.
    """
    low, high = score_range
    above = "score" if low == 0.0 else f"(score - {low!r})"
    share = above if high - low == 1.0 else f"({above} / {high - low!r})"
    label = f"CASE label WHEN 1 THEN {POSITIVE} WHEN 0 THEN {NEGATIVE} ELSE {UNLABELLED} END"
    cell = f"(({label}) * {DECISIONS} + decision) * {2 * _PLACES}"
    if threshold is not None:
        near = f"abs(score - {threshold!r}) <= {NEAR!r}"
        cell += f" + CASE WHEN {near} THEN {_PLACES} ELSE 0 END"
    # floor and not a cast: a cast rounds in one engine and cuts in another; and the least of NULL and 199 is 199
    fine = f"least(CAST(floor({share} * {float(BINS)} + {_EDGE!r}) AS SMALLINT), {BINS - 1})"
    cell += f" + CASE WHEN score IS NULL THEN {_NO_SCORE} ELSE {fine} END"
    keys = {**plain(groups), "cell": f"CAST({cell} AS SMALLINT)"}
    sums = {"sums": f"sum({_in_units(share)})", "squares": f"sum({_in_units(f'{share} * {share}')})"}
    return grouped(relation, keys, {"cases": "count(*)", **sums})


def _in_units(share: str) -> str:
    """Round to the nearest multiple of 1/2**20, the step of doubles next to 2**32. Faster than any rounding in SQL."""
    return f"({share} + {_ROUNDING!r}) - {_ROUNDING!r}"


def integers(column: Any) -> IntArray:
    """int64 of an Arrow column of any integer type; 0 for an empty cell."""
    return np.asarray(column.fill_null(0).to_numpy(), dtype=np.int64)


def _units(column: Any) -> IntArray:
    """Sums as whole numbers of units; 0 for a sum over no score. Exact, because the factor is a power of two."""
    return np.asarray(column.fill_null(0.0).to_numpy() * UNIT, dtype=np.int64)
