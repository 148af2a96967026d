"""The same plan and data give the same result, whatever the machine happens to be set to."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audit.result.json_text import result_to_json
from audit.run import run_audit

PLAN = """
schema = 1
[audit]
title = "Same bytes"
owner = "nobody"
use = "hotline-triage"
route = "services"
[detector]
kind = "python"
entry = "detector:score"
features = ["signal"]
threshold = 0.5
[evaluation_set]
path = "set.csv"
id = "id"
label = "label"
label_source = "made by the test"
numbers = ["signal"]
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
metric = "precision"
groups = ["gender"]
ratio = 0.80
[verdict]
compare_with = ["rest", "overall"]
[scoring]
batch_size = 97
"""

RUN = """
import os, sys
if sys.argv[2]:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from audit import run_audit
from audit.result.json_text import result_to_json
sys.stdout.write(result_to_json(run_audit(sys.argv[1])))
"""


def _rows() -> list[list[str]]:
    rng = random.Random(7)
    rows = []
    for number in range(3_000):
        label = int(rng.random() < 0.4)
        rows.append(
            [
                f"case-{number}",
                str(label) if rng.random() < 0.97 else "",
                rng.choice(["woman", "man", "non-binary", ""]),
                rng.choice(["NA", "NGA", "FR", "XXA", "076", ""]),
                repr(rng.gauss(0.35 + 0.3 * label, 0.2)),
            ]
        )
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("same")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    (folder / "detector.py").write_text(
        "import numpy as np\n"
        "def score(batch):\n"
        "    signal = batch.column('signal').to_numpy(zero_copy_only=False)\n"
        "    return 1 / (1 + np.exp(-4 * (signal - 0.5)))\n",
        encoding="utf-8",
    )
    _write(folder, _rows())
    return folder


def _write(folder: Path, rows: list[list[str]]) -> None:
    with (folder / "set.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label", "gender", "nationality", "signal"])
        writer.writerows(rows)


def _result(folder: Path, *, one_core: bool = False, **env: str) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-c", RUN, str(folder / "plan.toml"), "1" if one_core else ""],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        env={**os.environ, **env},
    )
    document: dict[str, Any] = json.loads(answer.stdout)
    return document


@pytest.fixture(scope="module")
def here(folder: Path) -> dict[str, Any]:
    """The result of this process, which the others are held against."""
    document: dict[str, Any] = json.loads(result_to_json(run_audit(folder / "plan.toml")))
    return document


def _without_provenance(document: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in document.items() if key != "provenance"})


def _without_times(document: dict[str, Any]) -> str:
    provenance = dict(document["provenance"])
    for moment in ("started", "finished"):
        assert provenance.pop(moment)
    return json.dumps({**document, "provenance": provenance})


def test_only_the_times_differ_between_two_machines(folder: Path, here: dict[str, Any]) -> None:
    there = _result(folder, one_core=True, PYTHONHASHSEED="77", TZ="Pacific/Kiritimati", LC_ALL="tr_TR.UTF-8")
    assert _without_times(here) == _without_times(there)
    assert here["rows"][0]["read"] == 3_000


def test_the_order_of_the_rows_changes_nothing_but_the_digest_of_the_file(
    folder: Path, here: dict[str, Any], tmp_path: Path
) -> None:
    rows = _rows()
    random.Random(1).shuffle(rows)
    shuffled = Path(shutil.copytree(folder, tmp_path / "shuffled"))
    _write(shuffled, rows)
    after = json.loads(result_to_json(run_audit(shuffled / "plan.toml")))
    assert _without_provenance(here) == _without_provenance(after)
    assert here["provenance"]["evaluation_set_sha256"] != after["provenance"]["evaluation_set_sha256"]
