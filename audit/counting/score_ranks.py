"""Rank the labelled rows by score: one by one where they are few, else in steps between scores of the set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.counting.finest_groups import LABELLED, FinestGroups, group_columns
from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import identifier
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.auc import Integers, RankedCases

if TYPE_CHECKING:
    from audit.engines.protocol import Engine


MOST_RANKED: Final = 2_000_000
"""Most labelled rows with a score that are ranked one by one."""
STEPS: Final = 1_000
"""Steps that hold as many rows each, above that."""
_BATCH: Final = 1 << 17
PIECE: Final = 1 << 20
"""Scores that are sorted at a time."""
KEPT: Final = 32
"""Of so many scores of a sorted piece one is kept."""


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
    a thousandth of the rows is tied beside them. Memory is 21 bytes a row; or 32 kB a finest group, and
    16 MB and less than a byte a row.

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
    ends = _ends(rows, partial(scores_at, engine, relation)) if rows > MOST_RANKED else None
    groups, finest = _hashed(engine, finest)
    query = f"SELECT {groups}label, score FROM {relation} WHERE {LABELLED}"  # noqa: S608
    with engine.sql(query).to_arrow_reader(_BATCH) as reader:
        batches = _batches(reader, finest, rows)
        if ends is None:
            return _ranked_one_by_one(batches, rows)
        return _ranked_in_steps(ends, len(finest.codes), (_in_steps(ends, *batch) for batch in batches))


def _hashed(engine: DuckDBEngine, finest: FinestGroups) -> tuple[str, FinestGroups]:
    """SQL of a hash of each group column, and the groups by these: numbers are looked up in half of the time of texts.

    The columns themselves where two values of one have one hash.
    """
    text, hashed = "SELECT value, hash(value) FROM (SELECT unnest($values)::VARCHAR AS value)", {}
    for name, codes in finest.features.items():
        found = engine.execute(text, {"values": list(codes)}).fetchall()
        hashed[name] = {number: codes[value] for value, number in found}
    if any(len(hashed[name]) < len(codes) for name, codes in finest.features.items()):
        return group_columns(finest), finest
    columns = [identifier(f"group_{name}") for name in hashed]
    return "".join(f"hash({column}) AS {column}, " for column in columns), replace(finest, features=hashed)


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
        parts = Parts(engine, relation, score_range)
        ends = _ends(rows, parts.scores_at)
        lines = parts.count_between(ends, finest)
        _check_all(rows, int(lines[3].sum()))
        return _ranked_in_steps(ends, len(finest.codes), [lines])
    place, score, positives, cases = count_by_score(engine, relation, finest)
    _check_all(rows, int(cases.sum()))
    of_score = [np.bincount(score, of) > 0 for of in (positives, cases - positives)]
    rank = _joined(of_score[0], of_score[1])
    order = np.argsort(score, kind="stable")
    positives, cases = positives[order], cases[order]
    return ScoreRanks(place[order], rank[score[order]], positives, cases - positives, _not_binned(rank))


def _ends(rows: int, scores_at: Callable[[IntArray], FloatArray]) -> FloatArray:
    """Ends of steps: an edge and the number next below it hold nothing but the edge between them."""
    step = -(-rows // STEPS)
    edges = scores_at(np.append(np.arange(step, rows, step), rows))
    return np.unique(np.concatenate([edges, np.nextafter(edges, -np.inf)]))


def _in_steps(ends: FloatArray, place: IntArray, label: BoolArray, score: FloatArray) -> tuple[Any, ...]:
    """Find the step of each row. Scores in their order are found among the ends in a fraction of the time."""
    order = np.argsort(score)
    return place[order], label[order], np.searchsorted(ends, score[order]), 1


def _ranked_in_steps(ends: FloatArray, groups: int, lines: Iterable[tuple[Any, ...]]) -> ScoreRanks:
    """Rank by lines: arrays of finest group, label, step, and cases."""
    counts = np.zeros((2, ends.size * groups), dtype=np.int64)
    for place, label, step, cases in lines:
        np.add.at(counts.reshape(-1), ((1 - label) * ends.size + step) * groups + place, cases)
    filled = np.flatnonzero(counts.sum(axis=0))
    rank, at = np.divmod(filled, groups)
    binned = np.nextafter(ends, -np.inf) != np.append(-np.inf, ends[:-1])
    return ScoreRanks(at, rank, counts[0, filled], counts[1, filled], binned)


def scores_at(engine: DuckDBEngine, relation: str, places: IntArray) -> FloatArray:
    """float64: the scores at some places in the order of all rows, from 1.

    Rows are read twice, and sorted in pieces. The first time some scores are kept: for each it is known how many of all
    are no higher, but for a few in each piece. So every place lies between two of them, and what else lies there is
    kept the second time. DuckDB would sort all rows in several times the time; `quantile_disc` takes longer still.
    """
    kept = [piece[KEPT - 1 :: KEPT].copy() for piece in _sorted_pieces(engine, relation)]
    known, unsure = np.sort(np.concatenate([[-np.inf], *kept, [np.inf]])), len(kept) * (KEPT - 1)
    low = known.take((places - 1 - unsure) // KEPT + 1, mode="clip")
    high = known.take(-(-places // KEPT), mode="clip")
    left, between = places.copy(), [[both] for both in np.stack([low, high], axis=1)]
    for piece in _sorted_pieces(engine, relation):
        first, last = np.searchsorted(piece, low, "right"), np.searchsorted(piece, high)
        left -= first
        for scores, start, end in zip(between, first.tolist(), last.tolist(), strict=True):
            scores.append(piece[start:end].copy())
    found = zip(between, left.tolist(), strict=True)
    return np.array([np.sort(np.concatenate(scores)).take(at, mode="clip") for scores, at in found])


def _sorted_pieces(engine: DuckDBEngine, relation: str) -> Iterator[FloatArray]:
    query = f"SELECT score FROM {relation} WHERE {LABELLED}"  # noqa: S608
    with engine.sql(query).to_arrow_reader(PIECE) as reader:
        for batch in reader:
            yield np.sort(batch.column("score").to_numpy())
