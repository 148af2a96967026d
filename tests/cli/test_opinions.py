"""What `run` says of the other libraries, and that it gives no verdict where one disagrees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from made.replaced import replaced
from made.stand_in import BROKEN, WRONG, aif360_of, python_without_aif360
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.pages.summary_lines import opinion_line
from audit.errors import ExitCode
from audit.result.audit_result import AuditResult
from audit.result.file import load_result

PLAN = """
schema = 1
[audit]
title = "Screener"
owner = "Nobody"
use = "hotline-triage"
route = "services"
[detector]
kind = "predictions"
score = "score"
threshold = 0.5
[evaluation_set]
path = "cases.csv"
id = "case"
label = "label"
label_source = "made by hand"
[groups.gender]
column = "sex"
map = { F = "woman", M = "man" }
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.10
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = ["case,label,score,sex"]
    rows += [f"{sex}{n},1,{0.9 if n % 5 else 0.1},{sex}" for sex in "FM" for n in range(400)]
    rows += [f"{sex}n{n},0,0.1,{sex}" for sex in "FM" for n in range(20)]
    (tmp_path / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    return tmp_path


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_run_compares_and_says_with_whom(here: Path) -> None:
    code, out, _ = invoke("run", "--restricted", "plan.toml")
    assert code == ExitCode.PASS
    # three rates of everyone and two groups; differences of these, and ratios but to a rest nobody of which is flagged
    assert "Checked: fairlearn 0.15.0 and aif360 0.6.1 agree on 19 rates and disparities" in out
    result = load_result(here / "audit-out" / "result.json")
    assert result.further.crosscheck_state == "agreed"
    assert [one.row_groups_compared for one in result.further.crosscheck] == [3, 3]


def test_a_run_that_did_not_compare_says_so_and_records_it(here: Path) -> None:
    code, out, _ = invoke("run", "--restricted", "plan.toml", "--no-crosscheck")
    assert code == ExitCode.PASS
    assert "Checked: no other library was asked for the same numbers" in out
    document = json.loads((here / "audit-out" / "result.json").read_text(encoding="utf-8"))
    assert (document["further"]["crosscheck"], document["further"]["crosscheck_state"]) == ([], "not_asked")
    assert "crosscheck-skipped" in [notice["code"] for notice in document["notices"]]


def test_a_library_that_disagrees_leaves_one_line_no_verdict_and_no_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(aif360_of(here / "site-packages", WRONG)))
    code, out, err = invoke("run", "--restricted", "plan.toml", "--quiet")
    assert code == ExitCode.NOT_JUDGED
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: aif360 0.6.1 and this tool differ by 1 in the true_positive_rate of everyone: ")
    assert "no verdict is given" in line
    assert not (here / "audit-out" / "result.json").exists()
    assert invoke("gate", "--restricted", "plan.toml", "--quiet")[0] == ExitCode.PASS


@pytest.mark.parametrize(
    ("metrics", "version", "text"),
    [
        (BROKEN, "0.6.1", "aif360 was asked for the same rates and could not answer; nothing here was compared"),
        (WRONG, "0.7.0", "aif360 0.7.0 is a version that this tool has not been tried with; it was not asked"),
        (WRONG, "0.4.0", "aif360 0.4.0 is a version that this tool has not been tried with; it was not asked"),
    ],
)
def test_a_library_that_is_broken_or_of_another_version_costs_no_verdict_and_is_said(
    here: Path, monkeypatch: pytest.MonkeyPatch, metrics: str, version: str, text: str
) -> None:
    monkeypatch.syspath_prepend(str(aif360_of(here / "site-packages", metrics, version)))
    code, out, err = invoke("run", "--restricted", "plan.toml")
    assert code == ExitCode.PASS
    assert "Checked: fairlearn 0.15.0 agrees on 19 rates and disparities" in out
    assert "quotes a row" not in out + err
    result = load_result(here / "audit-out" / "result.json")
    assert [one.library for one in result.further.crosscheck] == ["fairlearn 0.15.0"]
    (notice,) = [one for one in result.notices if one.code == "crosscheck-missing"]
    assert notice.text.startswith(text)


def test_a_library_that_is_not_installed_costs_no_verdict_and_is_said(here: Path) -> None:
    (here / "packages").mkdir()
    python, environment = python_without_aif360(here / "packages")
    run = [*python, "-m", "audit", "run", "--restricted", "plan.toml"]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "agrees on 19 rates" in done.stdout) == (ExitCode.PASS, True), done.stderr
    result = load_result(here / "audit-out" / "result.json")
    (notice,) = [one for one in result.notices if one.code == "crosscheck-missing"]
    assert notice.text.startswith("aif360 is not installed and was not asked for the same rates")


def test_a_process_that_cannot_be_started_costs_no_verdict(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(here / "no-python"))
    code, out, _ = invoke("run", "--restricted", "plan.toml")
    assert code == ExitCode.PASS
    assert "Checked: neither fairlearn nor AIF360 could be asked" in out
    result = load_result(here / "audit-out" / "result.json")
    assert result.further.crosscheck_state == "no_answer"
    assert [one.code for one in result.notices].count("crosscheck-missing") == 2


def test_one_library_alone_agrees(here: Path) -> None:
    invoke("run", "--restricted", "plan.toml", "--quiet")
    result: AuditResult = load_result(here / "audit-out" / "result.json")
    alone = replaced(result, crosscheck=result.further.crosscheck[:1])
    assert opinion_line(alone) == "Checked: fairlearn 0.15.0 agrees on 19 rates and disparities"
