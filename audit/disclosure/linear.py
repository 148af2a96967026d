"""What linear programming can tell of a count beyond propagation, and integer tables that prove what it cannot tell.

The unknowns are the finest groups' errors and correct answers. A table of whole numbers that fits everything printed
and holds a count of k or more proves that nobody can tell the count to be below k, by whatever method: one solution
proves this of hundreds of counts at once. Only what no table proves is bounded count by count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from audit.disclosure.lattice import Lattice
from audit.disclosure.symmetry import alike
from audit.disclosure.view import CORRECT_OF, ERROR_OF, TOTAL_OF, UNBOUNDED, Bounds
from audit.errors import RefusedReleaseError
from audit.stats.arrays import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_SECONDS: Final = 60.0
_WHOLE: Final = 1e-6
_GOLDEN: Final = 0.6180339887498949
_ROUNDS: Final = 2_000
_FEW: Final = 4


class SolverGaveUpError(RefusedReleaseError):
    """No optimum was found: nothing is known, and so nothing is released."""


@dataclass(frozen=True, slots=True)
class SideSystem:
    """The equations of one total: its groups are rows, what is unknown are columns."""

    rows: csr_array
    """float64[r, unknowns]: each count as a sum of unknowns."""
    low: FloatArray
    """float64[r]: the least that is printed of each count."""
    high: FloatArray
    """float64[r]: the most; infinite where nothing is."""
    nodes: IntArray
    """int64[r]: whose count a row is."""
    columns: IntArray
    """int64[r]: which, as a column of `BOUNDED`."""
    same: IntArray
    """int64[r]: the first of the rows that change places with each row: their counts have the same bounds."""
    few: BoolArray
    """bool[unknowns]: a few of those that change places; tables are looked for with the others at 0 first."""


def side_system(lattice: Lattice, bounds: Bounds, place: int) -> SideSystem:
    """The system of one total (0 to 3 as in `TOTAL_OF`) under bounds that are printed, not propagated."""
    from scipy import sparse

    nodes, finest, sums = lattice.nodes, lattice.finest, sums_of(lattice)
    columns = [TOTAL_OF[place]]
    if place < len(ERROR_OF):
        none = sparse.csr_array((nodes, finest))
        columns += [ERROR_OF[place], CORRECT_OF[place]]
        blocks = [[sums, sums], [sums, none], [none, sums]]
        rows = sparse.csr_array(sparse.block_array(blocks))
    else:
        rows = sums
    low = np.concatenate([bounds.low[:, column] for column in columns]).astype(np.float64)
    high = np.concatenate([bounds.high[:, column] for column in columns]).astype(np.float64)
    high[high >= UNBOUNDED] = np.inf
    first = alike(lattice, bounds, columns)
    same = np.concatenate([first + block * nodes for block in range(len(columns))])
    few = np.tile(few_of_each(first[lattice.finest_to_node[finest_family(lattice)]]), rows.shape[1] // finest)
    return SideSystem(rows, low, high, np.tile(np.arange(nodes), len(columns)), np.repeat(columns, nodes), same, few)


def sums_of(lattice: Lattice) -> csr_array:
    """float64[nodes, finest]: each group as a sum of finest ones."""
    from scipy import sparse

    at = np.concatenate(lattice.finest_to_node)
    unknown = np.tile(np.arange(lattice.finest), len(lattice.finest_to_node))
    return sparse.csr_array((np.ones(at.size), (at, unknown)), shape=(lattice.nodes, lattice.finest))


def finest_family(lattice: Lattice) -> int:
    """The place of the family of the finest groups."""
    return lattice.families.index((0,) * len(lattice.ladders))


def few_of_each(kinds: IntArray) -> BoolArray:
    """bool[n]: the first `_FEW` of each kind."""
    order = np.argsort(kinds, kind="stable")
    starts = np.searchsorted(kinds[order], kinds[order])
    few = np.zeros(kinds.size, dtype=np.bool_)
    few[order] = np.arange(kinds.size) - starts < _FEW
    return few


def bound(system: SideSystem, row: int, *, whole: bool = False) -> tuple[float, float]:
    """The least and the most that one count can be: by LP, or over tables of whole numbers.

    Raises
    ------
    SolverGaveUpError
        If the solver finds no optimum in time.
    """
    objective = system.rows[[row]].toarray()[0]
    solve = _Solver(system)
    least = objective @ solve(objective, whole=whole)
    most = np.inf if np.isinf(system.high).all() else objective @ solve(-objective, whole=whole)
    return float(least), float(most)


@dataclass(slots=True)
class SideAttack:
    """What an attack on one total found."""

    told: list[int] = field(default_factory=list)
    """Rows that are told: an upper bound below the floor, or too few values left below it."""
    by_table: int = 0
    """Counts of which tables of whole numbers prove that they are not told."""
    by_bound: int = 0
    """Counts that were bounded one by one and are not told."""
    solved: int = 0
    """Programs solved."""


def attack_side(system: SideSystem, floor: int, asked: BoolArray) -> SideAttack:
    """Look at every row asked for: can it reach the floor, and how far apart are the tables that fit?

    Raises
    ------
    SolverGaveUpError
        If the solver finds no optimum in time.
    """
    return _Attack(system, floor, asked).run()


class _Attack:
    def __init__(self, system: SideSystem, floor: int, asked: BoolArray) -> None:
        self._system, self._floor, self._asked = system, floor, asked
        # Of rows that change places the first is looked at, and what is found of one holds of all of them.
        self._open: BoolArray = np.zeros_like(asked)
        self._open[system.same[asked]] = True
        self._most = np.full(asked.size, -1, dtype=np.int64)
        self._least = np.full(asked.size, UNBOUNDED, dtype=np.int64)
        self._solve = _Solver(system)
        self._solve_few = _Solver(system, system.few) if not system.few.all() else None
        self._found = SideAttack()

    def run(self) -> SideAttack:
        for round_ in range(_ROUNDS):
            low_enough = self._least < self._floor
            up, wide = self._most >= self._floor, self._most - self._least >= self._floor - 1
            proved = self._open & up & wide & low_enough
            self._found.by_table += int(self._alike(proved).size)
            self._open &= ~proved
            if not self._open.any():
                break
            wanted = self._open & ~up
            if not self._look(wanted if wanted.any() else self._open & ~wide, round_, upwards=bool(wanted.any())):
                self._one_by_one(int(np.flatnonzero(self._open)[0]))
        if self._open.any():
            raise _gave_up()
        self._found.solved = self._solve.solved + (self._solve_few.solved if self._solve_few else 0)
        return self._found

    def _look(self, wanted: BoolArray, round_: int, *, upwards: bool) -> bool:
        """One table in which many of the counts wanted are large (or small); whether it proves anything new."""
        if not wanted.any():
            return False
        places = np.flatnonzero(wanted)
        weights = np.zeros(wanted.size)
        weights[places] = 1.0 + np.modf(places * _GOLDEN + round_ * np.sqrt(2.0))[0]
        objective = self._system.rows.T @ weights
        objective = -objective if upwards else objective
        before = self._most.copy(), self._least.copy()
        for solve in (self._solve_few, self._solve):
            if solve is None:
                continue
            # A system with fewer unknowns may have no table; that the whole one has none found is the end.
            table = solve.table(objective) if solve is self._solve else solve.table_if_any(objective)
            if table is not None:
                self._note(table)
                better = (self._most > before[0]) & (before[0] < self._floor) if upwards else self._least < before[1]
                if (better & wanted).any():
                    return True
        return False

    def _one_by_one(self, row: int) -> None:
        """Bounds of one count over whole tables: exact, so that what they tell is told."""
        objective = self._system.rows[[row]].toarray()[0]
        for sign in (1.0, -1.0):
            self._note(self._solve.table(sign * objective))
        least, most = int(self._least[row]), int(self._most[row])
        self._open[row] = False
        if most < self._floor or (least < self._floor and most - least < self._floor - 1):
            self._found.told += self._alike(row).tolist()
        else:
            self._found.by_bound += int(self._alike(row).size)

    def _alike(self, rows: BoolArray | int) -> IntArray:
        """int64: the rows asked for that change places with one of these."""
        these = np.zeros_like(self._asked)
        these[rows] = True
        return np.flatnonzero(self._asked & these[self._system.same])

    def _note(self, table: IntArray) -> None:
        counts = np.asarray(self._system.rows @ table, dtype=np.float64)
        if (counts < self._system.low).any() or (counts > self._system.high).any() or (table < 0).any():
            raise _gave_up()
        whole = counts.astype(np.int64)
        np.maximum.at(self._most, self._system.same, whole)
        np.minimum.at(self._least, self._system.same, whole)


class _Solver:
    """HiGHS over one system, or over some of its unknowns with the others at 0: what fits that fits the system."""

    def __init__(self, system: SideSystem, columns: BoolArray | None = None) -> None:
        from scipy import optimize

        self._columns: BoolArray = np.ones(system.rows.shape[1], dtype=np.bool_) if columns is None else columns
        said = (system.low > 0) | np.isfinite(system.high)
        rows = system.rows[said][:, np.flatnonzero(self._columns)]
        self._constraint = optimize.LinearConstraint(rows, system.low[said], system.high[said])
        # Where nothing is printed from above a count has no bound; a table that shows it to be large is enough.
        top = np.max(system.high, initial=1.0, where=np.isfinite(system.high))
        self._bounds = optimize.Bounds(0.0, float(top) * 2.0 + 1_000.0)
        self._milp: Callable[..., object] = optimize.milp
        self.solved = 0

    def __call__(self, objective: FloatArray, *, whole: bool) -> FloatArray:
        solution = self._solution(objective, whole=whole)
        if solution is None:
            raise _gave_up()
        return solution

    def _solution(self, objective: FloatArray, *, whole: bool) -> FloatArray | None:
        found = self._milp(
            objective[self._columns],
            constraints=self._constraint,
            bounds=self._bounds,
            integrality=np.full(int(self._columns.sum()), int(whole)),
            options={"time_limit": _SECONDS, "mip_rel_gap": 0.0},
        )
        self.solved += 1
        solution = getattr(found, "x", None)
        if getattr(found, "status", None) != 0 or solution is None:
            return None
        every = np.zeros(self._columns.size)
        every[self._columns] = np.asarray(solution, dtype=np.float64)
        return every

    def table(self, objective: FloatArray) -> IntArray:
        """An optimal table of whole numbers. The corners of most such programs are whole by themselves."""
        table = self.table_if_any(objective)
        if table is None:
            raise _gave_up()
        return table

    def table_if_any(self, objective: FloatArray) -> IntArray | None:
        """Return an optimal table of whole numbers; None where none was found."""
        solution = self._solution(objective, whole=False)
        if solution is not None and np.abs(solution - np.round(solution)).max() > _WHOLE:
            solution = self._solution(objective, whole=True)
        return None if solution is None else np.asarray(np.round(solution), dtype=np.int64)


def _gave_up() -> SolverGaveUpError:
    return SolverGaveUpError(
        "the attack on the public table did not come to an end",
        slug="attack-unfinished",
        hint="nothing was released; publish fewer features, or try again on a machine with more time",
    )
