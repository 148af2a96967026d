"""Plan of the measured audits: two rules over gender, nationality with its ladder, and both."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

THRESHOLD: Final = 0.5
"""Lowest score of a flagged case."""

Decided = Literal["decision", "score", "file"]

_PLAN = """\
schema = 1

[audit]
title = "Made-up cases, to measure speed"
owner = "Nobody"
use = "victim-identification"
route = "both"

[detector]
kind = "predictions"
{decided}

[evaluation_set]
path = "{data}"
id = "case_id"
label = "label"
label_source = "made from a seed"

[groups.gender]
column = "gender"

[groups.nationality]
column = "nationality"
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

_DECIDED: dict[Decided, str] = {
    "decision": 'decision = "decision"',
    "score": f'score = "score"\nthreshold = {THRESHOLD}',
    "file": f'path = "{{answers}}"\nscore = "score"\nthreshold = {THRESHOLD}',
}


def write_plan(data: Path, *, decided: Decided = "score", crossed: bool = True) -> Path:
    """Write a plan for `data` beside it, and return its path. By `file`, scores are those of `answers_of(data)`.

    Without `crossed`, rules are about each feature by itself.
    """
    path = data.with_suffix(f".{decided}.toml")
    how = _DECIDED[decided].format(answers=answers_of(data).name)
    text = _PLAN.format(decided=how, data=data.name)
    path.write_text(text if crossed else text.replace(', ["gender", "nationality"]]', "]"), encoding="utf-8")
    return path


def answers_of(data: Path) -> Path:
    """Return the path of the predictions file of `data`."""
    return data.with_suffix(".answers.parquet")
