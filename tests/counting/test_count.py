"""The one scan: every row is counted once, under the code of its group, whatever the table holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.sets import made_plan

from audit.counting.count import count_cases, count_text, counts_by_group
from audit.counting.table import CountsTable
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set

GENDERS = {"F": "woman", "woman": "woman", "MAN": "man", None: "unknown", "": "unknown"}
CODES = {"NA": "NAM", "nam": "NAM", "516": "NAM", "XXA": "XXA", None: "unknown"}
LABELS = {"1": 0, "0": 1, None: 2}
GROUPS = {"gender": {"column": "gender", "map": {"F": "woman"}}, "nationality": {"column": "nationality"}}

Rows = list[tuple[str | None, str | None, str | None, int]]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(list(LABELS)), st.sampled_from(list(GENDERS)), st.sampled_from(list(CODES)), st.integers(0, 3)
    ),
    min_size=1,
    max_size=40,
)


@contextmanager
def scored_set(rows: Rows, threads: int = 2) -> Iterator[EvaluationSet]:
    labels, genders, codes, decisions = zip(*rows, strict=True)
    table = pa.table(
        {
            "case_id": [str(row) for row in range(len(rows))],
            "exploited": pa.array(labels, pa.string()),
            "gender": pa.array(genders, pa.string()),
            "nationality": pa.array(codes, pa.string()),
            "text": [str(decision) for decision in decisions],
        }
    )
    with open_evaluation_set(made_plan(None, groups=GROUPS), Path(), table) as opened:
        picked = ", ".join(f"{expression} AS {name}" for name, expression in opened.expressions.items())
        opened.connection.execute(f"SET threads = {threads}")
        opened.connection.execute(f"CREATE TEMP VIEW scored AS SELECT {picked}, text::TINYINT AS decision FROM source")
        yield opened


def slow_count(rows: Rows) -> CountsTable:
    counts: dict[tuple[str, ...], np.ndarray[tuple[int, int], np.dtype[np.int64]]] = {}
    for label, gender, code, decision in rows:
        key = GENDERS[gender], CODES[code]
        counts.setdefault(key, np.zeros((3, 4), dtype=np.int64))[LABELS[label], decision] += 1
    return CountsTable.of(("gender", "nationality"), counts)


@given(ROWS)
def test_counts_are_those_of_python_and_add_up_to_the_rows(rows: Rows) -> None:
    with scored_set(rows) as opened:
        counted = count_cases(opened)
    expected = slow_count(rows)
    assert (counted.features, counted.codes) == (expected.features, expected.codes)
    assert counted.cells.dtype == np.int64
    assert (counted.cells == expected.cells).all()
    assert counted.cells.sum() == len(rows)


def test_counts_do_not_depend_on_threads_or_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(20240412)
    picks = [list(values) for values in (LABELS, GENDERS, CODES)]
    rows: Rows = [(*(values[rng.integers(len(values))] for values in picks), int(rng.integers(4))) for _ in range(5000)]  # type: ignore[misc]
    expected = slow_count(rows)
    for threads, order in ((1, rows), (2, rows[::-1]), (8, sorted(rows, key=str))):
        with scored_set(order, threads) as opened:
            counted = count_cases(opened)
        assert counted.codes == expected.codes
        assert (counted.cells == expected.cells).all()


def test_a_row_without_a_decision_or_a_lost_row_is_a_defect_and_no_count() -> None:
    with scored_set([("1", "F", "NA", 0), ("0", "F", "NA", 1)]) as opened:
        view = "CREATE OR REPLACE TEMP VIEW scored AS SELECT * FROM before_{}"
        opened.connection.execute(
            "CREATE TEMP TABLE before_1 AS SELECT * REPLACE (NULLIF(decision, 1) AS decision) FROM scored"
        )
        opened.connection.execute("CREATE TEMP TABLE before_2 AS SELECT * FROM scored LIMIT 1")
        opened.connection.execute(view.format(1))
        with pytest.raises(AssertionError, match="1 rows have no decision"):
            count_cases(opened)
        opened.connection.execute(view.format(2))
        with pytest.raises(AssertionError, match="2 rows were read and 1 were counted"):
            count_cases(opened)


def test_a_number_of_cases_that_is_too_large_never_becomes_another() -> None:
    with pytest.raises(OverflowError):
        counts_by_group(["gender"], [("woman", 1, 0, 2**63)], [{"woman": "woman"}])


def test_it_is_one_scan_without_the_ids() -> None:
    query = count_text("scored", ["group_gender", "group_nationality"])
    assert query.upper().count("SELECT") == 1
    assert "case_id" not in query
