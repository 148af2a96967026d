"""CTDC's k-anonymised victim records: a model trained on one half, audited on the other by gender x citizenship.

Nationality and label are confounded for most countries, so that nearly every stratum has one class; more than half of
the rows have no citizenship, and missing codes stand where values should be.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from realdata.shared_data import shared_file

from audit import AuditResult, run_audit
from audit.result.findings.judged import GroupCounts
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import MetricName

FEATURES = ["Datasource", "ControlCategory", "RecruiterCategory", "ageCategories"]
PLAN = f"""
schema = 1

[audit]
title = "Forced labour among registered victims"
owner = "Nobody: a model made for this test"
use = "victim-identification"
route = "services"

[detector]
kind = "skops"
path = "model.skops"
threshold = 0.5
features = {FEATURES!r}

[evaluation_set]
path = "evaluation.csv"
id = "id"
label = "isForcedLabour"
label_missing = ["-99"]
label_source = "Counter-Trafficking Data Collaborative, k-anonymised"
rows_are = "registered victims"

[groups.gender]
column = "gender"
map = {{ Female = "woman", Male = "man" }}

[groups.nationality]
column = "citizenship"
missing = ["0"]
ladder = ["country", "m49-subregion", "m49-region"]

[[rules]]
metric = "true_positive_rate"
groups = ["gender", "nationality", ["gender", "nationality"]]
margin = 0.10

[[rules]]
metric = "false_positive_rate"
groups = ["gender", "nationality", ["gender", "nationality"]]
margin = 0.05
"""
COUNTRIES = {
    "0": "unknown", "US": "USA", "UA": "UKR", "BY": "BLR", "MM": "MMR", "KG": "KGZ", "KH": "KHM", "NG": "NGA",
    "HT": "HTI", "LK": "LKA", "ID": "IDN", "UG": "UGA", "TH": "THA", "PH": "PHL", "KE": "KEN", "NP": "NPL", "UZ": "UZB",
    "CN": "CHN", "MX": "MEX", "KR": "KOR", "AF": "AFG", "ER": "ERI",
}  # fmt: skip
GENDERS = {"Female": "woman", "Male": "man"}
LABELS = {"1": "positive", "0": "negative", "-99": "unlabelled"}
SEED = 20121018

Row = dict[str, str]


class Halves:
    """The file in two halves, and the audit of the second by a model trained on the first."""

    def __init__(self, folder: Path) -> None:
        with shared_file("ctdc_kanon_2012_2018_victims.csv").open(encoding="utf-8", newline="") as stream:
            self.all = [{"id": f"v{number:05}", **row} for number, row in enumerate(csv.DictReader(stream))]
        order = np.random.default_rng(SEED).permutation(len(self.all))
        self.training = [self.all[place] for place in order[: len(order) // 2]]
        self.evaluation = [self.all[place] for place in order[len(order) // 2 :]]
        train(self.training, folder / "model.skops")
        with (folder / "evaluation.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(self.evaluation[0]))
            writer.writeheader()
            writer.writerows(self.evaluation)
        (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
        self.result = run_audit(folder / "plan.toml")

    def tally(self, key: Callable[[Row], object]) -> Counter[object]:
        return Counter(key(row) for row in self.evaluation)


def train(rows: list[Row], path: Path) -> None:
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    from skops.io import dump

    labelled = [row for row in rows if row["isForcedLabour"] != "-99"]
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=500))
    model.fit(pd.DataFrame(labelled)[FEATURES], [int(row["isForcedLabour"]) for row in labelled])
    dump(model, path)


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Halves:
    return Halves(tmp_path_factory.mktemp("ctdc"))


def code_of(row: Row) -> tuple[str, str]:
    return GENDERS[row["gender"]], COUNTRIES[row["citizenship"]]


def codes(group: Group) -> tuple[str, ...]:
    return tuple(level.code for level in group.levels)


def rungs(group: Group) -> tuple[str, ...]:
    return tuple(level.rung for level in group.levels)


def strata(result: AuditResult) -> dict[tuple[str, ...], GroupCounts]:
    return {codes(row.group): row for row in result.counts if rungs(row.group) == ("level", "country")}


def test_every_stratum_has_the_cases_of_the_file(halves: Halves) -> None:
    expected = halves.tally(lambda row: (*code_of(row), LABELS[row["isForcedLabour"]]))
    found: Counter[object] = Counter()
    for code, counts in strata(halves.result).items():
        found[(*code, "positive")] = counts.true_positive + counts.false_negative
        found[(*code, "negative")] = counts.false_positive + counts.true_negative
        found[(*code, "unlabelled")] = counts.unlabelled_flagged + counts.unlabelled_not_flagged
        assert counts.unscored_positive + counts.unscored_negative + counts.unscored_unlabelled == 0
    assert +found == expected
    assert len(strata(halves.result)) > 25


@pytest.mark.parametrize(
    ("metric", "of_the_other_class"),
    [
        ("true_positive_rate", "negative"),
        ("false_negative_rate", "negative"),
        ("false_positive_rate", "positive"),
        ("true_negative_rate", "positive"),
    ],
)
def test_a_stratum_with_one_class_has_no_rate_of_the_other(
    halves: Halves, metric: MetricName, of_the_other_class: str
) -> None:
    cases = halves.tally(lambda row: (*code_of(row), LABELS[row["isForcedLabour"]]))
    own = {"negative": "positive", "positive": "negative"}[of_the_other_class]
    one_class = {code for code in strata(halves.result) if not cases[(*code, own)]}
    assert len(one_class) >= 7
    found = {codes(e.group): e for e in halves.result.estimates if e.metric == metric and len(e.group.levels) == 2}
    for code in one_class:
        assert (found[code].value, found[code].status, found[code].reason) == (None, "not_evaluable", "no_cases")
        assert (found[code].low, found[code].exact_high, found[code].denominator) == (None, None, 0)
    stand_for = {codes(same): v for v in halves.result.verdicts if v.rule == metric for same in v.same_people}
    judged = stand_for | {codes(v.group): v for v in halves.result.verdicts if v.rule == metric}
    if judged:
        for code in one_class:
            assert (judged[code].outcome, judged[code].because) == ("not_evaluable", "no_cases")
            assert (judged[code].p_fail, judged[code].p_pass) == (None, None)
        stated = {code for code, estimate in found.items() if rungs(estimate.group) == ("level", "country")} - one_class
        assert stated
        assert all(judged[code].because != "no_cases" for code in stated)


def test_people_without_a_citizenship_are_a_group(halves: Halves) -> None:
    assert round(100 * sum(row["citizenship"] == "0" for row in halves.all) / len(halves.all)) == 58
    missing = halves.tally(lambda row: row["citizenship"])["0"]
    assert 0.55 < missing / len(halves.evaluation) < 0.62
    by_rung = {rungs(row.group)[0]: row for row in halves.result.rows if codes(row.group) == ("unknown",)}
    assert set(by_rung) == {"country", "m49-subregion", "m49-region"}
    for row in by_rung.values():
        assert row.read == row.attribute_unknown == missing
    assert halves.result.rows[0].attribute_unknown == missing
    women = halves.tally(lambda row: (row["gender"], row["citizenship"]))["Female", "0"]
    assert strata_rows(halves.result)["woman", "unknown"] == women


def strata_rows(result: AuditResult) -> dict[tuple[str, ...], int]:
    return {codes(row.group): row.read for row in result.rows if rungs(row.group) == ("level", "country")}


def test_no_row_is_dropped(halves: Halves) -> None:
    everyone = halves.result.rows[0]
    assert everyone.read == everyone.scored == len(halves.evaluation) == 7150
    assert everyone.unlabelled == halves.tally(lambda row: row["isForcedLabour"])["-99"] > 0
    families: Counter[tuple[tuple[str, str], ...]] = Counter()
    for row in halves.result.rows[1:]:
        assert row.read == row.scored + row.abstained + row.failed == row.labelled + row.unlabelled
        families[tuple((level.feature, level.rung) for level in row.group.levels)] += row.read
    assert len(families) == 7
    assert set(families.values()) == {7150}


def test_the_model_is_given_neither_gender_nor_citizenship(halves: Halves) -> None:
    system = halves.result.system
    assert (system.kind, system.features, system.sensitive_features_used) == ("skops", tuple(FEATURES), ())
    assert [feature.given_to_detector for feature in halves.result.features] == [False, False]


def test_too_little_is_known_for_a_pass(halves: Halves) -> None:
    assert halves.result.overall.outcome in ("fail", "inconclusive")
    assert all(rule.outcome != "pass" for rule in halves.result.rules)
