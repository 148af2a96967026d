"""Counts of the finest groups by label and score: ranks, bins, and two halves.

Rank the labelled rows by score: one by one where they are few, else in steps between scores of the set.

Count the rows of the finest groups by label and score bin, with exact sums, in the same scan as the decisions.

A second scan ranks the labelled rows by their score.

Count the scored set in two halves, by label, decision and score bin: one half chooses, the other judges.

Nobody can choose a half: it follows from the ids of the set and from the seed of the plan.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.counting.count import LABELLED, SCORED, FinestGroups, group_columns, grouped, plain
from audit.counting.ranks_on_spark import Parts, count_by_score
from audit.counting.table import (
    DECISIONS,
    FLAGGED,
    NEAR,
    NEGATIVE,
    NOT_FLAGGED,
    POSITIVE,
    UNLABELLED,
    CountsTable,
    climbed_codes,
    group_of_codes,
)
from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import identifier
from audit.engines.read_errors import reading
from audit.stats.arrays import BoolArray, FloatArray, IntArray, added, numbered
from audit.stats.auc import Integers, RankedCases
from audit.vocabulary.groups import Family, Group, SensitiveFeature

if TYPE_CHECKING:
    from audit.engines.protocol import Engine
    from audit.evaluation.evaluation_set import EvaluationSet


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
        hashes = engine.execute(text, {"values": list(codes)}).fetchall()
        hashed[name] = {number: codes[value] for value, number in hashes}
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
    group_index, label, score = np.empty(rows, np.int32), np.empty(rows, np.bool_), np.empty(rows, np.float64)
    end = 0
    for places, labels, scores in batches:
        start, end = end, end + scores.size
        group_index[start:end], label[start:end], score[start:end] = places, labels, scores
    order = np.argsort(score)
    score, group_index, label = score[order], group_index[order], label[order]
    starts = np.flatnonzero(np.append(True, score[1:] != score[:-1])[:rows])
    rank = _joined(np.logical_or.reduceat(label, starts), ~np.logical_and.reduceat(label, starts))
    positives = label.view(np.uint8)
    repeated = np.repeat(rank, np.diff(starts, append=rows))
    return ScoreRanks(group_index, repeated, positives, 1 - positives, _not_binned(rank))


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
    if rows > MOST_RANKED:
        parts = Parts(engine, relation, score_range)
        ends = _ends(rows, parts.scores_at)
        lines = parts.count_between(ends, finest)
        _check_all(rows, int(lines[3].sum()))
        return _ranked_in_steps(ends, len(finest.codes), [lines])
    group_index, score, positives, cases = count_by_score(engine, relation, finest)
    _check_all(rows, int(cases.sum()))
    of_score = [np.bincount(score, counts) > 0 for counts in (positives, cases - positives)]
    rank = _joined(of_score[0], of_score[1])
    order = np.argsort(score, kind="stable")
    positives, cases = positives[order], cases[order]
    return ScoreRanks(group_index[order], rank[score[order]], positives, cases - positives, _not_binned(rank))


def _ends(rows: int, scores_at: Callable[[IntArray], FloatArray]) -> FloatArray:
    """Ends of steps: an edge and the number next below it hold nothing but the edge between them."""
    step = -(-rows // STEPS)
    edges = scores_at(np.append(np.arange(step, rows, step), rows))
    return np.unique(np.concatenate([edges, np.nextafter(edges, -np.inf)]))


def _in_steps(ends: FloatArray, group_index: IntArray, label: BoolArray, score: FloatArray) -> tuple[Any, ...]:
    """Find the step of each row. Scores in their order are found among the ends in a fraction of the time."""
    order = np.argsort(score)
    return group_index[order], label[order], np.searchsorted(ends, score[order]), 1


def _ranked_in_steps(ends: FloatArray, groups: int, lines: Iterable[tuple[Any, ...]]) -> ScoreRanks:
    """Rank by lines: arrays of finest group, label, step, and cases."""
    counts = np.zeros((2, ends.size * groups), dtype=np.int64)
    for group_index, label, step, cases in lines:
        np.add.at(counts.reshape(-1), ((1 - label) * ends.size + step) * groups + group_index, cases)
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
    sampled_scores = [piece[KEPT - 1 :: KEPT].copy() for piece in _sorted_pieces(engine, relation)]
    known, unsure = np.sort(np.concatenate([[-np.inf], *sampled_scores, [np.inf]])), len(sampled_scores) * (KEPT - 1)
    low = known.take((places - 1 - unsure) // KEPT + 1, mode="clip")
    high = known.take(-(-places // KEPT), mode="clip")
    left, between = places.copy(), [[ends] for ends in np.stack([low, high], axis=1)]
    for piece in _sorted_pieces(engine, relation):
        first, last = np.searchsorted(piece, low, "right"), np.searchsorted(piece, high)
        left -= first
        for scores, start, end in zip(between, first.tolist(), last.tolist(), strict=True):
            scores.append(piece[start:end].copy())
    intervals = zip(between, left.tolist(), strict=True)
    return np.array([np.sort(np.concatenate(scores)).take(at, mode="clip") for scores, at in intervals])


def _sorted_pieces(engine: DuckDBEngine, relation: str) -> Iterator[FloatArray]:
    query = f"SELECT score FROM {relation} WHERE {LABELLED}"  # noqa: S608
    with engine.sql(query).to_arrow_reader(PIECE) as reader:
        for batch in reader:
            yield np.sort(batch.column("score").to_numpy())


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
    finest, group_index = FinestGroups.of(counted, {name: evaluation_set.codes[name] for name in features})
    codes = finest.codes
    counts = added((len(codes), _LABELS, DECISIONS), (group_index, label, decision), rows)
    near = None if threshold is None else added((len(codes),), (group_index,), rows * near_threshold)
    sums, squares = (_units(counted.column(name)) for name in ("sums", "squares"))
    ranked = int(rows[(label != UNLABELLED) & (fine != _NO_SCORE)].sum())
    with reading(evaluation_set.source_name):
        ranks = count_score_ranks(evaluation_set.engine, relation, finest, ranked, score_range)
    table = ScoreTable(features, codes, score_range, group_index, label, fine, rows, sums, squares, near, ranks)
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
    """int64[2, K, 3, 4]: rows without a score by label and decision; no threshold changes what these count as."""

    def table(self, half: int, flagged: IntArray) -> CountsTable:
        """Counts of a half in which `flagged`, int64[K, 3], of the rows with a score are flagged."""
        total = self.scored[half].sum(axis=(2, 3))
        cells = self.unscored[half].copy()
        cells[:, :, FLAGGED] += flagged
        cells[:, :, NOT_FLAGGED] += total - flagged
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
    finest, group_index = FinestGroups.of(counted, {name: evaluation_set.codes[name] for name in features})
    half, is_scored = integers(counted.column("half")), fine < BINS
    shape = (2, len(finest.codes), UNLABELLED + 1, 2)
    at = (half, group_index, label, decision)
    scored = added((*shape, BINS), (*(axis[is_scored] for axis in at), fine[is_scored]), rows[is_scored])
    left = tuple(axis[~is_scored] for axis in at)
    unscored = added((*shape[:3], DECISIONS), left, rows[~is_scored])
    return HalvedScores(features, finest.codes, score_range, scored, unscored)
