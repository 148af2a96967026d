"""Every statement of an audit is on the list of what Spark is asked, and what is not on it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from made.lake_statements import statements_of_plans

from audit.engines.dialect import spark_sql
from audit.engines.protocol import Cases, Figure, Where


def test_every_statement_of_nine_plans_is_translated(tmp_path: Path) -> None:
    statements = statements_of_plans(tmp_path)
    assert len(set(statements)) > 20
    for text in statements:
        assert '"' not in spark_sql(text), "names are quoted as Spark quotes them"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT hash(x) FROM t",
        "SELECT min(x, 5) FROM t",
        "SELECT x::UBIGINT FROM t",
        "SELECT x::HUGEINT FROM t",
        "SELECT x::DECIMAL(3, 1) FROM t",
        "SELECT lower(x) FROM t",
        "SELECT trim(x) FROM t",
        "SELECT regexp_matches(x, 'a') FROM t",
        "SELECT x FROM t WHERE x IN (SELECT unnest($values))",
        "SELECT x FROM read_parquet('x')",
        "DROP TABLE t",
    ],
)
def test_what_could_mean_something_else_is_refused(text: str) -> None:
    with pytest.raises(AssertionError, match="on the list of what Spark is asked"):
        spark_sql(text)


@pytest.mark.parametrize("text", ["SELECT count(*) FROM t", "SELECT a.x, b.x FROM t AS a JOIN t AS b USING (y)"])
def test_a_column_without_a_name_of_its_own_is_refused(text: str) -> None:
    with pytest.raises(AssertionError, match="has no name of its own"):
        spark_sql(text)


def test_finite_numbers_are_asked_for_in_the_words_of_each_engine() -> None:
    assert spark_sql('SELECT NOT isfinite("x") AS y FROM t') == (
        "SELECT NOT ABS(`x`) < CAST('Infinity' AS DOUBLE) AS y FROM t"
    )


def test_texts_keep_their_backslashes_and_quotes() -> None:
    assert spark_sql(r"SELECT x = 'a\b''c' FROM t") == r"SELECT x = 'a\\b\'c' FROM t"


def test_questions_of_two_kinds_are_never_the_same() -> None:
    assert len({Where("x"), Figure("x"), Cases("x")}) == 3
