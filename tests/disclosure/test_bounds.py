"""Bounds of counts: never narrower than what whole tables allow, and as narrow as programs find them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.disclosure import SECRET, made_counts, made_lattice, made_method

from audit.disclosure.attack import attack, refuse_if_told
from audit.disclosure.exact import exact_counts
from audit.disclosure.lattice import Lattice, lattice_of
from audit.disclosure.linear import SideAttack, SideSystem, SolverGaveUpError, attack_side, bound, side_system
from audit.disclosure.propagation import ImpossibleBoundsError, propagate
from audit.disclosure.protect import protect
from audit.disclosure.repair import told
from audit.disclosure.view import (
    BOUNDED,
    FEW_CORRECT,
    FEW_ERRORS,
    NOT_SHOWN,
    NOTHING,
    TOTAL_OF,
    UNBOUNDED,
    VALUE,
    Bounds,
    View,
    ranges,
)
from audit.disclosure.vocabulary import ladder_of
from audit.errors import DataError, RefusedReleaseError
from audit.stats.arrays import BoolArray, IntArray
from audit.vocabulary.groups import LevelName

METHOD = made_method()


def tiny() -> Lattice:
    """Two genders crossed with three countries in two sub-regions."""
    genders = [LevelName(rung="level", code=code, name=code) for code in ("f", "m")]
    places = [
        *(LevelName(rung="country", code=c, name=c, parent=s) for c, s in (("A", "S"), ("B", "S"), ("C", "T"))),
        *(LevelName(rung="sub", code=s, name=s) for s in ("S", "T")),
    ]
    return lattice_of(
        [ladder_of("g", ["level"], genders, closed=True), ladder_of("n", ["country", "sub"], places, closed=True)]
    )


TINY = tiny()


def unbounded(lattice: Lattice) -> Bounds:
    return Bounds(np.zeros((lattice.nodes, 8), dtype=np.int64), np.full((lattice.nodes, 8), UNBOUNDED, dtype=np.int64))


tables = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=6, max_size=6)
widths = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=12 * 3, max_size=12 * 3)


def printed_around(truth: IntArray, spread: list[tuple[int, int]], hidden: set[int]) -> Bounds:
    """Bounds around what is true of the first total: some counts hidden, the others in intervals."""
    bounds = unbounded(TINY)
    for place, (node, column) in enumerate(product(range(TINY.nodes), range(3))):
        if place % len(spread) in hidden:
            continue
        below, above = spread[place % len(spread)]
        bounds.low[node, column] = max(truth[node, column] - below, 0)
        bounds.high[node, column] = truth[node, column] + above
    return bounds


def counts_of(table: object) -> IntArray:
    errors_and_correct = np.array(table, dtype=np.int64)
    finest = np.column_stack([errors_and_correct.sum(axis=1), errors_and_correct])
    return TINY.add_up(finest)


@given(tables, widths, st.sets(st.integers(0, 35), max_size=30))
def test_the_truth_is_never_lost_and_programs_are_never_wider(
    table: list[tuple[int, int]], spread: list[tuple[int, int]], hidden: set[int]
) -> None:
    truth = counts_of(table)
    printed = printed_around(truth, spread, hidden)
    found = propagate(TINY, printed)
    assert (found.low[:, :3] <= truth).all()
    assert (truth <= found.high[:, :3]).all()
    system = side_system(TINY, printed, 0)
    for row in range(0, system.nodes.size, 7):
        low, high = bound(system, row, whole=True)
        node, column = system.nodes[row], system.columns[row]
        assert found.low[node, column] <= round(low) <= truth[node, column] <= round(min(high, UNBOUNDED))
        assert min(high, UNBOUNDED) <= found.high[node, column] + 1e-6


def test_bounds_are_those_of_trying_every_table() -> None:
    """Whole tables of two countries, all of them, against the programs."""
    genders = [LevelName(rung="level", code=code, name=code) for code in ("f", "m")]
    lattice = lattice_of([ladder_of("g", ["level"], genders, closed=True)])
    bounds = unbounded(lattice)
    bounds.low[0, 0], bounds.high[0, 0] = 5, 7  # victims in all
    bounds.low[1, 0], bounds.high[1, 0] = 3, 4  # of them women
    bounds.high[0, 1] = 2  # missed in all
    bounds.low[1, 2] = 2  # women found
    tried: dict[tuple[int, int], set[int]] = {}
    for cells in product(range(8), repeat=4):
        finest = np.array([[cells[0] + cells[1], cells[0], cells[1]], [cells[2] + cells[3], cells[2], cells[3]]])
        counts = lattice.add_up(finest)
        if (counts >= bounds.low[:, :3]).all() and (counts <= bounds.high[:, :3]).all():
            for node, column in product(range(3), range(3)):
                tried.setdefault((node, column), set()).add(int(counts[node, column]))
    system, found = side_system(lattice, bounds, 0), propagate(lattice, bounds)
    for row, (node, column) in enumerate(zip(system.nodes, system.columns, strict=True)):
        values = tried[int(node), int(column)]
        low, high = bound(system, row, whole=True)
        assert (round(low), round(high)) == (min(values), max(values))
        assert found.low[node, column] <= min(values)
        assert found.high[node, column] >= max(values)


def test_bounds_that_contradict_each_other_are_found() -> None:
    bounds = unbounded(TINY)
    bounds.high[0, 0] = 3
    bounds.low[1, 0] = 4
    with pytest.raises(ImpossibleBoundsError):
        propagate(TINY, bounds)


def test_programs_tell_what_sums_do_not() -> None:
    """Rows 1 and 2 less columns 1 and 2 leave one cell, which stands in no sum whose other parts are known."""
    levels = [[LevelName(rung="level", code=f"{name}{n}", name="") for n in range(3)] for name in "rc"]
    lattice = lattice_of([ladder_of(own[0].code[0], ["level"], own, closed=True) for own in levels])
    truth = np.array([[12, 11, 4], [13, 15, 20], [30, 40, 99]])
    at = {tuple(level.code for level in group.levels): node for node, group in enumerate(lattice.groups())}
    shown: dict[tuple[str, ...], int] = {
        ("r0",): truth[0].sum(),
        ("r1",): truth[1].sum(),
        ("c0",): truth[:, 0].sum(),
        ("c1",): truth[:, 1].sum(),
    }
    shown |= {("r1", "c2"): 20, ("r2", "c0"): 30, ("r2", "c1"): 40}
    bounds = unbounded(lattice)
    for name, count in shown.items():
        bounds.low[at[name], 0] = bounds.high[at[name], 0] = count
    small = at["r0", "c2"]
    found = propagate(lattice, bounds)
    assert found.high[small, 0] >= 10
    system = side_system(lattice, bounds, 0)
    row = int(np.flatnonzero((system.nodes == small) & (system.columns == 0))[0])
    assert bound(system, row) == pytest.approx((4, 4))
    asked = found.low[system.nodes, system.columns] < 10
    found_told = attack_side(system, 10, asked).told
    assert (small, 0) in {(int(system.nodes[one]), int(system.columns[one])) for one in found_told}


def test_exact_counts_with_the_small_ones_hidden_are_told() -> None:
    """Suppression without care: the attack finds what it was written to find."""
    lattice = made_lattice(30, 6, 2)
    counts = exact_counts(lattice, made_counts(3_000, 2, countries=30), SECRET).counts[:, [0, 2]]
    bounds = unbounded(lattice)
    for place, column in enumerate(TOTAL_OF[:2]):
        shown = counts[:, place] >= METHOD.floor
        bounds.low[shown, column] = bounds.high[shown, column] = counts[shown, place]
    found = propagate(lattice, bounds)
    small = (counts > 0) & (counts < METHOD.floor)
    exactly = (found.low == found.high)[:, list(TOTAL_OF[:2])] & small
    assert exactly.sum() > 3
    assert told(found, METHOD)[:, list(TOTAL_OF[:2])][exactly].all()


@pytest.mark.parametrize("floor", [3, 10])
def test_a_count_is_told_where_it_is_below_the_floor_or_has_too_few_values_left(floor: int) -> None:
    method = made_method(floor)
    ends = [*range(2 * floor + 1), UNBOUNDED]
    pairs = [(low, high) for low, high in product(ends, ends) if low <= high]
    low, high = (np.repeat([[pair[end]] for pair in pairs], 8, axis=1) for end in (0, 1))
    found = told(Bounds(low, high), method)
    for row, (least, most) in enumerate(pairs):
        values = range(least, most + 1)
        expected = values[-1] < floor or (values[0] < floor and len(values) < floor)
        assert found[row].tolist() == [expected] * 6 + [False] * 2, (least, most)


@pytest.mark.parametrize("floor", [5, 10, 20])
@pytest.mark.parametrize("rows", [5_000, 64_000])
def test_nothing_is_told_by_sums(rows: int, floor: int) -> None:
    lattice, method = made_lattice(), made_method(floor)
    protected = protect(exact_counts(lattice, made_counts(rows, 7), SECRET), method)
    report = attack(lattice, [protected.seen.view], [], method, programs=False)
    assert (report.exactly, report.within_three, report.below_floor, report.told) == (0, 0, 0, ())
    assert report.narrowest is not None
    assert report.narrowest >= floor - 1
    refuse_if_told(report)


@pytest.mark.parametrize("floor", [5, 10, 20])
def test_nothing_is_told_by_programs(floor: int) -> None:
    """Of the set of the design, 64,000 rows of 200 nationalities and 4 genders, `make simulate` asks the same."""
    lattice, method = made_lattice(25, 6, 2), made_method(floor)
    exact = exact_counts(lattice, made_counts(5_000, 7, countries=25), SECRET)
    report = attack(lattice, [protect(exact, method).seen.view], [], method)
    assert (report.exactly, report.within_three, report.below_floor, report.told) == (0, 0, 0, ())
    assert report.proved_by_table > 300
    assert report.programs > 10
    refuse_if_told(report)


def test_a_table_without_repair_is_told() -> None:
    """What the repair is for: the same table, as the floor alone leaves it."""
    lattice = made_lattice()
    protected = protect(exact_counts(lattice, made_counts(64_000, 7), SECRET), METHOD)
    assert protected.withheld > 0
    view = protected.seen.view
    assert view.was_shown is not None
    assert view.was_coded is not None
    exact = exact_counts(lattice, made_counts(64_000, 7), SECRET)
    changed = exact.counts + METHOD.noise.changes(exact.counts, exact.keys)
    totals = np.where(view.was_shown, changed[:, [0, 2, 4, 5]], NOTHING)
    errors = np.where(view.was_coded == 1, changed[:, [1, 3]], NOTHING)
    before = View(totals, view.was_coded, errors, view.published, view.was_shown, view.was_coded)
    report = attack(lattice, [before], [], METHOD, programs=False)
    assert report.below_floor > 0
    with pytest.raises(RefusedReleaseError) as refused:
        refuse_if_told(report)
    assert refused.value.slug == "small-counts-told"
    assert not re.search(r"\d", re.sub(r"\b[CSR]\d+\b|and \d+ more", "", str(refused.value)))


def with_a_finding(system: SideSystem, floor: int, asked: BoolArray) -> SideAttack:
    """What the programs find, and one finding that they do not make."""
    side = attack_side(system, floor, asked)
    side.told.append(int(np.flatnonzero(asked)[0]))
    return side


def test_what_programs_tell_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding of the programs must get through to the refusal."""
    lattice = made_lattice(8, 3, 2)
    exact = exact_counts(lattice, made_counts(2_000, 7, countries=8), SECRET)
    view = protect(exact, METHOD).seen.view
    assert attack(lattice, [view], [], METHOD).told == ()
    monkeypatch.setattr("audit.disclosure.attack.attack_side", with_a_finding)
    report = attack(lattice, [view], [], METHOD)
    assert report.below_floor == 0
    assert len(report.told) == 2
    with pytest.raises(DataError):
        refuse_if_told(report)


@pytest.mark.parametrize(("code", "errors", "expected"), [
    (VALUE, 23, {"missed": (18, 28), "found": (10, None)}),
    (VALUE, 12, {"missed": (10, 17), "found": (10, None)}),
    (FEW_ERRORS, NOTHING, {"missed": (0, 14), "found": (10, None)}),
    (FEW_CORRECT, NOTHING, {"missed": (46, None), "found": (0, 19)}),
    (NOT_SHOWN, NOTHING, {"missed": (0, None), "found": (0, None)}),
])  # fmt: skip
def test_every_sign_says_what_the_method_means_by_it(
    code: int, errors: int, expected: dict[str, tuple[int, int | None]]
) -> None:
    lattice = lattice_of([ladder_of("g", ["level"], [LevelName(rung="level", code="f", name="")], closed=True)])
    totals = np.full((2, 4), NOTHING)
    totals[:, 0] = 60
    codes = np.array([[code, NOT_SHOWN]] * 2, dtype=np.int8)
    view = View(totals, codes, np.array([[errors, NOTHING]] * 2), lattice.published)
    found = ranges(view, METHOD)
    for name, (low, high) in {"positives": (55, 65), **expected}.items():
        column = BOUNDED.index(name)
        assert found.low[0, column] == low
        assert found.high[0, column] == (UNBOUNDED if high is None else high)


@pytest.mark.parametrize(("total", "was", "missed", "found"), [
    (19, NOT_SHOWN, (0, UNBOUNDED), (0, UNBOUNDED)),
    (20, NOT_SHOWN, (6, 14), (0, 19)),
    (24, NOT_SHOWN, (10, 14), (0, 19)),
    (24, VALUE, (0, UNBOUNDED), (0, UNBOUNDED)),
    (24, FEW_ERRORS, (0, UNBOUNDED), (0, UNBOUNDED)),
])  # fmt: skip
def test_a_dash_beside_a_total_that_earlier_tables_printed_tells_that_both_are_few(
    total: int, was: int, missed: tuple[int, int], found: tuple[int, int]
) -> None:
    """Errors after noise are above the total - 10, and so are 5 less before it; later tables withhold the total."""
    lattice = lattice_of([ladder_of("g", ["level"], [LevelName(rung="level", code="f", name="")], closed=True)])
    totals, codes = np.full((2, 4), NOTHING), np.full((2, 2), was, dtype=np.int8)
    totals[:, 0] = total
    view = View(totals, np.zeros_like(codes), np.full((2, 2), NOTHING), lattice.published, totals != NOTHING, codes)
    bounds = ranges(view, METHOD)
    assert [(bounds.low[0, column], bounds.high[0, column]) for column in (1, 2)] == [missed, found]


def test_what_cannot_occur_is_known_to_be_0_and_only_groups_of_the_table_are_known_to_be_small() -> None:
    view = View(
        np.full((4, 4), NOTHING), np.zeros((4, 2), dtype=np.int8), np.full((4, 2), NOTHING), 3,
        np.zeros((4, 4), dtype=np.bool_), np.zeros((4, 2), dtype=np.int8),
    )  # fmt: skip
    high = ranges(view, METHOD).high
    assert high[:, [0, 3]].tolist() == [[14, 14]] * 3 + [[UNBOUNDED, UNBOUNDED]]
    assert high[:, [6, 7]].tolist() == [[0, 0]] * 4


def test_a_dash_says_nothing_to_readers_and_that_it_is_small_to_whoever_knows_it() -> None:
    lattice = lattice_of([ladder_of("g", ["level"], [LevelName(rung="level", code="f", name="")], closed=True)])
    hidden = View(
        np.full((2, 4), NOTHING), np.zeros((2, 2), dtype=np.int8), np.full((2, 2), NOTHING), lattice.published
    )
    small = replace(hidden, was_shown=np.array([[False] * 4, [True] * 4]), was_coded=hidden.codes)
    assert (ranges(hidden, METHOD).high[:, 0] == UNBOUNDED).all()
    assert ranges(small, METHOD).high[:, 0].tolist() == [14, UNBOUNDED]
    assert ranges(small, METHOD).low[:, 0].tolist() == [0, 0]


def test_a_solver_that_does_not_end_tells_nothing_and_releases_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.disclosure.linear._SECONDS", 0.0)
    lattice = made_lattice(40, 8, 3)
    exact = exact_counts(lattice, made_counts(6_000, 7, countries=40), SECRET)
    with pytest.raises(SolverGaveUpError) as refused:
        attack(lattice, [protect(exact, METHOD).seen.view], [], METHOD)
    assert refused.value.slug == "attack-unfinished"
