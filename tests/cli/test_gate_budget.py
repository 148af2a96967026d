"""What a gate may cost, counted: modules that it loads, and queries that it asks. Time is measured elsewhere."""

from __future__ import annotations

import functools
import inspect
import json
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import AuditResult
from audit.result.json_text import result_to_json
from audit.run import run_audit
from audit.stages import Scope
from audit.verdicts.changes.baseline import load_baseline
from tools.bench.made_cases import write_answers, write_cases
from tools.bench.plans import write_plan

PROBE = """
import atexit, json, sys
atexit.register(lambda: print("\\nLOADED" + json.dumps(sorted(sys.modules)), file=sys.stderr))
from audit.cli import main
sys.argv = ["audit7k", *sys.argv[1:]]
main()
"""
FRAMEWORKS = {
    "pandas",
    "sklearn",
    "skops",
    "fairlearn",
    "aif360",
    "onnxruntime",
    "jinja2",
    "babel",
    "reports",
    "matplotlib",
    "ibis",
    "sqlglot",
}
ENGINES = {"numpy", "scipy", "duckdb", "pyarrow"}
NOT_OF_A_GATE = ("audit.analyses.further", "audit.analyses.crosscheck.", "audit.disclosure.publish",
                 "audit.disclosure.draws", "audit.disclosure.shape", "audit.analyses.records", "audit.safeguards",
                 "audit.analyses.score_quality", "audit.analyses.sensitivity",
                 "audit.analyses.subgroup_scan")  # fmt: skip
OF_A_RESULT, OF_A_QUIET_RESULT = 392, 354
"""Modules at most, of which 379 and 341 were counted; the rest is room for other versions of what they stand on.

33 of them are `importlib.metadata` and what it loads: pydantic imports it to look for plugins, allowed or not.
"""
OF_A_PLAN = 820
"""The same of a plan; 806 were counted. Arrow loads pandas where it makes its first array."""
QUERIES = 18
QUERIES_WITH_A_BASELINE = 27
"""The set is opened and checked once for both audits."""


def made(folder: Path, rows: int) -> Path:
    data = folder / f"cases-{rows}.parquet"
    write_cases(data, rows, seed=1, spread="even")
    write_answers(data)
    return write_plan(data, decided="file")


def loaded_by(*arguments: str) -> set[str]:
    command = [sys.executable, "-P", "-c", PROBE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode in (0, 1, 3), done.stderr
    loaded = set(json.loads(done.stderr.rpartition("LOADED")[2]))
    # numpy.f2py takes it where an environment has it: this one, for the documentation
    return {name for name in loaded if name.partition(".")[0] != "charset_normalizer"}


def test_a_gate_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    plan = made(tmp_path, 1_600)
    of_plan = loaded_by("gate", str(plan))
    roots = {name.partition(".")[0] for name in of_plan}
    assert roots >= ENGINES
    assert roots.isdisjoint(FRAMEWORKS)
    assert not [name for name in of_plan if name.startswith(NOT_OF_A_GATE)]
    assert len(of_plan) <= OF_A_PLAN, len(of_plan)

    for out, *more in (("out", "--restricted"), ("public",)):
        asked = ["run", str(plan), *more, "--no-crosscheck", "--report", "junit", "--out", str(tmp_path / out)]
        assert CliRunner().invoke(app, asked).exit_code in (0, 1, 3)
    for out, *arguments in (("public",), ("out",), ("out", "--restricted"), ("out", "--only", "true_positive_rate")):
        of_result = loaded_by("gate", str(tmp_path / out), "--inputs-elsewhere", *arguments)
        assert {name.partition(".")[0] for name in of_result}.isdisjoint(FRAMEWORKS | ENGINES)
        assert not [name for name in of_result if name.startswith("audit.plan.file")]
        assert len(of_result) <= OF_A_RESULT, len(of_result)
    assert len(loaded_by("gate", str(tmp_path / "out"), "--inputs-elsewhere", "--quiet")) <= OF_A_QUIET_RESULT


def test_annotations_of_plans_and_results_are_no_text_to_be_parsed() -> None:
    models: list[type[BaseModel]] = [AuditPlan, AuditResult]
    found: list[type[BaseModel]] = []
    while models:
        model = models.pop()
        assert not [text for text in inspect.get_annotations(model).values() if isinstance(text, str)], model
        found.append(model)
        inside = [one for field in model.model_fields.values() for one in _classes_in(field.annotation)]
        models += [one for one in inside if one not in {*found, *models}]
    assert len(found) > 80


def _classes_in(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [one for part in typing.get_args(kind) for one in _classes_in(part)]


def test_a_verdict_alone_is_that_of_the_whole_result(tmp_path: Path) -> None:
    plan = made(tmp_path, 8_000)
    whole, alone = (run_audit(plan, crosscheck=False, scope=scope) for scope in (Scope.RECORDS, Scope.VERDICTS))
    assert (alone.overall, alone.rules, alone.verdicts) == (whole.overall, whole.rules, whole.verdicts)
    assert not [*alone.counts, *alone.estimates, *alone.safeguards]


def test_a_gate_asks_as_many_queries_of_many_strata_as_of_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for name in ("execute", "sql", "query", "executemany"):
        monkeypatch.setattr(duckdb.DuckDBPyConnection, name, _counting(name, asked))
    counts = []
    for rows in (80, 8_000):
        asked.clear()
        plan = made(tmp_path, rows)
        before = tmp_path / f"{rows}.json"
        before.write_text(result_to_json(run_audit(plan, crosscheck=False, scope=Scope.RECORDS)), encoding="utf-8")
        alone = len(asked)
        run_audit(plan, crosscheck=False, scope=Scope.VERDICTS, baseline=load_baseline(before))
        counts.append((alone, len(asked) - alone))
    assert counts[0] == counts[1]
    assert 0 < counts[0][0] <= QUERIES < counts[0][1] <= QUERIES_WITH_A_BASELINE


def _counting(name: str, asked: list[str]) -> Callable[..., Any]:
    """The method of a connection as it is, that notes what it was asked."""
    own = getattr(duckdb.DuckDBPyConnection, name)

    @functools.wraps(own)
    def ask(*arguments: Any, **further: Any) -> Any:
        query = str(arguments[1])
        if not query.startswith(("SET ", "SELECT current_setting")):  # settings cost nothing, and read nothing
            asked.append(query)
        return own(*arguments, **further)

    return ask
