"""Check that printed numbers leave "fewer than ten" open: any number below the bound must still be possible.

What a reader knows of the errors of one side is a system of sums: rows of a feature add up to everyone, and to the
places above them; parts of a row add up to it, and to their column. Every printed number bounds one of these sums. The
systems of two tables that share columns are generalized polymatroids, so that whether a number is possible has a
closed form over the subsets of columns (Frank & Tardos 1988, "Generalized polymatroids and submodular flows"), and all
whole numbers between two possible ones are possible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from audit.disclosure.cut import Row, parts_of
from audit.disclosure.tables import EVERYONE, Cut, Place
from audit.stats.arrays import IntArray


class Span(NamedTuple):
    """Least and most that a number can be."""

    low: int
    high: int


Spans = Mapping[Place, Span]
_UNBOUNDED = Span(0, 2**40)


def not_left_open(
    made: Cut, totals: Sequence[Sequence[Row]], spans: Spans, needs: Mapping[Place, Sequence[Span]]
) -> list[Place]:
    """Return the rows of which not everything that must be possible is.

    Parameters
    ----------
    totals : sequence of sequence of Row
        Totals of each table, which stand after its rows.
    spans : mapping of Place to Span
        What is printed of each row; a row that is not in it is not bounded.
    needs : mapping of Place to sequence of Span
        Rows that print "fewer than", and spans of each of which some number must be possible.
    """
    systems = [
        _System.of(made, table, rows, spans)
        for table, rows in enumerate(totals)
        if made.rows[table] and not (made.cross is not None and table == 1 - made.cross.rows)
    ]
    everyone = spans.get(EVERYONE, _UNBOUNDED)
    ranges = [system.everyone() for system in systems]
    told = []
    for place, wanted in needs.items():
        if place == EVERYONE:
            fits = [all(span.low <= need.high and need.low <= span.high for span in ranges) for need in wanted]
        else:
            at = next(at for at, system in enumerate(systems) if system.has(place))
            others = [everyone, *(span for other, span in enumerate(ranges) if other != at)]
            beside = Span(max(span.low for span in others), min(span.high for span in others))
            fits = [systems[at].allows(place, need, beside) for need in wanted]
        if not all(fits):
            told.append(place)
    return told


@dataclass(slots=True)
class _System:
    """One table, or two that are crossed: bounds on the sum over every subset of columns, of every row and total."""

    table: int
    columns_table: int | None
    rows: tuple[Row, ...]
    parts: list[list[tuple[int, ...]]]
    count: int
    spans: Spans
    column_places: list[Place]
    low: IntArray
    """int64[rows, subsets]."""
    high: IntArray
    chain: list[list[int]]
    """Of each row and total, the totals that hold it, smallest first."""
    sums: list[tuple[IntArray, IntArray]]
    """Of each total: bounds before its own span is applied."""
    held: list[tuple[IntArray, IntArray]]
    """Of each total: bounds with its own span."""
    root: tuple[IntArray, IntArray]
    columns: tuple[IntArray, IntArray]
    """int64[subsets]: bounds of the printed columns, added up."""

    @classmethod
    def of(cls, made: Cut, table: int, totals: Sequence[Row], spans: Spans) -> _System:
        """Add up what is printed."""
        cross = made.cross if made.cross is not None and made.cross.rows == table else None
        rows = made.rows[table]
        count = 1 if cross is None else len(cross.columns)
        split = [0] * len(rows) if cross is None else cross.split
        parts = [parts_of(each, count) for each in split]
        column_places = [EVERYONE] if cross is None else [Place(1 - table, at) for at in cross.columns]
        ends = [_row_bounds(table, at, parts[at], count, spans) for at in range(len(rows))]
        low, high = np.stack([each[0] for each in ends]), np.stack([each[1] for each in ends])
        members = [set(row.members) for row in (*rows, *totals)]
        above = range(len(rows), len(members))
        chain = [
            sorted((to for to in above if to != at and own <= members[to]), key=lambda to: len(members[to]))
            for at, own in enumerate(members)
        ]
        system = cls(table, None if cross is None else 1 - table, tuple(rows), parts, count, spans, column_places,
                     low, high, [[to - len(rows) for to in each] for each in chain], [], [],
                     (low.sum(axis=0), high.sum(axis=0)), (low[0], high[0]))  # fmt: skip
        system._add_up(len(totals))
        return system

    def has(self, place: Place) -> bool:
        """Whether a row stands in this system."""
        if place.columns:
            return self.columns_table is not None
        return place.table in (self.table, self.columns_table)

    def everyone(self) -> Span:
        """Return the sums over everyone that these tables leave possible."""
        return self._everyone(self.root, self.columns)

    def allows(self, place: Place, fixed: Span, everyone: Span) -> bool:
        """Return whether a row can have a number in this span, where everyone is in `everyone`."""
        columns, root = self.columns, self.root
        if not place.columns and place.table == self.columns_table:
            columns = self._columns({place: fixed})
        else:
            root = self._root_with(place, fixed)
        low, high = root
        if (low > columns[1]).any() or (high < columns[0]).any():
            return False
        span = self._everyone(root, columns)
        return max(span.low, everyone.low) <= min(span.high, everyone.high)

    def _everyone(self, root: tuple[IntArray, IntArray], columns: tuple[IntArray, IntArray]) -> Span:
        low, high = root[0] + columns[0][::-1], root[1] + columns[1][::-1]
        return Span(int(low.max()), int(high.min()))

    def _root_with(self, place: Place, fixed: Span) -> tuple[IntArray, IntArray]:
        spans = {**self.spans, place: fixed}
        if place.columns or place.row < len(self.rows):
            new = _row_bounds(self.table, place.row, self.parts[place.row], self.count, spans)
            change = new[0] - self.low[place.row], new[1] - self.high[place.row]
        else:
            at = place.row - len(self.rows)
            new = _within(*self.sums[at], fixed)
            change = new[0] - self.held[at][0], new[1] - self.held[at][1]
        for at in self.chain[place.row]:
            sums = self.sums[at][0] + change[0], self.sums[at][1] + change[1]
            own = spans.get(Place(self.table, len(self.rows) + at), _UNBOUNDED)
            new = _within(sums[0], sums[1], own)
            change = new[0] - self.held[at][0], new[1] - self.held[at][1]
        return self.root[0] + change[0], self.root[1] + change[1]

    def _add_up(self, totals: int) -> None:
        """Add rows up to totals, smallest first, and to everyone; each one stands in the smallest total above it."""
        rows = len(self.rows)
        self.sums = [(np.zeros_like(self.low[0]), np.zeros_like(self.low[0])) for _ in range(totals)]
        self.held = list(self.sums)
        order = [*range(rows), *sorted(range(rows, rows + totals), key=lambda at: -len(self.chain[at]))]
        root = (np.zeros_like(self.low[0]), np.zeros_like(self.low[0]))
        for at in order:
            if at < rows:
                own = self.low[at], self.high[at]
            else:
                low, high = self.sums[at - rows]
                own = _within(low, high, self.spans.get(Place(self.table, at), _UNBOUNDED))
                self.held[at - rows] = own
            if self.chain[at]:
                above = self.chain[at][0]
                self.sums[above] = self.sums[above][0] + own[0], self.sums[above][1] + own[1]
            else:
                root = root[0] + own[0], root[1] + own[1]
        self.root = root
        self.columns = self._columns({})

    def _columns(self, fixed: Spans) -> tuple[IntArray, IntArray]:
        if self.columns_table is None:
            ends = [self.spans.get(EVERYONE, _UNBOUNDED)]
        else:
            ends = [fixed.get(place) or self.spans.get(place, _UNBOUNDED) for place in self.column_places]
        return _sums(np.array([end.low for end in ends])), _sums(np.array([end.high for end in ends]))


def _sums(values: IntArray) -> IntArray:
    """int64[2^n]: the sum of these values over every subset, the subset as a binary number."""
    sums = np.zeros(1, dtype=np.int64)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


def _row_bounds(
    table: int, row: int, parts: Sequence[tuple[int, ...]], count: int, spans: Spans
) -> tuple[IntArray, IntArray]:
    """int64[subsets] each: the least and the most of a row in every subset of columns."""
    subsets = np.arange(2**count)
    low, high = np.zeros(2**count, dtype=np.int64), np.zeros(2**count, dtype=np.int64)
    own = spans.get(Place(table, row), _UNBOUNDED)
    for part in parts or [tuple(range(count))]:
        span = spans.get(Place(-1, row, part), _UNBOUNDED) if parts else own
        mask = sum(1 << column for column in part)
        low += np.where(subsets & mask == mask, span.low, 0)
        high += np.where(subsets & mask != 0, span.high, 0)
    return _within(low, high, own)


def _within(low: IntArray, high: IntArray, span: Span) -> tuple[IntArray, IntArray]:
    """Bounds of the part of a polymatroid whose sum over all columns is in a span."""
    return np.maximum(low, span.low - high[::-1]), np.minimum(high, span.high - low[::-1])
