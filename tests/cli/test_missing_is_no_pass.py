"""What is expected and missing is never a pass: a group, a column, a class, a row, a file, a rule's groups."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from made.entry_points import offered_by_this_version
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.disclosure.read import parse_release
from audit.result.file import load_result

PLAN = """\
schema = 1
[audit]
title = "Screener"
owner = "Owner"
use = "victim-identification"
route = "services"
[detector]
kind = "predictions"
path = "answers.csv"
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
groups = ["gender", "site"]
margin = 0.2
[[rules]]
metric = "false_positive_rate"
groups = ["gender", "site"]
margin = 0.2
"""
Rows = list[dict[str, str]]
Change = Callable[[str, Rows, Rows], tuple[str, Rows, Rows]]


def made() -> tuple[str, Rows, Rows]:
    """A plan, cases and answers that pass: 200 victims and others of each gender and site, 80 and 10 % flagged."""
    cases, answers = [], []
    for sex in ("woman", "man"):
        for site in ("north", "south"):
            for label, flagged in (("1", 80), ("0", 10)):
                for number in range(200):
                    case = f"{sex}-{site}-{label}-{number}"
                    score = "0.9" if number % 100 < flagged else "0.1"
                    cases.append({"case": case, "label": label, "sex": sex, "site": site})
                    answers.append({"case": case, "score": score})
    return PLAN, cases, answers


def without_column(rows: Rows, column: str) -> Rows:
    return [{key: value for key, value in row.items() if key != column} for row in rows]


def _no_site(plan: str, cases: Rows, answers: Rows) -> tuple[str, Rows, Rows]:
    kept = [row for row in cases if row["site"] != "south"]
    return plan, kept, [row for row in answers if "-south-" not in row["case"]]


def _labels(label: str) -> Change:
    def change(plan: str, cases: Rows, answers: Rows) -> tuple[str, Rows, Rows]:
        return plan, [{**row, "label": label} for row in cases], answers

    return change


def _empty_column(column: str) -> Change:
    return lambda plan, cases, answers: (plan, [{**row, column: ""} for row in cases], answers)


CASES: dict[str, Change] = {
    "an expected group": _no_site,
    "a third expected group": lambda p, c, a: (p.replace('"south"]', '"south", "east"]'), c, a),
    "the column of a group": lambda p, c, a: (p, without_column(c, "sex"), a),
    "the values of a group": _empty_column("sex"),
    "the column of labels": lambda p, c, a: (p, without_column(c, "label"), a),
    "the labels": _empty_column("label"),
    "the column of ids": lambda p, c, a: (p, without_column(c, "case"), a),
    "the column of answers": lambda p, c, a: (p, c, without_column(a, "score")),
    "the ids of answers": lambda p, c, a: (p, c, without_column(a, "case")),
    "the answers": lambda p, c, a: (p, c, [{**row, "score": ""} for row in a]),
    "every other answer": lambda p, c, a: (p, c, a[::2]),
    "the answers on one gender": lambda p, c, a: (p, c, [row for row in a if not row["case"].startswith("man")]),
    "the answers on victims": lambda p, c, a: (p, c, [row for row in a if "-1-" not in row["case"]]),
    "every row of answers": lambda p, c, a: (p, c, a[:0]),
    "every row": lambda p, c, a: (p, c[:0], a),
    "every negative": _labels("1"),
    "every positive": _labels("0"),
    "every negative of one gender": lambda p, c, a: (p, [r for r in c if r["sex"] == "man" or r["label"] == "1"], a),
    "every other gender": lambda p, c, a: (p, [r for r in c if r["sex"] == "man"], a),
    "the groups of a rule": lambda p, c, a: (p.replace('groups = ["gender", "site"]', 'groups = ["age"]', 1), c, a),
    "every rule": lambda p, c, a: (p[: p.index("[[rules]]")], c, a),
    "the groups": lambda p, c, a: (p[: p.index("[groups.gender]")] + p[p.index("[[rules]]") :], c, a),
}


OF_CASES, OF_ANSWERS = ["case", "label", "sex", "site"], ["case", "score"]


def write(folder: Path, plan: str, cases: Rows, answers: Rows) -> None:
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    for name, rows, heads in (("cases", cases, OF_CASES), ("answers", answers, OF_ANSWERS)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]) if rows else heads)
            writer.writeheader()
            writer.writerows(rows)


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.syspath_prepend(str(offered_by_this_version(tmp_path / "site")))
    return tmp_path


def test_the_whole_set_passes(here: Path) -> None:
    write(here, *made())
    assert invoke("gate", "plan.toml")[0] == 0


@pytest.mark.parametrize("missing", CASES)
def test_what_is_missing_is_never_a_pass(here: Path, missing: str) -> None:
    write(here, *CASES[missing](*made()))
    code, out, err = invoke("gate", "plan.toml")
    assert code in (1, 3, 4), (out, err)
    assert "PASS" not in out
    if code == 4:
        assert err.startswith("error: ")
        assert err.count("\n") == 1
    assert invoke("gate", "plan.toml", "--on-inconclusive", "fail")[0] in (1, 4)


@pytest.mark.parametrize("name", ["cases.csv", "answers.csv", "plan.toml"])
@pytest.mark.parametrize("gone", ["removed", "emptied"])
def test_a_file_that_is_not_there_or_empty_is_never_a_pass(here: Path, name: str, gone: str) -> None:
    write(here, *made())
    if gone == "removed":
        (here / name).unlink()
    else:
        (here / name).write_bytes(b"")
    code, out, err = invoke("gate", "plan.toml")
    assert (code, out) == (4, "")
    assert err.count("\n") == 1


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema_version": 2}', "null"])
def test_a_result_that_is_none_is_never_a_pass(here: Path, text: str) -> None:
    (here / "result.json").write_text(text, encoding="utf-8")
    for target in ("result.json", "."):
        assert invoke("gate", target)[:2] == (4, "")
    assert invoke("gate", "nothing")[:2] == (4, "")


@pytest.mark.parametrize("missing", ["an expected group", "every negative", "the answers on one gender", "the labels"])
def test_no_file_says_that_what_is_missing_passes(here: Path, missing: str) -> None:
    """Where there is a result in spite of it, no report calls it a pass, exact or public."""
    write(here, *CASES[missing](*made()))
    code, out, err = invoke("run", "plan.toml", "--no-crosscheck", "--report", "json", "--report", "junit")
    if code == 4:
        assert not (here / "audit-out" / "result.json").exists()
        return
    assert code in (1, 3), (out, err)
    result = load_result(here / "audit-out" / "result.json")
    assert result.overall.outcome != "pass"
    open_rules = {rule.rule for rule in result.rules if rule.outcome != "pass"}
    public = here / "audit-out" / "public"
    release = parse_release((public / "release.json").read_bytes())
    assert release.headline.outcome != "pass"
    verdict = next(
        case for case in ET.parse(public / "junit.xml").getroot().iter("testcase") if case.get("classname") == "verdict"
    )
    assert len(verdict.findall("failure")) + len(verdict.findall("skipped")) == 1
    invoke("report", "audit-out", "--restricted", "--format", "junit")
    suites = ET.parse(here / "audit-out" / "junit.xml").getroot()
    for suite in suites.iter("testsuite"):
        own = next(case for case in suite.iter("testcase") if case.get("name") == f"rule {suite.get('name')}")
        passes = own.find("failure") is None and own.find("skipped") is None
        assert passes == (suite.get("name") not in open_rules)
    assert json.loads((public / "release.json").read_text(encoding="utf-8"))["headline"]["outcome"] != "pass"
