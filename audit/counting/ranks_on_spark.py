"""Rank labelled rows on Spark, so that no row comes back: lines of a group and a rank, or counts between edges.

Edges are found from outside: rows are counted in parts of the range of scores, and again in parts of those parts in
which an edge lies, until each of these has one score. Scores travel in tables, because no cell stands in a statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from audit.counting.count import LABELLED, FinestGroups, group_columns
from audit.stats.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    from audit.engines.protocol import Engine

_PARTS: Final = 1 << 16
"""Parts that are counted in one pass."""
_TABLE: Final = "__parts__"


def count_by_score(engine: Engine, relation: str, finest: FinestGroups) -> tuple[IntArray, ...]:
    """int64[L] four times: finest group, place of the score from 0, positives and cases of each that occurs."""
    groups = group_columns(finest)
    lines = f"SELECT {groups}score, sum(label) AS positives, count(*) AS cases FROM {relation} WHERE {LABELLED}"  # noqa: S608
    places = ", ".join(str(index + 1) for index in range(len(finest.features) + 1))
    ranked = f"SELECT {groups}dense_rank() OVER (ORDER BY score) AS rank, positives, cases"
    counted = engine.sql(f"{ranked} FROM ({lines} GROUP BY {places})").to_arrow_table()
    rank, positives, cases = (_integers(counted.column(name)) for name in ("rank", "positives", "cases"))
    return finest.places(counted), rank - 1, positives, cases


class Parts:
    """Parts of the range of scores, each with its lowest and highest score and its rows.

    A part of the first pass is found again by its number; nothing else of a row is compared with every edge.
    """

    def __init__(self, engine: Engine, relation: str, score_range: tuple[float, float]) -> None:
        self._engine, self._relation = engine, relation
        low, high = score_range
        self._part = f"CAST(floor((score - {low!r}) / {high - low!r} * {_PARTS}.0) AS BIGINT)"
        counted = engine.sql(
            f"SELECT {self._part} AS part, min(score) AS low, max(score) AS high, count(*) AS cases "  # noqa: S608
            f"FROM {relation} WHERE {LABELLED} GROUP BY 1"
        ).to_arrow_table()
        part, self._low, self._high, cases = (counted.column(index).to_numpy() for index in range(4))
        order = np.argsort(self._low)
        self._number, self._low, self._high = part[order], self._low[order], self._high[order]
        self._ends = np.cumsum(cases[order])

    def scores_at(self, places: IntArray) -> FloatArray:
        """float64: the scores of some places in the order of all rows, from 1."""
        at = np.searchsorted(self._ends, places)
        before = self._ends[at] - np.diff(self._ends, prepend=0)[at]
        number, low, high, size = self._number[at], self._low[at], self._high[at], np.diff(self._ends, prepend=0)[at]
        left = places - before
        while (open_ := np.flatnonzero(low < high)).size:
            pieces, first = np.unique(low[open_], return_index=True)
            chunk = open_[first]
            by_score = size[chunk].sum() <= _PARTS
            pieces_found = self._split(number[chunk], low[chunk], high[chunk], _PARTS // chunk.size, by_score=by_score)
            for part in open_:
                rows = np.flatnonzero(pieces_found[0] == np.searchsorted(pieces, low[part]))
                rows = rows[np.argsort(pieces_found[1][rows])]
                ends = np.cumsum(pieces_found[3][rows])
                inside = int(np.searchsorted(ends, left[part]))
                left[part] -= ends[inside] - pieces_found[3][rows][inside]
                low[part], high[part], size[part] = (pieces_found[column][rows][inside] for column in (1, 2, 3))
        return np.asarray(low)

    def _split(self, number: IntArray, low: FloatArray, high: FloatArray, pieces: int, *, by_score: bool) -> list[Any]:
        """Piece of each part, lowest and highest score and cases of each of its pieces that has a row."""
        columns = {"part": number, "low": low, "high": high, "own": np.arange(number.size)}
        self._engine.register(_TABLE, pa.table(columns))
        piece = "score" if by_score else f"floor((score - low) / (high - low) * {max(pieces, 2)}.0)"
        rows = f"SELECT score, {self._part} AS part FROM {self._relation} WHERE {LABELLED}"  # noqa: S608
        lines = self._engine.sql(
            f"SELECT own, {piece} AS piece, min(score) AS lowest, max(score) AS highest, count(*) AS cases "  # noqa: S608
            f"FROM ({rows}) JOIN {_TABLE} USING (part) WHERE score >= low AND score <= high GROUP BY 1, 2"
        ).to_arrow_table()
        return [lines.column(position).to_numpy() for position in (0, 2, 3, 4)]

    def count_between(self, ends: FloatArray, finest: FinestGroups) -> tuple[IntArray, ...]:
        """int64[L] four times: finest group, label, step and cases of each that occurs; `ends` are the steps' ends."""
        first, last = np.searchsorted(ends, self._low), np.searchsorted(ends, self._high)
        part = np.repeat(np.arange(first.size), last - first + 1)
        step = np.arange(part.size) - np.repeat(np.cumsum(last - first + 1) - (last - first + 1), last - first + 1)
        step += first[part]
        low = np.append(-np.inf, ends)[step]
        columns = {"part": self._number[part], "low": low, "high": ends[step], "step": step}
        self._engine.register(_TABLE, pa.table(columns))
        groups = group_columns(finest)
        rows = f"SELECT {groups}label, score, {self._part} AS part FROM {self._relation} WHERE {LABELLED}"  # noqa: S608
        places = ", ".join(str(index + 1) for index in range(len(finest.features) + 2))
        counted = self._engine.sql(
            f"SELECT {groups}label, step, count(*) AS cases FROM ({rows}) JOIN {_TABLE} USING (part) "  # noqa: S608
            f"WHERE score > low AND score <= high GROUP BY {places}"
        ).to_arrow_table()
        label, step, cases = (_integers(counted.column(name)) for name in ("label", "step", "cases"))
        return finest.places(counted), label, step, cases


def _integers(column: Any) -> IntArray:
    return np.asarray(column.to_numpy(), dtype=np.int64)
