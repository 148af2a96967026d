"""A command reads its plan file once: what it runs, judges and keeps is then of one and the same plan."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from made.changes import write_result_of
from made.pools import GROUPS, POOL, RULE, Pool, usual_pool
from made.probes import write_audit
from made.sets import write_set
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.testing.audit_of_plan import PlanRequest, judge_plan
from audit.plan.file import plan_file
from audit.result.audit_result import AuditResult
from audit.run import run_audit
from audit.worlds.demo import prepare

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
[waivers]
file = "waivers.toml"
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
"""
PROBE = '[[probes]]\nid = "words"\nkind = "text"\ncolumn = "text"\nslots = ["demonym"]\n'
DESIGN = f"{POOL}\n[draw]\nallocation = 'decidable'\nsize = 160\nseed = 3\n{GROUPS}{RULE}"
CASES: Pool = {
    "case": [str(case) for case in range(400)],
    "label": [*["1"] * 200, *["0"] * 200],
    "score": [*["0.9", "0.9", "0.1", "0.9"] * 100],
    "sex": [*["woman", "man"] * 200],
}
COMMANDS = {
    "run plan.toml --baseline earlier --report json": ["plan.toml", "waivers.toml"],
    "run plan.toml --restricted --report junit --repeat 1 --waivers other.toml": ["plan.toml", "other.toml"],
    "gate plan.toml": ["plan.toml", "waivers.toml"],
    "gate plan.toml --cache cache": ["plan.toml", "waivers.toml"],
    "gate plan.toml --baseline earlier --restricted": ["plan.toml", "waivers.toml"],
    "run kept.toml --restricted --report junit --changed-only": ["kept.toml"],
    "gate kept.toml --cache cache --changed-only": ["kept.toml"],
    "gate kept.toml --sequential night.json": ["kept.toml"],
    "gate earlier --inputs-elsewhere --sequential nights.json": ["plan.toml"],
    "gate earlier --inputs-elsewhere": ["plan.toml"],
    "gate earlier --inputs-elsewhere --waivers other.toml": ["plan.toml", "other.toml"],
    "check plan.toml": ["plan.toml"],
    "check plan.toml --digest": ["plan.toml"],
    "power plan.toml": ["plan.toml"],
    "probes probed/plan.toml": ["plan.toml"],
    "draw pool.csv --design design.toml": ["design.toml"],
    "report earlier --format csv": ["plan.toml"],
    "report earlier --restricted --format junit": ["plan.toml"],
    "compare earlier later": ["plan.toml"],
    "compare earlier later --plan plan.toml": ["plan.toml"],
    "remedy plan.toml": ["plan.toml"],
    "remedy earlier": ["plan.toml"],
    "demo --restricted": ["plan.toml"],
}
"""Files of ours that each command reads, once each."""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Names of the TOML files that are read, with how often, in a folder with an audit in it."""
    monkeypatch.chdir(tmp_path)
    write_set(tmp_path / "cases.csv", CASES)
    write_set(tmp_path / "pool.csv", usual_pool())
    (tmp_path / "probed").mkdir()
    write_audit(tmp_path / "probed", PROBE)
    for name, content in {
        "plan": PLAN,
        "waivers": "waivers = []\n",
        "other": "waivers = []\n",
        "design": DESIGN,
    }.items():
        Path(f"{name}.toml").write_text(content, encoding="utf-8")
    Path("kept.toml").write_text(PLAN.replace('[waivers]\nfile = "waivers.toml"\n', ""), encoding="utf-8")
    for out in ("earlier", "later"):
        write_result_of(Path("plan.toml"), Path(out))
    counted: Counter[str] = Counter()
    bytes_of = plan_file._bytes_of

    def counting(path: Path, *rest: Any) -> bytes:
        counted[path.name] += 1
        return bytes_of(path, *rest)

    monkeypatch.setattr(plan_file, "_bytes_of", counting)
    return counted


def without_peers(*arguments: Any, **options: Any) -> AuditResult:
    return run_audit(*arguments, **{**options, "crosscheck": False})


def test_a_command_reads_each_of_its_files_once(read: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.run.run_audit", without_peers)
    for cases in ("EVALUATION_CASES", "TRAINING_CASES"):
        monkeypatch.setattr(prepare, cases, 100)
    found = {}
    for command in COMMANDS:
        done = CliRunner().invoke(app, command.split())
        assert done.exit_code in (0, 1, 3) or "large enough to be judged in both halves" in done.output, (
            f"{command}: {done.output}"
        )
        found[command] = dict(read)
        read.clear()
    assert found == {command: dict.fromkeys(names, 1) for command, names in COMMANDS.items()}


def test_pytest_reads_a_plan_once(read: Counter[str]) -> None:
    for exact in (False, True):
        judge_plan(PlanRequest(Path("plan.toml").resolve(), Path.cwd(), exact=exact))
        assert read.pop("plan.toml") == 1
