"""Rows that are copies of one another: all but one left out, or drawn together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audit.engines.read_errors import reading
from audit.plan.sampling_design import SamplingDesign
from audit.planning.drawing.pool import Copies, Pool, ticket_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_DIFFER = "count(*) FILTER (least_side <> most_side), COALESCE(sum(copies), 0)"
_SETS = "SELECT copy, count(*) AS copies, min(side) AS least_side, max(side) AS most_side"


def settle_copies(pool: Pool, design: SamplingDesign) -> None:
    """Leave copies out of the frame, or draw them together, if the design looks for them."""
    if design.duplicates is not None:
        pool.copies = join_copies(pool, design) if design.together else leave_copies_out(pool)


def leave_copies_out(pool: Pool) -> Copies:
    """Keep one row of each set in the frame: the one with the lowest lot.

    The table `doubles` then says for each set (`copy`) how many rows it had (`copies`).
    """
    pool.query(
        f"CREATE TEMP TABLE doubles AS {_SETS}, min(lot) AS first FROM frame WHERE copy IS NOT NULL "
        "GROUP BY copy HAVING count(*) > 1"
    )
    found = _count_copies(pool)
    _replace_frame(
        pool,
        "SELECT place, cell, unit, frame.copy FROM frame LEFT JOIN doubles ON frame.copy = doubles.copy "
        "WHERE doubles.copy IS NULL OR lot = doubles.first",
    )
    return found


def join_copies(pool: Pool, design: SamplingDesign) -> Copies:
    """Make one unit of the rows of each set, and of whole clusters that share one.

    Such units are found as connected parts of the graph of clusters and sets. Each gets a ticket of its own: the lowest
    ticket of its clusters would let large ones be drawn more often.
    """
    pool.query(
        f"CREATE TEMP TABLE doubles AS {_SETS}, min(unit) <> max(unit) AS spans FROM frame WHERE copy IS NOT NULL "
        "GROUP BY copy HAVING count(*) > 1"
    )
    found = _count_copies(pool)
    if design.pool.cluster is None:
        ticket = ticket_of(design.draw.seed, "joined", "hex(doubles.copy)")
        _replace_frame(
            pool,
            f"SELECT place, cell, CASE WHEN doubles.copy IS NULL THEN unit ELSE {ticket} END AS unit "  # noqa: S608
            "FROM frame LEFT JOIN doubles ON frame.copy = doubles.copy",
        )
        return found
    return replace(found, joined_clusters=_join_clusters(pool, design))


def _join_clusters(pool: Pool, design: SamplingDesign) -> int:
    """Give clusters that are linked by sets of copies one unit; returns their number."""
    import numpy as np

    pool.query("CREATE TEMP TABLE edges AS SELECT DISTINCT unit, copy FROM frame JOIN doubles USING (copy) WHERE spans")
    pool.query(
        "CREATE TEMP TABLE ends AS SELECT unit, row_number() OVER (ORDER BY unit) - 1 AS place "
        "FROM (SELECT DISTINCT unit FROM edges)"
    )
    lowest = _lowest_of_part(pool)
    pool.put("parts", {"place": np.arange(lowest.size), "lowest": lowest})
    ticket = ticket_of(design.draw.seed, "joined", "hex(first.unit)")
    pool.query(
        f"CREATE TEMP TABLE joined AS SELECT ends.unit, {ticket} AS part FROM ends "  # noqa: S608
        "JOIN parts USING (place) JOIN ends AS first ON first.place = parts.lowest"
    )
    _replace_frame(
        pool, "SELECT place, cell, COALESCE(joined.part, frame.unit) AS unit FROM frame LEFT JOIN joined USING (unit)"
    )
    return int(lowest.size)


def _replace_frame(pool: Pool, query: str) -> None:
    """Make the frame anew: changing millions of its rows in place would take many times as long."""
    pool.query(f"CREATE TEMP TABLE new_frame AS {query}")
    pool.query("DROP TABLE frame")
    pool.query("ALTER TABLE new_frame RENAME TO frame")


def _count_copies(pool: Pool) -> Copies:
    ((sets, labels, rows),) = pool.query(f"SELECT count(*), {_DIFFER} FROM doubles")  # noqa: S608
    return Copies(int(sets), int(rows), int(labels))


def _lowest_of_part(pool: Pool) -> npt.NDArray[np.int64]:
    """int64[E]: for each end of an edge, in the order of their tickets, the first end of its connected part."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    with reading(pool.source.source_name):
        edges = pool.engine.execute(
            "SELECT ends.place AS one, min(ends.place) OVER (PARTITION BY copy) AS other "
            "FROM edges JOIN ends USING (unit)"
        ).fetchnumpy()
    one: npt.NDArray[np.int64] = np.asarray(edges["one"], dtype=np.int64)
    other: npt.NDArray[np.int64] = np.asarray(edges["other"], dtype=np.int64)
    count = int(one.max()) + 1 if one.size else 0
    links = coo_array((np.ones(one.size, dtype=np.int8), (one, other)), shape=(count, count))
    _, part = connected_components(links, directed=False)
    first = np.full(int(part.max(initial=-1)) + 1, count, dtype=np.int64)
    np.minimum.at(first, part, np.arange(count, dtype=np.int64))
    lowest: npt.NDArray[np.int64] = first[part]
    return lowest
