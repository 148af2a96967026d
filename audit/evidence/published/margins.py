"""Check whether the tables of one audit add up: by sex, by race, and by both. Exact, in whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from audit.evaluation.counts_table import Between
from audit.evidence.published.table import Category, PublishedTable, may_miss

MOST: Final = 10**18
"""More than any number of people: the upper end of a number that is not printed."""
_MOST_SEXES: Final = 6
SEVERAL: Final = "Two or More Races"


class Sum(NamedTuple):
    """A sum that was checked."""

    where: str
    """The category that parts add up to."""
    why: str
    """Why they cannot, or an empty text."""
    is_open: bool = False
    """Whether they can if there are people of a category that the table does not list."""


def sums_of(
    table: PublishedTable, people: Callable[[Category], Between], selected: Callable[[Category], Between], unknown: int
) -> Iterator[Sum]:
    """Yield each sum that was checked.

    Whoever is in the table by race and not in that by both is of unknown sex, and the other way round. So a whole may
    hold more people than its parts, `unknown` at the most, and not more selected than those. Whether more are of a
    category that the table does not list, nobody can tell.
    """
    sexes, races, intersections = table.of("sex"), table.of("race"), table.of("both")
    missed = may_miss(table)
    several = SEVERAL not in {
        category.race for category in table.categories
    }  # then one of several races may stand in each
    cells = {(category.sex, category.race): category for category in intersections}
    lines: list[tuple[Category, Sequence[Category | None], str]]
    lines = [(race, [cells.get((sex.sex, race.race)) for sex in sexes], "sex") for race in races if intersections]
    lines += [(sex, [cells.get((sex.sex, race.race)) for race in races], "race") for sex in sexes if intersections]
    wholes = [
        (total, block, by) for total in table.of("all") for block, by in ((sexes, "sex"), (races, "race")) if block
    ]
    gaps: dict[Category, Between] = {}
    wrong = is_open = False
    for category, parts, by in (*lines, *wholes):
        totals = people(category), selected(category)
        added = [_sum(counted(part) if part else Between(0, MOST) for part in parts) for counted in (people, selected)]
        gap = Between(max(totals[0].low - added[0].high, 0), max(totals[0].high - added[0].low, 0))
        short = _apart("applicants", totals[0], added[0], by, unknown)
        why = _apart("above the median" if table.scores else "selected", totals[1], added[1], by, gap.high)
        over = bool(why) and several and by == "race"
        explains = over or (not why and gap.low > unknown and by in missed)
        others = "; one may be of several races" if over else f"; others may be of a {by} that is not listed"
        why = f"{why or short}{others if explains else ''}"
        wrong, is_open, gaps[category] = wrong or (bool(why) and not explains), is_open or explains, gap
        if why or max(totals[0].high, added[0].high) < MOST:
            yield Sum(category.name, why, explains)
    missing = sum(gaps[category].low for category, _, _ in lines)
    explains = sum(gaps[category].low for category, _, by in lines if by not in missed) <= unknown
    if not wrong and missing > unknown and not (is_open and explains):
        why = f"{missing:,} people by sex or by race are not there, and only {unknown:,} are unknown"
        others = f"; others may be of a {' or '.join(missed)} that is not listed" if explains else ""
        yield Sum("By both", f"{why}{others}", explains)
    bounds = {
        category: Between(max(selected(category).low - gap.high, 0), selected(category).high)
        for category, gap in gaps.items()
    }
    if (
        lines
        and not (wrong or several)
        and not _fit(
            {category: bounds[category] for category, _, _ in lines}, {key: selected(cells[key]) for key in cells}
        )
    ):
        yield Sum("By both", "no whole numbers selected fit this table and those by sex and by race at once")


def _fit(bounds: Mapping[Category, Between], cells: Mapping[tuple[str | None, str | None], Between]) -> bool:
    """Whether whole numbers fit all tables at once.

    Numbers within bounds, whose sums by row and by column lie within bounds, exist if and only if for every set of
    columns the rows can give as little as those may have and as much as they must (Hoffman's circulation theorem); if
    so, whole ones do.
    """
    columns = {category.sex: bound for category, bound in bounds.items() if category.sex}
    rows = {category.race: bound for category, bound in bounds.items() if category.race}
    for size in range(len(columns) + 1 if len(columns) <= _MOST_SEXES else 0):
        for chosen in combinations(columns, size):
            least = most = 0
            for race, bound in rows.items():
                row = {sex: cells.get((sex, race), Between(0, MOST)) for sex in columns}
                inside, outside = (_sum(row[sex] for sex in row if (sex in chosen) is taken) for taken in (True, False))
                least += max(inside.low, bound.low - outside.high)
                most += min(inside.high, bound.high - outside.low)
            wanted = _sum(columns[sex] for sex in chosen)
            if wanted.low > most or wanted.high < least:
                return False
    return True


def _sum(numbers: Iterable[Between]) -> Between:
    lows, highs = zip(Between(0, 0), *numbers, strict=True)
    return Between(sum(lows), sum(highs))


def _apart(what: str, total: Between, parts: Between, by: str, room: int) -> str:
    """Say it where parts are more than the whole, or fewer by more than can be in none of them."""
    sentence = f"the parts by {by} hold {_said(parts)}, of {_said(total)} {what}"
    if parts.high + room < total.low:
        return f"{sentence}: at most {room:,} can be missing"
    return sentence if parts.low > total.high else ""


def _said(number: Between) -> str:
    last = f" to {number.high:,}" if number.high < MOST else " or more"
    return f"{number.low:,}{'' if number.low == number.high else last}"
