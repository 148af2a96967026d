"""Ctrl-C in the middle of a query is an interrupt, whatever DuckDB makes of it, and no fault of the file."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from audit.engines.duckdb import DuckDBEngine
from audit.engines.read_errors import reading
from audit.errors import DataError


@pytest.fixture
def connection() -> Iterator[Any]:
    with DuckDBEngine() as engine:
        yield engine.connection


@pytest.mark.skipif(sys.platform == "win32", reason="it has no timers that send signals")
def test_while_duckdb_works(connection: Any) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with reading("pool.csv"):
        connection.execute("SELECT 1")  # what is imported first would swallow an interrupt
    before = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(KeyboardInterrupt), reading("pool.csv"):  # noqa: PT012 - a late one would end all tests
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            connection.execute("SELECT sum(hash(range)) FROM range(200000000)")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("raised", "becomes"), [(KeyboardInterrupt, KeyboardInterrupt), (ValueError("KeyboardInterrupt"), DataError)]
)
def test_while_a_function_of_ours_works(connection: Any, raised: BaseException, becomes: type[BaseException]) -> None:
    def stop(text: str) -> str:
        raise raised

    connection.create_function("stop", stop, ["VARCHAR"], "VARCHAR")
    with pytest.raises(becomes), reading("pool.csv"):
        connection.execute("SELECT stop('a')").fetchall()
