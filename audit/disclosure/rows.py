"""Rows of a release: what was drawn of each side, with rates and words beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from audit.disclosure.draws import Draw, SideRows
from audit.disclosure.method import Method
from audit.disclosure.rates import Sides, rate_in_print, rate_of
from audit.disclosure.shape import SIDES
from audit.disclosure.tables import Entry
from audit.disclosure.vocabulary import Ladder
from audit.public.release import PublicMethod, PublicRate, PublicRow
from audit.vocabulary.groups import LevelName
from audit.vocabulary.metrics import Metric

_FEWEST: Final = 100
_TIMES: Final = 10
"""A joined row is named by one level where it has at least 100 people, and ten times as many as the others can be."""


def rows_of(
    sides: Sequence[SideRows],
    metrics: Iterable[Metric],
    method: Method,
    level: float,
    *,
    plain: bool = True,
) -> list[PublicRow]:
    """Return the rows of both sides, and of both together where they have the same people, without words.

    Parameters
    ----------
    plain : bool
        Whether rates follow from numbers of people. Those of weighted or clustered cases do not, and beside the numbers
        they would tell the outcome of whoever stands for many cases: none is printed.
    """
    rates, public = list(metrics), method.public()
    rows = [_row(side, entry, rates, public, level, plain=plain) for side in sides for entry in side.listed]
    return [*rows, *_of_both(sides, rates, public, level)] if plain else rows


def main_levels(
    sides: Sequence[SideRows], method: Method, before: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Return by row and draw the level that nearly all of a joined row have; empty where there is none.

    It follows from what is printed, and from rows being made of people: the others are fewer than T where one row had
    to join them, and T less one are at most a tenth of the row. It is found when numbers are drawn and stands with
    them, so that one person more or less among the others turns no name on or off.
    """
    names = {name: dict(of_draws) for name, of_draws in before.items()}
    for side in sides:
        for entry in side.listed:
            if [part.kind for part in entry.parts] == ["joined"]:
                draw = side.draws[entry.key]
                of_draws = names.setdefault(f"{side.side} {entry.key}", {})
                of_draws.setdefault(draw.name, _main_level(side, entry, draw, method))
    return names


def with_main_levels(
    rows: Iterable[PublicRow], sides: Sequence[SideRows], names: Mapping[str, Mapping[str, str]]
) -> list[PublicRow]:
    """Name joined rows by the level that nearly all of them have."""
    draws: dict[tuple[str, str], str] = {
        (side.side, key): draw.name for side in sides for key, draw in side.draws.items()
    }

    def named(row: PublicRow) -> PublicRow:
        code = names.get(f"{row.side} {row.key}", {}).get(draws.get((row.side, row.key), ""))
        if not code:
            return row
        (part,) = row.parts
        parts = (part.model_copy(update={"kind": "nearly", "codes": (code,), "members": part.codes}),)
        return row.model_copy(update={"parts": parts})

    return [named(row) for row in rows]


def _main_level(side: SideRows, entry: Entry, draw: Draw, method: Method) -> str:
    ladder, table = side.counts.ladders[entry.position.table], side.counts.single[entry.position.table]
    if not ladder.closed or draw.people < max(_FEWEST, _TIMES * (method.row - 1)):
        return ""
    people = {
        level.code: int(of_level.sum())
        for level, of_level in zip(ladder.levels[0], table, strict=True)
        if level.code in entry.members[0]
    }
    main = max(people, key=lambda code: people[code])
    return main if sum(people.values()) - people[main] < method.row else ""


def without_hidden_numbers(rows: Iterable[PublicRow], sides: Sequence[SideRows]) -> tuple[PublicRow, ...]:
    """Leave out the rows that hold a number that a table of counts hides: what they print must hold whatever it is."""
    hiding = {(side.side, key) for side in sides for key in side.hiding}
    return tuple(
        row for row in rows if hiding.isdisjoint((side, row.key) for side in SIDES if row.side in (side, "both"))
    )


def levels_named(ladders: Sequence[Ladder], rows: Sequence[PublicRow]) -> dict[str, tuple[LevelName, ...]]:
    """Return of each feature that has rows the levels that these name, and every level above them."""
    named: dict[str, set[tuple[str, str]]] = {}
    finest = {ladder.feature: ladder.rungs[0] for ladder in ladders}
    for part in (part for row in rows for part in row.parts):
        members = ((finest[part.feature], code) for code in part.members)
        named.setdefault(part.feature, set()).update((*((part.rung, code) for code in part.codes), *members))
    return {
        ladder.feature: _with_parents(ladder, named[ladder.feature]) for ladder in ladders if ladder.feature in named
    }


def _with_parents(ladder: Ladder, wanted: set[tuple[str, str]]) -> tuple[LevelName, ...]:
    levels_found: list[LevelName] = []
    for at, levels in enumerate(ladder.levels):
        for level in levels:
            if (level.rung, level.code) in wanted:
                levels_found.append(level)
                if level.parent is not None and at + 1 < len(ladder.rungs):
                    wanted.add((ladder.rungs[at + 1], level.parent))
    return tuple(levels_found)


def _printed(side: SideRows, entry: Entry) -> Draw:
    draw = side.draws[entry.key]
    return draw if side.has_outcomes and entry.key not in side.hiding else draw.bare()


def _row(
    side: SideRows, entry: Entry, metrics: Sequence[Metric], method: PublicMethod, level: float, *, plain: bool
) -> PublicRow:
    draw, everyone = _printed(side, entry), _printed(side, side.listed[0])

    def both(draw: Draw) -> Sides:
        return (draw, None) if side.side == SIDES[0] else (None, draw)

    everyone_sides = both(everyone) if entry.parts else None
    mine = [metric for metric in metrics if rate_in_print(metric).side == side.side and side.has_outcomes]
    rates = [
        rate_of(metric, both(draw), everyone_sides, method, level)
        if plain
        else PublicRate(metric=metric.name, value=None, low=None, high=None)
        for metric in mine
    ]
    return PublicRow(side=side.side, parts=entry.parts, total=entry.total, people=draw.people, errors=draw.errors,
                     few=draw.few, fewer_than=draw.fewer_than, as_of=draw.day,
                     rates=tuple(rates))  # fmt: skip


def _of_both(
    sides: Sequence[SideRows], metrics: Sequence[Metric], method: PublicMethod, level: float
) -> list[PublicRow]:
    """Rows that both sides have of the same levels, for rates that are made of both."""
    wanted = [metric for metric in metrics if rate_in_print(metric).side == "both"]
    if len(sides) < len(SIDES) or not wanted:
        return []
    others = {entry.key: entry for entry in sides[1].listed}
    everyone_draws = tuple(_printed(side, side.listed[0]) for side in sides)
    rows = []
    for entry in sides[0].listed:
        other = others.get(entry.key)
        if other is None or other.members != entry.members:
            continue
        pair = _printed(sides[0], entry), _printed(sides[1], other)
        everyone = (everyone_draws[0], everyone_draws[1]) if entry.parts else None
        rates = tuple(rate_of(metric, pair, everyone, method, level) for metric in wanted)
        as_of = min(side.draws[entry.key].day for side in sides)
        rows.append(PublicRow(side="both", parts=entry.parts, total=entry.total, people=pair[0].people + pair[1].people,
                              errors=None, as_of=as_of, rates=rates))  # fmt: skip
    return rows
