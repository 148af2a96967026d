"""What counts rows: DuckDB's connection itself, or a Spark that answers the same statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from audit.engines.spark import SparkEngine

    Engine = duckdb.DuckDBPyConnection | SparkEngine
