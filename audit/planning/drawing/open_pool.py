"""Opens a pool to draw from, every cell that the design uses checked as an audit would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from audit.evaluation.connection import PrivateFolder, Unchanged, connect
from audit.evaluation.design import cluster_text
from audit.evaluation.ids import check_ids
from audit.evaluation.labels import check_labels
from audit.evaluation.sensitive import check_maps, check_names, code_features, list_columns
from audit.evaluation.table_file import ReadOptions, read_file
from audit.plan.sampling_design import SamplingDesign
from audit.planning.drawing.pool import Pool, check_columns, find_cells, make_frame

if TYPE_CHECKING:
    import duckdb

__all__ = ["open_pool"]


def open_pool(path: Path, design: SamplingDesign) -> Pool:
    """Open the pool of a design and check every cell that the design uses, as an audit would.

    Raises
    ------
    DataError
        If anything in the pool is not as the design says: one line that counts and numbers the rows.
    PlanError
        If the design maps a nationality to no code, or names two features alike.
    StorageError
        If there is no room for the frame.
    """
    plan = design.as_plan()
    check_names(plan)
    check_maps(plan)
    path = path.absolute()
    private = PrivateFolder()
    try:
        connection = connect(private, [path])
    except BaseException:
        private.remove()
        raise
    try:
        return _open(path, design, connection, private)
    except BaseException:
        connection.close()
        private.remove()
        raise


def _open(path: Path, design: SamplingDesign, connection: duckdb.DuckDBPyConnection, private: PrivateFolder) -> Pool:
    plan, section = design.as_plan(), design.pool
    options = ReadOptions(section.format, section.encoding, section.delimiter, list_columns(plan))
    unchanged = Unchanged.now(path)
    source = read_file(connection, "source", path, private, options, None, {})
    check_columns(source, design)
    case_id = check_ids(connection, source, section.id, private)
    label = check_labels(connection, source, plan.evaluation_set)
    coded = code_features(connection, source, plan)
    cluster = None if section.cluster is None else cluster_text(connection, source, section.cluster)
    pool = Pool(
        connection=connection,
        source=source,
        case_id=case_id,
        features=tuple(entry.feature for entry in coded),
        cells=(),
        unlabelled=0,
        copies=None,
        whole_units=cluster is not None or design.together,
        private=private,
        unchanged=unchanged,
    )
    find_cells(pool, label, coded)
    make_frame(pool, design, label, coded, cluster)
    if design.duplicates is not None:
        from audit.planning.drawing.copy_sets import join_copies, leave_copies_out

        pool.copies = join_copies(pool, design) if design.together else leave_copies_out(pool)
    return pool
