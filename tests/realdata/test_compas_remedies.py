"""Remedies on ProPublica's COMPAS file: one threshold helps by missing nearly all, and groups' own end undecided."""

from __future__ import annotations

from pathlib import Path

import pytest
from made.pages import parsed, text
from realdata.shared_data import shared_file

from audit import remedy
from audit.notebook import NotebookRemedies

PLAN = """
schema = 1

[audit]
title = "COMPAS decile scores, Broward County"
owner = "Northpointe"
use = "border-screening"
route = "both"

[detector]
kind = "predictions"
score = "decile_score"
answers = "ordinal"
threshold = 5
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
min_cases = 50

[[rules]]
metric = "true_positive_rate"
groups = ["race"]
margin = 0.10

[[rules]]
metric = "false_positive_rate"
groups = ["race"]
margin = 0.10
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> NotebookRemedies:
    shared, folder = shared_file("compas_two_years_deid.csv"), tmp_path_factory.mktemp("compas")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    (folder / shared.name).symlink_to(shared)
    return remedy(folder / "plan.toml", per_group="a question of method, not of use")


def test_one_threshold_only_helps_by_missing_nearly_everybody(found: NotebookRemedies) -> None:
    (one,) = [one for one in found.tried if one.way == "threshold"]
    assert one.thresholds[0].threshold == 10
    assert one.elsewhere.missed > 0.88 * one.elsewhere.victims
    assert found.as_it_is.elsewhere.missed < 0.4 * found.as_it_is.elsewhere.victims
    assert one.levelled_down == ("true_positive_rate",)
    assert one.status == "not_decidable"
    assert [each.nobody_could_exceed for each in one.more_cases] == [True, False]
    others = [each for each in found.front if each.way == "threshold"]
    assert {each.thresholds[0].threshold for each in others} >= {2, 3, 7}
    assert all(each.where_chosen.beyond is not None and each.where_chosen.beyond > 0 for each in others)


def test_thresholds_of_groups_end_undecided_on_the_other_half(found: NotebookRemedies) -> None:
    own = [one for one in found.tried if one.way == "per_group"]
    assert len(own) >= 2
    assert {one.status for one in own} == {"not_decidable"}
    assert all(one.outcomes == ("inconclusive",) and one.more_cases for one in own)
    assert not [one for one in found.tried if one.status == "confirmed"]


def test_no_band_for_people_is_enough(found: NotebookRemedies) -> None:
    bands = [one for one in found.front if one.way == "band"]
    assert bands
    assert not [one for one in found.tried if one.way == "band"]
    assert all(one.where_chosen.beyond is not None and one.where_chosen.beyond > 0 for one in bands)


def test_the_page_says_so_first(found: NotebookRemedies) -> None:
    page = parsed(str(found.report(restricted=True).content))
    head = text(page)
    before_findings = head[: head.index("On this page")]
    missed, victims = found.tried[0].elsewhere.missed, found.tried[0].elsewhere.victims
    assert "No remedy is confirmed. Levelling down: 1; 2." in before_findings
    ways = head[head.index("Ways to flag") :]
    assert f"1. One threshold for everyone: 10 (levelling down) {missed:,} of {victims:,} 48 of 1,917" in ways
    assert "As it is 593 of 1,619 616 of 1,917" in ways
    assert "Groups come together by more of this harm" in ways
    assert "747 of 1,619" in ways[ways.index("3. A threshold for each group") :]
    table = ways[: ways.index("Only numbered ways")]
    assert table.count("Cannot tell on cases that it was not chosen on.") == len(found.tried)
    assert "With it so few or so many are flagged that some group could not be beyond the limit." in head


def test_the_halves_are_fixed(found: NotebookRemedies, tmp_path: Path) -> None:
    assert found.rows == (3_678, 3_536)
