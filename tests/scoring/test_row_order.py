"""The rows of a set in the order of their ids: the same with files in between, and with little memory."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.detectors.answers import CheckedAnswers
from audit.engines import duckdb
from audit.errors import StorageError
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.scoring import row_order
from audit.scoring.answer_table import AnswerTable
from audit.scoring.batches import read_batches
from audit.scoring.predictions_file import write_predictions
from audit.scoring.row_order import in_file_order, in_id_order

if TYPE_CHECKING:
    from scoring.conftest import Scene

DETECTOR: dict[str, Any] = {"kind": "python", "entry": "m:f", "features": ["text", "pay"], "threshold": 0.5}


def make(scene: Scene, rows: int, seed: int, *, long: int = 40) -> None:
    draw = random.Random(seed)
    ids = [f"ı{n}" if n % 7 == 0 else f"c{n:05}" for n in range(rows)]
    draw.shuffle(ids)
    columns = {
        "case_id": ids,
        "exploited": [n % 2 for n in range(rows)],
        "gender": ["woman" if n % 3 else "man" for n in range(rows)],
        "citizenship": ["NGA"] * rows,
        "text": [None if n % 11 == 0 else "é" * draw.randrange(long) for n in range(rows)],
        "pay": pa.array([None if n % 13 == 0 else n / 7 for n in range(rows)], pa.float64()),
    }
    pq.write_table(pa.table(columns), scene.folder / "set.parquet", row_group_size=max(1, rows // 3))


def opened(scene: Scene) -> EvaluationSet:
    return open_evaluation_set(scene.plan(DETECTOR), scene.folder)


def rows_of(evaluation_set: EvaluationSet, **options: int) -> pa.Table:
    columns = {name: evaluation_set.feature_expression(name) for name in ("text", "pay")}
    return pa.Table.from_batches(list(in_id_order(evaluation_set, columns, 7, **options)))


@settings(max_examples=settings().max_examples // 2)
@given(rows=st.integers(1, 120), seed=st.integers(0, 99), at_once=st.integers(1, 2000))
def test_dealt_out_into_files_it_is_the_same_order(scene: Scene, rows: int, seed: int, at_once: int) -> None:
    make(scene, rows, seed)
    with pytest.MonkeyPatch.context() as patch, opened(scene) as evaluation_set:
        patch.setattr(row_order, "_A_CHUNK", 1)  # 64 rows: a second time some go into a file of the first
        at_a_time = rows_of(evaluation_set)
        dealt = rows_of(evaluation_set, at_once=at_once)
        assert not list(evaluation_set.private.path.glob("places-*"))
    assert dealt.combine_chunks().equals(at_a_time.combine_chunks())
    numbers = dealt.column("__row__").to_pylist()
    ids = pq.read_table(scene.folder / "set.parquet").column("case_id").to_pylist()
    ordered = [ids[number - 1] for number in numbers]
    assert ordered == sorted(ids, key=str.encode)


IDS = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=60, unique=True)


@settings(max_examples=settings().max_examples // 2)
@given(ids=IDS, at_once=st.integers(1, 300), looked_at=st.integers(1, 300))
def test_any_ids_are_ordered_by_their_bytes_whichever_edges_files_have(
    scene: Scene, ids: list[str], at_once: int, looked_at: int
) -> None:
    scene.columns = {
        "case_id": ids,
        "exploited": [1] * len(ids),
        "gender": ["woman"] * len(ids),
        "citizenship": ["NGA"] * len(ids),
        "text": [f"of {place}" for place in range(len(ids))],
        "pay": [0.5] * len(ids),
    }
    pq.write_table(pa.table(scene.columns), scene.folder / "set.parquet")
    with pytest.MonkeyPatch.context() as patch, opened(scene) as evaluation_set:
        patch.setattr(row_order, "_FOR_AN_EDGE", looked_at)  # few: files of different sizes, or none that has an edge
        found = rows_of(evaluation_set, at_once=at_once)
    places = sorted(range(len(ids)), key=lambda place: ids[place].encode())
    assert found.column("__row__").to_pylist() == [place + 1 for place in places]
    assert found.column("text").to_pylist() == [f"of {place}" for place in places]


def test_whoever_stops_in_the_middle_leaves_no_files(scene: Scene) -> None:
    make(scene, 300, 4)
    with opened(scene) as evaluation_set:
        columns = {"pay": evaluation_set.feature_expression("pay")}
        rows = in_id_order(evaluation_set, columns, 7, at_once=500)
        next(rows)
        assert list(evaluation_set.private.path.glob("places-*"))
        rows.close()  # type: ignore[attr-defined]
        assert not list(evaluation_set.private.path.glob("places-*"))


def test_predictions_are_the_same_bytes_whichever_way_they_are_put_in_order(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(scene, 2000, 6)
    written = {}
    defaults = row_order.in_order.__kwdefaults__
    assert defaults is not None
    for at_once in (defaults["at_once"], 5000):
        monkeypatch.setitem(defaults, "at_once", at_once)
        path = scene.folder / f"predictions-{at_once}.parquet"
        with opened(scene) as evaluation_set:
            source = answers_to(evaluation_set, scene).create()
            write_predictions(evaluation_set, source, "0::TINYINT", path)
            assert not list(evaluation_set.private.path.glob("places-*"))
        written[path] = path.read_bytes()
    assert len(written) == 2
    assert len(set(written.values())) == 1
    ids = pq.read_table(scene.folder / "set.parquet").column("case_id").to_pylist()
    for path in written:
        assert pq.read_table(path).column("case_id").to_pylist() == sorted(ids, key=str.encode)


@pytest.mark.parametrize("short", [0, 60_000])
def test_with_too_little_memory_for_a_part_the_rest_is_read_with_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short: int
) -> None:
    """At once, where DuckDB says so itself; or once rows are on their way, where Arrow hands it on as an OSError."""
    path, rows = tmp_path / "set.parquet", short + 3000
    texts = [f"{n} " + "x" * (20_000 if n >= short else 5) for n in range(rows)]
    pq.write_table(pa.table({"n": range(rows), "text": texts}), path, row_group_size=3000, use_dictionary=False)
    monkeypatch.setattr(duckdb, "STREAMING_LIMIT", "20MB")
    asked: list[str] = []
    with duckdb.DuckDBEngine([path]) as engine:
        opened_here = engine.connection

        class Listening:
            """Lets every call through, and remembers the queries."""

            def __getattr__(self, name: str) -> Any:
                return getattr(opened_here, name)

            def sql(self, query: str) -> Any:
                asked.append(query)
                return opened_here.sql(query)

        listening: Any = Listening()
        engine.connection = listening
        query = f"SELECT n, text FROM '{path}'"
        found = pa.Table.from_batches(list(engine.stream(query, 100)))
    assert found.column("n").to_pylist() == list(range(rows))
    assert found.column("text").to_pylist() == texts
    assert [one.partition(" OFFSET ")[0] for one in asked] == [query, query]
    # what came before it is not asked for again
    assert (int(asked[1].partition(" OFFSET ")[2]) > 0) == (short > 0)


def test_what_is_done_sparingly_is_done_again_where_memory_is_too_little_on_the_way(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    texts = ["x" * (60_000 if n >= 2100 else 5) for n in range(4200)]
    pq.write_table(pa.table({"text": texts}), path, row_group_size=2100, use_dictionary=False)
    tried: list[int] = []
    with duckdb.DuckDBEngine([path]) as engine:

        def work() -> int:
            tried.append(0)
            for piece in engine.sql(f"SELECT text FROM '{path}'").to_arrow_reader(64):
                tried[-1] += piece.num_rows
            return tried[-1]

        assert engine.with_little_memory(work, threads=1) == len(texts)
    assert len(tried) == 2


def test_the_order_of_the_file_is_that_of_its_rows(scene: Scene) -> None:
    make(scene, 500, 1)
    with opened(scene) as evaluation_set:
        columns = {"pay": evaluation_set.feature_expression("pay")}
        found = pa.Table.from_batches(list(in_file_order(evaluation_set, columns, 64)))
    assert found.column("__row__").to_pylist() == list(range(1, 501))
    assert found.column("pay").equals(pq.read_table(scene.folder / "set.parquet").column("pay"))


def test_a_full_disk_is_one_line(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    make(scene, 300, 2)
    monkeypatch.setattr(pa.ipc, "new_stream", full)
    with opened(scene) as evaluation_set, pytest.raises(StorageError) as caught:
        rows_of(evaluation_set, at_once=10)
    assert "no room to put it in order" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_batches_are_the_same_whichever_way_they_are_put_in_order(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(scene, 1000, 5)
    plan = scene.plan(DETECTOR)

    def batches() -> list[tuple[list[int], pa.RecordBatch]]:
        with open_evaluation_set(plan, Path(scene.folder)) as evaluation_set:
            found = read_batches(evaluation_set, ("text", "pay"), plan.scoring)
            return [(rows.to_pylist(), batch) for rows, batch in found]

    whole = batches()
    defaults = in_id_order.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "at_once", 500)
    assert batches() == whole


def test_answers_lie_in_a_folder_whatever_its_name(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(scene, 700, 1)
    odd = tmp_path / "a [b] *c"
    odd.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    with opened(scene) as evaluation_set:
        assert str(evaluation_set.private.path).startswith(str(odd))
        table = answers_to(evaluation_set, scene)
        source = table.create()
        ((rows, total),) = evaluation_set.connection.execute(
            f"SELECT count(*), sum(score) FROM {source.relation}"
        ).fetchall()
    assert (rows, total) == (700, 350.0)


def test_no_room_for_answers_is_one_line(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    make(scene, 30, 1)
    with opened(scene) as evaluation_set:
        table = answers_to(evaluation_set, scene)
        monkeypatch.setattr(pq, "ParquetWriter", full)
        with pytest.raises(StorageError, match="no room for answers") as caught:
            table.create()
    assert "\n" not in str(caught.value)


def answers_to(evaluation_set: EvaluationSet, scene: Scene) -> AnswerTable:
    """Half to every row, in batches of 64."""
    section: Any = scene.plan(DETECTOR).detector
    table = AnswerTable(evaluation_set, section)
    for first in range(1, evaluation_set.rows + 1, 64):
        rows = np.arange(first, min(first + 64, evaluation_set.rows + 1))
        codes = np.zeros(len(rows), dtype=np.int8)
        table.add(pa.array(rows), CheckedAnswers(np.full(len(rows), 0.5), codes, codes - 1))
    return table
