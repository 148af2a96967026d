"""Small audits for tests of what may leave the house."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from audit.disclosure.digests import KEY as FILE
from audit.disclosure.restricted import COUNTER

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
[groups.site]
column = "site"
expected = ["north", "south"]
[[rules]]
metric = "true_positive_rate"
groups = ["gender", ["gender", "site"]]
margin = 0.1
"""
KEY = bytes(range(32))
COUNTS = {("woman", "north"): (311, 187), ("woman", "south"): (243, 51), ("man", "north"): (297, 241),
          ("man", "south"): (271, 223), ("non-binary", "north"): (7, 3), ("unknown", "west"): (43, 31)}  # fmt: skip
"""Victims, and how many of them are found; 97 more others, of whom a tenth as many are flagged."""

FEW = {("woman", "north"): (40, 8), ("woman", "south"): (40, 9), ("man", "north"): (40, 36), ("man", "south"): (40, 35)}
"""A set that fails as soon, for audits that are made many times."""


def write_set(folder: Path, plan: str = PLAN, counts: Mapping[tuple[str, str], tuple[int, int]] = COUNTS) -> Path:
    """A set and its plan. Ids and an unused column hold a word that must be in no output."""
    rows = ["case,label,score,sex,site,note"]
    for (sex, site), (victims, found) in counts.items():
        at = f"{sex},{site},CANARY-NOTE"
        rows += [f"CANARY-{sex}-{site}-{n},1,{0.9 if n < found else 0.1},{at}" for n in range(victims)]
        rows += [f"CANARY-{sex}-{site}-o{n},0,{0.9 if n < victims // 10 else 0.1},{at}" for n in range(victims + 97)]
    (folder / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    return folder / "plan.toml"


def keep_key(restricted: Path) -> Path:
    """A restricted folder whose key is known, so that its noise is the same in every test."""
    restricted.mkdir(mode=0o700, exist_ok=True)
    (restricted / FILE).write_text(KEY.hex() + "\n", encoding="ascii")
    (restricted / FILE).chmod(0o600)
    (restricted / COUNTER).write_text('{"last":null,"releases":0}', encoding="ascii")
    return restricted
