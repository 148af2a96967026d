"""Check that printed numbers leave "fewer than ten" open: any number below the bound must still be possible.

What a reader knows of the errors of one side is a system of sums: rows of a feature add up to everyone, and to the
places above them; parts of a row add up to it, and to their column. Every printed number bounds one of these sums. The
systems of two tables that share columns are generalized polymatroids, so that whether a number is possible has a
closed form over the subsets of columns (Frank & Tardos 1988, "Generalized polymatroids and submodular flows"), and all
whole numbers between two possible ones are possible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from audit.disclosure.cut import Row, parts_of, totals_above
from audit.disclosure.tables import EVERYONE, Cut, Position
from audit.stats.arrays import IntArray


class Span(NamedTuple):
    """Least and most that a number can be."""

    low: int
    high: int


class Need(NamedTuple):
    """A span of which some number must be possible for a row."""

    position: Position
    span: Span


Spans = Mapping[Position, Span]
_UNBOUNDED: Final = Span(0, 2**40)


class Sums:
    """The sums of one side: which rows add up to which."""

    def __init__(self, cut: Cut, totals: Sequence[Sequence[Row]]) -> None:
        columns = None if cut.cross is None else 1 - cut.cross.rows
        self._systems = [
            _System(cut, table, rows) for table, rows in enumerate(totals) if cut.rows[table] and table != columns
        ]

    def not_left_open(self, spans: Spans, needs: Sequence[Need]) -> list[Position]:
        """Return the rows of which not everything that must be possible is.

        Parameters
        ----------
        spans : mapping of Position to Span
            What is printed of each row; a row that is not in it is not bounded.
        needs : sequence of Need
            Spans of each of which some number must be possible.
        """
        solved = [_Solved(system, spans) for system in self._systems]
        ranges = [spans.get(EVERYONE, _UNBOUNDED), *(solution.everyone for solution in solved)]
        closed = {
            need.position
            for need in needs
            if need.position == EVERYONE
            and not all(span.low <= need.span.high and need.span.low <= span.high for span in ranges[1:])
        }
        for at, solution in enumerate(solved, start=1):
            mine = [
                need
                for need in needs
                if need.position in solution.system.at or need.position in solution.system.columns
            ]
            mine = [need for need in mine if need.position != EVERYONE]
            beside = [*ranges[:at], *ranges[at + 1 :]]
            everyone = Span(max(span.low for span in beside), min(span.high for span in beside))
            closed |= {
                need.position for need, fits in zip(mine, solution.allows(mine, everyone), strict=True) if not fits
            }
        return sorted(closed)


class _System:
    """One table, or two that are crossed: parts of rows, rows and totals, each below the sum that it is part of."""

    def __init__(self, cut: Cut, table: int, totals: Sequence[Row]) -> None:
        cross = cut.cross if cut.cross is not None and cut.cross.rows == table else None
        self.columns = [EVERYONE] if cross is None else [Position(1 - table, at) for at in cross.columns]
        above = totals_above(cut.rows[table], totals)
        split = () if cross is None else enumerate(cross.split)
        parts = [(row, part) for row, deep in split for part in parts_of(deep, len(self.columns))]
        self.places = [Position(table, at) for at in range(len(above))] + [
            Position(-1, *row_and_part) for row_and_part in parts
        ]
        self.at = {position: at for at, position in enumerate(self.places)}
        # who is below nobody is below everyone, who stands behind all of them
        self.above = np.array([len(self.places) if to is None else to for to in above] + [row for row, _ in parts])
        subsets = np.arange(2 ** len(self.columns))
        masks = [sum(1 << column for column in position.columns) or subsets[-1] for position in self.places]
        is_sum = np.isin(np.arange(len(self.places) + 1), self.above)[:, np.newaxis]
        holds_some = (subsets & np.array([*masks, 0])[:, np.newaxis]) != 0
        self.unbounded = np.where(holds_some & ~is_sum, _UNBOUNDED.high, 0)
        depth = np.zeros(len(self.places) + 1, dtype=np.int64)
        for _ in range(len(totals) + 2):
            depth[:-1] = depth[self.above] + 1
        self.levels = [np.flatnonzero(depth == level) for level in range(int(depth.max()), 0, -1)]


class _Solved:
    """The bounds that printed numbers set in one system: int64[2, places, subsets], least and most of each sum."""

    def __init__(self, system: _System, spans: Spans) -> None:
        self.system, self._spans = system, spans
        self._ends = _ends([spans.get(position, _UNBOUNDED) for position in system.places])
        self._sums = np.stack([np.zeros_like(system.unbounded), system.unbounded])
        self._within = self._sums[:, :-1].copy()
        for level in system.levels:
            self._within[:, level] = _within(self._sums[:, level], self._ends[:, level])
            for end in (0, 1):
                np.add.at(self._sums[end], system.above[level], self._within[end, level])
        self._columns = _added([spans.get(position, _UNBOUNDED) for position in system.columns])
        self.everyone = Span(*(int(end[0]) for end in _everyone(self._sums[:, -1:], self._columns)))

    def allows(self, needs: Sequence[Need], everyone: Span) -> list[bool]:
        """Return whether rows can have some number of these spans, where everyone is in `everyone`."""
        system = self.system
        rows = [need for need in needs if need.position in system.at]
        at = np.array([system.at[need.position] for need in rows], dtype=np.int64)
        change = _within(self._sums[:, at], _ends([need.span for need in rows])) - self._within[:, at]
        to = system.above[at]
        for _ in system.levels:  # a change of a row is carried up to everyone
            is_sum = to < len(system.places)
            into = to[is_sum]
            sums = self._sums[:, into] + change[:, is_sum]
            change[:, is_sum] = _within(sums, self._ends[:, into]) - self._within[:, into]
            to[is_sum] = system.above[into]
        fits = dict(zip(rows, _fits(self._sums[:, -1:] + change, self._columns, everyone), strict=True))
        for need in needs:
            if need.position in system.columns:
                spans = {**self._spans, need.position: need.span}
                columns = _added([spans.get(position, _UNBOUNDED) for position in system.columns])
                fits[need] = _fits(self._sums[:, -1:], columns, everyone)[0]
        return [fits[need] for need in needs]


def _within(sums: IntArray, ends: IntArray) -> IntArray:
    """Return the bounds of sums over every subset of columns where that over all columns is known to be in a span."""
    (low, high), (least, most) = sums, ends
    return np.stack([np.maximum(low, least - high[..., ::-1]), np.minimum(high, most - low[..., ::-1])])


def _fits(sums: IntArray, columns: IntArray, everyone: Span) -> list[bool]:
    """Return whether the sums of all rows can be those of all columns, and of everyone."""
    possible = np.all((sums[0] <= columns[1]) & (sums[1] >= columns[0]), axis=-1)
    low, high = _everyone(sums, columns)
    inside = np.maximum(low, everyone.low) <= np.minimum(high, everyone.high)
    return [bool(fits) for fits in possible & inside]


def _everyone(sums: IntArray, columns: IntArray) -> tuple[IntArray, IntArray]:
    """Return the least and the most that everyone can be: of the rows over some columns and of the other columns."""
    return (sums[0] + columns[0][::-1]).max(axis=-1), (sums[1] + columns[1][::-1]).min(axis=-1)


def _ends(spans: Sequence[Span]) -> IntArray:
    """int64[2, spans, 1]."""
    return np.array(spans, dtype=np.int64).reshape(-1, 2).T[..., np.newaxis]


def _added(spans: Sequence[Span]) -> IntArray:
    """int64[2, 2^n]: the sums of the least and of the most over every subset, the subset as a binary number."""
    sums = np.zeros((2, 1), dtype=np.int64)
    for span in spans:
        sums = np.concatenate([sums, sums + np.array([span]).T], axis=1)
    return sums
