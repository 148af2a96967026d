"""Logging an audit to MLflow, in a local store of MLflow's own, in a process of its own: it puts hooks into one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made.entry_points import offered_by_this_version
from made.published import keep_key, write_set
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.mlflow_run import log_audit
from audit.errors import AuditError
from audit.public.finding_list import findings_of, tally_of_rule
from audit.public.release import PublicRelease
from audit.result.file import load_result

ROOT = Path(__file__).resolve().parents[2]
LOG = """
import json, sys
from audit.errors import AuditError
from audit.cli.mlflow_run import log_audit
from audit.result.file import load_result
try:
    log_audit("audit-out")
except AuditError as error:
    printed = [error.slug]
import mlflow
loaded = load_result("audit-out/result.json")
runs = []
with mlflow.start_run() as run:
    log_audit("audit-out")
    runs.append(run.info.run_id)
with mlflow.start_run() as run:
    log_audit(loaded)
    runs.append(run.info.run_id)
with mlflow.start_run() as run:
    runs.append(run.info.run_id)
log_audit("audit-out", run_id=runs[-1], restricted=True)
def files(client, run, folder=""):
    for each in client.list_artifacts(run, folder):
        yield from files(client, run, each.path) if each.is_dir else [each.path]
client = mlflow.MlflowClient()
for run in runs:
    data = client.get_run(run).data
    tags = {name: value for name, value in data.tags.items() if name.startswith("audit7k")}
    printed.append({"metrics": data.metrics, "tags": tags, "files": sorted(files(client, run))})
print(json.dumps(printed))
"""
PAGE = (ROOT / "docs" / "how-to" / "pipeline.md").read_text(encoding="utf-8")
(SHOWN,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which an audit was run, with a key that is kept beside its public files."""
    folder = tmp_path_factory.mktemp("logged")
    write_set(folder)
    (folder / "audit-out").mkdir()
    keep_key(folder / "audit-out" / "restricted")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.syspath_prepend(str(offered_by_this_version(tmp_path_factory.mktemp("site"))))
        assert CliRunner().invoke(app, ["run", "plan.toml", "--no-crosscheck"]).exit_code == 1
    (folder / "audit-out" / "restricted.md").touch()
    return folder


@pytest.fixture(scope="module")
def logged(folder: Path) -> list[Any]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_TRACKING_URI": (folder / "store").as_uri(),
        "GIT_PYTHON_REFRESH": "quiet",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOG + SHOWN],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(shown, list)
    return shown


def test_what_is_logged_is_what_is_public(folder: Path, logged: list[Any]) -> None:
    public = folder / "audit-out" / "public"
    release = PublicRelease.model_validate_json((public / "release.json").read_bytes())
    run = logged[1]
    assert run["tags"]["audit7k.verdict"] == "fail"
    assert run["tags"]["audit7k.plan_sha256"] == release.about.plan_sha256
    tally = tally_of_rule(findings_of(release), "true_positive_rate")
    assert run["metrics"] == {
        "audit7k/exit_code": 1.0,
        "audit7k/true_positive_rate/exit_code": 1.0,
        "audit7k/true_positive_rate/beyond_limit": tally.beyond,
        "audit7k/true_positive_rate/within_limit": tally.within,
        "audit7k/true_positive_rate/cannot_tell": tally.cannot_tell,
        "audit7k/true_positive_rate/not_judged_alone": tally.not_judged_alone,
        "audit7k/true_positive_rate/no_rate": tally.no_rate,
    }
    assert tally.beyond > 0
    assert run["files"] == sorted(f"audit7k/public/{file.name}" for file in public.iterdir())


def test_of_a_result_in_memory_the_verdict_alone_is_logged(logged: list[Any]) -> None:
    assert (logged[2]["metrics"], logged[2]["files"]) == ({"audit7k/exit_code": 1.0}, [])
    assert logged[2]["tags"] == logged[1]["tags"]


def test_exact_outcomes_only_where_they_are_asked_for_and_never_rows_or_the_key(
    folder: Path, logged: list[Any]
) -> None:
    result = load_result(folder / "audit-out" / "result.json")
    run = logged[3]
    assert run["metrics"]["audit7k/true_positive_rate/beyond_limit"] == result.rules[0].groups_by_outcome["fail"]
    assert run["metrics"]["audit7k/true_positive_rate/coverage"] == result.rules[0].coverage
    assert run["files"] == ["audit7k/restricted/restricted.md", "audit7k/restricted/result.json"]
    stored = b"".join(file.read_bytes() for file in (folder / "store").rglob("*") if file.is_file())
    assert b"CANARY" not in stored
    assert bytes(range(32)).hex().encode() not in stored


def test_it_says_what_is_missing(logged: list[Any], tmp_path: Path) -> None:
    assert logged[0] == "no-mlflow-run"
    with pytest.raises(AuditError, match=r"release\.json cannot be read"):
        log_audit(tmp_path)
    with pytest.raises(AuditError):
        log_audit(tmp_path, restricted=True)


def test_a_run_without_mlflow_is_told_to_install_it(folder: Path) -> None:
    code = (
        "import sys; sys.modules['mlflow'] = None; from audit.cli.mlflow_run import log_audit; log_audit('audit-out')"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert "MLflow is not installed" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("restricted", [False, True])
def test_a_verdict_of_another_set_is_not_logged(folder: Path, restricted: bool) -> None:
    """It is refused before MLflow is asked for a run."""
    cases = folder / "cases.csv"
    content = cases.read_bytes()
    try:
        cases.write_bytes(content.replace(b",0.9,", b",0.8,", 1))
        with pytest.raises(AuditError) as refused:
            log_audit(folder / "audit-out", run_id="none", restricted=restricted)
    finally:
        cases.write_bytes(content)
    assert refused.value.slug == "stale-result"
