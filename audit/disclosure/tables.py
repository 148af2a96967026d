"""Tables of one side: the rows of each feature, and of two features crossed; and who stands in each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np

from audit.disclosure.cut import WORLD, Row, crosses, cut, parts_of, totals, unite
from audit.disclosure.vocabulary import Ladder
from audit.public.release import PublicPart, row_key
from audit.stats.arrays import IntArray

MOST_COLUMNS: Final = 6
"""Most rows of a feature by which another is split: what is checked of a cross doubles with each."""


@dataclass(frozen=True, slots=True)
class SideCounts:
    """Exact outcomes of one side of a set."""

    ladders: tuple[Ladder, ...]
    """The features; the first two are crossed where `crossed` is given."""
    single: tuple[IntArray, ...]
    """Of each feature int64[L, 2]: errors and right answers of each finest level."""
    crossed: IntArray | None
    """int64[L of the first, L of the second, 2]; None for one feature."""

    @property
    def everyone(self) -> IntArray:
        """int64[2]: errors and right answers."""
        return np.asarray(self.single[0].sum(axis=0), dtype=np.int64)


class Cross(NamedTuple):
    """Rows of one feature, split by the rows of another."""

    rows: int
    """The feature whose rows are split: 0 or 1."""
    columns: tuple[int, ...]
    """Rows of the other feature, in the order in which they are split off."""
    split: tuple[int, ...]
    """Of each row, how many are split off."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows into which the people of one side are cut: by each feature, and by two features crossed."""

    rows: tuple[tuple[Row, ...], ...]
    cross: Cross | None


class Position(NamedTuple):
    """Position of a row in the tables of its side."""

    table: int
    """The feature; -1 for everyone, and for rows of two features crossed."""
    row: int
    columns: tuple[int, ...] = ()
    """Of a row of the cross: the columns that it holds, as places in `Cross.columns`."""


EVERYONE: Final = Position(-1, -1)


@dataclass(frozen=True)
class Entry:
    """One row that may be printed, with its exact numbers."""

    position: Position
    parts: tuple[PublicPart, ...]
    total: bool
    errors: int
    right: int
    joined: int = 0
    """How many rows joined the rows that it is made of: draws of before are of other people."""
    members: tuple[frozenset[str], ...] = ()
    """Of each part, codes on the finest rung of those who stand in it."""

    @property
    def people(self) -> int:
        """Exact number of people."""
        return self.errors + self.right

    @cached_property
    def key(self) -> str:
        """Name of the row."""
        return row_key(self.parts)


def first_cut(counts: SideCounts, least: int, floor: int) -> Cut | None:
    """Return the rows of a side that was never cut; None where not even everyone may be printed."""
    if int(counts.everyone.sum()) < least:
        return None
    rows = tuple(
        tuple(cut(ladder, single.sum(axis=1), least, floor))
        for ladder, single in zip(counts.ladders, counts.single, strict=True)
    )
    return Cut(rows, _cross(counts, rows, least))


def next_cut(before: Cut, counts: SideCounts, keep: int) -> Cut | None:
    """Return the rows of a later release: those of before, united where they fell below `keep`."""
    if int(counts.everyone.sum()) < keep:
        return None
    rows = tuple(
        tuple(unite(ladder, of_feature, single.sum(axis=1), keep))
        for ladder, of_feature, single in zip(counts.ladders, before.rows, counts.single, strict=True)
    )
    if before.cross is None or any(len(rows[at]) < 2 for at in (0, 1)):
        return Cut(rows, None)
    cross = before.cross
    if rows[1 - cross.rows] != before.rows[1 - cross.rows]:
        return Cut(rows, None)
    was = dict(zip(before.rows[cross.rows], cross.split, strict=True))
    people = _crossed(counts, rows, cross.rows, cross.columns).sum(axis=2)
    allowed = [was.get(row, 0) for row in rows[cross.rows]]
    return Cut(rows, Cross(cross.rows, cross.columns, tuple(crosses(people, keep, allowed))))


def entries(counts: SideCounts, side_cut: Cut) -> list[Entry]:
    """List everyone, the rows of each feature with their totals, and those of the cross."""
    errors, right = counts.everyone
    listed = [Entry(EVERYONE, (), False, int(errors), int(right))]
    for table, (ladder, rows) in enumerate(zip(counts.ladders, side_cut.rows, strict=True)):
        for at, row in enumerate((*rows, *totals(ladder, rows))):
            errors, right = counts.single[table][list(row.members)].sum(axis=0)
            numbers = int(errors), int(right), row.joined
            codes = (_codes(ladder, [row]),)
            listed.append(Entry(Position(table, at), (_part(ladder, row),), row.kind == "total", *numbers, codes))
    return [*listed, *_cross_entries(counts, side_cut)]


def hiding_keys(hidden: Sequence[Entry]) -> frozenset[str]:
    """Return the keys of rows that hold hidden numbers, and of others beside a level that does: without a row, it would
    be taken for one of them.
    """
    with_people = [entry for entry in hidden if entry.people]
    named = {part.feature for entry in with_people for part in entry.parts if part.kind == "level"}
    beside = [e for e in hidden if any(part.kind == "others" and part.feature in named for part in e.parts)]
    return frozenset(entry.key for entry in (*with_people, *beside))


def cut_to_json(side_cut: Cut, ladders: Sequence[Ladder]) -> dict[str, Any]:
    """Write a cut down by codes: it holds no number of people."""

    def written(ladder: Ladder, row: Row) -> list[Any]:
        return [row.kind, row.rung, row.code, [ladder.levels[0][at].code for at in row.members], row.joined]

    return {
        "rows": [[written(ladder, row) for row in rows] for ladder, rows in zip(ladders, side_cut.rows, strict=True)],
        "cross": side_cut.cross,
    }


def cut_from_json(written: Mapping[str, Any], ladders: Sequence[Ladder]) -> Cut:
    """Read a cut. Levels that a feature did not have then stand with the others of the whole list.

    Raises
    ------
    LookupError, TypeError, ValueError
        If it was written for other features.
    """
    tables: list[tuple[Row, ...]] = []
    for ladder, rows in zip(ladders, written["rows"], strict=True):
        at = {level.code: index for index, level in enumerate(ladder.levels[0])}
        read = [
            Row(kind, rung, code, tuple(sorted(at[member] for member in members if member in at)), joined)
            for kind, rung, code, members, joined in rows
        ]
        new = sorted(set(at.values()).difference(*(row.members for row in read))) if read else []
        wide = next((index for index, row in enumerate(read) if row.rung == WORLD), None)
        if new and wide is None:
            raise ValueError("there are levels that no row can hold")
        if new and wide is not None:
            read[wide] = replace(read[wide], members=tuple(sorted((*read[wide].members, *new))))
        tables.append(tuple(read))
    cross = written["cross"]
    return Cut(tuple(tables), None if cross is None else Cross(cross[0], tuple(cross[1]), tuple(cross[2])))


def _cross(counts: SideCounts, rows: Sequence[Sequence[Row]], least: int) -> Cross | None:
    if counts.crossed is None or any(len(rows[at]) < 2 for at in (0, 1)):
        return None
    flat = [at for at in (0, 1) if len(counts.ladders[at].rungs) == 1 and len(rows[at]) <= MOST_COLUMNS]
    if not flat:
        return None
    by = min(flat, key=lambda at: (len(rows[at]), at))
    people = counts.single[by].sum(axis=1)
    sizes = [int(people[list(row.members)].sum()) for row in rows[by]]
    order = sorted(range(len(sizes)), key=lambda at: (rows[by][at].kind != "level", -sizes[at], at))
    split = crosses(_crossed(counts, rows, 1 - by, order).sum(axis=2), least)
    return Cross(1 - by, tuple(order), tuple(split))


def _crossed(counts: SideCounts, rows: Sequence[Sequence[Row]], table: int, columns: Sequence[int]) -> IntArray:
    """int64[rows, columns, 2]: errors and right answers."""
    assert counts.crossed is not None  # noqa: S101 - a cross is made of these
    cells = counts.crossed if table == 0 else counts.crossed.transpose(1, 0, 2)
    by_row = np.stack([cells[list(row.members)].sum(axis=0) for row in rows[table]])
    return np.stack([by_row[:, list(rows[1 - table][at].members)].sum(axis=1) for at in columns], axis=1)


def _cross_entries(counts: SideCounts, side_cut: Cut) -> list[Entry]:
    cross = side_cut.cross
    if cross is None:
        return []
    cells = _crossed(counts, side_cut.rows, cross.rows, cross.columns)
    ladder, by = counts.ladders[cross.rows], counts.ladders[1 - cross.rows]
    listed = []
    for at, (row, split) in enumerate(zip(side_cut.rows[cross.rows], cross.split, strict=True)):
        for columns in parts_of(split, len(cross.columns)):
            errors, right = cells[at, list(columns)].sum(axis=0)
            column_rows = [side_cut.rows[1 - cross.rows][cross.columns[column]] for column in columns]
            parts, codes = (
                (_part(ladder, row), _joined(by, column_rows)),
                (_codes(ladder, [row]), _codes(by, column_rows)),
            )
            if cross.rows:
                parts, codes = parts[::-1], codes[::-1]
            listed.append(Entry(Position(-1, at, columns), parts, False, int(errors), int(right), row.joined, codes))
    return listed


def _joined(ladder: Ladder, rows: Sequence[Row]) -> PublicPart:
    """Name columns that stand together."""
    if len(rows) == 1:
        return _part(ladder, rows[0])
    members = sorted(member for row in rows for member in row.members)
    return _part(ladder, Row("joined", "", "", tuple(members)))


def _codes(ladder: Ladder, rows: Sequence[Row]) -> frozenset[str]:
    return frozenset(ladder.levels[0][member].code for row in rows for member in row.members)


def _part(ladder: Ladder, row: Row) -> PublicPart:
    kind = "level" if row.kind == "total" else row.kind
    codes: tuple[str, ...] = (row.code,) if row.code else ()
    if row.kind == "joined":
        codes = tuple(ladder.levels[0][member].code for member in row.members)
    # levels of an open list are not named: a small one would be known to exist
    others = row.members if kind == "others" and ladder.listed else ()
    members = tuple(ladder.levels[0][member].code for member in others)
    return PublicPart(feature=ladder.feature, kind=kind, rung=row.rung or ladder.rungs[0], codes=codes, members=members)
