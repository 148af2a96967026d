"""Numbers that are printed of rows: changed under the key when they are drawn, and standing until ten people changed.

A number belongs to the people and answers it was made of, and is never made twice of nearly the same: who compares two
releases would learn of the few who differ. So a row keeps its printed numbers until at least `floor` people entered or
left it, or answers in it changed. Then it is drawn anew, with a change that no other draw shares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from audit.disclosure.cut import Row, totals, totals_above
from audit.disclosure.left import Need, Span, Sums
from audit.disclosure.method import Method
from audit.disclosure.shape import SideName
from audit.disclosure.tables import EVERYONE, Cut, Entry, Position, SideCounts

MOST_DRAWS: Final = 8
"""Draws of the outcomes of the same people: a mean of more would come close to what all of them have in common."""
MOST_ATTEMPTS: Final = 200
MOST_ROUNDS: Final = 40
"""Times that all rows are checked together, after those near each other were drawn until they fit."""


class Family(NamedTuple):
    """A row, and rows that it is the sum of."""

    total: Position
    parts: list[Position]


@dataclass(frozen=True, slots=True)
class Draw:
    """Printed numbers of a row, and the exact ones they were drawn from: `of_…`, in the restricted folder alone."""

    people: int
    errors: int | None
    few: Literal["errors", "right"] | None
    fewer_than: int | None
    people_as_of: str
    """Day on which the number of people was drawn."""
    as_of: str
    """Day on which outcomes were drawn."""
    of_people: int
    of_errors: int
    """Exact numbers of errors and of right answers when these were drawn."""
    of_right: int
    number: int
    """Number of the draw of outcomes among those of its row, from 1."""
    joined: int

    @property
    def day(self) -> str:
        """Day from which all of its numbers were right within the largest change."""
        return min(self.people_as_of, self.as_of)

    @property
    def name(self) -> str:
        """Name of the draw among all of its row."""
        return f"{self.joined}.{self.number}"

    def changed(self, entry: Entry) -> int:
        """Return the least number of people and answers that must have changed since it was drawn."""
        return max(
            abs(entry.people - self.of_people),
            abs(entry.errors - self.of_errors),
            abs(entry.right - self.of_right),
            abs(entry.people - self.of_errors - self.of_right),
        )

    def is_within(self, method: Method) -> bool:
        """Return whether it lies as near to the exact numbers as the method ever draws one."""
        least = min(self.people, self.of_people) if self.people in {method.row, method.keep} else self.people
        people = abs(least - self.of_people) <= method.largest
        errors = self.errors is None or abs(self.errors - self.of_errors) <= method.largest
        few = {"errors": self.of_errors, "right": self.of_right}
        return people and errors and (self.few is None or few[self.few] < (self.fewer_than or 0))

    def bare(self) -> Draw:
        """Leave out what became of the people."""
        return replace(self, errors=None, few=None, fewer_than=None)


def remembered(before: Mapping[str, Sequence[Draw]], drawn: Mapping[str, Draw]) -> dict[str, list[Draw]]:
    """Return every draw of each row there ever was; the one that it printed last stands at the end."""
    histories = {key: list(draws) for key, draws in before.items()}
    for key, draw in drawn.items():
        older = [old for old in before.get(key, ()) if (old.joined, old.number) != (draw.joined, draw.number)]
        histories[key] = [*older, draw]
    return histories


@dataclass(frozen=True, slots=True)
class SideRows:
    """What may be printed of one side."""

    side: SideName
    counts: SideCounts
    cut: Cut
    listed: Sequence[Entry]
    draws: Mapping[str, Draw]
    has_outcomes: bool
    """Whether outcomes may be printed: if not, no draw left every "fewer than" open."""
    standing: frozenset[str]
    """Keys of rows that print what they printed in the release before."""
    hiding: frozenset[str] = frozenset()
    """Keys of rows that hold a number that a table of counts hides: they are not printed."""


def draw_side(
    side: SideName,
    counts: SideCounts,
    cut: Cut,
    listed: Sequence[Entry],
    before: Mapping[str, Sequence[Draw]],
    method: Method,
    secret: bytes | None,
    day: str,
) -> SideRows:
    """Draw the numbers of every row of one side that do not stand from an earlier release.

    Outcomes are drawn again until what is printed leaves every "fewer than" open; whether a draw is taken depends on
    what would be printed alone.

    Parameters
    ----------
    before : mapping of str to sequence of Draw
        Draws of all releases before, by the key of their row; the one that it printed last stands at the end.
    """
    of_tables = [totals(ladder, rows) for ladder, rows in zip(counts.ladders, cut.rows, strict=True)]
    noise = _Noise(side, method, secret)
    past = {
        entry.position: [draw for draw in before.get(entry.key, ()) if draw.joined == entry.joined] for entry in listed
    }
    draws = {entry.position: _draw(entry, past[entry.position], noise, day) for entry in listed}
    fresh = {row: all(draw.number != old.number for old in past[row]) for row, draw in draws.items()}
    at = {entry.position: entry for entry in listed}
    families, sums = families_of(cut, of_tables, at), Sums(cut, of_tables)
    attempts, hopeless = dict.fromkeys(at, 0), set[Position]()
    shown, revealing = dict(draws), list[Position]()
    for _ in range(MOST_ROUNDS):
        shown = joined_bounds(families, draws)
        revealing = _revealing_rows(sums, shown, method, {})
        if hopeless.issuperset(revealing) or not any(fresh.values()):
            break
        for revealing_row in dict.fromkeys(row for row in revealing if row not in hopeless):
            near = [row for row in sorted(_near(revealing_row, families, shown)) if fresh[row]]
            touched = [family for family in families if not {family.total, *family.parts}.isdisjoint(near)]
            redrawn = [row for row in near if draws[row].errors is not None]
            for _ in range(MOST_ATTEMPTS if redrawn else 0):
                for row in redrawn:
                    attempts[row] += 1
                    draws[row] = _redrawn(draws[row], at[row], noise, attempts[row])
                shown = joined_bounds(families, draws)
                if all(_is_open(family, shown, method) for family in touched):
                    break
            else:
                hopeless.add(revealing_row)
    if revealing:
        shown = _without_parts(revealing, families, shown)
        revealing = _revealing_rows(sums, shown, method, {})
    lag = {row: method.row - 1 for row, is_fresh in fresh.items() if not is_fresh}
    is_open = not revealing or not _revealing_rows(sums, shown, method, lag)
    standing = frozenset(at[row].key for row, old in past.items() if old and old[-1].number == draws[row].number)
    printed = {at[row].key: draw if is_open or not fresh[row] else draw.bare() for row, draw in shown.items()}
    return SideRows(side, counts, cut, listed, printed, is_open, standing)


def _without_parts(
    revealing: Sequence[Position], families: Sequence[Family], shown: Mapping[Position, Draw]
) -> dict[Position, Draw]:
    """Leave out the outcomes of parts that no draw leaves open, such as 20 people with 12 of 22 errors."""
    bounded = dict(shown)
    for position in revealing:
        for total, parts in families:
            if position in parts and total != EVERYONE:
                bounded |= {part: bounded[part].bare() for part in parts}
    return bounded


def draw_total(name: str, count: int, past: Sequence[Draw], method: Method, key: bytes | None, day: str) -> Draw | None:
    """Draw a number of people that stands in no table; None below T, whether there is anybody or not."""
    if count < (method.keep if past else method.row):
        return None
    return _draw(Entry(EVERYONE, (), False, 0, count), past, _Noise(name, method, key), day)


def joined_bounds(families: Sequence[Family], draws: Mapping[Position, Draw]) -> dict[Position, Draw]:
    """Let a row whose parts are two, with few errors each, print a bound that is the sum of theirs.

    Its own number would tell both: 18 errors in two parts of fewer than 10 are 9 and 9. Whether it has few errors
    itself plays no part: a bound of 20 that is printed from 10 errors on would tell that neither part has none.
    """
    shown, smallest = dict(draws), dict[Position, int]()
    for total, parts in families:
        if len(parts) != 2:
            continue
        first, second, total_draw = shown[parts[0]], shown[parts[1]], shown[total]
        has_outcomes = total_draw.errors is not None or total_draw.few is not None
        if first.few and first.few == second.few and first.fewer_than and second.fewer_than and has_outcomes:
            bound = first.fewer_than + second.fewer_than
            if total in smallest and smallest[total] <= bound:
                continue
            exact = total_draw.of_errors if first.few == "errors" else total_draw.of_right
            if exact < bound:  # parts that stand may have grown
                smallest[total] = bound
                shown[total] = replace(total_draw, errors=None, few=first.few, fewer_than=bound)
    return shown


def families_of(cut: Cut, totals: Sequence[Sequence[Row]], places: Iterable[Position]) -> list[Family]:
    """List every row with the rows that it is the sum of, finest first; everyone once for each feature."""
    cells: dict[int, list[Position]] = {}
    for position in places:
        if position.columns:
            cells.setdefault(position.row, []).append(position)
    families = [Family(Position(cut.cross.rows, row), parts) for row, parts in cells.items() if cut.cross is not None]
    for table, (rows, sums) in enumerate(zip(cut.rows, totals, strict=True)):
        below: dict[int | None, list[Position]] = {}
        for at, to in enumerate(totals_above(rows, sums)):
            below.setdefault(to, []).append(Position(table, at))
        by_size = sorted(below, key=lambda at: len((*rows, *sums)[at].members) if at is not None else 10**9)
        families += [Family(EVERYONE if at is None else Position(table, at), below[at]) for at in by_size]
    return families


def _draw(entry: Entry, past: Sequence[Draw], noise: _Noise, day: str) -> Draw:
    """Return the numbers that a row printed of nearly the same people and answers, or draw them anew.

    The newest draw comes first, then the oldest: what was printed once of some people is never made again of nearly the
    same, whatever lay between.
    """
    number = max((old.number for old in past), default=0) + 1
    known = [*past[-1:], *sorted(past[:-1], key=lambda old: old.number)]
    for old in known:
        if old.changed(entry) < noise.least(old.number):
            return old
    near = next((old for old in known if abs(entry.people - old.of_people) < noise.least(old.number)), None)
    people, of_people, since = noise.people(entry, number), entry.people, day
    if near is not None:
        people, of_people, since = near.people, near.of_people, near.people_as_of
    drawn = Draw(people, None, None, None, since, day, of_people, entry.errors, entry.right, number, entry.joined)
    same = {old.number for old in past if abs(entry.people - old.of_people) < noise.method.row}
    if min(entry.people, people) < noise.method.row or len(same) >= MOST_DRAWS:
        return drawn
    counts: dict[Literal["errors", "right"], int] = {"errors": entry.errors, "right": entry.right}
    for few, count in counts.items():
        bound = _bound(few, count, entry, past, noise, number)
        if bound is not None:
            return replace(drawn, few=few, fewer_than=bound)
    return _redrawn(drawn, entry, noise, 0)


def _redrawn(draw: Draw, entry: Entry, noise: _Noise, attempt: int) -> Draw:
    """Return a draw with another number of errors, neither few nor nearly all."""
    floor = noise.method.floor
    return replace(draw, errors=min(max(noise.errors(entry, draw.number, attempt), floor), draw.people - floor))


def _bound(
    few: Literal["errors", "right"], count: int, entry: Entry, past: Sequence[Draw], noise: _Noise, number: int
) -> int | None:
    """Return what a row says it has fewer of; None where it prints a number.

    What was ten or more is never said to be fewer than ten in a later release, nor the other way round: it would tell
    that the only part of the row that changed has not none. It is said to be fewer than twenty. So are, by the key,
    some rows that stayed where they were: the word tells neither.
    """
    method = noise.method
    was_below = any(old.few == few and old.fewer_than == method.floor for old in past)
    was_above = any(
        old.errors is not None and span_of(old, method, errors=few == "errors").low < method.row for old in past
    )
    is_below = count < method.floor
    crossed = was_above if is_below else was_below
    if count < method.row and (crossed or ((was_below or was_above) and noise.is_wide(entry, number))):
        return method.row
    return method.floor if is_below else None


def _revealing_rows(
    sums: Sums, shown: Mapping[Position, Draw], method: Method, lag: Mapping[Position, int]
) -> list[Position]:
    """Find the rows that print "fewer than" while other numbers say more of their errors, or of their right answers.

    Numbers that stand from an earlier release may have changed by `lag`.
    """
    few: dict[str, dict[Position, Draw]] = {"errors": {}, "right": {}}
    for position, draw in shown.items():
        if draw.few is not None and draw.fewer_than == method.floor:  # a sum of two is open where its parts are
            few[draw.few][position] = draw
    revealing: list[Position] = []
    ends = (Span(0, 0), Span(method.floor - 1, method.floor - 1))
    for outcome in ("errors", "right"):
        needs = [Need(position, end) for position in few[outcome] for end in ends]
        if outcome == "errors":
            needs += [
                Need(position, span) for position, draw in few["right"].items() for span in _as_errors(draw, method)
            ]
        if needs:
            spans = {position: span_of(draw, method, errors=outcome == "errors") for position, draw in shown.items()}
            late = {
                position: Span(max(spans[position].low - by, 0), spans[position].high + by)
                for position, by in lag.items()
            }
            revealing += sums.not_left_open({**spans, **late}, needs)
    return revealing


def _as_errors(draw: Draw, method: Method) -> tuple[Span, Span]:
    """Errors of a row with few right answers, where it has none of these, and where it has as many as are open."""
    low, high = draw.people - method.largest, draw.people + method.largest
    few = method.floor - 1
    return Span(max(low, method.row), high), Span(max(low, method.row) - few, high - few)


def span_of(draw: Draw, method: Method, *, errors: bool) -> Span:
    """Return what the printed numbers of a row say of its errors, or of its right answers."""
    most, floor = method.largest, method.floor
    people = Span(max(draw.people - most, 0), draw.people + most)
    if draw.few is not None and draw.fewer_than is not None:
        if (draw.few == "errors") == errors:
            return Span(0, draw.fewer_than - 1)
        return Span(max(people.low - draw.fewer_than + 1, 0), people.high)
    if draw.errors is None:
        return Span(0, people.high)
    wrong = Span(max(draw.errors - most, floor), draw.errors + most)
    if errors:
        return Span(wrong.low, min(wrong.high, people.high - floor))
    return Span(max(people.low - wrong.high, floor), people.high - wrong.low)


def _near(position: Position, families: Sequence[Family], shown: Mapping[Position, Draw]) -> set[Position]:
    """Rows whose numbers are drawn again where one is told: those that add up with it, or a sum that has no number."""
    near = {position}
    for total, parts in families:
        if position in parts or (position == total and not position.columns):
            near |= {*parts, total} if total.table >= 0 else set(parts)
            if position in parts and total != EVERYONE and shown[total].errors is None:
                near |= _near(total, families, shown)
    return near


def _is_open(family: Family, shown: Mapping[Position, Draw], method: Method) -> bool:
    """Whether one sum leaves each of its parts with "fewer than" all numbers below the floor."""
    for few in ("errors", "right"):
        places = [position for position in family.parts if shown[position].few == few]
        if not places:
            continue
        errors = few == "errors"
        total = span_of(shown[family.total], method, errors=errors)
        parts = {position: span_of(shown[position], method, errors=errors) for position in family.parts}
        low, high = (sum(span[end] for span in parts.values()) for end in (0, 1))
        for position in places:
            least = total.low - (high - parts[position].high)
            most = total.high - (low - parts[position].low)
            # two parts of a sum without a number are open where the sum can be what one of them may have at most
            single = shown[position].fewer_than == method.floor
            if least > (0 if single else method.floor - 1) or most < method.floor - 1:
                return False
    return True


class _Noise:
    """Changes of the numbers of one side under the key: of each row, draw and attempt its own."""

    def __init__(self, side: str, method: Method, secret: bytes | None) -> None:
        self.method = method
        self._side, self._secret = side, secret

    def people(self, entry: Entry, number: int) -> int:
        """Return the changed number of people."""
        floor = self.method.row if entry.people >= self.method.row else self.method.keep
        return max(self._changed(entry, "people", entry.people, number, 0), floor)

    def errors(self, entry: Entry, number: int, attempt: int) -> int:
        """Return the changed number of errors."""
        return self._changed(entry, "errors", entry.errors, number, attempt)

    def least(self, number: int) -> int:
        """Return how many people or answers must change before a draw does: from `floor` up to twice that.

        Known, it would tell who places all changes but one whether the last was an error. All rows of a side share it:
        one person stands in many, and each with its own would be one more chance that this person's answer crosses it.
        """
        floor, known = self.method.floor, self._secret is not None  # if not, the log says what stood
        return floor + (self._key(["least", number]) % floor if known else floor)

    def is_wide(self, entry: Entry, number: int) -> bool:
        """Whether a row says "fewer than twenty" though it need not."""
        return self._key([entry.key, entry.joined, "wide", number]) % 4 == 0

    def _changed(self, entry: Entry, what: str, count: int, number: int, attempt: int) -> int:
        # with the numbers themselves, so that a folder that was put back draws no change twice for other people
        seed: list[str | int] = [entry.key, entry.joined, what, number, attempt, entry.errors, entry.right]
        return count + self.method.change(self._key(seed))

    def _key(self, seed: Sequence[str | int]) -> int:
        text, key = json.dumps([self._side, *seed]).encode(), self._secret or b""
        return int.from_bytes(hashlib.blake2b(text, key=key, digest_size=8, person=b"draw").digest())
