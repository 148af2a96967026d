"""Seven plans on one set in a folder of Parquet: what a laptop and Spark must count alike."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

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
        _SCORE,
        "",
        '[control_features.source]\ncolumn = "source"\n[control_sample]\ncolumn = "drawn"\nvalues = ["yes"]',
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
            "age": np.where(rng.random(rows) < 0.5, "under 18", "18 and older"),
        }
    )
    (folder / "set").mkdir()
    third = rows // 3
    for place in range(3):
        pq.write_table(table.slice(place * third, third), folder / "set" / f"part-{place}.parquet")
    for name, (answer, of_set, more) in PLANS.items():
        text = _PLAN.format(answer=answer, path="set", set=of_set, more=more)
        (folder / f"{name}.toml").write_text(text)
    _write_earlier(folder)


def _write_earlier(folder: Path) -> None:
    from audit.result.json_text import result_to_json
    from audit.run import run_audit

    before = folder / "before"
    before.mkdir()
    plan = before / "plan.toml"
    plan.write_text(_PLAN.format(answer=_SCORE.replace('"score"', '"before"'), path="../set", set="", more=""))
    (before / "result.json").write_text(result_to_json(run_audit(plan, crosscheck=False)))
