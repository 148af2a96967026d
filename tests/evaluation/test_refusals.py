# ruff: noqa: E501, ISC004 - a line of a message is easier to compare when it is one line here
"""Every refusal of an evaluation set, with its exact line: what, where, what to do, and no content."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.sets import Cells, made_cells, made_plan, write_set

from audit.errors import AuditError, DataError, ExitCode, PlanError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.audit_plan import AuditPlan

HEADER = "case_id,exploited,gender,nationality,text\n"
GOOD = "a,1,woman,NGA,x\n"


def refusal(plan: AuditPlan, folder: Path) -> str:
    with pytest.raises(AuditError) as caught, open_evaluation_set(plan, folder):
        pass
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code is ExitCode.NOT_JUDGED
    return str(caught.value)


def change(column: str, *values: str | None) -> Callable[[Cells], None]:
    def apply(cells: Cells) -> None:
        cells[column][: len(values)] = values

    return apply


WHY = "; `audit7k codes` shows every value of the column, how it is read or why not, and writes a map to complete"
CELLS: list[tuple[Callable[[Cells], None], str]] = [
    (
        change("case_id", "case 4", None, "case 4"),
        'set.csv: no id in "case_id" in row 2 — every case needs an id of its own, so that none is lost or counted twice',
    ),
    (
        change("case_id", "case 2", "case 2", "case 4"),
        'set.csv: the id in "case_id" was seen before in rows 2 and 4 — every case needs an id of its own; name the '
        "column that tells cases apart, or remove true copies",
    ),
    (
        change("case_id", *["same"] * 9),
        'set.csv: the id in "case_id" was seen before in rows 2, 3, 4, 5, 6 and 3 more — every case needs an id of its '
        "own; name the column that tells cases apart, or remove true copies",
    ),
    (
        change("exploited", "1", "2", "maybe", " 1"),
        'set.csv: the label "exploited" is none of the declared values in rows 2, 3 and 4 — list every value under '
        "label_positive, label_negative or label_missing",
    ),
    (
        change("exploited", "1", "<5", "< 10"),
        'set.csv: "exploited" holds marks of suppression such as <5 instead of values in rows 2 and 3 — name a '
        "table of counts by `counts`, where hidden numbers have a meaning; where the mark is a value of its own, declare "
        "it in the plan",
    ),
    (
        change("gender", "F", "woman", "M"),
        'set.csv: the gender "gender" is none of woman, man, non-binary and unknown in rows 1 and 3 — say in '
        '[groups.gender] what such a value means, for example map = { F = "woman", M = "man" }, or that it is missing: '
        f"missing = [...]{WHY}",
    ),
    (
        change("nationality", "NA", "Congolese", "4", "SUN"),
        'set.csv: the nationality "nationality" is read as no nationality in rows 2, 3 and 4 — say in '
        '[groups.nationality] what such a value means, for example map = { Congolese = "COD" }, or that it is missing: '
        f"missing = [...]{WHY}",
    ),
    (
        change("nationality", "*"),
        'set.csv: "nationality" holds marks of suppression such as <5 instead of values in row 1 — name a '
        "table of counts by `counts`, where hidden numbers have a meaning; where the mark is a value of its own, declare "
        "it in the plan",
    ),
]


@pytest.mark.parametrize(("break_it", "line"), CELLS)
def test_a_cell_that_cannot_be_used(break_it: Callable[[Cells], None], line: str, tmp_path: Path) -> None:
    cells = made_cells(9)
    break_it(cells)
    write_set(tmp_path / "set.csv", cells)
    assert refusal(made_plan(), tmp_path) == line


@pytest.mark.parametrize("name", ["set.jsonl", "set.parquet", "set.csv.gz", "set.jsonl.zst"])
@pytest.mark.parametrize(("break_it", "line"), CELLS)
def test_the_same_in_every_format(break_it: Callable[[Cells], None], line: str, name: str, tmp_path: Path) -> None:
    cells = made_cells(9)
    break_it(cells)
    write_set(tmp_path / name, cells)
    assert refusal(made_plan(name), tmp_path) == line.replace("set.csv", name)


FORM = "fetch or export it again; give it a name that says what is in it, such as .csv"
QUOTES = "export it again with quotes around cells that hold delimiters, quotes or line ends; check `delimiter` in the plan or design"
ROWS = "nothing can be judged without labelled cases; check that the export worked"
CODEC = (
    'write the one that the file is in: encoding = "cp1252" in a plan, or --encoding cp1252 with init and codes; others are latin-1, '
    "utf-16 and, without a byte order mark, utf-16-le"
)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", f"set.csv is empty — {ROWS}"),
        (HEADER.encode(), f"set.csv has no rows — {ROWS}"),
        (b"\n", f"set.csv has no rows — {ROWS}"),
        (
            b"case_id,gender,exploited,gender\na,b,1,c\n",
            "set.csv: columns 2 and 4 have the same name — give every column its own name in the first line",
        ),
        (
            b"case_id,__row__\na,1\n",
            "set.csv: a column is called __row__, the name that this tool gives to row numbers — rename the column",
        ),
        (
            (HEADER + GOOD + "b,1,woman,NGA\n").encode(),
            f"set.csv: line 3 has 4 cells where the header has 5 — {QUOTES}",
        ),
        (
            (HEADER + GOOD + "b,1,woman,NGA,x,y\n").encode(),
            f"set.csv: line 3 has 6 cells where the header has 5 — {QUOTES}",
        ),
        (
            (HEADER + 'a,1,woman,NGA,"two\nlines"\nb,1\n').encode(),
            f"set.csv: line 4 has 2 cells where the header has 5 — {QUOTES}",
        ),
        ((HEADER + GOOD + "\n" + "b,1,woman,NGA,x\n").encode(), f"set.csv: line 3 is empty — {QUOTES}"),
        (
            (HEADER + GOOD + 'b,1,woman,NGA,"never closed\nc,1,man,NGA,x\n').encode(),
            f"set.csv: line 4 closes or opens a quote where none can be, or never closes it — {QUOTES}",
        ),
        (
            (HEADER + 'a,1,woman,NGA,"quoted"not\n').encode(),
            f"set.csv: line 2 closes or opens a quote where none can be, or never closes it — {QUOTES}",
        ),
        (
            (HEADER + GOOD + "b,1,woman,NGA,caf\xe9\n").encode("latin-1"),
            f"set.csv: line 3 has a byte that is not utf-8 — {CODEC}",
        ),
        ((HEADER + GOOD).encode("utf-16"), f"set.csv: line 1 has a byte that is not utf-8 — {CODEC}"),
        (
            gzip.compress((HEADER + GOOD * 500).encode(), mtime=0)[:-9],
            f"set.csv cannot be read: it is damaged, cut short, or of another format — {FORM}",
        ),
        (
            gzip.compress((HEADER + GOOD).encode(), mtime=0) + b"more",
            f"set.csv cannot be read: it is damaged, cut short, or of another format — {FORM}",
        ),
    ],
)
def test_a_csv_file_that_cannot_be_read(content: bytes, line: str, tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_bytes(content)
    assert refusal(made_plan(), tmp_path) == line


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([GOOD] * 20_000 + ["a,b\n"], 20_002),
        (['a,1,man,NA,"x\r\ny\rz\n"\n'] * 20_000 + ["a,b\n"], 80_002),
        ([GOOD] * 16_384 + ["a,b\n"], 16_386),
    ],
)
def test_the_line_of_a_row_far_down(rows: list[str], line: int, tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text(HEADER + "".join(rows), newline="")
    assert refusal(made_plan(), tmp_path) == f"set.csv: line {line} has 2 cells where the header has 5 — {QUOTES}"


def test_empty_lines_may_end_a_file_and_may_not_stand_before_a_row(tmp_path: Path) -> None:
    rows = "".join(f"{row},1,woman,NGA,x\n" for row in range(16_380))
    for blank in (1, 5, 20_000):
        (tmp_path / "set.csv").write_text(HEADER + rows + "\n" * blank)
        with open_evaluation_set(made_plan(), tmp_path) as opened:
            assert opened.rows == 16_380
        (tmp_path / "set.csv").write_text(HEADER + rows + "\n" * blank + GOOD)
        assert refusal(made_plan(), tmp_path) == f"set.csv: line 16382 is empty — {QUOTES}"


JSONL = 'write one object a line, such as {"case_id": "17", "label": 1}, with null for what is missing'


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\n\n", f"set.jsonl has no rows — {ROWS}"),
        (b'{"case_id": "a"\n', f"set.jsonl: line 1 is not valid JSON — {JSONL}"),
        (b"[1, 2]\n", f"set.jsonl: line 1 is not a JSON object — {JSONL}"),
        (b'{"case_id": 1, "case_id": 2}\n', f"set.jsonl: line 1 has a key twice — {JSONL}"),
        (b'{"x": {"y": 1, "y": 2}}\n', f"set.jsonl: line 1 has a key twice — {JSONL}"),
        (b'{"x": 1}\n{"x": NaN}\n', f"set.jsonl: line 2 holds NaN, Infinity or a number beyond all floats — {JSONL}"),
        (b'{"x": -Infinity}\n', f"set.jsonl: line 1 holds NaN, Infinity or a number beyond all floats — {JSONL}"),
        (b'{"x": 1e999}\n', f"set.jsonl: line 1 holds NaN, Infinity or a number beyond all floats — {JSONL}"),
        (b'{"x": 1}\n\n{"x": 1}\n', f"set.jsonl: line 2 is empty — {JSONL}"),
        (b'{"case_id": ["a"]}\n', f'set.jsonl: line 1 has a list or an object in "case_id" — {JSONL}'),
        (b'{"x": ' + b"[" * 100_000 + b"\n", f"set.jsonl: line 1 is not valid JSON — {JSONL}"),
        (b'{"x": ' + b"9" * 5000 + b"}\n", f"set.jsonl: line 1 is not valid JSON — {JSONL}"),
        (
            b'{"case_id": "a"}\n{"case_id": "\\ud800"}\n',
            "set.jsonl: row 2 holds half of a surrogate pair, no character — export the file again with whole characters",
        ),
        (b'{"x": 1}\n{"x": "\xff"}\n', f"set.jsonl: line 2 has a byte that is not utf-8 — {CODEC}"),
        (
            b'{"case_id": "a", "gender": "man"}\n',
            'set.jsonl has no column "exploited" (evaluation_set.label), nor 2 more that are asked for — the file has '
            "2 columns; write the name as it stands there",
        ),
    ],
)
def test_a_jsonl_file_that_cannot_be_read(content: bytes, line: str, tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_bytes(content)
    assert refusal(made_plan("set.jsonl"), tmp_path) == line


def test_a_parquet_file_that_is_damaged(tmp_path: Path) -> None:
    path = write_set(tmp_path / "set.parquet", made_cells(5000))
    whole = path.read_bytes()
    line = f"set.parquet cannot be read: it is damaged, cut short, or of another format — {FORM}"
    for content in (whole[:-1], whole[:1000], whole[: len(whole) // 2], b"PAR1", b"PAR1" + b"\0" * 99 + b"PAR1"):
        path.write_bytes(content)
        assert refusal(made_plan("set.parquet"), tmp_path) == line
    path.write_bytes(whole[:100] + b"\xff" * 4000 + whole[4100:])  # the footer is whole, the columns are not
    assert refusal(made_plan("set.parquet"), tmp_path) == line


def test_a_parquet_file_with_a_column_twice_or_none_at_all(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["case_id", "case_id"])
    pq.write_table(twice, tmp_path / "set.parquet")
    assert refusal(made_plan("set.parquet"), tmp_path) == (
        "set.parquet: columns 1 and 2 have the same name — give every column its own name in the first line"
    )
    pq.write_table(pa.table({"file_row_number": [1], **{k: ["1"] for k in made_cells()}}), tmp_path / "set.parquet")
    assert refusal(made_plan("set.parquet"), tmp_path) == (
        "set.parquet: a column is called file_row_number, the name that DuckDB gives to row numbers — rename the column"
    )
    write_set(tmp_path / "set.parquet", {name: [] for name in made_cells()})
    assert refusal(made_plan("set.parquet"), tmp_path) == f"set.parquet has no rows — {ROWS}"


def test_columns_of_types_that_are_no_text(tmp_path: Path) -> None:
    good = pa.table({name: pa.array(column, pa.string()) for name, column in made_cells(2).items()})
    for name, column, what in (
        ("case_id", pa.array([b"a", b"b"]), 'the id column "case_id" is stored as BLOB'),
        ("exploited", pa.array([[1], [0]]), 'the label column "exploited" is stored as BIGINT[]'),
        ("gender", pa.array([1, 2], pa.timestamp("s")), 'the gender column "gender" is stored as TIMESTAMP'),
        ("case_id", pa.array([0.5, 2.0**53]), None),
    ):
        pq.write_table(good.set_column(good.column_names.index(name), name, column), tmp_path / "set.parquet")
        line = refusal(made_plan("set.parquet"), tmp_path)
        if what is None:
            assert line == (
                'set.parquet: ids in "case_id" were stored as floats, and are too large to be exact in row 2 — export '
                "them again as text or as integers: distinct ids may have become equal"
            )
        else:
            assert line == f"set.parquet: {what} — store it as text, as an integer or as true and false"


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    cells = made_cells()
    write_set(tmp_path / "set.csv", {"Exploited" if name == "exploited" else name: cells[name] for name in cells})
    assert refusal(made_plan(), tmp_path) == (
        'set.csv has no column "exploited" (evaluation_set.label) — the nearest is "Exploited"'
    )
    write_set(tmp_path / "set.csv", {f"{place}": column for place, column in enumerate(cells.values())})
    assert refusal(made_plan(), tmp_path) == (
        'set.csv has no column "case_id" (evaluation_set.id), nor 4 more that are asked for — it has none of the '
        "columns that are asked for: is the first line a header?"
    )
    (tmp_path / "set.csv").write_text((HEADER + GOOD).replace(",", ";"))
    assert refusal(made_plan(), tmp_path) == (
        'set.csv has no column "case_id" (evaluation_set.id), nor 4 more that are asked for — the file has a single '
        "column: write the `delimiter` that it uses"
    )


def _in_one_frame(piece: bytes, times: int) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        for _ in range(times):
            stream.write(piece)
    content: bytes = packed.getvalue().to_pybytes()
    return content


def test_a_small_file_that_unpacks_to_work_for_hours_is_refused_in_seconds(tmp_path: Path) -> None:
    said = (
        " is compressed, and holds more than 2 GiB or 25,000,000 rows — if it really holds so many cases, unpack it and "
        "name the plain file"
    )
    packed = {
        "rows.csv.gz": gzip.compress(HEADER.encode()) + gzip.compress(b"a,1,woman,NGA,x\n" * 100_000) * 260,
        "bytes.jsonl.zst": _in_one_frame(b" " * (1 << 22), 513),
    }
    for name, content in packed.items():
        (tmp_path / name).write_bytes(content)
        assert len(content) < 4 << 20
        began = time.process_time()
        assert refusal(made_plan(name), tmp_path) == name + said
        assert time.process_time() - began < 60
    pq.write_table(pa.table({column: pa.nulls(25_000_001) for column in made_cells()}), tmp_path / "rows.parquet")
    assert refusal(made_plan("rows.parquet"), tmp_path) == "rows.parquet" + said


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert refusal(made_plan(), tmp_path) == (
        "set.csv does not exist — check the path; one in a plan is relative to the folder of the plan"
    )
    (tmp_path / "set.csv").symlink_to("set.csv")
    assert refusal(made_plan(), tmp_path) == "set.csv is a link that leads to no file — name the file itself"
    (tmp_path / "set.csv").unlink()
    (tmp_path / "set.csv").mkdir()
    assert refusal(made_plan(), tmp_path) == (
        "set.csv holds no Parquet file — name the folder that holds .parquet files, or one file"
    )
    (tmp_path / "set.dat").write_text(HEADER + GOOD)
    assert refusal(made_plan("set.dat"), tmp_path) == (
        "set.dat: its name does not say which format it is in — give it a name that ends in .csv, .xlsx, "
        ".xls, .ods, .parquet or .jsonl, as what is in it says"
    )
    assert refusal(made_plan(None), tmp_path) == (
        'the plan names no evaluation set — write path = "..." in [evaluation_set], or pass a table in Python'
    )


@pytest.mark.parametrize(
    ("section", "line"),
    [
        (
            {"encoding": "utf-9"},
            'set.csv: there is no encoding "utf-9" — write for example encoding = "cp1252" in a plan, or --encoding cp1252 with init and codes; '
            "there are also utf-8, latin-1 and utf-16",
        ),
        (
            {"encoding": "base64"},
            'set.csv: there is no encoding "base64" — write for example encoding = "cp1252" in a plan, or --encoding cp1252 with init and codes; '
            "there are also utf-8, latin-1 and utf-16",
        ),
        ({"encoding": "utf-16"}, f"set.csv: line 1 has a byte that is not utf-16 — {CODEC}"),
        ({"encoding": "undefined"}, f"set.csv: line 1 has a byte that is not undefined — {CODEC}"),
        (
            {"delimiter": '"'},
            'set.csv: the delimiter cannot be a quote or a line end — write for example delimiter = ";" or delimiter = "\\t"',
        ),
        (
            {"numbers": ["text"]},
            'set.csv: the number "text" is no number in row 1 — write numbers without spaces, and with a decimal point unless '
            'decimal = ","; only scores may be in per cent, with score_range = [0, 100]; '
            '"nan" and "inf" are no numbers, and an empty cell is a missing one',
        ),
        (
            {"numbers": ["pay"]},
            'set.csv has no column "pay" (evaluation_set.numbers) — the file has 5 columns; write the name as it stands '
            "there",
        ),
    ],
)
def test_what_a_plan_says_wrongly_about_a_file(section: dict[str, object], line: str, tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text(HEADER + GOOD)
    assert refusal(made_plan(evaluation_set=section), tmp_path) == line


def test_a_map_to_something_that_is_no_nationality(tmp_path: Path) -> None:
    groups = {"nationality": {"column": "nationality", "map": {"Kosovar": "Kosovo"}}}
    with pytest.raises(PlanError) as caught:
        open_evaluation_set(made_plan(groups=groups), tmp_path)
    assert str(caught.value) == (
        'groups.nationality.map: Kosovar = "Kosovo" names no nationality code — write an ISO 3166-1 code, XXA, XXB, '
        "XXC, XXX, unknown, or a code that ISO leaves to users, such as XKX"
    )


def test_columns_that_differ_only_in_case_are_used_or_not(tmp_path: Path) -> None:
    cells: Cells = {**made_cells(), "Text": ["x"] * 4}
    for name in ("set.csv", "set.jsonl", "set.parquet"):
        write_set(tmp_path / name, cells)
        with open_evaluation_set(made_plan(name), tmp_path) as opened:
            assert opened.connection.sql('SELECT "text" FROM source').fetchall()[0] == ("advert 0",)
        detector = {"kind": "python", "entry": "m:f", "features": ["text", "Text"], "threshold": 0.5}
        assert refusal(made_plan(name, detector=detector), tmp_path) == (
            f'{name}: the columns "text" and "Text" differ only in upper and lower case — rename one of them'
        )


def test_a_file_that_changes_meanwhile(tmp_path: Path) -> None:
    path = write_set(tmp_path / "set.parquet", made_cells())
    with open_evaluation_set(made_plan("set.parquet"), tmp_path) as opened:
        opened.check_unchanged()
        write_set(path, made_cells(5))
        with pytest.raises(DataError) as caught:
            opened.check_unchanged()
    assert str(caught.value) == (
        "set.parquet changed while it was read — let whatever writes it finish, then run the audit again"
    )


def test_a_column_of_ids_is_no_nationality(tmp_path: Path) -> None:
    write_set(tmp_path / "set.csv", made_cells(10_001))
    groups = {"nationality": {"column": "text"}}
    assert refusal(made_plan(groups=groups), tmp_path) == (
        'set.csv: "text" has more than 10,000 different values — name the column that holds labels or groups, not '
        "one of ids, dates or free text"
    )


def test_another_file_than_the_sealed_one_is_refused(tmp_path: Path) -> None:
    import hashlib

    path = write_set(tmp_path / "set.csv", made_cells(6))
    seal = hashlib.sha256(path.read_bytes()).hexdigest()
    sealed = made_plan(evaluation_set={"sha256": seal})
    open_evaluation_set(sealed, tmp_path).close()
    path.write_bytes(path.read_bytes().replace(b"woman", b"man", 1))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert refusal(sealed, tmp_path) == (
        f"set.csv is not the set that the plan was written for: its SHA-256 begins with {found[:12]}, the plan's with {seal[:12]} — use the file that was sealed; if the set was meant to change, that is another audit: write its own seal"
    )


def test_a_table_in_memory_breaks_no_seal_unseen() -> None:
    plan = made_plan(None, evaluation_set={"sha256": "0" * 64})
    table = pa.table({name: pa.array(column, pa.string()) for name, column in made_cells(6).items()})
    with pytest.raises(PlanError, match="a table in memory has none"):
        open_evaluation_set(plan, Path(), table)


def test_a_reference_that_nobody_in_the_set_has_is_refused_before_anything_is_scored(tmp_path: Path) -> None:
    write_set(tmp_path / "set.csv", made_cells(6))
    groups = {"gender": {"column": "gender", "reference": "man"}}
    open_evaluation_set(made_plan(groups=groups), tmp_path).close()
    groups["gender"]["reference"] = "non-binary"
    assert refusal(made_plan(groups=groups), tmp_path) == (
        "groups.gender.reference names a level that nobody in the set has — write one of the levels as reports name them by code; the set has 3"
    )
