"""Texts that DuckDB runs, held to the Ibis expressions that say the same bound to no engine; over hostile rows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import duckdb
import ibis
import pytest
from made import expressions

from audit.counting.count import count_text, grouped, moments_text, plain
from audit.counting.scan_cells import scan_text
from audit.counting.score_table import score_text

GROUPS = ["group_a", 'group_"b" é\u00a0😀']
SCORES = (None, 0.0, -0.0, 0.29, 0.5, 0.5000001, 0.50001, 1.0, 1e-300, 0.30000000000000004)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    """A set of 4,000 rows: empty texts and cells, odd letters, weights up to 2^30 - 1, scores on edges."""
    opened = duckdb.connect()
    scores = ", ".join("NULL" if score is None else f"'{score!r}'::DOUBLE" for score in SCORES)
    opened.execute(
        f"""CREATE VIEW "the ""set"" of cases" AS SELECT
            ['', NULL, 'İ', 'i', ' ', chr(160), '😀', '007', 'NA'][1 + n % 9] AS group_a,
            ['x', NULL, '7'][1 + n % 3] AS "group_""b"" é\u00a0😀",
            [1, 0, NULL][1 + n // 27 % 3]::TINYINT AS label, (n // 81 % 4)::TINYINT AS decision,
            [{scores}][1 + n // 3 % {len(SCORES)}] AS score, (n % 4 = 0) AS kept, n + 1 AS cases,
            ['household ', '', 'É'][1 + n % 3] || n % 200 AS cluster, 'id ' || n AS case_id,
            [1, 1073741823, n * 268435 + 1][1 + n % 3]::BIGINT AS weight_units
        FROM range(4000) AS numbers (n)"""
    )
    return opened


def rows(connection: duckdb.DuckDBPyConnection, text: str) -> tuple[list[str], list[str], list[tuple[Any, ...]]]:
    relation = connection.sql(text)
    return relation.columns, [str(kind) for kind in relation.types], sorted(relation.fetchall(), key=repr)


@pytest.mark.parametrize(
    ("text", "expression", "how"),
    [
        (count_text, expressions.count_expression, {}),
        (count_text, expressions.count_expression, {"only": "kept"}),
        (count_text, expressions.count_expression, {"cases": "cases"}),
        (moments_text, expressions.moments_expression, {"weighted": True, "clustered": False}),
        (moments_text, expressions.moments_expression, {"weighted": True, "clustered": True}),
        (moments_text, expressions.moments_expression, {"weighted": False, "clustered": True}),
        (score_text, expressions.score_expression, {"score_range": (0.0, 1.0), "threshold": 0.5}),
        (score_text, expressions.score_expression, {"score_range": (0.0, 1.0), "threshold": None}),
        (score_text, expressions.score_expression, {"score_range": (-1.5, 3.25), "threshold": 0.29}),
        (scan_text, expressions.scan_expression, {"clustered": False}),
        (scan_text, expressions.scan_expression, {"clustered": True}),
    ],
)
def test_a_text_counts_what_its_expression_says(
    connection: duckdb.DuckDBPyConnection, text: Callable[..., str], expression: Callable[..., Any], how: dict[str, Any]
) -> None:
    compiled = ibis.to_sql(expression('the "set" of cases', GROUPS, **how), dialect="duckdb")
    own, theirs = rows(connection, text('the "set" of cases', GROUPS, **how)), rows(connection, str(compiled))
    assert own[0] == theirs[0]
    assert own[2] == theirs[2]
    assert len(own[2]) > 50
    assert all(name.isascii() and name.replace("_", "a").isalnum() for name in own[0] if name not in GROUPS)


def test_a_text_that_counts_something_else_is_seen(connection: duckdb.DuckDBPyConnection) -> None:
    text = grouped('the "set" of cases', plain([*GROUPS, "label"]), {"cases": "count(*)"})
    compiled = ibis.to_sql(expressions.count_expression('the "set" of cases', GROUPS), dialect="duckdb")
    assert rows(connection, text) != rows(connection, str(compiled))


def test_no_count_loads_ibis() -> None:
    program = "import sys, audit.counting.counted; assert not {'ibis', 'sqlglot'} & set(sys.modules)"
    subprocess.run([sys.executable, "-P", "-c", program], check=True, timeout=240)
