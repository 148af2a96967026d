"""Properties: whatever a table holds, every format gives the counts of a slow count in Python, and no row is lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.sets import Cells, canonical_rows, made_cells, made_plan, write_set

from audit.engines.duckdb import DuckDBEngine
from audit.errors import AuditError
from audit.evaluation.cell_values import is_suppressed
from audit.evaluation.checks import run_check
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.ids import check_ids
from audit.evaluation.relation import Relation

NASTY = st.sampled_from(
    [
        *("", " ", "NA", "null", "nan", "a,b", 'say "x"', "two\nlines", "two\r\nlines", "\ttab", "'; DROP TABLE t; --"),
        *(
            "é",
            "e\u0301",
            "ﬁ",
            "\u200b",
            "\x00",
            "\ufeff",
            "\u2028",
            "Türkiye",
            "=1+1",
            "0",
            "00",
            "1.0",
            "-",
            "\\N",
            "#",
        ),
    ]
)
TEXTS = NASTY | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
CODES = {"NA": "NAM", "nga": "NGA", "004": "AFG", "XXA": "XXA", None: "unknown", "": "unknown", "-99": "unknown"}
GENDERS = {"woman": "woman", "MAN": "man", "K": "woman", None: "unknown", "": "unknown"}
LABELS = {"1": 1, "Yes": 1, "0": 0, "": None, None: None, "?": None}

GROUPS = {
    "gender": {"column": "gen der", "map": {"K": "woman"}},
    "nationality": {"column": 'nation"ality', "missing": ["-99"]},
    "site": {"column": "site\nof work"},
}
SECTION = {
    "label_positive": ["1", "yes"],
    "label_negative": ["0"],
    "label_missing": ["?"],
    "id": "id;",
    "label": "étiquette",
}


@st.composite
def tables(draw: st.DrawFn) -> Cells:
    rows = draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[str | None]) -> list[str | None]:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    ids: list[str | None] = [*draw(st.lists(TEXTS.filter(bool), min_size=rows, max_size=rows, unique=True))]
    sites = st.none() | TEXTS.filter(lambda text: not is_suppressed(text))
    return {
        "id;": ids,
        "étiquette": column(st.sampled_from(list(LABELS))),
        "gen der": column(st.sampled_from(list(GENDERS))),
        'nation"ality': column(st.sampled_from(list(CODES))),
        "site\nof work": column(sites),
        "text": column(st.none() | TEXTS),
    }


def slow_count(cells: Cells) -> Counter[tuple[object, ...]]:
    rows = zip(cells["étiquette"], cells["gen der"], cells['nation"ality'], cells["site\nof work"], strict=True)
    return Counter(
        (LABELS[label], GENDERS[gender], CODES[code], site or "unknown") for label, gender, code, site in rows
    )


@given(tables(), st.sampled_from(["csv", "jsonl", "parquet", "csv.gz", "jsonl.zst"]))
def test_any_table_in_any_format_is_counted_as_python_counts_it(cells: Cells, suffix: str) -> None:
    plan = made_plan(f"set.{suffix}", evaluation_set=SECTION, groups=GROUPS)
    with TemporaryDirectory() as folder:
        write_set(Path(folder) / f"set.{suffix}", cells)
        with open_evaluation_set(plan, Path(folder)) as opened:
            counted = canonical_rows(opened)
            ids = opened.connection.sql(
                f"SELECT {opened.expressions['case_id']} FROM source ORDER BY __row__"
            ).fetchall()
    assert counted == slow_count(cells)
    assert sum(counted.values()) == len(cells["id;"]) == opened.rows
    assert [row[0] for row in ids] == cells["id;"]


def opened_or_refused(name: str, folder: Path) -> None:
    """A set opens with every row counted, or is refused in one line; nothing else happens."""
    try:
        with open_evaluation_set(made_plan(name), folder) as opened:
            assert sum(canonical_rows(opened).values()) == opened.rows > 0
    except AuditError as error:
        if "\n" in str(error):
            raise


@given(
    st.sampled_from(["set.csv", "bare.csv", "set.jsonl", "set.parquet"]),
    st.binary(max_size=200) | st.text(st.sampled_from('ab,"\n\r;{}[]:1 '), max_size=60).map(str.encode),
)
def test_any_bytes_are_read_or_refused_in_one_line(name: str, content: bytes) -> None:
    header = b"case_id,exploited,gender,nationality,text\n"
    starts = {"set.csv": header, "bare.csv": b"", "set.jsonl": b"", "set.parquet": b"PAR1"}
    with TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(starts[name] + content)
        opened_or_refused(name, Path(folder))


@given(st.data())
def test_a_damaged_parquet_file_is_refused_or_loses_no_row(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = write_set(Path(folder) / "set.parquet", made_cells(300))
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(4, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        opened_or_refused("set.parquet", Path(folder))


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_a_refusal_does_not_depend_on_the_number_of_threads(threads: int, tmp_path: Path) -> None:
    cells = made_cells(300_000)
    cells["case_id"][250_000:] = cells["case_id"][:50_000]
    path = write_set(tmp_path / "set.parquet", {"case_id": cells["case_id"]})
    with DuckDBEngine([path]) as engine:
        engine.execute(f"SET threads = {threads}")
        engine.execute(
            f"CREATE VIEW source AS SELECT *, file_row_number + 1 AS __row__ "
            f"FROM read_parquet('{path}', file_row_number = true)"
        )
        relation = Relation("source", "set.parquet", ("case_id",), {"case_id": "VARCHAR"}, frozenset(), 300_000, None)
        with pytest.raises(AuditError) as caught:
            run_check(engine, relation, check_ids(relation, "case_id"))
    assert "in rows 250001, 250002, 250003, 250004, 250005 and 49995 more —" in str(caught.value)
