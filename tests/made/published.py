"""Small audits made public, and public reporters of third parties, for tests of what may leave the house."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from made.entry_points import offered_by_this_version

from audit.disclosure.gates import _answer

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
          ("man", "south"): (271, 223), ("non-binary", "north"): (7, 3), ("unknown", "west"): (23, 17)}  # fmt: skip
"""Victims, and how many of them are found; 97 more others, of whom a tenth as many are flagged."""


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
    restricted.mkdir(mode=0o700)
    (restricted / "key").write_text(KEY.hex() + "\n", encoding="ascii")
    (restricted / "key").chmod(0o600)
    return restricted


def install_reporters(site: Path, **bodies: str) -> None:
    """Offer what this version offers, and a third party's public reporters: name and body of `render`."""
    offered_by_this_version(site)
    info = site / "third_party-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n", encoding="utf-8")
    points = [f"{name} = third_{name}:Reporter" for name in bodies]
    (info / "entry_points.txt").write_text("\n".join(["[audit.public_reporters]", *points]) + "\n", encoding="utf-8")
    for name, body in bodies.items():
        (site / f"third_{name}.py").write_text(
            f"class Reporter:\n    name = '{name}'\n    filename = '{name}.txt'\n    audience = 'public'\n"
            "    languages = ('en', 'fr', 'ar')\n\n    def render(self, release):\n"
            + textwrap.indent(textwrap.dedent(body), " " * 8),
            encoding="utf-8",
        )


def render_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process of its own renders is rendered in this one: for tests of what is said, and not of where."""
    monkeypatch.setattr(
        "audit.disclosure.gates.in_fresh_process", lambda program, maker, handed, *_: _answer(maker, handed)
    )


def read_public(files: Mapping[str, bytes]) -> dict[str, Any]:
    """What the three files say: headline and words of each."""
    release = json.loads(files["release.json"])
    rows = {row["group"]: row for row in csv.DictReader(io.StringIO(files["groups.csv"].decode()))}
    suites = {suite.get("name"): suite for suite in ET.fromstring(files["junit.xml"])}
    return {"release": release, "csv": rows, "junit": suites}


def state_of(case: ET.Element) -> str:
    """failure, skipped or passed."""
    return next((kind for kind in ("failure", "skipped") if case.find(kind) is not None), "passed")
