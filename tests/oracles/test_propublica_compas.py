"""The published COMPAS tables through a whole audit: a set with these counts gives these counts and rates."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from oracles.propublica_compas import PublishedTable, published_tables

from audit import AuditPlan, AuditResult, run_audit

TABLES = published_tables()


def plan_for(cutoff: int) -> AuditPlan:
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "COMPAS", "owner": "o", "use": "border-screening", "route": "enforcement"},
            "detector": {
                "kind": "predictions",
                "score": "decile_score",
                "threshold": cutoff,
                "score_range": [1, 10],
            },
            "evaluation_set": {"id": "row_id", "label": "two_year_recid", "label_source": "court records"},
            "groups": {"race": {"column": "race", "coding": "categorical"}},
            "rules": [{"metric": "false_positive_rate", "groups": ["race"], "margin": 0.05}],
        }
    )


def published(race: str | None, cutoff: int) -> PublishedTable:
    (found,) = [table for table in TABLES if (table.race, table.cutoff) == (race, cutoff)]
    return found


def set_of(tables: dict[str, tuple[int, int, int, int]], cutoff: int) -> pa.Table:
    """One row a defendant; each table is tp, fn, fp, tn."""
    rows: list[dict[str, Any]] = []
    for race, counts in tables.items():
        for (label, score), count in zip(((1, 10), (1, cutoff - 1), (0, cutoff), (0, 1)), counts, strict=True):
            rows += [{"race": race, "two_year_recid": label, "decile_score": score}] * count
    return pa.Table.from_pylist([{"row_id": str(number), **row} for number, row in enumerate(rows)])


def counts_of(table: PublishedTable) -> tuple[int, int, int, int]:
    return (table.true_positive, table.false_negative, table.false_positive, table.true_negative)


def check(result: AuditResult, table: PublishedTable) -> None:
    name = table.race or ""
    (counts,) = [row for row in result.counts if "".join(level.code for level in row.group.levels) == name]
    found = (counts.true_positive, counts.false_negative, counts.false_positive, counts.true_negative)
    assert found == counts_of(table)
    for estimate in result.estimates:
        if estimate.group == counts.group and estimate.metric in table.rates:
            printed = table.rates[estimate.metric]
            assert estimate.value is not None
            assert f"{estimate.value:.{len(printed) - 2}f}" == printed, (table.title, estimate.metric)


@pytest.mark.parametrize("cutoff", [5, 8])
def test_published_counts_give_the_published_rates(cutoff: int) -> None:
    by_race = {table.race: counts_of(table) for table in TABLES if table.cutoff == cutoff and table.race}
    everyone = [table for table in TABLES if table.cutoff == cutoff and table.race is None]
    for table in everyone:
        rest = zip(counts_of(table), *by_race.values(), strict=True)
        by_race["(all others)"] = tuple(of_all - sum(named) for of_all, *named in rest)
    result = run_audit(plan_for(cutoff), set_of(by_race, cutoff))
    for table in TABLES:
        if table.cutoff == cutoff:
            check(result, table)
    if everyone:
        assert result.rows[0].read == 7214


def test_the_rule_finds_what_the_authors_found() -> None:
    by_race = {table.race: counts_of(table) for table in TABLES if table.cutoff == 5 and table.race}
    result = run_audit(plan_for(5), set_of(by_race, 5))
    outcomes = {verdict.group.levels[0].code: verdict.outcome for verdict in result.verdicts}
    assert outcomes["African-American"] == "fail"
    assert outcomes["Caucasian"] == "pass"
    assert published("African-American", 5).rates["false_positive_rate"] == "0.4485"


def test_a_handful_of_defendants_is_judged_by_no_rule() -> None:
    result = run_audit(plan_for(5), set_of({"A": (1, 1, 1, 1), "B": (2, 3, 2, 3)}, 5))
    assert result.overall.outcome == "inconclusive"
    assert [rule.because for rule in result.rules] == ["nothing_judged"]
    outcomes = {verdict.group.levels[0].code: verdict.outcome for verdict in result.verdicts}
    assert outcomes == {"A": "not_evaluable", "B": "not_evaluable"}
