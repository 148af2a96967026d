"""A small audit with scores, of two features, run for real: what figures of exact counts are drawn from."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from made.once import made_once

from audit.result.audit_result import AuditResult
from audit.run import run_audit

PLAN = """\
schema = 1
[audit]
title = "Screener"
owner = "Owner"
use = "victim-identification"
route = "services"
[detector]
kind = "predictions"
score = "score"
threshold = 0.5
[evaluation_set]
path = "cases.csv"
id = "case"
label = "label"
label_source = "made for a test"
[groups.gender]
column = "sex"
map = { F = "woman", M = "man" }
[groups.nationality]
column = "nation"
[[rules]]
id = "missed"
metric = "true_positive_rate"
groups = ["gender", "nationality"]
margin = 0.1
[[rules]]
id = "flagged"
metric = "false_positive_rate"
groups = ["gender"]
ratio = 0.8
direction = "both"
"""
NATIONS = ["NGA", "GHA", "ROU", "BGR", "UKR", "MDA", "THA", "VNM", "PHL", "MMR", "NPL", "BGD"]


@made_once
def scored_result() -> AuditResult:
    """Women of one nation score low."""
    rng = np.random.default_rng(7)
    rows = ["case,label,score,sex,nation"]
    for n in range(6000):
        nation, sex, label = NATIONS[int(12 * rng.random() ** 2)], "FM"[n % 2], int(rng.random() < 0.45)
        score = rng.beta(5, 2) if label else rng.beta(2, 5)
        score *= 0.55 if nation == "NGA" and sex == "F" and label else 1.0
        rows.append(f"{n},{label},{score:.4f},{sex},{nation}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
        return run_audit(folder / "plan.toml", crosscheck=False)
