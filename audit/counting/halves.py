"""Count the scored set in two halves, by label, decision and score bin: one half chooses, the other judges.

Nobody can choose a half: it follows from the ids of the set and from the seed of the plan.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from audit.counting.count import SCORED
from audit.counting.finest_groups import FinestGroups
from audit.counting.score_table import BINS, integers, score_text, unpacked
from audit.counting.table import DECISIONS, NOT_FLAGGED, UNLABELLED, CountsTable
from audit.stats.arrays import IntArray, added

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

CHOOSES, JUDGES = 0, 1
"""Places of the halves."""
_HALVED: Final = "in_halves"


@dataclass(frozen=True, slots=True)
class HalvedScores:
    """Rows of the K finest groups of two halves, by label, decision and score bin."""

    features: tuple[str, ...]
    """The sensitive features, in the order of the plan."""
    codes: tuple[tuple[str, ...], ...]
    """K finest groups, sorted: a code of each feature on its finest rung."""
    score_range: tuple[float, float]
    """Lowest and highest score that the detector can give."""
    scored: IntArray
    """int64[2, K, 3, 2, 200]: rows with a score by label, decision (flagged, not flagged) and bin, lowest first."""
    unscored: IntArray
    """int64[2, K, 3, 2]: rows without a score by label, and whether the detector abstained or failed."""

    def table(self, half: int, flagged: IntArray) -> CountsTable:
        """Counts of a half in which `flagged`, int64[K, 3], of the rows with a score are flagged."""
        total = self.scored[half].sum(axis=(2, 3))
        cells = np.concatenate([np.stack([flagged, total - flagged], axis=2), self.unscored[half]], axis=2)
        return CountsTable(self.features, self.codes, cells)

    def as_it_is(self, half: int) -> IntArray:
        """int64[K, 3, 2]: rows that the detector flagged, beside none of those that it did not flag."""
        flagged = self.scored[half].sum(axis=3)
        flagged[:, :, NOT_FLAGGED] = 0
        return np.asarray(flagged)


def half_key(seed: int, cases_sha256: str) -> str:
    """Key of the halves (hex) of a set of cases with this digest."""
    return hashlib.sha256(f"halves {seed} {cases_sha256}".encode()).hexdigest()


def count_halves(evaluation_set: EvaluationSet, score_range: tuple[float, float], seed: int) -> HalvedScores:
    """Count the scored set in halves, by a keyed hash (HMAC's form, over MD5) of the cluster, or of the id without one.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring, as for `audit.counting.score_table.count_cases_and_scores`.
    score_range : (float, float)
        Lowest and highest score; the bins divide it.
    seed : int
        Seed of the plan.

    Raises
    ------
    DataError
        The file cannot be read any more.
    AssertionError
        A row has no decision, or the counts do not add up to the rows of the set: a defect of this tool.
    """
    unit = "cluster" if "cluster" in evaluation_set.expressions else "case_id"
    key = half_key(seed, evaluation_set.cases_sha256())
    hashed = f"md5('{key}' || md5('{key}' || {unit}))"
    evaluation_set.engine.execute(
        f"CREATE OR REPLACE TEMP VIEW {_HALVED} AS SELECT *, CASE WHEN {hashed} < '8' THEN {CHOOSES} ELSE {JUDGES} END"  # noqa: S608
        f" AS half FROM {SCORED}"
    )
    features = tuple(feature.name for feature in evaluation_set.features)
    text = score_text(_HALVED, [*(f"group_{name}" for name in features), "half"], score_range, None)
    counted = evaluation_set.table_of(text)
    _, fine, label, decision, rows = unpacked(counted, evaluation_set.rows)
    finest, place = FinestGroups.of(counted, {name: evaluation_set.codes[name] for name in features})
    half, is_scored = integers(counted.column("half")), fine < BINS
    shape = (2, len(finest.codes), UNLABELLED + 1, 2)
    at = (half, place, label, decision)
    scored = added((*shape, BINS), (*(axis[is_scored] for axis in at), fine[is_scored]), rows[is_scored])
    left = tuple(axis[~is_scored] for axis in (*at[:3], decision - (DECISIONS - 2)))
    return HalvedScores(features, finest.codes, score_range, scored, added(shape, left, rows[~is_scored]))
