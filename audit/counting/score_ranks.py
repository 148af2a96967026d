"""Rank the labelled rows by score: one by one where they are few, else in steps between scores of the set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.counting.finest_groups import FinestGroups
from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import not_on_spark
from audit.engines.quoting import identifier
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.scores.ranked_cases import Integers, RankedCases

if TYPE_CHECKING:
    from audit.engines.protocol import Engine


MOST_RANKED: Final = 2_000_000
"""Most labelled rows with a score that are ranked one by one."""
STEPS: Final = 1_000
"""Steps that hold as many rows each, above that."""
_BATCH: Final = 1 << 17
_LABELLED: Final = "label IS NOT NULL AND score IS NOT NULL"


@dataclass(frozen=True, slots=True)
class ScoreRanks:
    """Labelled rows with a score, by finest group and rank of the score; a combination can occur more than once."""

    place: Integers
    """int[L]: place of the finest group."""
    rank: Integers
    """int[L]: rank of the score, ascending."""
    positives: Integers
    """int[L]: rows labelled as exploitation."""
    negatives: Integers
    """int[L]: rows labelled as no exploitation."""
    binned: BoolArray
    """bool[R]: whether a rank stands for several scores."""

    def of_groups(self, up: IntArray, groups: int) -> RankedCases:
        """Add the finest groups up to `groups` larger ones; `up` int64[K] has the place of each one's."""
        return RankedCases.of(groups, up[self.place], self.rank, self.positives, self.negatives, self.binned)


def count_score_ranks(engine: Engine, relation: str, finest: FinestGroups, rows: int) -> ScoreRanks:
    """Rank the labelled rows of a scored set by their score.

    Up to 2,000,000 rows nothing is tied but equal scores. Above that, each of 1,000 scores at equal distances in the
    order of the set has one, and all scores between two of them share one: ties of scores stay ties, and no more than
    a thousandth of the rows is tied beside them. Memory is 21 bytes a row, or 32 kB a finest group.

    Parameters
    ----------
    engine : Engine
        Engine of the set.
    relation : str
        Its view, with `group_<feature>` (VARCHAR), `label` (1, 0, NULL) and `score` (DOUBLE, NULL).
    finest : FinestGroups
        The finest groups.
    rows : int
        Labelled rows with a score.

    Raises
    ------
    AssertionError
        There are more such rows, or fewer: a defect of this tool.
    """
    groups = "".join(f"{identifier(f'group_{name}')}, " for name in finest.features)
    query = f"SELECT {groups}label, score FROM {relation} WHERE {_LABELLED}"  # noqa: S608
    edges = None
    if rows > MOST_RANKED:
        if not isinstance(engine, DuckDBEngine):
            raise not_on_spark(f"the order of more than {MOST_RANKED:,} scores is")
        edges = _edges(engine, relation, rows)
    with engine.sql(query).to_arrow_reader(_BATCH) as reader:
        batches = _batches(reader, finest, rows)
        if edges is None:
            return _ranked_one_by_one(batches, rows)
        return _ranked_in_steps(batches, edges, len(finest.codes))


def _batches(reader: Any, finest: FinestGroups, rows: int) -> Iterator[tuple[IntArray, BoolArray, FloatArray]]:
    """Yield place of the finest group, whether it is labelled as exploitation, and score, of rows in any order."""
    left = rows
    for batch in reader:
        left -= batch.num_rows
        if left < 0:
            break
        label = batch.column("label").to_numpy(zero_copy_only=False) == 1
        yield finest.places(batch), label, batch.column("score").to_numpy()
    if left:
        raise AssertionError(f"{rows} labelled rows with a score were counted, and another number is ranked")


def _ranked_one_by_one(batches: Iterator[tuple[IntArray, BoolArray, FloatArray]], rows: int) -> ScoreRanks:
    place, label, score = np.empty(rows, np.int32), np.empty(rows, np.bool_), np.empty(rows, np.float64)
    end = 0
    for places, labels, scores in batches:
        start, end = end, end + scores.size
        place[start:end], label[start:end], score[start:end] = places, labels, scores
    order = np.argsort(score)
    score, place, label = score[order], place[order], label[order]
    starts = np.flatnonzero(np.append(True, score[1:] != score[:-1])[:rows])
    # scores in a row that one label alone has may share a rank: no pair is tied, and large groups have fewer lines
    kind = np.logical_or.reduceat(label, starts).astype(np.int8) + np.logical_and.reduceat(label, starts)
    rank = np.cumsum((kind == 1) | (np.diff(kind, prepend=-1) != 0), dtype=np.int32) - 1
    positives = label.view(np.uint8)
    return ScoreRanks(
        place,
        np.repeat(rank, np.diff(starts, append=rows)),
        positives,
        1 - positives,
        np.zeros(rank[-1] + 1 if rows else 0, dtype=np.bool_),
    )


def _ranked_in_steps(
    batches: Iterator[tuple[IntArray, BoolArray, FloatArray]], edges: FloatArray, groups: int
) -> ScoreRanks:
    # an edge and the number next below it hold nothing but the edge between them
    ends = np.unique(np.concatenate([edges, np.nextafter(edges, -np.inf)]))
    counts = np.zeros((2, ends.size * groups), dtype=np.int64)
    for place, label, score in batches:
        cells = np.searchsorted(ends, score) * groups + place
        np.add.at(counts, (1 - label, cells), 1)
    filled = np.flatnonzero(counts.sum(axis=0))
    rank, at = np.divmod(filled, groups)
    binned = np.nextafter(ends, -np.inf) != np.append(-np.inf, ends[:-1])
    return ScoreRanks(at, rank, counts[0, filled], counts[1, filled], binned)


def _edges(engine: DuckDBEngine, relation: str, rows: int) -> FloatArray:
    """float64[1000] at most: the score of every so many rows in order, and the highest.

    `quantile_disc` gives the same scores, in six times the time and in memory that grows with the rows.
    """
    ordered = f"SELECT score, row_number() OVER (ORDER BY score) AS place FROM {relation} WHERE {_LABELLED}"  # noqa: S608
    found = engine.execute(
        f"SELECT score FROM ({ordered}) WHERE place % $step = 0 OR place = $last",  # noqa: S608
        {"step": -(-rows // STEPS), "last": rows},
    )
    return np.unique(found.fetchnumpy()["score"]).astype(np.float64)
