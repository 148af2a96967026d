"""Rows on an engine: an evaluation set, or a pool that one is drawn from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from audit.engines.duckdb import DuckDBEngine
from audit.engines.read_errors import not_on_spark, reading
from audit.evaluation.relation import Relation

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from audit.engines.private_folder import PrivateFolder
    from audit.engines.protocol import Engine


class OnEngine:
    """Rows on an engine of their own. A context manager: closing it removes every trace."""

    __slots__ = ()
    engine: Engine
    source: Relation

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()

    @property
    def local_engine(self) -> DuckDBEngine:
        """The DuckDB of this process. Raises PlanError on Spark: what asks for it is not asked there."""
        if not isinstance(self.engine, DuckDBEngine):
            raise not_on_spark("this question of the plan is")
        return self.engine

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """Connection of that DuckDB."""
        return self.local_engine.connection

    @property
    def private(self) -> PrivateFolder:
        """Folder of the engine for data that does not fit into memory."""
        return self.local_engine.private

    @property
    def source_name(self) -> str:
        """Name of the file, without its folder; for messages."""
        return self.source.source_name

    def rows_of(self, query: str) -> list[Any]:
        """Answer a query with tuples. Raises DataError or StorageError where the rows cannot be read any more."""
        with reading(self.source_name):
            return self.engine.sql(query).fetchall()

    def table_of(self, query: str) -> pa.Table:
        """Answer a query with a table. Raises as `rows_of`."""
        with reading(self.source_name):
            return self.engine.sql(query).to_arrow_table()

    def check_unchanged(self) -> None:
        """Raise DataError if the file is not the one that was opened. Call it at the end of a run."""
        self.source.unchanged.check()


@contextlib.contextmanager
def close_on_error(engine: Engine) -> Iterator[None]:
    """Close an engine on which nothing could be opened."""
    try:
        yield
    except BaseException:
        engine.close()
        raise
