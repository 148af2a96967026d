"""What programs tell of every count of a small set, against all tables tried one by one; and what stops them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import product
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

from audit.disclosure.attack import attack
from audit.disclosure.lattice import Lattice, lattice_of
from audit.disclosure.linear import SideSystem, SolverGaveUpError, attack_side, bound, side_system
from audit.disclosure.method import Method
from audit.disclosure.noise import noise_table
from audit.disclosure.view import NOTHING, TOTAL_OF, UNBOUNDED, Bounds, View
from audit.disclosure.vocabulary import ladder_of
from audit.vocabulary.groups import LevelName

MOST = 6
"""No table tried has more people."""


def of_levels(*sizes: int) -> Lattice:
    return lattice_of([
        ladder_of(
            name, ["level"], [LevelName(rung="level", code=f"{name}{n}", name="") for n in range(size)], closed=True
        )
        for name, size in zip("ab", sizes, strict=False)
    ])  # fmt: skip


LINE, SQUARE = of_levels(3), of_levels(2, 2)


def unbounded(lattice: Lattice) -> Bounds:
    return Bounds(np.zeros((lattice.nodes, 8), dtype=np.int64), np.full((lattice.nodes, 8), UNBOUNDED, dtype=np.int64))


def every_table(unknowns: int) -> npt.NDArray[np.int64]:
    return np.array([table for table in product(range(MOST + 1), repeat=unknowns) if sum(table) <= MOST])


@pytest.mark.parametrize("floor", [2, 3, 4])
@pytest.mark.parametrize(("lattice", "place", "unknowns"), [(LINE, 0, 6), (LINE, 2, 3), (SQUARE, 3, 4)])
def test_what_programs_tell_is_what_trying_every_table_tells(
    lattice: Lattice, place: int, unknowns: int, floor: int
) -> None:
    """Some counts are known within 0 to 2, the others not at all, and everyone within the tables that are tried."""
    rng, tables = np.random.default_rng(floor), every_table(unknowns)
    kinds: Counter[str] = Counter()
    for _ in range(16):
        bounds = unbounded(lattice)
        system = side_system(lattice, bounds, place)
        counts = np.rint(tables @ system.rows.toarray().T).astype(np.int64)
        truth = counts[rng.integers(len(counts))]
        known = rng.random(truth.size) < 0.4
        low, high = (truth + sign * rng.integers(0, 3, truth.size) for sign in (-1, 1))
        bounds.low[system.nodes[known], system.columns[known]] = np.maximum(low, 0)[known]
        bounds.high[system.nodes[known], system.columns[known]] = high[known]
        bounds.high[0, system.columns[0]] = min(MOST, bounds.high[0, system.columns[0]])
        system = side_system(lattice, bounds, place)
        fit = counts[((counts >= system.low) & (counts <= system.high)).all(axis=1)]
        expected = set()
        for row, (least, most) in enumerate(zip(fit.min(axis=0).tolist(), fit.max(axis=0).tolist(), strict=True)):
            values = range(least, most + 1)
            if least < floor and (most < floor or len(values) < floor):
                expected.add(row)
            kind = "below" if most < floor else "above" if least >= floor else f"{len(values) - floor}"
            kinds[kind] += 1
        found = attack_side(system, floor, np.ones(truth.size, dtype=np.bool_))
        assert set(found.told) == expected
        assert len(found.told) + found.by_table + found.by_bound == truth.size
    assert {"below", "above", "0", *(["-1"] if floor > 2 else [])} <= kinds.keys(), kinds


@pytest.mark.parametrize("least", [0, 40])
def test_of_counts_that_nothing_is_printed_of_from_above_nothing_is_told(least: int) -> None:
    """Not even where no count at all has a bound that could be taken for the most of the others."""
    bounds = unbounded(LINE)
    bounds.low[0, 0] = least
    system = side_system(LINE, bounds, 0)
    assert attack_side(system, 10, np.ones(system.nodes.size, dtype=np.bool_)).told == []


def a_pair() -> SideSystem:
    """Two levels of which one is 4 to 6, and everyone 5 to 9."""
    lattice = of_levels(2)
    bounds = unbounded(lattice)
    bounds.low[:2, TOTAL_OF[2]], bounds.high[:2, TOTAL_OF[2]] = (5, 4), (9, 6)
    return side_system(lattice, bounds, 2)


def answers(table: tuple[int, int], status: int = 0) -> Callable[..., SimpleNamespace]:
    return lambda *_, **__: SimpleNamespace(status=status, x=np.array(table, dtype=np.float64))


@pytest.mark.parametrize("table", [
    (4, 0),  # everyone is 5 at least
    (3, 3), (7, 1),  # of the first level there are 4 to 6
    (6, 4),  # everyone is 9 at most
    (6, -1),
])  # fmt: skip
def test_a_table_that_does_not_fit_proves_nothing(monkeypatch: pytest.MonkeyPatch, table: tuple[int, int]) -> None:
    monkeypatch.setattr("scipy.optimize.milp", answers(table))
    with pytest.raises(SolverGaveUpError):
        attack_side(a_pair(), 3, np.ones(3, dtype=np.bool_))


@pytest.mark.parametrize("status", [1, 2, 3, 4])
def test_a_table_that_the_solver_does_not_call_the_best_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """It fits, and what it shows may be far from the most."""
    monkeypatch.setattr("scipy.optimize.milp", answers((5, 1), status))
    with pytest.raises(SolverGaveUpError):
        attack_side(a_pair(), 3, np.ones(3, dtype=np.bool_))
    with pytest.raises(SolverGaveUpError):
        bound(a_pair(), 1)


def test_a_system_without_a_table_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may take a minute, and there are as many as counts."""
    asked = []

    def milp(*_: object, **__: object) -> SimpleNamespace:
        asked.append(1)
        return SimpleNamespace(status=1, x=None)

    monkeypatch.setattr("scipy.optimize.milp", milp)
    with pytest.raises(SolverGaveUpError):
        attack_side(a_pair(), 3, np.ones(3, dtype=np.bool_))
    assert len(asked) == 1


@pytest.mark.parametrize("rounds", [0, 1])
def test_counts_that_the_last_round_leaves_open_are_not_proved(monkeypatch: pytest.MonkeyPatch, rounds: int) -> None:
    monkeypatch.setattr("audit.disclosure.linear._ROUNDS", rounds)
    with pytest.raises(SolverGaveUpError):
        attack_side(a_pair(), 3, np.ones(3, dtype=np.bool_))


@pytest.mark.parametrize(("more", "exactly", "within_three", "below_floor", "narrowest"), [
    (-2, 1, 0, 1, 0), (-1, 0, 1, 1, 1), (0, 0, 0, 1, 2), (1, 0, 0, 1, 3), (17, 0, 0, 1, 4), (18, 0, 0, 0, 4),
])  # fmt: skip
def test_a_report_counts_what_is_left_of_a_difference(
    more: int, exactly: int, within_three: int, below_floor: int, narrowest: int
) -> None:
    """Of everyone `more` are printed than of the one level that is: each within 1, so the other is within 2 of it.

    It is never below 0, and the floor is 20.
    """
    lattice = of_levels(2)
    totals = np.full((3, 4), NOTHING)
    totals[:2, 2] = 60 + more, 60
    view = View(totals, np.zeros((3, 2), dtype=np.int8), np.full((3, 2), NOTHING), lattice.published)
    method = Method(20, noise_table(1, 0.5), ("positives", "negatives", "unlabelled"))
    report = attack(lattice, [view], [], method)
    assert (report.exactly, report.within_three, report.below_floor) == (exactly, within_three, below_floor)
    assert report.narrowest == narrowest
    assert [(one.node, one.count) for one in report.told] == [(2, "unscored")]
