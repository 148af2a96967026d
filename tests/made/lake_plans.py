"""Nine plans on one set in a folder of Parquet: what a laptop and Spark must count alike."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from made.rates import NPV, as_toml

_PLAN: Final = """schema = 1
[audit]
title = "Adverts, a made-up set"
owner = "Nobody"
use = "moderation"
route = "services"
limits_set_by = "The makers of the tests"
[detector]
kind = "predictions"
{answer}
[evaluation_set]
path = "{path}"
id = "id"
label = "label"
label_source = "made up"
{set}
[groups.gender]
column = "gender"
[groups.nationality]
column = "nationality"
ladder = ["country", "m49-subregion", "m49-region"]
[[rules]]
id = "missed"
metric = "true_positive_rate"
groups = ["gender", "nationality", ["gender", "nationality"]]
margin = 0.1
[[rules]]
id = "flags"
metric = "false_positive_rate"
groups = ["gender"]
margin = 0.1
{more}
"""
_SCORE: Final = 'score = "score"\nthreshold = 0.5'
_SAMPLE: Final = """[control_features.source]
column = "source"
[control_sample]
column = "drawn"
values = ["yes"]
[scoring]
batch_size = 500
order = "file"
most_failed_batches = 4"""
_FORMS: Final = """label_positive = ["sexual", "Labour"]
label_negative = ["none"]
label_missing = ["unclear"]
rows_are = "adverts"
period = ["2024-01-01", "2026-03-31"]"""
_EVERYTHING: Final = """[groups.age]
column = "age"
coding = "categorical"
children = ["under 18"]
missing = ["?"]
[groups.coded]
column = "gender"
coding = "gender"
codes = "unodc"
map = { boy = "man" }
expected = ["woman"]
reference = "woman"
min_cases = 50
[groups.foreign]
column = "nationality"
coding = "relation"
country = "NGA"
[[rules]]
metric = "precision"
groups = ["coded", ["age", "coded"], "foreign"]
ratio = 0.8
direction = "both"
expected_rate = 0.6
regression_margin = 0.1
on_fail = "warn"
reason = "made up"
[[rules]]
metric = "rightly_left_alone"
groups = ["gender"]
margin = 0.1
on_fail = "warn"
[verdict]
alpha = 0.1
min_coverage = 0.5
min_denominator = 4
power = 0.7
level = 0.9
seed = 3
max_failed = 0.2
releases = 8
compare_with = ["rest", "overall", "reference"]
[disclosure]
floor = 20
absent = []
unit = "row"
[deployment]
prevalence = 0.01
source = "made up"
[control_features.source]
column = "source"
missing = ["police"]
[control_sample]
column = "drawn"
values = ["YES"]
[sensitivity]
unknown_share_factor = 3.0
unknown_odds_factor = "worst"
max_missing_share = 0.2
reason = "made up"
[scan]
columns = ["stratum"]
features = ["gender"]
replicates = 19
penalty = 0.5
[costs]
cost_missed = 5
cost_flagged = 1
reason = "made up"
[decisions]
column = "form"
decision_positive = ["sexual"]
decision_negative = ["none"]
decision_missing = ["labour"]
verdict = 'counts'"""
_RATE: Final = "\n" + as_toml("rightly_left_alone", {**NPV, "expected_rate": 0.9})
PLANS: Final = {
    "plain": (_SCORE, "", ""),
    "weights": (_SCORE, 'weight = "weight"', ""),
    "strata": (_SCORE, 'stratum = "stratum"\nstratum_sizes = { rare = 9000, "o\'rest" = 20000 }', ""),
    "levels": (
        'score = "level"\nanswers = "ordinal"\nscore_range = [0, 4]\nthreshold = 2',
        "",
        '[decisions]\ncolumn = "flagged"',
    ),
    "decisions": ('decision = "flagged"', "", '[scan]\ncolumns = ["age", "source"]'),
    "sample": (
        _SCORE + '\nabstention_means = "not_flagged"',
        "",
        _SAMPLE,
    ),
    "forms": (
        'decision = "form"\ndecision_positive = ["sexual", "labour"]\ndecision_negative = ["none"]',
        _FORMS,
        '[forms]\nnamed = ["sexual", "labour"]',
    ),
    "everything": (
        _SCORE + '\nscore_range = [0, 1]\nabstention_means = "people_decide"',
        'weight = "weight"',
        _EVERYTHING + _RATE,
    ),
    "baseline": (_SCORE, "", '[baseline]\nresult = "before/result.json"\nregression_margin = 0.05'),
}
"""The detector's answer, more of [evaluation_set], and more sections, by name."""


def made_lake(folder: Path, rows: int = 6_000) -> None:
    """Write the set into `set/`, a plan beside it for each of `PLANS`, and the audit of an earlier version."""
    rng = np.random.default_rng(5)
    countries = ["NGA", "VNM", "BRA", "UKR", "ROU", "IND", None]
    label = rng.random(rows) < 0.3
    score = np.where(label, rng.beta(4, 2, rows), rng.beta(2, 5, rows)).round(4)
    forms = [("labour" if row % 3 else "sexual") if label[row] else "none" for row in range(rows)]
    table = pa.table(
        {
            "id": [f"case {row}" for row in range(rows)],
            "label": pa.array([None if row % 97 == 0 else int(label[row]) for row in range(rows)], pa.int64()),
            "gender": [["woman", "man", None][place] for place in rng.choice(3, rows, p=[0.6, 0.38, 0.02])],
            "nationality": [countries[place] for place in rng.choice(7, rows, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.08, 0.02])],
            "score": [None if row % 101 == 0 else float(score[row]) for row in range(rows)],
            "level": [None if row % 101 == 0 else int(4 * score[row]) for row in range(rows)],
            "before": [None if row % 103 == 0 else float(min(score[row] + 0.02, 1.0)) for row in range(rows)],
            "flagged": [bool(score[row] >= 0.5) for row in range(rows)],
            "weight": rng.choice([1.0, 1.5, 2.0], rows),
            "stratum": np.where(rng.random(rows) < 0.2, "rare", "o'rest"),
            "source": np.where(rng.random(rows) < 0.5, "hot\\line", "police"),
            "drawn": np.where(rng.random(rows) < 0.2, "yes", "no"),
            "kind": ["unclear" if row % 97 == 0 else form for row, form in enumerate(forms)],
            "form": [None if row % 89 == 0 else forms[(row + row // 8 % 2) % rows] for row in range(rows)],
            "age": np.where(rng.random(rows) < 0.5, "under 18", "18 and older"),
        }
    )
    (folder / "set").mkdir()
    third = rows // 3
    for place in range(3):
        pq.write_table(table.slice(place * third, third), folder / "set" / f"part-{place}.parquet")
    write_plans(folder)
    _write_earlier(folder)


def write_plans(folder: Path) -> None:
    """Write a plan for each of `PLANS`."""
    for name, (answer, of_set, more) in PLANS.items():
        text = _PLAN.format(answer=answer, path="set", set=of_set, more=more)
        (folder / f"{name}.toml").write_text(text.replace('"label"', '"kind"') if name == "forms" else text)


def _write_earlier(folder: Path) -> None:
    from audit.result.json_text import result_to_json
    from audit.run import run_audit

    before = folder / "before"
    before.mkdir()
    plan = before / "plan.toml"
    plan.write_text(_PLAN.format(answer=_SCORE.replace('"score"', '"before"'), path="../set", set="", more=""))
    (before / "result.json").write_text(result_to_json(run_audit(plan, crosscheck=False)))
