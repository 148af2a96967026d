"""Hashes that stand twice are found, whether they are sorted at once or in files of their first bits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.engines.duckdb import DuckDBEngine, repeated_hashes
from audit.errors import StorageError

LARGEST = 2**64 - 1
HASHES = st.lists(st.sampled_from([0, 1, 2**63 - 1, 2**63, LARGEST]) | st.integers(0, LARGEST), max_size=60)


def found(engine: DuckDBEngine, hashes: list[int], in_memory: int) -> list[int]:
    engine.register("given", pa.table({"hash": pa.array(hashes, pa.uint64())}))
    query, rows = "SELECT hash FROM given", len(hashes)
    return [int(one) for one in repeated_hashes(engine, query, rows, "x", in_memory=in_memory)]


@given(hashes=HASHES, twice=st.integers(0, 5), in_memory=st.integers(1, 70))
def test_as_a_slow_count_finds_them(hashes: list[int], twice: int, in_memory: int) -> None:
    hashes += hashes[:twice]
    with DuckDBEngine() as engine:
        repeated = found(engine, hashes, in_memory)
        assert not list(engine.private.path.glob("hashes-*"))
    assert repeated == sorted(value for value, count in Counter(hashes).items() if count > 1)


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.open

    def full(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name.startswith("hashes-"):
            raise OSError(28, "No space left on device")
        return whole(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    with DuckDBEngine() as engine, pytest.raises(StorageError, match="no room to compare values") as caught:
        found(engine, [1, 2, 3], 1)
    assert "\n" not in str(caught.value)
