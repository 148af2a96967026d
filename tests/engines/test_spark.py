"""A real Apache Spark counts what a laptop counts, to the byte; `make spark` runs this."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.lake_plans import PLANS, made_lake
from made.lake_statements import statements_of_plans

from audit.counting import score_table
from audit.counting.count import FinestGroups
from audit.counting.score_table import count_score_ranks
from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import Found, Holding, Question, Repeats, Values, identifier
from audit.engines.spark import SparkEngine
from audit.errors import AuditError, DataError, PlanError, StorageError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.ids import cases_digest
from audit.evaluation.relation import Relation, text_of
from audit.plan.file.plan_file import read_plan_file
from audit.result.json_text import result_sha256
from audit.run import run_audit
from audit.stages import Scope
from audit.stats.auc import RankedCases

pytest.importorskip("pyspark", reason="the extra spark is not installed; `make spark` runs this")

# py4j leaves its sockets to the end of the process
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

CANARY = "canary-7f31"
RNG = np.random.default_rng(1)
TEXTS = [
    "", " ", "a", "A", "\u00a0", "İ", "i̇", "ß", "ss", "😀", "a\\b", "a'b", 'a"b', "`a`", "a\nb", "NaN", "null", "1.0",
    "1", "007", "1e5", "%", "_", "é", "e\u0301", "\x1f", "ａ", "${spark.master}",
]  # fmt: skip
NO_UTF_8 = pa.Array.from_buffers(pa.string(), 4, pa.array([b"\xff", b"man", b"man", b"man"]).buffers())
NUMBERS = [0.0, -0.0, 0.5, 1.0, 0.1 + 0.2, 1e-06, 5e-324, 0.999999, 0.4999999, 0.500001, None, 1.0, 0.005]


@pytest.fixture(scope="module")
def engine() -> Iterator[SparkEngine]:
    """One session of a Spark on this machine."""
    opened = SparkEngine.at(None)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set in three files, and nine plans on it."""
    folder = tmp_path_factory.mktemp("lake")
    made_lake(folder)
    return folder


def on_spark(plan: Path) -> Path:
    there = plan.with_name(f"{plan.stem}-on-spark.toml")
    there.write_text(plan.read_text() + '[engine]\nkind = "spark"\n')
    return there


STATEMENTS_OF = {
    "plain": 12, "weights": 13, "strata": 14, "levels": 15, "decisions": 12, "sample": 16, "forms": 21,
    "everything": 24, "baseline": 23,
}  # fmt: skip
"""Statements of a run, the two of the self-test and the view of the scored set among them."""


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", PLANS)
def test_a_plan_has_the_same_result_on_spark(name: str, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[pa.Table] = []
    ask = SparkEngine._ask

    def remembered(engine: SparkEngine, text: str) -> Any:
        asked.append((answer := ask(engine, text)).to_arrow_table())
        return answer

    monkeypatch.setattr(SparkEngine, "_ask", remembered)
    here, there = (run_audit(path) for path in (lake / f"{name}.toml", on_spark(lake / f"{name}.toml")))
    assert len(asked) <= STATEMENTS_OF[name]
    of_rows = [table for table in asked if {"case_id", "id", "score"} & set(table.column_names)]
    assert len(of_rows) == (name == "baseline"), "no id and no score comes back, but those of a baseline"
    assert result_sha256(here) == result_sha256(there)
    for key in ("plan_sha256", "evaluation_set_sha256", "evaluation_set_digest_of", "cases_sha256"):
        assert getattr(here.provenance, key) == getattr(there.provenance, key)
    assert here.provenance.counted_on is None
    assert str(there.provenance.counted_on).startswith("Apache Spark ")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows that engines are known to read differently."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = [(text, number) for text in TEXTS for number in NUMBERS]
    table = pa.table(
        {
            "id": [f"{place} {text}" for place, (text, _) in enumerate(rows)],
            "text": [text for text, _ in rows],
            "score": pa.array([number for _, number in rows], pa.float64()),
            "wide": pa.array([2**53 + place for place in range(len(rows))], pa.int64()),
            "small": pa.array([place % 100 - 50 for place in range(len(rows))], pa.int8()),
            "yes": [None if place % 7 == 0 else place % 2 == 0 for place in range(len(rows))],
            "odd": pa.array([math.nan, math.inf, -math.inf, None, -0.0] * (len(rows) // 5) + [0.0] * (len(rows) % 5)),
            "units": pa.array([2**30 - 1 - place for place in range(len(rows))], pa.int64()),
        }
    )
    for place in range(2):
        pq.write_table(table.slice(place * 100, 100 if place == 0 else None), folder / f"{place}.parquet")
    return folder


STATEMENTS = [
    'SELECT DISTINCT value FROM (SELECT DISTINCT "text" AS value FROM "source" LIMIT 10002)',
    *(f'SELECT {text_of(identifier(name), kind)} AS value, count(*) AS cases FROM "source" GROUP BY 1'
      for name, kind in (("text", "VARCHAR"), ("wide", "BIGINT"), ("small", "TINYINT"), ("yes", "BOOLEAN"))),
    """SELECT "text" AS t, sum((score + 4294967296.0) - 4294967296.0) AS s, count(*) AS n FROM "source" GROUP BY 1""",
    """SELECT CAST(floor(score * 200.0 + 1e-09) AS SMALLINT) AS b, count(*) AS n FROM "source" GROUP BY 1""",
    """SELECT CASE WHEN score IS NULL THEN 200 ELSE least(CAST(floor(score * 200.0 + 1e-09) AS SMALLINT), 199) END AS b,
       count(*) AS n FROM "source" GROUP BY 1""",
    """SELECT CASE WHEN ("score") >= '0.5'::DOUBLE THEN 0::TINYINT WHEN ("score") IS NULL THEN 2::TINYINT
       ELSE 1::TINYINT END AS d, count(*) AS n FROM "source" GROUP BY 1""",
    """SELECT count(*) FILTER (WHERE "odd" IS NOT NULL AND NOT isfinite("odd")) AS n FROM "source" """,
    """SELECT count(*) FILTER (abs(("score") - '0.5'::DOUBLE) <= 1e-06::DOUBLE) AS n FROM source""",
    """SELECT sum((units * units) >> 30) AS high, sum((units * units) & 1073741823) AS low FROM source""",
    """SELECT sum(CAST((units * units) >> 20 AS DECIMAL(19, 0)) * CAST((units * units) >> 20 AS DECIMAL(19, 0))) AS f
       FROM source""",
    """SELECT greatest(CAST(round("score" / CAST(3.725290298461914e-09 AS DOUBLE)) AS BIGINT), 1) AS u, count(*) AS n
       FROM source WHERE score IS NOT NULL GROUP BY 1""",
    """SELECT CASE WHEN "text" IS NULL OR "text" IN ('', 'a\\b') THEN 'un''known' ELSE "text" END AS c, count(*) AS n
       FROM source GROUP BY 1""",
    """SELECT COALESCE("text" IN ('😀', 'İ', '${spark.master}'), FALSE) AS c, count(*) AS n FROM source GROUP BY 1""",
    """SELECT md5('audit7k subgroup scan: ' || id) >= '8' AS half, count(*) AS n FROM source GROUP BY 1""",
    """SELECT NULLIF("text", '') AS c, count(*) AS n FROM source GROUP BY 1""",
]  # fmt: skip


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_means_the_same_in_both_engines(statement: str, engine: SparkEngine, hostile: Path) -> None:
    files = sorted(hostile.glob("*.parquet"))
    engine.open("source", files, hostile, None)
    with duckdb.connect() as here:
        here.execute(f"CREATE VIEW source AS SELECT * FROM read_parquet({[str(file) for file in files]})")
        expected = here.execute(statement).fetchall()
    assert sorted(map(repr, _plain(engine.execute(statement).fetchall()))) == sorted(map(repr, _plain(expected)))


def _plain(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(int(cell) if hasattr(cell, "as_tuple") else cell for cell in row) for row in rows]


CELLS: dict[str, list[Any]] = {
    "id": TEXTS, "label": [0, 1, None, -1], "gender": TEXTS, "nationality": TEXTS, "score": NUMBERS,
    "before": NUMBERS, "flagged": [True, False, None], "weight": [1.0, 1e-6, 1e6, 0.1 + 0.2], "stratum": TEXTS,
    "source": TEXTS, "drawn": TEXTS, "age": TEXTS, "level": [0, 4, None, -1],
    "kind": TEXTS, "form": TEXTS,
}  # fmt: skip


class Asked(NamedTuple):
    """Everything that engines are asked in nine plans, and the schema of the set that it is about."""

    statements: list[str]
    questions: list[Question]
    schema: pa.Schema


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Nine audits on a laptop, as it was asked for them."""
    folder, questions = tmp_path_factory.mktemp("asked"), list[Question]()
    said = statements_of_plans(folder, questions)  # Spark makes a view of what the names mean at that time
    statements = [text for place, text in enumerate(said) if text.startswith("CREATE") or text not in said[:place]]
    return Asked(statements, [*dict.fromkeys(questions)], pq.read_schema(folder / "set" / "part-0.parquet"))


@pytest.mark.parametrize("odd", [{}, {"score": [math.nan], "label": [2**53]}, {"weight": [math.nan, math.inf]}])
def test_everything_that_is_asked_means_the_same_over_hostile_rows(
    odd: dict[str, list[Any]], asked: Asked, engine: SparkEngine, tmp_path: Path
) -> None:
    file, cells = tmp_path / "hostile.parquet", {name: of + odd.get(name, []) for name, of in CELLS.items()}
    rows = {name: [of[place] for place in RNG.integers(0, len(of), 500)] for name, of in cells.items()}
    pq.write_table(pa.table(rows, schema=asked.schema), file)
    engine.open("source", [file], tmp_path, None)
    codes = pa.array([place % 4 for place in range(len(TEXTS))], pa.int8())
    with DuckDBEngine([file]) as here:
        scan = f"read_parquet('{file}', file_row_number = true)"
        here.execute(f"CREATE VIEW source AS SELECT *, file_row_number AS __row__ FROM {scan}")
        for each in (here, engine):
            each.register("answered_then", pa.table({"case_id": TEXTS, "decision": codes}))
        answered = [(_answer(here, text), _answer(engine, text)) for text in asked.statements]
        questions = [each for each in asked.questions if not isinstance(each, Holding)]
        found = zip(here.answers("source", questions), engine.answers("source", questions), strict=True)
    assert [one for one, _ in answered] == [other for _, other in answered]
    assert len([one for one, _ in answered if one is not None]) > (15 if odd else 25)
    assert len(questions) > 10
    for question, (one, other) in zip(questions, found, strict=True):
        # of a comparison with NaN DuckDB decides by the statistics of the file; that it is not finite is said before
        if "score" not in odd or '"score" ' not in repr(question) or "isfinite" in repr(question):
            assert _number(one) == _number(other), question


def _number(found: Any) -> Any:
    """The part of an answer that is the same on both engines: Spark has no numbers of rows, and no order."""
    if isinstance(found, list):
        return set(found)
    return found.number if isinstance(found, Found) else repr(found)


def _answer(engine: Any, text: str) -> list[str] | None:
    """Rows in order of an answer; None where the engine refuses to answer."""
    try:
        rows = engine.execute(text).fetchall()
    except (duckdb.Error, StorageError):
        return None
    zero = [tuple(0.0 if cell == 0 else cell for cell in row) for row in _plain(rows)]
    return [] if text.startswith("CREATE") else sorted(map(repr, zero))


def test_ids_have_the_digest_of_a_laptop_and_repeats_are_counted(engine: SparkEngine, hostile: Path) -> None:
    files = sorted(hostile.glob("*.parquet"))
    engine.open("source", files, hostile, None)
    relation = Relation("source", "x", ("id",), {"id": "VARCHAR"}, frozenset(), 300, None)
    with DuckDBEngine(files) as here:
        here.execute(f"CREATE VIEW source AS SELECT * FROM read_parquet({[str(file) for file in files]})")
        assert cases_digest(engine, relation, '"id"') == cases_digest(here, relation, '"id"')
    ids, texts = engine.answers("source", [Repeats(text, None, 300, "x") for text in ('"id"', '"text"')])
    assert (ids.number, texts.number) == (0, len(TEXTS) * (len(NUMBERS) - 1))


NEXT = np.nextafter(0.3, 1)
SHAPES = {
    "all different": RNG.random(3_000),
    "doubles in a row": RNG.choice([0.3, NEXT, np.nextafter(NEXT, 1)], 3_000),
    "both zeros": np.where(RNG.random(3_000) < 0.3, RNG.choice([0.0, -0.0], 3_000), RNG.random(3_000)),
    "nearly all below a millionth": RNG.random(3_000) ** 40,
}


@pytest.mark.parametrize("most", [0, 1_000_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_scores_are_ranked_as_on_a_laptop(
    shape: str, most: int, engine: SparkEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_table, "MOST_RANKED", most)
    monkeypatch.setattr(score_table, "STEPS", 50)
    score = [None if place % 101 == 0 else value for place, value in enumerate(SHAPES[shape].tolist())]
    table = pa.table(
        {
            "group_g": [["a", "b", None][place] for place in RNG.integers(0, 3, len(score))],
            "label": pa.array([[0, 1, None][place] for place in RNG.integers(0, 3, len(score))], pa.int8()),
            "score": pa.array(score, pa.float64()),
        }
    )
    file = tmp_path / "scored.parquet"
    pq.write_table(table, file)
    engine.open("scored", [file], tmp_path, None)
    with DuckDBEngine([file]) as here:
        here.execute(f"CREATE VIEW scored AS SELECT * FROM read_parquet('{file}')")
        codes = {"g": {"a": "A", "b": "B", None: "unknown"}}
        finest, _ = FinestGroups.of(here.sql("SELECT DISTINCT group_g FROM scored").to_arrow_table(), codes)
        ((rows,),) = here.execute("SELECT count(label) FROM scored WHERE score IS NOT NULL").fetchall()
        places = np.arange(len(finest.codes))
        counted = (count_score_ranks(each, "scored", finest, rows, (0.0, 1.0)) for each in (here, engine))
        one, other = (ranks.of_groups(places, places.size) for ranks in counted)
    for name in RankedCases.__slots__:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_a_column_of_ids_hides_no_values_of_others(engine: SparkEngine, hostile: Path) -> None:
    engine.open("source", sorted(hostile.glob("*.parquet")), hostile, None)
    columns = ("id", "yes", "text")
    questions = [Values(identifier(name), text_of(identifier(name), "VARCHAR"), 100) for name in columns]
    ids, yes, texts = engine.answers("source", [*questions])
    assert (ids, set(texts)) == (None, set(TEXTS))
    assert len(yes) == 3


@pytest.mark.usefixtures("engine")
def test_a_standing_in_a_country_is_read_there_as_here(lake: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    standing = '[groups.standing]\ncolumn = "nationality"\ncoding = "relation"\ncountry = "BRA"\n'
    text = (lake / "plain.toml").read_text().replace('path = "set"', f'path = "{lake / "set"}"')
    plan.write_text(text.replace("[[rules]]", f"{standing}[[rules]]", 1))
    found = []
    for each in (plan, on_spark(plan)):
        loaded = read_plan_file(each)
        with open_evaluation_set(loaded.plan, loaded.folder) as opened:
            found.append(opened.codes["standing"])
    assert found[0] == found[1]
    assert set(found[0].values()) == {"national", "foreign", "unknown"}


@pytest.mark.usefixtures("engine")
def test_labels_that_are_decimals_without_a_fraction_are_read_there_as_here(lake: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    rows = pq.read_table(lake / "set" / "part-0.parquet")
    whole = rows["label"].cast(pa.decimal128(19, 0)).cast(pa.decimal128(3, 0))
    pq.write_table(rows.set_column(1, "label", whole), tmp_path / "set" / "part.parquet")
    plan = tmp_path / "plan.toml"
    plan.write_text((lake / "plain.toml").read_text())
    one, other = (run_audit(each, crosscheck=False, scope=Scope.RECORDS) for each in (plan, on_spark(plan)))
    assert result_sha256(one) == result_sha256(other)


def test_an_engine_that_is_gone_is_none_that_answers_otherwise(
    engine: SparkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise StorageError("Spark did not answer", slug="engine-gone")

    monkeypatch.setattr(SparkEngine, "_ask", gone)
    with pytest.raises(StorageError) as refused:
        engine.check()
    assert refused.value.slug == "engine-gone"


def test_what_java_says_does_not_stand_in_the_terminal() -> None:
    start = "from audit.engines.spark import SparkEngine; SparkEngine.at(None).close()"
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_an_engine_whose_sums_wrap_is_refused(engine: SparkEngine) -> None:
    session = engine._session
    session.conf.set("spark.sql.ansi.enabled", "false")
    try:
        with pytest.raises(PlanError) as refused:
            engine.check()
        assert refused.value.slug == "engine-ansi"
    finally:
        session.conf.set("spark.sql.ansi.enabled", "true")
    engine.check()


def test_an_engine_that_answers_otherwise_is_refused(engine: SparkEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    other = (("conv('ffffffffffffffff', 16, 10)", None),)
    monkeypatch.setattr("audit.engines.spark._SELF_TEST", other)
    with pytest.raises(PlanError) as refused:
        engine.check()
    assert refused.value.slug == "engine-version"


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": [CANARY, "1", "0", "1"]}, 'the label "label" is none of the declared values in 1 row'),
        ({"id": [CANARY, CANARY, CANARY, "d"]}, 'the id in "id" was seen before in 2 rows'),
        ({"id": [None, "b", "c", "d"]}, 'no id in "id" in 1 row'),
        ({"gender": [CANARY, "man", "man", "man"]}, "in 1 row"),
        ({"score": [0.5, math.nan, math.inf, 0.1]}, "is not finite (NaN or infinite) in 2 rows"),
        ({"gender": [1.5, 2.0, 1.0, 1.0]}, "is stored as floats"),
        ({"gender": NO_UTF_8}, "cannot be read: it is damaged"),
        ({"score": ["0.1", "0.2", CANARY, "0.4"]}, 'the numbers of the column "score" are stored as text'),
    ],
)
def test_what_is_wrong_in_a_set_is_one_line_with_numbers_and_no_cell(
    change: dict[str, Any], said: str, lake: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = {
        "id": list("abcd"), "label": ["1", "0", "1", "0"], "gender": ["woman", "man"] * 2, "nationality": ["NGA"] * 4,
        "score": [0.1, 0.2, 0.3, 0.4],
    }  # fmt: skip
    (tmp_path / "set").mkdir()
    pq.write_table(pa.table({**rows, **change}), tmp_path / "set" / "part.parquet")
    plan = tmp_path / "plan.toml"
    plan.write_text((lake / "plain.toml").read_text())
    with pytest.raises(AuditError) as refused:
        run_audit(on_spark(plan))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert CANARY not in str(refused.value) + "".join(capfd.readouterr())


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("column", ["gender", "score"])
def test_a_file_that_lacks_a_column_is_refused_as_on_a_laptop(column: str, lake: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for place, part in enumerate(sorted((lake / "set").glob("*.parquet"))):
        rows = pq.read_table(part)
        pq.write_table(rows.drop_columns([column]) if place == 1 else rows, tmp_path / "set" / part.name)
    plan = tmp_path / "plan.toml"
    plan.write_text((lake / "plain.toml").read_text())
    said = set()
    for each in (plan, on_spark(plan)):
        with pytest.raises(AuditError, match="has other columns or types than") as refused:
            run_audit(each)
        said.add(str(refused.value))
    assert len(said) == 1


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", ["part[1].parquet", "part{1,2}.parquet", "part\\1.parquet", "*"])
def test_a_name_that_spark_takes_for_a_pattern_is_one_file(name: str, lake: Path, tmp_path: Path) -> None:
    rows = pq.read_table(lake / "set")
    pq.write_table(rows, tmp_path / name)
    pq.write_table(rows.take(list(range(rows.num_rows // 2)) * 2), tmp_path / "part1.parquet")  # as many rows
    plan = tmp_path / "plan.toml"
    plan.write_text((lake / "plain.toml").read_text().replace('path = "set"', f"path = '{name}'\nformat = 'parquet'"))
    there, here = (run_audit(each, crosscheck=False) for each in (on_spark(plan), plan))
    assert result_sha256(there) == result_sha256(here)


@pytest.mark.usefixtures("engine")
def test_a_column_whose_name_hadoop_replaces_is_refused(lake: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    rows = pq.read_table(lake / "set" / "part-0.parquet")
    names = ["${java.version}" if name == "gender" else name for name in rows.column_names]
    pq.write_table(rows.rename_columns(names), tmp_path / "set" / "part.parquet")
    plan = tmp_path / "plan.toml"
    plan.write_text((lake / "plain.toml").read_text().replace('column = "gender"', 'column = "${java.version}"'))
    with pytest.raises(AuditError, match="Spark reads other rows or columns"):
        run_audit(on_spark(plan))


@pytest.mark.usefixtures("engine")
def test_a_letter_in_a_folder_that_spark_spells_otherwise_is_refused(lake: Path, tmp_path: Path) -> None:
    for place, part in enumerate(sorted((lake / "set").glob("*.parquet"))):
        # as Arrow writes names of folders; Spark reads each byte as a letter
        folder = tmp_path / "set" / ["source=hotline", "source=pol%C3%ADcia", "source=a%2Fb"][place]
        folder.mkdir(parents=True)
        pq.write_table(pq.read_table(part, partitioning=None).drop_columns(["source"]), folder / part.name)
    plan = tmp_path / "plan.toml"
    plan.write_text((lake / "plain.toml").read_text() + '[control_features.source]\ncolumn = "source"\n')
    with pytest.raises(AuditError, match="Spark reads other rows or columns"):
        run_audit(on_spark(plan))


def test_what_spark_says_of_a_cell_is_not_passed_on(
    engine: SparkEngine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pq.write_table(pa.table({"text": [CANARY]}), tmp_path / "part.parquet")
    engine.open("source", [tmp_path / "part.parquet"], tmp_path, None)
    with pytest.raises(AuditError) as failed:
        engine.execute('SELECT CAST("text" AS DOUBLE) AS x FROM source')
    assert (failed.value.slug, "Spark did not answer" in str(failed.value)) == ("engine-gone", True)
    assert CANARY not in str(failed.value) + "".join(capfd.readouterr())
    assert CANARY not in "".join(traceback.format_exception(failed.value))


def test_files_that_spark_cannot_read_are_wrong_and_spark_is_not(engine: SparkEngine, tmp_path: Path) -> None:
    times, damaged = tmp_path / "times.parquet", tmp_path / "damaged.parquet"
    pq.write_table(pa.table({"id": ["a"], "at": pa.array([0], pa.time64("us"))}), times)
    with pytest.raises(DataError, match="Spark cannot read the files of the set"):
        engine.open("source", [times], tmp_path, ["id"])
    pq.write_table(pa.table({"id": [f"case {row}" for row in range(999)]}), damaged)
    content = damaged.read_bytes()
    damaged.write_bytes(content[:90] + bytes(400) + content[490:])
    engine.open("source", [damaged], tmp_path, ["id"])
    with pytest.raises(DataError, match="Spark cannot read the files of the set"):
        engine.sql("SELECT max(id) AS last FROM source")


def test_a_set_that_changes_while_it_is_counted_ends_the_run(lake: Path, tmp_path: Path, engine: SparkEngine) -> None:
    del engine
    (tmp_path / "set").mkdir()
    for part in (lake / "set").glob("*.parquet"):
        (tmp_path / "set" / part.name).write_bytes(part.read_bytes())
    plan = tmp_path / "plan.toml"
    plan.write_text((lake / "plain.toml").read_text())
    loaded = read_plan_file(on_spark(plan))
    with open_evaluation_set(loaded.plan, loaded.folder) as opened:
        opened.check_unchanged()
        (tmp_path / "set" / "more.parquet").write_bytes(b"")
        with pytest.raises(AuditError, match="changed while it was read"):
            opened.check_unchanged()


STARTED_HERE = """
import json, os, signal
from pathlib import Path
from audit.engines.spark import SparkEngine
engine = SparkEngine.at(None)
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
assert "SPARK_LOCAL_IP" not in os.environ
engine._session.range(1000).createOrReplaceTempView("rows")
engine.map_rows("SELECT max(id) AS id FROM rows GROUP BY id & 7", lambda batches: batches, "id long", Path("out"))
java = engine._session._jvm
env = java.org.apache.spark.SparkEnv.get()
print(json.dumps({
    "hosts": [env.rpcEnv().address().host(), env.blockManager().blockManagerId().host()],
    "temporary": java.System.getProperty("java.io.tmpdir"),
    "written": list(env.blockManager().diskBlockManager().localDirsString()),
    "open": [str(path) for path in Path().rglob("*") if path.stat().st_mode & 0o077],
}))
engine.close()
"""


def test_a_spark_that_is_started_here_is_reached_from_here_alone_and_leaves_nothing(tmp_path: Path) -> None:
    temporary, work = tmp_path / "temporary of one", tmp_path / "work"
    for folder in (temporary, work):
        folder.mkdir()
    script = [sys.executable, "-c", STARTED_HERE]
    around = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(script, cwd=work, env=around, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert set(seen["hosts"]) <= {"127.0.0.1", "localhost"}
    assert {Path(seen["temporary"]).parent, *(Path(folder).parents[1] for folder in seen["written"])} == {temporary}
    assert not seen["open"]
    assert not list(temporary.iterdir())
    assert [path.name for path in work.iterdir()] == ["out"]
    assert not done.stderr


INTERRUPTED = """
import os, signal, threading, time
from pathlib import Path
from audit.engines.spark import SparkEngine
engine = SparkEngine.at(None)
engine._session.range(10).createOrReplaceTempView("rows")
def work(batches):
    time.sleep(60)
    return batches
def ask():
    engine.run_on_executors(work, "id long")
def write():
    engine.map_rows("SELECT id FROM rows", work, "id long", Path("out"))
for wait in (ask, write):
    threading.Timer(4.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        wait()
    except BaseException as error:
        print(type(error).__name__)
"""


def test_an_interrupt_is_one_whatever_pyspark_waits_for(tmp_path: Path) -> None:
    around = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    script = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(script, cwd=tmp_path, env=around, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["KeyboardInterrupt"] * 2
    assert {path.name for path in tmp_path.iterdir()} <= {"out"}
