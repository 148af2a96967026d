"""A folder of Parquet is the same set as one file: rows, partitions, digest, refusals."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.sets import made_cells, made_plan
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.engines.protocol import ROW
from audit.errors import AuditError, ExitCode
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.parquet_folder import folder_parts
from audit.run import run_audit
from audit.stages import Scope


def write_folder(folder: Path, rows: int = 12, *, by: str | None = None, parts: int = 3) -> Path:
    """Write rows of `made_cells` into parts, divided by a column or one after the other."""
    table = pa.table(made_cells(rows))
    if by is not None:
        pq.write_to_dataset(table, folder, partition_cols=[by], basename_template="part-{i}.parquet")
        return folder
    folder.mkdir()
    for place in range(parts):
        pq.write_table(table.slice(place * rows // parts, rows // parts), folder / f"part-{place}.parquet")
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(AuditError) as caught, open_evaluation_set(made_plan(folder.name), folder.parent):
        pass
    return str(caught.value)


def test_a_folder_is_the_set_of_its_files_in_the_order_of_their_paths(tmp_path: Path) -> None:
    write_folder(tmp_path / "set [1]*")
    pq.write_table(pa.table(made_cells(12)), tmp_path / "set.parquet")
    with (
        open_evaluation_set(made_plan("set [1]*"), tmp_path) as folder,
        open_evaluation_set(made_plan("set.parquet"), tmp_path) as file,
    ):
        query = f"SELECT {ROW}, case_id, text FROM source"
        assert folder.connection.execute(query).fetchall() == file.connection.execute(query).fetchall()
        assert folder.rows == file.rows == 12
        assert folder.columns == file.columns
        assert folder.cases_sha256() == file.cases_sha256()
        assert (folder.digest_of, file.digest_of) == ("manifest", "file")


def test_hive_partitions_are_columns_of_text(tmp_path: Path) -> None:
    write_folder(tmp_path / "set", by="gender")
    (tmp_path / "set" / "_SUCCESS").touch()
    (tmp_path / "set" / ".part-0.parquet.crc").write_bytes(b"crc")
    (tmp_path / "set" / "gender=woman" / "part-0.parquet").rename(tmp_path / "kept")
    (tmp_path / "set" / "gender=woman").rmdir()
    (tmp_path / "set" / "gender=wo%6Dan").mkdir()
    (tmp_path / "kept").rename(tmp_path / "set" / "gender=wo%6Dan" / "part-0.parquet")
    with open_evaluation_set(made_plan("set"), tmp_path) as opened:
        found = opened.connection.execute("SELECT case_id, gender FROM source ORDER BY case_id").fetchall()
        cells = made_cells(12)
        assert found == sorted(zip(cells["case_id"], cells["gender"], strict=True))
        assert opened.columns[-1] == "gender"
        assert {level.code for level in opened.features[0].levels} == {"woman", "man", "unknown"}


@pytest.mark.parametrize("kind", ["python", "predictions"])
def test_an_audit_of_a_folder_is_that_of_the_file(kind: str, tmp_path: Path) -> None:
    rows = 600
    table = pa.table({**made_cells(rows), "flagged": [row % 5 < 2 for row in range(rows)]})
    pq.write_table(table, tmp_path / "set.parquet")
    (tmp_path / "set").mkdir()
    for place in range(3):
        pq.write_table(table.slice(place * 200, 200), tmp_path / "set" / f"{place}.parquet")
    (tmp_path / "m.py").write_text("def f(batch):\n    return [len(str(text)) % 3 / 2 for text in batch['text']]\n")
    answers: dict[str, dict[str, Any]] = {
        "python": {"kind": "python", "entry": "m:f", "features": ["text"], "threshold": 0.5},
        "predictions": {"kind": "predictions", "decision": "flagged"},
    }
    one, many = (
        run_audit(
            made_plan(path, detector=answers[kind]),
            folder=tmp_path,
            sandbox="none",
            crosscheck=False,
            scope=Scope.RECORDS,
        )
        for path in ("set.parquet", "set")
    )
    assert many.provenance.evaluation_set_digest_of == "manifest"
    assert one.provenance.cases_sha256 == many.provenance.cases_sha256
    for part in ("rules", "verdicts", "estimates", "disparities", "rows"):
        assert getattr(one, part) == getattr(many, part)


def test_the_digest_can_be_made_with_the_tools_of_any_system(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", by="gender")
    script = (
        "cd set && find . -type f -name '*.parquet' | sed 's#^./##' | LC_ALL=C sort | while read -r f; do "
        'printf \'%s\\0%s\\0%s\\n\' "$f" "$(stat -c %s "$f")" "$(sha256sum < "$f" | cut -d\' \' -f1)"; done | sha256sum'
    )
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == folder_parts(folder).sha256
    assert len(folder_parts(folder).sha256) == len(hashlib.sha256().hexdigest())


def test_a_file_that_comes_goes_or_changes_ends_the_run(tmp_path: Path) -> None:
    for change in ("comes", "goes", "changes", "changes unseen"):
        folder = write_folder(tmp_path / change)
        with open_evaluation_set(made_plan(change), tmp_path) as opened:
            opened.check_unchanged()
            first = folder / "part-0.parquet"
            if change == "comes":
                (folder / "part-9.parquet").write_bytes(first.read_bytes())
            elif change == "goes":
                first.unlink()
            elif change == "changes unseen":
                before = first.stat()
                with first.open("r+b") as file:
                    file.write(b"X")
                while first.stat().st_ctime_ns == before.st_ctime_ns or first.stat().st_mtime_ns != before.st_mtime_ns:
                    os.utime(first, ns=(before.st_atime_ns, before.st_mtime_ns))  # a clock of files may be coarse
            else:
                first.write_bytes(first.read_bytes() + b" ")
            with pytest.raises(AuditError, match=f"{change} changed while it was read"):
                opened.check_unchanged()


def test_folders_that_are_no_table_are_refused_by_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty") == (
        "empty holds no Parquet file — name the folder that holds .parquet files, or one file"
    )
    other = write_folder(tmp_path / "other")
    (other / "notes.txt").write_text("secret")
    assert refusal(other) == "other holds a file that is not Parquet — take out what is no part of the set"
    linked = write_folder(tmp_path / "linked")
    (linked / "more.parquet").symlink_to(other / "part-0.parquet")
    assert refusal(linked) == "linked holds a link or a device — put the files themselves into the folder"
    piped = write_folder(tmp_path / "piped")
    os.mkfifo(piped / "more.parquet")
    assert "holds a link or a device" in refusal(piped)
    unlike = write_folder(tmp_path / "unlike")
    pq.write_table(pa.table({**made_cells(3), "more": [1, 2, 3]}), unlike / "part-3.parquet")
    assert refusal(unlike).startswith("unlike: part-3.parquet has other columns or types than part-0.parquet")
    divided = write_folder(tmp_path / "divided", by="gender")
    (divided / "year=2024").mkdir()
    (divided / "gender=man" / "part-0.parquet").rename(divided / "year=2024" / "part-0.parquet")
    assert refusal(divided).startswith("divided is divided in two ways: by gender, and by year")
    inside = write_folder(tmp_path / "inside")
    (inside / "gender=man").mkdir()
    pq.write_table(pa.table(made_cells(3)), inside / "gender=man" / "part-0.parquet")
    for part in inside.glob("part-*"):
        part.unlink()
    assert "have the same name" in refusal(inside)
    hidden = write_folder(tmp_path / "hidden")
    (hidden / "_gender=man").mkdir()
    assert "begins with _" in refusal(hidden)
    for log in ("_delta_log", "metadata", ".hoodie"):
        lake = write_folder(tmp_path / f"lake{log}", by="gender")
        (lake / log).mkdir()
        (lake / log / "v1.metadata.json").write_text("{}")
        for folder in (lake, lake / "gender=man"):
            assert "not every file counts" in refusal(folder)


def test_rows_in_a_folder_that_cannot_be_opened_are_missed_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, listed = write_folder(tmp_path / "set", by="gender"), os.scandir

    def closed(place: Any) -> Any:  # as it is for whoever may not read it: whoever runs the tests may
        if "gender=man" in str(place):
            raise PermissionError(place)
        return listed(place)

    monkeypatch.setattr(os, "scandir", closed)
    assert refusal(folder) == "set holds a folder that cannot be opened — see who may read it"


def test_a_column_that_is_called_as_the_number_of_a_file_is_refused_and_read_nowhere(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", by="gender")
    for place, part in enumerate(sorted(folder.rglob("*.parquet"))):
        table = pq.ParquetFile(part).read()
        part.unlink()
        if place == 0:  # one file, whose partition would be looked up by its own column
            pq.write_table(table.append_column("file_index", pa.array([5] * table.num_rows)), part)
    assert "a column is called file_index" in refusal(folder)


def test_parts_that_are_compressed_as_a_whole_are_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set")
    for part in folder.glob("*.parquet"):
        part.write_bytes(gzip.compress(part.read_bytes()))
    assert refusal(folder).startswith("part-0.parquet cannot be read")


def test_a_folder_of_the_wrong_format_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "set")
    plan = made_plan("set", evaluation_set={"format": "csv"})
    with pytest.raises(AuditError, match="only Parquet is read from a folder"), open_evaluation_set(plan, tmp_path):
        pass


def test_hundreds_of_files_are_one_table_within_seconds(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    table = pa.table(made_cells(300))
    for place in range(300):
        pq.write_table(table.slice(place, 1), tmp_path / "set" / f"{place:04}.parquet")
    started = time.process_time()
    with open_evaluation_set(made_plan("set"), tmp_path) as opened:
        assert opened.rows == 300
        rows = opened.connection.execute(f"SELECT {ROW}, case_id FROM source").fetchall()
        assert rows == [(place + 1, f"case {place + 1}") for place in range(300)]
    assert time.process_time() - started < 10.0


@pytest.mark.parametrize(
    "options", [["--out", "set/audit-out"], ["--out", "set"], ["--restricted-folder", "set/keys"], ["--out", "link/o"]]
)
def test_no_run_writes_into_the_folder_that_is_its_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "set", 40)
    (tmp_path / "link").symlink_to(tmp_path / "set")
    (tmp_path / "plan.toml").write_text(
        'schema = 1\n[audit]\ntitle = "Made up"\nowner = "nobody"\nuse = "moderation"\nroute = "services"\n'
        '[detector]\nkind = "predictions"\ndecision = "text"\ndecision_positive = ["advert 1"]\n'
        'decision_negative = ["advert 2"]\n'
        '[evaluation_set]\npath = "set"\nid = "case_id"\nlabel = "exploited"\nlabel_source = "made up"\n'
        '[groups.gender]\ncolumn = "gender"\n'
        '[[rules]]\nmetric = "true_positive_rate"\ngroups = ["gender"]\nmargin = 0.1\n',
        encoding="utf-8",
    )
    before = sorted((tmp_path / "set").rglob("*"))
    done = CliRunner().invoke(app, ["run", "plan.toml", *options])
    assert done.exit_code == ExitCode.USAGE
    assert "lies in the folder of the evaluation set" in done.stderr
    assert sorted((tmp_path / "set").rglob("*")) == before
