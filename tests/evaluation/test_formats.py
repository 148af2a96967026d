"""The same set in every format, compression and encoding is the same set."""

from __future__ import annotations

import gzip
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.sets import Cells, canonical_rows, made_cells, made_plan, write_set

from audit.errors import DataError
from audit.evaluation.checks import run_check
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.scores import check_scores

NAMES = [f"set.{kind}{packed}" for kind in ("csv", "jsonl", "parquet") for packed in ("", ".gz", ".zst")]


@pytest.mark.parametrize("name", NAMES)
def test_every_format_and_compression_gives_the_same_set(name: str, tmp_path: Path) -> None:
    cells = made_cells(20_000)
    path = write_set(tmp_path / name, cells)
    with open_evaluation_set(made_plan(name), tmp_path) as opened:
        assert (opened.rows, opened.columns, opened.source_name) == (20_000, tuple(cells), name)
        assert canonical_rows(opened) == _expected(cells)
        assert opened.codes["nationality"] == {"NA": "NAM", "NGA": "NGA", "004": "AFG", None: "unknown"}
        numbers = opened.connection.sql("SELECT __row__, case_id, text FROM source ORDER BY __row__").fetchall()
        import hashlib

        assert opened.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert numbers == [(row + 1, f"case {row + 1}", f"advert {row}") for row in range(20_000)]


def test_a_table_in_memory_is_the_same_set(tmp_path: Path) -> None:
    cells = made_cells(1000)
    arrow = pa.table({name: pa.array(column, pa.string()) for name, column in cells.items()})
    for table in (arrow, arrow.to_pandas(), pd.DataFrame(cells, dtype=object)):
        with open_evaluation_set(made_plan(None), tmp_path, table) as opened:
            assert canonical_rows(opened) == _expected(cells)
            assert (opened.sha256, opened.rows) == (None, 1000)
            opened.check_unchanged()


def _expected(cells: Cells) -> Counter[tuple[object, ...]]:
    genders = {"woman": "woman", "man": "man", None: "unknown"}
    nationalities = {"NA": "NAM", "NGA": "NGA", "004": "AFG", None: "unknown"}
    labels = {"1": 1, "0": 0, None: None}
    return Counter(
        (labels[label], genders[gender], nationalities[nationality])
        for label, gender, nationality in zip(cells["exploited"], cells["gender"], cells["nationality"], strict=True)
    )


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("UTF8", "utf-8-sig"),
        ("latin-1", "latin-1"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(declared: str, written: str, ends: str, tmp_path: Path) -> None:
    text = "case_id,exploited,gender,nationality,text\né1,1,woman,NA,café\n2,0,man,,\n\n".replace("\n", ends)
    (tmp_path / "set.csv").write_bytes(text.encode(written))
    with open_evaluation_set(made_plan(evaluation_set={"encoding": declared}), tmp_path) as opened:
        rows = opened.connection.sql("SELECT * FROM source ORDER BY __row__").fetchall()
    assert rows == [("é1", "1", "woman", "NA", "café", 1), ("2", "0", "man", None, None, 2)]


def test_texts_that_other_readers_take_for_missing(tmp_path: Path) -> None:
    cells = made_cells(7)
    cells["text"] = ["NA", "null", "None", "nan", "NULL", "N/A", "-"]
    cells["case_id"] = ["NA", "null", "None", "nan", "NULL", "N/A", "-"]
    for name in ("set.csv", "set.jsonl", "set.parquet"):
        write_set(tmp_path / name, cells)
        with open_evaluation_set(made_plan(name), tmp_path) as opened:
            rows = opened.connection.sql("SELECT case_id, text FROM source ORDER BY __row__").fetchall()
        assert rows == list(zip(cells["case_id"], cells["text"], strict=True))


def test_an_empty_text_is_missing_in_every_format(tmp_path: Path) -> None:
    cells = made_cells(4)
    cells["gender"], cells["nationality"], cells["exploited"] = ["", "man"] * 2, ["NA", ""] * 2, ["1", "0", "", "0"]
    for name in ("set.csv", "set.jsonl", "set.parquet"):
        write_set(tmp_path / name, cells)
        with open_evaluation_set(made_plan(name), tmp_path) as opened:
            assert canonical_rows(opened) == Counter(
                [(1, "unknown", "NAM"), (0, "man", "unknown"), (None, "unknown", "NAM"), (0, "man", "unknown")]
            )


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_numbers_of_a_text_file_are_checked_and_given_as_numbers(suffix: str, tmp_path: Path) -> None:
    cells = made_cells(5)
    cells["text"] = ["1.5", "-2", None, "1e3", ".5"]
    write_set(tmp_path / f"set.{suffix}", cells)
    plan = made_plan(f"set.{suffix}", evaluation_set={"numbers": ["text"]})
    with open_evaluation_set(plan, tmp_path) as opened:
        expression = opened.feature_expression("text")
        values = opened.connection.sql(f"SELECT {expression} FROM source ORDER BY __row__").fetchall()
        assert values == [(1.5,), (-2.0,), (None,), (1000.0,), (0.5,)]
        assert opened.feature_expression("gender") == '"gender"'


def test_json_values_become_the_texts_of_a_csv(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_text(
        '{"case_id": 9007199254740993, "exploited": true, "gender": "man", "nationality": 516, "text": 1.0}\n'
        '{"case_id": 2, "exploited": false, "gender": null, "nationality": 4, "text": 1.25}\n'
        '{"case_id": "3", "exploited": null, "text": false}'
    )
    with open_evaluation_set(made_plan("set.jsonl"), tmp_path) as opened:
        rows = opened.connection.sql("SELECT * FROM source ORDER BY __row__").fetchall()
        assert canonical_rows(opened) == Counter(
            [(1, "man", "NAM"), (0, "unknown", "AFG"), (None, "unknown", "unknown")]
        )
    assert rows == [
        ("9007199254740993", "true", "man", "516", "1", 1),
        ("2", "false", None, "4", "1.25", 2),
        ("3", None, None, None, "false", 3),
    ]


def test_numbers_that_pandas_made_floats_are_the_integers_they_were(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "case_id": [11.0, 12.0, 13.0],
            "exploited": [1.0, 0.0, None],
            "gender": ["woman", None, "man"],
            "nationality": [516.0, None, 4.0],
            "text": [0.5, None, 2.0],
        }
    )
    frame.to_parquet(tmp_path / "set.parquet")
    for path, table in (("set.parquet", None), (None, frame), (None, pa.Table.from_pandas(frame))):
        with open_evaluation_set(made_plan(path), tmp_path, table) as opened:
            ids = opened.connection.sql(f"SELECT {opened.expressions['case_id']} FROM source ORDER BY 1").fetchall()
            assert ids == [("11",), ("12",), ("13",)]
            assert canonical_rows(opened) == Counter(
                [(1, "woman", "NAM"), (0, "unknown", "unknown"), (None, "man", "AFG")]
            )


@pytest.mark.parametrize(
    ("labels", "stored"),
    [
        (pa.array([1, 0, None], pa.int8()), 'CAST("exploited" AS TINYINT)'),
        (pa.array([True, False, None]), 'CAST("exploited" AS TINYINT)'),
        (pa.array([1, 0, None], pa.decimal128(3, 0)), None),
        (pa.array([1.0, 0.0, float("nan")]), None),
        (pa.array(["TRUE", "False", None]), None),
        (pa.array(["1", "0", ""]).dictionary_encode(), None),
    ],
)
def test_labels_in_every_type(labels: pa.Array, stored: str | None, tmp_path: Path) -> None:
    columns = {name: pa.array(column, pa.string()) for name, column in made_cells(3).items()}
    pq.write_table(pa.table({**columns, "exploited": labels}), tmp_path / "set.parquet")
    with open_evaluation_set(made_plan("set.parquet"), tmp_path) as opened:
        expression = opened.expressions["label"]
        assert opened.connection.sql(f"SELECT {expression} FROM source ORDER BY __row__").fetchall() == [
            (1,),
            (0,),
            (None,),
        ]
        assert opened.connection.sql(f"SELECT typeof({expression}) FROM source").fetchall()[0] == ("TINYINT",)
    assert stored is None or expression == stored


@pytest.mark.parametrize("column", [[None, None], ["", None]])
def test_a_set_without_labels_and_groups_can_be_read(column: list[str | None], tmp_path: Path) -> None:
    cells = {**made_cells(2), "exploited": column, "gender": column, "nationality": column}
    for name in ("set.csv", "set.jsonl", "set.parquet"):
        write_set(tmp_path / name, cells)
        with open_evaluation_set(made_plan(name), tmp_path) as opened:
            assert canonical_rows(opened) == {(None, "unknown", "unknown"): 2}
    arrow = pa.table({**cells, "exploited": pa.nulls(2), "gender": pa.nulls(2), "nationality": pa.nulls(2)})
    with open_evaluation_set(made_plan(None), tmp_path, arrow) as opened:
        assert canonical_rows(opened) == {(None, "unknown", "unknown"): 2}


def test_a_path_that_looks_like_a_pattern_or_a_partition(tmp_path: Path) -> None:
    for folder in ("gender=man", "d[1]", "it's"):
        (tmp_path / folder).mkdir()
        write_set(tmp_path / folder / "s*.parquet", made_cells(2))
        write_set(tmp_path / folder / "sx.parquet", made_cells(3))
        with open_evaluation_set(made_plan(f"{folder}/s*.parquet"), tmp_path) as opened:
            assert opened.rows == len(opened.connection.sql("SELECT * FROM source").fetchall()) == 2
            assert len(opened.columns) == 5


def test_a_path_through_a_parent_or_a_link(tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    write_set(tmp_path / "set.parquet", made_cells(2))
    (tmp_path / "linked.parquet").symlink_to(tmp_path / "set.parquet")
    for path in ("../set.parquet", "../linked.parquet"):
        with open_evaluation_set(made_plan(path), tmp_path / "plans") as opened:
            assert sum(canonical_rows(opened).values()) == 2


def test_nothing_stays_on_the_disk_and_nothing_else_can_be_opened(tmp_path: Path) -> None:
    write_set(tmp_path / "set.parquet.gz", made_cells(3))
    other = write_set(tmp_path / "other.csv", made_cells(3))
    with open_evaluation_set(made_plan("set.parquet.gz"), tmp_path) as opened:
        private = opened.private.path
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert [path.name for path in private.iterdir() if path.suffix == ".parquet"] == ["source.parquet"]
        for query in (
            f"SELECT * FROM read_csv('{other}')",
            "INSTALL httpfs",
            f"COPY source TO '{tmp_path}/copy.csv'",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                opened.connection.execute(query)
    assert not private.exists()
    assert not (tmp_path / "copy.csv").exists()


def test_a_refused_set_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    cells = made_cells(3)
    cells["gender"][0] = "F"
    write_set(tmp_path / "set.parquet.zst", cells)
    with pytest.raises(DataError, match="gender"):
        open_evaluation_set(made_plan("set.parquet.zst"), tmp_path)
    assert list(scratch.iterdir()) == []


def test_predictions_can_be_attached(tmp_path: Path) -> None:
    write_set(tmp_path / "set.csv", made_cells(3))
    write_set(tmp_path / "answers.parquet", {"case": ["a", "", None], "score": ["0.1", "0.2", ""]})
    detector = {"kind": "predictions", "path": "answers.parquet", "id": "case", "score": "score", "threshold": 0.5}
    with open_evaluation_set(made_plan(detector=detector), tmp_path) as opened:
        answers = opened.attach("answers", tmp_path / "answers.parquet", ["case", "score"])
        key = opened.text_expression(answers, "case")
        rows = opened.connection.sql(f"SELECT {key}, __row__ FROM answers ORDER BY __row__").fetchall()
        assert rows == [("a", 1), (None, 2), (None, 3)]
        assert answers.sha256 is not None
        with pytest.raises(DataError) as caught:
            opened.attach("more", tmp_path / "answers.parquet", ["Score"], keys={"Score": "detector.score"})
    assert str(caught.value) == 'answers.parquet has no column "Score" (detector.score) — the nearest is "score"'


def test_an_empty_score_of_pandas_is_an_abstention_as_in_the_file_that_it_was_read_from(tmp_path: Path) -> None:
    cells = {**made_cells(3), "score": ["0.5", None, "0.1"]}
    write_set(tmp_path / "set.csv", cells)
    plan = made_plan(detector={"kind": "predictions", "score": "score", "threshold": 0.5})
    frame = pd.read_csv(tmp_path / "set.csv", keep_default_na=False, na_values={"score": [""]})
    assert frame["score"].isna().tolist() == [False, True, False]
    more = [frame.assign(score=pd.array([0.5, None, 0.1], "Float64")), frame.astype({"score": object})]
    for table in (None, frame, *more):
        with open_evaluation_set(plan, tmp_path, table) as opened:
            number = run_check(opened.engine, opened.source, check_scores(opened.source, "score", (0.0, 1.0)))
            found = opened.connection.sql(f"SELECT {number} FROM source ORDER BY __row__").fetchall()
        assert found == [(0.5,), (None,), (0.1,)]


@pytest.mark.parametrize("name", ["set.csv", "set.jsonl", "set.parquet", "set.parquet.gz", "in memory"])
@pytest.mark.parametrize(("dual", "both"), [("any", "GHA+NGA"), ("primary", "NGA")])
def test_a_list_of_nationalities_is_the_same_set_as_a_text_of_them(
    name: str, dual: str, both: str, tmp_path: Path
) -> None:
    held = [["NGA", "GHA"], ["GHA"], [], None, ["NGA"], ["Nigerian", "NGA"]]
    texts = ["/".join(each) if each else None for each in held]
    cells: dict[str, list[Any]] = {**made_cells(len(held)), "nationality": texts if name == "set.csv" else held}
    feature = {"column": "nationality", "dual": dual, **({"separator": "/"} if name == "set.csv" else {})}
    table = pa.table({column: pa.array(values) for column, values in cells.items()})
    if name.startswith("set.parquet"):
        pq.write_table(table, tmp_path / "plain.parquet")
        packed = (tmp_path / "plain.parquet").read_bytes()
        (tmp_path / name).write_bytes(gzip.compress(packed) if name.endswith(".gz") else packed)
    elif name != "in memory":
        write_set(tmp_path / name, cells)
    plan = made_plan(None if name == "in memory" else name, groups={"nationality": feature})
    with open_evaluation_set(plan, tmp_path, table if name == "in memory" else None) as opened:
        assert opened.features[0].several == 1, "of the two lists one names a nationality twice"
        query = f"SELECT {opened.expressions['group_nationality']} FROM source ORDER BY __row__"
        raw = [row[0] for row in opened.connection.sql(query).fetchall()]
        assert [opened.codes["nationality"][value] for value in raw] == [
            both, "GHA", "unknown", "unknown", "NGA", "NGA",
        ]  # fmt: skip


@pytest.mark.parametrize("name", ["set.jsonl", "set.parquet"])
@pytest.mark.parametrize("cell", [["NGA", "Congo"], ["Congo", None]])
def test_a_list_of_which_one_item_cannot_be_read_is_refused(name: str, cell: list[str | None], tmp_path: Path) -> None:
    cells: dict[str, list[Any]] = {**made_cells(2), "nationality": [["NGA"], cell]}
    if name == "set.parquet":
        pq.write_table(pa.table({column: pa.array(values) for column, values in cells.items()}), tmp_path / name)
    else:
        write_set(tmp_path / name, cells)
    plan = made_plan(name, groups={"nationality": {"column": "nationality", "dual": "any"}})
    with pytest.raises(DataError, match='the nationality "nationality" is read as no nationality in row 2'):
        open_evaluation_set(plan, tmp_path)


@pytest.mark.parametrize("name", ["set.jsonl", "set.parquet"])
@pytest.mark.parametrize(("dual", "code"), [("any", "NGA+unknown"), ("primary", "NGA")])
def test_a_missing_item_of_a_list_is_an_unknown_nationality(name: str, dual: str, code: str, tmp_path: Path) -> None:
    cells: dict[str, list[Any]] = {**made_cells(3), "nationality": [["NGA", None], ["NGA", ""], ["NGA"]]}
    if name == "set.parquet":
        pq.write_table(pa.table({column: pa.array(values) for column, values in cells.items()}), tmp_path / name)
    else:
        write_set(tmp_path / name, cells)
    plan = made_plan(name, groups={"nationality": {"column": "nationality", "dual": dual}})
    with open_evaluation_set(plan, tmp_path) as opened:
        assert set(opened.codes["nationality"].values()) == {code, "NGA"}


def test_texts_of_jsonl_are_split_by_the_separator_and_lists_by_their_items(tmp_path: Path) -> None:
    held: list[Any] = ["NGA/GBR", ["NGA", "GBR"], "NGA", None]
    write_set(tmp_path / "set.jsonl", {**made_cells(4), "nationality": held})
    feature = {"column": "nationality", "separator": "/", "dual": "any"}
    with open_evaluation_set(made_plan("set.jsonl", groups={"nationality": feature}), tmp_path) as opened:
        assert set(opened.codes["nationality"].values()) == {"GBR+NGA", "NGA", "unknown"}
        assert opened.features[0].several == 2


@pytest.mark.parametrize("name", ["set.csv", "set.parquet"])
def test_several_in_a_text_need_a_separator(name: str, tmp_path: Path) -> None:
    write_set(tmp_path / name, made_cells())
    plan = made_plan(name, groups={"nationality": {"column": "nationality", "dual": "any"}})
    with pytest.raises(DataError, match="is a text and no list") as caught:
        open_evaluation_set(plan, tmp_path)
    assert caught.value.slug == "no-separator"


@pytest.mark.parametrize("cell", [["NGA", 4], [["NGA"]], {"a": 1}])
def test_a_list_of_anything_but_texts_is_refused(cell: Any, tmp_path: Path) -> None:
    write_set(tmp_path / "set.jsonl", {**made_cells(1), "nationality": [cell]})
    plan = made_plan("set.jsonl", groups={"nationality": {"column": "nationality", "dual": "any"}})
    with pytest.raises(DataError, match="line 1 has a list or an object"):
        open_evaluation_set(plan, tmp_path)
