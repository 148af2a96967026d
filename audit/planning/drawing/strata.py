"""Strata of a pool, the units with the lowest tickets, and the chance that each had.

A unit (a row, a cluster, a set of copies) belongs to the stratum of the one of its cells that gives the largest share
of its rows. From each stratum a fixed number of units is drawn at random without replacement: those with the lowest
tickets. So every row of a unit has the same, known chance, never less than the share that its own cell gives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from audit.planning.drawing.pool import Pool
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.cluster_power import UnitShapes

_TICKETS: Final = 2**128
_OF_UNITS: Final = {
    "units": "1.0",
    "rows": "r",
    "rows_2": "r ** 2",
    "rows_3": "r ** 3",
    "rows_4": "r ** 4",
    "bundles": "(r > 1)::DOUBLE",
    "bundled": "r * (r > 1)::DOUBLE",
    "bundled_2": "r ** 2 * (r > 1)::DOUBLE",
    "even_q": "(r - 1) / r ** 2",
    "even_bb": "(r - 1) / r",
    "even_q_q": "(r - 1) ** 2 / r ** 4",
    "even_q_bb": "(r - 1) ** 2 / r ** 3",
    "even_bb_bb": "(r - 1) ** 2 / r ** 2",
}
"""SQL over the number r of rows of a unit in a group, by the field of `UnitShapes` that it is added up in."""


@dataclass(frozen=True, slots=True)
class Strata:
    """Number of units in each stratum, and number drawn; stratum c has the units that cell c calls for."""

    units: IntArray
    """int64[C]: units there are."""
    drawn: IntArray
    """int64[C]: units to draw; at least one of each stratum that has any."""
    sums: FloatArray
    """float64[4, C]: for each cell the rows to expect and the sums to expect of the first, second and fourth powers of
    their weights. Without larger units no more than that is left to chance.
    """
    largest: int
    """Rows of the largest unit."""

    @property
    def expected(self) -> FloatArray:
        """float64[C]: rows of each cell to expect."""
        rows: FloatArray = self.sums[0]
        return rows

    @property
    def probability(self) -> FloatArray:
        """float64[C]: the chance that each unit of a stratum has; 1 where there are none."""
        return np.where(self.units > 0, self.drawn / np.maximum(self.units, 1), 1.0)


def distinct_rows(pool: Pool) -> IntArray:
    """int64[C]: rows of each cell in the frame."""
    rows = np.zeros(len(pool.cells), dtype=np.int64)
    for cell, count in pool.query("SELECT cell, count(*) FROM frame GROUP BY cell"):
        rows[cell] = count
    return rows


def unit_shapes(pool: Pool, rows: IntArray, assigned: IntArray, groups: int) -> UnitShapes:
    """Count the sizes of units, by group.

    Parameters
    ----------
    rows : ndarray of int64, shape (C,)
        Rows of each cell in the frame.
    assigned : ndarray of int64, shape (C,)
        The group of each cell; -1 for none.
    groups : int
        Number of groups.
    """
    if not pool.whole_units:
        some = assigned >= 0
        return UnitShapes.of_rows(np.bincount(assigned[some], rows[some], groups).astype(np.float64))
    _count_units(pool)
    pool.put("assigned", {"cell": np.arange(assigned.size), "of_group": assigned})
    sums = ", ".join(f"sum({_OF_UNITS[part.name]})" for part in fields(UnitShapes))
    found = pool.query(
        f"SELECT of_group, {sums} FROM (SELECT of_group, unit, sum(rows)::DOUBLE AS r FROM unit_cells "  # noqa: S608
        "JOIN assigned USING (cell) WHERE of_group >= 0 GROUP BY of_group, unit) GROUP BY of_group"
    )
    shapes = np.zeros((len(_OF_UNITS), groups))
    for group, *values in found:
        shapes[:, group] = values
    return UnitShapes(*shapes)


def strata_for(pool: Pool, rows: IntArray, asked: IntArray) -> Strata:
    """Make the strata for drawing so many rows of each cell.

    Parameters
    ----------
    rows : ndarray of int64, shape (C,)
        Rows of each cell in the frame.
    asked : ndarray of int64, shape (C,)
        Rows to draw, between 1 and `rows` where there are any.
    """
    if not pool.whole_units:
        return Strata(rows, asked, _weight_sums(rows, asked / np.maximum(rows, 1)), int(rows.any()))
    _count_units(pool)
    share = np.where(rows > 0, asked / np.maximum(rows, 1), 0.0)
    order = np.lexsort((np.arange(share.size), -share))
    pool.put("ranks", {"cell": order, "rank": np.arange(order.size)})
    pool.query(
        "CREATE OR REPLACE TEMP TABLE units AS SELECT unit, arg_min(cell, rank) AS stratum, sum(rows)::BIGINT AS rows "
        "FROM unit_cells JOIN ranks USING (cell) GROUP BY unit"
    )
    units, largest = np.zeros(share.size, dtype=np.int64), 0
    for stratum, count, most in pool.query("SELECT stratum, count(*), max(rows) FROM units GROUP BY stratum"):
        units[stratum], largest = count, max(largest, int(most))
    drawn = np.minimum(np.maximum(np.ceil(share * units - 1e-9), units > 0), units).astype(np.int64)
    sums = np.zeros((4, share.size))
    for stratum, cell, count in pool.query(
        "SELECT stratum, cell, sum(unit_cells.rows) FROM unit_cells JOIN units USING (unit) GROUP BY ALL "
        "ORDER BY stratum, cell"
    ):
        sums[:, cell] += _weight_sums(np.asarray(count), np.asarray(drawn[stratum] / units[stratum]))
    return Strata(units, drawn, sums, largest)


def _weight_sums(rows: npt.NDArray[Any], chance: npt.NDArray[Any]) -> FloatArray:
    """Return, for rows with one chance each, how many to expect, and what the powers of their weights add up to."""
    safe = np.where(chance > 0.0, chance, 1.0)
    return np.stack([np.asarray(rows * chance / safe**power, dtype=np.float64) for power in (0, 1, 2, 4)])


def _count_units(pool: Pool) -> None:
    """Make the table `unit_cells`: rows of each unit in each cell."""
    pool.query(
        "CREATE TEMP TABLE IF NOT EXISTS unit_cells AS "
        "SELECT unit, cell, count(*) AS rows FROM frame GROUP BY unit, cell"
    )


def draw_units(pool: Pool, strata: Strata) -> IntArray:
    """Draw the units: the table `drawn` gets the rows (`place`, `cell`, `unit`) with the `stratum` of their unit.

    Returns
    -------
    ndarray of int64, shape (C,)
        Rows drawn of each cell.
    """
    some = [(place, int(strata.drawn[place]), int(strata.units[place])) for place in np.flatnonzero(strata.units)]
    cuts = ", ".join(f"({place}, {wanted}, '{_highest_ticket(wanted, units)}')" for place, wanted, units in some)
    pool.query("CREATE TEMP TABLE cuts (stratum INTEGER, wanted BIGINT, highest UHUGEINT)")
    pool.query(f"INSERT INTO cuts VALUES {cuts}")  # noqa: S608 - numbers
    units = "units" if pool.whole_units else "(SELECT unit, cell AS stratum FROM frame)"
    lowest = (
        f"SELECT unit, stratum FROM {units} JOIN cuts USING (stratum) WHERE unit <= highest "  # noqa: S608
        "QUALIFY row_number() OVER (PARTITION BY stratum ORDER BY unit) <= wanted"
    )
    pool.query(f"CREATE TEMP TABLE winners AS {lowest}")
    if _too_few(pool):  # a cut that was too low; it happens to one draw in a million billions
        pool.query(f"UPDATE cuts SET highest = {_TICKETS - 1}")  # noqa: S608
        pool.query(f"CREATE OR REPLACE TEMP TABLE winners AS {lowest}")
    on = "frame.unit = winners.unit" + ("" if pool.whole_units else " AND frame.cell = winners.stratum")
    pool.query(f"CREATE TEMP TABLE drawn AS SELECT frame.*, stratum FROM frame JOIN winners ON {on}")  # noqa: S608
    rows = np.zeros(len(pool.cells), dtype=np.int64)
    for cell, count in pool.query("SELECT cell, count(*) FROM drawn GROUP BY cell"):
        rows[cell] = count
    return rows


def _highest_ticket(wanted: int, units: int) -> int:
    """Return a ticket above which none of the lowest `wanted` is to be looked for: ten standard deviations of their
    number.
    """
    if wanted >= units:
        return _TICKETS - 1
    return min(_TICKETS - 1, _TICKETS * (wanted + 10 * math.isqrt(wanted) + 50) // units)


def _too_few(pool: Pool) -> bool:
    ((short,),) = pool.query(
        "SELECT count(*) FROM cuts LEFT JOIN (SELECT stratum, count(*) AS found FROM winners GROUP BY stratum) "
        "USING (stratum) WHERE COALESCE(found, 0) < wanted"
    )
    return bool(short)
