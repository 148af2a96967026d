"""The cells of a subgroup scan: every labelled row once, in a half that depends on its id or cluster alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from made.sets import made_plan

from audit.counting.scan_cells import CONFIRMATION, SEARCH, ScanCells, count_scan_cells, scan_text
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.plan.audit_plan import AuditPlan
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import ScanSection

GROUPS = {"gender": {"column": "gender", "map": {"F": "woman"}}, "nationality": {"column": "nationality"}}
Columns = Mapping[str, Any]


def plan_of(cluster: str | None = None, features: tuple[str, ...] = (), *, scan: bool = True) -> AuditPlan:
    section: dict[str, Any] = {} if cluster is None else {"cluster": cluster}
    plan = made_plan(None, groups=GROUPS, evaluation_set=section)
    assert isinstance(plan.evaluation_set, EvaluationSetSection)
    columns = ("age", "channel")
    return plan.model_copy(update={"scan": ScanSection(columns=columns, features=features)}) if scan else plan


def columns_of(rows: int, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)

    def pick(*values: str | None) -> list[str | None]:
        return [values[place] for place in rng.integers(0, len(values), rows)]

    return {
        "case_id": [f"case {row}" for row in range(rows)],
        "exploited": pick("1", "0", "0", None),
        "gender": pick("F", "woman", "man", None),
        "nationality": pick("NA", "NGA", None),
        "age": pick("child", "adult", "", None),
        "channel": pick("hotline", "police", 'it\'s a "channel"'),
        "family": [f"family {row}" for row in rng.integers(0, max(1, rows // 4), rows)],
        "text": pick("0", "1", "2", "3"),
    }


@contextmanager
def scored_set(plan: AuditPlan, columns: Columns, threads: int = 2) -> Iterator[EvaluationSet]:
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    with open_evaluation_set(plan, Path(), table) as opened:
        picked = ", ".join(f"{expression} AS {name}" for name, expression in opened.expressions.items())
        opened.connection.execute(f"SET threads = {threads}")
        opened.connection.execute(f"CREATE TEMP VIEW scored AS SELECT {picked}, text::TINYINT AS decision FROM source")
        yield opened


def counted(plan: AuditPlan, columns: Columns, threads: int = 2) -> ScanCells:
    with scored_set(plan, columns, threads) as opened:
        cells = count_scan_cells(opened, plan.evaluation_set, plan.scan)
    assert cells is not None
    return cells


def half_of(text: str) -> int:
    return int(hashlib.md5(f"audit7k subgroup scan: {text}".encode(), usedforsecurity=False).hexdigest() >= "8")


def as_counter(cells: ScanCells) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for codes, half, positive, decision, cases in zip(
        cells.codes, cells.half, cells.positive, cells.decision, cells.cases, strict=True
    ):
        values = tuple(attribute.values[code] for attribute, code in zip(cells.attributes, codes, strict=True))
        found[values, int(half), int(positive), int(decision)] += int(cases)
    return found


@pytest.mark.parametrize("by", ["case_id", "family"])
def test_every_labelled_row_is_counted_once(by: str) -> None:
    columns = columns_of(800)
    cells = counted(plan_of(None if by == "case_id" else by), columns)
    genders = {"F": "woman", "woman": "woman", "man": "man", None: "unknown"}
    codes = {"NA": "NAM", "NGA": "NGA", None: "unknown"}
    expected: Counter[tuple[object, ...]] = Counter()
    for row in range(800):
        if (label := columns["exploited"][row]) is None:
            continue
        values = (
            columns["age"][row] or "unknown",
            columns["channel"][row],
            genders[columns["gender"][row]],
            codes[columns["nationality"][row]],
        )
        expected[values, half_of(columns[by][row]), int(label), min(int(columns["text"][row]), 2)] += 1
    assert as_counter(cells) == expected
    assert [attribute.name for attribute in cells.attributes] == ["age", "channel", "gender", "nationality"]
    assert [attribute.kind for attribute in cells.attributes] == ["column", "column", "feature", "feature"]


def test_tables_do_not_depend_on_threads_or_on_the_order_of_rows() -> None:
    columns = columns_of(3_000)
    order = np.random.default_rng(1).permutation(3_000)
    shuffled = {name: [values[row] for row in order] for name, values in columns.items()}
    for cluster in (None, "family"):
        plan = plan_of(cluster)
        first, second = counted(plan, columns, 1), counted(plan, shuffled, 4)
        for positive in (0, 1):
            for half in (SEARCH, CONFIRMATION):
                one, other = first.table(positive, half), second.table(positive, half)
                for name in ("codes", "flagged", "not_flagged", "cell", "entry_flagged", "entry_not_flagged"):
                    assert (getattr(one, name) == getattr(other, name)).all()
                assert cluster is None or (one.cluster == other.cluster).all()  # type: ignore[union-attr]


def test_clusters_are_whole_and_their_entries_add_up_to_the_cells() -> None:
    columns = columns_of(2_000)
    cells = counted(plan_of("family"), columns)
    assert cells.cluster is not None
    halves: dict[int, set[int]] = {}
    for cluster, half in zip(cells.cluster.tolist(), cells.half.tolist(), strict=True):
        halves.setdefault(cluster, set()).add(half)
    labelled = {
        family for family, label in zip(columns["family"], columns["exploited"], strict=True) if label is not None
    }
    assert len(halves) == len(labelled)
    assert all(len(both) == 1 for both in halves.values())
    table = cells.table(1, SEARCH)
    assert (np.bincount(table.cell, table.entry_flagged) == table.flagged).all()
    assert (np.bincount(table.cell, table.entry_not_flagged) == table.not_flagged).all()
    assert table.cluster is not None
    assert len({*zip(table.cluster.tolist(), table.cell.tolist(), strict=True)}) == len(table.cell)


def test_tables_hold_scored_cases_and_the_others_are_counted_apart() -> None:
    columns = columns_of(900)
    cells = counted(plan_of(), columns)
    for positive in (0, 1):
        tables = [cells.table(positive, half) for half in (SEARCH, CONFIRMATION)]
        scored = sum(int(table.flagged.sum() + table.not_flagged.sum()) for table in tables)
        assert scored + cells.unscored(positive) == columns["exploited"].count(str(positive))
        for table in tables:
            assert (np.diff(np.ravel_multi_index(tuple(table.codes.T), (3, 3, 3, 3))) > 0).all()


def test_halves_are_halves_and_without_positives_a_table_is_empty() -> None:
    columns = columns_of(4_000) | {"exploited": ["0"] * 4_000}
    cells = counted(plan_of(features=("gender",)), columns)
    assert [attribute.name for attribute in cells.attributes] == ["age", "channel", "gender"]
    assert int(cells.cases[cells.half == SEARCH].sum()) == pytest.approx(2_000, abs=130)
    assert cells.table(1, SEARCH).codes.shape == (0, 3)
    clustered = counted(plan_of("family"), columns)
    assert clustered.table(1, SEARCH).cell.shape == (0,)


def test_a_plan_without_a_scan_counts_nothing() -> None:
    plan = plan_of(scan=False)
    with scored_set(plan, columns_of(20)) as opened:
        assert count_scan_cells(opened, plan.evaluation_set, plan.scan) is None


def test_a_feature_that_is_named_twice_is_searched_once() -> None:
    plan = plan_of()
    assert plan.scan is not None
    twice = plan.model_copy(update={"scan": plan.scan.model_copy(update={"features": ("gender", "gender")})})
    with scored_set(twice, columns_of(20)) as opened:
        cells = count_scan_cells(opened, twice.evaluation_set, twice.scan)
    assert cells is not None
    assert [attribute.name for attribute in cells.attributes if attribute.kind == "feature"] == ["gender"]


def test_a_row_without_a_decision_is_a_defect() -> None:
    plan = plan_of()
    with scored_set(plan, columns_of(50)) as opened:
        opened.connection.execute(
            "CREATE TEMP TABLE before AS SELECT * REPLACE (NULLIF(decision, 1) AS decision) FROM scored"
        )
        opened.connection.execute("CREATE OR REPLACE TEMP VIEW scored AS SELECT * FROM before")
        with pytest.raises(AssertionError, match="no decision"):
            count_scan_cells(opened, plan.evaluation_set, plan.scan)


def test_it_is_one_scan_and_no_id_or_cluster_leaves_it_by_name() -> None:
    query = scan_text("scored", ["scan_0", "group_gender"], clustered=True)
    assert "case_id" not in query
    assert "md5(" in query
    assert query.upper().count('FROM "SCORED"') == 1
