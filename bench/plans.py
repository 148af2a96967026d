"""The plan that the measured audits follow: two rules over gender, nationality with its ladder, and both."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

THRESHOLD: Final = 0.5
"""A case is flagged from this score on."""

Decided = Literal["decision", "score"]

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
}


def write_plan(data: Path, *, decided: Decided = "score") -> Path:
    """Write a plan for `data` beside it, and return its path."""
    path = data.with_suffix(f".{decided}.toml")
    path.write_text(_PLAN.format(decided=_DECIDED[decided], data=data.name), encoding="utf-8")
    return path
