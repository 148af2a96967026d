"""ProPublica's COMPAS file through the whole pipeline: the published numbers, and cells that are too small to state."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracles.propublica_compas import published_tables
from realdata.shared_data import shared_file

from audit import AuditResult, run_audit
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import METRICS

PLAN = """
schema = 1

[audit]
title = "COMPAS decile scores, Broward County"
owner = "Northpointe"
use = "border-screening"
route = "enforcement"

[detector]
kind = "predictions"
score = "decile_score"
threshold = {cutoff}
score_range = [1, 10]

[evaluation_set]
path = "compas_two_years_deid.csv"
id = "row_id"
label = "two_year_recid"
label_source = "Court records of two years"
rows_are = "defendants"

[groups.race]
column = "race"
coding = "categorical"

[groups.sex]
column = "sex"
coding = "categorical"

[[rules]]
metric = "false_positive_rate"
groups = [{groups}]
margin = 0.05

[[rules]]
metric = "true_positive_rate"
groups = [{groups}]
margin = 0.05
"""
ROWS = 7214
TINY = {("Asian", "Female"): 2, ("Native American", "Female"): 4}


def audit(folder: Path, groups: str, cutoff: int = 5, *, crosscheck: bool = False) -> AuditResult:
    shared = shared_file("compas_two_years_deid.csv")
    plan = folder / "plan.toml"
    plan.write_text(PLAN.format(groups=groups, cutoff=cutoff), encoding="utf-8")
    (folder / shared.name).symlink_to(shared)
    return run_audit(plan, crosscheck=crosscheck)


@pytest.fixture(scope="module")
def by_race(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    return audit(tmp_path_factory.mktemp("race"), '"race"')


@pytest.fixture(scope="module")
def by_both(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    return audit(tmp_path_factory.mktemp("both"), '["race", "sex"]')


def group_of(race: str | None, sex: str | None = None) -> Group:
    named = (("race", race), ("sex", sex))
    return Group(tuple(Level(feature, "level", code) for feature, code in named if code is not None))


@pytest.mark.parametrize("cutoff", [5, 8])
def test_published_counts_and_rates_by_race(by_race: AuditResult, tmp_path: Path, cutoff: int) -> None:
    result = by_race if cutoff == 5 else audit(tmp_path, '"race"', cutoff)
    tables = [table for table in published_tables() if table.cutoff == cutoff]
    assert len(tables) >= 2
    for table in tables:
        group = group_of(table.race)
        (counts,) = [row for row in result.counts if row.group == group]
        assert (counts.true_positive, counts.false_negative) == (table.true_positive, table.false_negative)
        assert (counts.false_positive, counts.true_negative) == (table.false_positive, table.true_negative)
        found = {estimate.metric: estimate.value for estimate in result.estimates if estimate.group == group}
        for metric, printed in table.rates.items():
            value = found[metric]
            assert value is not None
            assert f"{value:.{len(printed) - 2}f}" == printed, (table.title, metric)


def test_the_cells_of_race_and_sex_add_up_to_the_published_tables(by_both: AuditResult) -> None:
    for table in published_tables():
        if table.cutoff != 5:
            continue
        cells = [
            counts
            for counts in by_both.counts
            if len(counts.group.levels) == 2 and table.race in (None, counts.group.levels[0].code)
        ]
        assert len(cells) == (2 if table.race else 12)
        assert sum(counts.true_positive for counts in cells) == table.true_positive
        assert sum(counts.false_negative for counts in cells) == table.false_negative
        assert sum(counts.false_positive for counts in cells) == table.false_positive
        assert sum(counts.true_negative for counts in cells) == table.true_negative


@pytest.mark.parametrize(("race", "sex"), list(TINY))
def test_cells_of_two_and_four_people_have_no_rate_and_no_verdict(by_both: AuditResult, race: str, sex: str) -> None:
    group = group_of(race, sex)
    (account,) = [row for row in by_both.rows if row.group == group]
    assert account.read == account.scored == account.labelled == TINY[race, sex]

    estimates = [estimate for estimate in by_both.estimates if estimate.group == group]
    assert {estimate.metric for estimate in estimates} == set(METRICS)
    for estimate in estimates:
        assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
        assert estimate.status == "not_evaluable"
        assert estimate.reason == ("too_few_for_a_rate" if estimate.denominator else "no_cases")

    for disparity in by_both.disparities:
        if disparity.group == group:
            assert (disparity.difference, disparity.ratio, disparity.status) == (None, None, "not_evaluable")

    verdicts = [verdict for verdict in by_both.verdicts if verdict.group == group]
    assert [verdict.rule for verdict in verdicts] == ["false_positive_rate", "true_positive_rate"]
    for verdict in verdicts:
        assert verdict.outcome == "not_evaluable"
        assert verdict.because == ("too_few_for_a_rate" if verdict.cases else "no_cases")
        assert verdict.p_fail is None


@pytest.mark.parametrize("features", [("race",), ("sex",), ("race", "sex")])
def test_no_defendant_is_lost(by_both: AuditResult, features: tuple[str, ...]) -> None:
    assert by_both.rows[0].read == by_both.rows[0].scored == by_both.rows[0].labelled == ROWS
    rows = [row for row in by_both.rows if tuple(level.feature for level in row.group.levels) == features]
    assert sum(row.read for row in rows) == ROWS


def test_the_gap_that_was_published_fails(by_race: AuditResult) -> None:
    outcomes = {
        verdict.group.levels[0].code: verdict.outcome
        for verdict in by_race.verdicts
        if verdict.rule == "false_positive_rate"
    }
    assert outcomes["African-American"] == "fail"
    assert by_race.overall.outcome == "fail"


def test_fairlearn_and_aif360_agree_on_every_cell(tmp_path: Path) -> None:
    result = audit(tmp_path, '["race", "sex"]', crosscheck=True)
    assert [agreement.library.split()[0] for agreement in result.further.crosscheck] == ["fairlearn", "aif360"]
    for agreement in result.further.crosscheck:
        assert agreement.groups_compared == agreement.groups == 1 + 6 + 2 + 12
        assert agreement.rates_compared + agreement.disparities_compared > 100
        assert (agreement.row_groups_compared, agreement.row_rates_compared) == (9, 27)
        assert agreement.largest_difference <= 1e-12
