"""Check that printed numbers leave "fewer than ten" open: any number below the bound must still be possible.

What a reader knows of the errors of one side is a system of sums: rows of a feature add up to everyone, and to the
places above them; parts of a row add up to it, and to their column. Every printed number bounds one of these sums. The
systems of two tables that share columns are generalized polymatroids, so that whether a number is possible has a
closed form over the subsets of columns (Frank & Tardos 1988, "Generalized polymatroids and submodular flows"), and all
whole numbers between two possible ones are possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from audit.disclosure.cut import Row, parts_of
from audit.disclosure.tables import EVERYONE, Cut, Place
from audit.stats.arrays import BoolArray, IntArray


class Span(NamedTuple):
    """Least and most that a number can be."""

    low: int
    high: int


class Need(NamedTuple):
    """A span of which some number must be possible for a row."""

    place: Place
    span: Span


class Bounds(NamedTuple):
    """Least and most of sums over every subset of columns: int64[..., subsets] each."""

    low: IntArray
    high: IntArray

    def within(self, low: IntArray | int, high: IntArray | int) -> Bounds:
        """Return the bounds where the sum over all columns is known to be in a span."""
        return Bounds(
            np.maximum(self.low, low - self.high[..., ::-1]), np.minimum(self.high, high - self.low[..., ::-1])
        )

    def plus(self, other: Bounds) -> Bounds:
        """Add two bounds up."""
        return Bounds(self.low + other.low, self.high + other.high)

    def minus(self, other: Bounds) -> Bounds:
        """Take a summand away."""
        return Bounds(self.low - other.low, self.high - other.high)

    def at(self, places: IntArray | Sequence[int]) -> Bounds:
        """Pick some."""
        return Bounds(self.low[places], self.high[places])


Spans = Mapping[Place, Span]
_UNBOUNDED: Final = Span(0, 2**40)


class Sums:
    """The sums of one side: which rows add up to which."""

    def __init__(self, made: Cut, totals: Sequence[Sequence[Row]]) -> None:
        columns = None if made.cross is None else 1 - made.cross.rows
        self._systems = [
            _System(made, table, rows) for table, rows in enumerate(totals) if made.rows[table] and table != columns
        ]

    def not_left_open(self, spans: Spans, needs: Sequence[Need]) -> list[Place]:
        """Return the rows of which not everything that must be possible is.

        Parameters
        ----------
        spans : mapping of Place to Span
            What is printed of each row; a row that is not in it is not bounded.
        needs : sequence of Need
            Spans of each of which some number must be possible.
        """
        everyone = spans.get(EVERYONE, _UNBOUNDED)
        solved = [_Solved(system, spans) for system in self._systems]
        ranges = [everyone, *(one.everyone for one in solved)]
        told = {
            need.place
            for need in needs
            if need.place == EVERYONE
            and not all(span.low <= need.span.high and need.span.low <= span.high for span in ranges[1:])
        }
        for at, one in enumerate(solved):
            mine = [need for need in needs if need.place != EVERYONE and one.system.holds(need.place)]
            others = [span for other, span in enumerate(ranges) if other != at + 1]
            beside = Span(max(span.low for span in others), min(span.high for span in others))
            told |= {need.place for need, fits in zip(mine, one.allows(mine, beside), strict=True) if not fits}
        return sorted(told)


class _System:
    """One table, or two that are crossed."""

    def __init__(self, made: Cut, table: int, totals: Sequence[Row]) -> None:
        cross = made.cross if made.cross is not None and made.cross.rows == table else None
        rows = made.rows[table]
        count = 1 if cross is None else len(cross.columns)
        self.table = table
        self.columns_table = -2 if cross is None else 1 - table
        self.rows = len(rows)
        self.columns = [EVERYONE] if cross is None else [Place(1 - table, at) for at in cross.columns]
        parts = [
            (row, part)
            for row, split in enumerate([0] * len(rows) if cross is None else cross.split)
            for part in parts_of(split, count) or [()]
        ]
        self.parts = [Place(-1, row, part) if part else Place(table, row) for row, part in parts]
        self.row_of = np.array([row for row, _ in parts])
        self.part_at = {place: at for at, place in enumerate(self.parts)}
        masks = np.array([sum(1 << column for column in part or range(count)) for _, part in parts])[:, np.newaxis]
        subsets = np.arange(2**count)
        self.holds_all = (subsets & masks) == masks
        self.holds_some = (subsets & masks) != 0
        members = [set(row.members) for row in (*rows, *totals)]
        above = range(len(rows), len(members))
        chains = [
            sorted((to for to in above if to != at and own <= members[to]), key=lambda to: len(members[to]))
            for at, own in enumerate(members)
        ]
        self.depth = max(map(len, chains), default=0)
        self.chain = np.array([[to - len(rows) for to in each] + [-1] * (self.depth - len(each)) for each in chains])
        self.totals = sorted(range(len(totals)), key=lambda at: -len(chains[len(rows) + at]))

    def holds(self, place: Place) -> bool:
        """Return whether a row stands in this system."""
        return self.columns_table >= 0 if place.columns else place.table in (self.table, self.columns_table)


class _Solved:
    """The bounds that printed numbers set in one system."""

    def __init__(self, system: _System, spans: Spans) -> None:
        self.system = system
        own = [spans.get(place, _UNBOUNDED) for place in system.parts]
        self._part_low = np.array([span.low for span in own])[:, np.newaxis]
        self._part_high = np.array([span.high for span in own])[:, np.newaxis]
        shape = (system.rows, system.holds_all.shape[1])
        parts = Bounds(np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64))
        np.add.at(parts.low, system.row_of, np.where(system.holds_all, self._part_low, 0))
        np.add.at(parts.high, system.row_of, np.where(system.holds_some, self._part_high, 0))
        self._parts = parts
        rows = [spans.get(Place(system.table, row), _UNBOUNDED) for row in range(system.rows)]
        self._row_low = np.array([span.low for span in rows])[:, np.newaxis]
        self._row_high = np.array([span.high for span in rows])[:, np.newaxis]
        self._rows = parts.within(self._row_low, self._row_high)
        totals = len(system.totals)
        ends = [spans.get(Place(system.table, system.rows + at), _UNBOUNDED) for at in range(totals)]
        self._total_low = np.array([span.low for span in ends], dtype=np.int64).reshape(-1, 1)
        self._total_high = np.array([span.high for span in ends], dtype=np.int64).reshape(-1, 1)
        nothing = Bounds(*(np.zeros((totals, shape[1]), dtype=np.int64) for _ in range(2)))
        self._sums, self._totals = nothing, Bounds(nothing.low.copy(), nothing.high.copy())
        self._root = self._add_up()
        self._columns = _added([spans.get(place, _UNBOUNDED) for place in system.columns])
        self.everyone = self._everyone(Bounds(*(end[np.newaxis] for end in self._root)), self._columns)[0]

    def allows(self, needs: Sequence[Need], everyone: Span) -> list[bool]:
        """Return whether rows can have some number of these spans, where everyone is in `everyone`."""
        system = self.system
        in_columns = [need.place.table == system.columns_table for need in needs]
        fits = dict(self._rows_allow([n for n, at in zip(needs, in_columns, strict=True) if not at], everyone))
        root = Bounds(*(end[np.newaxis] for end in self._root))
        for need, at in zip(needs, in_columns, strict=True):
            if at:
                spans = [need.span if place == need.place else span for place, span in self._column_spans()]
                fits[need] = bool(self._fits(root, _added(spans), everyone)[0])
        return [fits[need] for need in needs]

    def _column_spans(self) -> list[tuple[Place, Span]]:
        low, high = self._columns
        return [(place, Span(int(low[1 << at]), int(high[1 << at]))) for at, place in enumerate(self.system.columns)]

    def _rows_allow(self, needs: Sequence[Need], everyone: Span) -> Iterable[tuple[Need, bool]]:
        system = self.system
        parts = [need for need in needs if need.place in system.part_at]
        rows = [need for need in needs if need.place not in system.part_at and need.place.row < system.rows]
        totals = [need for need in needs if need.place not in system.part_at and need.place.row >= system.rows]
        for group, changed in (
            (parts, self._of_parts(parts)),
            (rows, self._of_rows(rows)),
            (totals, self._of_totals(totals)),
        ):
            if group:
                fits = self._fits(self._root_with(np.array([need.place.row for need in group]), changed),
                                  self._columns, everyone)  # fmt: skip
                yield from zip(group, map(bool, fits), strict=True)

    def _of_parts(self, needs: Sequence[Need]) -> Bounds:
        """Change of its row where a part has another span."""
        at = np.array([self.system.part_at[need.place] for need in needs], dtype=np.int64)
        low, high = _ends(needs)
        row = self.system.row_of[at]
        more = Bounds(
            np.where(self.system.holds_all[at], low - self._part_low[at], 0),
            np.where(self.system.holds_some[at], high - self._part_high[at], 0),
        )
        is_row = np.array([not need.place.columns for need in needs], dtype=bool)[:, np.newaxis]
        row_low, row_high = np.where(is_row, low, self._row_low[row]), np.where(is_row, high, self._row_high[row])
        return self._parts.at(row).plus(more).within(row_low, row_high).minus(self._rows.at(row))

    def _of_rows(self, needs: Sequence[Need]) -> Bounds:
        row = np.array([need.place.row for need in needs], dtype=np.int64)
        return self._parts.at(row).within(*_ends(needs)).minus(self._rows.at(row))

    def _of_totals(self, needs: Sequence[Need]) -> Bounds:
        at = np.array([need.place.row - self.system.rows for need in needs], dtype=np.int64)
        return self._sums.at(at).within(*_ends(needs)).minus(self._totals.at(at))

    def _root_with(self, rows: IntArray, change: Bounds) -> Bounds:
        """Carry changes of rows and totals up to everyone."""
        for depth in range(self.system.depth):
            at = self.system.chain[rows, depth]
            there = at >= 0
            into = at[there]
            sums = self._sums.at(into).plus(change.at(there))
            new = sums.within(self._total_low[into], self._total_high[into]).minus(self._totals.at(into))
            change.low[there], change.high[there] = new
        return Bounds(self._root[0] + change.low, self._root[1] + change.high)

    def _fits(self, root: Bounds, columns: tuple[IntArray, IntArray], everyone: Span) -> BoolArray:
        possible = np.all(root.low <= columns[1], axis=-1) & np.all(root.high >= columns[0], axis=-1)
        spans = self._everyone(root, columns)
        inside = [max(span.low, everyone.low) <= min(span.high, everyone.high) for span in spans]
        return np.asarray(possible & np.array(inside, dtype=bool), dtype=bool)

    @staticmethod
    def _everyone(root: Bounds, columns: tuple[IntArray, IntArray]) -> list[Span]:
        low = (root.low + columns[0][::-1]).max(axis=-1)
        high = (root.high + columns[1][::-1]).min(axis=-1)
        return [Span(*ends) for ends in zip(low.tolist(), high.tolist(), strict=True)]

    def _add_up(self) -> tuple[IntArray, IntArray]:
        """Add rows up to totals, smallest first, and to everyone; each one stands in the smallest total above it."""
        system = self.system
        first = system.chain[:, 0] if system.depth else np.full(len(system.chain), -1)
        own = first[: system.rows]
        for sums, rows in zip(self._sums, self._rows, strict=True):
            np.add.at(sums, own[own >= 0], rows[own >= 0])
        root = [rows[own < 0].sum(axis=0) for rows in self._rows]
        for at in system.totals:
            held = self._sums.at([at]).within(self._total_low[at], self._total_high[at])
            above = int(first[system.rows + at])
            for end in (0, 1):
                self._totals[end][at] = held[end][0]
                if above >= 0:
                    self._sums[end][above] += held[end][0]
                else:
                    root[end] = root[end] + held[end][0]
        return root[0], root[1]


def _ends(needs: Sequence[Need]) -> tuple[IntArray, IntArray]:
    spans = np.array([need.span for need in needs], dtype=np.int64).reshape(-1, 2)
    return spans[:, :1], spans[:, 1:]


def _added(spans: Sequence[Span]) -> tuple[IntArray, IntArray]:
    """int64[2^n] each: the sums of the least and of the most over every subset, the subset as a binary number."""
    low, high = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    for span in spans:
        low, high = np.concatenate([low, low + span.low]), np.concatenate([high, high + span.high])
    return low, high
