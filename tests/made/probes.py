"""Small audits with probes: a set of texts, a detector of a few lines beside its plan, and the plan."""

from __future__ import annotations

import csv
import importlib.resources
import random
import textwrap
from pathlib import Path

PLAN = """\
schema = 1
[audit]
title = "Advert screener"
owner = "An office"
use = "moderation"
route = "services"
[detector]
{detector}
[evaluation_set]
path = "set.csv"
id = "case_id"
label = "exploited"
label_source = "made for a test"
{set_keys}
[groups.gender]
column = "gender"
[groups.nationality]
column = "nationality"
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.2
{more}
"""
RUN = 'kind = "python"\nentry = "beside:score"\nfeatures = ["text"]\nthreshold = 0.5'
WORDS = 'import re\ndef words(text):\n    return re.findall(r"[a-zà-ÿ’-]+", text.lower())\n'
LEXICON = WORDS + textwrap.dedent(
    """
    SIGNS = {"papers": 0.25, "passport": 0.25, "debt": 0.2, "visa": 0.1, "cash": 0.15, "fee": 0.2, "keeps": 0.1}
    def base(text):
        return 0.15 + sum(SIGNS.get(word, 0.0) for word in sorted(set(words(text))))
    """
)
IGNORES = LEXICON + "def score(batch):\n    return [base(text) for text in batch.column('text').to_pylist()]\n"
"""A lexicon that knows no word for a nationality or a gender."""


def write_texts(folder: Path, count: int, name: str = "adverts") -> str:
    """Write the first of the package's texts to a file of the plan's own; returns the line that names it."""
    data = importlib.resources.files("audit.scoring.probing").joinpath("data", f"{name}.toml")
    first = data.read_text(encoding="utf-8").split("\n\n[[templates]]")[: count + 1]
    (folder / "texts.toml").write_text("\n\n[[templates]]".join(first) + "\n", encoding="utf-8")
    return 'templates = "texts.toml"\n'


def write_audit(
    folder: Path, more: str, code: str = IGNORES, *, detector: str = RUN, set_keys: str = "", rows: int = 400
) -> Path:
    """Write set, detector and plan; `more` are the probes and the rules on them. Returns the plan's path."""
    draw = random.Random(7)
    with (folder / "set.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("case_id", "exploited", "gender", "nationality", "text", "pay", "channel"))
        for row in range(rows):
            exploited = draw.random() < 0.5
            signs = "papers kept, debt to pay, cash" if exploited else "contract, holidays"
            gender, nationality = draw.choice(("woman", "man")), draw.choice(("NGA", "PHL", "ROU"))
            text = f"Work offered: {signs}"
            writer.writerow((f"c{row}", int(exploited), gender, nationality, text, 5 + row % 9, f"ch{row % 25}"))
    (folder / "beside.py").write_text(code, encoding="utf-8")
    plan = folder / "plan.toml"
    plan.write_text(PLAN.format(detector=detector, set_keys=set_keys, more=more), encoding="utf-8")
    return plan
