"""Two versions of a detector over one set, in a folder: a set, two files of predictions and their plans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from made.audits import result_of
from made.counts import cells as counted

from audit.result.audit_result import AuditResult
from audit.result.findings.change import Change
from audit.run import run_audit
from audit.stages import Scope
from audit.stats.arrays import IntArray
from audit.verdicts.changes.baseline import Baseline, Joined, Judged, change_from, with_change
from audit.vocabulary.groups import SensitiveFeature

__all__ = [
    "PLAN",
    "RULES",
    "ask",
    "cases",
    "found",
    "made_pair",
    "separately",
    "write_answers",
    "write_plan",
    "write_result_of",
]

RULES = """
[[rules]]
metric = "true_positive_rate"
groups = ["gender", "region"]
margin = 0.1
"""
PLAN = """
schema = 1
[audit]
title = "Screener {version}"
system = "Screener"
owner = "Owner"
use = "hotline-triage"
route = "services"
[detector]
kind = "predictions"
path = "answers-{version}.csv"
score = "score"
threshold = 0.5
[evaluation_set]
path = "set.csv"
id = "id"
label = "label"
label_source = "made for a test"
{section}
[groups.gender]
column = "gender"
[groups.region]
column = "region"
coding = "categorical"
{rules}
"""


def cases(rows: int = 2000, seed: int = 0) -> pd.DataFrame:
    """A set: half of the cases are positive, a few are unlabelled, four regions and two genders."""
    rng = np.random.default_rng(seed)
    label = np.where(rng.random(rows) < 0.02, "", np.where(rng.random(rows) < 0.5, "1", "0"))
    return pd.DataFrame(
        {
            "id": [f"c{number:05}" for number in range(rows)],
            "label": label,
            "gender": rng.choice(["woman", "man"], rows),
            "region": rng.choice(["north", "south", "east", "west"], rows),
        }
    )


def write_answers(folder: Path, version: int | str, ids: pd.Series, scores: pd.Series | np.ndarray) -> None:
    """A file of predictions; a missing score is an abstention."""
    table = pd.DataFrame({"id": ids, "score": scores})
    table.sample(frac=1.0, random_state=1).to_csv(folder / f"answers-{version}.csv", index=False)


def write_plan(folder: Path, version: int | str, rules: str = RULES, section: str = "", extra: str = "") -> Path:
    """The plan of a version."""
    plan = folder / f"plan-{version}.toml"
    plan.write_text(PLAN.format(version=version, rules=rules, section=section) + extra, encoding="utf-8")
    return plan


def made_pair(
    folder: Path, worse: float = 0.0, moved: float = 0.04, *, rows: int = 2000, unscored: float = 0.0
) -> pd.DataFrame:
    """Set, answers 1 and 2 and their plans: version 2 differs on `moved` of the cases, and misses `worse` more of the
    positives of the south.
    """
    table, rng = cases(rows), np.random.default_rng(1)
    positive = (table["label"] == "1").to_numpy()
    first = np.where(rng.random(rows) < np.where(positive, 0.8, 0.15), 0.9, 0.1)
    second = np.where(rng.random(rows) < moved, 1.0 - first, first)
    second[positive & (table["region"] == "south").to_numpy() & (rng.random(rows) < worse)] = 0.1
    for scores in (first, second):
        scores[rng.random(rows) < unscored] = np.nan
    table.to_csv(folder / "set.csv", index=False)
    for version, scores in ((1, first), (2, second)):
        write_answers(folder, version, table["id"], scores)
        write_plan(folder, version)
    return table.assign(then=first, now=second)


def ask(plan: Path, baseline: Path | None = None) -> AuditResult:
    """The audit of a plan, without what no verdict needs."""
    return run_audit(plan, crosscheck=False, scope=Scope.RECORDS, baseline=baseline)


def write_result_of(plan: Path, out: Path, baseline: Path | None = None) -> AuditResult:
    """The same, written into a folder."""
    from audit.result.json_text import result_to_json

    out.mkdir(exist_ok=True)
    result = ask(plan, baseline)
    (out / "result.json").write_text(result_to_json(result), encoding="utf-8")
    return result


Counts = Mapping[tuple[str], IntArray]
TPR = {"metric": "true_positive_rate", "groups": ["region"], "margin": 0.1}


def separately(
    then: Counts,
    now: Counts,
    feature: SensitiveFeature,
    rule: dict[str, object] | None = None,
) -> tuple[AuditResult, Change]:
    """Two audits of counts, compared as separate samples."""
    rules = [{**TPR, "groups": [feature.name], **(rule or {})}]
    before, after = (
        result_of(dict[tuple[str, ...], IntArray](rows.items()), [feature], rules, scope=Scope.RECORDS)
        for rows in (then, now)
    )
    change = change_from(Joined(Baseline(before, Path()), None, "other_set"), Judged.of(after))
    return with_change(after, change), change


def found(share: float, cases: int = 1000) -> IntArray:
    return counted(tp=round(share * cases), fn=cases - round(share * cases))
