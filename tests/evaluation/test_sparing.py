"""DuckDB keeps little while it joins, sorts and hands out rows, and has its settings back afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from audit.engines.duckdb import DuckDBEngine
from audit.engines.read_errors import reading
from audit.errors import StorageError


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as opened:
        yield opened


def settings_of(connection: Any) -> tuple[str, int]:
    """The limit in MiB, and the threads."""
    query = "SELECT current_setting('memory_limit'), current_setting('threads')"
    ((limit, threads),) = connection.execute(query).fetchall()
    return limit, int(threads)


def test_no_thread_reads_whole_row_groups_ahead(engine: DuckDBEngine) -> None:
    assert engine.execute("SELECT current_setting('disable_parquet_prefetching')").fetchall() == [(True,)]


def test_it_keeps_little_meanwhile(engine: DuckDBEngine) -> None:
    before = settings_of(engine)
    assert before[0] == "953.6 MiB"
    assert engine.with_little_memory(lambda: settings_of(engine), threads=1) == ("61.0 MiB", 1)
    limit = max(64, 32 * before[1])
    found = engine.with_little_memory(lambda: settings_of(engine))
    assert found == (f"{limit * 1e6 / 2**20:.1f} MiB", before[1])
    assert settings_of(engine) == before


def test_rows_are_handed_out_by_one_thread(engine: DuckDBEngine) -> None:
    before = settings_of(engine)
    pieces = engine.stream("SELECT range FROM range(5000)", 1000)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert settings_of(engine) == before
    seen = [settings_of(engine.connection.cursor()) for _ in engine.stream("SELECT range FROM range(5000)", 1000)]
    assert set(seen) == {("122.0 MiB", 1)}


@pytest.mark.parametrize("translated", [True, False])
def test_where_little_is_too_little_it_begins_again_with_more(engine: DuckDBEngine, translated: bool) -> None:
    before, seen = settings_of(engine), []

    def work() -> int:
        seen.append(settings_of(engine)[0])
        if len(seen) > 1:
            return 7
        if not translated:
            raise duckdb.OutOfMemoryException("of a test")
        with reading("set.csv"):
            raise duckdb.OutOfMemoryException("of a test")

    assert engine.with_little_memory(work) == 7
    assert seen[0] != seen[1] == before[0]
    assert settings_of(engine) == before


def test_any_other_error_is_left_alone(engine: DuckDBEngine) -> None:
    calls = []

    def work() -> None:
        calls.append(1)
        raise StorageError("full", slug="checkpoint-failed")

    with pytest.raises(StorageError, match="full"):
        engine.with_little_memory(work)
    assert len(calls) == 1
