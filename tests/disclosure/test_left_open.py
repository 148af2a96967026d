"""The closed form that leaves "fewer than ten" open, against an integer program over all people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from audit.disclosure.cut import Row, totals
from audit.disclosure.left import Need, Span, Sums
from audit.disclosure.tables import Cut, Entry, Position, SideCounts, entries, first_cut
from audit.stats.arrays import BoolArray
from tools.attack.world import adversarial, members_of, small_ladders

OPEN = (Span(0, 0), Span(9, 9))
Spans = dict[Position, Span]
Needs = dict[Position, tuple[Span, ...]]


def by_program(members: Mapping[Position, BoolArray], spans: Spans, needs: Needs) -> set[Position]:
    """Rows of which some span holds no number that any table of people allows."""
    size = next(iter(members.values())).size
    sums = np.array([members[place].ravel() for place in spans], dtype=float)
    found = set()
    for place, wanted in needs.items():
        for need in wanted:
            ends = [need if other == place else span for other, span in spans.items()]
            known = LinearConstraint(sums, [end.low for end in ends], [end.high for end in ends])
            if not milp(np.zeros(size), constraints=known, integrality=[1] * size, bounds=Bounds(0, np.inf)).success:
                found.add(place)
    return found


def printed(listed: Sequence[Entry], rng: np.random.Generator) -> tuple[Spans, Needs]:
    """Spans of numbers that differ by up to five from the errors, and rows that have fewer than ten of them."""
    few = {entry.position for entry in listed if entry.errors < 10}
    near = {entry.position: entry.errors + int(rng.integers(-5, 6)) for entry in listed}
    spans = {place: Span(0, 9) if place in few else Span(max(near[place] - 5, 10), near[place] + 5) for place in near}
    return spans, dict.fromkeys(few, OPEN)


def asked(needs: Needs) -> list[Need]:
    return [Need(place, span) for place, wanted in needs.items() for span in wanted]


def world(seed: int) -> tuple[Cut, list[list[Row]], dict[Position, BoolArray], Spans, Needs] | None:
    rng = np.random.default_rng(seed)
    ladders = small_ladders(int(rng.integers(1, 4)), int(rng.integers(2, 8)), int(rng.integers(1, 4)))
    cells = adversarial(ladders, rng)
    counts = SideCounts(ladders, (cells.sum(axis=1), cells.sum(axis=0)), cells)
    made = first_cut(counts, 20, 10)
    if made is None:
        return None
    listed = entries(counts, made)
    sums = [totals(ladder, rows) for ladder, rows in zip(ladders, made.rows, strict=True)]
    members = dict(zip((entry.position for entry in listed), members_of(ladders, made, listed), strict=True))
    return made, sums, members, *printed(listed, rng)


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_the_closed_form_is_what_an_integer_program_finds(first: int) -> None:
    for seed in range(first, first + 10):
        of = world(seed)
        if of is not None:
            made, sums, members, spans, needs = of
            assert set(Sums(made, sums).not_left_open(spans, asked(needs))) == by_program(members, spans, needs), seed


def test_both_answers_occur() -> None:
    """Else the test above would hold of a function that always says the same."""
    worlds = [of for seed in range(60) if (of := world(seed)) is not None]
    decided = sum(len(Sums(made, sums).not_left_open(spans, asked(needs))) for made, sums, _, spans, needs in worlds)
    total = sum(len(needs) for *_, needs in worlds)
    assert 5 < decided < total / 4
