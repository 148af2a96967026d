"""Rank the labelled rows by score: one by one where they are few, else in steps between scores of the set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.counting.finest_groups import LABELLED, FinestGroups, group_columns
from audit.engines.duckdb import DuckDBEngine
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.scores.ranked_cases import Integers, RankedCases

if TYPE_CHECKING:
    from audit.engines.protocol import Engine


MOST_RANKED: Final = 2_000_000
"""Most labelled rows with a score that are ranked one by one."""
STEPS: Final = 1_000
"""Steps that hold as many rows each, above that."""
_BATCH: Final = 1 << 17


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


def count_score_ranks(
    engine: Engine, relation: str, finest: FinestGroups, rows: int, score_range: tuple[float, float]
) -> ScoreRanks:
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
    if not isinstance(engine, DuckDBEngine):
        return _ranked_there(engine, relation, finest, rows, score_range)
    query = f"SELECT {group_columns(finest)}label, score FROM {relation} WHERE {LABELLED}"  # noqa: S608
    ends = _ends(_edges(engine, relation, rows)) if rows > MOST_RANKED else None
    with engine.sql(query).to_arrow_reader(_BATCH) as reader:
        batches = _batches(reader, finest, rows)
        if ends is None:
            return _ranked_one_by_one(batches, rows)
        counts = np.zeros((2, ends.size * len(finest.codes)), dtype=np.int64)
        for place, label, score in batches:
            np.add.at(counts, (1 - label, np.searchsorted(ends, score) * len(finest.codes) + place), 1)
        return _ranked_in_steps(counts, ends)


def _batches(reader: Any, finest: FinestGroups, rows: int) -> Iterator[tuple[IntArray, BoolArray, FloatArray]]:
    """Yield place of the finest group, whether it is labelled as exploitation, and score, of rows in any order."""
    left = rows
    for batch in reader:
        left -= batch.num_rows
        if left < 0:
            break
        label = batch.column("label").to_numpy(zero_copy_only=False) == 1
        yield finest.places(batch), label, batch.column("score").to_numpy()
    _check_all(rows, rows - left)


def _check_all(rows: int, ranked: int) -> None:
    if ranked != rows:
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
    rank = _joined(np.logical_or.reduceat(label, starts), ~np.logical_and.reduceat(label, starts))
    positives = label.view(np.uint8)
    repeated = np.repeat(rank, np.diff(starts, append=rows))
    return ScoreRanks(place, repeated, positives, 1 - positives, _not_binned(rank))


def _joined(positives: BoolArray, negatives: BoolArray) -> Integers:
    """int32: ranks of scores in order, by whether positives and negatives have them.

    Scores in a row that one label alone has share a rank: no pair is tied, and large groups have fewer lines.
    """
    kind = positives.astype(np.int8) + ~negatives
    ranks: Integers = np.cumsum((kind == 1) | (np.diff(kind, prepend=-1) != 0), dtype=np.int32) - 1
    return ranks


def _not_binned(rank: Integers) -> BoolArray:
    return np.zeros(rank[-1] + 1 if rank.size else 0, dtype=np.bool_)


def _ranked_there(
    engine: Engine, relation: str, finest: FinestGroups, rows: int, score_range: tuple[float, float]
) -> ScoreRanks:
    """Rank rows on an engine from which no row comes back."""
    from audit.counting.ranks_on_spark import Parts, count_by_score

    if rows > MOST_RANKED:
        parts, step = Parts(engine, relation, score_range), -(-rows // STEPS)
        ends = _ends(parts.scores_at(np.append(np.arange(step, rows, step), rows)))
        place, label, step_of, cases = parts.count_between(ends, finest)
        _check_all(rows, int(cases.sum()))
        counts = np.zeros((2, ends.size * len(finest.codes)), dtype=np.int64)
        np.add.at(counts, (1 - label, step_of * len(finest.codes) + place), cases)
        return _ranked_in_steps(counts, ends)
    place, score, positives, cases = count_by_score(engine, relation, finest)
    _check_all(rows, int(cases.sum()))
    of_score = [np.bincount(score, of) > 0 for of in (positives, cases - positives)]
    rank = _joined(of_score[0], of_score[1])
    order = np.argsort(score, kind="stable")
    positives, cases = positives[order], cases[order]
    return ScoreRanks(place[order], rank[score[order]], positives, cases - positives, _not_binned(rank))


def _ends(edges: FloatArray) -> FloatArray:
    """Ends of steps: an edge and the number next below it hold nothing but the edge between them."""
    return np.unique(np.concatenate([edges, np.nextafter(edges, -np.inf)]))


def _ranked_in_steps(counts: IntArray, ends: FloatArray) -> ScoreRanks:
    """Rank by int64[2, ends x groups]: positives and negatives of each step and finest group."""
    filled = np.flatnonzero(counts.sum(axis=0))
    rank, at = np.divmod(filled, counts.shape[1] // ends.size)
    binned = np.nextafter(ends, -np.inf) != np.append(-np.inf, ends[:-1])
    return ScoreRanks(at, rank, counts[0, filled], counts[1, filled], binned)


def _edges(engine: DuckDBEngine, relation: str, rows: int) -> FloatArray:
    """float64[1000] at most: the score of every so many rows in order, and the highest.

    `quantile_disc` gives the same scores, in six times the time and in memory that grows with the rows.
    """
    ordered = f"SELECT score, row_number() OVER (ORDER BY score) AS place FROM {relation} WHERE {LABELLED}"  # noqa: S608
    found = engine.execute(
        f"SELECT score FROM ({ordered}) WHERE place % $step = 0 OR place = $last",  # noqa: S608
        {"step": -(-rows // STEPS), "last": rows},
    )
    return np.unique(found.fetchnumpy()["score"]).astype(np.float64)
