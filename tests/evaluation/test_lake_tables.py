"""A version of a Delta or Iceberg table is the set of its rows, or is refused. Their libraries make the tables."""

from __future__ import annotations

import importlib
import json
import socket
import struct
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from made.sets import made_cells, made_plan
from pydantic import ValidationError

from audit.errors import AuditError, DataError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.lake_tables import LakeTable, _local
from audit.plan.audit_plan import AuditPlan

ROWS = 12


def plan_of(table: str, kind: str, version: int) -> AuditPlan:
    return made_plan(None, evaluation_set={"table": table, "format": kind, "version": version})


def cases_of(plan: AuditPlan, folder: Path) -> tuple[set[tuple[Any, ...]], str | None]:
    with open_evaluation_set(plan, folder) as opened:
        assert opened.digest_of == "snapshot"
        rows = opened.connection.execute("SELECT case_id, exploited, gender, text FROM source").fetchall()
        opened.check_unchanged()
        return set(rows), opened.sha256


def expected(rows: int = ROWS) -> set[tuple[Any, ...]]:
    cells = made_cells(rows)
    return set(zip(cells["case_id"], cells["exploited"], cells["gender"], cells["text"], strict=True))


def refusal(plan: AuditPlan, folder: Path) -> str:
    with pytest.raises(AuditError) as caught, open_evaluation_set(plan, folder):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "section", [{"table": "t"}, {"format": "delta"}, {"table": "t", "format": "delta"}, {"version": 1}]
)
def test_a_table_needs_its_format_and_its_version(section: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a table needs its format"):
        made_plan(None, evaluation_set=section)


def test_without_the_library_one_line_says_which_extra_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lake.t").mkdir()
    for kind in ("delta", "iceberg"):
        monkeypatch.setitem(sys.modules, {"delta": "deltalake", "iceberg": "pyiceberg"}[kind], None)
        assert f"pip install 'audit7k[{kind}]'" in refusal(plan_of("lake.t", kind, 3), tmp_path)


def test_every_version_of_a_delta_table_is_the_set_of_its_rows(tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake", reason="the extra delta is not installed")
    whole = pa.table(made_cells(ROWS))
    deltalake.write_deltalake(tmp_path / "lake", whole.slice(0, 8), partition_by=["gender"])
    deltalake.write_deltalake(tmp_path / "lake", whole.slice(8), mode="append")
    deltalake.DeltaTable(tmp_path / "lake").delete("case_id = 'case 1'")
    first, last = made_cells(8), {row for row in expected() if row[0] != "case 1"}
    found = {version: cases_of(plan_of("lake", "delta", version), tmp_path) for version in range(3)}
    assert found[0][0] == set(zip(first["case_id"], first["exploited"], first["gender"], first["text"], strict=True))
    assert found[1][0] == expected()
    assert found[2][0] == last
    assert len({digest for _, digest in found.values()}) == 3
    assert "lake version 9 cannot be read in this version" in refusal(plan_of("lake", "delta", 9), tmp_path)
    assert "of which not every file counts" in refusal(made_plan("lake"), tmp_path)


def test_values_of_the_parts_of_a_delta_table_are_written_as_those_of_a_column(tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake", reason="the extra delta is not installed")
    texts = [f"a b%/{place % 2} ñ" for place in range(ROWS)]
    cells = {**made_cells(ROWS), "text": texts, "exploited": [place % 3 == 0 for place in range(ROWS)]}
    deltalake.write_deltalake(tmp_path / "lake", pa.table(cells), partition_by=["text", "exploited"])
    rows, _ = cases_of(plan_of("lake", "delta", 0), tmp_path)
    assert {row[3] for row in rows} == {*texts}
    assert {row[1] for row in rows} == {"true", "false"}
    numbers = [float(["nan", "-0.0", "2.5", "3"][place % 4]) for place in range(ROWS)]
    deltalake.write_deltalake(tmp_path / "floats", pa.table({**cells, "text": numbers}), partition_by=["text"])
    assert {row[3] for row in cases_of(plan_of("floats", "delta", 0), tmp_path)[0]} == {None, "0", "2.5", "3"}


def deletion_vector(rows: list[int]) -> dict[str, object]:
    """A deletion vector in the log itself: a portable 64-bit Roaring bitmap in base 85, as Delta's protocol has it."""
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16) + struct.pack(f"<{len(rows)}H", *rows)
    whole = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    padded = whole + bytes(-len(whole) % 4)
    words = struct.unpack(f">{len(padded) // 4}I", padded)
    text = "".join(digits[word // 85**power % 85] for word in words for power in (4, 3, 2, 1, 0))
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(whole), "cardinality": len(rows)}


def test_rows_that_a_delta_table_hides_from_its_files_are_refused(tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake", reason="the extra delta is not installed")
    deltalake.write_deltalake(tmp_path / "lake", pa.table(made_cells(ROWS)))
    log = tmp_path / "lake" / "_delta_log" / "00000000000000000000.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]

    def written(kind: str, **values: object) -> None:
        changed = [{key: {**of, **values} if key == kind else of for key, of in line.items()} for line in lines]
        log.write_text("\n".join(map(json.dumps, changed)) + "\n")

    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    lines = [
        {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}} if "protocol" in line else line
        for line in lines
    ]
    written("protocol")
    assert cases_of(plan_of("lake", "delta", 0), tmp_path)[0] == expected()
    written("add", deletionVector=deletion_vector([3, 4, 7]))
    assert "has deletion vectors" in refusal(plan_of("lake", "delta", 0), tmp_path)
    written("metaData", configuration={"delta.columnMapping.mode": "name"})
    assert "lake version 0 has columns of other names" in refusal(plan_of("lake", "delta", 0), tmp_path)


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An Iceberg catalogue in a file of SQLite, which pyiceberg knows as `lake`."""
    catalog = pytest.importorskip("pyiceberg.catalog", reason="the extra iceberg is not installed")
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__URI", f"sqlite:///{tmp_path}/catalogue.db")
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__WAREHOUSE", f"file://{tmp_path}/warehouse")
    # it reads the environment once, when it is imported
    monkeypatch.setattr(catalog, "_ENV_CONFIG", importlib.import_module("pyiceberg.utils.config").Config())
    loaded = catalog.load_catalog("lake")
    loaded.create_namespace("audits")
    return loaded


def test_every_snapshot_of_an_iceberg_table_is_the_set_of_its_rows(catalogue: Any, tmp_path: Path) -> None:
    whole = pa.table(made_cells(ROWS))
    table = catalogue.create_table("audits.adverts", schema=whole.schema)
    table.append(whole.slice(0, 8))
    table.append(whole.slice(8))
    table.delete("case_id == 'case 1'")
    first, both, last = table.snapshots()[0], table.snapshots()[1], table.snapshots()[-1]
    name = "lake.audits.adverts"
    assert len(cases_of(plan_of(name, "iceberg", first.snapshot_id), tmp_path)[0]) == 8
    assert cases_of(plan_of(name, "iceberg", both.snapshot_id), tmp_path)[0] == expected()
    now = cases_of(plan_of(name, "iceberg", last.snapshot_id), tmp_path)[0]
    assert now == {row for row in expected() if row[0] != "case 1"}
    assert "has no such snapshot" in refusal(plan_of(name, "iceberg", 5), tmp_path)
    with table.update_schema() as schema:
        schema.rename_column("text", "words")
    table.refresh()
    table.append(whole.rename_columns(["case_id", "exploited", "gender", "nationality", "words"]))
    renamed = table.current_snapshot().snapshot_id
    assert "other columns than some of its files" in refusal(plan_of(name, "iceberg", renamed), tmp_path)


def test_a_column_of_an_iceberg_table_that_was_dropped_and_came_back_is_refused(catalogue: Any, tmp_path: Path) -> None:
    string = importlib.import_module("pyiceberg.types").StringType()
    whole = pa.table(made_cells(ROWS))
    table = catalogue.create_table("audits.adverts", schema=whole.schema)
    table.append(whole.slice(0, 8))
    with table.update_schema() as schema:
        schema.delete_column("text")
    with table.update_schema() as schema:
        schema.add_column("text", string)
    table.refresh().append(whole.slice(8))
    # all files have the same names, and in the older ones `text` is another column
    assert table.refresh().scan().to_arrow()["text"].null_count == 8
    snapshot = table.current_snapshot().snapshot_id
    assert "other columns than some of its files" in refusal(
        plan_of("lake.audits.adverts", "iceberg", snapshot), tmp_path
    )


def test_the_parts_of_a_divided_iceberg_table_are_found_by_their_names(catalogue: Any, tmp_path: Path) -> None:
    identity = importlib.import_module("pyiceberg.transforms").IdentityTransform()
    texts = [f"a b%/{place % 2} ñ" for place in range(ROWS)]
    whole = pa.table({**made_cells(ROWS), "text": texts})
    table = catalogue.create_table("audits.adverts", schema=whole.schema)
    with table.update_spec() as spec:
        spec.add_field("text", identity, "text")
    table.refresh().append(whole)
    assert all("%25" in task.file.file_path for task in table.scan().plan_files())
    snapshot = table.current_snapshot().snapshot_id
    assert {row[3] for row in cases_of(plan_of("lake.audits.adverts", "iceberg", snapshot), tmp_path)[0]} == {*texts}


def test_delete_files_of_an_iceberg_table_are_refused(
    catalogue: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    whole = pa.table(made_cells(ROWS))
    table = catalogue.create_table("audits.adverts", schema=whole.schema)
    table.append(whole)
    # pyiceberg reads delete files and writes none
    tasks = list(table.scan().plan_files())
    scan = importlib.import_module("pyiceberg.table").DataScan
    with_deletes = [SimpleNamespace(file=task.file, delete_files={"one"}) for task in tasks]
    monkeypatch.setattr(scan, "plan_files", lambda _: with_deletes)
    refused = refusal(plan_of("lake.audits.adverts", "iceberg", table.current_snapshot().snapshot_id), tmp_path)
    assert "has delete files" in refused


def test_no_code_runs_that_an_iceberg_table_names(
    catalogue: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pa.table(made_cells(ROWS))
    table = catalogue.create_table("audits.adverts", schema=whole.schema)
    table.append(whole)
    written = Path(table.metadata_location.removeprefix("file://"))
    metadata = json.loads(written.read_text())
    metadata["properties"]["py-io-impl"] = "named_by_a_table.FileIO"
    written.write_text(json.dumps(metadata))
    (tmp_path / "named_by_a_table.py").write_text("from pyiceberg.io.pyarrow import PyArrowFileIO as FileIO")
    monkeypatch.syspath_prepend(tmp_path)
    plan = plan_of("lake.audits.adverts", "iceberg", table.current_snapshot().snapshot_id)
    assert cases_of(plan, tmp_path)[0] == expected()
    assert "named_by_a_table" not in sys.modules


def test_catalogues_that_a_stranger_can_have_named_are_not_asked(
    catalogue: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pa.table(made_cells(ROWS))
    table = catalogue.create_table("audits.adverts", schema=whole.schema)
    table.append(whole)
    plan = plan_of("lake.audits.adverts", "iceberg", table.current_snapshot().snapshot_id)
    monkeypatch.delenv("PYICEBERG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".pyiceberg.yaml").write_text("catalog: {}")
    assert "in the working folder alone, which can run code" in refusal(plan, tmp_path)
    with monkeypatch.context() as nobody:  # a user without a home folder, as in a container
        nobody.delenv("HOME")
        nobody.setitem(sys.modules, "pwd", None)
        assert "in the working folder alone, which can run code" in refusal(plan, tmp_path)
    monkeypatch.setenv("PYICEBERG_HOME", str(tmp_path))
    assert cases_of(plan, tmp_path)[0] == expected()


def test_nobody_is_asked_for_what_an_iceberg_table_says_lies_elsewhere(catalogue: Any, tmp_path: Path) -> None:
    whole = pa.table(made_cells(ROWS))
    table = catalogue.create_table("audits.adverts", schema=whole.schema)
    table.append(whole)
    written = Path(table.metadata_location.removeprefix("file://"))
    metadata = json.loads(written.read_text())
    metadata["snapshots"][-1]["manifest-list"] = "s3://bucket/list.avro"
    with socket.create_server(("127.0.0.1", 0)) as server:
        metadata["properties"] |= {
            "s3.endpoint": f"http://127.0.0.1:{server.getsockname()[1]}",
            "s3.access-key-id": "x",
            "s3.secret-access-key": "x",
            "s3.region": "x",
            "s3.request-timeout": "1",
        }
        written.write_text(json.dumps(metadata))
        refused = refusal(plan_of("lake.audits.adverts", "iceberg", table.current_snapshot().snapshot_id), tmp_path)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert "lies in an object store" in refused


def test_an_object_store_is_refused() -> None:
    with pytest.raises(DataError, match="lies in an object store"):
        _local(LakeTable("iceberg", "lake.t", 1), "s3://bucket/t")
    for address in ("file:///a b/t%20", "file:/a b/t%20", "/a b/t%20"):
        assert _local(LakeTable("iceberg", "lake.t", 1), address) == Path("/a b/t%20")
