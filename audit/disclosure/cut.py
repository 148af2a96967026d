"""Rows of a table: those of at least T people by name, everybody else together where T of them are left.

Rows are decided from numbers of people alone, never from outcomes. Every table holds everybody once. Whoever knows
this algorithm learns of people without a row only that they are fewer than T, or joined: T is twice the floor, so that
no number of people below the floor follows (proof: docs/disclosure.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from audit.disclosure.vocabulary import Ladder
from audit.stats.arrays import IntArray

WORLD: Final = ""
"""Rung of the others of a whole list."""


@dataclass(frozen=True, slots=True)
class Row:
    """Levels of one feature that stand together."""

    kind: Literal["level", "joined", "others", "total"]
    """`level`: one level by name. `joined`: several of a list without rungs. `others`: those of a place who have no
    row of their own. `total`: all of a place, whose rows stand too."""
    rung: str
    code: str
    """Code of the level or the place; empty for `joined` and for the others of a whole list."""
    members: tuple[int, ...]
    """Places on the finest rung of the ladder."""
    joined: int = 0
    """How many rows joined it since the first release: from then on it is a row of other people."""


Join = Callable[[Row], tuple[bool, int, tuple[int, ...]]]


def cut(ladder: Ladder, people: IntArray, least: int, floor: int) -> list[Row]:
    """Return the rows of one feature; none where only one would be left, which nobody needs a reason for.

    Parameters
    ----------
    people : ndarray of int64, shape (L,)
        Exact numbers of people of each finest level.
    least : int
        T, the people that a row needs.
    floor : int
        k: a rest that rows had to join keeps so many more, or whoever replays this would know it to be small.
    """
    named = [int(level) for level in np.flatnonzero(people >= least)]
    rows = [Row("level", ladder.rungs[0], ladder.levels[0][level].code, (level,)) for level in named]
    pool = np.flatnonzero(people < least)
    for rung in range(1, len(ladder.rungs)):
        pool = _take_places(ladder, rung, people, least, pool, rows)
    return _in_order(close(ladder, rows, [int(level) for level in pool], people, least, floor))


def close(ladder: Ladder, rows: list[Row], pool: list[int], people: IntArray, least: int, floor: int) -> list[Row]:
    """Let the smallest rows join who is left until these are enough; others join before names."""
    rows, joined = list(rows), 0
    while pool and int(people[pool].sum()) < (joined * least + floor if joined else least):
        if not rows:
            return []
        smallest = min(rows, key=lambda row: (row.kind == "level", int(people[list(row.members)].sum()), row.members))
        rows.remove(smallest)
        pool += smallest.members
        joined += 1
    if pool:
        rows.append(rest_of(ladder, pool))
    return rows if len(rows) > 1 else []


def rest_of(ladder: Ladder, members: Sequence[int]) -> Row:
    """Return the row of those who stand in no other row of a feature."""
    kind: Literal["joined", "others"] = "joined" if ladder.closed else "others"
    return Row(kind, WORLD, "", tuple(sorted(members)))


def totals(ladder: Ladder, rows: Sequence[Row]) -> list[Row]:
    """Return the places of which all stand in two rows or more that hold nobody else; no two of the same rows."""
    sums: list[Row] = []
    seen = {frozenset(range(len(rows)))}
    row_of = {member: at for at, row in enumerate(rows) for member in row.members}
    for rung in range(1, len(ladder.rungs)):
        for code, members in _places(ladder, rung, range(len(ladder.levels[0]))):
            inside = frozenset(row_of[member] for member in members if member in row_of)
            member_count = sum(len(rows[at].members) for at in inside)
            if len(inside) >= 2 and member_count == len(members) and inside not in seen:
                seen.add(inside)
                sums.append(Row("total", ladder.rungs[rung], code, tuple(members)))
    return sums


def totals_above(rows: Sequence[Row], totals: Sequence[Row]) -> list[int | None]:
    """Return of each row, then of each total, the place of the smallest total over it; None below everyone."""
    members = [set(row.members) for row in (*rows, *totals)]
    of_totals = sorted(range(len(rows), len(members)), key=lambda at: len(members[at]))
    return [
        next((to for to in of_totals if to != at and row_members <= members[to]), None)
        for at, row_members in enumerate(members)
    ]


def crosses(people: IntArray, least: int, most: Sequence[int] | None = None) -> list[int]:
    """Return of each row how many columns are split off: 0 none, 1 {first | the rest}, 2 {first | second | the rest}.

    Level l splits what level l - 1 left over into {column l | the rest}. Rows that are not split hold `least` of both
    parts together: so they are two at least, and their margins leave each part room.

    Parameters
    ----------
    people : ndarray of int64, shape (rows, columns)
        Exact numbers of people, columns in the order in which they are split off.
    most : sequence of int, optional
        How many columns may be split off each row, where a release before had no more.
    """
    rows, columns = people.shape
    split = [0] * rows
    stand = list(range(rows))
    for level in range(columns - 1):
        first, rest = people[:, level], people[:, level + 1 :].sum(axis=1)
        stand = [row for row in stand if min(first[row], rest[row]) >= least and (most is None or most[row] > level)]
        others = [row for row in range(rows) if row not in stand]
        while others and stand and min(int(first[others].sum()), int(rest[others].sum())) < least:
            smallest = min(stand, key=lambda row: (int(min(first[row], rest[row])), row))
            stand.remove(smallest)
            others.append(smallest)
        for row in stand:
            split[row] = level + 1
    return split


def parts_of(split: int, columns: int) -> list[tuple[int, ...]]:
    """Return the columns of each part of a row that is split so often; the last is the rest."""
    return [*((column,) for column in range(split)), tuple(range(split, columns))] if split else []


def unite(ladder: Ladder, rows: Sequence[Row], people: IntArray, keep: int) -> list[Row]:
    """Return the rows of a later release: those that fell below `keep` join others, for good. Rows are never split."""
    rows = list(rows)
    while len(rows) > 1:
        fallen = [row for row in rows if int(people[list(row.members)].sum()) < keep]
        if not fallen:
            return _in_order(rows)
        row = min(fallen, key=lambda candidate: (candidate.kind != "level", candidate.members))
        rows.remove(row)
        homes = [home for home in rows if home.kind != "level" and _holds(ladder, home, row)]
        home = min(
            homes or rows,
            key=lambda candidate: (
                len(candidate.members) if homes else 0,
                int(people[list(candidate.members)].sum()),
                candidate.members,
            ),
        )
        rows.remove(home)
        members, joined = tuple(sorted((*home.members, *row.members))), home.joined + row.joined + 1
        rows.append(replace(home if homes else rest_of(ladder, members), members=members, joined=joined))
    return []


def _holds(ladder: Ladder, home: Row, row: Row) -> bool:
    """Whether the others of `home` may take in the people of a row: all of them are of its place."""
    if home.rung == WORLD:
        return True
    rung = ladder.rungs.index(home.rung)
    return {ladder.levels[rung][ladder.climbs[rung][member]].code for member in row.members} == {home.code}


def _take_places(ladder: Ladder, rung: int, people: IntArray, least: int, pool: IntArray, rows: list[Row]) -> IntArray:
    """Add the others of each place of a rung that are enough; return who is left."""
    left: list[int] = []
    for code, members in _places(ladder, rung, pool.tolist(), left):
        if int(people[members].sum()) >= least:
            rows.append(Row("others", ladder.rungs[rung], code, tuple(members)))
        else:
            left += members
    return np.array(sorted(left), dtype=np.int64)


def _places(
    ladder: Ladder, rung: int, members: Sequence[int] | range, outside: list[int] | None = None
) -> Iterator[tuple[str, list[int]]]:
    """Yield the places of a rung and who of `members` is in each. Who is in none is added to `outside`."""
    members_at: dict[int, list[int]] = {}
    for member in members:
        at = int(ladder.climbs[rung][member])
        if ladder.levels[rung][at].code == ladder.levels[0][member].code:  # stateless, unknown: of no place
            if outside is not None:
                outside.append(member)
        else:
            members_at.setdefault(at, []).append(member)
    for at in sorted(members_at):
        yield ladder.levels[rung][at].code, members_at[at]


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """Names by code, then others from the finest rung up: no order that follows from numbers."""
    return sorted(rows, key=lambda row: (row.kind != "level", row.rung == WORLD, row.rung, row.code))
